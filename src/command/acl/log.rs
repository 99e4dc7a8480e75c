//! ACL LOG: who was denied what, the latest first. What is denied again and again is one entry that counts.

use std::collections::VecDeque;

/// Entries among which one that says the same is looked for.
const COMPARED: usize = 10;
/// What is denied again later than this is another entry.
const TOGETHER_MS: i64 = 60_000;

/// What was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// To log in.
    Auth,
    /// To run a command.
    Command,
    /// To use a key.
    Key,
    /// To use a channel.
    Channel,
}

impl Reason {
    /// How many there are.
    pub const COUNT: usize = 4;

    /// The word that clients read.
    pub const fn text(self) -> &'static str {
        match self {
            Reason::Auth => "auth",
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Channel => "channel",
        }
    }
}

/// Where a command was to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// By itself.
    TopLevel,
    /// In a transaction.
    Multi,
    /// In a script.
    Lua,
}

impl Context {
    /// The word that clients read.
    pub const fn text(self) -> &'static str {
        match self {
            Context::TopLevel => "toplevel",
            Context::Multi => "multi",
            Context::Lua => "lua",
        }
    }
}

/// What was denied to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What kind of thing.
    pub reason: Reason,
    /// Where.
    pub context: Context,
    /// The command, the key or the channel.
    pub object: Vec<u8>,
    /// The user.
    pub user: Box<[u8]>,
}

/// An entry of the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub id: u64,
    /// How often.
    pub count: u64,
    /// What.
    pub denied: Denied,
    /// The client that tried last, as CLIENT LIST shows it.
    pub client: String,
    /// The first time, Unix milliseconds.
    pub created_ms: i64,
    /// The last time, Unix milliseconds.
    pub updated_ms: i64,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct AclLog {
    entries: VecDeque<Entry>,
    next_id: u64,
}

impl AclLog {
    /// Notes what was denied, and keeps `max_len` entries at most.
    pub fn note(&mut self, denied: Denied, client: String, now_ms: i64, max_len: usize) {
        let same =
            self.entries.iter().take(COMPARED).position(|entry| {
                entry.denied == denied && now_ms - entry.updated_ms <= TOGETHER_MS
            });
        let entry = match same.and_then(|index| self.entries.remove(index)) {
            Some(entry) => Entry {
                count: entry.count + 1,
                client,
                updated_ms: now_ms,
                ..entry
            },
            None => {
                self.next_id += 1;
                Entry {
                    id: self.next_id - 1,
                    count: 1,
                    denied,
                    client,
                    created_ms: now_ms,
                    updated_ms: now_ms,
                }
            }
        };
        self.entries.push_front(entry);
        self.entries.truncate(max_len);
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// The entries, the latest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(object: &str) -> Denied {
        Denied {
            reason: Reason::Key,
            context: Context::TopLevel,
            object: object.into(),
            user: (*b"ann").into(),
        }
    }

    fn shown(log: &AclLog) -> Vec<(u64, u64)> {
        log.entries().map(|entry| (entry.id, entry.count)).collect()
    }

    #[test]
    fn what_is_denied_again_counts() {
        let mut log = AclLog::default();
        for (object, at_ms) in [
            ("a", 0),
            ("b", 1),
            ("a", TOGETHER_MS),
            ("b", TOGETHER_MS + 2),
        ] {
            log.note(denied(object), String::new(), at_ms, 8);
        }
        assert_eq!(shown(&log), [(2, 1), (0, 2), (1, 1)]);
    }

    #[test]
    fn the_oldest_go() {
        let mut log = AclLog::default();
        for object in ["a", "b", "c"] {
            log.note(denied(object), String::new(), 0, 2);
        }
        assert_eq!(shown(&log), [(2, 1), (1, 1)]);
        log.note(denied("d"), String::new(), 0, 0);
        assert_eq!(shown(&log), []);
    }
}
