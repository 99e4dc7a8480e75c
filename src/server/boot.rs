//! From a configuration to running cores, and to an orderly end.

use super::core::{Core, WAKER};
use super::listener::{self, Listener};
use super::outside::Outside;
use super::supervisor::{self, State};
use crate::base::clock::Clock;
use crate::base::inbox::Inbox;
use crate::base::process;
use crate::command::shared::{Boot, Shared};
use crate::config::{Config, ConfigCell};
use crate::data::Value;
use mio::Poll;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use tracing::{error, info};

/// Values that may wait to be freed before the cores free them themselves.
const REAPER_QUEUE: usize = 1024;

/// Why the server did not start.
#[derive(Debug)]
pub struct StartFailure(String);

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartFailure {}

fn failure(what: &str) -> impl FnOnce(io::Error) -> StartFailure + '_ {
    move |error| StartFailure(format!("{what}: {error}"))
}

/// Serves until told to stop.
pub fn serve(mut config: Config) -> Result<(), StartFailure> {
    let outside = Outside::new().map_err(failure("cannot catch signals"))?;
    config.dir = prepare_directory(&config)?;
    raise_descriptor_limit(&config);
    let listeners = listener::open_all(&config).map_err(|refused| {
        StartFailure(format!(
            "cannot listen on {}: {}",
            refused.place, refused.error
        ))
    })?;
    if listeners.is_empty() {
        return Err(StartFailure(
            "nothing to listen on: port is 0 or bind is empty, and there is no unixsocket".into(),
        ));
    }
    let pidfile = write_pidfile(&config)?;
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
    let (reaper, discarded) = sync_channel(REAPER_QUEUE);
    start_reaper(discarded).map_err(failure("cannot start a thread"))?;
    let port = config.port;
    // Cores and their threads live as long as the process.
    let shared: &'static Shared = Box::leak(Box::new(share(config, inboxes, reaper)));
    outside
        .start(shared)
        .map_err(failure("cannot start a thread"))?;
    let threads = start_cores(shared, polls, listeners, &cpus)?;
    // The first reading is what the start took.
    process::memory(shared.boot.started_ms / 1000);
    info!("ready on port {port} with {cores} cores");
    let supervised = shared.config.load().supervised;
    supervisor::tell(supervised, State::Ready);
    for thread in threads {
        if let Ok(Err(error)) = thread.join() {
            error!("a core failed: {error}");
        }
    }
    for file in [
        pidfile,
        Some(unixsocket.into()).filter(|path: &PathBuf| !path.as_os_str().is_empty()),
    ]
    .into_iter()
    .flatten()
    {
        let _ = std::fs::remove_file(file);
    }
    supervisor::tell(supervised, State::Stopping);
    info!("stopped");
    Ok(())
}

fn share(
    config: Config,
    inboxes: Vec<Inbox<crate::command::mail::Mail>>,
    reaper: std::sync::mpsc::SyncSender<Value>,
) -> Shared {
    let cores = inboxes.len();
    let clock = Clock::System;
    let now = clock.now();
    let boot = Boot {
        run_id: random_hex(),
        started_ms: now.unix_ms,
        cores,
        port: config.port,
        executable: std::env::current_exe()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
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

/// Frees large values away from the cores.
fn start_reaper(discarded: Receiver<Value>) -> io::Result<()> {
    std::thread::Builder::new()
        .name("reaper".into())
        .spawn(move || discarded.into_iter().for_each(drop))?;
    Ok(())
}

/// Creates the data directory and returns its absolute path.
fn prepare_directory(config: &Config) -> Result<String, StartFailure> {
    let what = format!("cannot use the directory {}", config.dir);
    std::fs::create_dir_all(&config.dir).map_err(failure(&what))?;
    let path = std::fs::canonicalize(&config.dir).map_err(failure(&what))?;
    Ok(path.display().to_string())
}

fn write_pidfile(config: &Config) -> Result<Option<PathBuf>, StartFailure> {
    if config.pidfile.is_empty() {
        return Ok(None);
    }
    let what = format!("cannot write the pidfile {}", config.pidfile);
    std::fs::write(&config.pidfile, format!("{}\n", std::process::id())).map_err(failure(&what))?;
    Ok(Some(config.pidfile.clone().into()))
}

/// A limit of descriptors below what clients may need is no reason not to start.
fn raise_descriptor_limit(config: &Config) {
    let possible = process::allow_clients(config.maxclients);
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
