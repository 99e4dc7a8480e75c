//! What is not the data path, on one thread of its own: signals. It meets the cores only through their inboxes.

use crate::command::Shared;
use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// Starts the thread. SIGTERM and SIGINT stop the server in order; a second SIGINT, from somebody who will not
/// wait, at once.
pub fn start(shared: &'static Shared) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("outside".into())
        .spawn(move || {
            if let Err(error) = runtime.block_on(watch_signals(shared)) {
                warn!("cannot watch for signals: {error}");
            }
        })?;
    Ok(())
}

async fn watch_signals(shared: &'static Shared) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
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
