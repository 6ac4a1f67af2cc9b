//! The chart of a run as SVG: accounts done over time, compared with the quota, with waits and 429s.
//!
//! Horizontal positions are shares of the width, so lines stretch with the page but letters do not. Everything in the
//! chart is also in a sentence and in a table.

use super::{
    scale::{Scale, counts, times},
    timeline::{Pace, Segment, Timeline},
};
use crate::{
    ledger::PauseReason,
    report::Fault,
    util::format::{counted, grouped, short},
};
use std::{io::Write, time::Duration};

/// A run up to this length has no chart, in milliseconds.
const SHORT_MILLIS: i64 = 10_000;
/// Horizontal positions; each shows at most one mark of a kind.
const SLOTS: usize = 120;
/// The edges of the plot, in pixels from the top. The marks of 429s and the times are below it.
const TOP: f64 = 20.0;
const BOTTOM: f64 = 240.0;
const MARKS: f64 = 252.0;
const TIMES: f64 = 274.0;
const HEIGHT: f64 = 282.0;

/// Writes the chart; nothing for a run that was too short.
pub(super) fn write(timeline: &Timeline, out: &mut impl Write) -> Result<(), Fault> {
    if timeline.active() <= SHORT_MILLIS {
        return Ok(());
    }
    let scale = Scale::new(timeline, BOTTOM - TOP);
    writeln!(out, "<section aria-labelledby=\"course\">\n<h2 id=\"course\">Progress over time</h2>\n<figure>")?;
    legend(timeline, out)?;
    writeln!(
        out,
        "<svg class=\"course\" width=\"100%\" height=\"{HEIGHT}\" role=\"img\" aria-labelledby=\"course-said\">\n\
         <defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" class=\"hatch\"/></pattern></defs>"
    )?;
    waits(timeline, &scale, out)?;
    lines(timeline, &scale, out)?;
    grid(timeline, &scale, out)?;
    refusals(timeline, &scale, out)?;
    writeln!(out, "</svg>\n<figcaption id=\"course-said\">{}</figcaption>", description(timeline))?;
    numbers(timeline, out)?;
    Ok(writeln!(out, "</figure>\n</section>")?)
}

fn legend(timeline: &Timeline, out: &mut impl Write) -> Result<(), Fault> {
    let swatch = |shape: &str| format!("<svg width=\"26\" height=\"12\" aria-hidden=\"true\">{shape}</svg>");
    let entry = |shape: &str, words: &str| format!("<li>{}{words}</li>", swatch(shape));
    let mut entries = entry("<line class=\"done\" x1=\"0\" y1=\"6\" x2=\"26\" y2=\"6\"/>", "accounts done");
    if timeline.segments.iter().any(|segment| segment.pace.is_some()) {
        let line = "<line class=\"quota\" x1=\"0\" y1=\"6\" x2=\"26\" y2=\"6\"/>";
        entries += &entry(line, "the maximum that the quota allows");
    }
    if !timeline.pauses.is_empty() {
        let area = "<rect class=\"wait\" fill=\"url(#hatch)\" width=\"26\" height=\"12\"/>";
        entries += &entry(area, "waiting");
    }
    if throttled(timeline) > 0 {
        entries += &entry("<path class=\"refused\" d=\"M7 11 L19 11 L13 1 Z\"/>", "429, too many requests");
    }
    Ok(writeln!(out, "<ul class=\"legend\">{entries}</ul>")?)
}

fn grid(timeline: &Timeline, scale: &Scale<'_>, out: &mut impl Write) -> Result<(), Fault> {
    for number in counts(timeline.accounts).into_iter().filter(|number| *number > 0) {
        let y = TOP + scale.y(as_float(number));
        write!(out, "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>")?;
        writeln!(out, "<text class=\"tick\" x=\"5\" y=\"{:.1}\">{}</text>", y - 5.0, grouped(number))?;
    }
    for at in times(timeline.active()) {
        let x = scale.x(at);
        let anchor = match x {
            x if x < 3.0 => "start",
            x if x > 95.0 => "end",
            _ => "middle",
        };
        writeln!(
            out,
            "<text class=\"tick\" x=\"{x:.2}%\" y=\"{TIMES}\" text-anchor=\"{anchor}\">{}</text>",
            lasting(at)
        )?;
    }
    for gap in scale.gaps() {
        writeln!(out, "<line class=\"gap\" x1=\"{gap:.2}%\" x2=\"{gap:.2}%\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/>")?;
    }
    Ok(())
}

