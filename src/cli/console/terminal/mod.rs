//! Text for users on stderr: what each event means to a user at a terminal.
//!
//! Colours only repeat what the words say. Under `--quiet`, only errors, warnings and prompts are printed.

mod bar;
mod finding;
mod fleet;
mod fleet_bar;
mod lines;
mod passwords;
mod plan;
mod reading;
mod result;
mod skipped;
mod waits;
mod writing;

pub use passwords::{sign_in, strength};
pub use plan::sealed_to;
pub use result::not_verified;

use super::{
    event::Event,
    stdio::{self, Mark, paint},
    verbosity::{EventLines, Verbosity},
};
use crate::cli::failure::Failure;
use fleet_bar::FleetBar;
use lines::Lines;
use passwave::{
    engine::run::RunEnd,
    graph::client::auth::Prompt,
    util::{
        format::{counted, short},
        sanitize,
    },
};
use reading::Reading;
use std::fmt;
use writing::Writing;

/// Shows events to the user.
pub struct Terminal {
    lines: Lines,
    events: EventLines,
    writing: Option<Writing>,
    reading: Option<Reading>,
    /// The progress over several tenants.
    fleet: Option<FleetBar>,
    /// Whether this process has listed the skipped rows and their reasons.
    has_listed_skipped: bool,
}

impl Terminal {
    pub fn new(verbosity: Verbosity, events: EventLines) -> Self {
        Self { lines: Lines(verbosity), events, writing: None, reading: None, fleet: None, has_listed_skipped: false }
    }

    /// Shows this event, if it is for users.
    pub fn handle(&mut self, event: &Event<'_>) {
        let lines = self.lines;
        match *event {
            Event::Detail(text) => self.aside(|| lines.detail(text)),
            Event::Notice(text) | Event::NextStep { words: text, .. } => self.aside(|| lines.say(text)),
            Event::Required(text) => self.aside(|| stdio::line(text)),
            Event::Warning { text, hint } => self.aside(|| trouble(paint(Mark::Slow, "warning:"), text, hint)),
            Event::Finding(finding) => finding::show(finding, self.events),
            Event::Problem(problem) => self.aside(|| error(problem)),
            Event::Failed(failure) => self.failed(failure),
            // clap formats and colours it. A failed write must not change how the program ends.
            Event::Misread { said, .. } => drop(said.print()),
            Event::Created(created) => {
                self.has_listed_skipped |= created.ledger.counts().skipped > 0;
                skipped::created(lines, created);
            }
            Event::Planned(planned) => {
                self.has_listed_skipped |= planned.accounts.is_some() && planned.is_looked_up;
                plan::planned(lines, planned);
            }
            Event::SignInPrompt(prompt) => self.aside(|| sign_in_prompt(prompt)),
            Event::SignedIn(who) => lines.say(&who.to_string()),
            Event::WritingBegins { ledger, quota } => self.writing = Some(Writing::begin(lines, ledger, quota)),
            Event::Run(event) => self.writing.iter_mut().for_each(|writing| writing.show(event)),
            Event::ReadingBegins(task) => self.reading = Some(Reading::begin(lines, task)),
            Event::ReadingTotal(total) => self.reading.iter_mut().for_each(|reading| reading.of(total)),
            Event::Read { event, done, .. } => self.reading.iter_mut().for_each(|reading| reading.show(event, done)),
            Event::NotYetVisible { changes, wait } => self.aside(|| {
                let changes = counted(changes, "change is", "changes are");
                lines.say(&format!("{changes} not visible yet; passwave asks the directory again in {}", short(wait)));
            }),
            Event::ProgressEnds => self.end_progress(),
            Event::RunEnded(end) => run_ended(lines, end),
            Event::PilotResult { ledger, summary } => result::pilot(lines, self.has_listed_skipped, ledger, summary),
            Event::Result(result) => result::all(lines, self.has_listed_skipped, result),
            Event::FleetPlanned(plan) => fleet::planned(lines, plan),
            Event::FleetBegins(work) => self.fleet = Some(FleetBar::begin(lines, work)),
            Event::FleetEnds => self.fleet.take().iter().for_each(FleetBar::end),
            Event::FleetResult(result) => fleet::result(lines, result),
            Event::Started { .. }
            | Event::Standing(_)
            | Event::Account(_)
            | Event::Ends(_)
            | Event::Swept { .. }
            | Event::Summary { .. }
            | Event::Finished { .. } => {}
        }
    }

