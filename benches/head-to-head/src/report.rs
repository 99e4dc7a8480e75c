//! What was measured, written as Markdown.

use std::fmt::Write;

use crate::kind::Kind;
use crate::sheet::{Sheet, short};
use crate::stage::figure;

/// A sheet as a section of the results.
pub fn section(sheet: &Sheet) -> String {
    let workload = sheet.workload;
    let mut text = format!(
        "#### {}\n\n{}.\n\n",
        workload.name,
        capitalised(&workload.about)
    );
    let kinds = sheet.kinds();
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
    for row in sheet.rows() {
        if !names.contains(&(row.name, row.unit)) {
            names.push((row.name, row.unit));
        }
    }
    for (name, unit) in names {
        text.push_str(&line(sheet, (name, unit), &kinds, &rivals));
    }
    for failure in &sheet.failures {
        let _ = writeln!(text, "\n**Failed** {failure}");
    }
    text.push('\n');
    text
}

/// One figure of all servers.
fn line(sheet: &Sheet, (name, unit): (&str, &str), kinds: &[Kind], rivals: &[Kind]) -> String {
    let comma = if unit.is_empty() { "" } else { ", " };
    let mut text = format!("| {name}{comma}{unit} |");
    for &kind in kinds {
        let cell = sheet
            .row(kind, name)
            .map(|row| row.cell())
            .unwrap_or_default();
        let _ = write!(text, " {cell} |");
    }
    for &to in rivals {
        let ratio = sheet.ratio(name, to).filter(|_| name != figure::OTHERS);
        let _ = write!(
            text,
            " {} |",
            ratio.map(|r| format!("{r:.2}")).unwrap_or_default()
        );
    }
    text.push('\n');
    text
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The figure that each workload is judged by, on all servers.
pub fn summary(sheets: &[Sheet]) -> String {
    let heads: String = Kind::USUAL
        .iter()
        .map(|kind| format!(" {} |", kind.name()))
        .collect();
    let rules = "---:|".repeat(Kind::USUAL.len() + 1);
    let mut text = format!("| workload | figure |{heads} to the better |\n|---|---|{rules}\n");
    for sheet in sheets {
        let name = sheet.workload.primary;
        let Some(any) = sheet.rows().iter().find(|row| row.name == name) else {
            continue;
        };
        let _ = write!(text, "| {} | {name}, {} |", sheet.workload.name, any.unit);
        for kind in Kind::USUAL {
            let cell = sheet
                .row(kind, name)
                .map(|row| short(row.median()))
                .unwrap_or_default();
            let _ = write!(text, " {cell} |");
        }
        let ratio = sheet
            .ratio_to_better(name)
            .map(|ratio| format!("{ratio:.2}"));
        let _ = writeln!(text, " {} |", ratio.unwrap_or_default());
    }
    text
}
