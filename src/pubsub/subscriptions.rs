//! What one client listens to. Its own core changes it. Whoever kills the client, on any core, withdraws it: from then on no message counts the
//! client among those whom it reaches, though the client's core may learn of the kill only later.
//!
//! Invariant: the registry counts each name once until the subscriptions are withdrawn, and none of them from then on.
//!
//! Lock order: these names, then the registry's.

use super::{Name, Registry, Subject};
use ahash::AHashSet;
use parking_lot::Mutex;

/// See the module's description.
#[derive(Debug)]
pub struct Subscriptions {
    core: usize,
    names: Mutex<Names>,
}

#[derive(Debug)]
struct Names {
    by_subject: [AHashSet<Name>; Subject::COUNT],
    are_withdrawn: bool,
}

impl Subscriptions {
    /// Those of a client on `core` who has none yet; withdrawn if it has been killed.
    pub fn new(core: usize, are_withdrawn: bool) -> Self {
        let by_subject = Default::default();
        Subscriptions {
            core,
            names: Mutex::new(Names {
                by_subject,
                are_withdrawn,
            }),
        }
    }

    /// One more; gives its name, unless it was there.
    pub fn add(&self, registry: &Registry, subject: Subject, name: &[u8]) -> Option<Name> {
        let mut names = self.names.lock();
        if names.by_subject[subject as usize].contains(name) {
            return None;
        }
        let name = match names.are_withdrawn {
            true => name.into(),
            false => registry.subscribe(subject, name, self.core),
        };
        names.by_subject[subject as usize].insert(name.clone());
        Some(name)
    }

    /// One less; false if there was no such.
    pub fn remove(&self, registry: &Registry, subject: Subject, name: &[u8]) -> bool {
        let mut names = self.names.lock();
        let was_there = names.by_subject[subject as usize].remove(name);
        if was_there && !names.are_withdrawn {
            registry.unsubscribe(subject, name, self.core);
        }
        was_there
    }

    /// Takes them out of the registry, for good.
    pub fn withdraw(&self, registry: &Registry) {
        let mut names = self.names.lock();
        if std::mem::replace(&mut names.are_withdrawn, true) {
            return;
        }
        for subject in Subject::ALL {
            for name in &names.by_subject[subject as usize] {
                registry.unsubscribe(subject, name, self.core);
            }
        }
    }

    /// The names of one subject, in order.
    pub fn of(&self, subject: Subject) -> Vec<Name> {
        let names = self.names.lock();
        let names = names.by_subject[subject as usize].iter().cloned();
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    /// How many there are of each subject.
    pub fn counts(&self) -> [usize; Subject::COUNT] {
        let names = self.names.lock();
        names.by_subject.each_ref().map(|names| names.len())
    }

    /// Whether `what` is true of each name; it is also told whether the name is a pattern.
    pub fn all(&self, what: impl Fn(&[u8], bool) -> bool) -> bool {
        let names = self.names.lock();
        Subject::ALL.into_iter().all(|subject| {
            let is_pattern = subject == Subject::Pattern;
            let mut of = names.by_subject[subject as usize].iter();
            of.all(|name| what(name, is_pattern))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_withdrawn_counts_no_more() {
        let (registry, name) = (Registry::default(), b"news");
        let (one, other) = (Subscriptions::new(0, false), Subscriptions::new(1, false));
        assert!(one.add(&registry, Subject::Channel, name).is_some());
        assert!(one.add(&registry, Subject::Channel, name).is_none());
        assert!(other.add(&registry, Subject::Channel, name).is_some());
        assert_eq!(registry.subscribers(Subject::Channel, name), 2);
        one.withdraw(&registry);
        one.withdraw(&registry);
        assert_eq!(registry.subscribers(Subject::Channel, name), 1);
        assert!(one.remove(&registry, Subject::Channel, name));
        assert!(one.add(&registry, Subject::Pattern, name).is_some());
        assert_eq!(registry.subscribers(Subject::Channel, name), 1);
        assert_eq!(registry.len(Subject::Pattern), 0);
        assert_eq!(one.counts(), [0, 1, 0]);
    }
}
