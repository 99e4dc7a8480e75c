//! What both suites share: where the server is, and keys of one's own.

use std::sync::atomic::{AtomicU32, Ordering};

/// The port of the server under test.
pub fn port() -> u16 {
    std::env::var("SERVER_PORT").map_or(6379, |port| port.parse().expect("SERVER_PORT is a port"))
}

/// Makes key names that no other test uses.
#[derive(Clone)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// A fresh prefix.
    pub fn new() -> Keys {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        Keys { prefix: format!("compat:{}-{n}:", std::process::id()) }
    }

    /// The key of this name.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Default for Keys {
    fn default() -> Keys {
        Keys::new()
    }
}

/// 20 MB in which every byte value occurs.
pub fn big() -> Vec<u8> {
    (0..20 * 1024 * 1024).map(|n| n as u8).collect()
}
