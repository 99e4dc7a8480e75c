//! Closing clients whose buffers take too much memory together: `maxmemory-clients`.
//!
//! Looked at ten times a second: what clients send and leave unread meanwhile is the bound by which the limit may be passed. The largest
//! goes first; one that was told by CLIENT NO-EVICT to stay counts, and stays.

use super::clients::flag;
use super::shared::Shared;
use super::stats::CoreStats;
use crate::config::Config;
use std::cmp::Reverse;
use tracing::warn;

/// A lower limit counts as this: it would close clients that do nothing unusual.
const LEAST_LIMIT_BYTES: u64 = 128 * 1024;

/// Closes what has to be closed.
pub fn relieve(shared: &Shared, config: &Config, stats: &CoreStats) {
    let Some(limit_bytes) = limit_bytes(config) else {
        return;
    };
    let mut clients: Vec<_> = shared
        .clients
        .all()
        .into_iter()
        .map(|record| (record.memory_bytes() as u64, record))
        .collect();
    let mut sum: u64 = clients.iter().map(|(bytes, _)| bytes).sum();
    if sum < limit_bytes {
        return;
    }
    clients.retain(|(_, record)| !record.has_flag(flag::NO_EVICT));
    clients.sort_unstable_by_key(|(bytes, _)| Reverse(*bytes));
    for (bytes, record) in clients {
        if sum < limit_bytes {
            return;
        }
        warn!(
            "closing client {}: its buffers take {bytes} bytes, and those of all clients more than maxmemory-clients",
            record.id
        );
        shared.kill(&record);
        stats.evicted_clients.add(1);
        sum -= bytes;
    }
}

fn limit_bytes(config: &Config) -> Option<u64> {
    let limit = match config.maxmemory_clients {
        0 => return None,
        bytes @ 1.. => bytes.unsigned_abs(),
        percent => config.maxmemory_bytes / 100 * percent.unsigned_abs(),
    };
    // A share of no limit is none.
    (limit > 0).then_some(limit.max(LEAST_LIMIT_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_maxmemory() {
        let limit = |clients, memory| {
            let mut config = Config::default();
            (config.maxmemory_clients, config.maxmemory_bytes) = (clients, memory);
            limit_bytes(&config)
        };
        assert_eq!(limit(0, 1 << 30), None);
        assert_eq!(limit(1 << 20, 0), Some(1 << 20));
        assert_eq!(limit(1, 0), Some(LEAST_LIMIT_BYTES));
        assert_eq!(limit(-10, 100 << 20), Some(10 << 20));
        assert_eq!(limit(-10, 0), None);
    }
}
