//! HELLO and AUTH.

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
    if !ctx.session.authenticated {
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
        1 if ctx.local.config.requirepass.is_empty() => return Err(error::AUTH_WITHOUT_PASSWORD),
        1 => (&b"default"[..], args.bytes()?),
        _ => (args.bytes()?, args.bytes()?),
    };
    authenticate(ctx, user, password)?;
    ctx.reply.ok();
    DONE
}

fn authenticate(ctx: &mut Ctx<'_, '_>, user: &[u8], password: &[u8]) -> Result<(), error::Error> {
    let expected = ctx.local.config.requirepass.as_bytes();
    let right = expected.is_empty() || equal_in_constant_time(expected, password);
    if user != b"default" || !right {
        return Err(error::WRONG_PASS);
    }
    ctx.session.authenticated = true;
    Ok(())
}

/// Compares without telling by its duration where the texts differ.
fn equal_in_constant_time(expected: &[u8], given: &[u8]) -> bool {
    let mut difference = expected.len() ^ given.len();
    for (index, &byte) in given.iter().enumerate() {
        let other = expected.get(index % expected.len().max(1)).copied();
        difference |= usize::from(byte ^ other.unwrap_or_default());
    }
    difference == 0
}

/// A client's name: printable, without spaces.
pub fn client_name(name: &[u8]) -> Result<String, error::Error> {
    if name.iter().any(|byte| !(b'!'..=b'~').contains(byte)) {
        return Err(error::CLIENT_NAME);
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}
