//! One story: processes that work on a run, one after the other, and the checks after each of them.

use super::{
    Story, Told,
    afterwards::afterwards,
    disk,
    disturbances::{Disturbances, Event},
    ending::{End, Ending},
    sabotage::{Hand, Honest, Sabotage},
    script::{Process, Script, Wishes},
    true_time::TrueTime,
};
use crate::{
    checkers::{self, Invariant, Row, Violation},
    watch::Watch,
    world::World,
};
use passwave::{
    engine::{
        dispatch::DispatchError,
        lookup::{LookupEnd, LookupError, LookupOptions, look_up},
        reader::ReadError,
        run::{self, RunEnd, RunError, RunOptions},
        verify::verify,
    },
    graph::Graph,
    ledger::{FILE_NAME, LedgerError},
    simulator::{Simulator, SimulatorConfig},
    util::clock::Clock,
};
use rusqlite::Connection;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// If a run has not ended after this many processes, it never will.
const PROCESSES_MAX: u64 = 60;
/// At most this many processes are doomed; later ones may end by themselves.
const DOOMED_MAX: u64 = 8;
/// From this process on, no rule halts the run.
const UNHALTED: u64 = 20;
/// A process that takes this much virtual time hangs.
const PROCESS_TIME_MAX: Duration = Duration::from_secs(3 * 86_400);
/// One in this many stories goes on after the run.
const AFTERWARDS_EACH: u64 = 5;
/// How long to wait after trouble that lasted longer than a process would wait.
const LATER: Duration = Duration::from_secs(60);

/// Why a process could not continue.
enum Trouble {
    /// The ledger.
    Ledger(LedgerError),
    /// The network, the quota or the token: a later process may not have this trouble.
    Passing,
    /// Anything unexpected.
    Strange(String),
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<DispatchError> for Trouble {
    fn from(error: DispatchError) -> Self {
        match error {
            DispatchError::BatchRefused(_) => Self::Strange(error.to_string()),
            _ => Self::Passing,
        }
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Ledger(error) => error.into(),
            ReadError::Dispatcher(error) => error.into(),
            _ => Self::Strange(error.to_string()),
        }
    }
}

impl From<LookupError> for Trouble {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Read(error) => error.into(),
            LookupError::SignIn(_) | LookupError::Tenant(_) => Self::Passing,
            _ => Self::Strange(error.to_string()),
        }
    }
}

impl From<RunError> for Trouble {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Ledger(error) => error.into(),
            RunError::Dispatcher(error) => error.into(),
            RunError::Everyone { .. } => Self::Passing,
            _ => Self::Strange(error.to_string()),
        }
    }
}

/// How far a process brought the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// At its end.
    Finished,
    /// Part of the way, in order.
    Orderly,
    /// Part of the way, because of its doom.
    Torn,
    /// Part of the way, because of temporary trouble.
    Troubled,
}

/// Everything around the processes of one run.
pub struct Stage<'a> {
    world: &'a World,
    true_time: &'a TrueTime,
    sabotage: &'a Sabotage,
    ledger: &'a Connection,
    disturbances: &'a Disturbances<'a>,
    watch: Watch<'a, Disturbances<'a>>,
    elsewhere: Simulator,
    wishes: Wishes,
    clocks_differ: bool,
    pub told: Told,
}

/// Runs a story.
pub async fn live(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    let mut script = Script::of(story);
    let world = script.world();
    let (wishes, has_history) = (script.wishes(), script.history());
    let doomed = script.number(DOOMED_MAX);
    on_stage(&world, wishes, has_history, sabotage, async |stage| {
        for nth in 0..PROCESSES_MAX {
            let process = script.process(world.accounts.len(), nth >= doomed);
            let options = options(&world, nth);
            let left = stage.process(&process, &options).await?;
            if left == Left::Finished {
                stage.end()?;
                return stage.afterwards(story, &mut script).await;
            }
            sleep(process.gap).await;
            if left == Left::Troubled {
                sleep(LATER).await;
            }
        }
        Err(Violation::new(Invariant::Ends, format!("{PROCESSES_MAX} processes did not end it")))
    })
    .await
}

