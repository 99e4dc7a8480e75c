//! Standing retention: what a stream keeps by its own policy, and when its entries go by themselves.
//!
//! It is not applied while the log is replayed: the log says what went.

use super::trim::Dropped;
use crate::command::Keys;
use crate::command::error::{self, Error};
use crate::command::times::Times;
use crate::data::Stream;
use crate::data::stream::{References, Trimmed};
use crate::keyspace::notify;

/// How long what a group still needs stays beyond the limits before it is looked at again.
const RECHECK_MS: u64 = 1000;

/// How long until it is looked at again where not all that is too old has been looked at.
const SWEEP_PAUSE_MS: u64 = 20;

/// The error for an entry of `bytes` that a full stream is not to take, which is counted; one that is to be `scheduled` needs room beside
/// those that are scheduled already.
pub fn admit(stream: &mut Stream, bytes: usize, scheduled: bool) -> Result<(), Error> {
    if stream.refuses(bytes as u64, scheduled) {
        stream.rejected += 1;
        return Err(error::STREAM_FULL);
    }
    Ok(())
}

/// Drops what a stream has beyond its limits of length and bytes.
pub fn retain(stream: &mut Stream) -> Option<Dropped> {
    let trimmed = stream.drop_all_excess();
    Dropped::of(stream, trimmed)
}

/// What follows from an addition to a stream.
#[derive(Clone, Debug, Default)]
pub struct AfterAdd {
    /// What was dropped for it.
    pub dropped: Option<Dropped>,
    /// When the stream is to be looked at, where its alarm does not say so already; steady milliseconds.
    pub alarm_ms: Option<u64>,
}

/// Keeps a stream that something was added to within its policy, which has limits.
#[cold]
pub fn after_add(stream: &mut Stream, times: Times) -> AfterAdd {
    let references = stream.policy.references;
    let trimmed = match references {
        _ if times.replaying => Trimmed::default(),
        // What groups need may be much and would be looked at again and again: the timer does that.
        References::Acked => stream.drop_excess(),
        _ => stream
            .drop_outlived(times.earliest_ms())
            .and(stream.drop_excess()),
    };
    let alarm_ms = next_expiry_ms(stream, times.earliest_ms());
    let alarm_ms = alarm_ms.map(|ms| times.steady_when_outlived(ms));
    AfterAdd {
        dropped: Dropped::of(stream, trimmed),
        alarm_ms: alarm_ms.filter(|&ms| stream.alarm_ms.is_none_or(|set_ms| ms < set_ms)),
    }
}

/// Lets follow what follows from entries that were dropped: events, the log.
pub fn trimmed(keys: &mut Keys<'_, '_>, key: &[u8], dropped: Option<Dropped>) {
    let Some(dropped) = dropped else {
        return;
    };
    dropped.log(keys, key);
    keys.changed_aside(key, dropped.count);
    keys.notify(notify::STREAM, "xtrim", key);
}

/// Drops what is too old, and what no group needs any more.
pub fn expire_entries(keys: &mut Keys<'_, '_>, key: &[u8]) {
    let now_ms = keys.times().earliest_ms();
    let Ok(Some(stream)) = keys.find_as::<Stream>(key) else {
        return;
    };
    if stream.policy.acts_by_itself() {
        let outlived = stream.drop_outlived(now_ms);
        let outlived = Dropped::of(stream, outlived);
        let excess = retain(stream);
        trimmed(keys, key, outlived);
        trimmed(keys, key, excess);
    }
}

/// When entries may have to go next, Unix milliseconds.
pub fn next_expiry_ms(stream: &Stream, now_ms: u64) -> Option<u64> {
    if !stream.policy.acts_by_itself() {
        return None;
    }
    let again_ms = now_ms.saturating_add(match stream.sweep.is_under_way() {
        true => SWEEP_PAUSE_MS,
        false => RECHECK_MS,
    });
    let outlived_ms = stream.first_outlived_ms();
    let is_kept = |ms: u64| ms <= now_ms && stream.policy.references == References::Acked;
    let outlived_ms = outlived_ms.map(|ms| if is_kept(ms) { again_ms } else { ms });
    let excess_ms = stream.exceeds_its_size().then_some(again_ms);
    outlived_ms.into_iter().chain(excess_ms).min()
}
