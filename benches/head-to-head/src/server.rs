//! The servers under test: how they start, what they have cost so far, how they stop.
//!
//! Every server runs on core 0 with one thread, started afresh in an empty directory for each measurement, with persistence off,
//! unless its [`Manner`] says otherwise. The directories are beside this program, on a real disk: on one that is memory a sync costs nothing.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Result;
use crate::client::Client;
use crate::kind::Kind;
pub use crate::manner::{Cores, Manner, Persistence};

const START_LIMIT: Duration = Duration::from_secs(120);
/// The unit of `/proc`, fixed by the kernel's interface.
pub const TICKS_PER_SECOND: f64 = 100.0;
const STOP_LIMIT: Duration = Duration::from_secs(60);
const PORT_PAUSE: Duration = Duration::from_secs(1);
const LOOK_INTERVAL: Duration = Duration::from_millis(1);
/// Where all of them keep the log, unless told otherwise.
pub const LOG_DIRECTORY: &str = "appendonlydir";

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

    /// User and kernel time in seconds, coarse, but with that of threads that have ended.
    pub fn ticks_seconds(self) -> f64 {
        let [user, kernel] = self.ticks;
        (user + kernel) as f64 / TICKS_PER_SECOND
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
    /// What started it, and starts it again.
    command: Command,
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
        let log = fs::File::create(directory.join("log"))?;
        let mut command = Command::new("taskset");
        command
            .args(["-c", manner.cores.list()])
            .args(wrapper)
            .arg(kind.program()?)
            .args(kind.arguments(port, &manner))
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command.spawn()?;
        let mut server = Server {
            kind,
            port,
            command,
            child,
            directory,
        };
        server.await_answer()?;
        Ok(server)
    }

    /// Waits until it answers; starts it again while something else has its port, as a connection out of this machine may for a while.
    fn await_answer(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < START_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(self.directory.join("log"))?;
                if !log.contains("in use") {
                    let name = self.kind.name();
                    return Err(format!("{name} did not start ({status}):\n{log}").into());
                }
                std::thread::sleep(PORT_PAUSE);
                self.child = self.command.spawn()?;
            }
            // The floor gives the reply it gives to everything; who is still loading gives an error.
            let reply = Client::connect(self.port).and_then(|mut client| client.ask("PING"));
            if reply.is_ok_and(|reply| !reply.starts_with(b"-")) {
                return Ok(());
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        Err(format!("{} did not answer within {START_LIMIT:?}", self.kind.name()).into())
    }

    /// Stops it and starts it again on what it has kept: how long the start took.
    pub fn restart(&mut self) -> Result<Duration> {
        self.end()?;
        let began = Instant::now();
        self.child = self.command.spawn()?;
        self.await_answer()?;
        Ok(began.elapsed())
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
        let total = self.thread_times()?.into_values().sum();
        let stat = fs::read_to_string(self.proc().join("stat"))?;
        let after_name = stat.rsplit_once(')').ok_or("no ) in stat")?.1;
        let ticks: Vec<u64> = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .flat_map(str::parse)
            .collect();
        let ticks = ticks.try_into().map_err(|_| "stat is too short")?;
        Ok(CpuTime { total, ticks })
    }

    /// CPU time of each of its threads so far, by their ids.
    pub fn thread_times(&self) -> Result<HashMap<String, Duration>> {
        let mut times = HashMap::new();
        for task in fs::read_dir(self.proc().join("task"))? {
            let task = task?;
            // A thread that has ended meanwhile has no file.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            let ns = text.split(' ').next().unwrap_or_default().parse()?;
            let id = task.file_name().to_string_lossy().into_owned();
            times.insert(id, Duration::from_nanos(ns));
        }
        Ok(times)
    }

    /// What the thread that has done most has done since `before`.
    pub fn busiest_since(&self, before: &HashMap<String, Duration>) -> Result<Duration> {
        let since = |(id, time): (&String, &Duration)| {
            time.saturating_sub(before.get(id).copied().unwrap_or_default())
        };
        Ok(self
            .thread_times()?
            .iter()
            .map(since)
            .max()
            .unwrap_or_default())
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
        self.end()
    }

    fn end(&mut self) -> Result<()> {
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
