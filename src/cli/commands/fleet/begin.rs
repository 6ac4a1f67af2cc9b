//! The work of `reset` and `run` over a fleet: sign in to each tenant, complete the plans, ask once, send side by side.

use super::{
    door::{Doors, Limits},
    outcome,
    ready::{self, Common, Ready},
    send::send,
    told::{fingerprint, reading_begins, tell_plan, writing_begins},
    watch::Watch,
};
use crate::cli::{
    args::{ConnectArgs, OpenArgs},
    commands::{
        conditions::{Consent, RunConditions},
        confirm::{Answer, KEPT, KEPT_AFTER, answer, is_number, refused},
        connect::SignIn,
        destination::Destination,
        logging::{LoggingGraph, LoggingTokenSource},
        opening::must_be_real,
        show,
        system::{Clock, runtime},
        wanted,
    },
    console::{End, Event, ReadTask, can_ask},
    context::Context,
    failure::{AWAY, Failure, INTERRUPTED, USAGE},
};
use passwave::{
    engine::pace::AllTenants,
    fleet::{Fleet, OPEN_MAX, in_turn, side_by_side},
    graph::{client::GraphClient, quota::Quota},
    ledger::ReadLedger,
    plan::Lookup,
    util::{
        format::{counted, grouped},
        sanitize,
    },
};
use std::{cell::RefCell, sync::Arc};

/// A fleet and how its tenants stand at the beginning.
pub struct Start<'a> {
    pub context: &'a Context,
    pub fleet: &'a Fleet,
    pub connect: &'a ConnectArgs,
    pub open: Option<&'a OpenArgs>,
}

/// Why nothing was sent to any tenant.
pub enum Stopped {
    /// More accounts than intended.
    TooMany(Failure),
    /// Any other reason.
    Else(Failure),
    /// The user declined, or it was interrupted.
    Code(u8),
}

impl<E: Into<Failure>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Else(error.into())
    }
}

type Client<'a> = GraphClient<LoggingTokenSource<'a>>;

/// Everything that is read before anything is sent.
pub struct Prepared<'a> {
    pub contexts: Vec<Context>,
    pub common: Common<'a>,
    pub watch: Arc<Watch>,
    /// Tenants with something left to do, by position: the others have finished.
    pub open: Vec<usize>,
    sign_ins: Vec<Option<SignIn>>,
    limits: RefCell<Limits>,
}

