//! The `millstream` binary: arguments to configuration, to the background if wanted, then serve.

use millstream::config::{self, Config, Invocation};
use millstream::server::daemon::{self, Starter};
use millstream::server::{boot, check, log};
use std::fmt::Display;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    if let Some(starter) = Starter::of_this_process() {
        return match starter.leave_terminal() {
            Ok(config) => serve(config, Some(starter)),
            Err(error) => failed(error),
        };
    }
    let arguments = std::env::args_os().skip(1);
    match config::parse_arguments(arguments, &mut std::io::stdin()) {
        Ok(Invocation::Version) => println!("{}", config::version_line()),
        Ok(Invocation::Help) => println!("{}", config::usage()),
        Ok(Invocation::Serve(config)) => return start(*config),
        Ok(Invocation::Check(config)) => return check_data(*config),
        Err(error) => return failed(error),
    }
    ExitCode::SUCCESS
}

fn check_data(config: Config) -> ExitCode {
    match check::check(&config) {
        Ok(findings) => {
            print!("{}", findings.text);
            ExitCode::from(u8::from(!findings.is_sound))
        }
        Err(error) => failed(error),
    }
}

fn start(mut config: Config) -> ExitCode {
    if let Err(error) = boot::enter_directory(&mut config) {
        return failed(error);
    }
    if daemon::is_wanted(&config) {
        return daemon::start(config)
            .unwrap_or_else(|error| failed(format!("cannot go to the background: {error}")));
    }
    serve(config, None)
}

fn serve(config: Config, starter: Option<Starter>) -> ExitCode {
    let place = log::Place::of(&config, starter.is_some());
    if let Err(error) = log::start(&place, config.loglevel) {
        return failed(format!("cannot log to {}: {error}", config.logfile));
    }
    match boot::serve(config, starter) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            match place {
                log::Place::Stdout => ExitCode::FAILURE,
                log::Place::File(_) | log::Place::Nowhere => failed(error),
            }
        }
    }
}

fn failed(error: impl Display) -> ExitCode {
    eprintln!("millstream: {error}");
    ExitCode::FAILURE
}
