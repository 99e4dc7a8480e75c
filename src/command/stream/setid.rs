//! XSETID.

use super::trim::NONE_DELETED;
use super::{group_changed, ids};
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::Stream;
use crate::data::stream::{Id, Log};
use crate::keyspace::notify;

/// `XSETID key last-id [ENTRIESADDED n] [MAXDELETEDID id]`: overrides what a stream knows of its past.
pub fn xsetid(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let past = Past::parse(&mut args, ctx.keys.replaying)?;
    let log = &mut ctx
        .keys
        .find_as::<Stream>(key)?
        .ok_or(error::NO_SUCH_KEY)?
        .log;
    past.check(log)?;
    log.set_progress(
        past.last_id,
        past.entries_added.unwrap_or(log.entries_added()),
        past.max_deleted_id.unwrap_or(log.max_deleted_id()),
    );
    group_changed(&mut ctx.keys, 1);
    ctx.keys.notify(notify::STREAM, "xsetid", key);
    ctx.reply.ok();
    DONE
}

struct Past {
    last_id: Id,
    entries_added: Option<u64>,
    /// `0-0` counts as not given.
    max_deleted_id: Option<Id>,
}

impl Past {
    fn parse(args: &mut Args<'_>, replaying: bool) -> Result<Past, Error> {
        let last_id = ids::parse(args.bytes()?, 0)?;
        let mut past = Past {
            last_id,
            entries_added: None,
            max_deleted_id: None,
        };
        while !args.is_empty() {
            if args.len() > 1 && args.keyword("ENTRIESADDED") {
                let added =
                    u64::try_from(args.int()?).map_err(|_| error::NEGATIVE_ENTRIES_ADDED)?;
                past.entries_added = Some(added);
            } else if args.len() > 1 && args.keyword("MAXDELETEDID") {
                if replaying && args.exactly(NONE_DELETED) {
                    past.max_deleted_id = Some(Id::MIN);
                    continue;
                }
                let max_deleted_id = ids::parse(args.bytes()?, 0)?;
                if last_id < max_deleted_id {
                    return Err(error::LAST_ID_BELOW_GIVEN_DELETED);
                }
                past.max_deleted_id = Some(max_deleted_id).filter(|&id| id != Id::MIN);
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(past)
    }

    /// Whether the entries that are there allow it.
    fn check(&self, log: &Log) -> Result<(), Error> {
        if self.last_id < log.max_deleted_id() {
            return Err(error::LAST_ID_BELOW_DELETED);
        }
        if self.last_id < log.newest_id() {
            return Err(error::LAST_ID_BELOW_NEWEST);
        }
        match self.entries_added {
            Some(added) if added < log.len() => Err(error::ENTRIES_ADDED_BELOW_LENGTH),
            _ => Ok(()),
        }
    }
}
