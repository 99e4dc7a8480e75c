//! CLIENT PAUSE, UNPAUSE and UNBLOCK: holding clients up, and letting them go.

use crate::base::num;
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::mail::Mail;
use crate::command::shared::{Pause, gate};
use crate::command::{Args, error};

/// `CLIENT PAUSE timeout [WRITE | ALL]`: a pause under way is never shortened or weakened, only `UNPAUSE` does that.
pub fn pause(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.len() > 2 {
        return Err(error::unknown_subcommand_or_arity(
            "client",
            args.request().arg(1),
        ));
    }
    let timeout = args.bytes()?;
    let writes_only = args.keyword("WRITE");
    if !writes_only && !args.is_empty() && !args.keyword("ALL") {
        return Err(error::PAUSE_MODE);
    }
    let timeout_ms = num::parse_i64(timeout).ok_or(error::TIMEOUT_NOT_AN_INTEGER)?;
    if timeout_ms < 0 {
        return Err(error::TIMEOUT_NEGATIVE);
    }
    let until_ms = ctx
        .now
        .steady_ms
        .checked_add(timeout_ms)
        .ok_or(error::TIMEOUT_OUT_OF_RANGE)?;
    let mut pause = ctx.shared.pause.lock();
    let is_paused = ctx.shared.gate(gate::PAUSED) && pause.until_ms > ctx.now.steady_ms;
    *pause = match is_paused {
        true => Pause {
            until_ms: until_ms.max(pause.until_ms),
            writes_only: writes_only && pause.writes_only,
        },
        false => Pause {
            until_ms,
            writes_only,
        },
    };
    ctx.shared.set_gate(gate::PAUSED, true);
    ctx.reply.ok();
    DONE
}

/// `CLIENT UNPAUSE`
pub fn unpause(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.shared.set_gate(gate::PAUSED, false);
    for core in 0..ctx.shared.cores() {
        ctx.shared.send(core, Mail::Resume);
    }
    ctx.reply.ok();
    DONE
}

/// `CLIENT UNBLOCK id [TIMEOUT | ERROR]`
pub fn unblock(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.len() > 2 {
        return Err(error::unknown_subcommand_or_arity(
            "client",
            args.request().arg(1),
        ));
    }
    let id = args.bytes()?;
    let with_error = args.keyword("ERROR");
    if !with_error && !args.is_empty() && !args.keyword("TIMEOUT") {
        return Err(error::UNBLOCK_REASON);
    }
    let id = num::parse_i64(id).ok_or(error::NOT_AN_INTEGER)?;
    let unblocked = ctx
        .shared
        .clients
        .find(id.cast_unsigned())
        .filter(|record| {
            let waiter = record.waiter.lock().clone();
            waiter.is_some_and(|waiter| waiter.claim())
        });
    if let Some(record) = &unblocked {
        let mail = Mail::Unblocked {
            token: record.token,
            client_id: record.id,
            with_error,
        };
        ctx.shared.send(record.core, mail);
    }
    ctx.reply.int(unblocked.is_some().into());
    DONE
}
