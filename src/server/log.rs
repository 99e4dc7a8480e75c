//! The log: where it goes, and how much is worth logging, which CONFIG SET may change at any time.

use crate::config::{Config, LogLevel};
use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, registry, reload};

/// What lets the level of the process's one log be changed.
static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// Starts the log of this process; to be called once.
pub fn start(config: &Config) -> io::Result<()> {
    let (filter, handle) = reload::Layer::new(filter_of(config.loglevel));
    let layer = fmt::layer().with_target(false);
    if config.logfile.is_empty() {
        let layer = layer.with_ansi(io::stdout().is_terminal());
        registry().with(filter).with(layer).init();
    } else {
        let file = File::options()
            .append(true)
            .create(true)
            .open(&config.logfile)?;
        let layer = layer.with_ansi(false).with_writer(file);
        registry().with(filter).with(layer).init();
    }
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
