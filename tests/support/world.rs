//! A roster, its run folder and a tenant: everything that a run needs, without a terminal or a network.

use super::{
    checkers::{self, Others, Row, Violation},
    elsewhere::Elsewhere,
};
use jiff::Timestamp;
use passwave::{
    account::upn::Upn,
    engine::{
        dispatch::Pace,
        lookup::{LookupEnd, LookupError, LookupEvent, LookupOptions, look_up},
        run::{self, RunEnd, RunError, RunOptions},
    },
    graph::Graph,
    ledger::{Counts, FILE_NAME, Ledger, LedgerError, ReadLedger},
    password::{BannedWords, Generator, PasswordPolicy, Style},
    plan::{Plan, Rules, Settings},
    report,
    roster::{Roster, RosterOptions, exclusions::Exclusions},
    seal::{Identities, Sealing},
    simulator::{Account, AccountKind, Simulator, SimulatorConfig},
};
use rusqlite::{Connection, OpenFlags};
use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    path::PathBuf,
};
use tempfile::TempDir;

/// A planned run, and its tenant.
pub struct World {
    /// The tenant. Its time starts with the world.
    pub tenant: Simulator,
    /// How the run works.
    pub options: RunOptions,
    /// The accounts of the roster's rows, in order.
    pub accounts: Vec<String>,
    /// Accounts that are in the tenant but not in the roster, or are excluded from the plan.
    pub strangers: Vec<String>,
    /// The directory's clock when the world starts.
    pub epoch: Timestamp,
    /// Passwords that users have chosen themselves.
    pub chosen: RefCell<Vec<String>>,
    /// If the run is sealed: the only key that opens it.
    pub key: Option<String>,
    /// Whether the next process gets that key.
    pub gives_key: Cell<bool>,
    /// Whether the ledger may contain triggers, which simulate a failing disk or a broken engine.
    pub has_triggers: Cell<bool>,
    /// Where the ledger is, if not in the run folder.
    pub elsewhere: Option<Box<dyn Elsewhere>>,
    home: TempDir,
}

impl World {
    /// A tenant with all of `accounts` and some strangers, and a roster of `accounts`.
    pub fn new(config: SimulatorConfig, accounts: Vec<String>) -> Self {
        Self::with(config, accounts, Rules::default(), &[])
    }

    /// The same with `rules` and some excluded accounts.
    pub fn with(config: SimulatorConfig, accounts: Vec<String>, rules: Rules, exclusions: &[&str]) -> Self {
        Self::sealed(config, accounts, rules, exclusions, None)
    }

