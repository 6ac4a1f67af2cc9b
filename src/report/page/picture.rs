//! The picture of a run: accounts done over time against what the quota allowed, with waits and 429s, as SVG.
//!
//! Across, everything is in shares of the width, so that lines stretch with the page and letters do not. What it shows it
//! also says: in a sentence, and in a table.

use super::{
    course::{Course, Leg, Pace},
    scale::{Scale, counts, times},
};
use crate::{
    figures::{counted, grouped, short},
    ledger::Hold,
    report::Fault,
};
use std::{io::Write, time::Duration};

/// A run that took no longer has no picture, in milliseconds.
const SHORT_MILLIS: i64 = 10_000;
/// Places across, of which each shows one mark of a kind at most.
const SLOTS: usize = 120;
/// Where the plot ends, in pixels from the top: below it stand the marks of 429s, and the times.
const TOP: f64 = 20.0;
const BOTTOM: f64 = 240.0;
const MARKS: f64 = 252.0;
const TIMES: f64 = 274.0;
const HEIGHT: f64 = 282.0;

/// Writes the picture; nothing for a run that was over before there was anything to see.
pub(super) fn write(course: &Course, out: &mut impl Write) -> Result<(), Fault> {
    if course.active() <= SHORT_MILLIS {
        return Ok(());
    }
    let scale = Scale::new(course, BOTTOM - TOP);
    writeln!(out, "<section aria-labelledby=\"course\">\n<h2 id=\"course\">Progress over time</h2>\n<figure>")?;
    legend(course, out)?;
    writeln!(
        out,
        "<svg class=\"course\" width=\"100%\" height=\"{HEIGHT}\" role=\"img\" aria-labelledby=\"course-said\">\n\
         <defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" class=\"hatch\"/></pattern></defs>"
    )?;
    waits(course, &scale, out)?;
    lines(course, &scale, out)?;
    grid(course, &scale, out)?;
    refusals(course, &scale, out)?;
    writeln!(out, "</svg>\n<figcaption id=\"course-said\">{}</figcaption>", said(course))?;
    numbers(course, out)?;
    Ok(writeln!(out, "</figure>\n</section>")?)
}

fn legend(course: &Course, out: &mut impl Write) -> Result<(), Fault> {
    let swatch = |shape: &str| format!("<svg width=\"26\" height=\"12\" aria-hidden=\"true\">{shape}</svg>");
    let entry = |shape: &str, words: &str| format!("<li>{}{words}</li>", swatch(shape));
    let mut entries = entry("<line class=\"done\" x1=\"0\" y1=\"6\" x2=\"26\" y2=\"6\"/>", "accounts done");
    if course.legs.iter().any(|leg| leg.pace.is_some()) {
        let line = "<line class=\"quota\" x1=\"0\" y1=\"6\" x2=\"26\" y2=\"6\"/>";
        entries += &entry(line, "the most that the quota allows");
    }
    if !course.moments.is_empty() {
        let area = "<rect class=\"wait\" fill=\"url(#hatch)\" width=\"26\" height=\"12\"/>";
        entries += &entry(area, "waiting");
    }
    if throttled(course) > 0 {
        entries += &entry("<path class=\"refused\" d=\"M7 11 L19 11 L13 1 Z\"/>", "429, too many requests");
    }
    Ok(writeln!(out, "<ul class=\"legend\">{entries}</ul>")?)
}

