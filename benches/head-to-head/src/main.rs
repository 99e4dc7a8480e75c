//! Millstream against Redis and Valkey, one core each, on the same work in the same minute.
//!
//! For each workload the servers take turns, A B C A B C, each started afresh for its turn: what the
//! machine does meanwhile touches all of them alike. Medians of the rounds are compared.
//! `workload::all` lists the workloads; `kind` and `server` know the servers; `results` writes what was measured.

mod client;
mod drive;
mod instructions;
mod kind;
mod manner;
mod plan;
mod plot;
mod reply;
mod report;
mod results;
mod server;
mod sheet;
mod stage;
mod timed;
mod verdict;
mod workload;

use std::process::ExitCode;

use instructions::Counter;
use kind::Kind;
use plan::{Asked, Plan};
use results::Results;
use server::Server;
use sheet::Sheet;
use stage::{Figure, Stage};
use workload::Workload;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

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
    let plan = match Plan::parse(std::env::args().skip(1))? {
        Asked::Work(plan) => plan,
        Asked::Text(text) => {
            println!("{}", text.trim_end());
            return Ok(true);
        }
    };
    let workloads = plan.workloads()?;
    let counter = plan.counts().then(Counter::find).flatten();
    let out = plan
        .out
        .as_deref()
        .map(|file| Results::new(file, &plan, counter));
    let (out, judged) = (out.transpose()?, plan.judges());
    let mut sheets = Vec::new();
    for workload in &workloads {
        let sheet = measure(&plan, workload, counter);
        println!("{}", report::section(&sheet));
        sheets.push(sheet);
        if let Some(out) = &out {
            out.write(&sheets, judged)?;
        }
    }
    if judged {
        println!("{}", verdict::table(&sheets));
    }
    let missed =
        |sheet: &Sheet| judged && verdict::verdicts(sheet).iter().any(|verdict| !verdict.met);
    Ok(!sheets.iter().any(|sheet| sheet.failed() || missed(sheet)))
}

/// All rounds of one workload.
fn measure<'a>(plan: &Plan, workload: &'a Workload, counter: Option<Counter>) -> Sheet<'a> {
    let mut sheet = Sheet::new(workload);
    let kinds = plan.kinds_of(workload);
    let rounds = plan.rounds.min(workload.rounds);
    for round in 1..=rounds {
        for &kind in &kinds {
            if sheet.has_failed(kind) {
                continue;
            }
            eprintln!("{} {round} of {rounds}: {}", workload.name, kind.name());
            match once(plan, workload, kind) {
                Ok(figures) => sheet.add(kind, figures),
                Err(error) => sheet.fail(kind, &error.to_string()),
            }
        }
    }
    let Some(counter) = counter.filter(|_| plan.counts_of(workload)) else {
        return sheet;
    };
    for kind in kinds {
        if sheet.has_failed(kind) {
            continue;
        }
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
    let operations = plan.operations_of(workload);
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
