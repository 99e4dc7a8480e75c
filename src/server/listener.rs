//! Accepting connections: TCP and the Unix socket. Core 0 accepts and deals out to the core that has the fewest.

use crate::command::mail::Accepted;
use crate::config::Config;
use mio::net::{TcpListener, UnixListener};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::fs::Permissions;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// TCP, for clients that speak TLS.
    Tls(TcpListener),
    /// The Unix socket.
    Unix(UnixListener),
}

impl Listener {
    /// The next connection; `WouldBlock` when none waits.
    pub fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                Ok(Accepted::Tcp(stream.into()))
            }
            Listener::Tls(listener) => {
                let (stream, _) = listener.accept()?;
                Ok(Accepted::Tls(stream.into()))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                Ok(Accepted::Unix(stream.into()))
            }
        }
    }

    /// Registers with a core's poll.
    pub fn register(&mut self, registry: &mio::Registry, token: mio::Token) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) | Listener::Tls(listener) => {
                registry.register(listener, token, mio::Interest::READABLE)
            }
            Listener::Unix(listener) => registry.register(listener, token, mio::Interest::READABLE),
        }
    }
}

/// Why the server cannot listen.
#[derive(Debug)]
pub struct ListenError {
    /// Where it tried to.
    pub place: String,
    /// What the system said.
    pub error: io::Error,
}

/// Opens all sockets that the configuration asks for.
pub fn open_all(config: &Config) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::new();
    let ports = [
        (config.port, Listener::Tcp as fn(TcpListener) -> Listener),
        (config.tls_port, Listener::Tls),
    ];
    for (port, kind) in ports.into_iter().filter(|(port, _)| *port != 0) {
        for address in &config.bind {
            let bound = open_bound(address, port, config.tcp_backlog)?;
            listeners.extend(bound.into_iter().map(kind));
        }
    }
    if !config.unixsocket.is_empty() {
        let listener = open_unix(config).map_err(|error| ListenError {
            place: config.unixsocket.clone(),
            error,
        })?;
        listeners.push(Listener::Unix(listener));
    }
    Ok(listeners)
}

/// The ports in words.
pub fn describe_ports(config: &Config) -> String {
    match (config.port, config.tls_port) {
        (port, 0) => format!("port {port}"),
        (0, tls_port) => format!("port {tls_port} (TLS)"),
        (port, tls_port) => format!("ports {port} and {tls_port} (TLS)"),
    }
}

/// Listens on one address of `bind`; one with a leading `-` may be missing on this machine.
fn open_bound(address: &str, port: u16, backlog: u32) -> Result<Vec<TcpListener>, ListenError> {
    let optional = address.starts_with('-');
    let host = match address.trim_start_matches('-') {
        "*" => "0.0.0.0",
        "::*" => "::",
        host => host,
    };
    let fail = |error| ListenError {
        place: format!("{host}:{port}"),
        error,
    };
    let resolved: Vec<SocketAddr> = match (host, port).to_socket_addrs() {
        Ok(resolved) => resolved.collect(),
        Err(_) if optional => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut listeners = Vec::new();
    for address in resolved {
        match open_tcp(address, backlog) {
            Ok(listener) => listeners.push(listener),
            Err(error) if optional && is_missing(&error) => {}
            Err(error) => return Err(fail(error)),
        }
    }
    Ok(listeners)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    ) || rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::AFNOSUPPORT)
}

fn open_tcp(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog as i32)?;
    Ok(TcpListener::from_std(socket.into()))
}

fn open_unix(config: &Config) -> io::Result<UnixListener> {
    // A socket file left behind by a server that is gone.
    let _ = std::fs::remove_file(&config.unixsocket);
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(&config.unixsocket)?)?;
    if config.unixsocketperm != 0 {
        std::fs::set_permissions(
            &config.unixsocket,
            Permissions::from_mode(config.unixsocketperm),
        )?;
    }
    socket.listen(config.tcp_backlog as i32)?;
    Ok(UnixListener::from_std(socket.into()))
}

/// Sets up an accepted TCP connection: no delay, keepalive probes.
pub fn set_up(stream: &std::net::TcpStream, config: &Config) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if config.tcp_keepalive_s > 0 {
        let idle = Duration::from_secs(config.tcp_keepalive_s.into());
        let interval = Duration::from_secs((config.tcp_keepalive_s / 3).max(1).into());
        let keepalive = socket2::TcpKeepalive::new()
            .with_time(idle)
            .with_interval(interval)
            .with_retries(3);
        socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)?;
    }
    Ok(())
}
