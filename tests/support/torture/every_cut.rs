//! A small scenario, lived through again and again: each time the first process dies one moment later, until it is not cut
//! any more. The second one, which may find the first account changed, dies too, and the third may end.

use super::{
    Story, Told,
    disk::Failure,
    doom::Doom,
    fate::{Fate, Process, Wishes},
    life::{Left, on_stage},
    mishaps::Event,
    runtime,
    sabotage::Sabotage,
};
use crate::checkers::{Invariant, Violation};
use passwave::graph::simulator::AccountKind;
use std::time::Duration;

/// Cuts after which it goes round in circles.
const CUTS_MAX: u32 = 3_000;
/// Processes after which a run that nobody cuts any more has not ended.
const PROCESSES_MAX: usize = 20;

/// The nth moment of each kind at which a process can die.
const MOMENTS: [fn(u32) -> Doom; 5] = [
    Doom::Poll,
    Doom::BeforeSending,
    Doom::BeforeAnswer,
    |nth| Doom::Disk(Failure::Write, nth),
    |nth| Doom::Disk(Failure::Commit, nth),
];

/// Cuts the scenario of a story at every await, at every batch and at every write in turn.
pub fn every_cut(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    let mut told = Told::default();
    for moment in MOMENTS {
        for nth in 1.. {
            let doom = moment(nth);
            let end = runtime().block_on(cut_at(story, doom, nth, sabotage));
            let (was_cut, more) =
                end.map_err(|fault| Violation { what: format!("cut at {doom:?}: {}", fault.what), ..fault })?;
            told += more;
            if !was_cut {
                break;
            }
            if nth >= CUTS_MAX {
                return Err(Violation::new(Invariant::Ends, format!("{nth} cuts of one kind")));
            }
        }
    }
    Ok(told)
}

/// Lives through the scenario with a first process that meets `doom`; tells whether it did.
async fn cut_at(story: Story, doom: Doom, nth: u32, sabotage: &Sabotage) -> Result<(bool, Told), Violation> {
    let mut fate = Fate::of(story);
    let world = fate.small_world();
    let wishes = Wishes { revokes: story.seed % 3 == 1, verifies: false };
    let events = if fate.number(2) == 0 { vec![(1, Event::Change(1, AccountKind::Synced))] } else { Vec::new() };
    let process = |doom, nth: u32| Process { has_key: nth % 2 == 1, ..process(doom) };
    let second = Process { events, ..process(Doom::Poll(1 + nth * 7 % 12), nth / 2) };
    let mut was_cut = false;
    let told = on_stage(&world, wishes, fate.history(), sabotage, async |stage| {
        let mut left = stage.process(&process(doom, nth), &world.options).await?;
        was_cut = left == Left::Torn;
        let later = std::iter::repeat_with(|| process(Doom::Spared, nth / 4)).take(PROCESSES_MAX);
        for process in std::iter::once(second).chain(later) {
            if left == Left::Finished {
                return stage.end();
            }
            left = stage.process(&process, &world.options).await?;
        }
        Err(Violation::new(Invariant::Ends, format!("{PROCESSES_MAX} processes did not end it")))
    })
    .await?;
    Ok((was_cut, told))
}

fn process(doom: Doom) -> Process {
    Process { doom, events: Vec::new(), clock_ahead: 0, lull: Duration::ZERO, has_key: false }
}