fn waits(timeline: &Timeline, scale: &Scale<'_>, out: &mut impl Write) -> Result<(), Fault> {
    for (from, to) in spans(timeline, |_| true) {
        let (left, right) = (scale.x(from), scale.x(to));
        writeln!(
            out,
            "<rect class=\"wait\" fill=\"url(#hatch)\" x=\"{left:.2}%\" width=\"{:.2}%\" y=\"{TOP}\" height=\"{}\"/>",
            (right - left).max(0.2),
            BOTTOM - TOP
        )?;
    }
    Ok(())
}

/// Waits in milliseconds of work; adjacent ones are merged.
fn spans(timeline: &Timeline, wanted: impl Fn(PauseReason) -> bool) -> Vec<(i64, i64)> {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for moment in timeline.pauses.iter().filter(|moment| wanted(moment.hold)) {
        let from = timeline.active_at(moment.at);
        let to = timeline.active_at(moment.at.saturating_add(moment.millis.max(0)));
        match spans.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => spans.push((from, to)),
        }
    }
    spans
}

fn lines(timeline: &Timeline, scale: &Scale<'_>, out: &mut impl Write) -> Result<(), Fault> {
    let height = BOTTOM - TOP;
    writeln!(
        out,
        "<svg x=\"0\" y=\"{TOP}\" width=\"100%\" height=\"{height}\" viewBox=\"0 0 1000 {height}\" \
         preserveAspectRatio=\"none\" overflow=\"visible\">"
    )?;
    let mut active = 0;
    for segment in &timeline.segments {
        let steps = steps(segment, active, scale);
        let (left, right) = scale.segment(segment, active);
        let base = format!("M{left:.1} {height} V{:.1}{steps} H{right:.1}", scale.y(as_float(segment.before)));
        writeln!(out, "<path class=\"area\" d=\"{base} V{height} Z\"/>")?;
        if let Some(pace) = segment.pace {
            writeln!(out, "<path class=\"quota\" d=\"{}\"/>", allowed(timeline, segment, pace, active, scale))?;
        }
        let start = format!("M{left:.1} {:.1}", scale.y(as_float(segment.before)));
        writeln!(out, "<path class=\"done\" d=\"{start}{steps} H{right:.1}\"/>")?;
        active += segment.millis();
    }
    Ok(writeln!(out, "</svg>")?)
}

/// A step at each horizontal position where accounts ended.
fn steps(segment: &Segment, active: i64, scale: &Scale<'_>) -> String {
    let mut steps = String::new();
    let mut points =
        segment.points.iter().map(|(at, done)| (10.0 * scale.x(active + at - segment.from), *done)).peekable();
    while let Some((x, done)) = points.next() {
        if points.peek().is_none_or(|(next, _)| next - x >= 1.0 || *next > x.ceil()) {
            steps += &format!(" H{x:.1} V{:.1}", scale.y(as_float(done)));
        }
    }
    steps
}

/// What the quota allows: the burst at once, then a constant rate, until all are done.
fn allowed(timeline: &Timeline, segment: &Segment, pace: Pace, active: i64, scale: &Scale<'_>) -> String {
    let (left, right) = scale.segment(segment, active);
    let y = |at: i64| scale.y(segment.possible(pace, at, timeline.accounts));
    let missing = as_float(timeline.accounts) - as_float(segment.before) - pace.burst;
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
    let full = segment.from.saturating_add((missing.max(0.0) / pace.rate * 1_000.0) as i64).min(segment.to);
    let bend = 10.0 * scale.x(active + full - segment.from);
    let start = scale.y(as_float(segment.before));
    format!("M{left:.1} {start:.1} V{:.1} L{bend:.1} {:.1} L{right:.1} {:.1}", y(segment.from), y(full), y(segment.to))
}

