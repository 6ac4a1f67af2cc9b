//! A page as a list of commands with their expected output.
//!
//! Two kinds of blocks contain commands. In `console`, each command follows `$ `, and its output follows it: `…` in a
//! line stands for any text, and a line with only `…` for any lines. In `sh`, each line is a command or a comment, and
//! the output is not compared. A backslash at the end of a line continues the command. `code=1` means that the last
//! command of the block exits with that code. A `console terminal` block runs on in its own terminal. `sh
//! not-run=REASON` is not run; passwave's own parser still checks it, in `src/cli/args/pages_tests.rs`.

/// A command and its output.
pub struct Step {
    /// The line of the page with the command.
    pub line: usize,
    pub command: String,
    /// The expected output, line by line.
    pub output: Vec<String>,
    /// The expected exit code.
    pub code: u8,
    /// Whether it keeps running while the next commands are typed.
    pub runs_on: bool,
}

/// A fenced block: its first line, the text after its fence, and its lines.
pub struct Block<'a> {
    pub line: usize,
    pub info: &'a str,
    pub lines: Vec<&'a str>,
}

impl Block<'_> {
    /// The first word after the fence.
    pub fn language(&self) -> &str {
        self.info.split(' ').next().unwrap_or_default()
    }

    /// Why it is not run, if so.
    pub fn not_run(&self) -> Option<&str> {
        self.mark("not-run=")
    }

    fn mark(&self, name: &str) -> Option<&str> {
        self.info.split(' ').find_map(|mark| mark.strip_prefix(name))
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = match self.language() {
            "console" => self.with_output(),
            "sh" if self.not_run().is_none() => self.without_output(),
            _ => return Vec::new(),
        };
        let last = steps.last_mut().expect("a block has a command");
        last.code = self.mark("code=").map_or(0, |code| code.parse().expect("a code"));
        steps
    }

    fn with_output(&self) -> Vec<Step> {
        let runs_on = self.info.ends_with(" terminal");
        let mut steps: Vec<Step> = Vec::new();
        for (line, text) in (self.line + 1..).zip(&self.lines) {
            let carried_on = steps.last_mut().filter(|step| step.output.is_empty() && step.command.ends_with('\\'));
            match (text.strip_prefix("$ "), carried_on) {
                (Some(command), _) => steps.push(Step::new(line, command, runs_on)),
                (None, Some(step)) => step.command = format!("{}\n{text}", step.command),
                (None, None) => steps.last_mut().expect("a command comes first").output.push((*text).to_owned()),
            }
        }
        steps
    }

    fn without_output(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for (line, text) in (self.line + 1..).zip(&self.lines) {
            match steps.last_mut().filter(|step| step.command.ends_with('\\')) {
                Some(step) => step.command = format!("{}\n{text}", step.command),
                None if text.starts_with('#') => {}
                None => steps.push(Step::new(line, text, false)),
            }
        }
        steps.iter_mut().for_each(|step| step.output.push("…".to_owned()));
        steps
    }
}

impl Step {
    fn new(line: usize, command: &str, runs_on: bool) -> Self {
        Self { line, command: command.to_owned(), output: Vec::new(), code: 0, runs_on }
    }
}

/// The fenced blocks of a page.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            let lines = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
            blocks.push(Block { line: at + 1, info, lines });
        }
    }
    blocks
}

/// All commands of a page, in order.
pub fn read(page: &str) -> Vec<Step> {
    blocks(page).iter().flat_map(Block::steps).collect()
}

/// Whether the output `printed` matches what a page shows.
pub fn matches_page(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any.trim() == "…" => {
            (0..=printed.len()).any(|skipped| matches_page(rest, &printed[skipped..]))
        }
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, others)| line_matches(line, first) && matches_page(rest, others))
        }
    }
}

/// Whether one line matches what a page shows.
fn line_matches(shown: &str, printed: &str) -> bool {
    let Some((before, after)) = shown.trim_end().split_once('…') else {
        return shown.trim_end() == printed.trim_end();
    };
    let Some(rest) = printed.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| &rest[at..]).chain([""]).any(|rest| line_matches(after, rest))
}

#[test]
fn only_open_blocks_stay_open() {
    let matches_page = |shown: &str, printed: &str| {
        let shown: Vec<String> = shown.lines().map(str::to_owned).collect();
        matches_page(&shown, &printed.lines().collect::<Vec<_>>())
    };
    assert!(
        matches_page("a\n…\nz …!", "a\nb\nc\nz x!")
            && matches_page("a\n…", "a")
            && matches_page("… s", "1 s")
            && matches_page("…é", "ééé")
    );
    assert!(
        !matches_page("a", "b")
            && !matches_page("a", "a\nb")
            && !matches_page("a\nb", "a")
            && !matches_page("… s", "1 min")
            && !matches_page("a…", "b")
    );
}

#[test]
fn both_kinds_of_blocks_are_read() {
    let page = "Words\n```console code=2\n$ one \\\n  more\nsaid\n$ two\n```\n```sh\n# why\nthree \\\n  more\nfour\n```\n\
                ```sh not-run=tool\nnot\n```\n```powershell\nnot\n```\n";
    let steps = read(page);
    let seen: Vec<_> =
        steps.iter().map(|step| (step.line, step.command.as_str(), step.output.len(), step.code)).collect();
    let expected = [(3, "one \\\n  more", 1, 0), (6, "two", 0, 2), (10, "three \\\n  more", 1, 0), (12, "four", 1, 0)];
    assert_eq!(seen, expected);
}
