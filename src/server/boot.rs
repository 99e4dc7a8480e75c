//! From a configuration to running cores, and to an orderly end.

use super::core::{Core, HANDSHAKES, WAKER};
use super::daemon::Starter;
use super::listener::{self, Listener};
use super::loading::{Loading, Recovered};
use super::outside::Outside;
use super::persistence::LogWriter;
use super::supervisor::{self, Manager, State};
use crate::base::clock::Clock;
use crate::base::disk::{Disk, RealDisk};
use crate::base::inbox::Inbox;
use crate::base::{gauge, process};
use crate::command::reaper::Reaper;
use crate::command::registry;
use crate::command::server::save;
use crate::command::shared::{Boot, Shared, gate};
use crate::config::{Config, ConfigCell};
use crate::tls::Acceptor;
use mio::Poll;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::{error, info};

/// The stack of a core's thread: what scripts nest in tables takes its share (see `script`).
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// The core in whose name the log is replayed.
const REPLAYING_CORE: usize = 0;

/// Why the server did not start.
#[derive(Debug)]
pub struct StartFailure(String);

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartFailure {}

impl StartFailure {
    /// This stands in the way.
    pub fn because(why: &dyn fmt::Display) -> Self {
        StartFailure(why.to_string())
    }

    /// What could not be done, and why.
    pub fn new(what: &str, why: &dyn fmt::Display) -> Self {
        StartFailure(format!("{what}: {why}"))
    }
}

fn failure(what: &str) -> impl FnOnce(io::Error) -> StartFailure + '_ {
    move |error| StartFailure(format!("{what}: {error}"))
}

/// Serves until told to stop. A process in the background lets go of its starter once it serves.
pub fn serve(config: Config, starter: Option<Starter>) -> Result<(), StartFailure> {
    registry::rename(&config.renames).map_err(|why| StartFailure::because(&why))?;
    let outside = Outside::new().map_err(failure("cannot catch signals"))?;
    let clock = Clock::system();
    let acceptor = match config.tls_port {
        0 => None,
        _ => Some(Acceptor::load(&config, &clock).map_err(|why| StartFailure::because(&why))?),
    };
    raise_descriptor_limit(&config);
    let listeners = listener::open_all(&config).map_err(|refused| {
        let hint = match refused.error.kind() {
            io::ErrorKind::AddrInUse => {
                ": another server listens there; '--port' names another port"
            }
            _ => "",
        };
        StartFailure(format!(
            "cannot listen on {}: {}{hint}",
            refused.place, refused.error
        ))
    })?;
    if listeners.is_empty() {
        return Err(StartFailure(
            "nothing to listen on: port and tls-port are 0 or bind is empty, and there is no unixsocket".into(),
        ));
    }
    let _lock = lock_directory(&config.dir)?;
    let manager = Manager::find(config.supervised);
    supervisor::warn_of_wishes(config.supervised, config.daemonize, manager.as_ref());
    let _pidfile = Pidfile::write(&config.pidfile);
    let unixsocket = config.unixsocket.clone();
    let cpus = core_affinity::get_core_ids().unwrap_or_default();
    let cores = match config.threads {
        0 => cpus.len().max(1),
        threads => threads as usize,
    };
    let mut polls = Vec::new();
    let mut inboxes = Vec::new();
    for _ in 0..cores {
        let poll = Poll::new().map_err(failure("cannot poll"))?;
        inboxes.push(Inbox::new(poll.registry(), WAKER).map_err(failure("cannot poll"))?);
        polls.push(poll);
    }
    let reaper = Reaper::start().map_err(failure("cannot start a thread"))?;
    let ports = listener::describe_ports(&config);
    // Cores and their threads live as long as the process.
    let shared: &'static Shared = Box::leak(Box::new(share(
        config,
        clock,
        inboxes,
        reaper,
        manager.as_ref(),
    )));
    let users = shared.users.configure(&shared.config.load());
    users.map_err(|why| StartFailure::because(&why))?;
    shared.set_gate(gate::RENAMED, registry::has_renamed());
    shared.tls.store(acceptor.map(Arc::new));
    outside
        .start(shared)
        .map_err(failure("cannot start a thread"))?;
    start_snapshots(shared).map_err(failure("cannot start a thread"))?;
    // The first reading is what the start took.
    process::memory(shared.boot.started_ms / 1000);
    let mut loading = Loading::start(shared).map_err(failure("cannot start a thread"))?;
    let finish = |loading: Loading| {
        let recovered = loading.finish()?;
        recovered.map(|found| open(shared, found)).transpose()
    };
    // A load that was short leaves nobody who is refused for it.
    let (opened, threads) = match loading.ends_soon() {
        true => {
            let opened = finish(loading);
            let threads = match &opened {
                Ok(_) => start_cores(shared, polls, listeners, &cpus)?,
                Err(_) => Vec::new(),
            };
            (opened, threads)
        }
        false => {
            if let Some(manager) = &manager {
                manager.tell(State::Loading);
            }
            let threads = start_cores(shared, polls, listeners, &cpus)?;
            (finish(loading), threads)
        }
    };
    match &opened {
        Ok(Some(_)) => {
            info!("ready on {ports} with {cores} cores");
            if let Some(manager) = &manager {
                manager.tell(State::Ready);
            }
            if let Some(starter) = starter {
                starter
                    .release()
                    .map_err(failure("cannot let go of the terminal"))?;
            }
        }
        Ok(None) => {}
        Err(_) => shared.stop(),
    }
    for thread in threads {
        if let Ok(Err(error)) = thread.join() {
            error!("a core failed: {error}");
        }
    }
    if !unixsocket.is_empty() {
        let _ = std::fs::remove_file(unixsocket);
    }
    if let Some(manager) = &manager {
        manager.tell(State::Stopping);
    }
    opened.and_then(|log_writer| log_writer.map_or(Ok(()), LogWriter::finish))?;
    info!("stopped");
    Ok(())
}

