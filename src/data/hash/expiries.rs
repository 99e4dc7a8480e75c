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
    order: Order,
}

#[derive(Debug)]
enum Order {
    Known(BTreeSet<(i64, Box<[u8]>)>),
    /// Of a copy nobody has written to: the first time.
    Frozen(Option<i64>),
}

impl Default for Order {
    fn default() -> Self {
        Order::Known(BTreeSet::new())
    }
}

impl Expiries {
    #[inline]
    pub fn of(&self, name: &[u8]) -> Option<i64> {
        self.by_name.get(name).map(time_of)
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
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
            Order::Known(order) => order.first().map(|(expires_ms, _)| *expires_ms),
            Order::Frozen(first_ms) => *first_ms,
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
            order: Order::Frozen(self.next_ms()),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        let ordered = match &self.order {
            Order::Known(order) => order.len(),
            Order::Frozen(_) => 0,
        };
        self.by_name.heap_bytes() + ordered * ORDER_BYTES
    }

    fn order_mut(&mut self) -> &mut BTreeSet<(i64, Box<[u8]>)> {
        if let Order::Frozen(_) = self.order {
            let times = self.by_name.iter();
            let times = times.map(|(name, time)| (time_of(time), name.into()));
            self.order = Order::Known(times.collect());
        }
        match &mut self.order {
            Order::Known(order) => order,
            Order::Frozen(_) => unreachable!("known by now"),
        }
    }
}

fn time_of(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes.try_into().expect("a time has eight bytes"))
}
