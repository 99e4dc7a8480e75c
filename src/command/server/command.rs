//! COMMAND: the table of commands, told to whoever asks.

use std::borrow::Cow;

use super::super::ctx::{Ctx, DONE, Outcome};
use super::super::error::{self, Error};
use super::super::table::describe::{self, Tree};
use super::super::table::keys::{KeyRule, Runs, keys_of};
use super::super::table::words::{access, acl};
use super::super::{Args, Command, help as table_help, registry};
use crate::base::glob;
use crate::resp::Reply;

/// `COMMAND`: the facts about every command.
pub fn run(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    write_facts_of_all(ctx.reply);
    DONE
}

fn write_facts_of_all(reply: &mut Reply) {
    reply.array(registry::top_level().count());
    registry::top_level().for_each(|command| write(reply, &facts(command)));
}

fn facts(command: &Command) -> Tree {
    match command.container() {
        Some(container) => describe::subcommand_info(container.spec, command.spec),
        None => describe::info(command.spec),
    }
}

/// `COMMAND COUNT`
pub fn count(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply.uint(registry::top_level().count() as u64);
    DONE
}

/// `COMMAND INFO [name ...]`
pub fn info(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    if args.is_empty() {
        write_facts_of_all(ctx.reply);
        return DONE;
    }
    ctx.reply.array(args.len());
    for name in args.rest() {
        match registry::find(name) {
            Some(command) => write(ctx.reply, &facts(command)),
            None => ctx.reply.null(),
        }
    }
    DONE
}

/// `COMMAND DOCS [name ...]`: names that are not known are left out.
pub fn docs(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let commands: Vec<&Command> = match args.is_empty() {
        true => registry::top_level().collect(),
        false => args.rest().filter_map(registry::find).collect(),
    };
    ctx.reply.map(commands.len());
    for command in commands {
        let (name, docs) = match command.container() {
            Some(container) => describe::subcommand_docs(container.spec, command.spec),
            None => describe::docs(command.spec),
        };
        ctx.reply.bulk(name.as_bytes());
        write(ctx.reply, &docs);
    }
    DONE
}

fn write(reply: &mut Reply, tree: &Tree) {
    match tree {
        Tree::Int(number) => reply.int(*number),
        Tree::Status(text) => reply.simple(text),
        Tree::Bulk(text) => reply.bulk(text.as_bytes()),
        Tree::Array(elements) => {
            reply.array(elements.len());
            elements.iter().for_each(|element| write(reply, element));
        }
        Tree::Set(elements) => {
            reply.set(elements.len());
            elements.iter().for_each(|element| write(reply, element));
        }
        Tree::Map(pairs) => {
            reply.map(pairs.len());
            for (name, value) in pairs {
                reply.bulk(Cow::as_ref(name).as_bytes());
                write(reply, value);
            }
        }
    }
}

/// `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`
pub fn list(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let names: Vec<&str> = match args.is_empty() {
        true => registry::top_level()
            .map(|command| command.full_name.as_str())
            .collect(),
        false => filtered(&mut args)?,
    };
    ctx.reply.array(names.len());
    names
        .iter()
        .for_each(|name| ctx.reply.bulk(name.as_bytes()));
    DONE
}

fn filtered(args: &mut Args<'_>) -> Result<Vec<&'static str>, Error> {
    if args.len() != 3 || !args.keyword("FILTERBY") {
        return Err(error::SYNTAX);
    }
    let names = |keeps: &dyn Fn(&Command) -> bool| {
        let kept = registry::commands().iter().filter(|command| keeps(command));
        kept.map(|command| command.full_name.as_str()).collect()
    };
    if args.keyword("MODULE") {
        // No command comes from a module.
        return Ok(Vec::new());
    }
    if args.keyword("ACLCAT") {
        let category = args.bytes()?.to_ascii_lowercase();
        let in_category = |command: &Command| {
            acl::texts(command.categories()).any(|text| text.as_bytes() == category)
        };
        return Ok(names(&in_category));
    }
    if args.keyword("PATTERN") {
        let pattern = args.bytes()?;
        return Ok(names(&|command| {
            glob::matches_nocase(pattern, command.full_name.as_bytes())
        }));
    }
    Err(error::SYNTAX)
}

/// `COMMAND GETKEYS command [argument ...]`
pub fn getkeys(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let call: Vec<&[u8]> = args.rest().collect();
    let keys: Vec<usize> = keys_in(&call)?
        .iter()
        .flat_map(|run| run.indexes())
        .collect();
    ctx.reply.array(keys.len());
    keys.iter().for_each(|index| ctx.reply.bulk(call[*index]));
    DONE
}

/// `COMMAND GETKEYSANDFLAGS command [argument ...]`
pub fn getkeysandflags(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let call: Vec<&[u8]> = args.rest().collect();
    let runs = keys_in(&call)?;
    ctx.reply
        .array(runs.iter().map(|run| run.indexes().count()).sum());
    for run in &runs {
        for index in run.indexes() {
            let flags: Vec<&str> = access::texts(run.flags).collect();
            ctx.reply.array(2);
            ctx.reply.bulk(call[index]);
            ctx.reply.set(flags.len());
            flags.iter().for_each(|flag| ctx.reply.simple(flag));
        }
    }
    DONE
}

fn keys_in(call: &[&[u8]]) -> Result<Runs, Error> {
    let command = registry::lookup(call[0]).ok_or(error::INVALID_COMMAND)?;
    let command = match call.get(1) {
        Some(name) if command.is_container() => {
            command.subcommand(name).ok_or(error::INVALID_COMMAND)?
        }
        _ => command,
    };
    if command.spec.key_rule == KeyRule::None {
        return Err(error::NO_KEY_ARGUMENTS);
    }
    if !command.spec.admits(call.len()) {
        return Err(error::INVALID_ARGUMENT_COUNT);
    }
    keys_of(command.spec.keys, call).map_err(|_| error::INVALID_ARGUMENTS)
}

/// `COMMAND HELP`
pub fn help(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    table_help::write(ctx);
    DONE
}
