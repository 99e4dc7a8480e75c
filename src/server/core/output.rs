//! Output: writing connections, limits for those that do not read, long replies in slices, messages nobody asked for just now.

use super::super::connection::{Halt, Written};
use super::Core;
use crate::config::ClientClass;
use crate::pubsub::{Name, Note, Subject};
use crate::resp::Reply;
use std::sync::atomic::Ordering;

/// A spare output buffer is kept up to this size.
const SPARE_OUTPUT_BYTES: usize = 256 * 1024;
/// Replies are sent when this many connections have some, or at the end of the turn. So many spare output buffers are kept, too.
const GATHERED: usize = 16;
/// A connection that has more than this to hear hears it at once: its share of a wake-up is small, and it need not lie in memory. Not where
/// the log has to be written before.
const GATHERED_BYTES: usize = 8192;
/// A long reply is written on while less than this waits to be sent.
const LONG_REPLY_BUFFER_BYTES: usize = 256 * 1024;

impl Core {
    pub(super) fn list_for_writing(&mut self, token: usize) {
        if let Some(connection) = self.connections.get_mut(token)
            && !connection.listed
        {
            connection.listed = true;
            self.writable.push(token);
        }
    }

    /// Sends what is there to send, the latest first: who has waited for what another sent, be it a message or an element, hears of it before that
    /// other hears that it was taken.
    pub(super) fn write_all(&mut self) {
        if self.writable.is_empty() {
            return;
        }
        let mut writable = std::mem::take(&mut self.writable);
        for token in writable.drain(..).rev() {
            if let Some(connection) = self.connections.get_mut(token) {
                connection.listed = false;
                self.write(token);
            } else if self.connections.is_away(token) {
                // It counts as listed, and is once it is back.
                self.writable.push(token);
            }
        }
        if self.writable.is_empty() {
            self.writable = writable;
        }
    }

    /// Sends what a connection has to send; if that is little, one after another with what others have. To wake a peer that sleeps costs as much
    /// as to send, and who has several of the connections is woken once.
    pub(super) fn gather(&mut self, token: usize) {
        let connection = &self.connections[token];
        let is_much = connection.out.len() > GATHERED_BYTES && !self.has_to_write_log();
        if is_much || connection.is_held() {
            return self.write(token);
        }
        self.list_for_writing(token);
        if self.writable.len() >= GATHERED {
            self.write_all();
        }
    }

    /// True while what replies may tell of has yet to be handed to the kernel.
    fn has_to_write_log(&self) -> bool {
        let log = self.shared.keyspace.log();
        self.shared.storage.aof.awaits_cores(log)
    }

    /// Sends what a connection has to send, and takes the spare buffer back.
    pub(super) fn write(&mut self, token: usize) {
        if self.connections[token].is_held() {
            return self.check_output_limit(token);
        }
        if self.has_to_write_log() {
            let log = self.shared.keyspace.log();
            self.shared.storage.aof.write_through(log);
        }
        let connection = &mut self.connections[token];
        let stats = &self.shared.stats[self.local.core];
        let mut written = Written::All;
        if connection.has_output() {
            let sent;
            (written, sent) = connection.socket.write(&mut connection.out);
            if sent > 0 {
                connection.active_ms = self.now.steady_ms;
            }
            stats.writes.add(1);
            stats.bytes_out.add(sent as u64);
            let record = &connection.session.record;
            record.bytes_out.fetch_add(sent as u64, Ordering::Relaxed);
            let (bytes, chunks) = (connection.output_bytes(), connection.out.chunk_count());
            record.output_bytes.store(bytes, Ordering::Relaxed);
            record.output_chunks.store(chunks, Ordering::Relaxed);
        }
        match written {
            Written::All => {
                connection.over_soft_since_ms = None;
                let mut out = std::mem::take(&mut connection.out);
                connection.out.version = connection.session.version;
                if self.spares.len() < GATHERED {
                    out.shrink(SPARE_OUTPUT_BYTES);
                    self.spares.push(out);
                }
                if connection.session.closing && !matches!(connection.halt, Halt::Long(_)) {
                    self.closing.push(token);
                }
            }
            Written::Some => self.check_output_limit(token),
            Written::Broken => self.closing.push(token),
        }
    }

    /// Closes a connection whose client does not read its replies.
    pub(super) fn check_output_limit(&mut self, token: usize) {
        let connection = &mut self.connections[token];
        let class = match &connection.session.subscriptions {
            Some(_) => ClientClass::Pubsub,
            None => ClientClass::Normal,
        };
        let limit = self.local.config.client_output_buffer_limit.of(class);
        let waiting = connection.output_bytes() as u64;
        let over = |limit_bytes| limit_bytes > 0 && waiting > limit_bytes;
        let mut exceeded = over(limit.hard_bytes);
        if over(limit.soft_bytes) {
            let since_ms = *connection
                .over_soft_since_ms
                .get_or_insert(self.now.steady_ms);
            exceeded |= self.now.steady_ms - since_ms > i64::from(limit.soft_s) * 1000;
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
            connection.held = None;
            self.closing.push(token);
        }
    }

    /// Writes a slice of every long reply.
    pub(super) fn write_long_replies(&mut self) {
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
                if let Some(held) = connection.held.take() {
                    connection.out.append(*held);
                }
                self.resume(token);
            } else {
                self.long.push(token);
                self.write(token);
            }
        }
    }

    pub(super) fn has_long_work(&self) -> bool {
        self.long.iter().any(|&token| {
            self.connections
                .get(token)
                .is_some_and(|connection| connection.out.len() < LONG_REPLY_BUFFER_BYTES)
        })
    }

    /// Writes something to a connection that did not ask for it just now.
    pub(super) fn deliver(&mut self, token: usize, write: impl FnOnce(&mut Reply)) {
        let Some(connection) = self.connections.get_mut(token) else {
            return;
        };
        if connection.session.closing {
            return;
        }
        let in_long_reply = matches!(connection.halt, Halt::Long(_));
        let out = match in_long_reply {
            true => connection.held.get_or_insert_default(),
            false => &mut connection.out,
        };
        out.version = connection.session.version;
        write(out);
        let full = out.len() > LONG_REPLY_BUFFER_BYTES;
        self.list_for_writing(token);
        match full {
            true if in_long_reply => self.check_output_limit(token),
            true => self.write(token),
            false => {}
        }
    }

    /// Writes a message to every connection of this core that listens.
    pub(super) fn fan_out(&mut self, note: &Note) {
        self.fan_out_to((note.subject, &note.name), |out| note.write(out));
    }

    /// Writes what was published here to every connection of this core that listens.
    pub(super) fn fan_out_gathered(&mut self) {
        if self.local.gathered.is_empty() {
            return;
        }
        let mut gathered = std::mem::take(&mut self.local.gathered);
        for run in gathered.runs() {
            self.fan_out_to((run.subject, run.name), |out| run.write(out));
        }
        gathered.clear();
        self.local.gathered = gathered;
    }

    fn fan_out_to(&mut self, (subject, name): (Subject, &Name), write: impl Fn(&mut Reply)) {
        let mut audience = std::mem::take(&mut self.audience);
        self.local.listeners.gather(subject, name, &mut audience);
        for &token in &audience.tokens {
            self.deliver(token, &write);
        }
        self.audience = audience;
    }
}
