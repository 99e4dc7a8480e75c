//! The log: where it goes, and how much is worth logging, which CONFIG SET may change at any time.

use crate::config::{Config, LogLevel};
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::OnceLock;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::writer::{BoxMakeWriter, MakeWriter, OptionalWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, registry, reload};

/// What lets the level of the process's one log be changed.
static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// To standard output.
    Stdout,
    /// To a file.
    File(PathBuf),
    /// Nowhere: in the background without a file.
    Nowhere,
}

impl Place {
    /// The place that the configuration means.
    pub fn of(config: &Config, in_background: bool) -> Self {
        match (config.logfile.as_str(), in_background) {
            ("", false) => Self::Stdout,
            ("", true) => Self::Nowhere,
            (file, _) => Self::File(file.into()),
        }
    }
}

/// Starts the log of this process; to be called once.
pub fn start(place: &Place, level: LogLevel) -> io::Result<()> {
    let writer = match place {
        Place::Stdout => BoxMakeWriter::new(io::stdout),
        Place::Nowhere => BoxMakeWriter::new(io::sink),
        Place::File(path) => {
            let file = LogFile(path.clone());
            file.open()?;
            BoxMakeWriter::new(file)
        }
    };
    let has_colours = *place == Place::Stdout && io::stdout().is_terminal();
    let (filter, handle) = reload::Layer::new(filter_of(level));
    let layer = fmt::layer()
        .with_target(false)
        .with_ansi(has_colours)
        .with_writer(writer);
    registry().with(filter).with(layer).init();
    let _ = LEVEL.set(handle);
    Ok(())
}

/// Logs as much as `level` says from now on.
pub fn set_level(level: LogLevel) {
    if let Some(handle) = LEVEL.get() {
        // It fails only when the log is gone, and with it whoever would read of the failure.
        let _ = handle.reload(filter_of(level));
    }
}

fn filter_of(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Verbose | LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Nothing => LevelFilter::OFF,
    }
}

/// A log file, opened anew for each line: one that was moved away is followed by a new one without a word, which
/// is what the rotation of Redis's logs relies on. There are few lines.
struct LogFile(PathBuf);

impl LogFile {
    fn open(&self) -> io::Result<File> {
        File::options().append(true).create(true).open(&self.0)
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = OptionalWriter<File>;

    /// While the file cannot be opened its lines are lost.
    fn make_writer(&'a self) -> Self::Writer {
        match self.open() {
            Ok(file) => OptionalWriter::some(file),
            Err(_) => OptionalWriter::none(),
        }
    }
}
