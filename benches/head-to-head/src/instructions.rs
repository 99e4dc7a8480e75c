//! User-space instructions per operation.
//!
//! Two runs that differ only in how many operations they do are counted, and the difference divided by
//! the difference: start, connections, prefill and stop cancel out. The processor's own counter is used
//! where there is one; many virtual machines hide it, and then callgrind counts.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::kind::Kind;
use crate::server::Server;
use crate::stage::{Figure, Stage, figure};
use crate::workload::Workload;

/// The smaller run does this part of the larger one's operations.
const SMALLER: usize = 4;

/// Who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// `perf stat -e instructions:u`.
    Perf,
    /// `valgrind --tool=callgrind`.
    Callgrind,
}

impl Counter {
    /// The best that works on this machine.
    pub fn find() -> Option<Counter> {
        let runs = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().ok()?;
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            output.status.success().then_some(text)
        };
        let perf = runs("perf", &["stat", "-x", ",", "-e", "instructions:u", "true"]);
        if perf.is_some_and(|text| perf_count(&text).is_some()) {
            return Some(Counter::Perf);
        }
        runs("valgrind", &["--version"]).map(|_| Counter::Callgrind)
    }

    /// What the results say of it.
    pub fn name(self) -> &'static str {
        match self {
            Counter::Perf => "perf stat -e instructions:u",
            Counter::Callgrind => "valgrind --tool=callgrind",
        }
    }

    /// Instructions per operation of a workload on a server.
    pub fn count(self, workload: &Workload, kind: Kind, port: u16) -> Result<Option<Figure>> {
        let Some(larger) = workload.counted else {
            return Ok(None);
        };
        let smaller = larger / SMALLER;
        let more = self.total(workload, kind, port, (larger, larger))?;
        let fewer = self.total(workload, kind, port, (smaller, larger))?;
        let value = more.saturating_sub(fewer) as f64 / (larger - smaller) as f64;
        Ok(Some(Figure {
            name: figure::INSTRUCTIONS,
            unit: "",
            value,
        }))
    }

    /// Instructions of one whole life of a server that does `operations` of a prefill.
    fn total(
        self,
        workload: &Workload,
        kind: Kind,
        port: u16,
        (operations, prefill): (usize, usize),
    ) -> Result<u64> {
        let file = std::env::temp_dir().join(format!("head-to-head-{port}.count"));
        let wrapper = match self {
            Counter::Perf => Vec::new(),
            Counter::Callgrind => {
                let out = format!("--callgrind-out-file={}", file.display());
                // Counting takes long and needs no priority over what else runs.
                let wrapper = ["chrt", "-o", "0", "valgrind", "--tool=callgrind", &out];
                wrapper.map(String::from).to_vec()
            }
        };
        let server = Server::start(kind, port, workload.manner(), &wrapper)?;
        let attached = (self == Counter::Perf)
            .then(|| attach(&server, &file))
            .transpose()?;
        (workload.run)(&Stage {
            server: &server,
            operations,
            prefill,
            real: !kind.is_floor(),
        })?;
        server.stop()?;
        if let Some(mut perf) = attached {
            perf.wait()?;
        }
        let text = fs::read_to_string(&file)?;
        fs::remove_file(&file)?;
        let count = match self {
            Counter::Perf => perf_count(&text),
            Counter::Callgrind => callgrind_count(&text),
        };
        Ok(count.ok_or("the counter wrote no count")?)
    }
}

/// Counts from now until the server is gone.
fn attach(server: &Server, file: &PathBuf) -> Result<Child> {
    let id = server.id().to_string();
    let perf = Command::new("perf")
        .args(["stat", "-x", ",", "-e", "instructions:u", "-p", &id, "-o"])
        .arg(file)
        .stderr(Stdio::null())
        .spawn()?;
    // It says nothing when it has begun; the prefill and the difference of two runs forgive a little.
    std::thread::sleep(std::time::Duration::from_millis(300));
    Ok(perf)
}

fn perf_count(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains("instructions"))?;
    line.split(',').next()?.parse().ok()
}

fn callgrind_count(text: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix("totals: "))?
        .trim()
        .parse()
        .ok()
}