    /// Shows this event of one tenant of several, if a person needs to know it.
    pub fn handle_of(&mut self, tenant: &str, event: &Event<'_>) {
        let (lines, name) = (self.lines, sanitize::for_terminal(tenant));
        match *event {
            Event::Detail(text) => self.aside(|| lines.detail(&format!("{name}: {text}"))),
            Event::Required(text) => self.aside(|| stdio::line(&format!("{name}: {text}"))),
            Event::SignInPrompt(prompt) => self.aside(|| {
                stdio::line(&format!("Tenant {name}:"));
                sign_in_prompt(prompt);
            }),
            Event::Warning { text, hint } => {
                self.aside(|| trouble(paint(Mark::Slow, "warning:"), &format!("{name}: {text}"), hint));
            }
            Event::Problem(failure) | Event::Failed(failure) => {
                let (what, hint) = failure.parts();
                self.aside(|| trouble(paint(Mark::Bad, "error:"), &format!("{name}: {what}"), hint));
            }
            _ => {}
        }
        self.fleet.iter_mut().for_each(|fleet| fleet.show(&name, event));
    }

    /// Calls `print` while the bar is hidden, if there is one.
    fn aside(&self, print: impl FnOnce()) {
        let writing = self.writing.as_ref().and_then(Writing::bar);
        let reading = || self.reading.as_ref().and_then(Reading::bar);
        match writing.or_else(reading).or_else(|| self.fleet.as_ref().and_then(FleetBar::bar)) {
            Some(bar) => bar.aside(print),
            None => print(),
        }
    }

    fn failed(&mut self, failure: &Failure) {
        self.end_progress();
        error(failure);
        if let Some((told, _)) = failure.next() {
            self.lines.say(told);
        }
    }

    fn end_progress(&mut self) {
        self.writing.take().iter().for_each(Writing::end);
        self.reading.take().iter().for_each(Reading::end);
        self.fleet.take().iter().for_each(FleetBar::end);
    }
}

fn error(failure: &Failure) {
    let (what, hint) = failure.parts();
    trouble(paint(Mark::Bad, "error:"), what, hint);
}

/// Prints what is wrong, with its hint on a separate line.
fn trouble(label: String, what: &str, hint: Option<&str>) {
    let hint = hint.map(|hint| format!("\n{} {hint}", paint(Mark::Way, "hint:"))).unwrap_or_default();
    stdio::line(&format!("{label} {what}{hint}"));
}

/// What the user has to open is on lines of its own, so it can be copied.
fn sign_in_prompt(prompt: &Prompt) {
    match prompt {
        Prompt::DeviceCode { url, code, life } => stdio::line(&format!(
            "To sign in, open this page in a browser, on any machine:\n\n    {url}\n\nand enter this code within {}:\n\n    {code}\n",
            short(*life)
        )),
        Prompt::Browser { url, port, life, is_again } => {
            let begin =
                if *is_again { "Entra wants you to sign in again, and the run waits for it. Sign" } else { "Sign" };
            stdio::line(&format!(
                "{begin} in within {} in the browser that opens. If none opens, open this page on this machine:\n\n    {url}\n\n\
                 For a browser on another machine, forward port {port} from there first:  ssh -L {port}:localhost:{port} HOST\n",
                short(*life)
            ));
        }
    }
}

/// Says why a run ended before all rows have. A halt has its own warning.
fn run_ended(lines: Lines, end: &RunEnd) {
    match end {
        RunEnd::Finished | RunEnd::Interrupted | RunEnd::Halted(_) | RunEnd::WritebackPilotFailed(_) => {}
        RunEnd::PilotEnded => lines.say("The pilot has ended; the other accounts were not touched."),
        RunEnd::WindowClosed => lines.say("The hours of --window are over: nothing more is sent."),
    }
}

impl fmt::Display for super::event::SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |text: &str| if text.is_empty() { "unknown".to_owned() } else { sanitize::for_terminal(text) };
        write!(f, "Tenant {}, application {}", known(&self.tenant), known(&self.client_id))?;
        if let Some(person) = &self.person {
            write!(f, ", as {}", sanitize::for_terminal(person))?;
        }
        write!(f, ", {}", self.host)
    }
}
