//! Everything that a seed decides: the roster, the tenant, its faults, and the options of the run.

use super::{Story, disk::Failure, disturbances::Event, ending::Ending};
use crate::world::{KeyPair, World};
use jiff::{SignedDuration, Timestamp};
use passwave::{
    engine::dispatch::Pace,
    graph::quota::Quota,
    plan::{Lookup, Rules},
    simulator::{AccountKind, Faults, SimulatorConfig, faults},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::time::Duration;

/// Kinds of accounts that refuse a password.
const UNWILLING: [AccountKind; 4] =
    [AccountKind::Admin, AccountKind::AdminByGroup, AccountKind::Synced, AccountKind::Guest];
/// Kinds of accounts besides ordinary ones. A federated one would make all others of its domain federated, too.
const KINDS: [AccountKind; 6] = [
    AccountKind::Admin,
    AccountKind::AdminByGroup,
    AccountKind::Synced,
    AccountKind::Guest,
    AccountKind::Missing,
    AccountKind::Disabled,
];
/// The time of all this.
const EPOCH: &str = "2026-09-01T07:00:00.4Z";

/// A seed and its random choices, in the order in which they are requested.
pub struct Script {
    rng: StdRng,
    story: Story,
}

/// What the operator wants besides the passwords.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// Sessions are revoked.
    pub revokes: bool,
    /// The reset accounts are verified.
    pub verifies: bool,
}

/// What happens to one process.
pub struct Process {
    /// How it ends.
    pub ending: Ending,
    /// The events meanwhile, each with its batch.
    pub events: Vec<(u32, Event)>,
    /// How many seconds its machine's clock is ahead of the directory's.
    pub clock_ahead: i64,
    /// The time until the next process.
    pub gap: Duration,
    /// Whether it gets the key to the sealed passwords.
    pub has_key: bool,
}

impl Script {
    /// The choices of `story`.
    pub fn of(story: Story) -> Self {
        Self { rng: StdRng::seed_from_u64(story.seed), story }
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.random_ratio(1, n)
    }

