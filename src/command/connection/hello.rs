//! HELLO and AUTH.

use super::super::acl::log::{Context, Denied, Reason};
use super::super::acl::{self, Place};
use super::super::ctx::{Ctx, DONE, Outcome};
use super::super::{Args, error};
use crate::base::num;
use crate::base::version::REDIS_VERSION;
use crate::resp::Version;

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]`
pub fn hello(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let mut version = ctx.session.version;
    if let Some(text) = args.peek() {
        version = match num::parse_i64(text).ok_or(error::PROTO_NOT_AN_INTEGER)? {
            2 => Version::Resp2,
            3 => Version::Resp3,
            _ => return Err(error::NO_PROTO),
        };
        args.skip(1);
    }
    let mut credentials = None;
    let mut name = None;
    while let Some(option) = args.peek() {
        if args.len() >= 3 && args.keyword("AUTH") {
            credentials = Some((args.bytes()?, args.bytes()?));
        } else if args.len() >= 2 && args.keyword("SETNAME") {
            name = Some(client_name(args.bytes()?)?);
        } else {
            return Err(error::hello_option(option));
        }
    }
    if let Some((user, password)) = credentials {
        authenticate(ctx, user, password)?;
    }
    if !ctx.session.is_let_in(ctx.shared) {
        return Err(error::HELLO_NO_AUTH);
    }
    if let Some(name) = name {
        ctx.session.record.introduction.lock().name = name;
    }
    ctx.session.version = version;
    ctx.reply.version = version;
    write_greeting(ctx);
    DONE
}

fn write_greeting(ctx: &mut Ctx<'_, '_>) {
    let id = ctx.session.id as i64;
    let reply = &mut *ctx.reply;
    reply.map(7);
    reply.bulk(b"server");
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.int(if reply.is_resp3() { 3 } else { 2 });
    reply.bulk(b"id");
    reply.int(id);
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
}

/// `AUTH [username] password`
pub fn auth(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.len() > 2 {
        return Err(error::SYNTAX);
    }
    let (user, password) = match args.len() {
        1 if ctx.shared.users.default_user().rights().nopass => {
            return Err(error::AUTH_WITHOUT_PASSWORD);
        }
        1 => (acl::DEFAULT, args.bytes()?),
        _ => (args.bytes()?, args.bytes()?),
    };
    authenticate(ctx, user, password)?;
    ctx.reply.ok();
    DONE
}

fn authenticate(ctx: &mut Ctx<'_, '_>, user: &[u8], password: &[u8]) -> Result<(), error::Error> {
    if let Some(user) = ctx.shared.users.log_in(user, password) {
        ctx.session.log_in(user);
        return Ok(());
    }
    let place = Place {
        shared: ctx.shared,
        core: ctx.local.core,
        now: ctx.now,
        context: if ctx.nested {
            Context::Multi
        } else {
            Context::TopLevel
        },
    };
    let denied = Denied {
        reason: Reason::Auth,
        context: place.context,
        object: ctx.command.spec.name.to_ascii_uppercase().into(),
        user: user.into(),
    };
    ctx.session.note_state();
    acl::note_denied(place, &ctx.session.record, denied);
    Err(error::WRONG_PASS)
}

/// A client's name: printable, without spaces.
pub fn client_name(name: &[u8]) -> Result<String, error::Error> {
    if name.iter().any(|byte| !(b'!'..=b'~').contains(byte)) {
        return Err(error::CLIENT_NAME);
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}
