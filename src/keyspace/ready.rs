//! The keys of a stripe that became ready and whose waiters have yet to be served, in the order in which they did.

use super::stripe::DbKey;
use ahash::AHashMap;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// A key's place among all keys that became ready, over the whole server.
static NEXT_ORDER: AtomicU64 = AtomicU64::new(0);

/// See the module's description.
#[derive(Debug, Default)]
pub struct ReadyKeys {
    in_order: BTreeMap<u64, DbKey>,
    orders: AHashMap<DbKey, u64>,
}

impl ReadyKeys {
    /// True without any.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    /// The key that became ready first, and its place.
    pub fn first(&self) -> Option<(u64, &DbKey)> {
        let (order, key) = self.in_order.first_key_value()?;
        Some((*order, key))
    }

    /// Notes a key, unless it is noted already.
    pub fn add(&mut self, db: usize, key: &[u8]) {
        let key: DbKey = (db as u32, key.into());
        if !self.orders.contains_key(&key) {
            let order = NEXT_ORDER.fetch_add(1, Ordering::Relaxed);
            self.in_order.insert(order, key.clone());
            self.orders.insert(key, order);
        }
    }

    /// Forgets a key.
    pub fn remove(&mut self, db: usize, key: &[u8]) {
        if let Some(order) = self.orders.remove(&(db as u32, key.into())) {
            self.in_order.remove(&order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn taken(ready: &mut ReadyKeys) -> Vec<DbKey> {
        let mut taken = Vec::new();
        while let Some((_, key)) = ready.first() {
            let key = key.clone();
            ready.remove(key.0 as usize, &key.1);
            taken.push(key);
        }
        taken
    }

    #[test]
    fn keys_come_in_the_order_in_which_they_became_ready_and_once() {
        let mut ready = ReadyKeys::default();
        for (db, key) in [(0, b"b"), (1, b"a"), (0, b"a"), (0, b"b"), (0, b"c")] {
            ready.add(db, key);
        }
        ready.remove(0, b"c");
        ready.remove(2, b"a");
        let key = |db, name: &[u8]| (db, name.into());
        assert_eq!(
            taken(&mut ready),
            [key(0, b"b"), key(1, b"a"), key(0, b"a")]
        );
        assert!(ready.is_empty() && ready.orders.is_empty());
    }

    #[test]
    fn many_take_no_longer_each_than_few() {
        let mut ready = ReadyKeys::default();
        let began = Instant::now();
        for number in 0..100_000 {
            ready.add(0, format!("key{number}").as_bytes());
        }
        assert_eq!(taken(&mut ready).len(), 100_000);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}
