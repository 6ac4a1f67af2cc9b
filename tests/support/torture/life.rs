//! One life: processes that work on a run, one after the other, and the checks after each of them.

use super::{
    Story, Told, disk,
    doom::{Doom, End},
    fate::{Fate, Process, Wishes},
    mishaps::{Event, Mishaps},
    sabotage::{Hand, Honest, Sabotage},
    sky::Sky,
};
use crate::{
    checkers::{self, Invariant, Row, Violation},
    watch::Watch,
    world::World,
};
use passwave::{
    clock::Clock,
    graph::{
        Graph,
        simulator::{Simulator, SimulatorConfig},
    },
    ledger::{FILE_NAME, LedgerError},
    lookup::{LookupEnd, LookupError, look_up},
    reader::ReadError,
    run::{self, RunEnd, RunError, RunOptions},
    traffic::TrafficError,
    verify::verify,
};
use rusqlite::Connection;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// Processes after which a run that has not ended never will.
const PROCESSES_MAX: u64 = 60;
/// Processes that are doomed, at most; those after them may go their way.
const DOOMED_MAX: u64 = 8;
/// From this process on, no rule halts the run.
const UNHALTED: u64 = 20;
/// Virtual time after which a process hangs.
const PROCESS_TIME_MAX: Duration = Duration::from_secs(3 * 86_400);
/// How long trouble is left alone that lasted longer than a process would wait.
const LATER: Duration = Duration::from_secs(60);

/// Why a process could not go on.
enum Trouble {
    /// The ledger.
    Ledger(LedgerError),
    /// The network, the quota, the token: what a later process may not meet.
    Passing,
    /// What nothing here explains.
    Strange(String),
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<TrafficError> for Trouble {
    fn from(error: TrafficError) -> Self {
        match error {
            TrafficError::BatchRefused(_) => Self::Strange(error.to_string()),
            _ => Self::Passing,
        }
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Ledger(error) => error.into(),
            ReadError::Traffic(error) => error.into(),
            ReadError::Unclear(_) => Self::Strange(error.to_string()),
        }
    }
}

impl From<LookupError> for Trouble {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Read(error) => error.into(),
            LookupError::Denied(_) => Self::Strange(error.to_string()),
            LookupError::SignIn(_) | LookupError::Tenant(_) => Self::Passing,
        }
    }
}

impl From<RunError> for Trouble {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Ledger(error) => error.into(),
            RunError::Traffic(error) => error.into(),
            RunError::Everyone { .. } => Self::Passing,
            RunError::Password(_) | RunError::Brought(_) => Self::Strange(error.to_string()),
        }
    }
}

/// Where a process left the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// At its end.
    Finished,
    /// Half way, in order.
    Orderly,
    /// Half way, as its doom would have it.
    Torn,
    /// Half way, for a trouble that may pass.
    Troubled,
}

/// Everything around the processes of one run.
pub struct Stage<'a> {
    world: &'a World,
    sky: &'a Sky,
    sabotage: &'a Sabotage,
    ledger: &'a Connection,
    mishaps: &'a Mishaps<'a>,
    watch: Watch<'a, Mishaps<'a>>,
    elsewhere: Simulator,
    wishes: Wishes,
    clocks_differ: bool,
    pub told: Told,
}

/// Lives through a story.
pub async fn live(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    let mut fate = Fate::of(story);
    let world = fate.world();
    let (wishes, has_history) = (fate.wishes(), fate.history());
    let doomed = fate.number(DOOMED_MAX);
    on_stage(&world, wishes, has_history, sabotage, async |stage| {
        for nth in 0..PROCESSES_MAX {
            let process = fate.process(world.accounts.len(), nth >= doomed);
            let options = options(&world, nth);
            let left = stage.process(&process, &options).await?;
            if left == Left::Finished {
                return stage.end();
            }
            sleep(process.lull).await;
            if left == Left::Troubled {
                sleep(LATER).await;
            }
        }
        Err(Violation::new(Invariant::Ends, format!("{PROCESSES_MAX} processes did not end it")))
    })
    .await
}

/// How the `nth` process goes about its work: the pilot is the first one's.
fn options(world: &World, nth: u64) -> RunOptions {
    let mut options = world.options.clone();
    options.pilot = options.pilot.filter(|_| nth == 0);
    if nth >= UNHALTED {
        options.halt_on.clear();
    }
    options
}

