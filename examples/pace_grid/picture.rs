//! The grid as a picture: a row for each tenant, a column for each latency and form of `Retry-After`.

use super::cell::{Cell, Figures};
use std::fmt::Write;

const WIDTH: usize = 54;
const HEIGHT: usize = 18;
const LEFT: usize = 300;
const TOP: usize = 74;

/// An SVG of all cells: each shows its share of the bound, and the darker it is, the longer it took.
pub fn draw(measured: &[(Cell, Figures)]) -> String {
    let first = measured.first().map(|(cell, _)| *cell);
    let is_first_row = |(cell, _): &&(Cell, Figures)| first.is_some_and(|first| row_name(&first) == row_name(cell));
    let columns = measured.iter().filter(is_first_row).count().max(1);
    let (width, height) = (LEFT + columns * WIDTH + 10, TOP + measured.len() / columns * HEIGHT + 10);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"20\" font-size=\"14\">Time relative to the least that the quota allows</text>\n\
         <text x=\"10\" y=\"38\">Columns: latency, and the Retry-After of random 429s</text>\n"
    );
    for (at, (cell, figures)) in measured.iter().enumerate() {
        let (row, column) = (at / columns, at % columns);
        let (x, y) = (LEFT + column * WIDTH, TOP + row * HEIGHT);
        if row == 0 {
            let (middle, above) = (x + WIDTH / 2, TOP - 18);
            line(&mut svg, middle, above, "middle", &format!("{} ms", cell.latency));
            line(&mut svg, middle, above + 13, "middle", &cell.wait.to_string());
        }
        if column == 0 {
            line(&mut svg, LEFT - 6, y + 13, "end", &row_name(cell));
        }
        let (fill, ink) = colours(figures.ratio);
        let (wide, high, middle, base) = (WIDTH - 1, HEIGHT - 1, x + WIDTH / 2, y + 13);
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" fill=\"{fill}\"/>\
             <text x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\" fill=\"{ink}\">{:.2}</text>",
            figures.ratio
        );
    }
    svg + "</svg>\n"
}

fn line(svg: &mut String, x: usize, y: usize, anchor: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>");
}

fn row_name(cell: &Cell) -> String {
    let other = if cell.competing { ", another job" } else { "" };
    format!("{} % random, {} % of the quota{other}", cell.random * 100.0, cell.quota * 100.0)
}

/// The colour of a cell, and one for its text.
fn colours(ratio: f64) -> (&'static str, &'static str) {
    match ratio {
        ratio if ratio < 1.03 => ("#e8f4ea", "#111"),
        ratio if ratio < 1.1 => ("#c6e5cb", "#111"),
        ratio if ratio < 1.35 => ("#fbe3a6", "#111"),
        ratio if ratio < 2.0 => ("#f0a35e", "#111"),
        _ => ("#a02c2c", "#fff"),
    }
}
