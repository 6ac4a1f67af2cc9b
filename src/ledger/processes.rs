//! The processes of a run: those that ended normally and noted what they did, and killed ones, which left only the rows
//! that they settled.
//!
//! Each process notes its start before it sends anything. Ledgers from before that note can be read, too: rows that
//! belong to no noted process are assigned to as many processes as the gaps between them suggest. Others can change the
//! times in a ledger, so any values give a list.
//!
//! It never writes to a row. Invariant: each settled row counts in at most one process.

use super::{
    Ledger, LedgerError, ReadLedger, Session,
    note::{self, NoteKey},
};
use serde::{Deserialize, Serialize};

/// The end of the year 9999, in milliseconds since 1970.
const TIME_MAX: i64 = 253_402_300_799_999;
/// A row that was settled this close to a process's start or end still belongs to it: the directory reports whole
/// seconds.
const SLACK_MILLIS: i64 = 2_000;
/// A longer gap between settled rows means a new process.
const SILENCE_MILLIS: i64 = 20 * 60 * 1_000;

/// One process that worked on the run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// What it did. For a killed process, only its times and its settled rows are known.
    pub session: Session,
    /// Whether it left no note of its end: it was killed, or it is still running.
    pub is_cut_off: bool,
    /// How many writes the quota had left when it began; `None` if the bucket was full, or nobody knew.
    pub left: Option<u64>,
}

/// A process's start, as noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Start {
    began_at: i64,
    write_quota: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
}

/// When a run worked, and when its rows ended.
pub struct Times {
    /// All processes of the run, by start time.
    pub processes: Vec<Process>,
    /// When rows that were sent have ended ([`ReadLedger::endings`]).
    pub endings: Vec<(i64, u64)>,
}

impl ReadLedger {
    /// All processes of the run, by start time, and when its rows ended.
    pub fn times(&self) -> Result<Times, LedgerError> {
        let endings = self.endings()?;
        Ok(Times { processes: told_apart(self.sessions()?, self.starts()?, &endings), endings })
    }

    /// How often rows were sent, over all processes.
    pub fn attempts(&self) -> Result<u64, LedgerError> {
        Ok(self.connection.query_row("SELECT coalesce(sum(attempts), 0) FROM account", (), |row| row.get(0))?)
    }

    /// An unreadable note counts as none.
    fn starts(&self) -> Result<Vec<Start>, LedgerError> {
        let noted = note::read(&self.connection, NoteKey::Processes)?;
        Ok(noted.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }
}

impl Ledger {
    /// Notes that a process starts to send, and how many writes the quota has left, if the bucket is not full. Call it
    /// before the first batch.
    pub fn begin_process(&self, began_at: i64, write_quota: &str, left: Option<u64>) -> Result<(), LedgerError> {
        let mut starts = self.starts()?;
        starts.push(Start { began_at, write_quota: write_quota.to_owned(), left });
        self.connection.note(NoteKey::Processes, &serde_json::to_string(&starts)?)
    }
}

fn told_apart(sessions: Vec<Session>, mut starts: Vec<Start>, endings: &[(i64, u64)]) -> Vec<Process> {
    let noted_since = starts.iter().map(|start| start.began_at).min().unwrap_or(i64::MAX);
    let left: Vec<(i64, Option<u64>)> = starts.iter().map(|start| (start.began_at, start.left)).collect();
    for session in &sessions {
        if let Some(at) = starts.iter().position(|start| start.began_at == session.began_at) {
            starts.remove(at);
        }
    }
    let mut lost: Vec<Session> = starts.into_iter().filter(|start| is_time(start.began_at)).map(begun).collect();
    let mut unknown: Vec<Session> = Vec::new();
    for (at, number) in endings.iter().copied().filter(|(at, _)| is_time(*at)) {
        let is_covered = |slack: i64| sessions.iter().any(|session| covers(session, at, slack));
        if is_covered(0) {
            continue;
        }
        // A row settled shortly before or after a normal process may belong to a killed one.
        match owner(&mut lost, &sessions, at, 0) {
            Some(process) => settle(process, at, number),
            None if is_covered(SLACK_MILLIS) => {}
            None => match owner(&mut lost, &sessions, at, SLACK_MILLIS) {
                Some(process) => settle(process, at, number),
                None => guess(&mut unknown, &sessions, at, number),
            },
        }
    }
    // With the note, a row that matches no start only shows its time, for example after the clock was set back.
    let process = |session: Session, is_cut_off| {
        let left = left.iter().find(|(began_at, _)| *began_at == session.began_at).and_then(|(_, left)| *left);
        Process { session, is_cut_off, left }
    };
    let cut_off = |session| process(session, true);
    let guessed = unknown.into_iter().map(|session| {
        let is_cut_off = session.began_at < noted_since;
        process(session, is_cut_off)
    });
    let ended = sessions.iter().map(|session| process(session.clone(), false));
    let mut processes: Vec<Process> = ended.chain(lost.into_iter().map(cut_off)).chain(guessed).collect();
    processes.sort_by_key(|process| process.session.began_at);
    processes
}

fn begun(start: Start) -> Session {
    let Start { began_at, write_quota, .. } = start;
    Session { began_at, ended_at: began_at, write_quota, ..Session::default() }
}

/// The killed process that had started last by then, if no other one has started since.
fn owner<'s>(lost: &'s mut [Session], sessions: &[Session], at: i64, slack: i64) -> Option<&'s mut Session> {
    let until = at.saturating_add(slack);
    let process = lost.iter_mut().filter(|process| process.began_at <= until).max_by_key(|process| process.began_at)?;
    let began = process.began_at;
    (!sessions.iter().any(|session| began < session.began_at && session.began_at <= at)).then_some(process)
}

