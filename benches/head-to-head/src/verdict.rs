//! Whether Millstream has reached what it must.

use std::fmt::Write;

use crate::kind::Kind;
use crate::sheet::Sheet;
use crate::stage::figure;
use crate::workload::Goal;

/// Where others took more of the servers' core than this, times and rates say little.
const CALM_PERCENT: f64 = 10.0;

/// One goal and what became of it.
pub struct Verdict {
    workload: String,
    goal: String,
    measured: Option<f64>,
    /// Whether it is about time on the clock, of which others took much.
    disturbed: bool,
    /// Whether it was reached; what was not measured was not.
    pub met: bool,
}

impl Verdict {
    fn of(sheet: &Sheet, goal: &Goal) -> Verdict {
        let name = goal.figure();
        let ours = sheet.row(Kind::Millstream, name).map(|row| row.median());
        let better = sheet.ratio_to_better(name);
        let (measured, at_least, limit, of) = match *goal {
            Goal::ShareOfRedis(_, limit) => {
                (sheet.ratio(name, Kind::Redis), false, limit, " of Redis")
            }
            Goal::AtMostOfBetter(_, limit) => (better, false, limit, " of the better"),
            Goal::AtLeastOfBetter(_, limit) => (better, true, limit, " of the better"),
            Goal::Limit(_, limit) => (ours, false, limit, ""),
            Goal::AtLeast(_, limit) => (ours, true, limit, ""),
        };
        let bound = if at_least { "at least" } else { "at most" };
        let met = measured.is_some_and(|m| if at_least { m >= limit } else { m <= limit });
        Verdict {
            workload: sheet.workload.name.clone(),
            goal: format!("{name}: {bound} {limit}{of}"),
            measured,
            disturbed: is_disturbed(sheet, name),
            met,
        }
    }
}

/// CPU time and instructions bear with others at work; the rest does not.
fn is_disturbed(sheet: &Sheet, name: &str) -> bool {
    let taken = |kind| sheet.row(kind, figure::OTHERS).map(|row| row.median());
    let busy = |kind| taken(kind).is_some_and(|percent| percent > CALM_PERCENT);
    let bears = [figure::CPU, figure::INSTRUCTIONS, figure::WORK].contains(&name);
    !bears && Kind::ALL.into_iter().any(busy)
}

/// The verdicts on one workload: its goals, and that it is nowhere worse than the better of the others.
pub fn verdicts(sheet: &Sheet) -> Vec<Verdict> {
    if sheet
        .row(Kind::Millstream, sheet.workload.primary)
        .is_none()
        && sheet.workload.goals.is_empty()
    {
        return Vec::new();
    }
    let goals = sheet.workload.goals.iter().copied().chain(no_worse(sheet));
    goals.map(|goal| Verdict::of(sheet, &goal)).collect()
}

/// The goal that every workload has, unless it has one of its own on the same figure.
fn no_worse(sheet: &Sheet) -> Option<Goal> {
    let primary = sheet.workload.primary;
    let row = sheet.row(Kind::Millstream, primary)?;
    sheet.ratio_to_better(primary)?;
    let has_own = sheet
        .workload
        .goals
        .iter()
        .any(|goal| goal.figure() == primary);
    let goal = if row.is_gain() {
        Goal::AtLeastOfBetter
    } else {
        Goal::AtMostOfBetter
    };
    (!has_own).then_some(goal(primary, 1.0))
}

/// What was measured for all goals: those that were missed, then those that were met.
pub fn table(sheets: &[Sheet]) -> String {
    let all: Vec<Verdict> = sheets.iter().flat_map(verdicts).collect();
    let met = all.iter().filter(|verdict| verdict.met).count();
    let mut text = format!(
        "{met} of {} are met. *Disturbed*: other work took more than a tenth of the servers' core from some of them.\n\n",
        all.len()
    );
    text.push_str("| workload | goal | measured | met |\n|---|---|---:|---|\n");
    let (met, missed): (Vec<_>, Vec<_>) = all.iter().partition(|verdict| verdict.met);
    for verdict in missed.into_iter().chain(met) {
        let Verdict {
            workload,
            goal,
            measured,
            disturbed,
            met,
        } = verdict;
        let measured = measured.map_or("nothing".into(), |value| format!("{value:.2}"));
        let met = if *met { "yes" } else { "**no**" };
        let met = if *disturbed {
            format!("{met}, disturbed")
        } else {
            met.into()
        };
        let _ = writeln!(text, "| {workload} | {goal} | {measured} | {met} |");
    }
    text
}