fn grid(course: &Course, scale: &Scale<'_>, out: &mut impl Write) -> Result<(), Fault> {
    for number in counts(course.accounts).into_iter().filter(|number| *number > 0) {
        let y = TOP + scale.y(as_float(number));
        write!(out, "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>")?;
        writeln!(out, "<text class=\"tick\" x=\"5\" y=\"{:.1}\">{}</text>", y - 5.0, grouped(number))?;
    }
    for at in times(course.active()) {
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

fn waits(course: &Course, scale: &Scale<'_>, out: &mut impl Write) -> Result<(), Fault> {
    for (from, to) in spans(course, |_| true) {
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

/// Times of waiting in milliseconds of work, those that touch joined.
fn spans(course: &Course, wanted: impl Fn(Hold) -> bool) -> Vec<(i64, i64)> {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for moment in course.moments.iter().filter(|moment| wanted(moment.hold)) {
        let from = course.active_at(moment.at);
        let to = course.active_at(moment.at.saturating_add(moment.millis.max(0)));
        match spans.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => spans.push((from, to)),
        }
    }
    spans
}

fn lines(course: &Course, scale: &Scale<'_>, out: &mut impl Write) -> Result<(), Fault> {
    let height = BOTTOM - TOP;
    writeln!(
        out,
        "<svg x=\"0\" y=\"{TOP}\" width=\"100%\" height=\"{height}\" viewBox=\"0 0 1000 {height}\" \
         preserveAspectRatio=\"none\" overflow=\"visible\">"
    )?;
    let mut active = 0;
    for leg in &course.legs {
        let steps = steps(leg, active, scale);
        let (left, right) = scale.leg(leg, active);
        let base = format!("M{left:.1} {height} V{:.1}{steps} H{right:.1}", scale.y(as_float(leg.before)));
        writeln!(out, "<path class=\"area\" d=\"{base} V{height} Z\"/>")?;
        if let Some(pace) = leg.pace {
            writeln!(out, "<path class=\"quota\" d=\"{}\"/>", allowed(course, leg, pace, active, scale))?;
        }
        let start = format!("M{left:.1} {:.1}", scale.y(as_float(leg.before)));
        writeln!(out, "<path class=\"done\" d=\"{start}{steps} H{right:.1}\"/>")?;
        active += leg.millis();
    }
    Ok(writeln!(out, "</svg>")?)
}

/// A step for each place across at which something ended.
fn steps(leg: &Leg, active: i64, scale: &Scale<'_>) -> String {
    let mut steps = String::new();
    let mut points = leg.points.iter().map(|(at, done)| (10.0 * scale.x(active + at - leg.from), *done)).peekable();
    while let Some((x, done)) = points.next() {
        if points.peek().is_none_or(|(next, _)| next - x >= 1.0 || *next > x.ceil()) {
            steps += &format!(" H{x:.1} V{:.1}", scale.y(as_float(done)));
        }
    }
    steps
}

/// What the quota allows: the burst at once, then so many a second, until all are done.
fn allowed(course: &Course, leg: &Leg, pace: Pace, active: i64, scale: &Scale<'_>) -> String {
    let (left, right) = scale.leg(leg, active);
    let y = |at: i64| scale.y(leg.possible(pace, at, course.accounts));
    let missing = as_float(course.accounts) - as_float(leg.before) - pace.burst;
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
    let full = leg.from.saturating_add((missing.max(0.0) / pace.rate * 1_000.0) as i64).min(leg.to);
    let bend = 10.0 * scale.x(active + full - leg.from);
    let start = scale.y(as_float(leg.before));
    format!("M{left:.1} {start:.1} V{:.1} L{bend:.1} {:.1} L{right:.1} {:.1}", y(leg.from), y(full), y(leg.to))
}

fn refusals(course: &Course, scale: &Scale<'_>, out: &mut impl Write) -> Result<(), Fault> {
    let mut slots = [0_u64; SLOTS];
    for moment in &course.moments {
        let share = scale.x(course.active_at(moment.at)) / 100.0;
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
            counted(number, "answer 429", "answers 429")
        )?;
    }
    Ok(())
}

/// The picture in words.
fn said(course: &Course) -> String {
    let active = course.active();
    let done = course.done_at(active);
    let verb = if course.rehearsal { "would have ended" } else { "had ended" };
    let mut waits = Vec::new();
    let mut said = format!(
        "After {}, {} of {} {verb}.",
        lasting(active),
        grouped(done),
        counted(course.accounts, "account", "accounts")
    );
    if throttled(course) > 0 {
        let answers = counted(throttled(course), "write", "writes");
        said += &format!(" Graph answered 429, too many requests, to {answers}.");
    }
    for (hold, why) in [(Hold::Asked, "Graph asked for"), (Hold::Away, "the network or the service was away for")] {
        let waited: i64 = spans(course, |other| other == hold).iter().map(|(from, to)| to - from).sum();
        if waited > 0 {
            waits.push(format!("{why} {}", lasting(waited)));
        }
    }
    if !waits.is_empty() {
        said += &format!(" It waited: {}.", waits.join(", "));
    }
    if course.cut_off > 0 {
        let processes = counted(course.cut_off, "process that was cut off", "processes that were cut off");
        said += &format!(" Waits and answers 429 of {processes} are not known.");
    }
    if course.legs.len() > 1 {
        said += &format!(" It was worked on {} times; the time in between is left out.", course.legs.len());
    }
    said
}

/// The picture in numbers.
fn numbers(course: &Course, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(
        out,
        "<details class=\"numbers\"><summary>The same in numbers</summary>\n<table>\n<thead><tr><th scope=\"col\">After</th>\
         <th scope=\"col\">Accounts done</th><th scope=\"col\">The quota allowed</th><th scope=\"col\">Answers 429</th>\
         </tr></thead>\n<tbody>"
    )?;
    let mut since = -1;
    let ends = times(course.active()).into_iter().filter(|at| *at < course.active()).chain([course.active()]);
    for at in ends {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let possible = course.possible_at(at).map_or("unknown".into(), |number| grouped(number.round() as u64));
        let within = |time: i64| since < course.active_at(time) && course.active_at(time) <= at;
        let refused = course.moments.iter().filter(|moment| within(moment.at));
        let refused = refused.fold(0_u64, |sum, moment| sum.saturating_add(moment.throttled));
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{possible}</td><td>{}</td></tr>",
            lasting(at),
            grouped(course.done_at(at)),
            grouped(refused)
        )?;
        since = at;
    }
    Ok(writeln!(out, "</tbody>\n</table>\n</details>")?)
}

fn throttled(course: &Course) -> u64 {
    course.moments.iter().fold(0, |sum, moment| sum.saturating_add(moment.throttled))
}

/// Milliseconds as a person reads them.
fn lasting(millis: i64) -> String {
    let time = Duration::from_millis(millis.unsigned_abs());
    if millis > 0 && time < Duration::from_secs(2) { format!("{:.1} s", time.as_secs_f64()) } else { short(time) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
const fn as_float(number: u64) -> f64 {
    number as f64
}
