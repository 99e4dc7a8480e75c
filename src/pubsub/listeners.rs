//! The subscriptions of one core's connections: for each channel or pattern, the connections that get its messages.

use super::{Name, Subject};
use ahash::AHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// Connections, in the order in which they came. Mostly there are few.
type Tokens = SmallVec<[u32; 4]>;

/// Connections by what they subscribed to; a connection is named by its token on this core.
#[derive(Debug, Default)]
pub struct Listeners {
    by_subject: [AHashMap<Name, Tokens>; Subject::COUNT],
    /// Changes with them.
    version: u64,
}

/// The connections that a message goes to, kept for the next one: messages of a channel come in a row.
#[derive(Debug, Default)]
pub struct Audience {
    version: u64,
    subject: Option<Subject>,
    name: Option<Name>,
    /// The connections.
    pub tokens: Vec<usize>,
}

impl Listeners {
    /// Adds a connection; it must not be there yet.
    pub fn add(&mut self, subject: Subject, name: &Name, token: usize) {
        self.version += 1;
        self.by_subject[subject as usize]
            .entry(name.clone())
            .or_default()
            .push(slot(token));
    }

    /// Removes a connection.
    pub fn remove(&mut self, subject: Subject, name: &[u8], token: usize) {
        self.version += 1;
        let map = &mut self.by_subject[subject as usize];
        let Some(tokens) = map.get_mut(name) else {
            return;
        };
        if let Some(at) = tokens.iter().position(|&other| other == slot(token)) {
            // The order of the rest is the order of delivery, which connections may rely on.
            tokens.remove(at);
        }
        if tokens.is_empty() {
            map.remove(name);
        }
    }

    /// Makes `audience` those who listen to `name`.
    pub fn gather(&self, subject: Subject, name: &Name, audience: &mut Audience) {
        // The registry gives out one and the same name as long as somebody listens to it.
        let is_it = audience.version == self.version
            && audience.subject == Some(subject)
            && audience
                .name
                .as_ref()
                .is_some_and(|known| Arc::ptr_eq(known, name));
        if is_it {
            return;
        }
        audience.version = self.version;
        audience.subject = Some(subject);
        audience.name = Some(name.clone());
        audience.tokens.clear();
        let listeners = self.by_subject[subject as usize].get(name);
        let listeners = listeners.into_iter().flatten();
        audience.tokens.extend(listeners.map(|&slot| slot as usize));
    }
}

fn slot(token: usize) -> u32 {
    u32::try_from(token).expect("a core has fewer connections")
}
