//! What was measured of one workload, gathered over the rounds.

use crate::kind::Kind;
use crate::stage::Figure;
use crate::workload::Workload;

/// The figures of one workload on all servers.
pub struct Sheet<'a> {
    /// What was measured.
    pub workload: &'a Workload,
    rows: Vec<Row>,
    /// Who could not do it, and why.
    pub failures: Vec<String>,
}

/// One figure of one server, a value a round.
pub struct Row {
    /// Whose.
    pub kind: Kind,
    /// The figure.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    values: Vec<f64>,
}

impl Row {
    /// The middle of its values.
    pub fn median(&self) -> f64 {
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

    /// Whether more of it is better.
    pub fn is_gain(&self) -> bool {
        self.unit == "/s"
    }

    /// As a cell of a table.
    pub fn cell(&self) -> String {
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
pub fn short(value: f64) -> String {
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
        let name = format!("{}: ", kind.name());
        self.failures
            .iter()
            .any(|failure| failure.starts_with(&name))
    }

    /// All that was measured.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// One figure of one server.
    pub fn row(&self, kind: Kind, name: &str) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.kind == kind && row.name == name)
    }

    /// Millstream's figure divided by another's.
    pub fn ratio(&self, name: &str, to: Kind) -> Option<f64> {
        let (ours, theirs) = (self.row(Kind::Millstream, name)?, self.row(to, name)?);
        Some(ours.median() / theirs.median())
    }

    /// Millstream's figure divided by the better of the others'.
    pub fn ratio_to_better(&self, name: &str) -> Option<f64> {
        let gain = self.row(Kind::Millstream, name)?.is_gain();
        let ratios = Kind::JUDGES
            .into_iter()
            .filter_map(|kind| self.ratio(name, kind));
        // Where more is better, the better of the others is who makes our ratio small.
        ratios.reduce(if gain { f64::min } else { f64::max })
    }

    /// The servers that took part.
    pub fn kinds(&self) -> Vec<Kind> {
        let took_part = |kind: &Kind| self.rows.iter().any(|row| row.kind == *kind);
        Kind::ALL.into_iter().filter(took_part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn the_better_one_has_the_larger_gain_or_the_smaller_cost() {
        let workloads = workload::all();
        let mut sheet = Sheet::new(&workloads[0]);
        let of = [
            (Kind::Millstream, 10.0),
            (Kind::Redis, 5.0),
            (Kind::Valkey, 20.0),
        ];
        for (kind, value) in of {
            let figures = [
                Figure::new("rate", "/s", value),
                Figure::new("cost", "µs", value),
            ];
            sheet.add(kind, figures);
        }
        assert_eq!(sheet.ratio_to_better("rate"), Some(0.5));
        assert_eq!(sheet.ratio_to_better("cost"), Some(2.0));
        assert_eq!(sheet.ratio_to_better("nothing"), None);
    }
}
