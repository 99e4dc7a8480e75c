//! Telling a service manager (systemd) of the server's state, over the datagram socket that it names in the environment.

use crate::config::Supervision;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where the service manager listens; a path, or a name in the abstract namespace after `@`.
const SOCKET_VARIABLE: &str = "NOTIFY_SOCKET";

/// What a service manager wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The server answers.
    Ready,
    /// It is on its way out.
    Stopping,
}

/// Tells a supervising service manager, if there is one.
pub fn tell(supervision: Supervision, state: State) {
    let Some(socket) = std::env::var_os(SOCKET_VARIABLE) else {
        if supervision == Supervision::Systemd {
            tracing::warn!("'supervised' is systemd, but {SOCKET_VARIABLE} is not set");
        }
        return;
    };
    if supervision == Supervision::No {
        return;
    }
    let message = match state {
        State::Ready => "READY=1\nSTATUS=Ready to accept connections\n",
        State::Stopping => "STOPPING=1\n",
    };
    if let Err(error) = send(socket.as_bytes(), message) {
        tracing::warn!("cannot tell the service manager: {error}");
    }
}

fn send(socket: &[u8], message: &str) -> io::Result<()> {
    let address = match socket {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}