/// The data is there: the log goes on, and commands are taken.
fn open(shared: &'static Shared, recovered: Recovered) -> Result<LogWriter, StartFailure> {
    let log_writer = LogWriter::start(shared, recovered.manifest)?;
    gauge::begin_anew();
    process::note_peak(shared.clock.now().unix_ms / 1000);
    // What was replayed was not asked for by any client.
    shared.stats[REPLAYING_CORE].reset();
    {
        let mut status = shared.storage.snapshots.status.lock();
        status.saved_changes = shared.changes();
        status.rewrite_scheduled = recovered.wants_rewrite;
    }
    shared.set_gate(gate::LOADING, false);
    shared.nudge_all();
    Ok(log_writer)
}

fn share(
    config: Config,
    clock: Clock,
    inboxes: Vec<Inbox<crate::command::mail::Mail>>,
    reaper: Reaper,
    manager: Option<&Manager>,
) -> Shared {
    let cores = inboxes.len();
    let now = clock.now();
    let boot = Boot {
        run_id: random_hex(),
        started_ms: now.unix_ms,
        cores,
        port: config.port,
        tls_port: config.tls_port,
        executable: std::env::current_exe()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        supervised: manager.map_or("no", Manager::name),
    };
    Shared::new(
        (config.databases as usize, cores),
        clock,
        ConfigCell::new(config),
        inboxes.into(),
        reaper,
        boot,
    )
}

/// What commands need to run where nobody serves: on data that is only looked at.
pub fn share_without_cores(config: Config) -> Result<Shared, StartFailure> {
    let poll = Poll::new().map_err(failure("cannot poll"))?;
    let inbox = Inbox::new(poll.registry(), WAKER).map_err(failure("cannot poll"))?;
    let reaper = Reaper::start().map_err(failure("cannot start a thread"))?;
    Ok(share(config, Clock::system(), vec![inbox], reaper, None))
}

