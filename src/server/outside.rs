//! What is not the data path, on one thread of its own: signals. It meets the cores only through their inboxes.

use crate::command::Shared;
use std::io;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// The signals that are caught, before anybody acts on them: one that comes while the server starts is not lost.
pub struct Outside {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Outside {
    /// Begins to catch signals.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let (terminate, interrupt) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        drop(inside);
        Ok(Outside {
            runtime,
            terminate,
            interrupt,
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
                } = self;
                runtime.block_on(obey(shared, terminate, interrupt));
            })?;
        Ok(())
    }
}

async fn obey(shared: &'static Shared, mut terminate: Signal, mut interrupt: Signal) {
    let mut interrupted = false;
    loop {
        tokio::select! {
            _ = terminate.recv() => info!("SIGTERM: shutting down"),
            _ = interrupt.recv() => {
                if std::mem::replace(&mut interrupted, true) {
                    warn!("SIGINT again: stopping at once");
                    std::process::exit(1);
                }
                info!("SIGINT: shutting down");
            }
        }
        shared.stop();
    }
}