    fn seconds(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(0..=most * 1_000))
    }

    /// A number from 1 to `most`; small ones are more likely.
    fn few(&mut self, most: u32) -> u32 {
        let most = self.rng.random_range(1..=most);
        self.rng.random_range(1..=most)
    }

    /// A number below `most`.
    pub fn number(&mut self, most: u64) -> u64 {
        self.rng.random_range(0..most)
    }

    /// The start time.
    fn epoch(&mut self) -> Timestamp {
        let epoch: Timestamp = EPOCH.parse().expect("a time");
        epoch + SignedDuration::from_millis(self.rng.random_range(0..86_400_000))
    }

    /// A roster, a tenant and a plan.
    pub fn world(&mut self) -> World {
        let of_tenant = ["3000/150s", "40/20s", "100/10s", "300/15s"].choose(&mut self.rng).expect("a quota");
        let mut config = SimulatorConfig::new(quota(of_tenant), self.story.seed);
        config.faults = match self.rng.random_range(0..4) {
            // A date is compared with the wall clock, so the story would not repeat exactly.
            0 => {
                let mut storm = Faults::storm();
                storm.retry_after = self.retry_after();
                storm
            }
            1 => self.calm(),
            _ => self.misfortune(),
        };
        config.epoch = self.epoch();
        if self.one_in(4) {
            config.resource_units = quota("30/10s");
        }
        let rows = self.few(60) as usize;
        let roster = self.roster(rows);
        let excluded: Vec<&str> =
            roster.iter().skip(1).filter(|name| name.contains('@') && self.one_in(20)).map(String::as_str).collect();
        let lookup = if self.one_in(3) { Lookup::Off } else { Lookup::Auto };
        let (include_synced, include_admins) = (self.rng.random(), self.rng.random());
        let mut rules = Rules { lookup, include_synced, include_admins, ..Rules::default() };
        let writeback = Hybrid::of(self.story.seed, 3);
        writeback.iter().for_each(|hybrid| hybrid.set_up(&mut rules, &mut config.faults));
        let mut world = World::sealed(config, roster.clone(), rules, &excluded, self.keys());
        world.options.trusts_earlier_writeback = writeback.is_some_and(|hybrid| hybrid.trusts);
        world.options.pace = self.pace(world.options.pace);
        world.options.pilot = self.one_in(6).then(|| u64::from(self.few(30)));
        world.options.halt_on = if self.one_in(8) { vec!["failed=2".parse().expect("a rule")] } else { Vec::new() };
        // The first account is ordinary: if all were administrators, the cause of the refusals could not be told.
        for row in 2..=world.accounts.len() {
            if self.one_in(15) && world.upn_of(row).is_some() {
                world.make(row, *KINDS.choose(&mut self.rng).expect("a kind"));
            }
        }
        world
    }

    /// A scenario that is small enough to be cut at every moment.
    pub fn small_world(&mut self) -> World {
        let mut config = SimulatorConfig::new(quota("40/20s"), self.story.seed);
        config.faults = self.calm();
        config.faults.latency_ms = self.rng.random_range(1..400);
        config.faults.requests.lost_after = if self.rng.random() { 0.2 } else { 0.0 };
        config.faults.responses.missing = if self.rng.random() { 0.2 } else { 0.0 };
        config.faults.complexity = faults::Complexity { share: 0.3, times: 1 };
        config.epoch = self.epoch();
        let rows = self.rng.random_range(1..=6);
        let roster = (1..=rows).map(|n| format!("user{n}@contoso.com")).collect();
        let lookup = if self.rng.random() { Lookup::Off } else { Lookup::Auto };
        let mut rules = Rules { lookup, ..Rules::default() };
        Hybrid::of(self.story.seed / 100, 2).iter().for_each(|hybrid| hybrid.set_up(&mut rules, &mut config.faults));
        let mut world = World::sealed(config, roster, rules, &[], self.keys());
        world.options.pace.concurrency = Some(self.rng.random_range(1..=2));
        world.options.pace.batch_size = self.rng.random_range(1..=3);
        world
    }

    /// The keys to the passwords of a sealed story.
    fn keys(&self) -> Option<KeyPair> {
        if self.story.is_sealed { KeyPair::generate() } else { None }
    }

    /// What the operator wants.
    pub fn wishes(&mut self) -> Wishes {
        Wishes { revokes: self.one_in(4), verifies: self.one_in(6) }
    }

    /// Whether the tenant refuses a password that the account already has.
    pub fn history(&mut self) -> bool {
        self.one_in(4)
    }

    fn pace(&mut self, mut pace: Pace) -> Pace {
        pace.write_quota = if self.rng.random() { Quota::DOCUMENTED_WRITES } else { quota("60/10s") };
        pace.concurrency = if self.one_in(4) { None } else { Some(self.rng.random_range(1..20)) };
        pace.batch_size = if self.one_in(3) { 20 } else { self.rng.random_range(1..=20) };
        pace.max_wait = if self.rng.random() { pace.max_wait } else { Duration::from_secs(60) };
        pace
    }

    /// What happens to the next process, of a run with this many `rows`; a process is `spared` so that the run can end.
    pub fn process(&mut self, rows: usize, spared: bool) -> Process {
        let ending = if spared { Ending::Spared } else { self.ending() };
        let number = if spared { 0 } else { self.rng.random_range(0..4) };
        let events = (0..number).map(|_| (self.few(8), self.event(rows))).collect();
        let clock_ahead = match self.rng.random_range(0..6) {
            0 => self.rng.random_range(-3..=3),
            1 => self.rng.random_range(-200..=200),
            2 => self.rng.random_range(-100_000..=100_000),
            _ => 0,
        };
        let gap = match self.rng.random_range(0..4) {
            0 => self.seconds(4),
            1 => self.seconds(10_000),
            _ => Duration::ZERO,
        };
        let has_key = self.story.is_sealed && self.rng.random();
        Process { ending, events, clock_ahead, gap, has_key }
    }

    fn ending(&mut self) -> Ending {
        match self.rng.random_range(0..8) {
            0 => Ending::BeforeSending(self.few(6)),
            1 => Ending::BeforeAnswer(self.few(6)),
            2 => Ending::Disk(Failure::Write, self.few(80)),
            3 => Ending::Disk(Failure::Commit, self.few(80)),
            4 => Ending::Stop(self.seconds(40)),
            5 => Ending::Spared,
            _ => Ending::Poll(self.few(30)),
        }
    }

    fn event(&mut self, rows: usize) -> Event {
        match self.rng.random_range(0..if self.story.with_people { 10 } else { 8 }) {
            0 => Event::Rival,
            1 => Event::Reader,
            2 => Event::Jump(self.rng.random_range(-300..=300)),
            3 => Event::Jump(self.rng.random_range(0..=20_000)),
            4 => Event::Denial,
            8 | 9 => Event::Choice(self.rng.random_range(1..=rows)),
            _ => Event::Change(self.rng.random_range(1..=rows), *UNWILLING.choose(&mut self.rng).expect("a kind")),
        }
    }

    /// Ordinary names, names that need escapes, object ids, invalid rows, and the same account again.
    fn roster(&mut self, rows: usize) -> Vec<String> {
        let mut roster: Vec<String> = Vec::with_capacity(rows);
        for n in 0..rows {
            let again = roster.get(self.rng.random_range(0..n.max(1))).map(|name| name.to_ascii_uppercase());
            roster.push(match self.rng.random_range(0..24) {
                0 => format!("o'brien{n}@contoso.com"),
                1 => format!("guest{n}_fabrikam.com#EXT#@contoso.onmicrosoft.com"),
                2 => format!("a%41+b{n}^~!@contoso.com"),
                3 => format!("${n}'s@contoso.com"),
                4 => format!("0b8f2a6e-3c1d-4e5f-8a9b-{n:012x}"),
                5 => format!("not an account {n}"),
                6 if n > 0 => again.unwrap_or_default(),
                _ => format!("user{n}@contoso.com"),
            });
        }
        // The roster must have at least one account.
        roster[0] = "user0000@contoso.com".into();
        roster
    }

    fn calm(&mut self) -> Faults {
        let mut faults = Faults::calm();
        faults.latency_ms = self.rng.random_range(0..500);
        faults.latency_jitter_ms = self.rng.random_range(0..1_000);
        faults
    }

    fn share(&mut self, most: f64) -> f64 {
        if self.one_in(3) { self.rng.random_range(0.0..most) } else { 0.0 }
    }

    /// Some kinds of trouble at a time, each with random strength.
    fn misfortune(&mut self) -> Faults {
        use faults::{Denied, HeaderCase};
        let mut faults = Faults::default();
        faults.quota_full = 1.0 - self.share(1.0);
        faults.items = self.of_items();
        faults.requests = self.of_requests();
        faults.responses.missing = self.share(0.5);
        faults.responses.repeated = self.share(0.5);
        faults.responses.unknown = self.share(1.0);
        faults.stall = faults::Stall { share: self.share(0.2), seconds: self.share(60.0) };
        faults.complexity = faults::Complexity { share: self.share(1.0), times: self.rng.random_range(1..5) };
        faults.replication_lag_seconds = self.share(600.0);
        let calm = self.calm();
        faults.latency_ms = calm.latency_ms;
        faults.latency_jitter_ms = calm.latency_jitter_ms;
        faults.token.revoked_after_requests = if self.rng.random() { 0 } else { self.rng.random_range(2..20) };
        faults.token.seconds = if self.rng.random() { 3_599 } else { self.rng.random_range(1..60) };
        if self.one_in(3) {
            let (from_seconds, seconds) = (self.rng.random_range(0.0..30.0), self.rng.random_range(0.1..1_500.0));
            faults.outages = vec![faults::Window { from_seconds, seconds }];
        }
        if self.one_in(6) {
            let units_per_second = self.rng.random_range(0.5..30.0);
            faults.competing = faults::Competing { units_per_second, from_seconds: 0.0, seconds: Some(300.0) };
        }
        if self.one_in(8) {
            let denied = [Denied::Reads, Denied::Roles, Denied::Domains, Denied::Sessions];
            faults.denied = *denied.choose(&mut self.rng).expect("one");
        }
        faults.retry_after = self.retry_after();
        faults.header_case = HeaderCase::Mixed;
        faults
    }

    fn retry_after(&mut self) -> faults::RetryAfterForm {
        use faults::RetryAfterForm::{Absent, Fraction, One, Seconds};
        *[Seconds, Fraction, One, Absent].choose(&mut self.rng).expect("a form")
    }

    fn of_items(&mut self) -> faults::ItemFaults {
        let mut items = faults::ItemFaults::default();
        items.throttled = self.share(0.2);
        items.throttled_seconds = self.share(30.0);
        items.unavailable = self.share(0.2);
        items.timeout = self.share(0.2);
        items.applied = self.share(1.0);
        items.conflict = self.share(0.15);
        items.conflict_as_bad_request = self.share(0.15);
        items.odd_success = self.share(0.1);
        items
    }

    fn of_requests(&mut self) -> faults::RequestFaults {
        let mut requests = faults::RequestFaults::default();
        requests.throttled = self.share(0.1);
        requests.retry_after_seconds = self.share(60.0);
        requests.unavailable = self.share(0.1);
        requests.timeout = self.share(0.1);
        requests.bad_gateway = self.share(0.1);
        requests.applied = self.share(1.0);
        requests.lost_before = self.share(0.2);
        requests.lost_after = self.share(0.3);
        requests.truncated = self.share(0.1);
        requests
    }
}

