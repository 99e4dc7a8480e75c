//! Snapshots: the whole state at one moment, written while commands go on.
//!
//! ```text
//!   a core, every stripe held:  keyspace::walk::begin  ->  Job  ->  thread "snapshot":  Walker -> Format -> Output -> Disk
//! ```
//!
//! The moment is the one at which the walk begins (see `keyspace::walk`): whoever orders a snapshot begins it and hands a [`Job`] to the
//! one thread that writes snapshots ([`Snapshots::run`]). One is written at a time.
//!
//! A file is written beside its place, synced, renamed into its place, and the directory synced: there is always an old one or a new one,
//! whole. What a killed process left behind is removed at the next start ([`remove_leftovers`]).
//!
//! | file | |
//! |---|---|
//! | `walker.rs` | through the stripes, in slices |
//! | `format.rs` | what entries are written as: `rdb.rs`, `commands.rs` |
//! | `output.rs` | the file |
//! | `progress.rs` | how far it is |
//! | `status.rs` | what was saved, and how that went |

pub mod commands;
pub mod format;
mod output;
mod progress;
pub mod rdb;
mod status;
mod walker;

pub use progress::Progress;
pub use status::{Outcome, Past, Status, Task, Undertaking};

use crate::base::disk::Disk;
use crate::keyspace::libraries::Source;
use crate::keyspace::{Keyspace, Locked, walk};
use crate::storage::rdb::Options;
use commands::Commands;
use format::{Format, Record};
use output::Output;
use parking_lot::Mutex;
use rdb::{About, Rdb};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use walker::Walker;

/// How files that are not in their place yet begin and end.
const TEMPORARY: (&str, &str) = ("temp-millstream-", ".snapshot");

/// The name of a base of the log that is written, until it has the name that the manifest gives it.
pub const UNINSTALLED: &str = "temp-millstream-base.snapshot";

/// What a state is written as.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// An RDB file.
    Rdb(Options, About),
    /// The commands that make it.
    Commands,
}

/// What to write, and where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file's place.
    pub path: PathBuf,
    /// What it is written as.
    pub form: Form,
    /// Sync it piece by piece (`rdb-save-incremental-fsync`, `aof-rewrite-incremental-fsync`).
    pub sync_incrementally: bool,
}

/// A snapshot to be written, whose walk has begun.
#[derive(Debug)]
pub struct Job {
    /// What it is for.
    pub task: Task,
    /// What to write, and where.
    pub plan: Plan,
    /// The offset at which the log goes on in a new file, for the base of a log.
    pub cut: Option<u64>,
}

/// What is to be done, and the libraries that go with it.
type Order = (Job, Vec<Source>);

/// Snapshots as commands see them: what is known of them, and where they are ordered.
#[derive(Debug)]
pub struct Snapshots {
    /// What is under way, what was, and what is to be.
    pub status: Mutex<Status>,
    /// How far the one under way has come.
    pub progress: Arc<Progress>,
    jobs: Sender<Order>,
    orders: Mutex<Option<Receiver<Order>>>,
}

impl Snapshots {
    /// No snapshot yet; `now_s` counts as when the data was last saved.
    pub fn new(now_s: i64) -> Self {
        let (jobs, orders) = channel();
        Snapshots {
            status: Mutex::new(Status::new(now_s)),
            progress: Arc::default(),
            jobs,
            orders: Mutex::new(Some(orders)),
        }
    }

    /// Orders a snapshot of this moment. Every stripe is held, and none is under way: the caller has put this one into the status.
    pub fn begin(&self, job: Job, locked: &mut Locked<'_>) {
        let tables = locked.iter_mut().flat_map(|(_, stripe)| &stripe.dbs);
        self.progress.begin(tables.map(|db| db.len() as u64).sum());
        walk::begin(locked);
        // Without the thread that writes, the process is on its way out.
        let libraries = locked.keyspace().libraries().all();
        let _ = self.jobs.send((job, libraries));
    }

    /// Writes the snapshots that are ordered, one after another, and tells `finished` what became of each. To be called once, by a
    /// thread that has nothing else to do.
    pub fn run(&self, keyspace: &Keyspace, disk: &dyn Disk, finished: impl Fn(Job, Outcome)) {
        let progress = &self.progress;
        let orders = self.orders.lock().take();
        for (job, libraries) in orders.into_iter().flatten() {
            let written = write(disk, &job.plan, progress, |mut format| {
                write_libraries(&mut *format, &libraries)?;
                Walker::new(format, progress).walk(keyspace)
            });
            if written.is_err() {
                walk::abandon(keyspace);
            }
            let outcome = match written {
                Ok(bytes) => Outcome::Written { bytes },
                Err(_) if progress.is_cancelled() => Outcome::Cancelled,
                Err(error) => Outcome::Failed(error),
            };
            progress.end();
            finished(job, outcome);
        }
    }
}

/// Writes a snapshot here and now, with every stripe held all the while.
pub fn write_held(disk: &dyn Disk, plan: &Plan, locked: &mut Locked<'_>) -> io::Result<u64> {
    let libraries = locked.keyspace().libraries().all();
    write(disk, plan, &Arc::default(), |mut format| {
        write_libraries(&mut *format, &libraries)?;
        for (_, stripe) in locked.iter_mut() {
            for (number, db) in stripe.dbs.iter().enumerate() {
                for entry in db.iter() {
                    format.record(number, Record::of(entry))?;
                }
            }
        }
        Ok(format)
    })
}

fn write_libraries(format: &mut dyn Format, libraries: &[Source]) -> io::Result<()> {
    let mut sources = libraries.iter();
    sources.try_for_each(|source| format.library(source))
}

fn write(
    disk: &dyn Disk,
    plan: &Plan,
    progress: &Arc<Progress>,
    fill: impl FnOnce(Box<dyn Format>) -> io::Result<Box<dyn Format>>,
) -> io::Result<u64> {
    let dir = plan.path.parent().unwrap_or(Path::new("."));
    let temporary = dir.join(format!(
        "{}{}{}",
        TEMPORARY.0,
        std::process::id(),
        TEMPORARY.1
    ));
    let written = (|| {
        // The directory of a log that has just been turned on may not be there yet.
        disk.create_dir(dir)?;
        let file = disk.create(&temporary)?;
        let out = Output::new(file, plan.sync_incrementally, progress.clone());
        let format: Box<dyn Format> = match plan.form {
            Form::Rdb(options, about) => Box::new(Rdb::new(out, options, about)?),
            Form::Commands => Box::new(Commands::new(out)),
        };
        let len = fill(format)?.finish()?.finish()?;
        disk.rename(&temporary, &plan.path)?;
        disk.sync_dir(dir)?;
        Ok(len)
    })();
    if written.is_err() {
        // What cannot be removed now is removed at the next start.
        let _ = disk.remove(&temporary);
    }
    written
}

/// Removes the unfinished files of a process that was killed.
pub fn remove_leftovers(disk: &dyn Disk, dir: &Path) {
    let names = disk.list(dir).unwrap_or_default();
    for name in names {
        if name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1) {
            let _ = disk.remove(&dir.join(name));
        }
    }
}