impl<'a> Start<'a> {
    /// Reads what is left, and the flags for each sign-in. Nothing is sent. Without `signs_in`, there are no sign-ins.
    pub fn prepare(&self, terms: &RunConditions<'a>, signs_in: bool) -> Result<Prepared<'a>, Failure> {
        let members = &self.fleet.manifest().tenants;
        let first = self.fleet.read(0)?;
        must_be_real(&first)?;
        let destination = Destination::of_run(&self.context.call, self.connect, first.settings())?;
        let common =
            Common { run: terms.run, expect: terms.expect, keys: ready::keys(self.context, &first, self.open)? };
        let now = wanted::now(self.context, &first, terms.run, terms.expect)?;
        let watch = Watch::new(now.halt_on()?);
        let contexts = watch.contexts(self.context, self.fleet);
        let open = self.unfinished(&now.wanted)?;
        let doors = Doors::open(&self.context.reporter, self.connect, &destination, self.fleet)?;
        let rules = first.settings().rules;
        let needs = wanted::needs(&now.wanted, rules.lookup != Lookup::Off || first.has_begun()?);
        let sign_in = |at: usize| {
            let is_used = signs_in && open.contains(&at);
            is_used.then(|| doors.of(&contexts[at], &members[at], needs, rules.writeback)).transpose()
        };
        let sign_ins = (0..members.len()).map(sign_in).collect::<Result<Vec<_>, _>>()?;
        Ok(Prepared { contexts, common, watch, open, sign_ins, limits: RefCell::default() })
    }

    /// The tenants with something left to do.
    fn unfinished(&self, wanted: &passwave::plan::wanted::Wanted) -> Result<Vec<usize>, Failure> {
        let call = &self.context.call;
        let asks_more = call.has_argument("verify") || call.has_argument("revoke_sessions");
        let mut open = Vec::new();
        for (at, member) in self.fleet.manifest().tenants.iter().enumerate() {
            let ledger = self.fleet.read(at)?;
            let seen: u64 = ledger.verdicts()?.iter().map(|(_, number)| number).sum();
            let is_unseen = wanted.verify && seen < ledger.counts().reset;
            let is_left = !ledger.counts().is_finished() || is_unseen || asks_more;
            if is_left && !member.name.is_empty() {
                open.push(at);
            }
        }
        Ok(open)
    }

    /// Does the whole work; the exit code of all.
    pub fn work(&self, prepared: &Prepared<'_>, terms: &RunConditions<'_>) -> Result<u8, Stopped> {
        let reporter = &self.context.reporter;
        let runtime = runtime(Clock::Real)?;
        if let Some(step) = outcome::next(self.context, self.fleet) {
            reporter.note_next_step(step.to_string());
        }
        let codes = runtime.block_on(async {
            tokio::select! {
                biased;
                codes = self.do_all(prepared, terms) => codes,
                () = prepared.watch.pass_on_stop(reporter) => Err(Stopped::Code(INTERRUPTED)),
            }
        })?;
        let code = outcome::finish(self.context, self.fleet, &prepared.watch, &codes)?;
        for at in 0..self.fleet.manifest().tenants.len() {
            if terms.run.show.is_some() {
                show::passwords(reporter, &self.fleet.read(at)?, terms.run.show)?;
            }
        }
        Ok(code)
    }

    async fn do_all(&self, prepared: &Prepared<'_>, terms: &RunConditions<'_>) -> Result<Vec<u8>, Stopped> {
        let clients = prepared.clients();
        let mut ready = self.make_ready(prepared, &clients).await;
        self.must_be_expected(terms)?;
        let pending: u64 = ready.iter().map(|ready| ready.pending).sum();
        self.must_be_few(pending, terms)?;
        outcome::reports(self.context, self.fleet, Some(&prepared.watch))?;
        tell_plan(self.context, self.fleet, &prepared.watch, &ready, terms.run.pace.write_quota)?;
        if prepared.watch.is_stopped() {
            return Err(Stopped::Code(self.declined("Interrupted.", INTERRUPTED, End::Interrupted, KEPT)));
        }
        let mut pilot = terms.run.pilot;
        let is_given = terms.consent == Consent::Given;
        if !is_given {
            self.ask(&ready, pilot, KEPT).await?;
        }
        outcome::note_begun(self.fleet)?;
        loop {
            let codes = self.send_all(prepared, &clients, (&ready, terms), pilot).await;
            let left = self.left(&mut ready)?;
            let goes_on = pilot.is_some() && left > 0 && !is_given && can_ask() && !prepared.watch.is_stopped();
            if !goes_on {
                return Ok(codes);
            }
            pilot = None;
            outcome::reports(self.context, self.fleet, Some(&prepared.watch))?;
            self.ask(&ready, None, KEPT_AFTER).await?;
        }
    }

    /// Completes the plan of each tenant. Those that cannot are left out, with the reason.
    pub async fn make_ready(&self, prepared: &Prepared<'_>, clients: &[Option<Client<'_>>]) -> Vec<Ready> {
        reading_begins(self.context, self.fleet, &prepared.open, ReadTask::LookUp);
        let ready = side_by_side(prepared.open.clone(), OPEN_MAX, async |at| {
            if prepared.watch.is_stopped() {
                return None;
            }
            match self.make_one_ready(prepared, at, clients[at].as_ref()).await {
                Ok(ready) => Some(ready),
                Err(failure) => {
                    prepared.contexts[at].reporter.tell(&Event::Failed(&failure));
                    None
                }
            }
        });
        let ready = ready.await.into_iter().flatten().collect();
        self.context.reporter.tell(&Event::FleetEnds);
        ready
    }

    async fn make_one_ready(
        &self,
        prepared: &Prepared<'_>,
        at: usize,
        client: Option<&Client<'_>>,
    ) -> Result<Ready, Failure> {
        let (context, common) = (&prepared.contexts[at], &prepared.common);
        let mut ledger = common.open(&self.fleet.folder_of(&self.fleet.manifest().tenants[at]))?;
        let now = ready::asked(context, &mut ledger, common)?;
        let (Some(client), Some(sign_in)) = (client, &prepared.sign_ins[at]) else {
            return Ok(ready::ready(at, &ledger, now, None)?);
        };
        sign_in.must_be_the_same(&ledger)?;
        let signed_in = sign_in.complete(&context.reporter, client, &ledger).await?;
        if !ledger.lookup_has_ended()? {
            // A lookup is only valid in its own tenant.
            signed_in.note_in(&ledger)?;
        }
        let graph = LoggingGraph::new(client, &context.reporter);
        let limit = prepared.limit_of(at, common.run.pace.write_quota);
        ready::look(context, &mut ledger, &graph, (common, limit), &now).await?;
        Ok(ready::ready(at, &ledger, now, Some(signed_in))?)
    }

