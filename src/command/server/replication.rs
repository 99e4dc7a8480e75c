//! ROLE, REPLICAOF, WAIT and WAITAOF, as a server without replicas answers them.

use crate::base::num;
use crate::command::ctx::{Block, Ctx, DONE, Flow, Outcome};
use crate::command::{Args, error};
use crate::keyspace::NEVER;
use crate::keyspace::waiters::{Awaits, OnTimeout};

/// `ROLE`
pub fn role(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply.array(3);
    ctx.reply.bulk(b"master");
    ctx.reply.int(0);
    ctx.reply.array(0);
    DONE
}

/// `REPLICAOF NO ONE` keeps things as they are; anything else is refused.
pub fn replicaof(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    if args.keyword("NO") && args.keyword("ONE") {
        ctx.reply.ok();
        return DONE;
    }
    let _host = args.bytes()?;
    let port = args.bytes().ok().and_then(num::parse_i64);
    match port {
        Some(0..=65535) => Err(error::NO_REPLICATION),
        _ => Err(error::INVALID_MASTER_PORT),
    }
}

/// `WAIT replicas timeout`: there are none, so unless none are wanted it waits its time out; 0 is for ever.
pub fn wait(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let wanted = args.int()?;
    let timeout_ms = timeout_ms(&mut args)?;
    if wanted <= 0 || ctx.nested {
        ctx.reply.int(0);
        return DONE;
    }
    wait_for(ctx, Awaits::Nothing, timeout_ms, OnTimeout::Int(0))
}

/// `WAITAOF local replicas timeout`: waits until what this client has written is durable; for replicas in vain, as there are none.
pub fn waitaof(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let local = args.int()?;
    if !(0..=1).contains(&local) {
        return Err(error::NUMLOCAL_OUT_OF_RANGE);
    }
    let replicas = num::parse_i64(args.bytes()?).filter(|replicas| *replicas >= 0);
    let replicas = replicas.ok_or(error::MUST_BE_POSITIVE)?;
    let timeout_ms = timeout_ms(&mut args)?;
    let log = ctx.keys.keyspace().log();
    if local > 0 && !ctx.shared.config.load().appendonly {
        return Err(error::NUMLOCAL_WITHOUT_LOG);
    }
    // What came right before it on this connection is not yet noted in the session.
    let offset = ctx.session.logged_to.max(ctx.keys.locked.logged_to());
    let durable = i64::from(log.is_whole() && log.durable() >= offset);
    if (durable >= local && replicas == 0) || ctx.nested {
        ctx.reply.array(2);
        ctx.reply.int(durable);
        ctx.reply.int(0);
        return DONE;
    }
    let awaits = match replicas {
        0 => Awaits::Durable(offset),
        _ => Awaits::Nothing,
    };
    wait_for(ctx, awaits, timeout_ms, OnTimeout::Durable(offset))
}

fn timeout_ms(args: &mut Args<'_>) -> Result<i64, error::Error> {
    let timeout_ms = num::parse_i64(args.bytes()?).ok_or(error::TIMEOUT_NOT_AN_INTEGER)?;
    if timeout_ms < 0 {
        return Err(error::TIMEOUT_NEGATIVE);
    }
    Ok(timeout_ms)
}

fn wait_for(ctx: &Ctx<'_, '_>, awaits: Awaits, timeout_ms: i64, on_timeout: OnTimeout) -> Outcome {
    Ok(Flow::Block(Box::new(Block {
        keys: Vec::new(),
        awaits,
        on_timeout,
        deadline_ms: match timeout_ms {
            0 => NEVER,
            _ => ctx.now.steady_ms.saturating_add(timeout_ms),
        },
        request: None,
    })))
}
