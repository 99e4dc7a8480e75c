//! Clients coming and going: accepting, dealing connections out to the cores, refusing, closing.

use super::super::connection::{Connection, Socket};
use super::super::listener;
use super::{Core, FIRST_CONNECTION};
use crate::command::acl::{self, User};
use crate::command::clients::{ClientRecord, flag};
use crate::command::mail::{Accepted, Mail};
use crate::command::{Session, block, error, monitor, pubsub, transaction};
use crate::resp::Reply;
use mio::{Interest, Token};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
        let stats = &self.shared.stats[self.local.core];
        stats.connections.add(1);
        let refusal = if self.refuses_strangers(&accepted) {
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
            stats.rejected_connections.add(1);
            refuse(accepted, refusal.text());
            self.leave();
            return;
        }
        if let Err(error) = self.add_connection(accepted) {
            tracing::warn!("cannot serve a connection: {error}");
            self.shared.clients.unadmit();
            self.leave();
        }
    }

    pub(super) fn leave(&self) {
        self.shared.connections[self.local.core].fetch_sub(1, Ordering::Relaxed);
    }

    /// In protected mode and without a password, only this machine is served.
    pub(super) fn refuses_strangers(&self, accepted: &Accepted) -> bool {
        let config = &self.local.config;
        let Accepted::Tcp(stream) = accepted else {
            return false;
        };
        config.protected_mode
            && self.shared.users.default_user().rights().nopass
            && !stream
                .peer_addr()
                .is_ok_and(|peer| peer.ip().to_canonical().is_loopback())
    }

    pub(super) fn add_connection(&mut self, accepted: Accepted) -> io::Result<()> {
        let (mut socket, addr, laddr) = self.set_up(accepted)?;
        let fd = socket.as_fd().as_raw_fd();
        let entry = self.connections.vacant_entry();
        let token = entry.key();
        let poll_token = Token(token + FIRST_CONNECTION);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        match &mut socket {
            Socket::Tcp(stream) => registry.register(stream, poll_token, interest)?,
            Socket::Unix(stream) => registry.register(stream, poll_token, interest)?,
        }
        let clients = &self.shared.clients;
        let record = ClientRecord::new(
            (clients.next_id(), fd),
            (self.local.core, token),
            (addr, laddr),
            self.now.steady_ms,
        );
        if matches!(socket, Socket::Unix(_)) {
            record.flags.store(flag::UNIX, Ordering::Relaxed);
        }
        clients.add(&record);
        let mut session = Session::new(record, token);
        session.log_out(&self.shared.users);
        entry.insert(Connection::new(socket, session, self.now.steady_ms));
        Ok(())
    }

    pub(super) fn set_up(&self, accepted: Accepted) -> io::Result<(Socket, String, String)> {
        match accepted {
            Accepted::Tcp(stream) => {
                listener::set_up(&stream, &self.local.config)?;
                stream.set_nonblocking(true)?;
                let addr = stream.peer_addr()?.to_string();
                let laddr = stream.local_addr()?.to_string();
                let stream = mio::net::TcpStream::from_std(stream);
                Ok((Socket::Tcp(stream), addr, laddr))
            }
            Accepted::Unix(stream) => {
                stream.set_nonblocking(true)?;
                let path = format!("{}:0", self.local.config.unixsocket);
                let stream = mio::net::UnixStream::from_std(stream);
                Ok((Socket::Unix(stream), path.clone(), path))
            }
        }
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
        transaction::forget_watch(self.shared, session);
        pubsub::forget(self.shared, &mut self.local, session);
        monitor::stop(self.shared, &mut self.local, session);
        self.shared.clients.remove(session.id);
        self.leave();
        // Closing the descriptor takes it out of the poll as well.
        let registry = self.poll.registry();
        let _ = match &mut connection.socket {
            Socket::Tcp(stream) => registry.deregister(stream),
            Socket::Unix(stream) => registry.deregister(stream),
        };
    }

    /// Closes the clients of `user` that listen to what it may not hear. They hear nothing of what is published from now on.
    pub(super) fn review(&mut self, user: &Arc<User>) {
        for (token, connection) in &mut self.connections {
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
        for (token, connection) in &self.connections {
            let session = &connection.session;
            if session.blocked.is_none()
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
fn refuse(accepted: Accepted, text: &[u8]) {
    let mut reply = Reply::default();
    reply.error(text);
    let mut slices = [io::IoSlice::new(&[]); 1];
    let count = reply.fill_slices(&mut slices);
    // It is closed in any case.
    let _ = match &accepted {
        Accepted::Tcp(stream) => rustix::io::writev(stream, &slices[..count]),
        Accepted::Unix(stream) => rustix::io::writev(stream, &slices[..count]),
    };
}
