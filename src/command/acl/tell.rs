//! ACL commands that tell of users, of rules, and of what was denied.

use super::check::Refused;
use super::selector::Selector;
use crate::base::{float, num, random};
use crate::command::Args;
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::error::{self, Error};
use crate::command::registry::{self, Command};
use crate::command::table::words::{Categories, acl};
use crate::resp::Reply;

/// Entries that ACL LOG shows where no count is given.
const LOG_ENTRIES: usize = 10;
/// Random bits that ACL GENPASS gives where no number is.
const PASSWORD_BITS: i64 = 256;
/// The most that it gives.
const MAX_PASSWORD_BITS: i64 = 4096;

/// `ACL WHOAMI`: whom this connection speaks for.
pub fn whoami(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    match ctx.session.user(ctx.shared) {
        Some(user) => ctx.reply.bulk(&user.name),
        None => ctx.reply.null(),
    }
    DONE
}

/// `ACL USERS`: the names of all users.
pub fn users(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let users = ctx.shared.users.all();
    ctx.reply.array(users.len());
    users.iter().for_each(|user| ctx.reply.bulk(&user.name));
    DONE
}

/// `ACL LIST`: all users with their rules.
pub fn list(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let lines = ctx.shared.users.describe();
    ctx.reply.array(lines.len());
    lines.iter().for_each(|line| ctx.reply.bulk(line));
    DONE
}

/// `ACL GETUSER username`
pub fn getuser(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let Some(user) = ctx.shared.users.find(args.bytes()?) else {
        ctx.reply.null();
        return DONE;
    };
    let (rights, reply) = (user.rights(), &mut *ctx.reply);
    reply.map(6);
    reply.bulk(b"flags");
    let flags = rights.flags();
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"passwords");
    let passwords = rights.passwords();
    reply.array(passwords.len());
    passwords.for_each(|digest| reply.bulk(digest.as_bytes()));
    write_selector(reply, rights.own_selector());
    reply.bulk(b"selectors");
    reply.array(rights.further_selectors().len());
    for selector in rights.further_selectors() {
        reply.map(3);
        write_selector(reply, selector);
    }
    DONE
}

fn write_selector(reply: &mut Reply, selector: &Selector) {
    reply.bulk(b"commands");
    reply.bulk(&selector.describe_commands());
    reply.bulk(b"keys");
    reply.bulk(&selector.describe_keys());
    reply.bulk(b"channels");
    reply.bulk(&selector.describe_channels());
}

/// `ACL CAT [category]`: the categories, or the commands of one.
pub fn cat(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.len() > 1 {
        let sub = args.request().arg(1);
        return Err(error::bad_subcommand(ctx.command, sub));
    }
    let names: Vec<&str> = match args.peek() {
        None => acl::texts(Categories::MAX).collect(),
        Some(_) => {
            let name = args.bytes()?;
            let category = acl::named(name).ok_or_else(|| error::unknown_category(name))?;
            let all = registry::commands().iter();
            all.filter(|command| command.categories() & category != 0)
                .map(|command| command.full_name.as_str())
                .collect()
        }
    };
    ctx.reply.array(names.len());
    names
        .iter()
        .for_each(|name| ctx.reply.bulk(name.as_bytes()));
    DONE
}

/// `ACL GENPASS [bits]`: a random password.
pub fn genpass(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.len() > 1 {
        let sub = args.request().arg(1);
        return Err(error::bad_subcommand(ctx.command, sub));
    }
    let bits = match args.peek() {
        Some(_) => args.int()?,
        None => PASSWORD_BITS,
    };
    if !(1..=MAX_PASSWORD_BITS).contains(&bits) {
        return Err(error::PASSWORD_BITS);
    }
    let digits = bits as usize / 4 + usize::from(bits % 4 != 0);
    let mut bytes = vec![0; digits.div_ceil(2)];
    random::fill(&mut bytes).map_err(|_| error::PLAIN)?;
    let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    ctx.reply.bulk(&password.as_bytes()[..digits]);
    DONE
}

/// `ACL DRYRUN username command [arg ...]`: whether the user may.
pub fn dryrun(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let name = args.bytes()?;
    let user = ctx.shared.users.find(name);
    let user = user.ok_or_else(|| error::user_not_found(name))?;
    let call: Vec<&[u8]> = args.rest().collect();
    let command = find_called(&call)?;
    match user.rights().check(command, call.as_slice()) {
        Ok(()) => ctx.reply.ok(),
        Err(denial) => {
            let refused = Refused { user, denial };
            let text = refused.explain(command, |index| call[index].to_vec());
            ctx.reply.bulk(&text);
        }
    }
    DONE
}

/// The row of a call that is only looked at.
fn find_called(call: &[&[u8]]) -> Result<&'static Command, Error> {
    let not_found = || error::command_not_found(call[0]);
    let command = registry::lookup_called(call[0]).ok_or_else(not_found)?;
    let command = match call.get(1) {
        Some(sub) if command.is_container() => command.subcommand(sub).ok_or_else(not_found)?,
        _ => command,
    };
    match command.spec.admits(call.len()) {
        true => Ok(command),
        false => Err(error::wrong_arity_of(command)),
    }
}

/// `ACL LOG [count | RESET]`: what was denied, the latest first.
pub fn log(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.len() > 1 {
        let sub = args.request().arg(1);
        return Err(error::bad_subcommand(ctx.command, sub));
    }
    if args.keyword("RESET") {
        ctx.shared.users.log.lock().clear();
        ctx.reply.ok();
        return DONE;
    }
    let count = match args.peek() {
        Some(text) => {
            let count = num::parse_i64(text).ok_or(error::NOT_AN_INTEGER)?;
            usize::try_from(count).unwrap_or_default()
        }
        None => LOG_ENTRIES,
    };
    write_log(ctx, count);
    DONE
}

fn write_log(ctx: &mut Ctx<'_, '_>, count: usize) {
    let log = ctx.shared.users.log.lock();
    let reply = &mut *ctx.reply;
    reply.array(log.entries().len().min(count));
    for entry in log.entries().take(count) {
        reply.map(10);
        reply.bulk(b"count");
        reply.uint(entry.count);
        reply.bulk(b"reason");
        reply.bulk(entry.denied.reason.text().as_bytes());
        reply.bulk(b"context");
        reply.bulk(entry.denied.context.text().as_bytes());
        reply.bulk(b"object");
        reply.bulk(&entry.denied.object);
        reply.bulk(b"username");
        reply.bulk(&entry.denied.user);
        reply.bulk(b"age-seconds");
        let age_ms = (ctx.now.unix_ms - entry.updated_ms).max(0);
        let mut age = Vec::new();
        float::write_f64(&mut age, age_ms as f64 / 1000.0);
        reply.double(&age);
        reply.bulk(b"client-info");
        reply.bulk(entry.client.as_bytes());
        reply.bulk(b"entry-id");
        reply.uint(entry.id);
        reply.bulk(b"timestamp-created");
        reply.int(entry.created_ms);
        reply.bulk(b"timestamp-last-updated");
        reply.int(entry.updated_ms);
    }
}
