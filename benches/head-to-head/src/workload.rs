//! What is measured. [`all`] is the one list: a new workload is one more entry in it.

mod group;
mod handover;
mod log;
mod memory;
mod paced;
mod pubsub;
mod repeat;
mod snapshot;
mod stall;
mod types;

use crate::Result;
use crate::reply::{Expect, request};
use crate::server::{Manner, Persistence};
use crate::stage::{Figure, Stage, figure, percentiles};
use repeat::Repeat;
use snapshot::Task;

/// The value in every entry, element and string: 32 bytes.
pub const VALUE: &str = "0123456789abcdef0123456789abcdef";
const CONNECTIONS: usize = 50;
/// A stream id as the floor answers it.
const AN_ID: &str = "$15\r\n1700000000000-0\r\n";
const A_VALUE: &str = "$32\r\n0123456789abcdef0123456789abcdef\r\n";

/// A way of using a server, and what is expected of Millstream there.
pub struct Workload {
    /// The name that `--only` takes.
    pub name: &'static str,
    /// One line for the reader of the results.
    pub about: &'static str,
    /// Operations in a full run, about two seconds of Redis's time.
    pub operations: usize,
    /// What the floor answers; none where a constant cannot do.
    pub floor_reply: Option<&'static str>,
    /// Operations of the larger of two runs whose user-space instructions are compared.
    pub counted: Option<usize>,
    /// Whether a quick run does all operations too, because the figures depend on how many there are.
    pub whole: bool,
    /// Rounds that are enough: for figures that are the same every time, or that take long.
    pub rounds: usize,
    /// What the server keeps on disk.
    pub persistence: Persistence,
    /// What Millstream must reach.
    pub goals: Vec<Goal>,
    /// Prepares the server, does the work, checks that it was done.
    pub run: Run,
}

type Run = Box<dyn Fn(&Stage) -> Result<Vec<Figure>>>;