fn settle(process: &mut Session, at: i64, number: u64) {
    let at = at.max(process.began_at);
    process.first_write.get_or_insert(process.began_at);
    process.last_write = process.last_write.max(Some(at));
    process.ended_at = process.ended_at.max(at);
    process.settled = process.settled.saturating_add(number);
}

/// Adds a row that matches no process to the process before it, or to a new one.
fn guess(unknown: &mut Vec<Session>, sessions: &[Session], at: i64, number: u64) {
    let between = |from: i64, to: i64| sessions.iter().any(|session| (from..=to).contains(&session.began_at));
    match unknown.last_mut() {
        Some(last) if at - last.ended_at <= SILENCE_MILLIS && !between(last.ended_at, at) => settle(last, at, number),
        _ => {
            let mut process = Session { began_at: at, ended_at: at, ..Session::default() };
            settle(&mut process, at, number);
            unknown.push(process);
        }
    }
}

/// Whether a row that was settled at that time belongs to this process.
fn covers(session: &Session, at: i64, slack: i64) -> bool {
    let from = session.first_write.unwrap_or(session.began_at).min(session.began_at);
    let to = session.last_write.unwrap_or(session.ended_at).max(session.ended_at);
    (from.saturating_sub(slack)..=to.saturating_add(slack)).contains(&at)
}

