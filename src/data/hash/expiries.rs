//! When the fields of a large hash expire: by name, and in order of time.
//!
//! What is by name stands in a table that freezes in microseconds. The order is not frozen: a copy puts it up again, should anybody write to it.

use crate::data::Table;
use std::collections::BTreeSet;

/// What one field takes in the order of time: a node's share, the name's allocation.
const ORDER_BYTES: usize = 64;

/// See the module's description.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    /// Names with their times, eight bytes each.
    by_name: Table,
    /// Absent in a copy nobody has written to.
    order: Option<BTreeSet<(i64, Box<[u8]>)>>,
}

impl Expiries {
    #[inline]
    pub fn of(&self, name: &[u8]) -> Option<i64> {
        self.by_name.get(name).map(time_of)
    }

    pub fn set(&mut self, name: &[u8], expires_ms: i64) {
        self.remove(name);
        self.order_mut().insert((expires_ms, name.into()));
        self.by_name.insert(name, &expires_ms.to_le_bytes()[..]);
    }

    pub fn remove(&mut self, name: &[u8]) {
        let Some(expires_ms) = self.of(name) else {
            return;
        };
        self.order_mut().remove(&(expires_ms, name.into()));
        self.by_name.remove(name);
    }

    pub fn next_ms(&self) -> Option<i64> {
        match &self.order {
            Some(order) => order.first().map(|(expires_ms, _)| *expires_ms),
            None => self.by_name.iter().map(|(_, time)| time_of(time)).min(),
        }
    }

    /// Forgets the field that expires first, which there is.
    pub fn take_first(&mut self) -> Box<[u8]> {
        let (_, name) = self.order_mut().pop_first().expect("a field expires");
        self.by_name.remove(&name);
        name
    }

    pub fn freeze(&mut self) -> Self {
        Expiries {
            by_name: self.by_name.freeze(),
            order: None,
        }
    }

    pub fn heap_bytes(&self) -> usize {
        let ordered = self.order.as_ref().map_or(0, BTreeSet::len);
        self.by_name.heap_bytes() + ordered * ORDER_BYTES
    }

    fn order_mut(&mut self) -> &mut BTreeSet<(i64, Box<[u8]>)> {
        let by_name = &self.by_name;
        self.order.get_or_insert_with(|| {
            let times = by_name
                .iter()
                .map(|(name, time)| (time_of(time), name.into()));
            times.collect()
        })
    }
}

fn time_of(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes.try_into().expect("a time has eight bytes"))
}