/// A figure that Millstream must reach.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// The named figure is at most this much of Redis's.
    ShareOfRedis(&'static str, f64),
    /// The named figure is at least this much of Redis's.
    MultipleOfRedis(&'static str, f64),
    /// The named figure is at most this.
    Limit(&'static str, f64),
}

impl Workload {
    fn new(
        name: &'static str,
        about: &'static str,
        operations: usize,
        run: impl Fn(&Stage) -> Result<Vec<Figure>> + 'static,
    ) -> Workload {
        Workload {
            name,
            about,
            operations,
            floor_reply: None,
            counted: None,
            whole: false,
            rounds: usize::MAX,
            persistence: Persistence::Off,
            goals: Vec::new(),
            run: Box::new(run),
        }
    }

    fn floor(self, reply: &'static str) -> Workload {
        Workload {
            floor_reply: Some(reply),
            ..self
        }
    }

    fn counted(self, operations: usize) -> Workload {
        Workload {
            counted: Some(operations),
            ..self
        }
    }

    fn whole(self) -> Workload {
        Workload {
            whole: true,
            ..self
        }
    }

    fn rounds(self, rounds: usize) -> Workload {
        Workload { rounds, ..self }
    }

    fn persistence(self, persistence: Persistence) -> Workload {
        Workload {
            persistence,
            ..self
        }
    }

    /// How its servers are started.
    pub fn manner(&self) -> Manner {
        Manner {
            floor_reply: self.floor_reply.unwrap_or_default(),
            persistence: self.persistence,
        }
    }

    fn goal(mut self, goal: Goal) -> Workload {
        self.goals.push(goal);
        self
    }
}

/// Every workload, in the order of the results.
pub fn all() -> Vec<Workload> {
    use Goal::{Limit, MultipleOfRedis, ShareOfRedis};
    let mut all = vec![
        Workload::new(
            "xadd-p1",
            "XADD of one 32-byte field to one stream",
            150_000,
            |stage| xadd(1, 1).play(stage),
        )
        .floor(AN_ID)
        .counted(8_000)
        .goal(ShareOfRedis(figure::CPU, 0.9)),
        Workload::new(
            "xadd-p32",
            "XADD of one 32-byte field to one stream, 32 requests in flight per connection",
            640_000,
            |stage| xadd(1, 32).play(stage),
        )
        .floor(AN_ID)
        .counted(32_000)
        .goal(ShareOfRedis(figure::CPU, 0.5))
        .goal(ShareOfRedis(figure::INSTRUCTIONS, 0.2)),
        Workload::new(
            "xadd-1000-p32",
            "XADD to 1,000 streams in turn, 32 requests in flight per connection",
            640_000,
            |stage| xadd(1_000, 32).play(stage),
        )
        .floor(AN_ID)
        .counted(32_000),
        Workload::new(
            "xadd-paced",
            "XADD at a fixed 20,000 a second, from when each was due",
            60_000,
            |stage| {
                paced::run(
                    stage,
                    &command("XADD", &["s", "*", "f", VALUE]),
                    &Expect::StreamId,
                )
            },
        )
        .floor(AN_ID),
        Workload::new(
            "group-10",
            "XREADGROUP COUNT 10, then XACK of its ids with the next read",
            400_000,
            |stage| group::run(stage, 10),
        )
        .counted(20_000),
        Workload::new(
            "group-100",
            "XREADGROUP COUNT 100, then XACK of its ids with the next read",
            1_000_000,
            |stage| group::run(stage, 100),
        )
        .counted(40_000)
        .goal(MultipleOfRedis(figure::RATE, 1.5)),
        Workload::new(
            "lpush-p32",
            "LPUSH of 32 bytes to one list",
            1_200_000,
            |stage| {
                Repeat::of(32, vec![command("LPUSH", &["l", VALUE])], Expect::Count)
                    .leaves("LLEN l", |stage| stage.operations)
                    .play(stage)
            },
        )
        .floor(":1\r\n")
        .counted(32_000),
        Workload::new(
            "rpop-p32",
            "RPOP of 32 bytes from one list",
            1_200_000,
            |stage| {
                Repeat::of(
                    32,
                    vec![command("RPOP", &["l"])],
                    Expect::Exactly(A_VALUE.into()),
                )
                .prefilled(command("LPUSH", &["l", VALUE]))
                .leaves("LLEN l", |stage| stage.prefill - stage.operations)
                .play(stage)
            },
        )
        .floor(A_VALUE)
        .counted(32_000),
        Workload::new(
            "handover-list",
            "LPUSH to a list on which another connection blocks in BRPOP",
            40_000,
            handover::list,
        ),
        Workload::new(
            "handover-group",
            "XADD to a stream whose group's consumer blocks in XREADGROUP on another connection",
            40_000,
            handover::group,
        ),
        Workload::new(
            "publish-1-p32",
            "PUBLISH of 32 bytes to one subscriber",
            800_000,
            |stage| pubsub::run(stage, 1),
        )
        .counted(32_000),
        Workload::new(
            "publish-100-p32",
            "PUBLISH of 32 bytes to 100 subscribers",
            32_000,
            |stage| pubsub::run(stage, 100),
        )
        .counted(3_200),
        Workload::new(
            "set-p32",
            "SET of 32 bytes over 1,000 keys in turn",
            1_200_000,
            |stage| {
                let commands = keyed(1_000, |key| command("SET", &[key, VALUE]));
                Repeat::of(32, commands, Expect::Exactly(b"+OK\r\n".into()))
                    .leaves("DBSIZE", |stage| stage.operations.min(1_000))
                    .play(stage)
            },
        )
        .floor("+OK\r\n")
        .counted(32_000),
        Workload::new(
            "get-p32",
            "GET of 32 bytes over 1,000 keys in turn",
            1_200_000,
            |stage| {
                let commands = keyed(1_000, |key| command("GET", &[key]));
                Repeat::of(32, commands, Expect::Exactly(A_VALUE.into()))
                    .after(keyed(1_000, |key| command("SET", &[key, VALUE])))
                    .play(stage)
            },
        )
        .floor(A_VALUE)
        .counted(32_000),
        Workload::new("ping-p1", "PING", 200_000, |stage| ping(1).play(stage))
            .floor("+PONG\r\n")
            .counted(8_000),
        Workload::new(
            "ping-p32",
            "PING, 32 in flight per connection",
            2_000_000,
            |stage| ping(32).play(stage),
        )
        .floor("+PONG\r\n")
        .counted(32_000),
        Workload::new(
            "memory",
            "what 2 million entries of one 32-byte field cost",
            2_000_000,
            memory::run,
        )
        .whole()
        .rounds(1)
        .goal(Limit(memory::USED, 38.0)),
        Workload::new(
            "xrange-stall",
            "XRANGE - + over 300,000 entries beside a client at 1,000 PING and XADD a second",
            300_000,
            stall::run,
        )
        .whole()
        .goal(Limit(stall::LONGEST, 5.0)),
    ];
    all.extend(types::all());
    all.extend(persistence());
    all
}

/// What it costs to keep the data on disk.
fn persistence() -> Vec<Workload> {
    use Goal::{Limit, MultipleOfRedis, ShareOfRedis};
    let snapshot = |name, about, task| {
        Workload::new(name, about, 10_000_000, move |stage| {
            snapshot::run(stage, task)
        })
        .rounds(3)
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
        .goal(MultipleOfRedis(figure::RATE, 1.5))
        .goal(ShareOfRedis(figure::P99, 1.0)),
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

fn xadd(streams: usize, pipeline: usize) -> Repeat {
    let add = |key: &str| command("XADD", &[key, "*", "f", VALUE]);
    if streams == 1 {
        let repeat = Repeat::of(pipeline, vec![add("s")], Expect::StreamId);
        return repeat.leaves("XLEN s", |stage| stage.operations);
    }
    Repeat::of(pipeline, keyed(streams, add), Expect::StreamId)
        .leaves("DBSIZE", |stage| stage.operations.min(1_000))
}

fn ping(pipeline: usize) -> Repeat {
    Repeat::of(
        pipeline,
        vec![command("PING", &[])],
        Expect::Exactly(b"+PONG\r\n".into()),
    )
}
