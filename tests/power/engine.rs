//! A server without sockets on a disk in memory: commands, log, snapshots and recovery are the real ones, each on its thread.

use millstream::base::clock::Clock;
use millstream::base::disk::Disk;
use millstream::base::inbox::Inbox;
use millstream::base::simdisk::SimDisk;
use millstream::command::clients::ClientRecord;
use millstream::command::dispatch::{self, Env};
use millstream::command::keys::Changes;
use millstream::command::meter::Meter;
use millstream::command::peer::Peer;
use millstream::command::reaper::Reaper;
use millstream::command::replay::Replayer;
use millstream::command::server::save;
use millstream::command::shared::{Boot, gate};
use millstream::command::{Local, Session, Shared};
use millstream::config::{AppendFsync, Config, ConfigCell, DebugAccess};
use millstream::data::list::Limit;
use millstream::keyspace::Locked;
use millstream::resp::{OwnedRequest, Reply};
use millstream::storage::aof::{BaseFormat, Files, Manifest, Place, Tools, Writer, writer};
use millstream::storage::rdb::Limits;
use millstream::storage::recovery::{Loader, Manner, Places, settle};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// From one sync to the next, and from one attempt to heal to the next.
pub const SECOND: Duration = Duration::from_millis(2);
/// How far a file is filled ahead: the end is reached every few steps.
const FILL_BYTES: u64 = 1500;
/// How long the writer may take for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);
const DIR: &str = "/data";
const NOW_US: i64 = 1_700_000_000_000_000;

/// See the module's description.
pub struct Engine {
    shared: &'static Shared,
    local: Local,
    session: Session,
    writer: Option<JoinHandle<io::Result<()>>>,
    clock_us: Arc<AtomicI64>,
    logged_to: u64,
}

impl Engine {
    /// Starts on what is on the disk, as the server starts.
    pub fn start(disk: &SimDisk, appendfsync: AppendFsync) -> Result<Engine, String> {
        let clock_us = Arc::new(AtomicI64::new(NOW_US));
        let shared = share(disk, appendfsync, Clock::Manual(clock_us.clone()));
        let manifest = {
            let places = places();
            let loader = Loader {
                disk,
                places: &places,
                with_log: true,
                keyspace: &shared.keyspace,
                manner: Manner {
                    now_ms: NOW_US / 1000,
                    drops_expired: false,
                    skips_unknown: false,
                    threads: 1,
                    limits: Limits {
                        list: Limit::from_directive(-2),
                        ..Limits::default()
                    },
                },
                progress: &shared.storage.loading,
            };
            let loaded = loader
                .load(&mut Replayer::new(shared))
                .map_err(|failure| format!("{failure:?}"))?;
            settle(&loaded, &places, disk, true).map_err(|failure| failure.to_string())?
        };
        let writer = start_writer(disk, shared, manifest).map_err(|error| error.to_string())?;
        start_snapshots(shared);
        Ok(Engine {
            shared,
            local: Local::new(0, shared.config.load()),
            session: Session::new(
                ClientRecord::new((1, -1, Peer::none()), (0, 0), Default::default(), 0),
                0,
            ),
            writer: Some(writer),
            clock_us,
            logged_to: 0,
        })
    }

    /// Executes a command, given as words separated by blanks; the reply's bytes.
    pub fn call(&mut self, words: &str) -> String {
        self.clock_us.fetch_add(1000, Ordering::Relaxed);
        let request = OwnedRequest::from_args(words.split(' ').map(str::as_bytes));
        let mut locked = Locked::new(&self.shared.keyspace);
        let (mut reply, mut changes) = (Reply::default(), Changes::default());
        let start = reply.mark();
        let mut env = Env {
            shared: self.shared,
            local: &mut self.local,
            locked: &mut locked,
            changes: &mut changes,
            now: self.shared.clock.now(),
            meter: Meter::start(&self.shared.stats[0], &self.shared.config.load()),
        };
        dispatch::execute(
            &mut env,
            &mut self.session,
            request.as_request(),
            &mut reply,
        );
        drop(env);
        locked.release();
        self.logged_to = self.logged_to.max(locked.logged_to());
        let text = String::from_utf8_lossy(reply.since(start)).into_owned();
        let (log, aof) = (self.shared.keyspace.log(), &self.shared.storage.aof);
        if aof.awaits_cores(log) {
            aof.write_through(log);
        }
        log.call();
        text
    }

    /// The offset after the last effect of the commands so far.
    pub fn logged_to(&self) -> u64 {
        self.logged_to
    }

    /// One number for the whole state.
    pub fn digest(&mut self) -> String {
        let digest = self.call("DEBUG DIGEST");
        assert!(digest.starts_with('+'), "{digest}");
        digest
    }