/// The options of the `nth` process: only the first one has a pilot.
fn options(world: &World, nth: u64) -> RunOptions {
    let mut options = world.options.clone();
    options.pilot = options.pilot.filter(|_| nth == 0);
    if nth >= UNHALTED {
        options.halt_on.clear();
    }
    options
}

/// Sets up everything around a run, and runs `play`.
pub async fn on_stage(
    world: &World,
    wishes: Wishes,
    has_history: bool,
    sabotage: &Sabotage,
    play: impl AsyncFnOnce(&mut Stage<'_>) -> Result<(), Violation>,
) -> Result<Told, Violation> {
    let ledger = match &world.elsewhere {
        Some(elsewhere) => {
            elsewhere.sabotage(sabotage.ledger);
            Connection::open_in_memory().expect("memory")
        }
        None => {
            let ledger = Connection::open(world.folder().join(FILE_NAME)).expect("the ledger");
            ledger.execute_batch("PRAGMA synchronous = OFF").expect("a rehearsal has nothing to lose");
            ledger.execute_batch(sabotage.ledger).expect("the sabotage");
            ledger
        }
    };
    world.has_triggers.set(!sabotage.ledger.is_empty());
    let true_time = TrueTime::new(world.epoch);
    let disturbances = Disturbances::new(world, &true_time, sabotage, &ledger, has_history);
    let mut stage = Stage {
        world,
        true_time: &true_time,
        sabotage,
        ledger: &ledger,
        disturbances: &disturbances,
        watch: Watch::of(&disturbances, world),
        elsewhere: Simulator::new(SimulatorConfig::default()),
        wishes,
        clocks_differ: false,
        told: Told::default(),
    };
    play(&mut stage).await?;
    let counts = world.counts();
    stage.told.batches = world.tenant.tally().batches;
    stage.told.ends = [counts.reset, counts.failed, counts.in_doubt, counts.skipped];
    Ok(stage.told)
}

impl Stage<'_> {
    /// Runs one process until it ends in any way, and the checks after it.
    pub async fn process(&mut self, process: &Process, options: &RunOptions) -> Result<Left, Violation> {
        let ending = process.ending;
        self.set_up(process);
        let hand = Hand {
            honest: Honest {
                watch: &self.watch,
                ledger: self.ledger,
                tenant: &self.world.tenant,
                elsewhere: &self.elsewhere,
            },
            sabotage: self.sabotage,
        };
        let clock = self.true_time.clock(process.clock_ahead);
        let work = work(self.world, &hand, options, self.wishes, clock, ending);
        let end = timeout(PROCESS_TIME_MAX, ending.drive(work, &self.watch)).await.unwrap_or(End::Endless);
        if ending.disk().is_some() {
            self.world.elsewhere.as_ref().map_or_else(|| disk::mend(self.ledger), |elsewhere| elsewhere.mend());
            self.world.has_triggers.set(!self.sabotage.ledger.is_empty());
        }
        self.check()?;
        let left = self.left(end, ending)?;
        self.told.processes += 1;
        if left == Left::Torn {
            self.told.cuts += 1;
            self.told.disk_failures += u64::from(ending.disk().is_some());
            self.watch.forget_waits();
            self.world.elsewhere.iter().for_each(|elsewhere| elsewhere.die());
        }
        if left == Left::Orderly && self.world.counts().in_flight > 0 {
            return Err(Violation::new(Invariant::Contract, "an orderly end left rows in flight"));
        }
        Ok(left)
    }

    fn set_up(&mut self, process: &Process) {
        self.world.gives_key.set(process.has_key);
        self.disturbances.new_process(process.events.clone());
        self.watch.new_process(process.ending.cut());
        // Once clocks were set, they differ from then on.
        self.clocks_differ |= process.clock_ahead != 0;
        if self.clocks_differ {
            self.watch.forget_waits();
        }
        self.clocks_differ |= process.events.iter().any(|(_, event)| matches!(event, Event::Jump(_)));
        if let Some((failure, nth)) = process.ending.disk() {
            match &self.world.elsewhere {
                Some(elsewhere) => elsewhere.fail(failure == disk::Failure::Commit, nth),
                None => disk::arm(self.ledger, failure, nth),
            }
            self.world.has_triggers.set(true);
        }
    }

    /// Checks what must hold at any moment.
    fn check(&mut self) -> Result<Vec<Row>, Violation> {
        self.watch.verdict()?;
        self.disturbances.verdict()?;
        if self.elsewhere.tally().batches > 0 {
            return Err(Violation::new(Invariant::RehearsalStaysHome, "a rehearsal was sent to a tenant"));
        }
        let report = self.world.check_as(|rows| (self.sabotage.report)(rows))?;
        self.trace(&report);
        Ok(report)
    }

    /// Checks what must hold at the end.
    pub fn end(&mut self) -> Result<(), Violation> {
        checkers::check_ended(&self.check()?)?;
        match self.world.tenant.tally().in_flight {
            0 => Ok(()),
            _ => Err(Violation::new(Invariant::Ends, "something is in flight after the end")),
        }
    }

    /// In some stories, sweeps and the removal follow.
    async fn afterwards(&self, story: Story, script: &mut Script) -> Result<(), Violation> {
        if !story.seed.is_multiple_of(AFTERWARDS_EACH) || !self.sabotage.ledger.is_empty() {
            return Ok(());
        }
        if self.world.elsewhere.is_some() {
            // The removal looks into the files of the run folder.
            return Ok(());
        }
        let is_exact = !self.clocks_differ && !story.with_people && self.world.chosen.borrow().is_empty();
        afterwards(self.world, script, is_exact).await
    }

    fn trace(&mut self, report: &[Row]) {
        let mut hasher = DefaultHasher::new();
        self.told.trace.hash(&mut hasher);
        for row in report {
            (row.row, &row.status, &row.code, row.attempts).hash(&mut hasher);
        }
        self.world.tenant.tally().batches.hash(&mut hasher);
        self.told.trace = hasher.finish();
    }

    /// Whether nothing can be written to the ledger.
    fn is_full(&self, error: &LedgerError) -> bool {
        let here = matches!(error, LedgerError::Sql(_));
        self.world.elsewhere.as_ref().map_or(here, |elsewhere| elsewhere.is_full(error))
    }

    /// What remains of a process, unless it ended in a forbidden way.
    fn left(&self, end: End<Result<RunEnd, Trouble>>, ending: Ending) -> Result<Left, Violation> {
        let strange = |what: String| Err(Violation::new(Invariant::Ends, what));
        match end {
            End::Itself(Ok(RunEnd::Finished)) => Ok(Left::Finished),
            End::Itself(Ok(_)) => Ok(Left::Orderly),
            End::Itself(Err(Trouble::Ledger(error))) if ending.disk().is_some() && self.is_full(&error) => {
                Ok(Left::Torn)
            }
            End::Itself(Err(Trouble::Ledger(error))) => strange(format!("the ledger: {error}")),
            End::Itself(Err(Trouble::Strange(what))) => strange(what),
            End::Itself(Err(Trouble::Passing)) => Ok(Left::Troubled),
            End::Cut => Ok(Left::Torn),
            End::Endless => strange("a process never ends".into()),
        }
    }
}

/// The work of a process: it looks up, runs and verifies, as the program does.
async fn work(
    world: &World,
    graph: &impl Graph,
    options: &RunOptions,
    wishes: Wishes,
    clock: Clock,
    ending: Ending,
) -> Result<RunEnd, Trouble> {
    let mut options = options.clone();
    options.pace.clock = clock;
    let stop = || async move {
        match ending {
            Ending::Stop(after) => sleep(after).await,
            _ => std::future::pending().await,
        }
    };
    let mut ledger = world.open(clock.now())?;
    if !ledger.lookup_has_ended()? {
        let mut lookup = LookupOptions::new(options.pace.clone());
        lookup.revokes_sessions = wishes.revokes;
        let end = look_up(&mut ledger, graph, &lookup, stop(), &mut |_| {}).await?;
        if end == LookupEnd::Interrupted {
            return Ok(RunEnd::Interrupted);
        }
    }
    if wishes.revokes {
        ledger.revoke_sessions()?;
    }
    let end = run::run(&mut ledger, graph, &options, stop(), &mut |_| {}).await?;
    if wishes.verifies && end == RunEnd::Finished {
        verify(&mut ledger, graph, &options.pace, stop(), &mut |_| {}).await?;
    }
    Ok(end)
}