/// Sets up what surrounds a run, and lets `play` go.
pub async fn on_stage(
    world: &World,
    wishes: Wishes,
    has_history: bool,
    sabotage: &Sabotage,
    play: impl AsyncFnOnce(&mut Stage<'_>) -> Result<(), Violation>,
) -> Result<Told, Violation> {
    let ledger = Connection::open(world.folder().join(FILE_NAME)).expect("the ledger");
    ledger.execute_batch("PRAGMA synchronous = OFF").expect("a rehearsal has nothing to lose");
    ledger.execute_batch(sabotage.ledger).expect("the sabotage");
    world.has_triggers.set(!sabotage.ledger.is_empty());
    let sky = Sky::new(world.epoch);
    let mishaps = Mishaps::new(world, &sky, sabotage, &ledger, has_history);
    let mut stage = Stage {
        world,
        sky: &sky,
        sabotage,
        ledger: &ledger,
        mishaps: &mishaps,
        watch: Watch::new(&mishaps, &world.folder()),
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
    /// One process, from its beginning to however it ends, and the checks after it.
    pub async fn process(&mut self, process: &Process, options: &RunOptions) -> Result<Left, Violation> {
        let doom = process.doom;
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
        let clock = self.sky.clock(process.clock_ahead);
        let work = work(self.world, &hand, options, self.wishes, clock, doom);
        let end = timeout(PROCESS_TIME_MAX, doom.drive(work, &self.watch)).await.unwrap_or(End::Endless);
        if doom.disk().is_some() {
            disk::mend(self.ledger);
            self.world.has_triggers.set(!self.sabotage.ledger.is_empty());
        }
        self.check()?;
        let left = left(end, doom)?;
        self.told.processes += 1;
        if left == Left::Torn {
            self.told.cuts += 1;
            self.told.disk_failures += u64::from(doom.disk().is_some());
            self.watch.forget_waits();
        }
        if left == Left::Orderly && self.world.counts().in_flight > 0 {
            return Err(Violation::new(Invariant::Contract, "an orderly end left rows in flight"));
        }
        Ok(left)
    }

    fn set_up(&mut self, process: &Process) {
        self.world.gives_key.set(process.has_key);
        self.mishaps.new_process(process.events.clone());
        self.watch.new_process(process.doom.cut());
        // Clocks that were set once differ from then on.
        self.clocks_differ |= process.clock_ahead != 0;
        if self.clocks_differ {
            self.watch.forget_waits();
        }
        self.clocks_differ |= process.events.iter().any(|(_, event)| matches!(event, Event::Jump(_)));
        if let Some((failure, nth)) = process.doom.disk() {
            disk::arm(self.ledger, failure, nth);
            self.world.has_triggers.set(true);
        }
    }

    /// Everything that must hold at any moment.
    fn check(&mut self) -> Result<Vec<Row>, Violation> {
        self.watch.verdict()?;
        self.mishaps.verdict()?;
        if self.elsewhere.tally().batches > 0 {
            return Err(Violation::new(Invariant::RehearsalStaysHome, "a rehearsal was sent to a tenant"));
        }
        let report = self.world.check_as(|rows| (self.sabotage.report)(rows))?;
        self.trace(&report);
        Ok(report)
    }

    /// Everything that must hold at the end.
    pub fn end(&mut self) -> Result<(), Violation> {
        checkers::check_ended(&self.check()?)?;
        match self.world.tenant.tally().in_flight {
            0 => Ok(()),
            _ => Err(Violation::new(Invariant::Ends, "something is in flight after the end")),
        }
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
}

/// What a process is there for: it looks, runs, and verifies, as the program does.
async fn work(
    world: &World,
    graph: &impl Graph,
    options: &RunOptions,
    wishes: Wishes,
    clock: Clock,
    doom: Doom,
) -> Result<RunEnd, Trouble> {
    let mut options = options.clone();
    options.pace.clock = clock;
    let stop = || async move {
        match doom {
            Doom::Stop(after) => sleep(after).await,
            _ => std::future::pending().await,
        }
    };
    let mut ledger = world.open(clock.now())?;
    if !ledger.lookup_has_ended()? {
        let end = look_up(&mut ledger, graph, &options.pace, wishes.revokes, stop(), &mut |_| {}).await?;
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

/// What is left of a process, unless it ended as none may.
fn left(end: End<Result<RunEnd, Trouble>>, doom: Doom) -> Result<Left, Violation> {
    let strange = |what: String| Err(Violation::new(Invariant::Ends, what));
    match end {
        End::Itself(Ok(RunEnd::Finished)) => Ok(Left::Finished),
        End::Itself(Ok(_)) => Ok(Left::Orderly),
        End::Itself(Err(Trouble::Ledger(LedgerError::Sql(_)))) if doom.disk().is_some() => Ok(Left::Torn),
        End::Itself(Err(Trouble::Ledger(error))) => strange(format!("the ledger: {error}")),
        End::Itself(Err(Trouble::Strange(what))) => strange(what),
        End::Itself(Err(Trouble::Passing)) => Ok(Left::Troubled),
        End::Cut => Ok(Left::Torn),
        End::Endless => strange("a process never ends".into()),
    }
}
