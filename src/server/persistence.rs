//! The log's writer: started before the cores, ended after them.

use super::boot::StartFailure;
use crate::command::Shared;
use crate::command::server::save::place;
use crate::config::{AppendFsync, Config};
use crate::storage::aof::writer::{self, FILL_BYTES, SECOND};
use crate::storage::aof::{BaseFormat, Files, Manifest, Tools, Writer};
use std::io;
use std::thread::JoinHandle;

/// The thread that follows the log.
pub struct LogWriter {
    shared: &'static Shared,
    thread: JoinHandle<io::Result<()>>,
}

impl LogWriter {
    /// Starts to follow the log. With `appendonly`, it goes on in the files of `manifest`, or in new ones if there is none.
    pub fn start(
        shared: &'static Shared,
        manifest: Option<Manifest>,
    ) -> Result<LogWriter, StartFailure> {
        let config = shared.config.load();
        let log = shared.keyspace.log();
        let disk = shared.storage.disk.clone();
        let tools = Tools {
            disk: disk.clone(),
            place: place(&config),
            clock: shared.clock.clone(),
            second: SECOND,
            fill_bytes: FILL_BYTES,
            tell: Box::new(|news| shared.hear_log(news)),
        };
        let what = format!(
            "cannot write the log in {}",
            place(&config).folder().display()
        );
        let failure = |error| StartFailure::new(&what, &error);
        let mut writer = Writer::new(log, &shared.storage.aof, tools).map_err(failure)?;
        if config.appendonly {
            let files = match manifest {
                Some(manifest) => Files::new(disk, place(&config), manifest),
                None => {
                    Files::create(disk, place(&config), base_format(&config)).map_err(failure)?
                }
            };
            writer = writer.open(files).map_err(failure)?;
            log.set_recording(true);
        }
        shared.configure_log();
        if config.appendonly && config.appendfsync == AppendFsync::No {
            tracing::info!("the kernel decides when the log reaches the disk: appendfsync is no");
        }
        let thread = writer::start(writer)
            .map_err(|error| StartFailure::new("cannot start a thread", &error))?;
        Ok(LogWriter { shared, thread })
    }

    /// Makes durable what the log holds; after the cores have stopped.
    pub fn finish(self) -> Result<(), StartFailure> {
        self.shared.storage.aof.stop(self.shared.keyspace.log());
        let ended = self.thread.join();
        ended
            .unwrap_or_else(|_| Err(io::Error::other("its writer panicked")))
            .map_err(|error| StartFailure::new("the end of the log is not on disk", &error))
    }
}

fn base_format(config: &Config) -> BaseFormat {
    match config.aof_use_rdb_preamble {
        true => BaseFormat::Rdb,
        false => BaseFormat::Commands,
    }
}
