//! How what consumer groups note is logged: as commands that Redis replays to the same state.
//!
//! A delivery of many entries is one XCLAIM of all of them (for each run of entries with one delivery count), with the time of the delivery
//! and without a condition; how far the group has read follows as XGROUP SETID. The moment stands before a claim, since the consumer was seen
//! and active then.

use crate::command::Keys;
use crate::data::stream::{Acks, Field, Group, Id, Log};
use crate::keyspace::effects::{Effect, Moment};

/// An entry and how often it has been delivered.
pub type Delivered = (Id, u64);

/// Continues a command with ids.
pub fn with_ids<'e>(effect: Effect<'e>, ids: impl IntoIterator<Item = Id>) -> Effect<'e> {
    ids.into_iter()
        .fold(effect, |effect, id| effect.arg(&id.text()))
}

/// Says, beside the request, which entries groups had pending and have no longer.
pub fn acked(keys: &mut Keys<'_, '_>, key: &[u8], acks: &Acks) {
    for (group, ids) in acks.iter() {
        ids_aside(keys, &[b"XACK", key, group], ids);
    }
}

/// Says, beside the request, which entries were deleted.
pub fn deleted(keys: &mut Keys<'_, '_>, key: &[u8], ids: &[Id]) {
    ids_aside(keys, &[b"XDEL", key], ids);
}

fn ids_aside(keys: &mut Keys<'_, '_>, words: &[&[u8]], ids: &[Id]) {
    /// No command is longer than one of a client's may be.
    const IDS_A_COMMAND: usize = 10_000;
    for ids in ids.chunks(IDS_A_COMMAND) {
        if let Some(effect) = keys.logs_aside(words.len() + ids.len()) {
            let effect = effect.args(words.iter().copied());
            with_ids(effect, ids.iter().copied()).end();
        }
    }
}

/// Says with `effect`, of 3 arguments and two for each field, that an entry was added.
pub fn added<'f>(
    effect: Effect<'_>,
    key: &[u8],
    id: Id,
    fields: impl IntoIterator<Item = Field<'f>>,
) {
    let effect = effect.arg(b"XADD").arg(key).arg(&id.text());
    let fields = fields.into_iter();
    fields
        .fold(effect, |effect, (name, value)| effect.arg(name).arg(value))
        .end();
}

/// The entries in runs of those with one delivery count, and that count: a command tells one for all its ids.
fn runs(entries: &[Delivered]) -> impl Iterator<Item = (impl ExactSizeIterator<Item = Id>, u64)> {
    let runs = entries.chunk_by(|(_, one), (_, other)| one == other);
    runs.map(|run| (run.iter().map(|&(id, _)| id), run[0].1))
}

/// Whose doing it is.
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    /// The stream.
    pub key: &'a [u8],
    /// The group.
    pub group: &'a [u8],
    /// The consumer.
    pub consumer: &'a [u8],
    /// When, Unix milliseconds.
    pub now_ms: u64,
    /// It is given again what it was given before: no activity of its own.
    pub again: bool,
}

