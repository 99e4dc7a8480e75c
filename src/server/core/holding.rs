//! Replies that wait for the log: what a client is told is durable under `appendfsync always`.
//!
//! A connection whose requests had effects is *held* until the log is durable up to them: nothing is sent to it and nothing is read from
//! it, while the core goes on with others. The log's writer tells the core when more is durable. If the disk fails instead, the
//! connection is closed without the replies: what they would say cannot be promised.
//!
//! Whoever only looked is held too, if what it looked at is not durable yet: a value, a refusal or a count tells of another's effect no
//! sooner than that other hears of it. Redis holds every reply back until it has synced. Here each stripe knows the offset of the last
//! effect on it, so a reply waits for no more than that, and not at all where nobody has just written. While the disk fails reads go on:
//! they tell of what is in memory. What subscribers and monitors hear is not held.

use super::super::connection::Halt;
use super::Core;
use crate::command::block::{self, Ending};
use crate::command::error;
use crate::command::shared::gate;
use crate::keyspace::Waiter;
use crate::keyspace::waiters::Awaits;
use crate::resp::Reply;
use std::sync::atomic::{Ordering, fence};

impl Core {
    /// Notes that a connection's requests have had effects up to `logged_to`, and have seen others' up to `seen_to`, 0 for none; it is
    /// held until they are durable, if it has to be.
    #[inline]
    pub(super) fn hold(&mut self, token: usize, logged_to: u64, seen_to: u64) {
        let told_to = logged_to.max(seen_to);
        if told_to == 0 {
            return;
        }
        let connection = &mut self.connections[token];
        connection.session.logged_to = connection.session.logged_to.max(logged_to);
        let log = self.shared.keyspace.log();
        if log.is_holding() && log.answerable() < told_to {
            let reads_only = logged_to == 0 && self.shared.gate(gate::LOG_FAILED);
            if !reads_only {
                self.hold_until(token, told_to);
            }
        }
    }

    fn hold_until(&mut self, token: usize, offset: u64) {
        let connection = &mut self.connections[token];
        if connection.hold_until >= offset {
            return;
        }
        connection.hold_until = offset;
        // Whoever has appended what it waits for may be long in waking the log's writer.
        self.wakes_log = true;
        let after = |(before, _): &(u64, usize)| *before <= offset;
        let at = match self.held.back().is_none_or(after) {
            true => self.held.len(),
            // What another core has logged on a client's behalf may be heard of late, and a reader may have seen less than the last.
            false => self.held.partition_point(after),
        };
        self.held.insert(at, (offset, token));
    }

    /// True while replies or clients wait for the log.
    pub(super) fn awaits_log(&self) -> bool {
        !self.held.is_empty() || !self.awaiting_log.is_empty()
    }

    /// True when something may be let go, or is to be closed, at once. After false the log's writer will tell when that changes.
    pub(super) fn may_let_go(&self) -> bool {
        let held = self.held.front().map(|(offset, _)| *offset);
        let awaited = self.awaiting_log.iter().map(|(offset, ..)| *offset).min();
        if held.or(awaited).is_none() {
            return false;
        }
        self.shared.holding[self.local.core].store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let log = self.shared.keyspace.log();
        let may_answer = |offset| {
            let is_over = !log.is_holding() || self.shared.gate(gate::LOG_FAILED);
            is_over || !log.is_recording() || log.answerable() >= offset
        };
        let is_known = |offset| !self.keeps_log() || (log.is_whole() && log.durable() >= offset);
        held.is_some_and(may_answer) || awaited.is_some_and(is_known)
    }

    /// A client that has begun to wait for the log, if that is what it waits for, is answered when the log is durable.
    pub(super) fn await_log(&mut self, token: usize) {
        if let Some(waiter) = &self.connections[token].session.blocked
            && let Awaits::Durable(offset) = waiter.wait.awaits
        {
            self.awaiting_log.push((offset, token, waiter.ticket));
        }
    }

