//! `plan`: turns a roster into a run folder with a complete plan.

use super::{
    conditions,
    confirm::KEPT,
    connect::SignIn,
    logging::LoggingGraph,
    look_up,
    other_runs::{Guard, writes_left},
    pace::pace,
    plan_json,
    plan_report::{self, Scope},
    planning::{create, discard},
    result,
    rows::Source,
    system::{Clock, runtime},
    target::Target,
};
use crate::cli::{
    args::{JobArgs, LookupName, NOT_FOR_A_PLAN},
    console::{End, Event, Stage},
    context::Context,
    failure::Failure,
};
use passwave::{
    ledger::{KeptPace, Ledger},
    plan::Lookup,
};

/// Writes the run folder, and reports the plan.
pub fn plan(context: &Context, job: &JobArgs) -> Result<u8, Failure> {
    Source::of(&context.call, &job.plan)?;
    context.flags_without_meaning(&NOT_FOR_A_PLAN);
    let sign_in = sign_in(context, job)?;
    let runtime = sign_in.is_some().then(|| runtime(Clock::Real)).transpose()?;
    let mut ledger = create(context, job, Target::Tenant)?;
    let looked = match (&sign_in, &runtime) {
        (Some(sign_in), Some(runtime)) => runtime.block_on(complete_plan(context, &mut ledger, sign_in, job)),
        _ => without_a_look(context, &mut ledger).map(|()| Ok(Vec::new())),
    };
    let left_by_others = match looked.map_err(|failure| context.before(failure, KEPT, &ledger))? {
        Ok(left) => left,
        Err(code) => {
            context.go_on("Some accounts are not looked up yet.", &ledger);
            return Ok(code);
        }
    };
    if let Err(failure) = conditions::must_be_few(context, &ledger, &job.limit) {
        return Err(discard(&context.reporter, ledger, failure));
    }
    tell(context, &mut ledger, job, &left_by_others).map_err(|failure| context.before(failure, KEPT, &ledger))
}

fn tell(context: &Context, ledger: &mut Ledger, job: &JobArgs, left_by_others: &[KeptPace]) -> Result<u8, Failure> {
    let (summary, quota) = (result::reports_now(context, ledger)?, job.run.pace.write_quota);
    let left = writes_left(ledger, quota, left_by_others)?;
    plan_json::print(context, ledger, &summary, (job, left))?;
    let wanted = ledger.settings().wanted.clone();
    plan_report::tell(&context.reporter, ledger, (quota, left), &wanted, Scope::Whole)?;
    result::tell_pipeline(context, ledger, &summary, Stage::Planned);
    context.go_on("Nothing was sent.", ledger);
    context.reporter.tell(&Event::Ends(End::Planned));
    Ok(0)
}

/// The sign-in for the lookup; `None` if accounts are not looked up, or the environment offers no method.
fn sign_in(context: &Context, job: &JobArgs) -> Result<Option<SignIn>, Failure> {
    let looks = match job.plan.rules.lookup {
        LookupName::Off => false,
        LookupName::Auto => job.plan.rules.writeback || SignIn::is_offered(&job.connect),
        LookupName::Required => true,
    };
    looks.then(|| SignIn::of_job(&context.reporter, job)).transpose()
}

/// Completes the plan with a lookup. Returns what other runs left of the quota, or the exit code if it was interrupted.
async fn complete_plan(
    context: &Context,
    ledger: &mut Ledger,
    sign_in: &SignIn,
    job: &JobArgs,
) -> Result<Result<Vec<KeptPace>, u8>, Failure> {
    let reporter = &context.reporter;
    reporter.notice(format!("Signing in with {sign_in}"));
    let graph = sign_in.client(reporter);
    let signed_in = sign_in.complete(reporter, &graph, ledger).await?;
    // A lookup is only valid in its own tenant.
    signed_in.note_in(ledger)?;
    let wanted = ledger.settings().wanted.clone();
    let graph = LoggingGraph::new(&graph, reporter);
    let code = look_up::look(reporter, ledger, &graph, &pace(&job.run.pace), &wanted).await?;
    let guard = Guard::new(context, ledger, &signed_in, &job.run)?;
    Ok(code.map_or_else(|| Ok(guard.left_by_others()), Err))
}

fn without_a_look(context: &Context, ledger: &mut Ledger) -> Result<(), Failure> {
    let why = match ledger.settings().rules.lookup {
        Lookup::Off => "--lookup off was given",
        _ => "the environment contains no credentials",
    };
    look_up::without(&context.reporter, ledger, why)
}
