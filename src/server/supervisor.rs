//! Telling a service manager of the server's state: systemd over the datagram socket that it names in the environment,
//! upstart by stopping, which it waits for when it is told to `expect stop`.

use crate::config::Supervision;
use rustix::process::{Signal, getpid, kill_process};
use std::env;
use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where systemd listens; a path, or a name in the abstract namespace after `@`.
const SYSTEMD_VARIABLE: &str = "NOTIFY_SOCKET";
/// The job that upstart runs.
const UPSTART_VARIABLE: &str = "UPSTART_JOB";

/// A service manager that watches this process.
#[derive(Debug)]
pub enum Manager {
    /// systemd, and its socket.
    Systemd(OsString),
    /// upstart.
    Upstart,
}

/// What a service manager wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It loads its data, which may take long.
    Loading,
    /// The server answers.
    Ready,
    /// It is on its way out.
    Stopping,
}

impl Manager {
    /// The service manager that the configuration allows and the environment shows.
    pub fn find(supervision: Supervision) -> Option<Self> {
        let systemd = || env::var_os(SYSTEMD_VARIABLE).map(Self::Systemd);
        let upstart = || env::var_os(UPSTART_VARIABLE).map(|_| Self::Upstart);
        match supervision {
            Supervision::No => None,
            Supervision::Auto => upstart().or_else(systemd),
            Supervision::Systemd => systemd(),
            Supervision::Upstart => upstart(),
        }
    }

    /// Its name, as in `supervised`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Systemd(_) => "systemd",
            Self::Upstart => "upstart",
        }
    }

    /// Tells it of a state; that it cannot be told stops nothing.
    pub fn tell(&self, state: State) {
        let told = match (self, state) {
            (Self::Systemd(socket), State::Ready) => send(
                socket.as_bytes(),
                "READY=1\nSTATUS=Ready to accept connections\n",
            ),
            (Self::Systemd(socket), State::Loading) => {
                send(socket.as_bytes(), "STATUS=Loading the data\n")
            }
            (Self::Systemd(socket), State::Stopping) => send(
                socket.as_bytes(),
                "STOPPING=1\nSTATUS=Writing what is left to disk\n",
            ),
            (Self::Upstart, State::Ready) => {
                kill_process(getpid(), Signal::STOP).map_err(io::Error::from)
            }
            (Self::Upstart, State::Loading | State::Stopping) => Ok(()),
        };
        if let Err(error) = told {
            tracing::warn!("cannot tell {}: {error}", self.name());
        }
    }
}

/// Says in the log what the configuration asks for and this process does not get.
pub fn warn_of_wishes(supervision: Supervision, daemonize: bool, manager: Option<&Manager>) {
    match (supervision, manager) {
        (Supervision::Systemd, None) => {
            tracing::warn!("'supervised' is systemd, but {SYSTEMD_VARIABLE} is not set");
        }
        (Supervision::Upstart, None) => {
            tracing::warn!("'supervised' is upstart, but {UPSTART_VARIABLE} is not set");
        }
        (_, Some(manager)) if daemonize => {
            tracing::warn!("supervised by {}: 'daemonize' is ignored", manager.name());
        }
        _ => {}
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
