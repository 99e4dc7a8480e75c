//! FCALL and FCALL_RO.

use super::super::super::Args;
use super::super::super::ctx::{Ctx, Outcome};
use super::super::super::error::{self, Error};
use super::super::super::monitor;
use super::super::eval::{Task, conclude, count_keys};
use super::engine;
use super::manage::read_unread;

/// `FCALL function numkeys [key...] [arg...]`
pub fn fcall(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    run(ctx, args, false)
}

/// `FCALL_RO function numkeys [key...] [arg...]`
pub fn fcall_ro(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    run(ctx, args, true)
}

fn run(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, is_ro: bool) -> Outcome {
    monitor::announce(ctx, args.request());
    read_unread(ctx.shared);
    let name = args.bytes()?;
    let found = ctx.shared.functions.find(name);
    let (library, number) = found.ok_or(error::NO_FUNCTION)?;
    let keys = count_keys(&mut args).map_err(|refusal| match refusal == error::NOT_AN_INTEGER {
        true => error::BAD_NUMBER_OF_KEYS,
        false => refusal,
    })?;
    let function = &library.functions[number];
    let outcome = engine::with(&ctx.shared.functions, |engine| {
        let loaded = engine.function(&library, number)?;
        let task = Task {
            loaded,
            flags: function.flags,
            is_ro,
            function: Some(&function.name),
            keys,
        };
        let outcome = task.run(ctx, &engine.interpreter, args.request())?;
        Ok::<_, Error>(outcome)
    })?;
    conclude(ctx, outcome, &function.name)
}
