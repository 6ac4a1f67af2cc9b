//! Several tenants: their plan, one bar for all, and the result, with a line for each tenant that needs one.

use super::{
    bar::{Bar, Word},
    lines::Lines,
    waits::Waits,
    writing::LINE_EVERY,
};
use crate::cli::console::{
    event::{FleetPlan, FleetResult},
    stdio::{Mark, paint},
};
use passwave::{
    engine::run::RunEvent,
    fleet::TenantSummary,
    ledger::Counts,
    outcome::Status,
    report::{CSV_NAME, PAGE_NAME, SUMMARY_NAME},
    util::{
        format::{counted, grouped, short},
        sanitize,
    },
};
use std::{collections::HashMap, time::Instant};

/// How many tenants are listed.
const TENANTS_MAX: usize = 20;

/// Shows what will be done.
pub(super) fn planned(lines: Lines, plan: &FleetPlan<'_>) {
    let (tenants, rows) = (plan.tenants.len() as u64, counted(plan.rows, "row", "rows"));
    let skipped = if plan.skipped > 0 { format!(", {} skipped", grouped(plan.skipped)) } else { String::new() };
    lines.say(&format!(
        "{}: {rows}, {} to reset in {}{skipped}",
        sanitize::for_terminal(plan.roster),
        counted(plan.accounts, "account", "accounts"),
        counted(tenants, "tenant", "tenants"),
    ));
    for (name, id, accounts, is_in_trouble) in plan.tenants.iter().take(TENANTS_MAX) {
        let id = id.as_deref().map(sanitize::for_terminal).unwrap_or_default();
        let trouble = if *is_in_trouble { "  (see above)" } else { "" };
        let line = format!("{:>10}  {:<34} {id}{trouble}", grouped(*accounts), shown(name));
        lines.say(line.trim_end());
    }
    if plan.tenants.len() > TENANTS_MAX {
        lines.say(&format!("{:>10}  and {} more", "…", grouped(tenants - TENANTS_MAX as u64)));
    }
    if plan.least.as_secs() > 0 {
        lines.say(&format!("Time:      at least {}, at {} in each tenant", short(plan.least), plan.quota));
    }
    if !plan.is_rehearsal {
        lines.say(&format!("Fingerprint: {} (of all tenants)", plan.fingerprint));
    }
    lines.say(&format!("Run folder: {} (a fleet: one run folder for each tenant)", plan.folder.display()));
}

/// Shows what was done. A tenant without trouble needs no line of its own.
pub(super) fn result(lines: Lines, FleetResult { folder, summary }: &FleetResult<'_>) {
    let mark = if summary.rehearsal { "REHEARSAL, no tenant was touched. " } else { "" };
    lines.say(&format!(
        "{mark}{} in {}: {}.",
        counted(summary.rows, "row", "rows"),
        counted(summary.tenants.iter().filter(|tenant| !tenant.name.is_empty()).count() as u64, "tenant", "tenants"),
        words(&summary.counts.iter().map(|(status, number)| (*status, *number)).collect::<Vec<_>>())
    ));
    let needs_a_line = |tenant: &&TenantSummary| tenant.exit_code > 0 || tenant.trouble.is_some();
    let troubled: Vec<&TenantSummary> = summary.tenants.iter().filter(needs_a_line).collect();
    for tenant in troubled.iter().take(TENANTS_MAX) {
        let counts: Vec<(&str, u64)> = tenant.counts.iter().map(|(status, number)| (*status, *number)).collect();
        lines.say(&format!("  {}: {}", shown(&tenant.name), words(&counts)));
        if let Some(trouble) = &tenant.trouble {
            lines.say(&format!("      {}", sanitize::sentence(&trouble.message)));
            trouble.hint.iter().for_each(|hint| lines.say(&format!("      {} {hint}", paint(Mark::Way, "hint:"))));
        }
    }
    if troubled.len() > TENANTS_MAX {
        lines.say(&format!("  … and {} more: {PAGE_NAME} has all", grouped((troubled.len() - TENANTS_MAX) as u64)));
    }
    lines.say(&format!("Report:  {}", folder.join(CSV_NAME).display()));
    lines.say(&format!("Page:    {}", folder.join(PAGE_NAME).display()));
    lines.say(&format!("Summary: {}", folder.join(SUMMARY_NAME).display()));
}

fn shown(name: &str) -> String {
    if name.is_empty() { "(no certain tenant)".to_owned() } else { sanitize::for_terminal(name) }
}

