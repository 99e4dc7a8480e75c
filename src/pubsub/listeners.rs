//! The subscriptions of one core's connections: for each channel or pattern, the connections that get its messages.

use super::Subject;
use ahash::AHashMap;
use bytes::Bytes;

/// Connections by what they subscribed to; a connection is named by its token on this core.
#[derive(Debug, Default)]
pub struct Listeners {
    by_subject: [AHashMap<Bytes, Vec<usize>>; Subject::COUNT],
}

impl Listeners {
    /// Adds a connection; it must not be there yet.
    pub fn add(&mut self, subject: Subject, name: &Bytes, token: usize) {
        self.by_subject[subject as usize]
            .entry(name.clone())
            .or_default()
            .push(token);
    }

    /// Removes a connection.
    pub fn remove(&mut self, subject: Subject, name: &[u8], token: usize) {
        let map = &mut self.by_subject[subject as usize];
        let Some(tokens) = map.get_mut(name) else {
            return;
        };
        if let Some(at) = tokens.iter().position(|&other| other == token) {
            // The order of the rest is the order of delivery, which connections may rely on.
            tokens.remove(at);
        }
        if tokens.is_empty() {
            map.remove(name);
        }
    }

    /// The connections that listen to `name`.
    pub fn of(&self, subject: Subject, name: &[u8]) -> &[usize] {
        self.by_subject[subject as usize]
            .get(name)
            .map_or(&[], Vec::as_slice)
    }
}
