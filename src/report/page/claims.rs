//! The chart of the sweeps as SVG: how many users have chosen a password of their own over time.
//!
//! Like the chart of the run, it stretches with the page, and everything in it is also in a sentence and in a table.
//! Between two sweeps nothing is known, so straight lines join their points. Others can change the times in the ledger,
//! so any values give a chart.
//!
//! Invariant: every position is inside the chart, and a later sweep is never left of an earlier one.

use super::scale::{counts, times};
use crate::{
    ledger::{Sweep, Times, is_time},
    report::Fault,
    util::format::{counted, grouped},
};
use jiff::Timestamp;
use std::io::Write;

/// The edges of the plot, in pixels from the top. The dates are below it.
const TOP: f64 = 20.0;
const BOTTOM: f64 = 200.0;
const DATES: f64 = 222.0;
const HEIGHT: f64 = 230.0;
/// Up to this many sweeps, each has its own dot; and a line of the table.
const DOTS_MAX: usize = 100;
/// The maximum number of points of a line.
const POINTS_MAX: usize = 1_000;
/// A chart that is longer than this shows days, not hours, in milliseconds.
const DAYS_FROM: i64 = 2 * 86_400_000;

/// Sweeps over time.
struct Course<'a> {
    sweeps: Vec<&'a Sweep>,
    /// When the first password was reset, or the time of the first sweep.
    from: i64,
    to: i64,
    /// The most accounts that a sweep knew of.
    accounts: u64,
}

impl<'a> Course<'a> {
    fn of(sweeps: &'a [Sweep], times: &Times) -> Option<Self> {
        let mut sweeps: Vec<_> = sweeps.iter().filter(|sweep| is_time(sweep.at) && sweep.claims.all() > 0).collect();
        sweeps.sort_by_key(|sweep| sweep.at);
        let (first, last) = (sweeps.first()?.at, sweeps.last()?.at);
        let reset = times.endings.iter().map(|(at, _)| *at).find(|at| is_time(*at));
        let from = reset.unwrap_or(first).min(first);
        let accounts = sweeps.iter().map(|sweep| sweep.claims.all()).max()?;
        Some(Self { from, to: last.max(from + 1), accounts, sweeps })
    }

    /// Thousandths of the width.
    fn x(&self, at: i64) -> f64 {
        1_000.0 * as_float((at - self.from).unsigned_abs()) / as_float((self.to - self.from).unsigned_abs())
    }

    /// Pixels from the top of the plot.
    fn y(&self, accounts: u64) -> f64 {
        (BOTTOM - TOP) * (1.0 - as_float(accounts) / as_float(self.accounts))
    }

    /// A line through one number of each sweep.
    fn line(&self, number: impl Fn(&Sweep) -> u64) -> String {
        let every = self.sweeps.len().div_ceil(POINTS_MAX).max(1);
        // The last sweep is always among them.
        let shown = self.sweeps.iter().rev().step_by(every).collect::<Vec<_>>().into_iter().rev();
        shown.map(|sweep| format!(" L{:.1} {:.1}", self.x(sweep.at), self.y(number(sweep)))).collect()
    }
}

/// Writes the chart; nothing if nobody was asked about.
pub(super) fn write(sweeps: &[Sweep], times: &Times, out: &mut impl Write) -> Result<(), Fault> {
    let Some(course) = Course::of(sweeps, times) else { return Ok(()) };
    writeln!(out, "<section aria-labelledby=\"claims\">\n<h2 id=\"claims\">Who has chosen a password</h2>\n<figure>")?;
    legend(out)?;
    writeln!(
        out,
        "<svg class=\"course\" width=\"100%\" height=\"{HEIGHT}\" role=\"img\" aria-labelledby=\"claims-said\">"
    )?;
    lines(&course, out)?;
    grid(&course, out)?;
    dots(&course, out)?;
    writeln!(out, "</svg>\n<figcaption id=\"claims-said\">{}</figcaption>", description(&course))?;
    numbers(&course, out)?;
    Ok(writeln!(out, "</figure>\n</section>")?)
}

fn legend(out: &mut impl Write) -> Result<(), Fault> {
    writeln!(out, "<ul class=\"legend\">")?;
    for (class, words) in [("done", "users with a password of their own"), ("quota", "users who must choose one")] {
        let line = format!("<line class=\"{class}\" x1=\"0\" y1=\"6\" x2=\"26\" y2=\"6\"/>");
        write!(out, "<li><svg width=\"26\" height=\"12\" aria-hidden=\"true\">{line}</svg>{words}</li>")?;
    }
    Ok(writeln!(out, "</ul>")?)
}

fn lines(course: &Course<'_>, out: &mut impl Write) -> Result<(), Fault> {
    let height = BOTTOM - TOP;
    writeln!(
        out,
        "<svg x=\"0\" y=\"{TOP}\" width=\"100%\" height=\"{height}\" viewBox=\"0 0 1000 {height}\" \
         preserveAspectRatio=\"none\" overflow=\"visible\">"
    )?;
    let claimed = format!("M0 {height}{}", course.line(|sweep| sweep.claims.yes));
    writeln!(out, "<path class=\"area\" d=\"{claimed} V{height} Z\"/>\n<path class=\"done\" d=\"{claimed}\"/>")?;
    let first = course.sweeps.first().map_or(0, |sweep| sweep.claims.all());
    let asked = format!("M0 {:.1}{}", course.y(first), course.line(|sweep| sweep.claims.all()));
    Ok(writeln!(out, "<path class=\"quota\" d=\"{asked}\"/>\n</svg>")?)
}

