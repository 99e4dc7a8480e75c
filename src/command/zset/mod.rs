//! Sorted sets: leaderboards, schedules, queues by priority.
//!
//! | file | commands |
//! |---|---|
//! | `add` | ZADD ZINCRBY |
//! | `read` | ZCARD ZCOUNT ZLEXCOUNT ZSCORE ZMSCORE ZRANK ZREVRANK |
//! | `range` | ZRANGE ZRANGEBYSCORE ZRANGEBYLEX ZREVRANGE ZREVRANGEBYSCORE ZREVRANGEBYLEX ZRANGESTORE |
//! | `remove` | ZREM ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREMRANGEBYLEX |
//! | `pop` | ZPOPMIN ZPOPMAX ZMPOP, and waiting: BZPOPMIN BZPOPMAX BZMPOP |
//! | `combine` | ZUNION ZINTER ZDIFF ZINTERCARD ZUNIONSTORE ZINTERSTORE ZDIFFSTORE |
//! | `sample` | ZRANDMEMBER ZSCAN |
//!
//! What they do follows from what is there alone, so the log has them as they were sent, but those that wait.

pub mod add;
mod bounds;
pub mod combine;
pub mod pop;
pub mod range;
pub mod read;
pub mod remove;
pub mod sample;

use super::item::write_item;
use super::{Ctx, Keys};
use crate::base::float;
use crate::config::Config;
use crate::data::zset::{Element, Limits, ZSet};
use crate::keyspace::notify;
use crate::resp::Reply;

/// How large sorted sets grow that are kept packed.
pub fn limits(config: &Config) -> Limits {
    let size = |directive: u64| usize::try_from(directive).unwrap_or(usize::MAX);
    Limits {
        max_members: size(config.zset_max_listpack_entries),
        max_member_bytes: size(config.zset_max_listpack_value),
    }
}

fn write_score(reply: &mut Reply, score: f64) {
    let mut text = Vec::new();
    float::write_f64(&mut text, score);
    reply.double(&text);
}

fn write_pair(reply: &mut Reply, element: Element<'_>) {
    write_item(reply, element.member);
    write_score(reply, element.score);
}

/// Whether each member is written with its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scores {
    Without,
    With,
}

impl Scores {
    /// Writes the head of an array of `count` elements. In RESP2, members and scores stand in a row.
    fn open(self, reply: &mut Reply, count: usize) {
        let is_flat = self == Scores::With && !reply.is_resp3();
        reply.array(if is_flat { 2 * count } else { count });
    }

    /// Writes an element; in RESP3, one with a score is an array.
    fn write(self, reply: &mut Reply, element: Element<'_>) {
        match self {
            Scores::Without => write_item(reply, element.member),
            Scores::With => {
                if reply.is_resp3() {
                    reply.array(2);
                }
                write_pair(reply, element);
            }
        }
    }
}

/// Lets follow what follows from `key` having lost members, and perhaps all of them.
fn shrunk(keys: &mut Keys<'_, '_>, key: &[u8], event: &'static str, emptied: bool) {
    keys.notify(notify::ZSET, event, key);
    if emptied {
        keys.remove(key);
        keys.notify(notify::GENERIC, "del", key);
    }
    keys.changed(key);
}

/// Puts what a command made under `key`, or removes what is there if it made nothing; answers how many members it has.
fn store(ctx: &mut Ctx<'_, '_>, key: &[u8], zset: ZSet, event: &'static str) {
    ctx.reply.int(zset.len() as i64);
    if !zset.is_empty() {
        ctx.keys.insert(key, zset.into());
        ctx.keys.notify(notify::ZSET, event, key);
        ctx.keys.changed(key);
    } else if ctx.keys.remove(key) {
        ctx.keys.notify(notify::GENERIC, "del", key);
        ctx.keys.changed(key);
    }
}
