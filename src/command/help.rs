//! HELP subcommands, from the table: each subcommand with its arguments and its summary.

use super::Args;
use super::ctx::{Ctx, DONE, Outcome};
use super::registry::Command;
use super::table::syntax;
use crate::resp::Reply;

/// Writes the help of a command whose subcommands are no rows of the table: their names.
pub fn write_names<'a>(
    reply: &mut Reply,
    command: &str,
    names: impl ExactSizeIterator<Item = &'a str>,
) {
    reply.array(names.len() + 1);
    reply.simple(&heading(command));
    names.for_each(|name| reply.simple(&name.to_ascii_uppercase()));
}

fn heading(command: &str) -> String {
    format!(
        "{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        command.to_ascii_uppercase()
    )
}

/// `<container> HELP`: what every HELP subcommand in the table is run by.
pub fn run(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let container = ctx
        .command
        .container()
        .expect("a HELP subcommand stands in a container");
    let mut lines = vec![heading(container.spec.name)];
    let (help, others): (Vec<&Command>, _) = container
        .subcommands()
        .partition(|sub| sub.spec.name == "help");
    for sub in others.into_iter().chain(help) {
        let arguments =
            syntax::parse(sub.spec.docs.syntax).expect("a test parses every row's syntax");
        let name = sub.spec.name.to_ascii_uppercase();
        lines.push(format!("{name} {}", syntax::usage(&arguments)));
        lines.push(format!("    {}", sub.spec.docs.summary));
    }
    ctx.reply.array(lines.len());
    for line in lines {
        ctx.reply.simple(line.trim_end());
    }
    DONE
}
