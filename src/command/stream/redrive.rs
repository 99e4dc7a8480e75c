//! XREDRIVE: dead letters go back to where they came from.

use super::deadletter::{append, field};
use super::logged::released;
use super::{attend, delete, entries_changed, group_changed, ids};
use crate::base::num;
use crate::command::acl;
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Stream;
use crate::data::stream::{Id, References, Removal};
use crate::keyspace::{StripeSet, notify};
use crate::resp::Request;

/// Dead letters that one call looks at, where it does not say how many.
const DEFAULT_COUNT: u64 = 100;
/// Dead letters that one call looks at, whatever it says: a step of some milliseconds.
const MAX_COUNT: u64 = 1000;

/// `XREDRIVE dlq [TO key] [IDS n id... | COUNT n]`: sends dead letters back, the oldest unless told; says of each 1 if its entry was released
/// in its group, 2 if it was appended as a new one, -1 if it is kept.
pub fn xredrive(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let redrive = Redrive::parse(&mut args)?;
    let may_write = acl::writes_also(ctx.shared, ctx.session, ctx.command, args.request());
    if redrive.to.is_some_and(|target| !may_write(target)) {
        return Err(error::NO_PERMISSION_FOR_KEY);
    }
    ctx.keys
        .find_as::<Stream>(redrive.source)?
        .ok_or(error::NO_SUCH_KEY)?;
    let ids = redrive.ids(&mut ctx.keys);
    ctx.reply.array(ids.len());
    let (mut moved, mut kept) = (0, None);
    for id in ids {
        let sent = redrive.send(&mut ctx.keys, id, &may_write);
        ctx.reply.int(match sent {
            Ok(Sent::Released) => 1,
            Ok(Sent::Appended) => 2,
            Err(why) => {
                let (_, _, count) = kept.get_or_insert((id, why, 0));
                *count += 1;
                -1
            }
        });
        if sent.is_ok() {
            moved += 1;
            redrive.remove(&mut ctx.keys, id);
        }
    }
    if let Some((id, why, count)) = kept {
        tracing::warn!(
            "{count} dead letters of \"{}\" are kept; the first is {id}: {why}",
            redrive.source.escape_ascii()
        );
    }
    if moved > 0 {
        entries_changed(&mut ctx.keys, redrive.source, moved);
        ctx.keys.notify(notify::STREAM, "xdel", redrive.source);
    }
    DONE
}

/// The stripes of the streams that the letters are to go to.
pub fn reach(keys: &mut Keys<'_, '_>, request: Request<'_>) -> StripeSet {
    let keyspace = keys.keyspace();
    let mut set = StripeSet::none();
    let Ok(redrive) = Redrive::parse(&mut Args::new(&request, 1)) else {
        return set;
    };
    for id in redrive.ids(keys) {
        if let Some(letter) = redrive.letter(keys, id)
            && let Some(target) = redrive.target(&letter)
        {
            set.insert(keyspace.stripe_of(target));
        }
    }
    set
}

/// How a letter went back.
enum Sent {
    /// Its entry was there and is due again in its group.
    Released,
    /// As a new entry.
    Appended,
}

struct Redrive<'a> {
    source: &'a [u8],
    to: Option<&'a [u8]>,
    wanted: Wanted,
}

enum Wanted {
    These(Vec<Id>),
    Oldest(u64),
}

/// A dead letter: all of its fields, and which of them tell where it comes from.
struct Letter {
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// How many are the entry's own.
    own: usize,
}

impl Letter {
    /// What the letter tells of itself; its entry may have had a field of that name, so the last counts.
    fn told(&self, name: &[u8]) -> Option<&[u8]> {
        let told = self.fields[self.own..].iter();
        told.rev()
            .find(|(other, _)| other == name)
            .map(|(_, value)| &value[..])
    }
}