/// A tenant in which an on-premises directory manages some accounts, whose passwords are reset there.
struct Hybrid {
    synced: f64,
    writeback: faults::WritebackFaults,
    trusts: bool,
}

impl Hybrid {
    /// The tenant of one in `n` seeds. Its choices have a source of their own, so all others stay as they are.
    fn of(seed: u64, n: u32) -> Option<Self> {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x5713_EBAC);
        if !rng.random_ratio(1, n) {
            return None;
        }
        let mut share = |most: f64| if rng.random_ratio(1, 2) { rng.random_range(0.0..most) } else { 0.0 };
        let mut writeback = faults::WritebackFaults::default();
        writeback.slow = share(0.5);
        writeback.refused = share(0.4);
        writeback.endless = share(0.2);
        writeback.without_address = share(0.3);
        writeback.seconds = 10.0 + share(100.0);
        Some(Self { synced: rng.random_range(0.1..0.9), writeback, trusts: rng.random() })
    }

    fn set_up(&self, rules: &mut Rules, faults: &mut Faults) {
        // Accounts that are not looked up cannot be told apart.
        (rules.writeback, rules.lookup, rules.include_synced) = (true, Lookup::Required, false);
        (faults.synced, faults.writeback) = (self.synced, self.writeback.clone());
        faults.denied = faults::Denied::Nothing;
    }
}

fn quota(text: &str) -> Quota {
    text.parse().expect("a quota")
}