    /// The same with passwords sealed to the recipient of `keys`, if there are any.
    pub fn sealed(
        config: SimulatorConfig,
        accounts: Vec<String>,
        rules: Rules,
        exclusions: &[&str],
        keys: Option<KeyPair>,
    ) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let (seed, epoch) = (config.seed, config.epoch);
        let tenant = Simulator::new(config);
        let mut strangers = strangers(&accounts);
        accounts.iter().filter_map(|name| Upn::parse(name).ok()).for_each(|upn| tenant.add(Account::from(&upn)));
        strangers.iter().for_each(|name| tenant.add(Account::normal(name)));
        let mut pace = Pace::default();
        pace.seed = seed;
        let mut options = RunOptions::default();
        options.pace = pace;
        strangers.extend(exclusions.iter().map(|key| (*key).to_owned()));
        let (sealing, key) = keys.map(|keys| (keys.sealing(), keys.identity)).unzip();
        if rules.writeback {
            // An application may not reset passwords on premises.
            tenant.sign_in_as_person();
        }
        let (chosen, gives_key, has_triggers) = (RefCell::default(), Cell::new(false), Cell::new(false));
        let elsewhere = crate::elsewhere();
        let world =
            Self { tenant, options, accounts, strangers, epoch, chosen, key, gives_key, has_triggers, elsewhere, home };
        world.plan(rules, sealing, exclusions.iter().map(|key| (*key).to_owned()).collect());
        world
    }

    /// The same with ordinary names: `user1@contoso.com` and so on.
    pub fn of(config: SimulatorConfig, rows: usize) -> Self {
        Self::new(config, (1..=rows).map(|n| format!("user{n}@contoso.com")).collect())
    }

    /// Replaces the tenant with a new one that has the same accounts and none of their passwords.
    pub fn move_to(&mut self, config: SimulatorConfig) {
        self.tenant = Simulator::new(config);
        let known = self.accounts.iter().filter_map(|name| Upn::parse(name).ok());
        known.for_each(|upn| self.tenant.add(Account::from(&upn)));
        self.strangers.iter().for_each(|name| self.tenant.add(Account::normal(name)));
    }

    /// Changes the kind of a roster account.
    pub fn make(&self, row: usize, kind: AccountKind) {
        self.tenant.add(Account { kind, ..Account::normal(&self.accounts[row - 1]) });
    }

    fn plan(&self, rules: Rules, sealing: Option<Sealing>, exclusions: Exclusions) {
        let mut csv = "userPrincipalName,department\r\n".to_owned();
        self.accounts.iter().for_each(|name| csv.push_str(&format!("{name},Year 7\r\n")));
        let roster = Roster::from_bytes("wave.csv", csv.into_bytes(), &RosterOptions::default()).expect("a roster");
        let policy = PasswordPolicy::new(Style::default(), BannedWords::default()).expect("a policy");
        // A rehearsal does not sync to disk; the tests cut off the run, not the machine's power.
        let mut settings = Settings::new(&roster, policy.clone());
        settings.rehearsal = true;
        settings.rules = rules;
        settings.sealing = sealing;
        let generator = Generator::new(&policy).expect("randomness");
        let plan = Plan::new(&roster, generator).without(exclusions);
        let created = match &self.elsewhere {
            Some(elsewhere) => elsewhere.create(settings, plan),
            None => Ledger::create(&self.folder(), settings, plan),
        };
        drop(created.expect("a ledger"));
    }

    /// The run folder.
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("run")
    }

    /// A process starts, works through `graph` until the end or `stop`, and ends.
    pub async fn go(&self, graph: &impl Graph, stop: impl Future<Output = ()>) -> Result<RunEnd, RunError> {
        let mut ledger = self.open(self.options.pace.clock.now())?;
        run::run(&mut ledger, graph, &self.options, stop, &mut |_| {}).await
    }

    /// A process opens the run, with the key if it gets that.
    ///
    /// # Errors
    /// Fails like the ledger.
    pub fn open(&self, now: Timestamp) -> Result<Ledger, LedgerError> {
        let mut ledger = match &self.elsewhere {
            Some(elsewhere) => elsewhere.open(now)?,
            None if self.has_triggers.get() => Ledger::open_with_triggers(&self.folder(), now)?,
            None => Ledger::open_at(&self.folder(), now)?,
        };
        if self.gives_key.get()
            && let Some(keys) = self.keys()
        {
            ledger.unlock(&keys).expect("the right key");
        }
        Ok(ledger)
    }

    /// A process looks the accounts up through `graph`, and returns its warnings.
    pub async fn look(
        &self,
        graph: &impl Graph,
        stop: impl Future<Output = ()>,
    ) -> Result<(LookupEnd, Vec<String>), LookupError> {
        let mut ledger = self.locked()?;
        let mut warnings = Vec::new();
        let mut emit = |event| {
            if let LookupEvent::Warning(warning) = event {
                warnings.push(warning);
            }
        };
        let end = look_up(&mut ledger, graph, &LookupOptions::new(self.options.pace.clone()), stop, &mut emit).await?;
        Ok((end, warnings))
    }

    /// The ledger, for what only it knows.
    pub fn ledger(&self) -> Ledger {
        self.locked().expect("a ledger")
    }

    /// The ledger without its key.
    fn locked(&self) -> Result<Ledger, LedgerError> {
        let now = self.options.pace.clock.now();
        self.elsewhere.as_ref().map_or_else(|| Ledger::open_at(&self.folder(), now), |elsewhere| elsewhere.open(now))
    }

    /// A process that nobody stops, directly against the tenant.
    pub async fn run(&self) -> Result<RunEnd, RunError> {
        self.go(&self.tenant, std::future::pending()).await
    }

    /// The ledger, for a reader.
    pub fn reader(&self) -> ReadLedger {
        let opened = match &self.elsewhere {
            Some(elsewhere) => elsewhere.read(),
            None if self.has_triggers.get() => Ledger::read_with_triggers(&self.folder()),
            None => Ledger::open_to_read(&self.folder()),
        };
        opened.expect("a ledger that can be read at any time")
    }

    /// The key to the sealed passwords, if the run is sealed.
    #[cfg(feature = "seal")]
    pub fn keys(&self) -> Option<Identities> {
        let mut identities = Identities::default();
        identities.add(self.key.as_ref()?.as_bytes()).expect("a key");
        Some(identities)
    }

    /// The key to the sealed passwords, if the run is sealed.
    #[cfg(not(feature = "seal"))]
    pub fn keys(&self) -> Option<Identities> {
        let _ = &self.key;
        None
    }

    /// The current report, as the holder of the key sees it, if there is a key.
    pub fn report(&self) -> Vec<Row> {
        let mut ledger = self.reader();
        if let Some(keys) = self.keys() {
            ledger.unlock(&keys).expect("the right key");
        }
        let mut bytes = Vec::new();
        report::print_csv(&ledger, &mut bytes).expect("a report");
        checkers::read(&bytes)
    }

    /// The number of rows in each state.
    pub fn counts(&self) -> Counts {
        self.reader().counts()
    }

    /// Checks the current report.
    ///
    /// # Errors
    /// Returns the first violation.
    pub fn check(&self) -> Result<Vec<Row>, Violation> {
        self.check_as(|_| {})
    }

    /// The same for a report that `hand` has changed.
    ///
    /// # Errors
    /// Returns the first violation.
    pub fn check_as(&self, hand: impl FnOnce(&mut Vec<Row>)) -> Result<Vec<Row>, Violation> {
        let mut report = self.report();
        hand(&mut report);
        let others = Others { superseded: self.superseded(), chosen: self.chosen.borrow().clone() };
        checkers::check_with(&report, &self.accounts, &self.tenant, &self.strangers, &others).map(|()| report)
    }

    /// Replaced passwords that the ledger keeps, by row.
    fn superseded(&self) -> Vec<(u64, String)> {
        if self.key.is_some() {
            let mut ledger = self.reader();
            if let Some(keys) = self.keys() {
                ledger.unlock(&keys).expect("the right key");
            }
            let superseded = ledger.superseded().expect("sound passwords");
            return superseded.into_iter().map(|(row, password)| (row, password.expose().to_owned())).collect();
        }
        if let Some(elsewhere) = &self.elsewhere {
            return elsewhere.superseded();
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let ledger = Connection::open_with_flags(self.folder().join(FILE_NAME), flags).expect("the ledger");
        let mut select = ledger.prepare("SELECT row, password FROM replaced").expect("the schema");
        let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// The user of a row chooses a password.
    pub fn choose(&self, row: usize) {
        let password = format!("My-own-choice-{}", self.chosen.borrow().len());
        self.tenant.change_elsewhere(&self.accounts[row - 1], &password);
        self.chosen.borrow_mut().push(password);
    }

    /// The address of a row, if it has one.
    pub fn upn_of(&self, row: usize) -> Option<Upn> {
        Upn::parse(&self.accounts[row - 1]).ok()
    }

    /// Checks the report of a run that has ended.
    pub fn check_ended(&self) -> Vec<Row> {
        let report = self.check().expect("the invariants");
        checkers::check_ended(&report).expect("the end");
        report
    }
}

/// The recipient of sealed passwords, and the key that opens them.
pub struct KeyPair {
    recipient: String,
    identity: String,
}

impl KeyPair {
    /// A new pair, if sealing is built in.
    #[cfg(feature = "seal")]
    pub fn generate() -> Option<Self> {
        let identity = age::x25519::Identity::generate();
        let recipient = identity.to_public().to_string();
        Some(Self { recipient, identity: secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned() })
    }

    /// Seals only to the recipient.
    pub fn sealing(&self) -> Sealing {
        Sealing { recipients: vec![self.recipient.clone()], ..Sealing::default() }
    }

    /// `None`: sealing is not built in.
    #[cfg(not(feature = "seal"))]
    pub fn generate() -> Option<Self> {
        None
    }
}

/// Names that differ from the roster's only in what a wrong escape would lose.
fn strangers(accounts: &[String]) -> Vec<String> {
    let mut strangers: Vec<String> = vec!["principal@contoso.com".into(), "user0@contoso.com".into()];
    for name in accounts {
        strangers.extend(name.split_once(['#', '%', '+', '\'']).map(|(head, _)| format!("{head}@contoso.com")));
        strangers.push(name.replace(['#', '%', '+', '\'', '^', '~', '!', '$'], ""));
        strangers.push(name.replace('+', " ").replace("%41", "a"));
    }
    let known: HashSet<String> = accounts.iter().map(|name| name.to_ascii_lowercase()).collect();
    strangers.retain(|name| !known.contains(&name.to_ascii_lowercase()) && Upn::parse(name).is_ok());
    strangers
}