    async fn send_all(
        &self,
        prepared: &Prepared<'_>,
        clients: &[Option<Client<'_>>],
        (ready, terms): (&[Ready], &RunConditions<'_>),
        pilot: Option<u64>,
    ) -> Vec<u8> {
        writing_begins(self.context, self.fleet, ready, false);
        let sizes: Vec<u64> = ready.iter().map(|ready| ready.pending).collect();
        let codes = side_by_side(in_turn(&sizes), OPEN_MAX, async |nth| {
            let one = &ready[nth];
            let context = &prepared.contexts[one.at];
            let Some(client) = clients[one.at].as_ref().filter(|_| !prepared.watch.is_stopped()) else {
                return INTERRUPTED;
            };
            let limit = prepared.limit_of(one.at, terms.run.pace.write_quota);
            let folder = self.fleet.folder_of(&self.fleet.manifest().tenants[one.at]);
            let graph = LoggingGraph::new(client, &context.reporter);
            let common = (one, &prepared.common);
            let sent = send(context, &folder, &graph, common, Some(terms), (limit, pilot, None)).await;
            sent.unwrap_or_else(|failure| {
                context.reporter.tell(&Event::Failed(&failure));
                failure.code
            })
        });
        let codes = codes.await;
        self.context.reporter.tell(&Event::FleetEnds);
        codes
    }

    /// What is left after a pilot.
    fn left(&self, ready: &mut Vec<Ready>) -> Result<u64, Failure> {
        for one in ready.iter_mut() {
            one.pending = self.fleet.read(one.at)?.counts().pending();
        }
        ready.retain(|one| one.pending > 0);
        Ok(ready.iter().map(|one| one.pending).sum())
    }

    pub fn must_be_expected(&self, terms: &RunConditions<'_>) -> Result<(), Failure> {
        let Some(expected) = terms.expect else { return Ok(()) };
        let fingerprint = fingerprint(self.fleet, ReadLedger::fingerprint_now)?;
        if expected.trim().eq_ignore_ascii_case(&fingerprint) {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "the plans in {} have the fingerprint {fingerprint}, not the expected one; nothing was sent",
            self.fleet.folder().display()
        ))
        .hint("have these plans approved, or give the folder of the approved ones"))
    }

    /// More accounts than intended over all tenants mean a mistake in the roster.
    pub fn must_be_few(&self, pending: u64, terms: &RunConditions<'_>) -> Result<(), Stopped> {
        must_be_few(pending, terms.limit.max_accounts).map_err(|failure| {
            let next = outcome::next(self.context, self.fleet).filter(|_| self.context.call.verb == "run");
            Stopped::TooMany(match next {
                None => failure,
                Some(step) => {
                    let step = step.with("max-accounts", pending.to_string());
                    failure.then(format!("If all {} are meant:  {step}", grouped(pending)), step.to_string())
                }
            })
        })
    }

    /// Asks once for all tenants. The answer is the number of accounts.
    async fn ask(&self, ready: &[Ready], pilot: Option<u64>, kept: &str) -> Result<(), Stopped> {
        let number: u64 = ready.iter().map(|one| pilot.map_or(one.pending, |pilot| pilot.min(one.pending))).sum();
        if number == 0 {
            return Ok(());
        }
        let of_pilot = pilot.map(|_| "Pilot: ").unwrap_or_default();
        let question = format!(
            "{of_pilot}This gives {} in {} a new password now. To continue, type the number of accounts ({}):",
            counted(number, "account", "accounts"),
            counted(ready.len() as u64, "tenant", "tenants"),
            grouped(number)
        );
        let (why, code, end) = match answer(&self.context.reporter, &question).await {
            Answer::Line(line) if is_number(&line, number) => return Ok(()),
            Answer::Line(line) => (refused(&line, number), USAGE, End::Declined),
            Answer::Closed => ("There was no answer.".into(), USAGE, End::Declined),
            Answer::Interrupted => ("Interrupted.".into(), INTERRUPTED, End::Interrupted),
        };
        let code = if kept == KEPT_AFTER && code == USAGE { AWAY } else { code };
        Err(Stopped::Code(self.declined(&why, code, end, kept)))
    }

    fn declined(&self, why: &str, code: u8, end: End, kept: &str) -> u8 {
        self.context.reporter.tell(&Event::Ends(end));
        if let Some(step) = outcome::next(self.context, self.fleet) {
            self.context.offer(&format!("{} {kept}", sanitize::sentence(why)), &step);
        }
        code
    }
}

impl Prepared<'_> {
    /// The limit over all tenants of the application that signs in to this one.
    fn limit_of(&self, at: usize, quota: Quota) -> AllTenants {
        let client_id = self.sign_ins[at].as_ref().and_then(SignIn::client_id);
        self.limits.borrow_mut().of(client_id, quota)
    }

    /// A client for each tenant with a sign-in. They share one HTTP client.
    pub fn clients(&self) -> Vec<Option<Client<'_>>> {
        let pairs = self.sign_ins.iter().zip(&self.contexts);
        pairs.map(|(sign_in, context)| sign_in.as_ref().map(|sign_in| sign_in.client(&context.reporter))).collect()
    }
}

/// The limit on all accounts holds over all tenants, and so in each.
pub fn must_be_few(pending: u64, most: Option<u64>) -> Result<(), Failure> {
    let Some(most) = most.filter(|most| pending > *most) else { return Ok(()) };
    Err(Failure::usage(format!(
        "{} to be reset over all tenants, but --max-accounts allows {}; nothing was sent",
        counted(pending, "account is", "accounts are"),
        grouped(most)
    ))
    .hint(format!("check the roster, or raise the limit with --max-accounts {pending}")))
}
