//! What is measured. [`all`] is the one list: a family of workloads is a file below this one, a workload an entry in it.

mod claim;
mod connections;
mod cores;
mod delivery;
mod frameworks;
mod group;
mod handover;
mod lists;
mod log;
mod memory;
mod mixed;
mod paced;
mod plain;
mod pubsub;
mod repeat;
mod snapshot;
mod stall;
mod start;
mod streams;
mod types;

use crate::Result;
use crate::reply::{Expect, request};
use crate::server::{Cores, Manner, Persistence};
use crate::stage::{Figure, Stage, figure, percentiles};
use repeat::Repeat;
use snapshot::Task;
use streams::xadd;

/// The value in every entry, element and string: 32 bytes.
pub const VALUE: &str = "0123456789abcdef0123456789abcdef";
const CONNECTIONS: usize = 50;
/// A stream id as the floor answers it.
const AN_ID: &str = "$15\r\n1700000000000-0\r\n";
const A_VALUE: &str = "$32\r\n0123456789abcdef0123456789abcdef\r\n";

/// A way of using a server, and what is expected of Millstream there.
pub struct Workload {
    /// The name that `--only` takes.
    pub name: String,
    /// One line for the reader of the results.
    pub about: String,
    /// What it is drawn together with.
    pub family: &'static str,
    /// Operations in a full run, about two seconds of Redis's time.
    pub operations: usize,
    /// What the floor answers, see [`Manner`]; nothing where constants cannot do.
    pub floor_replies: Vec<String>,
    /// Operations of the larger of two runs whose user-space instructions are compared.
    pub counted: Option<usize>,
    /// Whether a quick run does all operations too, because the figures depend on how many there are.
    pub whole: bool,
    /// Rounds that are enough: for figures that are the same every time, or that take long.
    pub rounds: usize,
    /// What the server keeps on disk.
    pub persistence: Persistence,
    /// Where the server runs.
    pub cores: Cores,
    /// The figure that is drawn, and in which Millstream must be no worse than the better of the others.
    pub primary: &'static str,
    /// What Millstream must reach beyond that.
    pub goals: Vec<Goal>,
    /// Prepares the server, does the work, checks that it was done.
    pub run: Run,
}

type Run = Box<dyn Fn(&Stage) -> Result<Vec<Figure>>>;