    /// The offset up to which effects count as durable: what may have been acknowledged.
    pub fn durable(&self) -> u64 {
        self.shared.keyspace.log().durable()
    }

    /// Waits until all effects so far count as durable; false if the disk has failed instead.
    pub fn await_durable(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.durable() < self.logged_to {
            if self.has_failed() {
                return false;
            }
            assert!(Instant::now() < deadline, "the log's writer hangs");
            std::thread::yield_now();
        }
        true
    }

    /// Waits until all effects so far are with the kernel at least.
    pub fn await_written(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.shared.keyspace.log().answerable() < self.logged_to {
            assert!(Instant::now() < deadline, "the log's writer hangs");
            std::thread::yield_now();
        }
    }

    /// Lets a second pass, and the server look what is to be done.
    pub fn tick(&mut self) {
        self.clock_us.fetch_add(1_000_000, Ordering::Relaxed);
        let (config, now) = (self.shared.config.load(), self.shared.clock.now());
        save::tick(self.shared, &config, now);
    }

    /// True while the disk is known to have failed.
    pub fn has_failed(&self) -> bool {
        self.shared.storage.aof.failure().is_some() || self.shared.gate(gate::LOG_FAILED)
    }

    /// Waits until the disk is known to have healed.
    pub fn await_healed(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.has_failed() {
            assert!(Instant::now() < deadline, "the log does not heal");
            std::thread::sleep(SECOND / 4);
        }
    }

    /// Waits until no snapshot and no rewrite is under way.
    pub fn await_snapshots(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self
            .shared
            .storage
            .snapshots
            .status
            .lock()
            .current
            .is_some()
        {
            assert!(Instant::now() < deadline, "a snapshot does not end");
            std::thread::sleep(SECOND / 4);
        }
    }

    /// Ends in order; the writer's last word.
    pub fn stop(&mut self) -> io::Result<()> {
        self.shared.storage.aof.stop(self.shared.keyspace.log());
        let writer = self.writer.take().expect("it stops once");
        writer.join().expect("the writer does not panic")
    }
}

fn places() -> Places {
    Places {
        log: place(),
        dbfilename: "dump.rdb".into(),
    }
}

fn place() -> Place {
    let config = Config::default();
    Place {
        dir: DIR.into(),
        folder: config.appenddirname,
        name: config.appendfilename,
    }
}

/// What cores share lives as long as the process, here as there.
fn share(disk: &SimDisk, appendfsync: AppendFsync, clock: Clock) -> &'static Shared {
    let poll = mio::Poll::new().expect("there are descriptors");
    let inbox = Inbox::new(poll.registry(), mio::Token(0)).expect("there are descriptors");
    let boot = Boot {
        run_id: String::new(),
        started_ms: NOW_US / 1000,
        cores: 1,
        port: 0,
        tls_port: 0,
        executable: String::new(),
        supervised: "no",
    };
    let mut config = Config::default();
    config.enable_debug_command = DebugAccess::Yes;
    config.dir = DIR.into();
    config.appendonly = true;
    config.appendfsync = appendfsync;
    // A snapshot that fails is no matter of the log's.
    config.stop_writes_on_bgsave_error = false;
    let mut shared = Shared::new(
        (4, 1),
        clock,
        ConfigCell::new(config),
        [inbox].into(),
        Reaper::start().expect("there is room for a thread"),
        boot,
    );
    shared.storage.disk = Arc::new(disk.clone());
    Box::leak(Box::new(shared))
}

fn start_writer(
    disk: &SimDisk,
    shared: &'static Shared,
    manifest: Option<Manifest>,
) -> io::Result<JoinHandle<io::Result<()>>> {
    let (disk, log) = (
        Arc::new(disk.clone()) as Arc<dyn Disk>,
        shared.keyspace.log(),
    );
    let tools = Tools {
        disk: disk.clone(),
        place: place(),
        clock: shared.clock.clone(),
        second: SECOND,
        fill_bytes: FILL_BYTES,
        tell: Box::new(|news| shared.hear_log(news)),
    };
    let files = match manifest {
        Some(manifest) => Files::new(disk, place(), manifest),
        None => Files::create(disk, place(), BaseFormat::Rdb)?,
    };
    let writer = Writer::new(log, &shared.storage.aof, tools)?.open(files)?;
    log.set_recording(true);
    shared.configure_log();
    writer::start(writer)
}

fn start_snapshots(shared: &'static Shared) {
    std::thread::spawn(move || {
        let (snapshots, disk) = (&shared.storage.snapshots, &*shared.storage.disk);
        snapshots.run(&shared.keyspace, disk, |job, outcome| {
            save::finished(shared, &job, outcome);
        });
    });
}