impl Actor<'_> {
    /// Entries became the consumer's at `time_ms`.
    pub fn delivered(&self, keys: &mut Keys<'_, '_>, entries: &[Delivered], time_ms: u64) {
        const FIXED_ARGS: usize = 11;
        for (ids, count) in runs(entries) {
            let Some(effect) = keys.logs_at(self.moment(), FIXED_ARGS + ids.len()) else {
                return;
            };
            let effect = effect
                .arg(b"XCLAIM")
                .arg(self.key)
                .arg(self.group)
                .arg(self.consumer)
                .arg(b"0");
            with_ids(effect, ids)
                .arg(b"TIME")
                .uint(time_ms)
                .arg(b"RETRYCOUNT")
                .uint(count)
                .arg(b"FORCE")
                .arg(b"JUSTID")
                .end();
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            unix_ms: self.now_ms as i64,
            again: self.again,
        }
    }

    /// The consumer came to be, without an entry.
    pub fn created(&self, keys: &mut Keys<'_, '_>) {
        if let Some(effect) = keys.logs_at(self.moment(), 5) {
            effect
                .arg(b"XGROUP")
                .arg(b"CREATECONSUMER")
                .arg(self.key)
                .arg(self.group)
                .arg(self.consumer)
                .end();
        }
    }

    /// Entries are settled.
    pub fn settled(&self, keys: &mut Keys<'_, '_>, ids: &[Id]) {
        if ids.is_empty() {
            return;
        }
        let Some(effect) = keys.logs(3 + ids.len()) else {
            return;
        };
        let effect = effect.arg(b"XACK").arg(self.key).arg(self.group);
        with_ids(effect, ids.iter().copied()).end();
    }

    /// The group has read so far. XGROUP takes no count beyond that of the entries, though one can come to be: then the stream has more
    /// for a moment.
    pub fn progressed(&self, keys: &mut Keys<'_, '_>, progress: Progress) {
        let read = progress.entries_read.unwrap_or(0);
        let is_beyond = read > progress.entries_added;
        if is_beyond {
            self.entries_added(keys, progress, read);
        }
        if let Some(effect) = keys.logs(7) {
            effect
                .arg(b"XGROUP")
                .arg(b"SETID")
                .arg(self.key)
                .arg(self.group)
                .arg(&progress.last_delivered.text())
                .arg(b"ENTRIESREAD")
                .int(progress.entries_read.map_or(-1, |read| read as i64))
                .end();
        }
        if is_beyond {
            self.entries_added(keys, progress, progress.entries_added);
        }
    }

    fn entries_added(&self, keys: &mut Keys<'_, '_>, progress: Progress, count: u64) {
        if let Some(effect) = keys.logs(5) {
            effect
                .arg(b"XSETID")
                .arg(self.key)
                .arg(&progress.last_id.text())
                .arg(b"ENTRIESADDED")
                .uint(count)
                .end();
        }
    }
}

/// Says to Redis alone that entries are pending which it would not have, for a consumer without a name: from there, somebody can claim them.
pub fn kept_for_redis(
    keys: &mut Keys<'_, '_>,
    (key, group): (&[u8], &[u8]),
    entries: &[Delivered],
) {
    const FIXED_ARGS: usize = 9;
    for (ids, count) in runs(entries) {
        let Some(effect) = keys.logs_for_redis(FIXED_ARGS + ids.len()) else {
            return;
        };
        let effect = effect.arg(b"XCLAIM").arg(key).arg(group).arg(b"").arg(b"0");
        with_ids(effect, ids)
            .arg(b"RETRYCOUNT")
            .uint(count)
            .arg(b"FORCE")
            .arg(b"JUSTID")
            .end();
    }
}

/// Logs that entries of a group are nobody's, due at `due_ms`, 0 for at once.
pub fn released(
    keys: &mut Keys<'_, '_>,
    (key, group): (&[u8], &[u8]),
    entries: &[Delivered],
    due_ms: u64,
) {
    const FIXED_ARGS: usize = 11;
    // No delay at all would be at once, ahead of what came to be due before: what is due by now is told as of the millisecond before.
    let told_ms = keys.steady().min(due_ms.saturating_sub(1));
    let moment = (due_ms > 0).then_some(Moment {
        unix_ms: told_ms.cast_signed(),
        again: true,
    });
    let delay_ms = due_ms - told_ms;
    for (ids, count) in runs(entries) {
        let Some(effect) = keys.logs_hidden(moment, FIXED_ARGS + ids.len()) else {
            return;
        };
        let effect = effect
            .arg(b"XNACK")
            .arg(key)
            .arg(group)
            .arg(b"SILENT")
            .arg(b"IDS")
            .uint(ids.len() as u64);
        with_ids(effect, ids)
            .arg(b"RETRYCOUNT")
            .uint(count)
            .arg(b"FORCE")
            .arg(b"DELAY")
            .uint(delay_ms)
            .end();
    }
}

/// How far a group has read.
#[derive(Clone, Copy)]
pub struct Progress {
    /// The last id it has been given.
    last_delivered: Id,
    /// How many entries that were, if known.
    entries_read: Option<u64>,
    /// The stream's last id.
    last_id: Id,
    /// How many entries the stream ever had.
    entries_added: u64,
}

/// How far `group` has read.
pub fn progress(log: &Log, group: &Group) -> Progress {
    Progress {
        last_delivered: group.last_id,
        entries_read: group.entries_read,
        last_id: log.last_id(),
        entries_added: log.entries_added(),
    }
}
