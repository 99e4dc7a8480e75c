//! MODULE: administration tools ask what is loaded. There are no modules here, and no subcommands to load any.

use crate::command::Args;
use crate::command::ctx::{Ctx, DONE, Outcome};

/// `MODULE LIST`
pub fn list(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply.array(0);
    DONE
}
