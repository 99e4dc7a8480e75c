//! MEMORY: what a key takes, and what the whole takes.

use super::info::{client_bytes, percent, ratio};
use crate::base::{float, process};
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::{Args, error};
use crate::keyspace::Entry;
use crate::resp::Reply;

/// A dataset below this says nothing about how memory is used.
const TELLING_BYTES: u64 = 5 << 20;
/// Resident memory beyond this multiple of what is allocated is worth a word.
const WORRYING_RATIO: f64 = 1.4;

/// `MEMORY USAGE key [SAMPLES count]`: the bytes of a key with its value; nothing is estimated, so samples change nothing.
pub fn usage(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    while !args.is_empty() {
        if !args.keyword("SAMPLES") || args.is_empty() || args.int()? < 0 {
            return Err(error::SYNTAX);
        }
    }
    match ctx.keys.peek(key) {
        Some(entry) => {
            let bytes = size_of::<Entry>() + key.len() + entry.value.heap_bytes();
            ctx.reply.uint(bytes as u64);
        }
        None => ctx.reply.null(),
    }
    DONE
}

enum Figure {
    Number(i64),
    Fraction(f64),
    /// Of one database: the bytes of its tables.
    Table(usize),
}

/// `MEMORY STATS`
pub fn stats(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let figures = figures(ctx);
    ctx.reply.map(figures.len());
    for (name, figure) in figures {
        ctx.reply.bulk(name.as_bytes());
        write_figure(ctx.reply, figure);
    }
    DONE
}

fn figures(ctx: &mut Ctx<'_, '_>) -> Vec<(String, Figure)> {
    use Figure::{Fraction, Number};
    let memory = process::memory(ctx.now.unix_ms / 1000);
    let dataset = memory.used.saturating_sub(memory.startup);
    let tables = tables(ctx);
    let keys: u64 = tables.iter().map(|table| table.keys).sum();
    let table_bytes: usize = tables.iter().map(|table| table.bytes).sum();
    let difference = |whole: u64, part: u64| Number(whole.cast_signed() - part.cast_signed());

    let mut figures = vec![
        ("peak.allocated".into(), Number(memory.peak.cast_signed())),
        ("total.allocated".into(), Number(memory.used.cast_signed())),
        (
            "startup.allocated".into(),
            Number(memory.startup.cast_signed()),
        ),
    ];
    let client_bytes = client_bytes(ctx) as u64;
    let log_bytes = ctx.shared.keyspace.log().memory_bytes();
    let overheads = [
        ("replication.backlog", 0),
        ("replica.fullsync.buffer", 0),
        ("clients.slaves", 0),
        ("clients.normal", client_bytes),
        ("cluster.links", 0),
        ("aof.buffer", log_bytes),
        ("lua.caches", 0),
        ("functions.caches", 0),
        ("script.VMs", 0),
    ];
    let overhead = memory.startup + overheads.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let named = |(name, bytes): (&str, u64)| (name.to_string(), Number(bytes.cast_signed()));
    figures.extend(overheads.map(named));
    for (number, table) in tables
        .iter()
        .enumerate()
        .filter(|(_, table)| table.keys > 0)
    {
        figures.push((format!("db.{number}"), Figure::Table(table.bytes)));
    }
    let rest = [
        ("overhead.db.hashtable.lut", Number(table_bytes as i64)),
        ("overhead.db.hashtable.rehashing", Number(0)),
        (
            "overhead.total",
            Number(overhead.cast_signed() + table_bytes as i64),
        ),
        ("db.dict.rehashing.count", Number(0)),
        ("keys.count", Number(keys.cast_signed())),
        (
            "keys.bytes-per-key",
            Number(dataset.checked_div(keys).unwrap_or(0).cast_signed()),
        ),
        ("dataset.bytes", Number(dataset.cast_signed())),
        (
            "dataset.percentage",
            Fraction(percent(dataset, memory.used)),
        ),
        (
            "peak.percentage",
            Fraction(percent(memory.used, memory.peak)),
        ),
        (
            "allocator.allocated",
            Number(memory.allocated.cast_signed()),
        ),
        ("allocator.active", Number(memory.active.cast_signed())),
        ("allocator.resident", Number(memory.resident.cast_signed())),
        ("allocator.muzzy", Number(0)),
        (
            "allocator-fragmentation.ratio",
            Fraction(ratio(memory.active, memory.allocated)),
        ),
        (
            "allocator-fragmentation.bytes",
            difference(memory.active, memory.allocated),
        ),
        (
            "allocator-rss.ratio",
            Fraction(ratio(memory.resident, memory.active)),
        ),
        (
            "allocator-rss.bytes",
            difference(memory.resident, memory.active),
        ),
        (
            "rss-overhead.ratio",
            Fraction(ratio(memory.rss, memory.resident)),
        ),
        (
            "rss-overhead.bytes",
            difference(memory.rss, memory.resident),
        ),
        ("fragmentation", Fraction(ratio(memory.rss, memory.used))),
        ("fragmentation.bytes", difference(memory.rss, memory.used)),
    ];
    figures.extend(rest.map(|(name, figure)| (name.to_string(), figure)));
    figures
}

fn write_figure(reply: &mut Reply, figure: Figure) {
    match figure {
        Figure::Number(number) => reply.int(number),
        Figure::Fraction(fraction) => {
            let mut text = Vec::new();
            float::write_f64(&mut text, fraction);
            reply.double(&text);
        }
        Figure::Table(bytes) => {
            reply.map(2);
            reply.bulk(b"overhead.hashtable.main");
            reply.int(bytes as i64);
            reply.bulk(b"overhead.hashtable.expires");
            reply.int(0);
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Table {
    keys: u64,
    bytes: usize,
}

/// The tables of each database, over all stripes.
fn tables(ctx: &mut Ctx<'_, '_>) -> Vec<Table> {
    let mut tables = vec![Table::default(); ctx.shared.keyspace.databases()];
    ctx.keys.each_stripe(|keys, stripe| {
        for (table, db) in tables.iter_mut().zip(&keys.locked.stripe(stripe).dbs) {
            table.keys += db.len() as u64;
            table.bytes += db.table_bytes();
        }
    });
    tables
}

/// `MEMORY DOCTOR`
pub fn doctor(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let memory = process::memory(ctx.now.unix_ms / 1000);
    let resident = ratio(memory.rss, memory.allocated);
    let report = if memory.used.saturating_sub(memory.startup) < TELLING_BYTES {
        "There is too little data to judge how memory is used.\n".to_string()
    } else if memory.peak as f64 > memory.used as f64 * WORRYING_RATIO {
        format!(
            "At its peak the server used {} bytes, now {}: the allocator may keep some of the difference for a while.\n",
            memory.peak, memory.used
        )
    } else if resident > WORRYING_RATIO {
        format!(
            "Resident memory is {resident:.2} times what is in use: pages are only partly filled.\n"
        )
    } else {
        "Memory is used well.\n".to_string()
    };
    ctx.reply.verbatim(report.as_bytes());
    DONE
}

/// `MEMORY PURGE`: unused pages go back to the system now, not within seconds.
pub fn purge(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    process::purge();
    ctx.reply.ok();
    DONE
}

/// `MEMORY MALLOC-STATS`
pub fn malloc_stats(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.reply.verbatim(&process::allocator_report());
    DONE
}
