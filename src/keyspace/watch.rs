//! Keys under WATCH: each maps to the flags of the transactions that watch it, raised when the key changes.

use super::stripe::DbKey;
use ahash::AHashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Raised when a watched key changes; shared by a session and the stripes of the keys it watches.
pub type WatchFlag = Arc<AtomicBool>;

/// The watched keys of one stripe.
#[derive(Default)]
pub struct Watched {
    keys: AHashMap<DbKey, Vec<WatchFlag>>,
}

impl Watched {
    /// True when nothing is watched.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Registers `flag` with a key.
    pub fn add(&mut self, db: usize, key: &[u8], flag: &WatchFlag) {
        self.keys
            .entry((db as u32, key.into()))
            .or_default()
            .push(flag.clone());
    }

    /// Takes `flag` back from a key.
    pub fn remove(&mut self, db: usize, key: &[u8], flag: &WatchFlag) {
        let place = (db as u32, key.into());
        if let Some(flags) = self.keys.get_mut(&place) {
            flags.retain(|other| !Arc::ptr_eq(other, flag));
            if flags.is_empty() {
                self.keys.remove(&place);
            }
        }
    }

    /// Drops the flags that are raised: who holds one learns no more by it.
    pub fn forget_raised(&mut self) {
        self.keys.retain(|_, flags| {
            flags.retain(|flag| !flag.load(Ordering::Acquire));
            !flags.is_empty()
        });
    }

    /// The key has changed: raises the flags of those who watch it.
    pub fn touch(&self, db: usize, key: &[u8]) {
        if let Some(flags) = self.keys.get(&(db as u32, key.into())) {
            raise(flags);
        }
    }

    /// All keys under watch in `db`, with whether that is so for each decided by `changed`.
    pub fn touch_where(&self, db: usize, changed: impl Fn(&[u8]) -> bool) {
        for ((key_db, key), flags) in &self.keys {
            if *key_db as usize == db && changed(key) {
                raise(flags);
            }
        }
    }
}

fn raise(flags: &[WatchFlag]) {
    for flag in flags {
        flag.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raised_flags_are_forgotten_and_the_others_stay() {
        let (mut watched, flags) = (
            Watched::default(),
            [WatchFlag::default(), WatchFlag::default()],
        );
        watched.add(0, b"both", &flags[0]);
        watched.add(0, b"both", &flags[1]);
        watched.add(0, b"one", &flags[0]);
        flags[0].store(true, Ordering::Release);
        watched.forget_raised();
        assert_eq!(watched.keys.len(), 1);
        watched.touch(0, b"both");
        assert!(flags[1].load(Ordering::Acquire));
        watched.forget_raised();
        assert!(watched.is_empty());
    }
}
