//! A PostgreSQL server and a PgBouncer for all tests of this program. A shell holds them, and ends them and removes their
//! files when this process ends in any way, because then the shell's standard input ends.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

/// How long a server may take to start, on a busy machine.
const START: Duration = Duration::from_secs(60);
/// The user that runs the servers if these tests run as root.
pub const USER: &str = "postgres";
/// What the shell reads if it must keep the files.
const AGAIN: &str = "again";
/// The pooler.
const POOLER: &str = "/usr/sbin/pgbouncer";

/// A server that runs.
pub struct Server {
    pub bin: PathBuf,
    pub home: PathBuf,
    pub port: u16,
    pooler: Option<u16>,
    guard: Mutex<Child>,
}

static SHARED: LazyLock<Option<Server>> = LazyLock::new(|| Server::start(""));
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The server that the tests share; `None`, with a word, where PostgreSQL is not installed.
pub fn shared() -> Option<&'static Server> {
    if SHARED.is_none() {
        eprintln!("left out: PostgreSQL's server programs are not installed");
    }
    SHARED.as_ref()
}

/// The folder with the server's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let bins = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    bins.filter(|bin| bin.join("postgres").exists() && bin.join("initdb").exists()).max()
}

pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n")
}

/// A command that runs as a user whom the servers accept.
fn as_user(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// A new folder for a server.
fn home() -> PathBuf {
    let home = tempfile::Builder::new().prefix("passwave-pg-").tempdir().expect("a folder").keep();
    give_to_the_server(&home);
    home
}

/// Makes the user of the servers the owner of a file.
pub fn give_to_the_server(file: &Path) {
    if is_root() {
        let mut chown = Command::new("chown");
        chown.arg(USER).arg(file);
        must_succeed(chown);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port()
}

fn must_succeed(mut command: Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Server {
    /// Starts a server with more settings.
    pub fn start(settings: &str) -> Option<Self> {
        let bin = programs()?;
        let home = home();
        let mut initdb = as_user(&bin.join("initdb"));
        initdb.args(["--no-sync", "--username=boss", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        must_succeed({
            initdb.arg("-D").arg(home.join("data"));
            initdb
        });
        let port = free_port();
        let mut own = Self { bin, home, port, pooler: None, guard: Mutex::new(Command::new("true").spawn().ok()?) };
        own.configure(settings);
        own.pooler = Path::new(POOLER).exists().then(free_port);
        own.configure_pooler();
        own.run();
        Some(own)
    }

    fn configure(&self, settings: &str) {
        let text = format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = on\n{settings}\n",
            self.port,
            self.home.display()
        );
        let file = self.home.join("data/postgresql.auto.conf");
        fs::write(file, text).expect("settings");
    }

    fn configure_pooler(&self) {
        let Some(pooler) = self.pooler else { return };
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=boss\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {pooler}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nserver_lifetime = 2\n\
             ignore_startup_parameters = extra_float_digits\n",
            self.port
        );
        fs::write(self.home.join("pooler.ini"), text).expect("settings");
    }

    /// Starts the programs, and waits for them.
    fn run(&self) {
        let mut lines = format!(
            "{} -D {} >{}/log 2>&1 & server=$!\n",
            self.bin.join("postgres").display(),
            self.home.join("data").display(),
            self.home.display()
        );
        lines.push_str("pooler=\n");
        if self.pooler.is_some() {
            lines.push_str(&format!(
                "{POOLER} -q {} >{}/pooler.log 2>&1 & pooler=$!\n",
                self.home.join("pooler.ini").display(),
                self.home.display()
            ));
        }
        lines.push_str("read -r word\nkill -QUIT $server; [ -z \"$pooler\" ] || kill -TERM $pooler; wait\n");
        // The server that all tests share is never dropped, so the shell also removes the files.
        lines.push_str(&format!("[ \"$word\" = {AGAIN} ] || rm -rf {}\n", self.home.display()));
        let mut shell = as_user(Path::new("/bin/sh"));
        shell.arg("-c").arg(lines).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        *self.guard.lock().expect("a lock") = shell.spawn().expect("it starts");
        self.wait();
    }

    /// Waits until it takes connections.
    pub fn wait(&self) {
        let began = Instant::now();
        while !self.try_sql("postgres", "SELECT 1").is_ok_and(|said| said == "1") {
            let log = || fs::read_to_string(self.home.join("log")).unwrap_or_default();
            assert!(began.elapsed() < START, "the server does not start: {}", log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server in the given mode, and starts it again.
    pub fn restart(&self, mode: &str) {
        let mut stop = as_user(&self.bin.join("pg_ctl"));
        stop.args(["stop", "-m", mode, "-D"]).arg(self.home.join("data"));
        must_succeed(stop);
        self.end_shell();
        self.run();
    }

    /// Ends the shell, and what it has started, but keeps the files.
    fn end_shell(&self) {
        let mut guard = self.guard.lock().expect("a lock");
        if let Some(mut input) = guard.stdin.take() {
            // A shell that has ended already does not read.
            let _ = writeln!(input, "{AGAIN}");
        }
        let _ = guard.wait();
    }

    /// Keeps a copy of everything as it is now, for [`Server::fail_over`].
    pub fn copy(&self) {
        let mut backup = as_user(&self.bin.join("pg_basebackup"));
        backup.args(["-h", "127.0.0.1", "-U", "boss", "-X", "stream", "-c", "fast", "-p"]).arg(self.port.to_string());
        backup.arg("-D").arg(self.home.join("copy"));
        must_succeed(backup);
    }

    /// A standby of it.
    pub fn standby(&self) -> Self {
        let home = home();
        let mut backup = as_user(&self.bin.join("pg_basebackup"));
        backup.args(["-h", "127.0.0.1", "-U", "boss", "-X", "stream", "-c", "fast", "-R", "-p"]);
        backup.arg(self.port.to_string()).arg("-D").arg(home.join("data"));
        must_succeed(backup);
        let guard = Mutex::new(Command::new("true").spawn().expect("it starts"));
        let own = Self { bin: self.bin.clone(), home, port: free_port(), pooler: None, guard };
        // What the backup has set stays: whom to follow.
        let file = own.home.join("data/postgresql.auto.conf");
        let followed = fs::read_to_string(file).expect("settings");
        let followed: String = followed.lines().filter(|line| line.starts_with("primary_conninfo")).collect();
        own.configure(&followed);
        own.run();
        own
    }

    /// Replaces the server with its copy, promoted: what was committed since is lost, as with a standby that lagged behind.
    pub fn fail_over(&self) {
        let mut stop = as_user(&self.bin.join("pg_ctl"));
        stop.args(["stop", "-m", "immediate", "-D"]).arg(self.home.join("data"));
        must_succeed(stop);
        self.end_shell();
        fs::rename(self.home.join("data"), self.home.join("lost")).expect("moved");
        fs::rename(self.home.join("copy"), self.home.join("data")).expect("moved");
        fs::write(self.home.join("data/standby.signal"), "").expect("written");
        self.run();
        let mut promote = as_user(&self.bin.join("pg_ctl"));
        promote.args(["promote", "-w", "-D"]).arg(self.home.join("data"));
        must_succeed(promote);
    }

    /// A new empty database.
    pub fn database(&self) -> Database<'_> {
        self.database_with("")
    }

    /// The same with options.
    pub fn database_with(&self, options: &str) -> Database<'_> {
        let name = format!("test{}", DATABASES.fetch_add(1, Ordering::SeqCst));
        self.try_sql("postgres", &format!("CREATE DATABASE {name} {options}")).expect("made");
        Database { server: self, name }
    }

    /// Changes a setting while the server runs.
    pub fn set(&self, name: &str, value: &str) {
        self.try_sql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'")).expect("set");
        self.try_sql("postgres", "SELECT pg_reload_conf()").expect("loaded");
    }

    fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        self.try_sql_at(self.port, database, sql)
    }

    fn try_sql_at(&self, port: u16, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "boss", "-p"]);
        psql.arg(port.to_string()).args(["-d", database, "-c", sql]);
        let output = psql.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() { Ok(said) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).expect("a log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut guard = self.guard.lock().expect("a lock");
        drop(guard.stdin.take());
        let _ = guard.wait();
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// A standby that follows a server.
pub struct Standby<'a> {
    server: &'a Server,
    folder: PathBuf,
    port: u16,
}

impl<'a> Standby<'a> {
    /// Makes one from a copy of the server, and starts it.
    pub fn of(server: &'a Server) -> Self {
        let own = Self { server, folder: server.home.join("standby"), port: free_port() };
        let mut backup = as_user(&server.bin.join("pg_basebackup"));
        backup.args(["-h", "127.0.0.1", "-U", "boss", "-X", "stream", "-c", "fast", "-R", "-p"]);
        backup.arg(server.port.to_string()).arg("-D").arg(&own.folder);
        must_succeed(backup);
        own.start();
        own
    }

    fn control(&self) -> Command {
        let mut control = as_user(&self.server.bin.join("pg_ctl"));
        control.arg("-D").arg(&self.folder);
        control
    }

    /// Starts it, and waits until it follows.
    pub fn start(&self) {
        let mut start = self.control();
        let options = format!("-c port={} -c logging_collector=off", self.port);
        start.args(["start", "-w", "-l"]).arg(self.server.home.join("standby.log")).args(["-o", &options]);
        // It would keep the pipes of this process open.
        let started =
            start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it starts");
        assert!(started.success());
        let began = Instant::now();
        while self
            .server
            .try_sql("postgres", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
            .as_deref()
            != Ok("1")
        {
            assert!(began.elapsed() < START, "the standby does not follow");
            sleep(Duration::from_millis(50));
        }
    }

    pub fn stop(&self) {
        let mut stop = self.control();
        stop.args(["stop", "-m", "immediate"]);
        must_succeed(stop);
    }

    /// What a statement in this database returns there.
    pub fn sql(&self, database: &Database<'_>, sql: &str) -> String {
        self.server.try_sql_at(self.port, &database.name, sql).expect("a statement")
    }
}

impl Drop for Standby<'_> {
    fn drop(&mut self) {
        let _ = self.control().args(["stop", "-m", "immediate"]).output();
    }
}

/// A database of one test.
pub struct Database<'a> {
    pub server: &'a Server,
    pub name: String,
}

impl Database<'_> {
    /// Its address for a role.
    pub fn url_of(&self, role: &str) -> String {
        self.url_at(role, self.server.port)
    }

    /// Its address for its owner.
    pub fn url(&self) -> String {
        self.url_of("boss")
    }

    /// Its address behind another port.
    pub fn url_at(&self, role: &str, port: u16) -> String {
        format!("postgresql://{role}@127.0.0.1:{port}/{}", self.name)
    }

    /// Its address behind the pooler; `None`, with a word, where PgBouncer is not installed.
    pub fn pooled(&self) -> Option<String> {
        if self.server.pooler.is_none() {
            eprintln!("left out: PgBouncer is not installed");
        }
        Some(self.url_at("boss", self.server.pooler?))
    }

    /// Removes it.
    pub fn remove(&self) {
        let _ = self.server.try_sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }

    /// Starts a session with a statement.
    pub fn session(&self, sql: &str) -> Child {
        let mut psql = Command::new(self.server.bin.join("psql"));
        psql.args(["-X", "-q", "-h", "127.0.0.1", "-U", "boss", "-p"]).arg(self.server.port.to_string());
        psql.args(["-d", &self.name, "-c", sql]).stdin(Stdio::null()).stdout(Stdio::null());
        psql.spawn().expect("it starts")
    }

    /// What a statement returns.
    pub fn sql(&self, sql: &str) -> String {
        self.server.try_sql(&self.name, sql).expect("a statement")
    }
}
