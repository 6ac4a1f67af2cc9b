//! How close a run comes to what the quota allows, over a grid of tenants: a table, and a picture if it is asked for.
//!
//! `cargo run --release --example pace_grid -- --svg grid.svg`. Every cell is a whole run of the real engine against the
//! simulator on a paused clock. A cell's ratio is the time in which nine of ten accounts were written, relative to the
//! least time in which its quota allows that: the last ones may have to wait for their own `Retry-After`. The forecast is
//! the time left for these accounts, as told at half and at nine tenths of them.

#![expect(clippy::print_stdout, reason = "an example prints what it found")]

mod cell;
mod picture;

use cell::{Answers, Cell, Figures, SHARES, Wait};
use clap::Parser;
use std::{
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Measures the pace over a grid of tenants
#[derive(Parser)]
struct Args {
    /// Accounts in each cell
    #[arg(long, default_value_t = 10_000)]
    accounts: u32,
    /// Every cell instead of one line for each share and quota
    #[arg(long)]
    all: bool,
    /// Answers without the headers that name a quota or its use: only what is refused shows the cause
    #[arg(long)]
    silent: bool,
    /// What `Retry-After` always says about a spent quota, in seconds, instead of the time until it is refilled
    #[arg(long, value_name = "SECONDS")]
    fixed: Option<u64>,
    /// Draw the grid into this file
    #[arg(long)]
    svg: Option<PathBuf>,
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let cells = cell::grid();
    let answers = Answers { are_silent: args.silent, fixed: args.fixed };
    let measured = on_every_core(&cells, args.accounts, answers);
    if args.all {
        every_cell(&measured);
    }
    summary(&measured);
    args.svg.map_or(Ok(()), |file| std::fs::write(file, picture::draw(&measured)))
}

fn on_every_core(cells: &[Cell], accounts: u32, answers: Answers) -> Vec<(Cell, Figures)> {
    let (next, measured) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(cell) = cells.get(at) else { break };
            // Each tenant has its own luck.
            let figures = cell.measure(accounts, answers, at as u64);
            measured.lock().expect("no thread panicked with it").push((*cell, figures));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|threads| (0..cores).for_each(|_| drop(threads.spawn(work))));
    let mut measured = measured.into_inner().expect("no thread panicked with it");
    measured.sort_by_key(|(cell, _)| cells.iter().position(|other| other == cell));
    measured
}

fn every_cell(measured: &[(Cell, Figures)]) {
    println!("| random 429s | quota | other job | latency | wait | of the bound | refused | forecast off |");
    println!("|---|---|---|---|---|---|---|---|");
    for (cell, figures) in measured {
        let other = if cell.competing { "on" } else { "off" };
        let (random, quota) = (cell.random * 100.0, cell.quota * 100.0);
        println!(
            "| {random} % | {quota} % | {other} | {} ms | {} | {:.3} | {:.1} % | {:.1} % |",
            cell.latency,
            cell.wait,
            figures.ratio,
            figures.refused * 100.0,
            figures.foretold_off * 100.0
        );
    }
    println!();
}

/// One line for each share of random 429s and each quota: the middle and the worst of its cells.
fn summary(measured: &[(Cell, Figures)]) {
    println!("| random 429s | quota | of the bound: median, worst | refused, in % of the accounts: median, worst |");
    println!("|---|---|---|---|");
    for random in SHARES {
        for quota in cell::QUOTAS {
            let of_line = |(cell, _): &&(Cell, Figures)| cell.random == random && cell.quota == quota;
            let figures: Vec<Figures> = measured.iter().filter(of_line).map(|(_, figures)| *figures).collect();
            let (ratio, ratio_worst) = middle_and_worst(figures.iter().map(|figures| figures.ratio));
            let (refused, refused_worst) = middle_and_worst(figures.iter().map(|figures| figures.refused * 100.0));
            let (random, quota) = (random * 100.0, quota * 100.0);
            println!("| {random} % | {quota} % | {ratio:.3}, {ratio_worst:.3} | {refused:.1}, {refused_worst:.1} |");
        }
    }
    let worst_of =
        |wait: Wait| measured.iter().filter(move |(cell, _)| cell.wait == wait).map(|(_, found)| found.ratio);
    for wait in cell::WAITS {
        let (median, worst) = middle_and_worst(worst_of(wait));
        println!("Retry-After {wait}: {median:.3}, at worst {worst:.3}");
    }
    let as_expected = measured.iter().filter(|(cell, _)| cell.is_as_expected());
    let (median, worst) = middle_and_worst(as_expected.map(|(_, figures)| figures.foretold_off * 100.0));
    println!("Forecast where the quota is as expected: {median:.1} % off, at worst {worst:.1} %");
}

fn middle_and_worst(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values.get(values.len() / 2).copied().unwrap_or(f64::NAN), values.last().copied().unwrap_or(f64::NAN))
}
