//! The sessions that clients may resume: a bounded number, each for a bounded time.
//!
//! ```text
//! value: [ what rustls keeps of the session ][ until when it can be resumed, steady ms: 8 bytes ]
//! ```

use crate::base::clock::Clock;
use crate::config::Config;
use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};
use std::sync::Arc;

/// Sessions where the configuration says 0, which to OpenSSL is no bound.
const MOST: usize = 20_480;

/// See the module's description.
#[derive(Debug)]
pub struct Sessions {
    kept: Arc<ServerSessionMemoryCache>,
    lifetime_ms: i64,
    clock: Clock,
}

impl Sessions {
    /// No session yet.
    pub fn new(config: &Config, clock: Clock) -> Arc<Self> {
        let most = match config.tls_session_cache_size {
            0 => MOST,
            size => size as usize,
        };
        Arc::new(Sessions {
            kept: ServerSessionMemoryCache::new(most),
            lifetime_ms: i64::from(config.tls_session_cache_timeout_s) * 1000,
            clock,
        })
    }

    /// A kept value without its time, unless that is over.
    fn alive(&self, mut value: Vec<u8>) -> Option<Vec<u8>> {
        let (session, until) = value.split_last_chunk()?;
        let length = session.len();
        if i64::from_le_bytes(*until) <= self.clock.now().steady_ms {
            return None;
        }
        value.truncate(length);
        Some(value)
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, mut value: Vec<u8>) -> bool {
        let until_ms = self.clock.now().steady_ms + self.lifetime_ms;
        value.extend_from_slice(&until_ms.to_le_bytes());
        self.kept.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.alive(self.kept.get(key)?)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.alive(self.kept.take(key)?)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn a_session_lives_for_its_time() {
        let time_us = Arc::new(AtomicI64::new(0));
        let mut config = Config::default();
        config.tls_session_cache_timeout_s = 10;
        let sessions = Sessions::new(&config, Clock::Manual(time_us.clone()));
        assert!(sessions.put(b"k".to_vec(), b"session".to_vec()));
        time_us.store(9_999_000, Ordering::Relaxed);
        assert_eq!(sessions.get(b"k"), Some(b"session".to_vec()));
        time_us.store(10_000_000, Ordering::Relaxed);
        assert_eq!(sessions.get(b"k"), None);
        assert_eq!(sessions.take(b"k"), None);
        assert!(sessions.put(b"k".to_vec(), Vec::new()));
        assert_eq!(sessions.take(b"k"), Some(Vec::new()));
        assert_eq!(sessions.take(b"k"), None);
    }
}