fn start_cores(
    shared: &'static Shared,
    polls: Vec<Poll>,
    listeners: Vec<Listener>,
    cpus: &[core_affinity::CoreId],
) -> Result<Vec<std::thread::JoinHandle<io::Result<()>>>, StartFailure> {
    let mut listeners = Some(listeners);
    let mut threads = Vec::new();
    for (index, poll) in polls.into_iter().enumerate() {
        let core = Core::new(shared, index, poll, listeners.take().unwrap_or_default())
            .map_err(failure("cannot poll"))?;
        let cpu = (!cpus.is_empty()).then(|| cpus[index % cpus.len()]);
        let thread = std::thread::Builder::new()
            .name(format!("core-{index}"))
            .stack_size(STACK_BYTES)
            .spawn(move || {
                if let Some(cpu) = cpu {
                    core_affinity::set_for_current(cpu);
                }
                let ended = core.run();
                if ended.is_err() {
                    // The connections of a core cannot be served by another.
                    shared.stop();
                }
                ended
            })
            .map_err(failure("cannot start a thread"))?;
        threads.push(thread);
    }
    Ok(threads)
}

/// Writes snapshots as they are ordered.
fn start_snapshots(shared: &'static Shared) -> io::Result<()> {
    std::thread::Builder::new()
        .name("snapshot".into())
        .spawn(move || {
            let (snapshots, disk) = (&shared.storage.snapshots, &*shared.storage.disk);
            snapshots.run(&shared.keyspace, disk, |job, outcome| {
                save::finished(shared, &job, outcome);
            });
        })?;
    Ok(())
}

/// Makes the data directory if it is missing, and its path absolute. Where it was given, other relative paths begin there.
pub fn enter_directory(config: &mut Config) -> Result<(), StartFailure> {
    let what = format!("cannot use the directory {}", config.dir);
    RealDisk
        .create_dir(Path::new(&config.dir))
        .map_err(failure(&what))?;
    let path = std::fs::canonicalize(&config.dir).map_err(failure(&what))?;
    if config.dir_is_given {
        config.include_dir = std::env::current_dir().unwrap_or_default();
        std::env::set_current_dir(&path).map_err(failure(&what))?;
    }
    config.dir = path.display().to_string();
    Ok(())
}

/// Keeps other servers out of the data directory for as long as what it returns lives; leaves nothing behind.
fn lock_directory(path: &str) -> Result<File, StartFailure> {
    let what = format!("cannot use the directory {path}");
    let dir = File::open(path).map_err(failure(&what))?;
    match flock(&dir, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            return Err(StartFailure::new(&what, &"another server is using it"));
        }
        // Not every file system locks directories.
        Err(error) => tracing::warn!("cannot lock the directory {path}: {error}"),
    }
    Ok(dir)
}

/// The file that holds the process id for as long as this value lives.
struct Pidfile(PathBuf);

impl Pidfile {
    /// Writes the file, if there is to be one. A server without its pidfile serves all the same.
    fn write(path: &str) -> Option<Self> {
        if path.is_empty() {
            return None;
        }
        match std::fs::write(path, format!("{}\n", std::process::id())) {
            Ok(()) => Some(Self(path.into())),
            Err(error) => {
                tracing::warn!("cannot write the pidfile {path}: {error}");
                None
            }
        }
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A limit of descriptors below what clients may need is no reason not to start.
fn raise_descriptor_limit(config: &Config) {
    let handshakes = match config.tls_port {
        0 => 0,
        _ => HANDSHAKES as u32,
    };
    let possible = process::allow_clients(config.maxclients.saturating_add(handshakes));
    if possible < config.maxclients {
        tracing::warn!(
            "maxclients is {}, but the limit of open files allows only {possible}",
            config.maxclients
        );
    }
}

/// Forty hexadecimal digits that are different in every run.
fn random_hex() -> String {
    let word = || ahash::RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}{:08x}", word(), word(), word() as u32)
}
