//! COMMAND: the table of commands, told to whoever asks.

use crate::base::glob;
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::error::{self, Error};
use crate::command::table::describe::{self, Tree};
use crate::command::table::keys::{KeyRule, Runs, keys_of};
use crate::command::table::words::{Categories, access, acl, flag};
use crate::command::{Args, Command, registry};
use crate::resp::Reply;

/// `COMMAND`: the facts about every command.
pub fn run(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    write_facts_of_all(ctx.reply);
    DONE
}

fn write_facts_of_all(reply: &mut Reply) {
    reply.array(registry::top_level().count());
    registry::top_level().for_each(|command| facts(command).write(reply));
}

fn facts(command: &'static Command) -> Tree {
    describe::info(&command.full_name, command.group, command.spec)
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
        match registry::find_called(name) {
            Some(command) => facts(command).write(ctx.reply),
            None => ctx.reply.null(),
        }
    }
    DONE
}

/// `COMMAND DOCS [name ...]`: names that are not known are left out.
pub fn docs(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let commands: Vec<&'static Command> = match args.is_empty() {
        true => registry::top_level().collect(),
        false => args.rest().filter_map(registry::find_called).collect(),
    };
    ctx.reply.map(commands.len());
    for command in commands {
        ctx.reply.bulk(command.full_name.as_bytes());
        describe::docs(&command.full_name, command.group, command.spec).write(ctx.reply);
    }
    DONE
}

/// `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`: subcommands too.
pub fn list(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let filter = Filter::parse(args)?;
    let names: Vec<&str> = registry::callable()
        .filter(|command| filter.keeps(command))
        .map(|command| command.full_name.as_str())
        .collect();
    ctx.reply.array(names.len());
    names
        .iter()
        .for_each(|name| ctx.reply.bulk(name.as_bytes()));
    DONE
}

/// Which commands are listed.
enum Filter<'a> {
    All,
    /// No command comes from a module.
    Module,
    /// Those of a category; one that does not exist has none.
    Category(Option<Categories>),
    /// Those whose full names match.
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn parse(mut args: Args<'a>) -> Result<Filter<'a>, Error> {
        if args.is_empty() {
            return Ok(Filter::All);
        }
        if args.len() != 3 || !args.keyword("FILTERBY") {
            return Err(error::SYNTAX);
        }
        if args.keyword("MODULE") {
            Ok(Filter::Module)
        } else if args.keyword("ACLCAT") {
            Ok(Filter::Category(acl::named(args.bytes()?)))
        } else if args.keyword("PATTERN") {
            Ok(Filter::Pattern(args.bytes()?))
        } else {
            Err(error::SYNTAX)
        }
    }

    fn keeps(&self, command: &Command) -> bool {
        match self {
            Filter::All => true,
            Filter::Module => false,
            Filter::Category(category) => {
                category.is_some_and(|category| command.categories() & category != 0)
            }
            Filter::Pattern(pattern) => glob::matches_nocase(pattern, command.full_name.as_bytes()),
        }
    }
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
    let command = registry::lookup_called(call[0]).ok_or(error::INVALID_COMMAND)?;
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
    let runs = keys_of(command.spec.keys, call).unwrap_or_default();
    if runs.is_empty() && !command.is(flag::NO_MANDATORY_KEYS) {
        return Err(error::INVALID_ARGUMENTS);
    }
    Ok(runs)
}
