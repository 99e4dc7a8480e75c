//! How a server is started: what it keeps on disk and where it runs. Any server understands it.

/// The core that the servers run on; `run` pins the load to core 1.
pub const SERVER_CORE: &str = "0";
const OTHER_CORE: &str = "1";
const BOTH_CORES: &str = "0,1";

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// What the floor answers; and where it also forwards, what who subscribes is told, and what each request of others sends there.
    pub floor_replies: Vec<String>,
    /// What is kept on disk.
    pub persistence: Persistence,
    /// Where it may run.
    pub cores: Cores,
}

/// The cores that a server may use, with as many threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cores {
    /// Core 0; the load has core 1.
    #[default]
    One,
    /// Core 1, beside a server on core 0.
    Other,
    /// Both, which the load shares.
    Two,
}

impl Cores {
    /// As `taskset` takes it.
    pub fn list(self) -> &'static str {
        match self {
            Cores::One => SERVER_CORE,
            Cores::Other => OTHER_CORE,
            Cores::Two => BOTH_CORES,
        }
    }

    /// How many.
    pub fn count(self) -> &'static str {
        match self {
            Cores::One | Cores::Other => "1",
            Cores::Two => "2",
        }
    }
}

/// What a server keeps on disk. It snapshots and rewrites only when told to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing.
    #[default]
    Off,
    /// A log, synced before a reply tells of an effect.
    Always,
    /// A log, synced once a second.
    EverySecond,
}

impl Persistence {
    /// As arguments of any server.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Persistence::Off => &["--appendonly", "no"],
            Persistence::Always => &["--appendonly", "yes", "--appendfsync", "always"],
            Persistence::EverySecond => &["--appendonly", "yes", "--appendfsync", "everysec"],
        }
    }
}