impl<'a> Redrive<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Redrive<'a>, Error> {
        let mut redrive = Redrive {
            source: args.bytes()?,
            to: None,
            wanted: Wanted::Oldest(DEFAULT_COUNT),
        };
        while !args.is_empty() {
            if args.len() > 1 && args.keyword("TO") {
                redrive.to = Some(args.bytes()?);
            } else if args.len() > 1 && args.keyword("COUNT") {
                let count = num::parse_i64(args.bytes()?).and_then(|n| u64::try_from(n).ok());
                let count = count
                    .filter(|&count| count > 0)
                    .ok_or(error::XREDRIVE_BAD_COUNT)?;
                redrive.wanted = Wanted::Oldest(count.min(MAX_COUNT));
            } else if args.len() > 1 && args.keyword("IDS") {
                let texts = delete::take_ids(args)?;
                redrive.wanted = Wanted::These(ids::parse_all(texts.into_iter())?);
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(redrive)
    }

    /// The letters asked for.
    fn ids(&self, keys: &mut Keys<'_, '_>) -> Vec<Id> {
        match &self.wanted {
            Wanted::These(ids) => ids.clone(),
            Wanted::Oldest(count) => {
                let stream = keys.peek_as::<Stream>(self.source);
                let entries = stream.map(|stream| stream.log.range(Id::MIN, Id::MAX));
                let entries = entries.into_iter().flatten().take(*count as usize);
                entries.map(|entry| entry.id).collect()
            }
        }
    }

    fn letter(&self, keys: &mut Keys<'_, '_>, id: Id) -> Option<Letter> {
        let stream = keys.peek_as::<Stream>(self.source)?;
        let fields = stream.log.entry(id)?.fields();
        let fields: Vec<_> = fields
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect();
        let begins = |(name, _): &(Vec<u8>, Vec<u8>)| name == field::STREAM;
        let own = fields.iter().rposition(begins).unwrap_or(fields.len());
        Some(Letter { fields, own })
    }

    fn target<'l>(&'l self, letter: &'l Letter) -> Option<&'l [u8]> {
        self.to.or_else(|| letter.told(field::STREAM))
    }

    /// Sends a letter on its way, or says why not.
    fn send(
        &self,
        keys: &mut Keys<'_, '_>,
        id: Id,
        may_write: impl Fn(&[u8]) -> bool,
    ) -> Result<Sent, &'static str> {
        let letter = self.letter(keys, id).ok_or("there is no such letter")?;
        let target = self
            .target(&letter)
            .ok_or("it does not say where it comes from")?;
        if target == self.source {
            return Err("it would come back to where it is");
        }
        if !may_write(target) {
            return Err("who sends it back may not write to its stream");
        }
        let stripe = keys.keyspace().stripe_of(target);
        if !keys.locked.holds(stripe) {
            return Err("its stream could not be held");
        }
        if self.to.is_none() && release(keys, target, &letter) {
            return Ok(Sent::Released);
        }
        let own = letter.fields[..letter.own].iter();
        let fields: Vec<_> = own.map(|(name, value)| (&name[..], &value[..])).collect();
        if fields.is_empty() {
            return Err("it has no fields of its own");
        }
        append(keys, target, &fields).ok_or("its stream takes no entry")?;
        Ok(Sent::Appended)
    }

    fn remove(&self, keys: &mut Keys<'_, '_>, id: Id) {
        if let Ok(Some(stream)) = keys.find_as::<Stream>(self.source) {
            let removal = stream.delete(id, References::Keep);
            debug_assert_eq!(removal, Removal::Removed, "just read");
        }
        if let Some(effect) = keys.logs(3) {
            effect.arg(b"XDEL").arg(self.source).arg(&id.text()).end();
        }
    }
}

/// Makes the entry that a letter tells of due again in its group alone. False if it is not there any more.
fn release(keys: &mut Keys<'_, '_>, key: &[u8], letter: &Letter) -> bool {
    let (Some(name), Some(id)) = (letter.told(field::GROUP), letter.told(field::ID)) else {
        return false;
    };
    let Some(id) = Id::parse(id, 0) else {
        return false;
    };
    let due_ms = keys.steady();
    let Ok(Some(Stream { log, groups, .. })) = keys.find_as::<Stream>(key) else {
        return false;
    };
    let (Some(entry), Some(group)) = (log.entry(id), groups.get_mut(name)) else {
        return false;
    };
    match group.pending(id) {
        Some(_) => {
            group.release(id, due_ms, 0);
        }
        None => {
            group.take_on(id, due_ms, 0);
            group.classify(&entry);
        }
    }
    released(keys, (key, name), &[(id, 0)], due_ms);
    group_changed(keys, 1);
    attend::rearm(keys, key);
    keys.ready(key);
    true
}
