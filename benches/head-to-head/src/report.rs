//! What was measured, gathered over the rounds and written as Markdown.

use std::fmt::Write;

use crate::server::Kind;
use crate::stage::{Figure, figure};
use crate::workload::{Goal, Workload};

/// The figures of one workload on all servers.
pub struct Sheet<'a> {
    workload: &'a Workload,
    rows: Vec<Row>,
    failures: Vec<String>,
}

/// One figure of one server, a value a round.
struct Row {
    kind: Kind,
    name: &'static str,
    unit: &'static str,
    values: Vec<f64>,
}

impl Row {
    fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() % 2 {
            1 => sorted[middle],
            _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
        }
    }

    fn spread(&self) -> (f64, f64) {
        let fold = |pick: fn(f64, f64) -> f64, from| self.values.iter().copied().fold(from, pick);
        (
            fold(f64::min, f64::INFINITY),
            fold(f64::max, f64::NEG_INFINITY),
        )
    }

    fn cell(&self) -> String {
        if self.values.len() == 1 {
            return short(self.values[0]);
        }
        let (least, most) = self.spread();
        format!(
            "{} ({} to {})",
            short(self.median()),
            short(least),
            short(most)
        )
    }
}

/// A number with about three digits that mean something, thousands separated.
fn short(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.*}", if value < 10.0 { 2 } else { 1 });
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl<'a> Sheet<'a> {
    /// An empty sheet.
    pub fn new(workload: &'a Workload) -> Sheet<'a> {
        Sheet {
            workload,
            rows: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Adds what one round measured on one server.
    pub fn add(&mut self, kind: Kind, figures: impl IntoIterator<Item = Figure>) {
        for Figure { name, unit, value } in figures {
            let row = self
                .rows
                .iter_mut()
                .find(|row| row.kind == kind && row.name == name);
            match row {
                Some(row) => row.values.push(value),
                None => self.rows.push(Row {
                    kind,
                    name,
                    unit,
                    values: vec![value],
                }),
            }
        }
    }

    /// Notes that a server could not do the workload.
    pub fn fail(&mut self, kind: Kind, why: &str) {
        self.failures.push(format!("{}: {why}", kind.name()));
    }

    /// Whether any server failed.
    pub fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Whether this server failed.
    pub fn has_failed(&self, kind: Kind) -> bool {
        self.failures
            .iter()
            .any(|failure| failure.starts_with(kind.name()))
    }

    fn row(&self, kind: Kind, name: &str) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.kind == kind && row.name == name)
    }

    fn ratio(&self, name: &str, to: Kind) -> Option<f64> {
        let (ours, theirs) = (self.row(Kind::Millstream, name)?, self.row(to, name)?);
        Some(ours.median() / theirs.median())
    }

    /// Its goals, each with what was measured and whether that meets it.
    pub fn goals(&self) -> Vec<(String, Option<f64>, bool)> {
        let judged = self.workload.goals.iter().map(|goal| match *goal {
            Goal::ShareOfRedis(name, limit) => {
                let measured = self.ratio(name, Kind::Redis);
                (
                    format!("{name}: at most {limit} of Redis"),
                    measured,
                    measured.is_some_and(|m| m <= limit),
                )
            }
            Goal::MultipleOfRedis(name, limit) => {
                let measured = self.ratio(name, Kind::Redis);
                (
                    format!("{name}: at least {limit} of Redis"),
                    measured,
                    measured.is_some_and(|m| m >= limit),
                )
            }
            Goal::Limit(name, limit) => {
                let measured = self.row(Kind::Millstream, name).map(Row::median);
                (
                    format!("{name}: at most {limit}"),
                    measured,
                    measured.is_some_and(|m| m <= limit),
                )
            }
        });
        judged.collect()
    }

    /// The sheet as a section of the results.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "### {}\n\n{}.\n\n",
            self.workload.name,
            capitalised(self.workload.about)
        );
        let kinds: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|&kind| self.rows.iter().any(|row| row.kind == kind))
            .collect();
        let heads: String = kinds
            .iter()
            .map(|kind| format!(" {} |", kind.name()))
            .collect();
        let rivals: Vec<Kind> = Kind::RIVALS
            .into_iter()
            .filter(|rival| kinds.contains(rival))
            .collect();
        let ratios: String = rivals
            .iter()
            .map(|rival| format!(" to {} |", rival.name()))
            .collect();
        let rules = "---:|".repeat(kinds.len() + rivals.len());
        let _ = writeln!(text, "| |{heads}{ratios}\n|---|{rules}");
        let mut names: Vec<(&str, &str)> = Vec::new();
        for row in &self.rows {
            if !names.contains(&(row.name, row.unit)) {
                names.push((row.name, row.unit));
            }
        }
        for (name, unit) in names {
            let unit = if unit.is_empty() {
                String::new()
            } else {
                format!(", {unit}")
            };
            let _ = write!(text, "| {name}{unit} |");
            for &kind in &kinds {
                let cell = self.row(kind, name).map(Row::cell).unwrap_or_default();
                let _ = write!(text, " {cell} |");
            }
            for &to in &rivals {
                let ratio = self.ratio(name, to).filter(|_| name != figure::OTHERS);
                let _ = write!(
                    text,
                    " {} |",
                    ratio.map(|r| format!("{r:.2}")).unwrap_or_default()
                );
            }
            text.push('\n');
        }
        for failure in &self.failures {
            let _ = writeln!(text, "\n**Failed** {failure}");
        }
        text.push('\n');
        text
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The goals of all sheets, in one table.
pub fn goals(sheets: &[Sheet]) -> String {
    let mut text = String::from("| workload | goal | measured | met |\n|---|---|---:|---|\n");
    for sheet in sheets {
        for (goal, measured, met) in sheet.goals() {
            let measured = measured
                .map(|value| format!("{value:.2}"))
                .unwrap_or("nothing".into());
            let met = if met { "yes" } else { "**no**" };
            let name = sheet.workload.name;
            let _ = writeln!(text, "| {name} | {goal} | {measured} | {met} |");
        }
    }
    text
}

/// The two figures that say most, of all workloads that have them.
pub fn summary(sheets: &[Sheet]) -> String {
    let mut text = String::from(
        "| workload | Millstream µs CPU | Redis | Valkey | floor | to Redis | to Valkey | operations a second, to Redis |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for sheet in sheets {
        if sheet.row(Kind::Redis, figure::CPU).is_none()
            && sheet.row(Kind::Millstream, figure::CPU).is_none()
        {
            continue;
        }
        let _ = write!(text, "| {} |", sheet.workload.name);
        for kind in Kind::USUAL {
            let cell = sheet
                .row(kind, figure::CPU)
                .map(|row| short(row.median()))
                .unwrap_or_default();
            let _ = write!(text, " {cell} |");
        }
        let ratios = [
            (figure::CPU, Kind::Redis),
            (figure::CPU, Kind::Valkey),
            (figure::RATE, Kind::Redis),
        ];
        for (name, to) in ratios {
            let ratio = sheet
                .ratio(name, to)
                .map(|ratio| format!("{ratio:.2}"))
                .unwrap_or_default();
            let _ = write!(text, " {ratio} |");
        }
        text.push('\n');
    }
    text
}
