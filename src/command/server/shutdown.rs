//! SHUTDOWN: the orderly end.

use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::{Args, error};

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`: no reply, the connection closes as all do.
pub fn run(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (mut save, mut no_save, mut now, mut force, mut abort) =
        (false, false, false, false, false);
    while !args.is_empty() {
        let flag = [
            ("NOSAVE", &mut no_save),
            ("SAVE", &mut save),
            ("NOW", &mut now),
            ("FORCE", &mut force),
            ("ABORT", &mut abort),
        ]
        .into_iter()
        .find_map(|(word, flag)| args.keyword(word).then_some(flag));
        *flag.ok_or(error::SYNTAX)? = true;
    }
    let others = save || no_save || now || force;
    if (save && no_save) || (abort && others) {
        return Err(error::SYNTAX);
    }
    if abort {
        return Err(error::NO_SHUTDOWN);
    }
    if save && !force {
        return Err(error::SHUTDOWN_FAILED);
    }
    tracing::info!("SHUTDOWN by client {}: shutting down", ctx.session.id);
    ctx.shared.stop();
    ctx.session.closing = true;
    DONE
}
