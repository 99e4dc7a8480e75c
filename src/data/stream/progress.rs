//! How far a group has come: Redis's logical read counter and the lag that follows from it.
//!
//! A stream counts the entries ever added, a group those it has read. The difference is the lag, but only while no
//! deleted entry (a tombstone) lies ahead of the group: which of the added entries were deleted is not remembered, only the greatest
//! deleted id is. Where the count cannot be known it is `None`, until the group stands at a place where it can.

use super::group::Group;
use super::id::Id;
use super::log::Log;

impl Log {
    /// How many entries `group` has yet to read, where that can be known.
    pub fn lag(&self, group: &Group) -> Option<u64> {
        if self.entries_added == 0 || self.len == 0 {
            return Some(0);
        }
        if group.last_id < self.first_id && self.max_deleted_id < self.first_id {
            return Some(self.len);
        }
        let read = match group.entries_read {
            Some(read) if !self.has_tombstone_from(group.last_id) => read,
            _ => self.entries_up_to(group.last_id)?,
        };
        // Both counters can be set by command, to anything.
        Some(self.entries_added.wrapping_sub(read))
    }

    /// The count of entries read by a group that stood at `last_id` and is now given the entry `id`.
    #[inline]
    pub fn entries_read_after(
        &self,
        entries_read: Option<u64>,
        last_id: Id,
        id: Id,
    ) -> Option<u64> {
        match entries_read {
            // A group that stood before the first entry has missed what was trimmed since.
            Some(read) if last_id >= self.first_id && !self.has_tombstone_from(last_id) => {
                Some(read + 1)
            }
            _ if self.entries_added != 0 => self.entries_up_to(id),
            unknown => unknown,
        }
    }

    /// How many entries the stream had ever had once `id` was added, where that can be known.
    pub fn entries_up_to(&self, id: Id) -> Option<u64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= self.last_id {
            return Some(self.entries_added);
        }
        if id != Id::MIN && id < self.max_deleted_id {
            return None;
        }
        if id == self.last_id {
            return Some(self.entries_added);
        }
        if id > self.last_id {
            return None;
        }
        let unbroken = self.max_deleted_id == Id::MIN || self.max_deleted_id < self.first_id;
        match id.cmp(&self.first_id) {
            std::cmp::Ordering::Less if unbroken => Some(self.entries_added.wrapping_sub(self.len)),
            std::cmp::Ordering::Equal if unbroken => {
                Some(self.entries_added.wrapping_sub(self.len) + 1)
            }
            _ => None,
        }
    }

    /// Whether an entry at `id` or later may have been deleted from among the present ones.
    #[inline]
    fn has_tombstone_from(&self, id: Id) -> bool {
        self.max_deleted_id != Id::MIN
            && self.len != 0
            && self.first_id <= self.max_deleted_id
            && id <= self.max_deleted_id
    }
}
