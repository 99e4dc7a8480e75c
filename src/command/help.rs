//! HELP subcommands, from the table: each subcommand with its arguments and its summary.

use super::ctx::Ctx;
use super::registry;
use super::table::syntax;

/// Writes the help of the container whose HELP subcommand is running.
pub fn write(ctx: &mut Ctx<'_, '_>) {
    let container = ctx
        .command
        .full_name
        .split('|')
        .next()
        .and_then(|name| registry::lookup(name.as_bytes()))
        .expect("a HELP subcommand stands in a container");
    let mut lines = vec![format!(
        "{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        container.spec.name.to_ascii_uppercase()
    )];
    for sub in container.subcommands() {
        let arguments =
            syntax::parse(sub.spec.docs.syntax).expect("a test parses every row's syntax");
        lines.push(format!(
            "{} {}",
            sub.spec.name.to_ascii_uppercase(),
            syntax::usage(&arguments)
        ));
        lines.push(format!("    {}", sub.spec.docs.summary));
    }
    ctx.reply.array(lines.len());
    for line in lines {
        ctx.reply.simple(line.trim_end());
    }
}