    /// Answers those who wait for the log and need not any more.
    fn answer_awaiting(&mut self) {
        let log = self.shared.keyspace.log();
        let keeps_log = self.keeps_log();
        // Read in this order: what is durable counts only if there was a base for it.
        let durable = log.durable();
        let is_durable = |offset| log.is_whole() && offset <= durable;
        let awaiting = std::mem::take(&mut self.awaiting_log);
        let (waiting, over): (Vec<_>, Vec<_>) =
            awaiting.into_iter().partition(|&(offset, token, ticket)| {
                keeps_log && !is_durable(offset) && self.waiter(token, ticket).is_some()
            });
        // Whoever is answered goes on, maybe with a script in whose midst others begin to wait, and are answered.
        self.awaiting_log = waiting;
        for (_, token, ticket) in over {
            self.answer_awaiting_one(token, ticket, keeps_log);
        }
    }

    fn answer_awaiting_one(&mut self, token: usize, ticket: u64, keeps_log: bool) {
        let waiter = self.waiter(token, ticket);
        let Some(waiter) = waiter.filter(|waiter| waiter.claim()) else {
            return;
        };
        let stats = &self.shared.stats[self.local.core];
        block::count_unserved(stats, waiter, Ending::Timeout);
        self.unblock(token, |_, out| match keeps_log {
            false => out.error(error::NUMLOCAL_WITHOUT_LOG.text()),
            true => {
                out.array(2);
                out.int(1);
                out.int(0);
            }
        });
    }

    /// True if there is a log, or one is to begin.
    fn keeps_log(&self) -> bool {
        self.shared.config.load().appendonly
    }

    /// The wait of this ticket, unless it is over.
    fn waiter(&self, token: usize, ticket: u64) -> Option<&Waiter> {
        let waiter = self.connections.get(token)?.session.blocked.as_deref();
        waiter.filter(|waiter| waiter.ticket == ticket)
    }

    /// Lets those connections go on whose effects are durable.
    pub(super) fn let_go(&mut self) {
        if !self.awaiting_log.is_empty() {
            self.answer_awaiting();
        }
        if self.held.is_empty() {
            return;
        }
        let log = self.shared.keyspace.log();
        let answerable = match log.is_holding() {
            true => log.answerable(),
            false => u64::MAX,
        };
        while let Some(&(offset, token)) = self.held.front() {
            if offset > answerable {
                break;
            }
            self.held.pop_front();
            self.let_one_go(offset, token);
        }
        if self.shared.gate(gate::LOG_FAILED) {
            self.close_held();
        }
    }

    /// Lets a connection go on that was held until `offset`, unless it has gone or is held for longer.
    fn let_one_go(&mut self, offset: u64, token: usize) {
        let Some(connection) = self.connections.get_mut(token) else {
            return;
        };
        if connection.hold_until != offset {
            return;
        }
        connection.hold_until = 0;
        connection.active_ms = self.now.steady_ms;
        let goes_on = std::mem::take(&mut connection.readable);
        self.list_for_writing(token);
        if goes_on {
            self.resume_held(token);
        }
    }

    /// A connection that wanted to go on while it was held does.
    fn resume_held(&mut self, token: usize) {
        match self.connections[token].halt {
            // In the midst of a script its request would be refused; it may be that no end of a pause is told any more.
            Halt::Paused(_) if self.is_lent() => self.after_mail.push(token),
            Halt::None | Halt::Paused(_) => self.resume(token),
            // What it waits for lets it go on, unless its peer has gone meanwhile.
            Halt::Blocked | Halt::Long(_) => self.serve(token, false),
        }
    }

    /// The log has failed: who has written hears nothing, who has only looked is answered.
    fn close_held(&mut self) {
        let answerable = self.shared.keyspace.log().answerable();
        for (offset, token) in std::mem::take(&mut self.held) {
            let Some(connection) = self.connections.get_mut(token) else {
                continue;
            };
            if connection.session.logged_to <= answerable {
                self.let_one_go(offset, token);
            } else if connection.hold_until == offset {
                tracing::warn!(
                    "closing client {}: its writes may not have reached the disk",
                    connection.session.id
                );
                connection.out = Reply::new(connection.session.version);
                connection.held = None;
                connection.session.closing = true;
                self.closing.push(token);
            }
        }
    }

    /// Reads what had to wait for the log's writer, if it has caught up.
    pub(super) fn read_crowded(&mut self) {
        if self.crowded.is_empty() || self.shared.keyspace.log().is_crowded() {
            return;
        }
        for token in std::mem::take(&mut self.crowded) {
            if let Some(connection) = self.connections.get_mut(token) {
                connection.readable = true;
                self.readable.push(token);
            }
        }
    }
}
