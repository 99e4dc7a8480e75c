//! Streams from the bytes of a file or a dump.
//!
//! ```text
//! stream    count node* | live entries | last id | [first id | max deleted id | entries added] | count group* | [message ids]
//! node      raw id string | listpack string
//! listpack  live, deleted, names, name*, 0, entry*
//! entry     flags (1 deleted, 2 shares the names), ms and seq against the node's id,
//!           value*  or  fields, (name, value)*;  then the number of its elements without this one
//! group     name | last id | [entries read] | count pending* | count consumer* | [count raw id*]
//! pending   raw id | delivery time | delivery count
//! consumer  name | seen time | [active time] | count raw id*
//! message ids   seconds | size | count producer* | messages ever | repetitions ever
//! producer      pid string | count (iid string | id)*
//! ```
//! What stands in brackets came later; see [`StreamForm`]. Ids are two numbers, raw ids 16 bytes big endian. Where a form has no
//! active times, what stands beside the record (`extra`) may say them; else a consumer was active when it was seen.
//!
//! Message ids are passed over: no command here knows them.

use super::cursor::Cursor;
use super::error::Result;
use super::extra::{ActiveTimes, BesideGroup, Extra};
use super::kind::StreamForm;
use super::listpack::Elements;
use super::skip::{RAW_ID_BYTES, TIME_BYTES};
use crate::data::Stream;
use crate::data::list::Item;
use crate::data::stream::{
    ConsumerSlot, Delivery, Disorder, Group, Groups, Id, Idmp, IdmpLimits, Log, LogLoader, NodeEnd,
};
use smallvec::SmallVec;

const DELETED: i64 = 1;
const SHARES_NAMES: i64 = 2;
/// How many entries a group has read, where that is not known.
const UNKNOWN_READ: u64 = u64::MAX;

/// The elements of an entry: so many are gathered without allocating.
type Items<'a> = SmallVec<[Item<'a>; 16]>;

/// The stream at the cursor. `extra` is what was kept beside it.
pub fn stream(cursor: &mut Cursor<'_>, form: StreamForm, extra: &Extra) -> Result<Stream> {
    let count = cursor.number()?;
    let loader = nodes(cursor, count)?;
    stream_of(loader, cursor, form, extra)
}

/// The stream whose nodes `loader` has, and whose rest is at the cursor.
pub fn stream_of(
    loader: LogLoader,
    cursor: &mut Cursor<'_>,
    form: StreamForm,
    extra: &Extra,
) -> Result<Stream> {
    let log = log(loader, cursor, form)?;
    let mut beside = extra.read()?;
    let mut groups = Groups::new();
    for number in 0..cursor.count(1)? {
        let mut scratch = Vec::new();
        let name: Box<[u8]> = cursor.string(&mut scratch)?.into();
        let of_group = beside.take_group(number as u64);
        let entries_read = of_group.entries_read;
        let mut group = group(cursor, form, &log, (of_group, &mut beside.active_times))?;
        group.entries_read = entries_read.or(group.entries_read);
        if groups.insert(name, group).is_some() {
            return Err(cursor.corrupt("two groups of one name"));
        }
    }
    if !beside.is_used_up() {
        return Err(cursor.corrupt("something is kept of a group that a stream does not have"));
    }
    if form >= StreamForm::MessageIds {
        (beside.policy.idmp, beside.idmp) = message_ids(cursor)?;
    }
    Ok(Stream {
        log,
        groups,
        idmp: beside.idmp,
        schedule: beside.schedule,
        policy: beside.policy,
        ..Stream::default()
    })
}

/// The next `count` nodes.
pub fn nodes(cursor: &mut Cursor<'_>, count: u64) -> Result<LogLoader> {
    let mut loader = LogLoader::default();
    let (mut id, mut scratch) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let first = match cursor.string(&mut id)?.first_chunk::<RAW_ID_BYTES>() {
            Some(raw) if cursor.remaining() > 0 => raw_id(*raw),
            _ => return Err(cursor.corrupt("a node of a stream without its id")),
        };
        let listpack = cursor.string(&mut scratch)?;
        node(first, listpack, &mut loader)
            .ok_or_else(|| cursor.corrupt("a damaged node of a stream"))?;
    }
    Ok(loader)
}

fn log(loader: LogLoader, cursor: &mut Cursor<'_>, form: StreamForm) -> Result<Log> {
    let len = cursor.number()?;
    let last_id = self::id(cursor)?;
    let (max_deleted_id, entries_added) = if form >= StreamForm::Counters {
        self::id(cursor)?;
        (self::id(cursor)?, cursor.number()?)
    } else {
        (Id::MIN, len)
    };
    if len != loader.len() || i64::try_from(entries_added).is_err() {
        return Err(cursor.corrupt("a stream of another length than it says"));
    }
    loader
        .finish(last_id, entries_added, max_deleted_id)
        .map_err(|Disorder| cursor.corrupt("a stream whose counters contradict its entries"))
}

