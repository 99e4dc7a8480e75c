//! Serving connections: reading and executing requests, and going on after a wait, a pause or a long reply.

use super::super::connection::{Connection, Halt};
use super::super::reading::{self, Read};
use super::super::timers::Timer;
use super::{Core, FIRST_CONNECTION, FIRST_HANDSHAKE, RECEIVE_BYTES};
use crate::command::block::{self, Ending};
use crate::command::dispatch::Env;
use crate::command::meter::{Meter, TIME_LASTS};
use crate::command::script::outlook::with_outlook;
use crate::command::server::shutdown;
use crate::command::session::ReplyMode;
use crate::command::shared::gate;
use crate::keyspace::waiters::Awaits;
use crate::keyspace::{Locked, NEVER};
use crate::resp::Reply;
use mio::event::Event;
use std::sync::atomic::Ordering;

/// The most bytes of requests that may wait for a client that has yet to authenticate.
const QUERY_BYTES_UNAUTHENTICATED: usize = 1024 * 1024;

impl Core {
    pub(super) fn handle(&mut self, event: &Event) {
        let peer_closed = says_closed(event);
        match event.token().0 {
            0 => {}
            token if token < FIRST_CONNECTION => self.accept(token - 1),
            token if token >= FIRST_HANDSHAKE => {
                self.handshakes.wake(token - FIRST_HANDSHAKE, peer_closed);
            }
            token => {
                let token = token - FIRST_CONNECTION;
                // Every event says that the socket takes bytes; that is news only to a connection that has some to send.
                let waits = Connection::has_output;
                if event.is_writable() && self.connections.get(token).is_some_and(waits) {
                    self.list_for_writing(token);
                }
                if event.is_readable() || peer_closed {
                    self.serve(token, peer_closed);
                }
            }
        }
    }

    /// Serves the connections that had more to read than one turn takes.
    pub(super) fn read_again(&mut self) {
        for token in std::mem::take(&mut self.readable) {
            if self.connections.is_away(token) {
                self.missed.push((token, false));
            } else if let Some(connection) = self.connections.get_mut(token)
                && std::mem::take(&mut connection.readable)
            {
                self.serve(token, false);
            }
        }
    }

    /// Reads a connection and executes what arrived.
    pub(super) fn serve(&mut self, token: usize, peer_closed: bool) {
        let Some(connection) = self.connections.get_mut(token) else {
            return;
        };
        connection.peer_closed |= peer_closed;
        let is_gone = connection.is_forsaken() || connection.is_killed();
        if let Some(waiter) = connection.session.blocked.as_ref().filter(|_| is_gone) {
            // What is pushed later in this turn is not for it.
            waiter.try_claim();
        }
        if connection.is_held() {
            connection.readable = true;
            return;
        }
        // The mail that kills it may still be on its way, but nothing it has sent since may be executed.
        if is_gone {
            return self.closing.push(token);
        }
        if !matches!(connection.halt, Halt::None) || connection.session.closing {
            connection.readable = true;
            return;
        }
        if self.shared.keyspace.log().is_crowded() {
            return self.crowded.push(token);
        }
        connection.active_ms = self.now.steady_ms;
        self.lend_output(token);
        let mut scratch = std::mem::take(&mut self.scratch);
        // In the midst of a script the core's own buffer is in use.
        scratch.clear();
        scratch.reserve(RECEIVE_BYTES);
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
        connection.peer_closed |= read == Read::Closed;
        // A connection that yielded goes on with what it sent before it closed.
        if read == Read::Closed && !connection.readable {
            self.closing.push(token);
        } else if read == Read::Full || connection.peer_closed {
            connection.readable = true;
            self.readable.push(token);
        }
    }

