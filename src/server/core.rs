//! A core: one pinned event loop with its own connections, timers and inbox.
//!
//! A turn: wait until something happens (or is due), take one reading of the clock, read the inbox, read and execute whatever has
//! arrived, fire timers, expire keys, write slices of long replies, read the inbox again, write every connection that has output.
//! Nothing here waits but the poll, and no stripe is held across a system call.
//!
//! Sockets are registered once, for edges of both kinds. A read that fills less than its room has emptied the socket; one that fills
//! it puts the connection on the `readable` list for the next turn, so that one busy client does not starve the others.

use super::connection::{Connection, Halt, Socket, Written};
use super::listener::{self, Listener};
use super::reading::{self, Read};
use super::timers::{Timer, Timers};
use crate::base::clock::{Now, Stopwatch};
use crate::command::block::{self, Ending};
use crate::command::clients::{ClientRecord, flag};
use crate::command::dispatch::Env;
use crate::command::keys::Changes;
use crate::command::mail::{Accepted, Mail};
use crate::command::meter::Meter;
use crate::command::shared::gate;
use crate::command::{Local, Session, Shared, error, expire, monitor, pubsub, transaction};
use crate::config::ClientClass;
use crate::data::stream::IdWriter;
use crate::keyspace::{Locked, NEVER};
use crate::pubsub::{Listeners, Note};
use crate::resp::{Parser, Reply};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The inbox's waker.
pub const WAKER: Token = Token(0);
/// Listeners come next, then connections from here on.
const FIRST_CONNECTION: usize = 64;
/// The core's receive buffer: the most one read takes.
const RECEIVE_BYTES: usize = 64 * 1024;
/// Events taken from one poll.
const EVENTS: usize = 1024;
/// Connections accepted in one turn, so that a flood of them does not starve those that are served.
const ACCEPTS_PER_TURN: usize = 256;
/// A spare output buffer is kept up to this size.
const SPARE_OUTPUT_BYTES: usize = 256 * 1024;
/// A long reply is written on while less than this waits to be sent.
const LONG_REPLY_BUFFER_BYTES: usize = 256 * 1024;
/// How often a core looks after what has no event of its own.
const TICK_MS: i64 = 100;
/// The most bytes of requests that may wait for a client that has yet to authenticate.
const QUERY_BYTES_UNAUTHENTICATED: usize = 1024 * 1024;
/// Reads of what a stopping core has no more use for, per connection: enough for what usually lies there.
const DISCARDING_READS: usize = 16;
/// How long a stopping core tries to send the replies that are left.
const FLUSH_ON_STOP_MS: i64 = 1000;

/// See the module's description.
pub struct Core {
    shared: &'static Shared,
    poll: Poll,
    listeners: Vec<Listener>,
    connections: Slab<Connection>,
    local: Local,
    changes: Changes,
    timers: Timers,
    /// Connections whose sockets may have more to read.
    readable: Vec<usize>,
    /// Connections that have output.
    writable: Vec<usize>,
    /// Connections with a long reply under way.
    long: Vec<usize>,
    /// Connections held up by CLIENT PAUSE.
    paused: Vec<usize>,
    /// Connections held up until the inbox has been read.
    after_mail: Vec<usize>,
    /// Listeners that could not accept, for lack of descriptors for one: no further event tells of who waits there.
    stalled_listeners: Vec<usize>,
    /// Connections to close at the end of the turn.
    closing: Vec<usize>,
    mail: Vec<Mail>,
    scratch: Vec<u8>,
    parser: Parser,
    spare: Reply,
    now: Now,
    next_tick_ms: i64,
    config_version: u64,
}

impl Core {
    /// A core that serves what `listeners` accept (core 0) or is dealt out to it.
    pub fn new(
        shared: &'static Shared,
        core: usize,
        poll: Poll,
        mut listeners: Vec<Listener>,
    ) -> io::Result<Self> {
        for (index, listener) in listeners.iter_mut().enumerate() {
            listener.register(poll.registry(), Token(1 + index))?;
        }
        Ok(Core {
            shared,
            poll,
            listeners,
            connections: Slab::new(),
            local: Local {
                core,
                listeners: Listeners::default(),
                monitors: Vec::new(),
                yielding: false,
                mailed_self: false,
                reading_mail: false,
                ids: IdWriter::default(),
                config: shared.config.load(),
                last: None,
            },
            changes: Changes::default(),
            timers: Timers::default(),
            readable: Vec::new(),
            writable: Vec::new(),
            long: Vec::new(),
            paused: Vec::new(),
            after_mail: Vec::new(),
            stalled_listeners: Vec::new(),
            closing: Vec::new(),
            mail: Vec::new(),
            scratch: Vec::with_capacity(RECEIVE_BYTES),
            parser: Parser::default(),
            spare: Reply::default(),
            now: shared.clock.now(),
            next_tick_ms: 0,
            config_version: u64::MAX,
        })
    }

