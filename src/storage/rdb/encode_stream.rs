//! Streams into the bytes of a file or a dump, in the form that `decode_stream` draws: that of Redis 7.0.
//!
//! Nodes are cut where the stream's own ledger cuts them. Deleted entries are left out; a node's bytes pass through one buffer, so a stream of
//! any length takes no more memory than its largest node.

use super::encode::{Encoder, number, plain};
use super::extra;
use crate::data::Stream;
use crate::data::stream::{Consumer, ConsumerSlot, Entries, EntryRef, Group, Id, Log};
use std::io::{self, Write};

const SHARES_NAMES: i64 = 2;
const UNKNOWN_READ: u64 = u64::MAX;
/// When the consumer was seen that stands for nobody.
const NOBODYS_TIME_MS: u64 = 0;

/// Writes a stream.
pub fn stream(encoder: &mut Encoder, out: &mut impl Write, stream: &Stream) -> io::Result<()> {
    let log = &stream.log;
    nodes(encoder, out, log)?;
    number(out, log.len())?;
    for id in [log.last_id(), log.first_id(), log.max_deleted_id()] {
        self::id(out, id)?;
    }
    number(out, log.entries_added())?;
    number(out, stream.groups.len() as u64)?;
    for (name, group) in &stream.groups {
        encoder.text(out, name)?;
        self::group(encoder, out, (log, group))?;
    }
    Ok(())
}

fn nodes(encoder: &mut Encoder, out: &mut impl Write, log: &Log) -> io::Result<()> {
    number(out, log.nodes().count() as u64)?;
    let mut entries = log.range(Id::MIN, Id::MAX);
    for (first, live) in log.nodes() {
        plain(out, &first.to_be_bytes())?;
        node(encoder, first, live, &mut entries);
        encoder.finished_listpack(out)?;
    }
    assert!(
        entries.next().is_none(),
        "every live entry stands in a node"
    );
    Ok(())
}

/// Encodes the next `live` entries, at least one, as a node.
fn node(encoder: &mut Encoder, first: Id, live: u32, entries: &mut Entries<'_>) {
    let listpack = &mut encoder.listpack;
    listpack.begin();
    listpack.int(live.into());
    listpack.int(0);
    for at in 0..live {
        let entry = entries.next().expect("a node counts its live entries");
        if at == 0 {
            let names = entry.shared_names();
            listpack.int(names.len() as i64);
            names.for_each(|name| listpack.text(name));
            listpack.int(0);
        }
        self::entry(listpack, first, &entry);
    }
}

fn entry(listpack: &mut super::listpack::Writer, first: Id, entry: &EntryRef<'_>) {
    let fields = entry.fields();
    let count = fields.len() as i64;
    let own_names = entry.has_own_names();
    listpack.int(if own_names { 0 } else { SHARES_NAMES });
    listpack.int(entry.id.ms.wrapping_sub(first.ms).cast_signed());
    listpack.int(entry.id.seq.wrapping_sub(first.seq).cast_signed());
    if own_names {
        listpack.int(count);
    }
    for (name, value) in fields {
        if own_names {
            listpack.text(name);
        }
        listpack.text(value);
    }
    listpack.int(if own_names { 2 * count + 4 } else { count + 3 });
}

fn group(
    encoder: &mut Encoder,
    out: &mut impl Write,
    (log, group): (&Log, &Group),
) -> io::Result<()> {
    id(out, group.last_id)?;
    let read = group.entries_read;
    let read = read.filter(|_| extra::read_beyond(log, group).is_none());
    number(out, read.unwrap_or(UNKNOWN_READ))?;
    number(out, group.pending_len() as u64)?;
    for pending in group.pending_from(Id::MIN) {
        out.write_all(&pending.id.to_be_bytes())?;
        out.write_all(&pending.time_ms.to_le_bytes())?;
        number(out, pending.delivery_count)?;
    }
    let nobody = extra::nobodys_name(group);
    let consumers = group.consumers();
    number(
        out,
        (consumers.len() + usize::from(nobody.is_some())) as u64,
    )?;
    for (slot, consumer) in consumers {
        self::consumer(encoder, out, group, (slot, consumer))?;
    }
    match nobody {
        Some(name) => self::nobody(encoder, out, group, &name),
        None => Ok(()),
    }
}

/// Writes what is nobody's as a consumer's of that name.
fn nobody(
    encoder: &mut Encoder,
    out: &mut impl Write,
    group: &Group,
    name: &[u8],
) -> io::Result<()> {
    let unowned = || {
        let pending = group.pending_from(Id::MIN);
        pending.filter(|pending| pending.consumer.is_none())
    };
    encoder.text(out, name)?;
    out.write_all(&NOBODYS_TIME_MS.to_le_bytes())?;
    number(out, unowned().count() as u64)?;
    unowned().try_for_each(|pending| out.write_all(&pending.id.to_be_bytes()))
}

fn consumer(
    encoder: &mut Encoder,
    out: &mut impl Write,
    group: &Group,
    (slot, consumer): (ConsumerSlot, &Consumer),
) -> io::Result<()> {
    encoder.text(out, &consumer.name)?;
    out.write_all(&consumer.seen_time_ms.to_le_bytes())?;
    number(out, consumer.pending_len() as u64)?;
    for pending in group.consumer_pending_from(slot, Id::MIN) {
        out.write_all(&pending.id.to_be_bytes())?;
    }
    Ok(())
}

fn id(out: &mut impl Write, id: Id) -> io::Result<()> {
    number(out, id.ms)?;
    number(out, id.seq)
}
