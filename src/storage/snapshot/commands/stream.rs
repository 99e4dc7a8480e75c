//! The commands that make a stream.

use super::Arg::{self, Number, Text};
use super::{Out, at_time, command, hidden, open};
use crate::data::Stream;
use crate::data::stream::{Consumer, ConsumerSlot, Field, Group, Id, Pending, Setting};
use crate::storage::rdb;
use std::io;

/// Entries that one XNACK gives back.
const IDS_PER_NACK: usize = 64;

/// True if there are commands that make this stream.
pub(super) fn can_be_told(stream: &Stream) -> bool {
    let consumer_can = |consumer: &Consumer| match consumer.pending_len() {
        0 => consumer.active_time_ms.is_none(),
        _ => consumer.active_time_ms == Some(consumer.seen_time_ms),
    };
    let groups_can = stream.groups.values().all(|group| {
        let mut pending = group.pending_from(Id::MIN);
        let mut consumers = group.consumers();
        // XGROUP takes no count beyond that of the entries, though one can come to be.
        let added = stream.log.entries_added();
        group.entries_read.is_none_or(|read| read <= added)
            && consumers.all(|(_, consumer)| consumer_can(consumer))
            && pending.all(|pending| stream.log.entry(pending.id).is_some())
    });
    // No command says how many messages there ever were.
    groups_can && stream.idmp.is_unused()
}

/// Writes the commands that make a stream.
pub(super) fn write(out: Out<'_>, key: &[u8], stream: &Stream) -> io::Result<()> {
    let log = &stream.log;
    for entry in log.range(Id::MIN, Id::MAX) {
        write_add(out, key, entry.id.into(), entry.fields())?;
    }
    if log.is_empty() {
        // The stream comes to be with an entry that is trimmed at once; 0-0 is the one id that none can have.
        let id = log.last_id().max(Id { ms: 0, seq: 1 });
        let trimmed = [
            Text(b"MAXLEN"),
            Number(0),
            id.into(),
            Text(b"x"),
            Text(b"y"),
        ];
        command(out, &[&[Text(b"XADD"), Text(key)], &trimmed[..]].concat())?;
    }
    let progress = [
        Text(b"XSETID"),
        Text(key),
        log.last_id().into(),
        Text(b"ENTRIESADDED"),
        Number(log.entries_added()),
        Text(b"MAXDELETEDID"),
        log.max_deleted_id().into(),
    ];
    command(out, &progress)?;
    let groups = &mut stream.groups.iter();
    groups.try_for_each(|(name, group)| write_group(out, key, name, group))?;
    for entry in stream.schedule.iter_from(Id::MIN) {
        let id = [b"@", &*entry.id.text()].concat();
        hidden(out, |out| write_add(out, key, Text(&id), entry.fields()))?;
    }
    match stream.policy.is_off() {
        true => Ok(()),
        false => write_policy(out, &[Text(key)], &stream.policy.settings()),
    }
}

fn write_add<'a>(
    out: Out<'_>,
    key: &[u8],
    id: Arg<'_>,
    fields: impl ExactSizeIterator<Item = Field<'a>>,
) -> io::Result<()> {
    open(out, 3 + 2 * fields.len())?;
    for arg in [Text(b"XADD"), Text(key), id] {
        arg.write(out)?;
    }
    for (name, value) in fields {
        Text(name).write(out)?;
        Text(value).write(out)?;
    }
    Ok(())
}

/// Writes a policy; `of` are the words that say whose.
fn write_policy<S: Setting>(out: Out<'_>, of: &[Arg<'_>], settings: &[S]) -> io::Result<()> {
    let words: Vec<_> = settings.iter().flat_map(Setting::words).collect();
    let words: Vec<_> = words.iter().map(|word| Text(word)).collect();
    hidden(out, |out| {
        command(out, &[&[Text(b"XCFGSET")], of, &words].concat())
    })
}

