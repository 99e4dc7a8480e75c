//! The `millstream` binary: arguments to configuration, then serve.

use millstream::config::{self, Config, Invocation, LogLevel};
use millstream::server::boot;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    match config::parse_arguments(arguments, &mut std::io::stdin()) {
        Ok(Invocation::Version) => println!("{}", config::version_line()),
        Ok(Invocation::Help) => println!("{}", config::usage()),
        Ok(Invocation::Serve(config)) => return serve(*config),
        Err(error) => {
            eprintln!("millstream: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn serve(config: Config) -> ExitCode {
    if let Err(error) = start_log(&config) {
        eprintln!("millstream: cannot log to {}: {error}", config.logfile);
        return ExitCode::FAILURE;
    }
    match boot::serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start_log(config: &Config) -> std::io::Result<()> {
    let level = match config.loglevel {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Verbose | LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Nothing => LevelFilter::OFF,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false);
    if config.logfile.is_empty() {
        log.init();
    } else {
        let file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(&config.logfile)?;
        log.with_ansi(false).with_writer(file).init();
    }
    Ok(())
}