/// Whether these milliseconds are between 1970 and the year 9999.
#[must_use]
pub fn is_time(millis: i64) -> bool {
    (0..=TIME_MAX).contains(&millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ended(from: i64, to: i64, settled: u64) -> Session {
        let (first_write, last_write) = (Some(from), Some(to));
        Session { began_at: from, ended_at: to, first_write, last_write, settled, ..Session::default() }
    }

    fn start(began_at: i64) -> Start {
        Start { began_at, write_quota: "100/10s".into(), left: None }
    }

    /// For each process: start, end, rows, and whether it was killed.
    fn told(processes: &[Process]) -> Vec<(i64, i64, u64, bool)> {
        let told = |process: &Process| {
            let session = &process.session;
            (session.began_at, session.ended_at, session.settled, process.is_cut_off)
        };
        processes.iter().map(told).collect()
    }

    #[test]
    fn rows_reveal_killed_processes() {
        let endings = [(10_500, 100), (13_000, 2_960), (20_500, 20), (900_100, 520)];
        let starts = vec![start(10_000), start(20_000), start(900_000)];
        let processes = told_apart(vec![ended(900_000, 901_000, 520)], starts, &endings);
        assert_eq!(
            told(&processes),
            [(10_000, 13_000, 3_060, true), (20_000, 20_500, 20, true), (900_000, 901_000, 520, false)]
        );
        assert_eq!((processes[0].session.first_write, processes[0].session.last_write), (Some(10_000), Some(13_000)));
        assert_eq!(processes[0].session.write_quota, "100/10s");
    }

    #[test]
    fn each_process_knows_what_was_left_of_the_quota() {
        let left = |began_at, left| Start { left, ..start(began_at) };
        let starts = vec![left(10_000, None), left(20_000, Some(40)), left(30_000, Some(7))];
        let processes = told_apart(vec![ended(20_000, 21_000, 60)], starts, &[(10_100, 60), (20_500, 60)]);
        let found: Vec<_> = processes.iter().map(|process| (process.session.began_at, process.left)).collect();
        assert_eq!(found, [(10_000, None), (20_000, Some(40)), (30_000, Some(7))]);
        let of_a_release_before = r#"[{"began_at":5,"write_quota":"100/10s"}]"#;
        assert_eq!(serde_json::from_str::<Vec<Start>>(of_a_release_before).expect("starts"), [start(5)]);
    }

    #[test]
    fn processes_killed_early_are_counted() {
        let processes = told_apart(Vec::new(), vec![start(5_000)], &[]);
        assert_eq!(told(&processes), [(5_000, 5_000, 0, true)]);
        assert_eq!(processes[0].session.first_write, None);
    }

    #[test]
    fn older_ledgers_are_read_by_silence() {
        let endings = [(10_100, 100), (20_010, 50), (40_000_000, 7), (40_001_000, 3), (90_005_000, 50)];
        let sessions = vec![ended(10_000, 20_000, 150), ended(90_000_000, 90_010_000, 50)];
        let processes = told_apart(sessions, Vec::new(), &endings);
        assert_eq!(
            told(&processes),
            [(10_000, 20_000, 150, false), (40_000_000, 40_001_000, 10, true), (90_000_000, 90_010_000, 50, false)]
        );
    }

    #[test]
    fn quick_restart_keeps_rows_apart() {
        let endings = [(10_500, 100), (12_900, 900), (13_400, 50)];
        let processes = told_apart(vec![ended(13_000, 13_500, 50)], vec![start(10_000), start(13_000)], &endings);
        assert_eq!(told(&processes), [(10_000, 12_900, 1_000, true), (13_000, 13_500, 50, false)]);
        let processes = told_apart(Vec::new(), vec![start(10_000), start(13_000)], &endings);
        assert_eq!(told(&processes), [(10_000, 12_900, 1_000, true), (13_000, 13_400, 50, true)]);
    }

    #[test]
    fn whole_seconds_belong_to_their_process() {
        let processes = told_apart(Vec::new(), vec![start(10_900)], &[(10_000, 20)]);
        assert_eq!(told(&processes), [(10_900, 10_900, 20, true)]);
    }

    proptest! {
        #[test]
        fn no_row_is_counted_twice(
            sessions in prop::collection::vec((any::<i64>(), any::<i64>()), 0..5),
            starts in prop::collection::vec(prop_oneof![any::<i64>(), 0..100_000_i64], 0..5),
            mut endings in prop::collection::vec((prop_oneof![any::<i64>(), 0..100_000_i64], 0..1_000_u64), 0..30),
        ) {
            endings.sort_unstable();
            let sessions = sessions.into_iter().map(|(from, to)| ended(from, to, 0)).collect();
            let starts = starts.into_iter().map(start).collect();
            let processes = told_apart(sessions, starts, &endings);
            let counted: u64 = processes.iter().map(|process| process.session.settled).sum();
            prop_assert!(counted <= endings.iter().map(|(_, number)| number).sum());
            prop_assert!(processes.is_sorted_by_key(|process| process.session.began_at));
        }
    }
}
