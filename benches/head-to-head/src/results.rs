//! The file of results and the pictures beside it, written anew after every workload, so that a run that is ended early leaves what it has.
//!
//! Of the file only what stands between two marks is this program's; the rest is somebody's words.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::instructions::Counter;
use crate::kind::Kind;
use crate::plan::Plan;
use crate::sheet::Sheet;
use crate::{plot, report, verdict};

const BEGIN: &str = "<!-- head-to-head: what follows is written by benches/head-to-head/run -->";
const END: &str = "<!-- head-to-head: end -->";
/// Beside the results.
const PLOTS: &str = "plots";

/// Where results go, and what stands at their head.
pub struct Results {
    file: PathBuf,
    head: String,
}

impl Results {
    /// Results in `file`, of a run that begins now.
    pub fn new(file: &str, plan: &Plan, counter: Option<Counter>) -> Result<Results> {
        Ok(Results {
            file: file.into(),
            head: heading(plan, counter)?,
        })
    }

    /// Writes what there is so far.
    pub fn write(&self, sheets: &[Sheet], judged: bool) -> Result<()> {
        let goals = match judged {
            true => verdict::table(sheets),
            false => "Not judged in this run.\n".into(),
        };
        let summary = report::summary(sheets);
        let families = self.families(sheets)?;
        let Results { head, file } = self;
        let text = format!("{head}\n### Goals\n\n{goals}\n### Summary\n\n{summary}\n{families}");
        let old = fs::read_to_string(file).unwrap_or_default();
        Ok(fs::write(file, replaced(&old, &text))?)
    }

    /// A section for each family: its picture and its figures.
    fn families(&self, sheets: &[Sheet]) -> Result<String> {
        let directory = self.file.parent().unwrap_or(Path::new("")).join(PLOTS);
        fs::create_dir_all(&directory)?;
        let mut text = String::new();
        for family in sheets.chunk_by(|one, next| one.workload.family == next.workload.family) {
            let name = family[0].workload.family;
            let _ = writeln!(text, "### Family: {name}\n");
            let members: Vec<&Sheet> = family.iter().collect();
            if let Some(picture) = plot::family(name, &members) {
                fs::write(directory.join(format!("{name}.svg")), picture)?;
                let _ = writeln!(text, "![{name}]({PLOTS}/{name}.svg)\n");
            }
            text.extend(family.iter().map(report::section));
        }
        Ok(text)
    }
}

/// `old` with what is between the marks replaced, or with marks and text at its end.
fn replaced(old: &str, text: &str) -> String {
    let (before, after) = match (old.split_once(BEGIN), old.split_once(END)) {
        (Some((before, _)), Some((_, after))) => (before, after),
        _ if old.is_empty() => ("", "\n"),
        _ => (old, "\n"),
    };
    format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", text.trim_end())
}

/// What a reader must know to judge the figures.
fn heading(plan: &Plan, counter: Option<Counter>) -> Result<String> {
    let processor = fs::read_to_string("/proc/cpuinfo")?;
    // Not what this process may use: that is the one core it is pinned to.
    let cores = processor
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let mut lines = vec![
        format!("Date: {}", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?),
        format!(
            "Commit: {}",
            said("git", &["describe", "--always", "--dirty"])?
        ),
        format!(
            "Machine: {} ({cores} cores), Linux {}; load average {load} when it began",
            model.map_or("unknown", |(_, name)| name),
            said("uname", &["-r"])?
        ),
    ];
    for &kind in &plan.kinds {
        if !matches!(kind, Kind::Floor | Kind::FloorUring | Kind::RedisThreads) {
            lines.push(format!("{}: {}", kind.name(), kind.version()?));
        }
    }
    let (rounds, form) = (plan.rounds, plan.form());
    lines.push(format!("Server on core 0 (one thread), load on core 1, unless a workload says otherwise; {form}, {rounds} rounds, servers taking turns"));
    let counted = counter.map_or("nobody", Counter::name);
    lines.push(format!(
        "Figures are medians (least to most); instructions counted by {counted}"
    ));
    let list: String = lines.iter().map(|line| format!("- {line}\n")).collect();
    Ok(format!(
        "## Every workload\n\nWritten by `benches/head-to-head/run`; `benches/README.md` says how to read it.\n\n{list}"
    ))
}

fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let first = replaced("Words.\n", "one");
        assert_eq!(first, format!("Words.\n{BEGIN}\n\none\n\n{END}\n"));
        let more = format!("{first}More words.\n");
        let second = replaced(&more, "two");
        assert_eq!(
            second,
            format!("Words.\n{BEGIN}\n\ntwo\n\n{END}\nMore words.\n")
        );
    }
}