/// Adds the entries of a node; `None` if it is not sound.
fn node(first: Id, listpack: &[u8], loader: &mut LogLoader) -> Option<()> {
    let mut elements = Elements::of(listpack)?;
    let live = u32::try_from(elements.next_int()?).ok()?;
    let deleted = u32::try_from(elements.next_int()?).ok()?;
    let total = live.checked_add(deleted)?;
    let names_count = usize::try_from(elements.next_int()?).ok()?;
    let mut items = Items::new();
    gather(&mut elements, names_count, &mut items)?;
    loader.begin_node(first, items.iter().copied()).ok()?;
    if elements.next_int()? != 0 {
        return None;
    }
    let mut last = first;
    let mut left = live;
    for _ in 0..total {
        let flags = elements.next_int()?;
        last = Id::new(
            first.ms.wrapping_add_signed(elements.next_int()?),
            first.seq.wrapping_add_signed(elements.next_int()?),
        );
        let own_names = flags & SHARES_NAMES == 0;
        items.clear();
        let stored = if own_names {
            let fields = usize::try_from(elements.next_int()?).ok()?;
            gather(&mut elements, fields.checked_mul(2)?, &mut items)?;
            items.len() + 4
        } else {
            gather(&mut elements, names_count, &mut items)?;
            items.len() + 3
        };
        if elements.next_int()? != stored as i64 {
            return None;
        }
        if flags & DELETED == 0 {
            left = left.checked_sub(1)?;
            loader.entry(last, own_names, &items).ok()?;
        }
    }
    if left != 0 || !elements.is_at_end() {
        return None;
    }
    loader.end_node(NodeEnd {
        last,
        live,
        total,
        bytes: listpack.len() as u32,
    });
    Some(())
}

/// Takes `count` elements.
#[inline]
fn gather<'a>(elements: &mut Elements<'a>, count: usize, items: &mut Items<'a>) -> Option<()> {
    for _ in 0..count {
        items.push(elements.next()?);
    }
    Some(())
}

fn group(
    cursor: &mut Cursor<'_>,
    form: StreamForm,
    log: &Log,
    (beside, active_times): (BesideGroup, &mut ActiveTimes<'_>),
) -> Result<Group> {
    let last_id = id(cursor)?;
    let entries_read = match form {
        StreamForm::First => log.entries_up_to(last_id),
        _ => match cursor.number()? {
            UNKNOWN_READ => None,
            read if i64::try_from(read).is_ok() => Some(read),
            _ => return Err(cursor.corrupt("a group that has read more than can be counted")),
        },
    };
    let mut group = Group::new(last_id, entries_read);
    let mut pending = pending(cursor)?;
    let consumers = cursor.count(TIME_BYTES + 2)?;
    for _ in usize::from(beside.last_is_nobody)..consumers {
        consumer(cursor, form, &mut group, &mut pending, active_times)?;
    }
    if beside.last_is_nobody {
        nobody(cursor, form, consumers, &mut pending)?;
    }
    if form >= StreamForm::Unowned {
        unowned(cursor, &mut pending)?;
    }
    for Undelivered {
        id,
        time_ms,
        count,
        owner,
    } in pending
    {
        match owner {
            Owner::Consumer(consumer) => group.deliver(Delivery {
                id,
                time_ms,
                count,
                consumer,
            }),
            Owner::Nobody => group.take_on(id, time_ms, count),
            Owner::Unknown => {
                return Err(cursor.corrupt("a pending entry that no consumer has"));
            }
        }
    }
    group.set_policy(beside.policy, log);
    Ok(group)
}

/// A pending entry whose consumer is still to be read.
struct Undelivered {
    id: Id,
    time_ms: u64,
    count: u64,
    owner: Owner,
}

/// Whose a pending entry is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Nothing has said so yet.
    Unknown,
    /// It was given back.
    Nobody,
    Consumer(ConsumerSlot),
}

fn pending(cursor: &mut Cursor<'_>) -> Result<Vec<Undelivered>> {
    let count = cursor.count(RAW_ID_BYTES + TIME_BYTES + 1)?;
    let mut pending: Vec<Undelivered> = Vec::with_capacity(count);
    for _ in 0..count {
        let id = raw_id(cursor.array()?);
        if pending.last().is_some_and(|before| id <= before.id) {
            return Err(cursor.corrupt("pending entries out of order"));
        }
        pending.push(Undelivered {
            id,
            time_ms: time_ms(cursor)?.unwrap_or(0),
            count: cursor.number()?,
            owner: Owner::Unknown,
        });
    }
    Ok(pending)
}

