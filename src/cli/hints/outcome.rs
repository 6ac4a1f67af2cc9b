//! What to do about rows that were not reset.

use passwave::{
    outcome::{Cause, Skip},
    report::{Remedy, SummaryCause},
};

const CORRECT: &str = "correct the row in the roster, and reset it alone with --where";

/// What to do about these rows, if there is anything to do.
pub fn hint(cause: &SummaryCause) -> Option<String> {
    let remedy = cause.remedy()?;
    let hint = match remedy {
        Remedy::Continue => "not finished yet: `passwave run` continues with these accounts",
        Remedy::MaybeInForce => {
            "the password in the report may be in force: try it, or reset these accounts again (`passwave reset` with this \
             run folder and --where status=in_doubt)"
        }
        Remedy::OfSkip(skip) => of_skip(skip),
        Remedy::OfRefusal(cause) => of_refusal(cause),
    };
    Some(hint.into())
}

/// What to do about Graph's refusal of an account.
pub const fn of_refusal(cause: Cause) -> &'static str {
    match cause {
        Cause::Password => "give the account a password that the tenant's rules allow, or use a longer --length",
        Cause::Other => {
            "read error_message in the report, correct the cause, and reset these accounts again (`passwave reset` with this \
             run folder and --where status=failed)"
        }
        Cause::Permission | Cause::NotFound | Cause::Synced | Cause::External | Cause::Writeback => cause.advice(),
    }
}

/// What to do about a row that the plan skips.
pub const fn of_skip(skip: Skip) -> &'static str {
    match skip {
        Skip::Synced => "reset it in the on-premises directory, or plan again with --writeback, signed in as a person",
        Skip::Admin => "reset holders of directory roles one by one, or plan again with --include-admins",
        Skip::ProfileUnknown => "name a profile in the row, or one for such rows with --profile, and plan again",
        Skip::Unread => "plan again; --lookup auto uses the name if reading is refused, --lookup off always does",
        Skip::Missing
        | Skip::Invalid
        | Skip::TooLong
        | Skip::NotAscii
        | Skip::Duplicate
        | Skip::Malformed
        | Skip::PasswordMissing
        | Skip::PasswordRejected
        | Skip::Excluded => CORRECT,
        Skip::TenantMissing
        | Skip::TenantUnknown
        | Skip::NotInDirectory
        | Skip::Guest
        | Skip::Federated
        | Skip::CurrentUser
        | Skip::Mismatch => skip.advice(),
    }
}