fn grid(course: &Course<'_>, out: &mut impl Write) -> Result<(), Fault> {
    for number in counts(course.accounts).into_iter().filter(|number| *number > 0) {
        let y = TOP + course.y(number);
        write!(out, "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>")?;
        writeln!(out, "<text class=\"tick\" x=\"5\" y=\"{:.1}\">{}</text>", y - 5.0, grouped(number))?;
    }
    let form = if course.to - course.from > DAYS_FROM { "%-d %b %Y" } else { "%-d %b, %H:%M" };
    for after in times(course.to - course.from) {
        let x = course.x(course.from + after) / 10.0;
        let anchor = match x {
            x if x < 5.0 => "start",
            x if x > 95.0 => "end",
            _ => "middle",
        };
        let date = shown(course.from + after, form);
        writeln!(out, "<text class=\"tick\" x=\"{x:.2}%\" y=\"{DATES}\" text-anchor=\"{anchor}\">{date}</text>")?;
    }
    Ok(())
}

fn dots(course: &Course<'_>, out: &mut impl Write) -> Result<(), Fault> {
    let every = course.sweeps.len().div_ceil(DOTS_MAX).max(1);
    for sweep in course.sweeps.iter().rev().step_by(every) {
        let (x, y) = (course.x(sweep.at) / 10.0, TOP + course.y(sweep.claims.yes));
        let said = format!("{}: {} of {}", minute(sweep.at), grouped(sweep.claims.yes), grouped(sweep.claims.all()));
        writeln!(out, "<circle class=\"dot\" cx=\"{x:.2}%\" cy=\"{y:.1}\" r=\"4\"><title>{said}</title></circle>")?;
    }
    Ok(())
}

/// The chart in words.
fn description(course: &Course<'_>) -> String {
    let Some(last) = course.sweeps.last() else { return String::new() };
    let (yes, all) = (last.claims.yes, last.claims.all());
    let verb = if yes == 1 { "has" } else { "have" };
    let percent = yes.saturating_mul(100) / all.max(1);
    let mut said = format!(
        "{} of {} {verb} chosen a password of their own ({percent} %), as of {}.",
        grouped(yes),
        counted(all, "user", "users"),
        minute(last.at)
    );
    if let [.., before, _] = course.sweeps.as_slice() {
        let more = grouped(yes.saturating_sub(before.claims.yes));
        said += &format!(" {more} of them did so after the sweep before, on {}.", minute(before.at));
    }
    if last.claims.unread > 0 {
        said += &format!(" {} could not be read.", counted(last.claims.unread, "account", "accounts"));
    }
    said
}

/// The chart as a table, the latest sweeps first.
fn numbers(course: &Course<'_>, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(
        out,
        "<details class=\"numbers\"><summary>The same in numbers</summary>\n<table>\n<thead><tr><th scope=\"col\">Sweep</th>\
         <th scope=\"col\">Claimed</th><th scope=\"col\">Not claimed</th><th scope=\"col\">Unread</th></tr></thead>\n<tbody>"
    )?;
    for Sweep { at, claims } in course.sweeps.iter().copied().rev().take(DOTS_MAX) {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            minute(*at),
            grouped(claims.yes),
            grouped(claims.no),
            grouped(claims.unread)
        )?;
    }
    Ok(writeln!(out, "</tbody>\n</table>\n</details>")?)
}

fn minute(at: i64) -> String {
    shown(at, "%-d %b %Y, %H:%M UTC")
}

fn shown(at: i64, form: &str) -> String {
    Timestamp::from_millisecond(at).map(|time| time.strftime(form).to_string()).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds stay far below 2^52")]
const fn as_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::ClaimCounts;

    const DAY: i64 = 86_400_000;
    const RESET: i64 = 1_790_000_000_000;

    fn sweep(day: i64, yes: u64) -> Sweep {
        Sweep { at: RESET + day * DAY, claims: ClaimCounts { yes, no: 400 - yes, unread: 0 } }
    }

    fn chart(sweeps: &[Sweep]) -> String {
        let (mut bytes, times) = (Vec::new(), Times { processes: Vec::new(), endings: vec![(RESET, 400)] });
        assert!(write(sweeps, &times, &mut bytes).is_ok());
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn each_sweep_is_a_point() {
        assert_eq!(chart(&[]), "");
        let page = chart(&[sweep(1, 100), sweep(2, 100), sweep(4, 300)]);
        assert!(page.contains("d=\"M0 180 L250.0 135.0 L500.0 135.0 L1000.0 45.0\""), "{page}");
        assert_eq!((page.matches("<circle").count(), page.matches("<tr><th scope=\"row\">").count()), (3, 3));
        assert!(page.contains("300 of 400 users have chosen a password of their own (75 %)"), "{page}");
        assert!(page.contains("200 of them did so after the sweep before"), "{page}");
    }

    #[test]
    fn any_times_and_counts_give_a_chart() {
        let odd = |at, yes| Sweep { at, claims: ClaimCounts { yes, no: 0, unread: 0 } };
        for sweeps in [
            vec![odd(RESET - DAY, 1)],
            vec![odd(RESET, 0)],
            vec![odd(i64::MIN, 5), odd(i64::MAX, 5)],
            vec![odd(RESET + DAY, u64::MAX / 400), odd(RESET, 3)],
        ] {
            let page = chart(&sweeps);
            assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
        }
        let many: Vec<Sweep> = (0..9_000).map(|nth| sweep(nth, 400.min(nth.unsigned_abs()))).collect();
        let page = chart(&many);
        assert!(page.len() < 60_000 && page.contains(" L1000.0 0.0\""), "{}", page.len());
    }
}