fn consumer(
    cursor: &mut Cursor<'_>,
    form: StreamForm,
    group: &mut Group,
    pending: &mut [Undelivered],
    active_times: &mut ActiveTimes<'_>,
) -> Result<()> {
    let mut scratch = Vec::new();
    let name = cursor.string(&mut scratch)?;
    if group.find_consumer(name).is_some() {
        return Err(cursor.corrupt("two consumers of one name"));
    }
    let seen_time_ms = time_ms(cursor)?;
    let active_time_ms = match form {
        StreamForm::First | StreamForm::Counters => active_times.next().unwrap_or(seen_time_ms),
        _ => time_ms(cursor)?,
    };
    let slot = group.add_consumer(name, seen_time_ms.unwrap_or(0));
    group.consumer_mut(slot).active_time_ms = active_time_ms;
    own(cursor, pending, Owner::Consumer(slot))
}

/// Notes what the last consumer has, which stands for nobody.
fn nobody(
    cursor: &mut Cursor<'_>,
    form: StreamForm,
    consumers: usize,
    pending: &mut [Undelivered],
) -> Result<()> {
    if consumers == 0 {
        return Err(cursor.corrupt("a group without the consumer that stands for nobody"));
    }
    cursor.text()?;
    cursor.time_ms()?;
    if form >= StreamForm::ActiveTimes {
        cursor.time_ms()?;
    }
    own(cursor, pending, Owner::Nobody)
}

/// Gives pending entries to an owner.
fn own(cursor: &mut Cursor<'_>, pending: &mut [Undelivered], owner: Owner) -> Result<()> {
    // They come in order, so each is looked for behind the one before.
    let mut from = 0;
    for _ in 0..cursor.count(RAW_ID_BYTES)? {
        let id = raw_id(cursor.array()?);
        from += step_to(&pending[from..], id);
        match pending.get_mut(from) {
            Some(found) if found.id == id && found.owner == Owner::Unknown => found.owner = owner,
            _ => return Err(cursor.corrupt("a consumer's entry that is not pending, or another's")),
        }
    }
    Ok(())
}

/// How far the first entry at `id` or later is.
fn step_to(pending: &[Undelivered], id: Id) -> usize {
    let mut reach = 1;
    while reach < pending.len() && pending[reach].id < id {
        reach *= 2;
    }
    let start = reach / 2;
    let end = (reach + 1).min(pending.len());
    start + pending[start..end].partition_point(|entry| entry.id < id)
}

/// Notes the entries that were given back.
fn unowned(cursor: &mut Cursor<'_>, pending: &mut [Undelivered]) -> Result<()> {
    for _ in 0..cursor.count(RAW_ID_BYTES)? {
        let id = raw_id(cursor.array()?);
        let found = pending.binary_search_by(|entry| entry.id.cmp(&id));
        match found.map(|at| &mut pending[at].owner) {
            Ok(owner @ Owner::Unknown) => *owner = Owner::Nobody,
            _ => return Err(cursor.corrupt("an entry that nobody has and that is not pending")),
        }
    }
    Ok(())
}

fn id(cursor: &mut Cursor<'_>) -> Result<Id> {
    Ok(Id::new(cursor.number()?, cursor.number()?))
}

fn raw_id(bytes: [u8; RAW_ID_BYTES]) -> Id {
    let both = u128::from_be_bytes(bytes);
    Id::new((both >> 64) as u64, both as u64)
}

/// A time, `None` for never.
fn time_ms(cursor: &mut Cursor<'_>) -> Result<Option<u64>> {
    Ok(u64::try_from(cursor.time_ms()?).ok())
}

/// What a stream remembers of messages, and within which limits.
fn message_ids(cursor: &mut Cursor<'_>) -> Result<(IdmpLimits, Idmp)> {
    /// Bytes of a producer, and of a message, at least.
    const MIN_BYTES: [usize; 2] = [2, 3];
    let limits = IdmpLimits {
        duration_s: cursor.number()?,
        max_size: cursor.number()?,
    };
    if !limits.are_sound() {
        return Err(cursor.corrupt("a stream that remembers messages beyond all bounds"));
    }
    let mut idmp = Idmp::default();
    let (mut pid, mut iid) = (Vec::new(), Vec::new());
    for _ in 0..cursor.count(MIN_BYTES[0])? {
        let pid = cursor.string(&mut pid)?;
        for _ in 0..cursor.count(MIN_BYTES[1])? {
            let iid = cursor.string(&mut iid)?;
            idmp.record(pid, iid, id(cursor)?, limits.max_size);
        }
    }
    idmp.set_totals(cursor.number()?, cursor.number()?);
    Ok((limits, idmp))
}
