//! Dead letters: entries that are not to be delivered again move to the stream that their group names.
//!
//! A move is one transaction: the dead letter holds the entry's fields, followed by where it comes from and why, and the entry is settled. Where it
//! cannot be made (the target is of another type or full, or memory is) the entry is parked, the failure is counted and nothing is lost.

use super::logged::{self, Actor};
use super::trim::IdChoice;
use super::{ack, attend, group_changed, make, retention};
use crate::command::{Args, Keys};
use crate::data::stream::{Group, Id, Pending};
use crate::data::{Kind, Stream};
use crate::keyspace::{StripeSet, notify};
use crate::resp::Request;

/// Names of the fields that tell where a dead letter comes from.
pub mod field {
    /// The stream's key.
    pub const STREAM: &[u8] = b"dead-stream";
    /// The group.
    pub const GROUP: &[u8] = b"dead-group";
    /// The entry's id.
    pub const ID: &[u8] = b"dead-id";
    /// How often it was delivered.
    pub const COUNT: &[u8] = b"dead-count";
    /// `maxdeliver` or `fatal`.
    pub const REASON: &[u8] = b"dead-reason";
    /// Whose it was last; empty where that is not known.
    pub const CONSUMER: &[u8] = b"dead-consumer";
    /// When it died, Unix milliseconds.
    pub const TIME: &[u8] = b"dead-time";
}

/// Why an entry is not to be delivered again.
#[derive(Clone, Copy, Debug)]
pub enum Reason {
    /// It was delivered as often as the group's policy allows.
    MaxDeliver,
    /// A consumer said that it never can be processed.
    Fatal,
}

impl Reason {
    fn text(self) -> &'static [u8] {
        match self {
            Reason::MaxDeliver => b"maxdeliver",
            Reason::Fatal => b"fatal",
        }
    }
}

/// An entry on its way.
struct Letter {
    /// Empty for none.
    target: Box<[u8]>,
    /// Names and values, the entry's own first.
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The stripes of the dead-letter stream of the group that a request names behind its key.
pub fn reach(keys: &mut Keys<'_, '_>, request: Request<'_>) -> StripeSet {
    let mut args = Args::new(&request, 1);
    let (Ok(key), Ok(name)) = (args.bytes(), args.bytes()) else {
        return StripeSet::none();
    };
    let keyspace = keys.keyspace();
    let stream = keys.peek_as::<Stream>(key);
    let group = stream.and_then(|stream| stream.groups.get(name));
    targets(group.into_iter(), |target| keyspace.stripe_of(target))
}

/// The stripes of the dead-letter streams of all groups of the stream at `key`.
pub fn reach_of_all(keys: &mut Keys<'_, '_>, key: &[u8]) -> StripeSet {
    let keyspace = keys.keyspace();
    let stream = keys.peek_as::<Stream>(key);
    let groups = stream.into_iter().flat_map(|stream| stream.groups.values());
    targets(groups, |target| keyspace.stripe_of(target))
}

fn targets<'g>(
    groups: impl Iterator<Item = &'g Group>,
    stripe_of: impl Fn(&[u8]) -> usize,
) -> StripeSet {
    let mut set = StripeSet::none();
    for group in groups {
        let target = &group.policy().dead_letter;
        if !target.is_empty() {
            set.insert(stripe_of(target));
        }
    }
    set
}

/// Moves a pending entry to the dead-letter stream of its group, or parks it. The stripes of both streams are held.
pub fn bury(keys: &mut Keys<'_, '_>, (key, name): (&[u8], &[u8]), id: Id, reason: Reason) {
    let letter = match letter(keys, (key, name), id, reason) {
        // Nothing is left of it that could be delivered. What was set aside before it was deleted, and is judged again, stays so.
        None if is_nobodys(keys, (key, name), id) => return park(keys, (key, name), id),
        None => return settle(keys, (key, name), id, Group::ack),
        Some(letter) => letter,
    };
    if letter.target.is_empty() {
        return park(keys, (key, name), id);
    }
    match deliver(keys, &letter) {
        true => settle(keys, (key, name), id, Group::settle_dead),
        false => {
            if let Some(group) = group(keys, key, name) {
                group.totals.dead_letter_failures += 1;
            }
            park(keys, (key, name), id);
        }
    }
}

/// The same for one whose lease has run out. What follows it in its class is nobody's with it.
pub fn bury_with_followers(
    keys: &mut Keys<'_, '_>,
    (key, name): (&[u8], &[u8]),
    id: Id,
    reason: Reason,
) {
    let now_ms = keys.steady();
    if let Some(group) = group(keys, key, name) {
        // Those that have run out too are judged, or served, by themselves.
        let wait_ms = group.policy().ack_wait_ms;
        let has_run_out = |other: &Pending| other.time_ms.saturating_add(wait_ms) <= now_ms;
        let lost = group.release_followers(id, now_ms, has_run_out);
        logged::released(keys, (key, name), &lost, 0);
    }
    bury(keys, (key, name), id, reason);
}

