//! What must hold before anything is sent: somebody to ask, the approved plan, few enough accounts, and the right hour.

use crate::{
    cli::{LimitArgs, RunArgs, call},
    failure::Failure,
    terminal::{counted, grouped, short},
};
use jiff::Zoned;
use passwave::{ledger::Ledger, run::Window};

use super::next_step::NextStep;

/// Characters of a fingerprint.
const FINGERPRINT_CHARS: usize = 64;

/// What a run is held to.
pub struct Terms<'a> {
    /// How it goes about its work.
    pub run: &'a RunArgs,
    /// How large it may be.
    pub limit: &'a LimitArgs,
    /// The fingerprint that was approved.
    pub expect: Option<&'a str>,
    /// Whether nobody is asked.
    pub yes: bool,
}

/// Somebody must be there to be asked, if somebody is to be.
pub fn may_ask(possible: bool) -> Result<(), Failure> {
    if possible {
        return Ok(());
    }
    Err(Failure::usage(
        "nobody can be asked whether to go on, as standard input or error is no terminal; nothing was sent\n\
         hint: add --yes",
    ))
}

/// A fingerprint is given whole: a part of one would approve other plans, too.
pub fn must_be_whole(expected: Option<&str>) -> Result<(), Failure> {
    let Some(expected) = expected.map(str::trim) else { return Ok(()) };
    let is_hex = expected.chars().all(|c| c.is_ascii_hexdigit());
    match expected.chars().count() {
        FINGERPRINT_CHARS if is_hex => Ok(()),
        chars if chars < FINGERPRINT_CHARS && is_hex => Err(Failure::usage(format!(
            "--expect takes the whole fingerprint, {FINGERPRINT_CHARS} characters, and this one has {chars}; nothing was sent\n\
             hint: `fingerprint` in the plan's JSON and in summary.json, and \"Fingerprint:\" on the terminal have it whole"
        ))),
        chars => Err(Failure::usage(format!(
            "--expect takes a fingerprint, {FINGERPRINT_CHARS} characters from 0 to 9 and a to f, and this is something else \
             ({chars} characters); nothing was sent\nhint: copy it from the plan that was approved"
        ))),
    }
}

/// The plan as it stands in the ledger now must be the one that was approved.
pub fn must_be_expected(ledger: &Ledger, expected: Option<&str>) -> Result<(), Failure> {
    let Some(expected) = expected else { return Ok(()) };
    let fingerprint = ledger.fingerprint_now()?;
    if expected.trim().eq_ignore_ascii_case(&fingerprint) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the plan in {} has the fingerprint {fingerprint}, which is not the one expected; nothing was sent\n\
         hint: have this plan approved, or give the folder of the approved one",
        ledger.folder().display()
    )))
}

/// More accounts than were meant are a mistake in the roster.
pub fn must_be_few(ledger: &Ledger, limit: &LimitArgs) -> Result<(), Failure> {
    let pending = ledger.counts().pending();
    let Some(most) = limit.max_accounts.filter(|most| pending > *most) else { return Ok(()) };
    let raised = format!("raise the limit to --max-accounts {pending}");
    let failure = Failure::usage(format!(
        "{} to be reset, and --max-accounts allows {}; nothing was sent\nhint: check the roster, or {raised}",
        counted(pending, "account is", "accounts are"),
        grouped(most)
    ));
    if call().verb != "run" {
        return Err(failure);
    }
    let step = NextStep::run(ledger).with("max-accounts", pending.to_string());
    Err(failure.then(format!("If all {} are meant:  {step}", grouped(pending)), step.to_string()))
}

/// It must be within the hours in which anything is sent.
pub fn window_must_be_open(window: Option<Window>) -> Result<(), Failure> {
    let now = Zoned::now();
    match window {
        Some(window) if !window.is_open(&now) => Err(Failure::away(format!(
            "it is {}, outside the hours {window} (--window), which begin in {}; nothing was sent\n\
             hint: start it within these hours, as a scheduled job does",
            now.strftime("%H:%M"),
            short(window.opens_in(&now))
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::must_be_whole;

    #[test]
    fn only_a_whole_fingerprint_approves() {
        let whole = "0123456789abcdef".repeat(4);
        assert!(must_be_whole(None).is_ok() && must_be_whole(Some(&whole.to_uppercase())).is_ok());
        let refused = |text: &str| must_be_whole(Some(text)).expect_err("refused").to_string();
        assert!(refused(&whole[..12]).contains("64 characters, and this one has 12"));
        assert!(refused("latest").contains("something else"));
        assert!(refused(&whole.replace('0', "x")).contains("something else"));
    }
}
