//! One cell of the grid: a tenant, a whole run against it, and the least time that its quota allows.

use passwave::{
    engine::{
        dispatch::Pace,
        pace::Forecast,
        run::{self, RunEnd, RunEvent, RunOptions},
    },
    graph::{BatchRequest, BatchResponse, Graph, Page, SendError, claims::Claims, quota::Quota},
    ledger::Ledger,
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
    simulator::{Account, Faults, Simulator, SimulatorConfig},
};
use std::{cell::RefCell, error::Error, fmt, fmt::Write, future::pending, time::Duration};
use tokio::time::Instant;

/// Shares of the accounts that Graph refuses although the quota is not spent.
pub const SHARES: [f64; 4] = [0.0, 0.002, 0.01, 0.05];
/// The real quota, as a share of the documented one.
pub const QUOTAS: [f64; 4] = [1.0, 0.5, 0.25, 0.1];
/// What `Retry-After` looks like.
pub const WAITS: [Wait; 5] = [Wait::Seconds(1), Wait::Seconds(10), Wait::Seconds(300), Wait::Absent, Wait::Date];
const LATENCIES: [u32; 3] = [20, 300, 1_500];
/// The share of accounts until whose last one the time is taken.
const TIMED: f64 = 0.9;
/// At these shares of them, the time left is told.
const TOLD: [f64; 2] = [0.5, 0.9];
/// A forecast is at most this long.
const LONG: Duration = Duration::from_secs(1_000_000);
/// The share of the real quota that the other job takes.
const TAKEN: f64 = 0.3;

/// The `Retry-After` of random refusals: this many seconds, none, or a date in ten seconds. A spent quota names the time
/// until it is refilled, in the same form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    Seconds(u32),
    Absent,
    Date,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds} s"),
            Self::Absent => f.write_str("absent"),
            Self::Date => f.write_str("date"),
        }
    }
}

/// A tenant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    pub random: f64,
    pub quota: f64,
    pub competing: bool,
    pub latency: u32,
    pub wait: Wait,
}

/// What the answers of all tenants are like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answers {
    /// Whether they say nothing about the quota.
    pub are_silent: bool,
    /// The `Retry-After` of a spent quota in seconds, if it is always the same, whatever is missing.
    pub fixed: Option<u64>,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// The time, relative to the least possible.
    pub ratio: f64,
    /// Refused requests by account.
    pub refused: f64,
    /// How far the foretold time was off at worst, as a share of the whole time.
    pub foretold_off: f64,
}

/// All cells.
pub fn grid() -> Vec<Cell> {
    let mut cells = Vec::new();
    for random in SHARES {
        for quota in QUOTAS {
            for competing in [false, true] {
                for latency in LATENCIES {
                    cells.extend(WAITS.map(|wait| Cell { random, quota, competing, latency, wait }));
                }
            }
        }
    }
    cells
}

/// Notes when the answers arrived that confirm an account.
struct Timed<'a> {
    tenant: &'a Simulator,
    answers: Answers,
    written: RefCell<Vec<Instant>>,
}

impl Graph for Timed<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let mut answer = self.tenant.send(batch).await;
        if let (Ok(answer), Some(seconds)) = (&mut answer, self.answers.fixed) {
            let spent = answer.replies.iter_mut().filter(|reply| reply.is_over_quota);
            spent.for_each(|reply| reply.retry_after = Some(Duration::from_secs(seconds)));
        }
        if let (Ok(answer), true) = (&mut answer, self.answers.are_silent) {
            answer.throttle_percentage = None;
            answer.replies.iter_mut().for_each(|reply| reply.is_over_quota = false);
        }
        let written = |answer: &BatchResponse| answer.replies.iter().filter(|reply| reply.status == 204).count();
        let now = Instant::now();
        self.written.borrow_mut().extend((0..answer.as_ref().map_or(0, written)).map(|_| now));
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.tenant.claims().await
    }
}

impl Cell {
    /// Whether the quota is the one that passwave expects, and nobody else uses it.
    pub fn is_as_expected(&self) -> bool {
        self.quota == 1.0 && !self.competing
    }

