//! The conditions for a run to start: consent, the approved plan, a limit on the accounts, and the hours.

use crate::cli::{
    args::{LimitArgs, RunArgs},
    context::Context,
    failure::Failure,
};
use jiff::Zoned;
use passwave::{
    engine::run::Window,
    ledger::ReadLedger,
    util::format::{counted, grouped, short},
};

/// Length of a fingerprint.
const FINGERPRINT_CHARS: usize = 64;

/// The conditions of a run.
pub struct RunConditions<'a> {
    /// The flags of the run.
    pub run: &'a RunArgs,
    /// The limit on its size.
    pub limit: &'a LimitArgs,
    /// The fingerprint that was approved.
    pub expect: Option<&'a str>,
    /// Who confirms the run.
    pub consent: Consent,
    /// Whether this call says `--yes`.
    pub says_yes: bool,
}

/// Who confirms a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nobody has to: this call, or an earlier one of the same run, already did.
    Given,
    /// The user at the terminal.
    Asked,
    /// The user should, but there is no terminal.
    Missing,
}

/// What decides who confirms a run.
pub struct Asking {
    /// Whether `--yes` was given.
    pub says_yes: bool,
    /// Whether the user can be asked.
    pub can_ask: bool,
}

impl Consent {
    /// Combines the flags of the call with whether there is a terminal.
    pub fn new(asking: &Asking) -> Self {
        match (asking.says_yes, asking.can_ask) {
            (true, _) => Self::Given,
            (false, true) => Self::Asked,
            (false, false) => Self::Missing,
        }
    }
}

/// If the user has to confirm, there must be a terminal.
pub fn must_have_consent(consent: Consent) -> Result<(), Failure> {
    if consent != Consent::Missing {
        return Ok(());
    }
    Err(Failure::usage(
        "cannot ask for confirmation: standard input or standard error is not a terminal; nothing was sent",
    )
    .hint("add --yes"))
}

/// A fingerprint must be complete: a part of one would approve other plans, too.
pub fn must_be_whole(expected: Option<&str>) -> Result<(), Failure> {
    let Some(expected) = expected.map(str::trim) else { return Ok(()) };
    let is_hex = expected.chars().all(|c| c.is_ascii_hexdigit());
    match expected.chars().count() {
        FINGERPRINT_CHARS if is_hex => Ok(()),
        chars if chars < FINGERPRINT_CHARS && is_hex => Err(Failure::usage(format!(
            "--expect takes the whole fingerprint, {FINGERPRINT_CHARS} characters, but this one has {chars}; nothing was sent"
        )).hint("copy it whole: it is `fingerprint` in the plan's JSON and in summary.json, and \"Fingerprint:\" on the terminal")),
        chars => Err(Failure::usage(format!(
            "--expect takes a fingerprint of {FINGERPRINT_CHARS} characters, 0 to 9 and a to f, but this is something else \
             ({chars} characters); nothing was sent"
        )).hint("copy it from the plan that was approved")),
    }
}

/// The plan in the ledger must be the one that was approved.
pub fn must_be_expected(ledger: &ReadLedger, expected: Option<&str>) -> Result<(), Failure> {
    let Some(expected) = expected else { return Ok(()) };
    let fingerprint = ledger.fingerprint_now()?;
    if expected.trim().eq_ignore_ascii_case(&fingerprint) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the plan in {} has the fingerprint {fingerprint}, not the expected one; nothing was sent",
        ledger.folder().display()
    ))
    .hint("have this plan approved, or give the folder of the approved one"))
}

/// More accounts than intended mean a mistake in the roster.
pub fn must_be_few(context: &Context, ledger: &ReadLedger, limit: &LimitArgs) -> Result<(), Failure> {
    let pending = ledger.counts().pending();
    let Some(most) = limit.max_accounts.filter(|most| pending > *most) else { return Ok(()) };
    let raised = format!("raise the limit with --max-accounts {pending}");
    let failure = Failure::usage(format!(
        "{} to be reset, but --max-accounts allows {}; nothing was sent",
        counted(pending, "account is", "accounts are"),
        grouped(most)
    ))
    .hint(format!("check the roster, or {raised}"));
    if context.call.verb != "run" {
        return Err(failure);
    }
    let step = context.run_again(ledger).with("max-accounts", pending.to_string());
    Err(failure.then(format!("If all {} are meant:  {step}", grouped(pending)), step.to_string()))
}

/// The current time must be within the hours in which anything is sent.
pub fn window_must_be_open(window: Option<Window>) -> Result<(), Failure> {
    let now = Zoned::now();
    match window {
        Some(window) if !window.is_open(&now) => Err(Failure::away(format!(
            "it is {}, outside the hours {window} (--window), which begin in {}; nothing was sent",
            now.strftime("%H:%M"),
            short(window.opens_in(&now))
        ))
        .hint("start it within these hours, as a scheduled job does")),
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
        assert!(refused(&whole[..12]).contains("64 characters, but this one has 12"));
        assert!(refused("latest").contains("something else"));
        assert!(refused(&whole.replace('0', "x")).contains("something else"));
    }
}