/// A figure that Millstream must reach. The better of the others is that of Redis and Valkey, in this very run.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// The named figure is at most this much of Redis's.
    ShareOfRedis(&'static str, f64),
    /// The named figure is at most this much of the better of the others.
    AtMostOfBetter(&'static str, f64),
    /// The named figure is at least this much of the better of the others.
    AtLeastOfBetter(&'static str, f64),
    /// The named figure is at most this.
    Limit(&'static str, f64),
    /// The named figure is at least this.
    AtLeast(&'static str, f64),
}

impl Workload {
    fn new(
        name: impl Into<String>,
        about: impl Into<String>,
        operations: usize,
        run: impl Fn(&Stage) -> Result<Vec<Figure>> + 'static,
    ) -> Workload {
        Workload {
            name: name.into(),
            about: about.into(),
            family: "",
            operations,
            floor_replies: Vec::new(),
            counted: None,
            whole: false,
            rounds: usize::MAX,
            persistence: Persistence::Off,
            cores: Cores::One,
            primary: figure::CPU,
            goals: Vec::new(),
            run: Box::new(run),
        }
    }

    fn floor(mut self, reply: impl Into<String>) -> Workload {
        self.floor_replies = vec![reply.into()];
        self
    }

    /// The floor has one subscriber, who is told `confirmation`, and then `message` for each request of others.
    fn floor_forwards(mut self, confirmation: &str, message: String) -> Workload {
        self.floor_replies.extend([confirmation.into(), message]);
        self
    }

    fn counted(mut self, operations: usize) -> Workload {
        self.counted = Some(operations);
        self
    }

    fn whole(mut self) -> Workload {
        self.whole = true;
        self
    }

    fn rounds(mut self, rounds: usize) -> Workload {
        self.rounds = rounds;
        self
    }

    fn persistence(mut self, persistence: Persistence) -> Workload {
        self.persistence = persistence;
        self
    }

    fn two_cores(mut self) -> Workload {
        self.cores = Cores::Two;
        self
    }

    fn primary(mut self, figure: &'static str) -> Workload {
        self.primary = figure;
        self
    }

    fn goal(mut self, goal: Goal) -> Workload {
        self.goals.push(goal);
        self
    }

    fn goals(self, goals: impl IntoIterator<Item = Goal>) -> Workload {
        goals.into_iter().fold(self, Workload::goal)
    }

    /// How its servers are started.
    pub fn manner(&self) -> Manner {
        Manner {
            floor_replies: self.floor_replies.clone(),
            persistence: self.persistence,
            cores: self.cores,
        }
    }

    /// Whether a goal is about user-space instructions.
    pub fn is_judged_by_instructions(&self) -> bool {
        self.goals
            .iter()
            .any(|goal| goal.figure() == figure::INSTRUCTIONS)
    }
}

impl Goal {
    /// The figure that it is about.
    pub fn figure(&self) -> &'static str {
        match *self {
            Goal::ShareOfRedis(name, _)
            | Goal::AtMostOfBetter(name, _)
            | Goal::AtLeastOfBetter(name, _)
            | Goal::Limit(name, _)
            | Goal::AtLeast(name, _) => name,
        }
    }
}

/// Every workload, in the order of the results.
pub fn all() -> Vec<Workload> {
    let families = [
        ("streams", streams::all()),
        (
            "groups",
            [group::all(), claim::all()].into_iter().flatten().collect(),
        ),
        ("lists", lists::all()),
        ("pubsub", pubsub::all()),
        ("handover", handover::all()),
        ("delivery", delivery::all()),
        ("persistence", persistence()),
        ("cores", cores::all()),
        ("stalls", stall::all()),
        ("memory", memory::all()),
        ("start", start::all()),
        (
            "plain",
            [plain::all(), mixed::all(), connections::all()]
                .into_iter()
                .flatten()
                .collect(),
        ),
        ("frameworks", frameworks::all()),
        ("types", types::all()),
    ];
    let named = |(family, workloads): (&'static str, Vec<Workload>)| {
        workloads
            .into_iter()
            .map(move |workload| Workload { family, ..workload })
    };
    families.into_iter().flat_map(named).collect()
}

/// What it costs to keep the data on disk.
fn persistence() -> Vec<Workload> {
    use Goal::{AtLeastOfBetter, AtMostOfBetter, Limit, ShareOfRedis};
    let snapshot = |name, about, task| {
        Workload::new(name, about, 10_000_000, move |stage| {
            snapshot::run(stage, task)
        })
        .rounds(3)
        .primary(snapshot::LONGEST)
        .goal(Limit(snapshot::SLOWED, 1.5))
        .goal(Limit(snapshot::LONGEST, 5.0))
        .goal(Limit(snapshot::GROWTH, 5.0))
    };
    vec![
        Workload::new(
            "always-p1",
            "XADD of one 32-byte field to one stream, appendfsync always",
            60_000,
            |stage| xadd(1, 1).play(stage),
        )
        .persistence(Persistence::Always)
        .primary(figure::RATE)
        .goal(AtLeastOfBetter(figure::RATE, 1.5))
        .goal(AtMostOfBetter(figure::P99, 1.0)),
        Workload::new(
            "everysec-p1",
            "XADD of one 32-byte field to one stream, appendfsync everysec, beside a server without a log",
            400_000,
            |stage| log::cost(stage, 1),
        )
        .persistence(Persistence::EverySecond)
        .counted(8_000)
        .goal(Limit(log::COST, 25.0)),
        Workload::new(
            "everysec-p32",
            "the same with 32 requests in flight per connection",
            5_120_000,
            |stage| log::cost(stage, 32),
        )
        .persistence(Persistence::EverySecond)
        .counted(32_000)
        .goal(AtMostOfBetter(figure::CPU, 0.4))
        .goal(Limit(log::COST, 25.0)),
        Workload::new(
            "log-bytes",
            "what XREADGROUP COUNT 100, and XACK of its ids, add to the log",
            20_000,
            log::bytes,
        )
        .persistence(Persistence::EverySecond)
        .whole()
        .rounds(1)
        .primary(log::READ_BYTES)
        .goal(ShareOfRedis(log::READ_BYTES, 0.2)),
        snapshot(
            "bgsave",
            "a steady light load while BGSAVE runs over 2 GB of streams (a quarter of it in quick runs)",
            Task::Save,
        ),
        snapshot(
            "rewrite",
            "a steady light load while BGREWRITEAOF runs over 2 GB of streams (a quarter of it in quick runs)",
            Task::Rewrite,
        )
        .persistence(Persistence::EverySecond),
    ]
}

fn command(name: &str, arguments: &[&str]) -> Vec<u8> {
    let words: Vec<&[u8]> = std::iter::once(name)
        .chain(arguments.iter().copied())
        .map(str::as_bytes)
        .collect();
    request(&words)
}

fn keyed(keys: usize, command: impl Fn(&str) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..keys)
        .map(|key| command(&format!("key:{key:06}")))
        .collect()
}
