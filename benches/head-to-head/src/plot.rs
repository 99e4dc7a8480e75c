//! A picture of a family of workloads: for each, a bar a server, as long as its figure is large. SVG, written plainly.

use std::fmt::Write;

use crate::kind::Kind;
use crate::sheet::{Row, Sheet, short};

const WIDTH: usize = 760;
/// Where bars begin; names of servers stand before.
const LEFT: usize = 100;
/// The longest bar.
const LONGEST: f64 = 500.0;
const BAR: usize = 11;
const STEP: usize = 14;
const TITLE: usize = 22;
const GAP: usize = 12;
const MARGIN: usize = 16;

fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Millstream => "#1b6ca8",
        Kind::Before => "#8fb8d6",
        Kind::Redis => "#c0392b",
        Kind::RedisThreads => "#e08e79",
        Kind::Valkey => "#7d5ba6",
        Kind::Floor | Kind::FloorUring => "#9a9a9a",
    }
}

/// The picture, or none if no workload of these has the figure it is judged by.
pub fn family(title: &str, sheets: &[&Sheet]) -> Option<String> {
    let (mut body, mut y) = (String::new(), MARGIN + TITLE);
    for sheet in sheets {
        let figure = sheet.workload.primary;
        let rows: Vec<&Row> = Kind::ALL
            .into_iter()
            .filter_map(|kind| sheet.row(kind, figure))
            .collect();
        if !rows.is_empty() {
            y = group(&mut body, &sheet.workload.name, &rows, y);
        }
    }
    let height = y + MARGIN;
    let head = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{}\" font-size=\"15\" font-weight=\"bold\">{title}</text>\n",
        MARGIN + 8
    );
    (!body.is_empty()).then(|| format!("{head}{body}</svg>\n"))
}

/// One workload's bars, from `y` on; where the next begin.
fn group(body: &mut String, name: &str, rows: &[&Row], mut y: usize) -> usize {
    let (first, most) = (
        rows[0],
        rows.iter().map(|row| row.median()).fold(0.0, f64::max),
    );
    let better = if first.is_gain() {
        "more is better"
    } else {
        "less is better"
    };
    let comma = if first.unit.is_empty() { "" } else { ", " };
    let _ = writeln!(
        body,
        "<text x=\"{MARGIN}\" y=\"{}\"><tspan font-weight=\"bold\">{name}</tspan> {}{comma}{} ({better})</text>",
        y + GAP,
        first.name,
        first.unit
    );
    y += GAP + STEP / 2;
    for row in rows {
        let length = if most > 0.0 {
            row.median() / most * LONGEST
        } else {
            0.0
        };
        let (text, kind, value) = (y + BAR - 2, row.kind.name(), short(row.median()));
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\" fill=\"#444\">{kind}</text>\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{}\"/>\
             <text x=\"{:.1}\" y=\"{text}\">{value}</text>",
            LEFT - 6,
            colour(row.kind),
            LEFT as f64 + length + 5.0
        );
        y += STEP;
    }
    y + GAP
}
