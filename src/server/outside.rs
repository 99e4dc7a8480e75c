//! What is not the data path, on one thread of its own: signals. It meets the cores only through their inboxes.

use crate::command::Shared;
use crate::command::server::shutdown::{self, Saving};
use std::io;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// How often it is looked whether a script that has run for long is over.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// The signals that are caught, before anybody acts on them: one that comes while the server starts is not lost.
pub struct Outside {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Outside {
    /// Begins to catch signals.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let (terminate, interrupt, hangup) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        );
        drop(inside);
        Ok(Outside {
            runtime,
            terminate,
            interrupt,
            hangup,
        })
    }

    /// Starts the thread. SIGTERM and SIGINT stop the server in order; a second SIGINT, from somebody who will not wait, at once.
    pub fn start(self, shared: &'static Shared) -> io::Result<()> {
        std::thread::Builder::new()
            .name("outside".into())
            .spawn(move || {
                let Outside {
                    runtime,
                    terminate,
                    interrupt,
                    hangup,
                } = self;
                runtime.block_on(obey(shared, terminate, interrupt, hangup));
            })?;
        Ok(())
    }
}

/// The second time is the last.
fn note_interrupt(interrupted: &mut bool) {
    if std::mem::replace(interrupted, true) {
        warn!("SIGINT again: stopping at once");
        std::process::exit(1);
    }
}

async fn obey(
    shared: &'static Shared,
    mut terminate: Signal,
    mut interrupt: Signal,
    mut hangup: Signal,
) {
    let mut interrupted = false;
    loop {
        tokio::select! {
            // The end of a terminal is not the end of the server.
            _ = hangup.recv() => continue,
            _ = terminate.recv() => info!("SIGTERM: shutting down"),
            _ = interrupt.recv() => {
                note_interrupt(&mut interrupted);
                info!("SIGINT: shutting down");
            }
        }
        while shared.running.is_busy() {
            tokio::select! {
                _ = tokio::time::sleep(BUSY_PAUSE) => {}
                _ = interrupt.recv() => note_interrupt(&mut interrupted),
            }
        }
        // It may have to wait for a script, while a second SIGINT is to be heard.
        tokio::task::spawn_blocking(|| {
            let now = shared.clock.now();
            shutdown::begin(shared, now, Saving::AsConfigured, false, None)
        });
    }
}
