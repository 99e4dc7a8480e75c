//! CLIENT KILL: closing the connections that match.

use std::sync::Arc;

use super::Kind;
use crate::base::num;
use crate::command::acl::{User, Users};
use crate::command::clients::ClientRecord;
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::{Args, error};

/// `CLIENT KILL addr:port`, or `CLIENT KILL <filter value> ...`
pub fn kill(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.len() == 1 {
        let filter = Filter {
            addr: Some(args.bytes()?),
            skip_me: false,
            ..Filter::default()
        };
        if kill_matching(ctx, &filter) == 0 {
            return Err(error::NO_SUCH_CLIENT);
        }
        ctx.reply.ok();
    } else {
        let filter = Filter::parse(args, &ctx.shared.users)?;
        let killed = kill_matching(ctx, &filter);
        ctx.reply.int(killed);
    }
    DONE
}

/// What must hold of a client for it to be closed: everything that is given.
struct Filter<'a> {
    id: Option<u64>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    kind: Option<Kind>,
    user: Option<Arc<User>>,
    min_age_s: i64,
    skip_me: bool,
}

impl Default for Filter<'_> {
    fn default() -> Self {
        Self {
            id: None,
            addr: None,
            laddr: None,
            kind: None,
            user: None,
            min_age_s: 0,
            skip_me: true,
        }
    }
}

impl<'a> Filter<'a> {
    fn parse(mut args: Args<'a>, users: &Users) -> Result<Self, error::Error> {
        let mut filter = Self::default();
        while !args.is_empty() {
            if args.len() < 2 {
                return Err(error::SYNTAX);
            } else if args.keyword("ID") {
                let id = num::parse_i64(args.bytes()?).and_then(|id| u64::try_from(id).ok());
                filter.id = Some(
                    id.filter(|id| *id > 0)
                        .ok_or(error::CLIENT_ID_NOT_POSITIVE)?,
                );
            } else if args.keyword("MAXAGE") {
                let age_s = num::parse_i64(args.bytes()?).ok_or(error::MAXAGE_NOT_AN_INTEGER)?;
                filter.min_age_s = Some(age_s)
                    .filter(|age| *age > 0)
                    .ok_or(error::MAXAGE_NOT_POSITIVE)?;
            } else if args.keyword("TYPE") {
                let name = args.bytes()?;
                filter.kind =
                    Some(Kind::parse(name).ok_or_else(|| error::unknown_client_type(name))?);
            } else if args.keyword("ADDR") {
                filter.addr = Some(args.bytes()?);
            } else if args.keyword("LADDR") {
                filter.laddr = Some(args.bytes()?);
            } else if args.keyword("USER") {
                let name = args.bytes()?;
                let user = users.find(name);
                filter.user = Some(user.ok_or_else(|| error::no_such_user(name))?);
            } else if args.keyword("SKIPME") {
                filter.skip_me = args.keyword("YES");
                if !filter.skip_me && !args.keyword("NO") {
                    return Err(error::SYNTAX);
                }
            } else {
                return Err(error::SYNTAX);
            }
        }
        Ok(filter)
    }

    fn matches(&self, record: &ClientRecord, now_ms: i64) -> bool {
        let age_s = (now_ms - record.connected_ms) / 1000;
        self.id.is_none_or(|id| id == record.id)
            && self.addr.is_none_or(|addr| addr == record.addr.as_bytes())
            && self
                .laddr
                .is_none_or(|laddr| laddr == record.laddr.as_bytes())
            && self.kind.is_none_or(|kind| kind == Kind::of(record))
            && self
                .user
                .as_ref()
                .is_none_or(|user| record.speaks_for(user))
            && age_s >= self.min_age_s
    }
}

/// Closes all that match; the own connection once it has its reply.
fn kill_matching(ctx: &mut Ctx<'_, '_>, filter: &Filter<'_>) -> i64 {
    ctx.session.note_state();
    let mut killed = 0;
    for record in ctx.shared.clients.all() {
        if !filter.matches(&record, ctx.now.steady_ms) {
            continue;
        }
        if record.id != ctx.session.id {
            ctx.shared.kill(&record);
        } else if filter.skip_me {
            continue;
        } else {
            ctx.session.closing = true;
        }
        killed += 1;
    }
    killed
}
