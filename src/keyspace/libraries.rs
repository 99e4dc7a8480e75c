//! The sources of libraries of functions: data that belongs to no key, and is kept as keys are.
//!
//! What a snapshot held is *unread* until somebody who knows the language has looked at it. Sources change with every stripe held, so that
//! a snapshot has those of its moment. Knows no language.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A library's source.
pub type Source = Arc<[u8]>;

#[derive(Debug, Default)]
struct Sources {
    /// By name, in the order in which they came.
    read: Vec<(Box<[u8]>, Source)>,
    unread: Vec<Source>,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Libraries {
    sources: Mutex<Sources>,
    has_unread: AtomicBool,
}

impl Libraries {
    /// A source that a snapshot held.
    pub fn add_unread(&self, source: Source) {
        self.sources.lock().unread.push(source);
        self.has_unread.store(true, Ordering::SeqCst);
    }

    /// True if there is a source that nobody has looked at.
    pub fn has_unread(&self) -> bool {
        self.has_unread.load(Ordering::SeqCst)
    }

    /// The sources that nobody has looked at.
    pub fn take_unread(&self) -> Vec<Source> {
        self.has_unread.store(false, Ordering::SeqCst);
        std::mem::take(&mut self.sources.lock().unread)
    }

    /// Keeps the source of the library of that name, in place of the one it had.
    pub fn put(&self, name: &[u8], source: Source) {
        let mut sources = self.sources.lock();
        match sources.read.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = source,
            None => sources.read.push((name.into(), source)),
        }
    }

    /// Drops the source of the library of that name.
    pub fn remove(&self, name: &[u8]) {
        self.sources
            .lock()
            .read
            .retain(|(known, _)| **known != *name);
    }

    /// Drops all.
    pub fn clear(&self) {
        *self.sources.lock() = Sources::default();
        self.has_unread.store(false, Ordering::SeqCst);
    }

    /// All sources.
    pub fn all(&self) -> Vec<Source> {
        let sources = self.sources.lock();
        let read = sources.read.iter().map(|(_, source)| source);
        read.chain(&sources.unread).cloned().collect()
    }
}