/// The number of rows with each status.
fn words(counts: &[(&str, u64)]) -> String {
    let number =
        |status: Status| counts.iter().find(|(name, _)| *name == status.as_str()).map_or(0, |(_, number)| *number);
    let told = Status::ALL.into_iter().filter(|status| number(*status) > 0);
    let told: Vec<String> = told
        .map(|status| {
            let mark = match status {
                Status::Reset => Mark::Good,
                Status::Failed => Mark::Bad,
                Status::InDoubt | Status::Pending => Mark::Slow,
                Status::Skipped => Mark::Plain,
            };
            paint(mark, &format!("{} {}", grouped(number(status)), status.as_str().replace('_', " ")))
        })
        .collect();
    told.join(", ")
}

/// The progress over all tenants.
pub(super) struct FleetWriting {
    lines: Lines,
    bar: Option<Bar>,
    done: u64,
    total: u64,
    began: Instant,
    begun_with: u64,
    is_rehearsal: bool,
    last_line: Instant,
    /// The last counts of each tenant, and how often it was throttled.
    tenants: HashMap<String, (Counts, u64)>,
    waits: HashMap<String, Waits>,
    sum: Counts,
    throttled: u64,
}

impl FleetWriting {
    pub(super) fn begin(lines: Lines, (done, total): (u64, u64), is_rehearsal: bool) -> Self {
        Self {
            lines,
            bar: Bar::begin(lines, done, total),
            done,
            total,
            began: Instant::now(),
            begun_with: done,
            is_rehearsal,
            last_line: Instant::now(),
            tenants: HashMap::new(),
            waits: HashMap::new(),
            sum: Counts::default(),
            throttled: 0,
        }
    }

    /// The bar, if one can be shown.
    pub(super) const fn bar(&self) -> Option<&Bar> {
        self.bar.as_ref()
    }

    /// The work on a tenant begins with these counts.
    pub(super) fn begin_tenant(&mut self, tenant: &str, counts: Counts) {
        self.tenants.insert(tenant.to_owned(), (counts, 0));
    }

    /// Shows an event of one tenant.
    pub(super) fn show(&mut self, tenant: &str, event: &RunEvent) {
        match event {
            RunEvent::Progress { counts, throttled, .. } => self.progress(tenant, *counts, *throttled),
            RunEvent::Waiting(waiting) => {
                let lines = self.lines;
                let waits = self.waits.entry(tenant.to_owned()).or_insert_with(|| Waits::new(lines));
                if let Some(text) = waits.note(waiting) {
                    self.tell(&format!("{tenant}: {text}"));
                }
            }
            _ => {}
        }
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        self.bar.iter().for_each(Bar::end);
    }

    fn progress(&mut self, tenant: &str, counts: Counts, throttled: u64) {
        let known = self.tenants.entry(tenant.to_owned()).or_insert((counts, 0));
        let before = std::mem::replace(known, (counts, throttled));
        self.done += counts.settled().saturating_sub(before.0.settled());
        self.sum.failed += counts.failed.saturating_sub(before.0.failed);
        self.sum.in_doubt += counts.in_doubt.saturating_sub(before.0.in_doubt);
        self.throttled += throttled.saturating_sub(before.1);
        let words = self.words();
        match &self.bar {
            Some(bar) => bar.set(self.done, words),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                let words: String = words.iter().map(|word| format!(", {}", word.text)).collect();
                self.lines.say(&format!("{} of {} accounts{words}", grouped(self.done), grouped(self.total)));
            }
            None => {}
        }
    }

    /// The words beside the numbers, the most important first.
    fn words(&self) -> Vec<Word> {
        let numbers = [
            (self.sum.failed, "failed", Mark::Bad),
            (self.sum.in_doubt, "in doubt", Mark::Slow),
            (self.throttled, "throttled", Mark::Slow),
        ];
        let told = numbers.into_iter().filter(|(number, ..)| *number > 0);
        let mut words: Vec<Word> =
            told.map(|(number, what, mark)| Word { text: format!("{} {what}", grouped(number)), mark }).collect();
        let seconds = self.began.elapsed().as_secs_f64();
        if !self.is_rehearsal && seconds >= 1.0 {
            #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
            let rate = self.done.saturating_sub(self.begun_with) as f64 / seconds;
            words.push(Word { text: format!("{rate:.0}/s"), mark: Mark::Plain });
        }
        words
    }

    fn tell(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.say(text),
            None => self.lines.say(text),
        }
    }
}
