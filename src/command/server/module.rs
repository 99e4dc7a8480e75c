//! MODULE: administration tools ask what is loaded. There are no modules here.

use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::{Args, error};

/// `MODULE LIST`
pub fn list(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply.array(0);
    DONE
}

/// `MODULE LOAD path [arg ...]`, LOADEX, `UNLOAD name`: refused, as by a Redis that allows none.
pub fn refuse(_ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    Err(error::NO_MODULES)
}