    /// Runs until the server stops.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut next_expiry_ms = 0;
        while !self.shared.gate(gate::STOPPING) {
            self.wait(&mut events, next_expiry_ms)?;
            let started = Stopwatch::start();
            self.now = self.shared.clock.now();
            self.refresh_config();
            self.read_mail();
            self.read_again();
            for event in &events {
                self.handle(event);
            }
            self.fire_timers();
            next_expiry_ms = self.with_env(|env| expire::expire_due(env));
            self.write_long_replies();
            self.read_mail();
            self.write_all();
            self.close_all();
            self.tick();
            self.count_turn(started);
        }
        self.flush_and_close();
        Ok(())
    }

    /// Sleeps until an event, a wake-up or the next thing that is due.
    fn wait(&mut self, events: &mut Events, next_expiry_ms: i64) -> io::Result<()> {
        let busy = !self.readable.is_empty() || !self.after_mail.is_empty() || self.has_long_work();
        let until_ms = self
            .next_tick_ms
            .min(next_expiry_ms)
            .min(self.timers.next_ms().unwrap_or(NEVER));
        let inbox = &self.shared.inboxes[self.local.core];
        let sleep_until_ms = match busy {
            true => None,
            false => inbox.about_to_sleep(until_ms),
        };
        let timeout = sleep_until_ms.map_or(Duration::ZERO, |until_ms| {
            let now_ms = self.shared.clock.now().unix_ms;
            Duration::from_millis(until_ms.saturating_sub(now_ms).clamp(0, TICK_MS) as u64)
        });
        let polled = self.poll.poll(events, Some(timeout));
        inbox.awake();
        match polled {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    fn has_long_work(&self) -> bool {
        self.long.iter().any(|&token| {
            self.connections
                .get(token)
                .is_some_and(|connection| connection.out.len() < LONG_REPLY_BUFFER_BYTES)
        })
    }

    fn refresh_config(&mut self) {
        let version = self.shared.config.version();
        if version != self.config_version {
            self.config_version = version;
            self.local.config = self.shared.config.load();
            self.changes.classes = self.local.config.notify_keyspace_events;
        }
    }

    fn with_env<R>(&mut self, f: impl FnOnce(&mut Env<'_, 'static>) -> R) -> R {
        let mut locked = Locked::new(&self.shared.keyspace);
        let stats = &self.shared.stats[self.local.core];
        let meter = Meter::start(stats, &self.local.config);
        f(&mut Env {
            shared: self.shared,
            local: &mut self.local,
            locked: &mut locked,
            changes: &mut self.changes,
            now: self.now,
            meter,
        })
    }

    fn handle(&mut self, event: &mio::event::Event) {
        match event.token().0 {
            0 => {}
            token if token < FIRST_CONNECTION => self.accept(token - 1),
            token => {
                let token = token - FIRST_CONNECTION;
                // Every event says that the socket takes bytes; that is news only to a connection that has some to send.
                let waits = |connection: &Connection| !connection.out.is_empty();
                if event.is_writable() && self.connections.get(token).is_some_and(waits) {
                    self.list_for_writing(token);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.serve(token, event.is_read_closed() || event.is_error());
                }
            }
        }
    }

    /// Serves the connections that had more to read than one turn takes.
    fn read_again(&mut self) {
        for token in std::mem::take(&mut self.readable) {
            if let Some(connection) = self.connections.get_mut(token)
                && std::mem::take(&mut connection.readable)
            {
                self.serve(token, false);
            }
        }
    }

    /// Reads a connection and executes what arrived.
    fn serve(&mut self, token: usize, peer_closed: bool) {
        let Some(connection) = self.connections.get_mut(token) else {
            return;
        };
        connection.peer_closed |= peer_closed;
        // The mail that kills it may still be on its way, but nothing it has sent since may be executed.
        if connection.is_forsaken() || connection.session.record.doomed.load(Ordering::Acquire) {
            return self.closing.push(token);
        }
        if !matches!(connection.halt, Halt::None) || connection.session.closing {
            connection.readable = true;
            return;
        }
        connection.active_ms = self.now.unix_ms;
        self.lend_output(token);
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut parser = std::mem::take(&mut self.parser);
        let (read, n) = self.with_connection(token, |connection, env| {
            reading::read_and_execute(connection, &mut scratch, &mut parser, env)
        });
        self.scratch = scratch;
        self.parser = parser;
        let stats = &self.shared.stats[self.local.core];
        stats.reads.add(1);
        stats.bytes_in.add(n as u64);
        let record = &self.connections[token].session.record;
        record.bytes_in.fetch_add(n as u64, Ordering::Relaxed);
        self.after_execution(token);
        let connection = &mut self.connections[token];
        if read == Read::Closed {
            self.closing.push(token);
        } else if read == Read::Full || connection.peer_closed {
            connection.readable = true;
            self.readable.push(token);
        }
    }

    /// Executes what a connection kept while it was halted, then reads on.
    fn resume(&mut self, token: usize) {
        let Some(connection) = self.connections.get_mut(token) else {
            return;
        };
        let halt = std::mem::take(&mut connection.halt);
        if self.shared.gate(gate::STOPPING) {
            return self.list_for_writing(token);
        }
        let paused = match halt {
            Halt::Paused(request) => {
                connection.session.heard = true;
                Some(request)
            }
            _ => None,
        };
        self.lend_output(token);
        self.with_connection(token, |connection, env| {
            reading::execute_kept(connection, paused, env);
        });
        self.after_execution(token);
        if let Some(connection) = self.connections.get_mut(token) {
            connection.readable = true;
            self.readable.push(token);
        }
    }

    fn with_connection<R>(
        &mut self,
        token: usize,
        f: impl FnOnce(&mut Connection, &mut Env<'_, 'static>) -> R,
    ) -> R {
        let mut locked = Locked::new(&self.shared.keyspace);
        let stats = &self.shared.stats[self.local.core];
        let meter = Meter::start(stats, &self.local.config);
        let connection = &mut self.connections[token];
        let result = f(
            connection,
            &mut Env {
                shared: self.shared,
                local: &mut self.local,
                locked: &mut locked,
                changes: &mut self.changes,
                now: self.now,
                meter,
            },
        );
        drop(locked);
        result
    }

    /// Gives a connection without output the core's spare buffer to write into.
    fn lend_output(&mut self, token: usize) {
        let connection = &mut self.connections[token];
        if connection.out.is_empty() {
            std::mem::swap(&mut connection.out, &mut self.spare);
            connection.out.version = connection.session.version;
        }
    }

    /// What follows from having executed requests of a connection: its state is noted, its output written.
    fn after_execution(&mut self, token: usize) {
        let connection = &mut self.connections[token];
        match &connection.halt {
            Halt::None => {}
            Halt::Blocked => self.add_timer(token),
            Halt::Long(_) => self.long.push(token),
            Halt::Paused(_) if self.shared.gate(gate::PAUSED) => self.paused.push(token),
            Halt::Paused(_) => self.after_mail.push(token),
        }
        let connection = &mut self.connections[token];
        if std::mem::take(&mut self.local.yielding) && matches!(connection.halt, Halt::None) {
            connection.readable = true;
            self.readable.push(token);
        }
        note_state(connection);
        if connection.is_forsaken() {
            self.closing.push(token);
        }
        self.check_query_limit(token);
        self.write(token);
    }

    /// Sees to it that a client which has just begun to wait is told when its time is up.
    fn add_timer(&mut self, token: usize) {
        let waiter_of = |token| {
            let connection: &Connection = self.connections.get(token)?;
            connection.session.blocked.as_ref()
        };
        let Some(waiter) = waiter_of(token).filter(|waiter| waiter.wait.deadline_ms != NEVER)
        else {
            return;
        };
        let timer = Timer {
            at_ms: waiter.wait.deadline_ms,
            ticket: waiter.ticket,
            token,
        };
        self.timers.add(timer, |timer| {
            waiter_of(timer.token).is_some_and(|waiter| waiter.ticket == timer.ticket)
        });
    }

    /// Closes a connection whose requests take too much memory.
    fn check_query_limit(&mut self, token: usize) {
        let connection = &mut self.connections[token];
        let limit = match connection.session.authenticated {
            true => self.local.config.client_query_buffer_limit_bytes as usize,
            false => QUERY_BYTES_UNAUTHENTICATED,
        };
        let waiting = connection.query_bytes();
        if waiting > limit {
            self.shared.stats[self.local.core].query_limit_closed.add(1);
            tracing::warn!(
                "closing client {}: {waiting} bytes of its requests wait, more than its limit",
                connection.session.id
            );
            connection.session.closing = true;
            self.closing.push(token);
        }
    }

    fn list_for_writing(&mut self, token: usize) {
        if let Some(connection) = self.connections.get_mut(token)
            && !connection.listed
        {
            connection.listed = true;
            self.writable.push(token);
        }
    }

    fn write_all(&mut self) {
        if self.writable.is_empty() {
            return;
        }
        for token in std::mem::take(&mut self.writable) {
            if let Some(connection) = self.connections.get_mut(token) {
                connection.listed = false;
                self.write(token);
            }
        }
    }

    /// Sends what a connection has to send, and takes the spare buffer back.
    fn write(&mut self, token: usize) {
        let connection = &mut self.connections[token];
        let stats = &self.shared.stats[self.local.core];
        let mut written = Written::All;
        if !connection.out.is_empty() {
            let sent;
            (written, sent) = connection.write();
            stats.writes.add(1);
            stats.bytes_out.add(sent as u64);
            let record = &connection.session.record;
            record.bytes_out.fetch_add(sent as u64, Ordering::Relaxed);
            let (bytes, chunks) = (connection.out.len(), connection.out.chunk_count());
            record.output_bytes.store(bytes, Ordering::Relaxed);
            record.output_chunks.store(chunks, Ordering::Relaxed);
        }
        match written {
            Written::All => {
                connection.over_soft_since_ms = None;
                std::mem::swap(&mut connection.out, &mut self.spare);
                self.spare.shrink(SPARE_OUTPUT_BYTES);
                connection.out.shrink(0);
                connection.out.version = connection.session.version;
                if connection.session.closing && !matches!(connection.halt, Halt::Long(_)) {
                    self.closing.push(token);
                }
            }
            Written::Some => self.check_output_limit(token),
            Written::Broken => self.closing.push(token),
        }
    }

    /// Closes a connection whose client does not read its replies.
    fn check_output_limit(&mut self, token: usize) {
        let connection = &mut self.connections[token];
        let class = match &connection.session.subscriptions {
            Some(_) => ClientClass::Pubsub,
            None => ClientClass::Normal,
        };
        let limit = self.local.config.client_output_buffer_limit.of(class);
        let waiting = connection.out.len() as u64;
        let over = |limit_bytes| limit_bytes > 0 && waiting > limit_bytes;
        let mut exceeded = over(limit.hard_bytes);
        if over(limit.soft_bytes) {
            let since_ms = *connection
                .over_soft_since_ms
                .get_or_insert(self.now.unix_ms);
            exceeded |= self.now.unix_ms - since_ms > i64::from(limit.soft_s) * 1000;
        } else {
            connection.over_soft_since_ms = None;
        }
        if exceeded {
            self.shared.stats[self.local.core]
                .output_limit_closed
                .add(1);
            tracing::warn!(
                "closing client {}: {waiting} bytes wait for it, more than its limit",
                connection.session.id
            );
            connection.session.closing = true;
            connection.out = Reply::new(connection.session.version);
            self.closing.push(token);
        }
    }

    /// Writes a slice of every long reply.
    fn write_long_replies(&mut self) {
        for token in std::mem::take(&mut self.long) {
            let Some(connection) = self.connections.get_mut(token) else {
                continue;
            };
            let Halt::Long(rest) = &mut connection.halt else {
                continue;
            };
            let done = connection.out.len() < LONG_REPLY_BUFFER_BYTES
                && rest.write_some(&mut connection.out);
            if done {
                self.resume(token);
            } else {
                self.long.push(token);
                self.write(token);
            }
        }
    }

    fn read_mail(&mut self) {
        let mut mail = std::mem::take(&mut self.mail);
        self.shared.inboxes[self.local.core].drain(&mut mail);
        self.local.reading_mail = true;
        for message in mail.drain(..) {
            self.receive(message);
        }
        self.local.reading_mail = false;
        self.mail = mail;
        for token in std::mem::take(&mut self.after_mail) {
            self.resume_paused_one(token);
        }
    }

    fn receive(&mut self, message: Mail) {
        match message {
            Mail::Accept(_) | Mail::Listen(_) if self.shared.gate(gate::STOPPING) => {}
            Mail::Accept(accepted) => self.admit(accepted),
            Mail::Listen(listener) => self.accept(listener),
            Mail::Note(note) => self.fan_out(&note),
            Mail::Served {
                token,
                client_id,
                reply,
            } => {
                if self.is_client(token, client_id) {
                    self.unblock(token, |_, out| out.append(*reply));
                }
            }
            Mail::Unblocked {
                token,
                client_id,
                with_error,
            } => {
                if self.is_client(token, client_id) {
                    self.end_wait(
                        token,
                        if with_error {
                            Ending::Error
                        } else {
                            Ending::Timeout
                        },
                    );
                }
            }
            Mail::Kill { token, client_id } => {
                if self.is_client(token, client_id) {
                    self.closing.push(token);
                }
            }
            Mail::Monitored(line) => {
                for token in self.local.monitors.clone() {
                    self.deliver(token, |out| out.raw_shared(&line));
                }
            }
            Mail::Resume => self.resume_paused(),
            Mail::Nudge => {}
        }
    }

    fn is_client(&self, token: usize, client_id: u64) -> bool {
        self.connections
            .get(token)
            .is_some_and(|connection| connection.session.id == client_id)
    }

    /// Writes a message to every connection of this core that listens.
    fn fan_out(&mut self, note: &Note) {
        let listeners = self.local.listeners.of(note.subject, &note.name);
        for index in 0..listeners.len() {
            let listeners = self.local.listeners.of(note.subject, &note.name);
            let Some(&token) = listeners.get(index) else {
                break;
            };
            self.deliver(token, |out| note.write(out));
        }
    }

    /// Writes something to a connection that did not ask for it just now.
    fn deliver(&mut self, token: usize, write: impl FnOnce(&mut Reply)) {
        let Some(connection) = self.connections.get_mut(token) else {
            return;
        };
        if connection.session.closing {
            return;
        }
        connection.out.version = connection.session.version;
        write(&mut connection.out);
        let full = connection.out.len() > LONG_REPLY_BUFFER_BYTES;
        self.list_for_writing(token);
        if full {
            self.write(token);
        }
    }

    /// Ends a client's wait with a reply, and lets it go on.
    fn unblock(&mut self, token: usize, write: impl FnOnce(&crate::keyspace::Waiter, &mut Reply)) {
        let connection = &mut self.connections[token];
        let Some(waiter) = block::leave(self.shared, &mut connection.session) else {
            return;
        };
        connection.out.version = connection.session.version;
        if connection.session.reply_mode == crate::command::session::ReplyMode::On {
            write(&waiter, &mut connection.out);
        }
        self.list_for_writing(token);
        self.resume(token);
    }

    /// Ends the wait of a client that has been claimed and was not served.
    fn end_wait(&mut self, token: usize, ending: Ending) {
        if let Some(waiter) = self.connections[token].session.blocked.clone() {
            self.with_env(|env| block::leave_queues(env, &waiter));
            if ending == Ending::Error {
                self.shared.stats[self.local.core].error(b"UNBLOCKED");
            }
        }
        self.unblock(token, |waiter, out| {
            block::write_ending(waiter, ending, out)
        });
    }

    fn fire_timers(&mut self) {
        while let Some(timer) = self.timers.pop_due(self.now.unix_ms) {
            let waiter = self
                .connections
                .get(timer.token)
                .and_then(|connection| connection.session.blocked.as_ref())
                .filter(|waiter| waiter.ticket == timer.ticket);
            let Some(waiter) = waiter else {
                continue;
            };
            if waiter.claim() {
                self.end_wait(timer.token, Ending::Timeout);
            }
        }
    }

    fn resume_paused(&mut self) {
        for token in std::mem::take(&mut self.paused) {
            self.resume_paused_one(token);
        }
    }

    fn resume_paused_one(&mut self, token: usize) {
        if let Some(connection) = self.connections.get(token)
            && matches!(connection.halt, Halt::Paused(_))
        {
            self.resume(token);
        }
    }

    fn accept(&mut self, listener: usize) {
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
    fn deal_out(&mut self, accepted: Accepted) {
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
    fn admit(&mut self, accepted: Accepted) {
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

    fn leave(&self) {
        self.shared.connections[self.local.core].fetch_sub(1, Ordering::Relaxed);
    }

    /// In protected mode and without a password, only this machine is served.
    fn refuses_strangers(&self, accepted: &Accepted) -> bool {
        let config = &self.local.config;
        let Accepted::Tcp(stream) = accepted else {
            return false;
        };
        config.protected_mode
            && config.requirepass.is_empty()
            && !stream
                .peer_addr()
                .is_ok_and(|peer| peer.ip().to_canonical().is_loopback())
    }

    fn add_connection(&mut self, accepted: Accepted) -> io::Result<()> {
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
            self.now.unix_ms,
        );
        if matches!(socket, Socket::Unix(_)) {
            record.flags.store(flag::UNIX, Ordering::Relaxed);
        }
        clients.add(&record);
        let authenticated = self.local.config.requirepass.is_empty();
        let session = Session::new(record, token, authenticated);
        entry.insert(Connection::new(socket, session, self.now.unix_ms));
        Ok(())
    }

    fn set_up(&self, accepted: Accepted) -> io::Result<(Socket, String, String)> {
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

    fn close_all(&mut self) {
        while let Some(token) = self.closing.pop() {
            if self.connections.contains(token) {
                self.close(token);
            }
        }
    }

    /// Ends a connection and forgets everything about its client.
    fn close(&mut self, token: usize) {
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

    /// Looks after what has no event of its own: pauses that end, idle clients, output above its soft limit, listeners that could
    /// not accept.
    fn tick(&mut self) {
        if self.now.unix_ms < self.next_tick_ms {
            return;
        }
        self.next_tick_ms = self.now.unix_ms + TICK_MS;
        if !self.paused.is_empty() {
            self.resume_paused();
        }
        for listener in std::mem::take(&mut self.stalled_listeners) {
            self.accept(listener);
        }
        self.close_idle();
        let slow: Vec<usize> = self
            .connections
            .iter()
            .filter(|(_, connection)| !connection.out.is_empty())
            .map(|(token, _)| token)
            .collect();
        for token in slow {
            self.check_output_limit(token);
        }
        self.close_all();
    }

    fn close_idle(&mut self) {
        let timeout_ms = i64::from(self.local.config.timeout_s) * 1000;
        if timeout_ms == 0 {
            return;
        }
        for (token, connection) in &self.connections {
            let session = &connection.session;
            if session.blocked.is_none()
                && session.subscriptions.is_none()
                && self.now.unix_ms - connection.active_ms > timeout_ms
            {
                self.closing.push(token);
            }
        }
    }

    fn count_turn(&self, mut started: Stopwatch) {
        let stats = &self.shared.stats[self.local.core];
        stats.turns.add(1);
        stats.turn_us.add(started.lap_ns() / 1000);
    }

    /// Sends the replies that are left, as far as the peers take them, and closes everything. Replies may still come from cores
    /// that have not stopped yet.
    fn flush_and_close(mut self) {
        self.shared.stopped_cores.fetch_add(1, Ordering::SeqCst);
        let deadline_ms = self.shared.clock.now().unix_ms + FLUSH_ON_STOP_MS;
        loop {
            let all_stopped =
                self.shared.stopped_cores.load(Ordering::SeqCst) == self.shared.cores();
            self.now = self.shared.clock.now();
            self.read_mail();
            self.write_long_replies();
            let waiting: Vec<usize> = self
                .connections
                .iter()
                .filter(|(_, connection)| !connection.out.is_empty())
                .map(|(token, _)| token)
                .collect();
            for &token in &waiting {
                self.write(token);
            }
            self.close_all();
            let finished = all_stopped && waiting.is_empty() && self.long.is_empty();
            if finished || self.now.unix_ms > deadline_ms {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.discard_requests();
    }

    /// Reads what the clients have sent and nobody will execute: a socket closed with that unread resets the connection, and its peer
    /// may lose the last replies.
    fn discard_requests(&mut self) {
        for (_, connection) in &self.connections {
            for _ in 0..DISCARDING_READS {
                self.scratch.clear();
                let room = rustix::buffer::spare_capacity(&mut self.scratch);
                if !rustix::io::read(&connection.socket, room).is_ok_and(|n| n > 0) {
                    break;
                }
            }
        }
    }
}

/// Notes what other cores may see of a client.
fn note_state(connection: &Connection) {
    let record = &connection.session.record;
    record
        .active_ms
        .store(connection.active_ms, Ordering::Relaxed);
    record
        .query_bytes
        .store(connection.query_bytes(), Ordering::Relaxed);
    connection.session.note_state();
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
