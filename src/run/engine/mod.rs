//! The loop: one owner of ledger, throttle and verdicts, with batches in flight around it.

mod settle;

use super::{
    RunEnd, RunError, RunEvent, RunOptions,
    judge::{self, Ticket},
    trouble::{Suspicion, Weather},
};
use crate::{
    clean,
    clock::Clock,
    graph::{BatchRequest, BatchResponse, Graph, Reply, SendError, Write},
    ledger::{Claimed, Fact, Ledger, LedgerError, Session, life::Event},
    outcome::Verdict,
    throttle::Throttle,
    upn::Upn,
};
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use settle::fact;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Tokens refused in a row, with none accepted in between, that stop a run.
const TOKEN_REFUSALS_MAX: u32 = 4;

/// Noted where a process found every account refused for want of permission.
const ALL_REFUSED: &str = "all_refused";

/// What keeps more rows from being claimed.
enum Limit {
    /// The pace, or a pause: ask again after this time.
    Time(Duration),
    /// No more rows are due.
    Due,
    /// As many are in flight as may be, or nothing is to be claimed any more: only an answer changes that.
    Answers,
}

/// A batch that has come back, or has not.
struct Answer {
    tickets: Vec<Ticket>,
    sent: Sent,
    result: Result<BatchResponse, SendError>,
}

/// When a batch left, and what was known then: what is learnt from it twice counts once.
#[derive(Clone, Copy)]
struct Sent {
    at: Instant,
    /// Of the throttle.
    epoch: u32,
    token_refusals: u32,
}

pub(super) struct Engine<'a, G> {
    ledger: &'a mut Ledger,
    graph: &'a G,
    options: &'a RunOptions,
    emit: &'a mut dyn FnMut(RunEvent),
    clock: Clock,
    throttle: Throttle,
    weather: Weather,
    suspicion: Suspicion,
    token_refusals: u32,
    in_flight: FuturesUnordered<LocalBoxFuture<'a, Answer>>,
    accounts_in_flight: usize,
    /// What has come back and is not on disk yet.
    facts: Vec<Fact>,
    /// Asked to stop: nothing is claimed any more.
    stopping: bool,
    /// Broken off: nothing is claimed any more, and this is why.
    broken: Option<RunError>,
    session: Session,
}

impl<'a, G: Graph> Engine<'a, G> {
    pub(super) fn new(
        ledger: &'a mut Ledger,
        graph: &'a G,
        options: &'a RunOptions,
        emit: &'a mut dyn FnMut(RunEvent),
    ) -> Self {
        let clock = Clock::start();
        let suspicion = Suspicion::new(ledger.counts().reset > 0);
        let write_quota = options.write_quota.to_string();
        Self {
            ledger,
            graph,
            options,
            emit,
            clock,
            throttle: Throttle::new(options.write_quota, options.seed),
            weather: Weather::new(options.max_wait),
            suspicion,
            token_refusals: 0,
            in_flight: FuturesUnordered::new(),
            accounts_in_flight: 0,
            facts: Vec::new(),
            stopping: false,
            broken: None,
            session: Session { began_at: clock.millis(), write_quota, ..Session::default() },
        }
    }

    /// What was done so far, as the ledger keeps it.
    pub(super) fn session(&self) -> Session {
        Session { ended_at: self.clock.millis(), ..self.session.clone() }
    }

