//! MEMORY: what a key takes, and what the whole takes.

use super::super::ctx::{Ctx, DONE, Outcome};
use super::super::{Args, error, help as table_help};
use super::info::{percent, ratio};
use crate::base::process;
use crate::keyspace::Entry;

/// A dataset below this says nothing about how memory is used.
const TELLING_BYTES: u64 = 5 << 20;

/// `MEMORY USAGE key [SAMPLES count]`: the bytes of a key with its value; nothing is estimated, so samples change nothing.
pub fn usage(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    while !args.is_empty() {
        if !args.keyword("SAMPLES") || args.is_empty() {
            return Err(error::SYNTAX);
        }
        if args.int()? < 0 {
            return Err(error::SYNTAX);
        }
    }
    match ctx.keys.peek(key) {
        Some(entry) => {
            let bytes = size_of::<Entry>() + entry.key.len() + entry.value.heap_bytes();
            ctx.reply.uint(bytes as u64);
        }
        None => ctx.reply.null(),
    }
    DONE
}

/// `MEMORY STATS`
pub fn stats(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let memory = process::memory(ctx.now.unix_ms / 1000);
    let dataset = memory.allocated.saturating_sub(memory.startup);
    let tables = tables(ctx);
    let keys: usize = tables.iter().map(|table| table.keys).sum();
    let used = tables.iter().filter(|table| table.keys > 0);
    ctx.reply.map(INTEGERS_BEFORE_TABLES + used.clone().count() + 20);
    let reply = &mut *ctx.reply;
    let mut put = |name: &str, value: i64| {
        reply.bulk(name.as_bytes());
        reply.int(value);
    };
    put("peak.allocated", memory.peak as i64);
    put("total.allocated", memory.allocated as i64);
    put("startup.allocated", memory.startup as i64);
    for name in ["replication.backlog", "replica.fullsync.buffer", "clients.slaves", "clients.normal"] {
        put(name, 0);
    }
    for name in ["cluster.links", "aof.buffer", "lua.caches", "functions.caches", "script.VMs"] {
        put(name, 0);
    }
    DONE
}
