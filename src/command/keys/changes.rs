//! What commands have done to the keyspace and what has to follow from it.

use crate::data::Value;

/// A keyspace event to be published.
#[derive(Debug)]
pub struct Event {
    /// Database of the key.
    pub db: usize,
    /// What happened.
    pub name: &'static str,
    /// To which key.
    pub key: Box<[u8]>,
}

/// What commands have done to the keyspace and what has to follow from it.
#[derive(Debug, Default)]
pub struct Changes {
    /// Changes made, as INFO's `rdb_changes_since_last_save` counts them.
    pub dirty: u64,
    /// Further ones, which say nothing of whether the request is to be logged.
    pub dirty_aside: u64,
    /// Classes of events that somebody may listen to.
    pub classes: u32,
    /// Events to publish, in order.
    pub events: Vec<Event>,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Keys removed because their time was up.
    pub expired: u64,
    /// Keys removed for want of memory.
    pub evicted: u64,
    /// Fields removed because their time was up.
    pub expired_fields: u64,
    /// Values to be freed away from the event loop.
    pub discarded: Vec<Value>,
    /// The stripes that have something to do at a time, and the time, steady milliseconds.
    pub deadlines: Vec<(usize, i64)>,
}

impl Changes {
    /// Gives away what there is; what is changed meanwhile is noted for the same listeners.
    pub fn lend(&mut self) -> Changes {
        let spare = Changes {
            classes: self.classes,
            ..Changes::default()
        };
        std::mem::replace(self, spare)
    }

    /// Notes an event of `class` if somebody may listen.
    #[inline(always)]
    pub fn event(&mut self, class: u32, name: &'static str, db: usize, key: &[u8]) {
        if self.classes & class != 0 {
            self.push_event(name, db, key);
        }
    }

    #[cold]
    fn push_event(&mut self, name: &'static str, db: usize, key: &[u8]) {
        let key = key.into();
        self.events.push(Event { db, name, key });
    }

    pub(super) fn discard(&mut self, value: Value) {
        if value.is_costly_to_free() {
            self.discarded.push(value);
        }
    }
}
