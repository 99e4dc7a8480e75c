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
