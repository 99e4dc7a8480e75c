//! Loading the data on a thread of its own, while the cores already answer that they are loading.

use super::boot::StartFailure;
use crate::base::disk::Disk;
use crate::command::Shared;
use crate::command::replay::Replayer;
use crate::command::script::function;
use crate::command::server::reload::{manner, places};
use crate::command::shared::gate;
use crate::storage::aof::Manifest;
use crate::storage::recovery::census::Census;
use crate::storage::recovery::progress::mib;
use crate::storage::recovery::{
    Failure, Interrupted, Loaded, Loader, Places, Source, keep, settle, sources,
};
use crate::storage::snapshot::remove_leftovers;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use tracing::{info, warn};

/// A load that takes no longer is not noticed: the cores start after it, and who connects meanwhile waits so long.
const QUIET: Duration = Duration::from_secs(1);

/// What was found, and settled, at the start.
#[derive(Debug)]
pub struct Recovered {
    /// The list of the log's files, if there is a log.
    pub manifest: Option<Manifest>,
    /// The base holds what the keyspace does not: it should be rewritten, or the next start will meet it again.
    pub wants_rewrite: bool,
}

/// A load under way.
pub struct Loading {
    outcome: Receiver<Result<Recovered, Interrupted>>,
    arrived: Option<Result<Recovered, Interrupted>>,
}

impl Loading {
    /// Begins to load, with the gate shut.
    pub fn start(shared: &'static Shared) -> std::io::Result<Self> {
        shared.set_gate(gate::LOADING, true);
        let (told, outcome) = sync_channel(1);
        std::thread::Builder::new()
            .name("loader".into())
            .spawn(move || {
                // Nobody listens any more only when the process ends.
                let _ = told.send(recover(shared));
            })?;
        Ok(Loading {
            outcome,
            arrived: None,
        })
    }

    /// Waits a moment; true if the load is over then, as most are.
    pub fn ends_soon(&mut self) -> bool {
        self.arrived = self.outcome.recv_timeout(QUIET).ok();
        self.arrived.is_some()
    }

    /// Waits for the end; None if the server is to stop before it.
    pub fn finish(self) -> Result<Option<Recovered>, StartFailure> {
        let outcome = match self.arrived {
            Some(outcome) => Ok(outcome),
            None => self.outcome.recv(),
        };
        match outcome {
            Ok(Ok(recovered)) => Ok(Some(recovered)),
            Ok(Err(Interrupted::ByOrder)) => {
                info!("loading ended before its end: the files are as they were");
                Ok(None)
            }
            Ok(Err(Interrupted::By(failure))) => Err(StartFailure::because(&failure)),
            Err(_) => Err(StartFailure::because(&"the loader broke down")),
        }
    }
}

fn recover(shared: &'static Shared) -> Result<Recovered, Interrupted> {
    let config = shared.config.load();
    let places = places(&config);
    let disk = &shared.storage.disk;
    for dir in [&places.log.dir, &places.log.folder()] {
        remove_leftovers(&**disk, dir);
    }
    if !config.appendonly && sources::has_log(&places, &**disk) {
        warn!(
            "appendonly is no: the log in {} is not loaded",
            places.log.folder().display()
        );
    }
    let loader = Loader {
        disk: &**disk,
        places: &places,
        with_log: config.appendonly,
        keyspace: &shared.keyspace,
        manner: manner(shared, &config),
        progress: &shared.storage.loading,
    };
    let loaded = loader.load(&mut Replayer::new(shared));
    let seconds = shared.storage.loading.end();
    let mut loaded = loaded?;
    shared.keyspace.settle_loaded();
    run_libraries(shared, &mut loaded)?;
    match loaded.source {
        // Who names a directory may have meant another one.
        Source::Nothing if config.dir_is_given => {
            warn!("no data in {}: starting empty", config.dir);
        }
        Source::Nothing => info!("no data in {}: starting empty", config.dir),
        _ => report(&loaded, &Census::of(&shared.keyspace), seconds),
    }
    if loaded.left_out.is_any {
        keep_originals(&loaded, &places, &**disk)?;
    }
    let manifest = match config.appendonly {
        true => settle(&loaded, &places, &**disk, config.aof_load_truncated)?,
        false => None,
    };
    Ok(Recovered {
        manifest,
        wants_rewrite: loaded.left_out.is_any,
    })
}

/// Runs the libraries of functions that were in a snapshot.
fn run_libraries(shared: &Shared, loaded: &mut Loaded) -> Result<(), Failure> {
    let refused = function::read_unread(shared);
    let (Some(why), Some(file)) = (refused.first(), loaded.files.first()) else {
        return Ok(());
    };
    if !shared.config.load().skip_unknown_types {
        return Err(Failure::of(
            &file.path,
            format!("a library of functions in it cannot be run here: {why}"),
            "start with --skip-unknown-types to load everything else; what is there is kept beside it",
        ));
    }
    loaded.left_out.is_any = true;
    Ok(())
}

/// Soon the files will be replaced by others without what was left out.
fn keep_originals(loaded: &Loaded, places: &Places, disk: &dyn Disk) -> Result<(), Failure> {
    let folder = keep(loaded, places, disk)?;
    warn!(
        "what will be written from now on lacks what was left out: {} keeps the files as they were",
        folder.display()
    );
    Ok(())
}

fn report(loaded: &Loaded, census: &Census, seconds: f64) {
    for line in loaded.left_out.lines() {
        warn!("{line}");
    }
    if loaded.left_out.is_any {
        warn!(
            "{} keys were left out: their types, or commands that made them, are not known here",
            loaded.left_out.keys.len()
        );
    }
    let bytes: u64 = loaded.files.iter().map(|file| file.bytes).sum();
    let commands: u64 = loaded.files.iter().map(|file| file.commands).sum();
    info!(
        "loaded {:.1} MiB in {seconds:.3} s ({:.0} MiB/s): {} keys, {} stream entries, {commands} commands of the log",
        mib(bytes),
        mib(bytes) / seconds.max(1e-9),
        census.total_keys(),
        census.entries,
    );
}