    fn real(&self) -> Quota {
        let documented = Quota::DOCUMENTED_WRITES;
        let units = f64::from(documented.units.get()) * self.quota;
        format!("{units:.0}/{}s", documented.per.as_secs()).parse().expect("a quota")
    }

    fn faults(&self) -> Faults {
        let (seconds, form) = match self.wait {
            Wait::Seconds(seconds) => (seconds, "seconds"),
            Wait::Absent => (10, "absent"),
            Wait::Date => (10, "date"),
        };
        let taken = if self.competing { self.real().per_second() * TAKEN } else { 0.0 };
        let faults = format!(
            r#"{{"latency_ms": {}, "retry_after": "{form}", "competing": {{"units_per_second": {taken}}},
                 "items": {{"throttled": {}, "throttled_seconds": {seconds}}}}}"#,
            self.latency, self.random
        );
        Faults::from_json(faults.as_bytes()).expect("good faults")
    }

    /// The least time in seconds until `written` accounts are written. A random refusal costs a unit like any other
    /// request.
    fn bound(&self, written: f64) -> f64 {
        let quota = self.real();
        let left = if self.competing { 1.0 - TAKEN } else { 1.0 };
        (written / (1.0 - self.random) - f64::from(quota.units.get())).max(0.0) / (quota.per_second() * left)
    }

    /// Runs `accounts` accounts through this tenant.
    pub fn measure(&self, accounts: u32, answers: Answers, seed: u64) -> Figures {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(self.run(accounts, answers, seed)).expect("a run")
    }

    async fn run(&self, accounts: u32, answers: Answers, seed: u64) -> Result<Figures, Box<dyn Error>> {
        let mut config = SimulatorConfig::new(self.real(), seed).with_faults(self.faults());
        config.epoch = "2026-09-01T07:00:00Z".parse()?;
        let tenant = Simulator::new(config);
        let mut text = "userPrincipalName\n".to_owned();
        (1..=accounts).try_for_each(|nth| writeln!(text, "user{nth}@contoso.com"))?;
        let roster = Roster::from_bytes("roster.csv", text.into_bytes(), &RosterOptions::default())?;
        for row in roster.rows() {
            row?.address.iter().for_each(|upn| tenant.add(Account::from(upn)));
        }
        let (place, policy) = (tempfile::tempdir()?, PasswordPolicy::default());
        let mut settings = Settings::new(&roster, policy.clone());
        settings.rehearsal = true;
        let plan = Plan::new(&roster, Generator::new(&policy)?);
        let mut ledger = Ledger::create(&place.path().join("run"), settings, plan)?.ledger;
        let timed = Timed { tenant: &tenant, answers, written: RefCell::default() };
        let mut options = RunOptions::default();
        options.pace = Pace::default();
        let counted = f64::from(accounts) * TIMED;
        let mut told = Told { forecast: Forecast::begin(Quota::DOCUMENTED_WRITES, 0), ends: Vec::new() };
        let end = run::run(&mut ledger, &timed, &options, pending(), &mut |event| told.note(&event, counted)).await?;
        assert_eq!(end, RunEnd::Finished);
        let written = timed.written.into_inner();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number above zero")]
        let last = written[counted as usize - 1];
        let took = (last - written[0]).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let refused = tenant.tally().throttled as f64 / f64::from(accounts);
        let off = |end: &Instant| (end.duration_since(written[0]).as_secs_f64() / took - 1.0).abs();
        let foretold_off = told.ends.iter().map(off).fold(0.0, f64::max);
        Ok(Figures { ratio: took / self.bound(counted), refused, foretold_off })
    }
}

/// When the time left was told, the end that it meant.
struct Told {
    forecast: Forecast,
    ends: Vec<Instant>,
}

impl Told {
    fn note(&mut self, event: &RunEvent, counted: f64) {
        let RunEvent::Progress { counts, throttled, covered, latency } = event else { return };
        self.forecast.note(counts.settled(), *throttled, *covered, *latency);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "small numbers"
        )]
        let left = (counted - counts.settled() as f64).max(0.0) as u64;
        if TOLD.get(self.ends.len()).is_some_and(|share| left as f64 <= counted * (1.0 - share)) {
            self.ends.push(Instant::now() + self.forecast.time_left(left).min(LONG));
        }
    }
}