fn write_group(out: Out<'_>, key: &[u8], name: &[u8], group: &Group) -> io::Result<()> {
    let create = [
        Text(b"XGROUP"),
        Text(b"CREATE"),
        Text(key),
        Text(name),
        group.last_id.into(),
        Text(b"ENTRIESREAD"),
        group.entries_read.map_or(Text(b"-1"), Number),
    ];
    command(out, &create)?;
    let consumers = &mut group.consumers();
    consumers
        .try_for_each(|(slot, consumer)| write_consumer(out, key, (name, group), slot, consumer))?;
    if let Some(nobody) = rdb::nobodys_name(group) {
        write_unowned(out, key, (name, group), &nobody)?;
    }
    match group.policy().is_off() {
        true => Ok(()),
        false => {
            let of = [Text(key), Text(b"GROUP"), Text(name)];
            write_policy(out, &of, &group.policy().settings())
        }
    }
}

/// Writes what is nobody's: as the consumer `nobody`'s, and then given back.
fn write_unowned(
    out: Out<'_>,
    key: &[u8],
    (name, group): (&[u8], &Group),
    nobody: &[u8],
) -> io::Result<()> {
    let pending = group.pending_from(Id::MIN);
    let mut unowned = pending
        .filter(|pending| pending.consumer.is_none())
        .peekable();
    let mut run = Vec::with_capacity(IDS_PER_NACK);
    while let Some(pending) = unowned.next() {
        write_claim(out, &[Text(key), Text(name), Text(nobody)], pending)?;
        run.push(pending.id);
        let Pending {
            time_ms,
            delivery_count,
            ..
        } = *pending;
        let goes_on = unowned
            .peek()
            .is_some_and(|next| (next.time_ms, next.delivery_count) == (time_ms, delivery_count));
        if goes_on && run.len() < IDS_PER_NACK {
            continue;
        }
        // The moment at which it is due is one after that of the command.
        if let Some(moment_ms) = time_ms.checked_sub(1) {
            at_time(out, moment_ms)?;
        }
        let ids = run.drain(..).map(Arg::from).collect::<Vec<_>>();
        let head = [
            Text(b"XNACK"),
            Text(key),
            Text(name),
            Text(b"SILENT"),
            Text(b"IDS"),
            Number(ids.len() as u64),
        ];
        let tail = [
            Text(b"RETRYCOUNT"),
            Number(delivery_count),
            Text(b"FORCE"),
            Text(b"DELAY"),
            Number(time_ms.min(1)),
        ];
        hidden(out, |out| command(out, &[&head, &ids[..], &tail].concat()))?;
    }
    let removal = [Text(b"XGROUP"), Text(b"DELCONSUMER"), Text(key), Text(name)];
    hidden(out, |out| {
        command(out, &[&removal[..], &[Text(nobody)]].concat())
    })
}

fn write_consumer(
    out: Out<'_>,
    key: &[u8],
    (name, group): (&[u8], &Group),
    slot: ConsumerSlot,
    consumer: &Consumer,
) -> io::Result<()> {
    let whose = [Text(key), Text(name), Text(&consumer.name)];
    at_time(out, consumer.seen_time_ms)?;
    let create = [Text(b"XGROUP"), Text(b"CREATECONSUMER")];
    command(out, &[&create, &whose[..]].concat())?;
    for pending in group.consumer_pending_from(slot, Id::MIN) {
        at_time(out, consumer.seen_time_ms)?;
        write_claim(out, &whose, pending)?;
    }
    Ok(())
}

fn write_claim(out: Out<'_>, whose: &[Arg<'_>], pending: &Pending) -> io::Result<()> {
    let claim = [
        Number(0),
        pending.id.into(),
        Text(b"TIME"),
        Number(pending.time_ms),
        Text(b"RETRYCOUNT"),
        Number(pending.delivery_count),
        Text(b"JUSTID"),
        Text(b"FORCE"),
    ];
    command(out, &[&[Text(b"XCLAIM")], whose, &claim[..]].concat())
}
