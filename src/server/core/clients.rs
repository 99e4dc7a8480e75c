//! Clients coming and going: accepting, dealing connections out to the cores, refusing, closing.

use super::super::connection::{Connection, Halt, Socket};
use super::super::listener;
use super::{Core, FIRST_CONNECTION};
use crate::command::acl::{self, User};
use crate::command::clients::{ClientRecord, flag};
use crate::command::mail::{Accepted, Mail};
use crate::command::{Session, block, error, monitor, pubsub, transaction};
use crate::resp::Reply;
use mio::Token;
use std::io;
use std::net::{IpAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The two ends of a connection.
pub struct Ends {
    /// The address of the client, or the Unix socket's path.
    pub addr: String,
    /// The address it connected to.
    pub laddr: String,
    /// The client's host, if it came by TCP.
    pub peer: Option<IpAddr>,
}

/// Connections accepted in one turn, so that a flood of them does not starve those that are served.
const ACCEPTS_PER_TURN: usize = 256;

impl Core {
    pub(super) fn accept(&mut self, listener: usize) {
        for _ in 0..ACCEPTS_PER_TURN {
            match self.listeners[listener].accept() {
                Ok(accepted) => self.deal_out(accepted),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    return self.stalled_listeners.push(listener);
                }
            }
        }
        // More may be waiting, and the edge has been used up: come back in the next turn.
        self.shared.send(self.local.core, Mail::Listen(listener));
    }

    /// Hands a connection to the core that has the fewest.
    pub(super) fn deal_out(&mut self, accepted: Accepted) {
        let loads = self.shared.connections.iter().enumerate();
        let (core, load) = loads
            .min_by_key(|(_, load)| load.load(Ordering::Relaxed))
            .expect("there is a core");
        load.fetch_add(1, Ordering::Relaxed);
        if core == self.local.core {
            self.admit(accepted);
        } else {
            self.shared.send(core, Mail::Accept(accepted));
        }
    }

    /// Begins to serve a connection, or says why not.
    pub(super) fn admit(&mut self, accepted: Accepted) {
        self.shared.stats[self.local.core].connections.add(1);
        let begun = match accepted {
            Accepted::Tls(stream) => self.begin_handshake(stream),
            Accepted::Tcp(stream) => self.set_up_tcp(stream).map(|(socket, ends)| {
                self.welcome(Socket::Tcp(Arc::new(socket)), ends);
            }),
            Accepted::Unix(stream) => self.set_up_unix(stream).map(|(socket, ends)| {
                self.welcome(Socket::Unix(Arc::new(socket)), ends);
            }),
        };
        if let Err(error) = begun {
            tracing::warn!("cannot serve a connection: {error}");
            self.leave();
        }
    }

    /// Makes a client of a connection, and returns its token, or says why not.
    pub(super) fn welcome(&mut self, socket: Socket, ends: Ends) -> Option<usize> {
        let refusal = if self.refuses_strangers(&ends) {
            Some(error::PROTECTED_MODE)
        } else if !self
            .shared
            .clients
            .admit(self.local.config.maxclients as usize)
        {
            Some(error::MAX_CLIENTS)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let stats = &self.shared.stats[self.local.core];
            stats.rejected_connections.add(1);
            refuse(socket, refusal.text());
            self.leave();
            return None;
        }
        let added = self.add_connection(socket, ends);
        if let Err(error) = &added {
            tracing::warn!("cannot serve a connection: {error}");
            self.shared.clients.unadmit();
            self.leave();
        }
        added.ok()
    }

    pub(super) fn leave(&self) {
        self.shared.connections[self.local.core].fetch_sub(1, Ordering::Relaxed);
    }

    /// In protected mode and without a password, only this machine is served.
    pub(super) fn refuses_strangers(&self, ends: &Ends) -> bool {
        let config = &self.local.config;
        let is_loopback = |peer: IpAddr| peer.to_canonical().is_loopback();
        config.protected_mode
            && self.shared.users.default_user().rights().nopass
            && !ends.peer.is_none_or(is_loopback)
    }

    pub(super) fn add_connection(&mut self, socket: Socket, ends: Ends) -> io::Result<usize> {
        let fd = socket.as_fd().as_raw_fd();
        let (shared, now_ms) = (self.shared, self.now.steady_ms);
        let (core, registry) = (self.local.core, self.poll.registry());
        self.connections.add(|token| {
            socket.register(registry, Token(token + FIRST_CONNECTION))?;
            let record = ClientRecord::new(
                (shared.clients.next_id(), fd, socket.peer()),
                (core, token),
                (ends.addr, ends.laddr),
                now_ms,
            );
            if matches!(socket, Socket::Unix(_)) {
                record.flags.store(flag::UNIX, Ordering::Relaxed);
            }
            shared.clients.add(&record);
            let mut session = Session::new(record, token);
            session.log_out(&shared.users);
            Ok(Connection::new(socket, session, now_ms))
        })
    }

    pub(super) fn set_up_tcp(&self, stream: TcpStream) -> io::Result<(mio::net::TcpStream, Ends)> {
        listener::set_up(&stream, &self.local.config)?;
        stream.set_nonblocking(true)?;
        let peer = stream.peer_addr()?;
        let ends = Ends {
            addr: peer.to_string(),
            laddr: stream.local_addr()?.to_string(),
            peer: Some(peer.ip()),
        };
        Ok((mio::net::TcpStream::from_std(stream), ends))
    }

    fn set_up_unix(&self, stream: UnixStream) -> io::Result<(mio::net::UnixStream, Ends)> {
        stream.set_nonblocking(true)?;
        let path = format!("{}:0", self.local.config.unixsocket);
        let ends = Ends {
            addr: path.clone(),
            laddr: path,
            peer: None,
        };
        Ok((mio::net::UnixStream::from_std(stream), ends))
    }

    pub(super) fn close_all(&mut self) {
        while let Some(token) = self.closing.pop() {
            if self.connections.contains(token) {
                self.close(token);
            }
        }
    }

    /// Ends a connection and forgets everything about its client.
    pub(super) fn close(&mut self, token: usize) {
        let mut connection = self.connections.remove(token);
        let session = &mut connection.session;
        if let Some(waiter) = block::leave(self.shared, session) {
            waiter.claim();
            self.with_env(|env| block::leave_queues(env, &waiter));
        }
        session.hold_up(self.shared, false);
        transaction::forget_watch(self.shared, session);
        pubsub::forget(self.shared, &mut self.local, session);
        monitor::stop(self.shared, &mut self.local, session);
        self.shared.clients.remove(session.id);
        self.leave();
        connection.socket.say_goodbye();
        // It fails only for a socket that is not in the poll.
        let _ = connection.socket.deregister(self.poll.registry());
    }

    /// Closes the clients of `user` that listen to what it may not hear. They hear nothing of what is published from now on.
    pub(super) fn review(&mut self, user: &Arc<User>) {
        for (token, connection) in self.connections.iter_mut() {
            let session = &mut connection.session;
            if acl::may_not_listen(session, user) {
                pubsub::forget(self.shared, &mut self.local, session);
                session.closing = true;
                self.closing.push(token);
            }
        }
    }

    pub(super) fn close_idle(&mut self) {
        let timeout_ms = i64::from(self.local.config.timeout_s) * 1000;
        if timeout_ms == 0 {
            return;
        }
        for (token, connection) in self.connections.iter() {
            let session = &connection.session;
            // Who is made to wait is not idle.
            let waits = connection.is_held() || !matches!(connection.halt, Halt::None);
            if !waits
                && session.blocked.is_none()
                && session.subscriptions.is_none()
                && !session.monitor
                && self.now.steady_ms - connection.active_ms > timeout_ms
            {
                self.closing.push(token);
            }
        }
    }
}

/// Tells a connection that it is not served, and closes it.
fn refuse(mut socket: Socket, text: &[u8]) {
    let mut reply = Reply::default();
    reply.error(text);
    // It is closed in any case.
    let _ = socket.write(&mut reply);
    socket.say_goodbye();
}