fn refusals(timeline: &Timeline, scale: &Scale<'_>, out: &mut impl Write) -> Result<(), Fault> {
    let mut slots = [0_u64; SLOTS];
    for moment in &timeline.pauses {
        let share = scale.x(timeline.active_at(moment.at)) / 100.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the places")]
        #[expect(clippy::cast_precision_loss, reason = "few places")]
        let slot = (share * SLOTS as f64) as usize;
        slots[slot.min(SLOTS - 1)] += moment.throttled;
    }
    for (slot, number) in slots.into_iter().enumerate().filter(|(_, number)| *number > 0) {
        #[expect(clippy::cast_precision_loss, reason = "few places")]
        let x = (slot as f64 + 0.5) / SLOTS as f64 * 100.0;
        writeln!(
            out,
            "<svg x=\"{x:.2}%\" y=\"{MARKS}\" overflow=\"visible\"><path class=\"refused\" d=\"M-4 0 L4 0 L0 -8 Z\">\
             <title>{}</title></path></svg>",
            counted(number, "429 answer", "429 answers")
        )?;
    }
    Ok(())
}

/// The chart in words.
fn description(timeline: &Timeline) -> String {
    let active = timeline.active();
    let done = timeline.done_at(active);
    let verb = if timeline.rehearsal { "would have ended" } else { "had ended" };
    let mut waits = Vec::new();
    let mut said = format!(
        "After {}, {} of {} {verb}.",
        lasting(active),
        grouped(done),
        counted(timeline.accounts, "account", "accounts")
    );
    if throttled(timeline) > 0 {
        let answers = counted(throttled(timeline), "write", "writes");
        said += &format!(" Graph answered {answers} with 429 (too many requests).");
    }
    for (hold, why) in
        [(PauseReason::Asked, "Graph asked for"), (PauseReason::Away, "the network or the service was unavailable for")]
    {
        let waited: i64 = spans(timeline, |other| other == hold).iter().map(|(from, to)| to - from).sum();
        if waited > 0 {
            waits.push(format!("{why} {}", lasting(waited)));
        }
    }
    if !waits.is_empty() {
        said += &format!(" Waits: {}.", waits.join(", "));
    }
    if timeline.cut_off > 0 {
        let processes = counted(timeline.cut_off, "process that was cut off", "processes that were cut off");
        said += &format!(" The waits and 429 answers of {processes} are not known.");
    }
    if timeline.segments.len() > 1 {
        said += &format!(" {} processes worked on it; the time between them is left out.", timeline.segments.len());
    }
    said
}

/// The chart as a table.
fn numbers(timeline: &Timeline, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(
        out,
        "<details class=\"numbers\"><summary>The same in numbers</summary>\n<table>\n<thead><tr><th scope=\"col\">After</th>\
         <th scope=\"col\">Accounts done</th><th scope=\"col\">The quota allowed</th><th scope=\"col\">429 answers</th>\
         </tr></thead>\n<tbody>"
    )?;
    let mut since = -1;
    let ends = times(timeline.active()).into_iter().filter(|at| *at < timeline.active()).chain([timeline.active()]);
    for at in ends {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let possible = timeline.possible_at(at).map_or("unknown".into(), |number| grouped(number.round() as u64));
        let within = |time: i64| since < timeline.active_at(time) && timeline.active_at(time) <= at;
        let refused = timeline.pauses.iter().filter(|moment| within(moment.at));
        let refused = refused.fold(0_u64, |sum, moment| sum.saturating_add(moment.throttled));
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{possible}</td><td>{}</td></tr>",
            lasting(at),
            grouped(timeline.done_at(at)),
            grouped(refused)
        )?;
        since = at;
    }
    Ok(writeln!(out, "</tbody>\n</table>\n</details>")?)
}

fn throttled(timeline: &Timeline) -> u64 {
    timeline.pauses.iter().fold(0, |sum, moment| sum.saturating_add(moment.throttled))
}

/// Milliseconds in readable form.
fn lasting(millis: i64) -> String {
    let time = Duration::from_millis(millis.unsigned_abs());
    if millis > 0 && time < Duration::from_secs(2) { format!("{:.1} s", time.as_secs_f64()) } else { short(time) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
const fn as_float(number: u64) -> f64 {
    number as f64
}