fn group<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8], name: &[u8]) -> Option<&'k mut Group> {
    let entry = keys.find(key)?;
    Stream::of_mut(&mut entry.value)?.groups.get_mut(name)
}

fn is_nobodys(keys: &mut Keys<'_, '_>, (key, name): (&[u8], &[u8]), id: Id) -> bool {
    let pending = group(keys, key, name).and_then(|group| group.pending(id));
    pending.is_some_and(|pending| pending.consumer.is_none())
}

/// What is to be sent, if the entry is there and pending.
fn letter(
    keys: &mut Keys<'_, '_>,
    (key, name): (&[u8], &[u8]),
    id: Id,
    reason: Reason,
) -> Option<Letter> {
    let now_ms = keys.now_ms;
    let stream = keys.peek_as::<Stream>(key)?;
    let group = stream.groups.get(name)?;
    let target = group.policy().dead_letter.clone();
    let pending = group.pending(id)?;
    let entry = stream.log.entry(id)?;
    let own = entry
        .fields()
        .map(|(name, value)| (name.to_vec(), value.to_vec()));
    let told = [
        (field::STREAM, key.to_vec()),
        (field::GROUP, name.to_vec()),
        (field::ID, id.text().to_vec()),
        (
            field::COUNT,
            pending.delivery_count.to_string().into_bytes(),
        ),
        (field::REASON, reason.text().to_vec()),
        (field::CONSUMER, group.owner_name(pending).to_vec()),
        (field::TIME, now_ms.to_string().into_bytes()),
    ];
    let told = told.map(|(name, value)| (name.to_vec(), value));
    Some(Letter {
        target,
        fields: own.chain(told).collect(),
    })
}

/// Adds a letter to its stream. False if that cannot be.
fn deliver(keys: &mut Keys<'_, '_>, letter: &Letter) -> bool {
    let fields: Vec<_> = letter
        .fields
        .iter()
        .map(|(name, value)| (&name[..], &value[..]))
        .collect();
    append(keys, &letter.target, &fields).is_some()
}

/// Appends an entry to the stream at `key`, which is made if need be, as a client's XADD would; gives its id. `None` if the key holds something
/// else, the stream takes no more, or memory is full.
pub fn append(keys: &mut Keys<'_, '_>, key: &[u8], fields: &[(&[u8], &[u8])]) -> Option<Id> {
    if keys.keyspace().is_full() && !keys.replaying {
        return None;
    }
    let (now_ms, limits) = (keys.wall(), keys.limits);
    let times = keys.times();
    let bytes = fields.iter().map(|(name, value)| name.len() + value.len());
    let (bytes, is_new) = (bytes.sum(), !keys.contains(key));
    let stream = match keys.find_as::<Stream>(key) {
        Ok(Some(stream)) => stream,
        Ok(None) => make::stream_for(keys, key, bytes, false).ok()?,
        Err(_) => return None,
    };
    let id = IdChoice::Auto.resolve(stream, now_ms, times).ok()?;
    retention::admit(stream, bytes, false).ok()?;
    stream.log.append(id, fields, limits);
    let after = retention::after_add(stream, times);
    if let Some(effect) = keys.logs(3 + 2 * fields.len()) {
        logged::added(effect, key, id, fields.iter().copied());
    }
    if is_new {
        make::log_stream(keys, key);
    }
    keys.notify(notify::STREAM, "xadd", key);
    keys.fed(key);
    retention::trimmed(keys, key, after.dropped);
    attend::rearm(keys, key);
    Some(id)
}

fn settle(
    keys: &mut Keys<'_, '_>,
    (key, name): (&[u8], &[u8]),
    id: Id,
    settle_in: impl FnOnce(&mut Group, Id) -> bool,
) {
    if let Some(group) = group(keys, key, name) {
        settle_in(group, id);
    }
    let actor = Actor {
        key,
        group: name,
        consumer: b"",
        now_ms: keys.steady(),
        again: false,
    };
    actor.settled(keys, &[id]);
    group_changed(keys, 1);
    ack::delete_needless(keys, key, &[id]);
}

/// Sets an entry aside. Logged is only that nobody has it any more: that it is not served again follows from its count and the policy.
fn park(keys: &mut Keys<'_, '_>, (key, name): (&[u8], &[u8]), id: Id) {
    let Some(group) = group(keys, key, name) else {
        return;
    };
    let Some(pending) = group.pending(id) else {
        return;
    };
    let count = pending.delivery_count;
    group.park(id);
    logged::released(keys, (key, name), &[(id, count)], 0);
    group_changed(keys, 1);
}