    /// Executes what a connection kept while it was halted, then reads on.
    pub(super) fn resume(&mut self, token: usize) {
        let Some(connection) = self.connections.get_mut(token) else {
            return;
        };
        if connection.is_killed() {
            return self.closing.push(token);
        }
        if connection.is_held() {
            // It goes on when it is let go.
            connection.readable = true;
            if !matches!(connection.halt, Halt::Paused(_)) {
                connection.halt = Halt::None;
            }
            return;
        }
        connection.active_ms = self.now.steady_ms;
        let halt = std::mem::take(&mut connection.halt);
        if self.shared.gate(gate::STOPPING) {
            return self.list_for_writing(token);
        }
        let paused = match halt {
            Halt::Paused(request) => {
                let is_paused = self.shared.pause_in_force(self.now).is_some();
                if !is_paused && !self.shared.gate(gate::SAVING_TO_STOP) {
                    // What it waited to run may tell who waits.
                    connection.session.hold_up(self.shared, false);
                }
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

    pub(super) fn with_connection<R>(
        &mut self,
        token: usize,
        f: impl FnOnce(&mut Connection, &mut Env<'_, 'static>) -> R,
    ) -> R {
        let mut locked = Locked::new(&self.shared.keyspace);
        let stats = &self.shared.stats[self.local.core];
        let meter = Meter::start(stats, &self.local.config);
        // Those before it in this turn may have taken long.
        if meter.began().duration_since(self.now_read_at) > TIME_LASTS {
            self.read_clock();
        }
        std::mem::swap(&mut locked.effects, &mut self.effects);
        // Nothing of what commands use is in the core meanwhile: a script may let it attend to others.
        let mut connection = self.connections.take(token);
        let mut local = self.lend_local();
        let mut changes = self.changes.lend();
        let mut env = Env {
            shared: self.shared,
            local: &mut local,
            locked: &mut locked,
            changes: &mut changes,
            now: self.now,
            meter,
        };
        let result = with_outlook(self, || f(&mut connection, &mut env));
        let now = env.now;
        drop(env);
        if now.steady_ms > self.now.steady_ms {
            self.now = now;
        }
        self.changes = changes;
        self.give_back(local);
        // Nothing is served to it from here on, were it in this turn.
        connection.peer_closed |= self.missed.contains(&(token, true));
        self.connections.put(token, connection);
        locked.release();
        self.wakes_log |= locked.take_wake();
        std::mem::swap(&mut locked.effects, &mut self.effects);
        let (logged_to, seen_to) = (locked.logged_to(), locked.seen_to());
        drop(locked);
        self.hold(token, logged_to, seen_to);
        result
    }

    /// Gives a connection without output the core's spare buffer to write into.
    pub(super) fn lend_output(&mut self, token: usize) {
        let connection = &mut self.connections[token];
        if connection.out.is_empty() {
            connection.out = self.spares.pop().unwrap_or_default();
            connection.out.version = connection.session.version;
        }
    }

    /// What follows from having executed requests of a connection: its state is noted, its output written.
    pub(super) fn after_execution(&mut self, token: usize) {
        let connection = &mut self.connections[token];
        let gates = gate::PAUSED | gate::SAVING_TO_STOP;
        let held_up = matches!(connection.halt, Halt::Paused(_)) && self.shared.gate(gates);
        connection.session.hold_up(self.shared, held_up);
        match &connection.halt {
            Halt::None => {}
            Halt::Blocked => self.await_what_it_waits_for(token),
            Halt::Long(_) => self.long.push(token),
            Halt::Paused(_) if held_up => self.paused.push(token),
            Halt::Paused(_) => self.after_mail.push(token),
        }
        let connection = &mut self.connections[token];
        if std::mem::take(&mut self.local.yielding) && matches!(connection.halt, Halt::None) {
            connection.readable = true;
            self.readable.push(token);
        }
        note_state(connection);
        if connection.is_forsaken() {
            if let Some(waiter) = &connection.session.blocked {
                waiter.try_claim();
            }
            self.closing.push(token);
        }
        self.check_query_limit(token);
        self.gather(token);
    }

    /// Closes a connection whose requests take too much memory.
    pub(super) fn check_query_limit(&mut self, token: usize) {
        let connection = &mut self.connections[token];
        let limit = match connection.session.is_let_in(self.shared) {
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

    pub(super) fn resume_paused(&mut self) {
        for token in std::mem::take(&mut self.paused) {
            self.resume_paused_one(token);
        }
    }

    pub(super) fn resume_paused_one(&mut self, token: usize) {
        if let Some(connection) = self.connections.get(token)
            && matches!(connection.halt, Halt::Paused(_))
        {
            self.resume(token);
        }
    }

    fn await_what_it_waits_for(&mut self, token: usize) {
        self.add_timer(token);
        self.await_log(token);
        let session = &self.connections[token].session;
        if session
            .blocked
            .as_ref()
            .is_some_and(|waiter| waiter.wait.awaits == Awaits::Staying)
        {
            shutdown::waits(self.shared, session.id);
        }
    }

    /// Sees to it that a client which has just begun to wait is told when its time is up.
    pub(super) fn add_timer(&mut self, token: usize) {
        let waiter_of = |token| {
            let connection: &Connection = self.connections.get(token)?;
            connection.session.blocked.as_ref()
        };
        let Some(waiter) = waiter_of(token).filter(|waiter| waiter.wait.deadline_ms != NEVER)
        else {
            return;
        };
        let timer = Timer {
            // The clock was rounded down when the wait began: without the one more, it could end early.
            at_ms: waiter.wait.deadline_ms.saturating_add(1),
            ticket: waiter.ticket,
            token,
        };
        self.timers.add(timer, |timer| {
            waiter_of(timer.token).is_some_and(|waiter| waiter.ticket == timer.ticket)
        });
    }

    pub(super) fn fire_timers(&mut self) {
        while let Some(timer) = self.timers.pop_due(self.now.steady_ms) {
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

    /// Ends a client's wait with a reply, and lets it go on.
    pub(super) fn unblock(
        &mut self,
        token: usize,
        write: impl FnOnce(&crate::keyspace::Waiter, &mut Reply),
    ) {
        let connection = &mut self.connections[token];
        let Some(waiter) = block::leave(self.shared, &mut connection.session) else {
            return;
        };
        connection.active_ms = self.now.steady_ms;
        connection.session.commands += 1;
        connection.out.version = connection.session.version;
        match connection.session.reply_mode {
            ReplyMode::Skip => connection.session.reply_mode = ReplyMode::On,
            ReplyMode::Off => {}
            ReplyMode::On | ReplyMode::SkipNext => write(&waiter, &mut connection.out),
        }
        self.list_for_writing(token);
        self.resume(token);
    }

    /// Ends the wait of a client that has been claimed and was not served.
    pub(super) fn end_wait(&mut self, token: usize, ending: Ending) {
        if let Some(waiter) = self.connections[token].session.blocked.clone() {
            self.with_env(|env| block::leave_queues(env, &waiter));
            block::count_unserved(&self.shared.stats[self.local.core], &waiter, ending);
        }
        let log = self.shared.keyspace.log();
        self.unblock(token, |waiter, out| {
            block::write_ending(log, waiter, ending, out)
        });
    }
}

/// True if an event tells that the peer sends no more.
pub(super) fn says_closed(event: &Event) -> bool {
    event.is_read_closed() || event.is_error()
}

/// Notes what other cores may see of a client.
fn note_state(connection: &mut Connection) {
    let record = &connection.session.record;
    record
        .active_ms
        .store(connection.active_ms, Ordering::Relaxed);
    record
        .query_bytes
        .store(connection.query_bytes(), Ordering::Relaxed);
    connection.session.note_state();
}