    pub(super) async fn work(&mut self, stop: impl Future<Output = ()>) -> Result<RunEnd, RunError> {
        let mut stop = std::pin::pin!(stop.fuse());
        loop {
            let wake = self.turn()?;
            if self.in_flight.is_empty()
                && (self.stopping || self.broken.is_some() || self.ledger.counts().pending() == 0)
            {
                return self.end();
            }
            tokio::select! {
                biased;
                () = &mut stop, if !self.stopping => self.stop(),
                Some(answer) = self.in_flight.next(), if !self.in_flight.is_empty() => self.take_all(answer)?,
                () = sleep(wake.unwrap_or_default()), if wake.is_some() => {}
            }
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        (self.emit)(RunEvent::Stopping { in_flight: self.in_flight.len() });
    }

    fn end(&mut self) -> Result<RunEnd, RunError> {
        let no_others = self.ledger.counts().pending() == 0;
        // Where all were refused before, and again after whatever was mended, the cause is theirs.
        let news = no_others && self.ledger.note(ALL_REFUSED)?.is_none();
        if let Some((rows, cause, said)) = self.suspicion.verdict(news) {
            self.ledger.plan_again(rows)?;
            if no_others {
                self.ledger.set_note(ALL_REFUSED, said)?;
            }
            return Err(RunError::Everyone { rows: rows.len(), cause, said: said.to_owned() });
        }
        if !no_others {
            // Not enough to tell whether the cause is theirs: the next process finds out.
            self.ledger.plan_again(self.suspicion.open())?;
        }
        match self.broken.take() {
            Some(error) => Err(error),
            None if no_others => Ok(RunEnd::Finished),
            None => Ok(RunEnd::Interrupted),
        }
    }

    /// Records what has come back and sends what may be sent; returns how long to sleep if no answer comes.
    fn turn(&mut self) -> Result<Option<Duration>, RunError> {
        let now = self.clock.millis();
        let recorded = !self.facts.is_empty();
        let (admitted, limit) = self.admit(now)?;
        let claimed = self.ledger.turn(&self.facts, admitted, now)?;
        self.facts.clear();
        self.send(claimed)?;
        if recorded {
            let (counts, throttled) = (self.ledger.counts(), self.session.throttled);
            (self.emit)(RunEvent::Progress { counts, throttled });
        }
        match limit {
            Limit::Time(wait) => Ok(Some(wait)),
            // Asked only now, since what has just been recorded may be due before anything else.
            Limit::Due => Ok(self.until_due(now)?),
            Limit::Answers => Ok(None),
        }
    }

    /// How many rows may be claimed and sent now, and what stands against more.
    fn admit(&mut self, now: i64) -> Result<(usize, Limit), LedgerError> {
        if self.stopping || self.broken.is_some() {
            return Ok((0, Limit::Answers));
        }
        if let Some(until) = self.weather.paused_until.filter(|until| *until > Instant::now()) {
            return Ok((0, Limit::Time(until - Instant::now())));
        }
        let room = self.room();
        let due = self.ledger.due(now, room)?;
        let mut admitted = 0;
        while admitted < due {
            let size = self.batch_size().min(due - admitted);
            match self.throttle.admit(size) {
                Ok(()) => admitted += size,
                Err(wait) => return Ok((admitted, Limit::Time(wait))),
            }
        }
        Ok((admitted, if due < room { Limit::Due } else { Limit::Answers }))
    }

    fn batch_size(&self) -> usize {
        let quota = usize::try_from(self.options.write_quota.units.get()).unwrap_or(usize::MAX);
        self.options.batch_size.min(quota)
    }

    /// Rows that fit into flight, in whole batches.
    fn room(&self) -> usize {
        let size = self.batch_size();
        let most = if self.weather.is_fair() { self.throttle.in_flight_max(size) } else { size };
        let batches = most.saturating_sub(self.accounts_in_flight) / size;
        batches.min(self.options.concurrency.saturating_sub(self.in_flight.len())) * size
    }

    /// How long until the next row is due; none where no row is planned.
    fn until_due(&self, now: i64) -> Result<Option<Duration>, LedgerError> {
        if self.ledger.counts().planned == 0 {
            return Ok(None);
        }
        let due = self.ledger.next_due()?;
        Ok(due.map(|due| Duration::from_millis(u64::try_from(due - now).unwrap_or(0))))
    }

    /// Sends what was claimed, in batches.
    fn send(&mut self, claimed: Vec<Claimed>) -> Result<(), LedgerError> {
        let mut claimed = claimed.into_iter().map(split).peekable();
        while claimed.peek().is_some() {
            let batch = claimed.by_ref().take(self.batch_size()).collect::<Result<Vec<_>, _>>()?;
            self.session.batches += 1;
            self.session.writes += batch.len() as u64;
            self.session.first_write.get_or_insert(self.clock.millis());
            self.accounts_in_flight += batch.len();
            let force_change = self.ledger.settings().force_change;
            let (graph, epoch, token_refusals) = (self.graph, self.throttle.epoch(), self.token_refusals);
            let (writes, tickets) = batch.into_iter().unzip();
            let request = BatchRequest { writes, force_change };
            self.in_flight.push(Box::pin(async move {
                let sent = Sent { at: Instant::now(), epoch, token_refusals };
                let result = graph.send(&request).await;
                Answer { tickets, sent, result }
            }));
        }
        Ok(())
    }

    /// Takes an answer, and all others that have come meanwhile: they share a commit.
    fn take_all(&mut self, first: Answer) -> Result<(), RunError> {
        let mut next = Some(first);
        while let Some(answer) = next {
            self.accounts_in_flight -= answer.tickets.len();
            self.session.last_write = Some(self.clock.millis());
            self.take(answer)?;
            next = self.in_flight.next().now_or_never().flatten();
        }
        Ok(())
    }

    fn take(&mut self, answer: Answer) -> Result<(), RunError> {
        let Answer { tickets, sent, result } = answer;
        match result {
            Ok(response) => {
                if let Some(percentage) = response.throttle_percentage {
                    self.throttle.in_use(percentage);
                }
                self.judged(judge::items(tickets, response), sent)
            }
            Err(SendError::Refused(reply)) => {
                let verdict = Verdict::of(reply.status, reply.retry_after, &reply.code, &reply.message);
                match verdict {
                    Verdict::Refused(_) | Verdict::PasswordRefused | Verdict::Done => {
                        self.unsent(tickets);
                        self.break_off(RunError::BatchRefused(clean::sentence(&reply.whole())));
                        Ok(())
                    }
                    _ => self.judged(judge::whole(tickets, verdict, &reply), sent),
                }
            }
            Err(SendError::Lost(said)) => {
                let reply = Reply { code: "answer_lost".into(), message: said, ..Reply::default() };
                self.judged(judge::whole(tickets, Verdict::Unknown(None), &reply), sent)
            }
            Err(SendError::NotSent(said)) => {
                self.unsent(tickets);
                self.fruitless(sent.at, &said, None);
                Ok(())
            }
            Err(SendError::SignIn(said)) => {
                self.unsent(tickets);
                self.break_off(RunError::SignIn(said));
                Ok(())
            }
        }
    }

    fn break_off(&mut self, error: RunError) {
        self.broken.get_or_insert(error);
    }

    fn unsent(&mut self, tickets: Vec<Ticket>) {
        self.facts.extend(tickets.into_iter().map(|ticket| fact(ticket, Event::Unsent, Reply::default())));
    }
}

/// What travels, and what stays here. An address is checked once more: a ledger can be edited by others.
fn split(claimed: Claimed) -> Result<(Write, Ticket), LedgerError> {
    let Claimed { row, user_principal_name, password, doubt, troubles } = claimed;
    let address = Upn::parse(&user_principal_name).map_err(|_| LedgerError::BadAddress(row))?;
    Ok((Write { row, address, password }, Ticket { row, user_principal_name, doubt, troubles }))
}
