//! Hashes of which a command looks at some fields by name and at nothing else, not even at how many there are: it need not wait for all fields
//! to go whose time is up.

use super::Keys;
use crate::command::error::{Error, WRONG_TYPE};
use crate::command::hash::expire::expire_named;
use crate::data::{Hash, Kind};
use crate::keyspace::notify;

/// Fields that one command in the log says to have expired.
const FIELDS_PER_EFFECT: usize = 64;

impl Keys<'_, '_> {
    /// The hash at `key` for a command that reads its fields `names`.
    #[inline]
    pub fn read_fields<'n>(
        &mut self,
        key: &[u8],
        names: impl Iterator<Item = &'n [u8]>,
    ) -> Result<Option<&Hash>, Error> {
        let position = self.position_of_fields(key, names);
        let Some(position) = self.counted(key, position) else {
            return Ok(None);
        };
        let entry = self.table(key).entry(position);
        Hash::of(&entry.value).map(Some).ok_or(WRONG_TYPE)
    }

    /// The same for a command that writes them.
    #[inline]
    pub fn find_fields<'n>(
        &mut self,
        key: &[u8],
        names: impl Iterator<Item = &'n [u8]>,
    ) -> Result<Option<&mut Hash>, Error> {
        let Some(position) = self.position_of_fields(key, names) else {
            return Ok(None);
        };
        let entry = self.table(key).entry_mut(position);
        Hash::of_mut(&mut entry.value).map(Some).ok_or(WRONG_TYPE)
    }

    /// The same; the hash is made if need be.
    #[inline]
    pub fn open_fields<'n>(
        &mut self,
        key: &[u8],
        names: impl Iterator<Item = &'n [u8]>,
    ) -> Result<&mut Hash, Error> {
        let position = match self.position_of_fields(key, names) {
            Some(position) => position,
            None => self.insert_at(key, Hash::new().into()),
        };
        let entry = self.table(key).entry_mut(position);
        Hash::of_mut(&mut entry.value).ok_or(WRONG_TYPE)
    }

    #[inline(always)]
    fn position_of_fields<'n>(
        &mut self,
        key: &[u8],
        names: impl Iterator<Item = &'n [u8]>,
    ) -> Option<usize> {
        self.position_or::<Hash>(key, |keys, key| keys.position_of_late_fields(key, names))
    }

    #[cold]
    fn position_of_late_fields<'n>(
        &mut self,
        key: &[u8],
        names: impl Iterator<Item = &'n [u8]>,
    ) -> Option<usize> {
        let position = self.live_position(key)?;
        let value = &self.used(key, position).entry(position).value;
        let next_ms = Hash::of(value).and_then(Hash::next_due_ms);
        if self.replaying || next_ms.is_none_or(|next_ms| next_ms > self.wall()) {
            return Some(position);
        }
        expire_named(self, key, names);
        self.live_position(key)
    }

    /// Fields of the hash at `key` went because their time was up, and with the last one the key: says so to whoever has to know.
    pub fn expired_fields(&mut self, key: &[u8], names: &[Box<[u8]>]) {
        self.changes.expired_fields += names.len() as u64;
        self.notify(notify::HASH, "hexpired", key);
        if self.is_logged() {
            for names in names.chunks(FIELDS_PER_EFFECT) {
                self.locked.effects.field_expiry(self.db, key, names);
            }
        }
        if self.peek_as::<Hash>(key).is_some_and(Hash::is_empty) {
            self.remove(key);
            self.notify(notify::GENERIC, "del", key);
            return;
        }
        self.note_fields(key);
        let db = self.db;
        self.locked.stripe_of(key).signal_changed(db, key);
    }
}
