//! When something happens to a key by itself: it expires, a field of it does, a stream is to be looked at.

use super::Keys;
use crate::keyspace::NEVER;

impl Keys<'_, '_> {
    /// Sets when `key`, which exists, expires; `NEVER` for not at all.
    pub fn set_deadline_ms(&mut self, key: &[u8], deadline_ms: i64) {
        if let Some(position) = self.live_position(key) {
            self.set_deadline_at(key, position, deadline_ms);
        }
    }

    pub(super) fn set_deadline_at(&mut self, key: &[u8], position: usize, deadline_ms: i64) {
        let table = self.table(key);
        if table.entry(position).deadline_ms() == deadline_ms {
            return;
        }
        table.set_deadline_ms(position, deadline_ms);
        self.publish_deadline(key, deadline_ms);
    }

    /// Notes when the first field of the hash at `key` expires, after a change that may bear on it.
    pub fn note_fields(&mut self, key: &[u8]) {
        let table = self.table(key);
        if let Some(position) = table.position(key)
            && table.note_fields(position)
        {
            self.publish_fields(key);
        }
    }

    /// Tells who looks after the stripe of `key` of what may have come to be due there.
    #[inline]
    pub(super) fn publish(&mut self, key: &[u8]) {
        self.publish_alarm(key);
        self.publish_fields(key);
    }

    pub(super) fn publish_fields(&mut self, key: &[u8]) {
        if let Some(expires_ms) = self.table(key).next_field_ms() {
            self.publish_deadline(key, expires_ms);
        }
    }

    /// Tells who looks after the stripe of `key` of a deadline there, if it is earlier than those it knows of.
    pub(super) fn publish_deadline(&mut self, key: &[u8], deadline_ms: i64) {
        if deadline_ms == NEVER {
            return;
        }
        let keyspace = self.keyspace();
        let stripe = keyspace.stripe_of(key);
        if deadline_ms < keyspace.next_deadline_ms(stripe) {
            keyspace.set_next_deadline_ms(stripe, deadline_ms);
            let ahead_ms = self.now_ms - self.steady_ms;
            let at_ms = deadline_ms.saturating_sub(ahead_ms);
            self.changes.deadlines.push((stripe, at_ms));
        }
    }

    /// Sees to it that the stream at `key` is looked at no later than `at_ms`, steady milliseconds.
    pub fn arm(&mut self, key: &[u8], at_ms: u64) {
        let table = self.table(key);
        if let Some(position) = table.position(key)
            && table.set_alarm(position, at_ms)
        {
            self.publish_alarm(key);
        }
    }

    /// Tells who looks after the stripe of `key` of an alarm there that is earlier than those it knows of.
    pub(super) fn publish_alarm(&mut self, key: &[u8]) {
        let Some(at_ms) = self.table(key).next_alarm_ms() else {
            return;
        };
        let at_ms = i64::try_from(at_ms).unwrap_or(NEVER);
        let keyspace = self.keyspace();
        let stripe = keyspace.stripe_of(key);
        if at_ms < keyspace.next_alarm_ms(stripe) {
            keyspace.set_next_alarm_ms(stripe, at_ms);
            self.changes.deadlines.push((stripe, at_ms));
        }
    }
}
