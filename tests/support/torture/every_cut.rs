//! A small scenario that is run again and again: each time the first process dies one moment later, until it is not cut
//! off any more. The second one, which may find the first account changed, dies too, and the third may end.

use super::{
    Story, Told,
    disk::Failure,
    disturbances::Event,
    ending::Ending,
    life::{Left, on_stage},
    runtime,
    sabotage::Sabotage,
    script::{Process, Script, Wishes},
};
use crate::checkers::{Invariant, Violation};
use passwave::simulator::AccountKind;
use std::time::Duration;

/// A scenario with this many cuts is in an endless loop.
const CUTS_MAX: u32 = 3_000;
/// If a run has not ended after this many processes, although nothing cuts them off, it never will.
const PROCESSES_MAX: usize = 20;

/// The nth moment of each kind at which a process can die.
const MOMENTS: [fn(u32) -> Ending; 5] = [
    Ending::Poll,
    Ending::BeforeSending,
    Ending::BeforeAnswer,
    |nth| Ending::Disk(Failure::Write, nth),
    |nth| Ending::Disk(Failure::Commit, nth),
];

/// Cuts the scenario of a story at every await, every batch and every write in turn.
pub fn every_cut(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    let mut told = Told::default();
    for moment in MOMENTS {
        for nth in 1.. {
            let ending = moment(nth);
            let end = runtime().block_on(cut_at(story, ending, nth, sabotage));
            let (was_cut, more) =
                end.map_err(|fault| Violation { what: format!("cut at {ending:?}: {}", fault.what), ..fault })?;
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

/// Runs the scenario with a first process that has this `ending`; returns whether the doom happened.
async fn cut_at(story: Story, ending: Ending, nth: u32, sabotage: &Sabotage) -> Result<(bool, Told), Violation> {
    let mut script = Script::of(story);
    let world = script.small_world();
    let wishes = Wishes { revokes: story.seed % 3 == 1, verifies: false };
    let events = if script.number(2) == 0 { vec![(1, Event::Change(1, AccountKind::Synced))] } else { Vec::new() };
    let process = |ending, nth: u32| Process { has_key: nth % 2 == 1, ..process(ending) };
    let second = Process { events, ..process(Ending::Poll(1 + nth * 7 % 12), nth / 2) };
    let mut was_cut = false;
    let told = on_stage(&world, wishes, script.history(), sabotage, async |stage| {
        let mut left = stage.process(&process(ending, nth), &world.options).await?;
        was_cut = left == Left::Torn;
        let later = std::iter::repeat_with(|| process(Ending::Spared, nth / 4)).take(PROCESSES_MAX);
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

fn process(ending: Ending) -> Process {
    Process { ending, events: Vec::new(), clock_ahead: 0, gap: Duration::ZERO, has_key: false }
}
