//! When a snapshot is due: by the points of `save`, or because the log has grown.

use crate::config::{Config, SavePoint};

/// What has happened since the last save.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// Changes to the data.
    pub changes: u64,
    /// Milliseconds since the last save that succeeded.
    pub saved_ms: i64,
    /// Milliseconds since the last save was tried, where it failed.
    pub failed_ms: Option<i64>,
}

/// A save that failed is tried again after this long.
pub const RETRY_DELAY_MS: i64 = 5000;

/// The point that asks for a save now.
pub fn save(points: &[SavePoint], since: Since) -> Option<SavePoint> {
    if since.failed_ms.is_some_and(|ms| ms <= RETRY_DELAY_MS) {
        return None;
    }
    points
        .iter()
        .find(|point| {
            since.changes >= point.changes.unsigned_abs() && since.saved_ms / 1000 > point.seconds
        })
        .copied()
}

/// By how many percent the log has grown since it was last rewritten, if it is to be rewritten for that.
pub fn growth_percent(config: &Config, base_bytes: u64, bytes: u64) -> Option<u64> {
    let wanted = u64::from(config.auto_aof_rewrite_percentage);
    let grown = bytes.saturating_sub(base_bytes).saturating_mul(100) / base_bytes.max(1);
    let due = wanted > 0 && bytes > config.auto_aof_rewrite_min_size_bytes && grown >= wanted;
    due.then_some(grown)
}

/// Failures of a rewrite after which the next ones are put off.
const PATIENT_FAILURES: u64 = 3;
/// The longest that they are put off: an hour.
const LONGEST_REST_MS: i64 = 3_600_000;

/// How long a rewrite is put off after one that failed, where writes are refused until there is one.
pub const URGENT_REST_MS: i64 = 1000;

/// True while a rewrite is put off because the last ones failed, the last of them `since_ms` ago: a minute, then twice as long
/// with every further failure.
pub fn rests(failures: u64, since_ms: i64) -> bool {
    let Some(doublings) = failures.checked_sub(PATIENT_FAILURES) else {
        return false;
    };
    since_ms < (60_000i64 << doublings.min(6)).min(LONGEST_REST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [SavePoint; 2] = [
        SavePoint {
            seconds: 60,
            changes: 1,
        },
        SavePoint {
            seconds: 5,
            changes: 100,
        },
    ];

    #[test]
    fn a_rewrite_is_due_when_the_log_has_grown_enough() {
        let mut config = Config::default();
        let megabytes = |count: u64| count << 20;
        assert_eq!(
            growth_percent(&config, megabytes(40), megabytes(80)),
            Some(100)
        );
        assert_eq!(growth_percent(&config, megabytes(41), megabytes(80)), None);
        assert_eq!(growth_percent(&config, megabytes(1), megabytes(64)), None);
        assert!(growth_percent(&config, 0, megabytes(65)).is_some());
        config.auto_aof_rewrite_percentage = 0;
        assert_eq!(growth_percent(&config, 0, megabytes(65)), None);
    }

    #[test]
    fn rewrites_that_fail_are_put_off_for_longer_and_longer() {
        assert!(!rests(2, 0));
        assert!(rests(3, 59_999) && !rests(3, 60_000));
        assert!(rests(4, 119_999) && !rests(4, 120_000));
        assert!(rests(90, 3_599_999) && !rests(90, 3_600_000));
    }

    fn due(changes: u64, saved_ms: i64, failed_ms: Option<i64>) -> Option<i64> {
        let since = Since {
            changes,
            saved_ms,
            failed_ms,
        };
        save(&POINTS, since).map(|point| point.seconds)
    }

    #[test]
    fn a_save_is_due_when_time_and_changes_are_enough() {
        assert_eq!(due(0, 100_000, None), None);
        assert_eq!(due(1, 60_999, None), None);
        assert_eq!(due(1, 61_000, None), Some(60));
        assert_eq!(due(100, 6_000, None), Some(5));
        assert_eq!(due(99, 6_000, None), None);
        assert_eq!(
            save(
                &[],
                Since {
                    changes: 9,
                    saved_ms: i64::MAX,
                    failed_ms: None
                }
            ),
            None
        );
    }

    #[test]
    fn a_failed_save_is_not_tried_again_at_once() {
        assert_eq!(due(1, 61_000, Some(5000)), None);
        assert_eq!(due(1, 61_000, Some(5001)), Some(60));
    }
}
