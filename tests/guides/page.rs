//! A guide as what it asks of its reader: commands, and what they will see.
//!
//! Commands stand in blocks of the kind `console`, after `$ `; a backslash at the end of a line carries one on. What a command
//! says follows it: `…` is anything in a line, and a line of it any lines. `console code=1` is a block whose last command
//! ends with that code, and `console terminal` one whose command goes on in a terminal of its own.

/// A command and what it says.
pub struct Deed {
    /// The line of the page that it stands on.
    pub line: usize,
    pub command: String,
    /// What it says, line by line.
    pub says: Vec<String>,
    /// How it ends.
    pub code: u8,
    /// Whether it goes on while the next ones are typed.
    pub goes_on: bool,
}

/// All that a page asks, in order.
pub fn read(page: &str) -> Vec<Deed> {
    let mut deeds: Vec<Deed> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((_, fence)) = lines.next() {
        let Some(kind) = fence.strip_prefix("```console") else { continue };
        let mut block: Vec<Deed> = Vec::new();
        for (at, line) in lines.by_ref().take_while(|(_, line)| *line != "```") {
            let carried_on = block.last_mut().filter(|deed| deed.says.is_empty() && deed.command.ends_with('\\'));
            match (line.strip_prefix("$ "), carried_on, block_goes_on(kind)) {
                (Some(command), _, goes_on) => {
                    let command = command.to_owned();
                    block.push(Deed { line: at + 1, command, says: Vec::new(), code: 0, goes_on });
                }
                (None, Some(deed), _) => deed.command = format!("{}\n{line}", deed.command),
                (None, None, _) => block.last_mut().expect("a command comes first").says.push(line.to_owned()),
            }
        }
        let code = kind.split("code=").nth(1).map_or(0, |code| code.trim().parse().expect("a code"));
        block.last_mut().expect("a block has a command").code = code;
        deeds.append(&mut block);
    }
    deeds
}

fn block_goes_on(kind: &str) -> bool {
    kind.trim() == "terminal"
}

/// Whether what was `said` is what a page shows.
pub fn agree(shown: &[String], said: &[&str]) -> bool {
    match shown.split_first() {
        None => said.is_empty(),
        Some((any, rest)) if any.trim() == "…" => (0..=said.len()).any(|skipped| agree(rest, &said[skipped..])),
        Some((line, rest)) => {
            said.split_first().is_some_and(|(first, others)| alike(line, first) && agree(rest, others))
        }
    }
}

/// Whether one line is what a page shows.
fn alike(shown: &str, said: &str) -> bool {
    let Some((before, after)) = shown.trim_end().split_once('…') else { return shown.trim_end() == said.trim_end() };
    let Some(rest) = said.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| &rest[at..]).chain([""]).any(|rest| alike(after, rest))
}

#[test]
fn what_is_left_open_is_left_open_and_nothing_else() {
    let agree = |shown: &str, said: &str| {
        let shown: Vec<String> = shown.lines().map(str::to_owned).collect();
        agree(&shown, &said.lines().collect::<Vec<_>>())
    };
    assert!(agree("a\n…\nz …!", "a\nb\nc\nz x!") && agree("a\n…", "a") && agree("… s", "1 s") && agree("…é", "ééé"));
    assert!(
        !agree("a", "b") && !agree("a", "a\nb") && !agree("a\nb", "a") && !agree("… s", "1 min") && !agree("a…", "b")
    );
    let deeds = read("Words\n```console code=2\n$ one \\\n  more\nsaid\n$ two\n```\n```sh\n$ not\n```\n");
    let seen: Vec<_> =
        deeds.iter().map(|deed| (deed.line, deed.command.as_str(), deed.says.len(), deed.code)).collect();
    assert_eq!(seen, [(3, "one \\\n  more", 1, 0), (6, "two", 0, 2)]);
}
