//! The `millstream` binary: arguments to configuration, then serve.

use millstream::config::{self, Config, Invocation};
use millstream::server::{boot, log};
use std::process::ExitCode;

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
    if let Err(error) = log::start(&config) {
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
