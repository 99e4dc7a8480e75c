//! Idempotent production: the options IDMP and IDMPAUTO of XADD, and XIDMPRECORD, which notes what they note.
//!
//! In the log a message is a hidden XIDMPRECORD behind the XADD of its entry, and each time that it came again the same XIDMPRECORD once more. So
//! a Redis that does not know of it reads the entries. A Redis that does logs otherwise: an XADD with its options and the id it gave, or, where the
//! message came again, as it was sent. Whoever replays understands both, and leaves the clock out of it: that an entry was added is a fact.

use super::trim::IdChoice;
use super::{attend, group_changed, ids};
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Stream;
use crate::data::stream::{FIELDS_IID_BYTES, Field, Id, iid_of_fields};

/// What XADD is told of the message that it is to add.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// Whose message it is.
    pid: &'a [u8],
    /// Which one; none for that which its fields make it.
    iid: Option<&'a [u8]>,
}

impl<'a> Origin<'a> {
    /// Takes `IDMPAUTO pid` or `IDMP pid iid` into `origin`, if that is what stands next.
    pub fn take(origin: &mut Option<Self>, args: &mut Args<'a>) -> Result<bool, Error> {
        let names_message = args.len() > 2 && args.keyword("IDMP");
        let is_its_fields = !names_message && args.len() > 1 && args.keyword("IDMPAUTO");
        if !names_message && !is_its_fields {
            return Ok(false);
        }
        if origin.is_some() {
            return Err(error::TWO_ORIGINS);
        }
        let pid = args.bytes()?;
        if pid.is_empty() {
            return Err(error::empty_pid(names_message));
        }
        let iid = names_message.then(|| args.bytes()).transpose()?;
        if iid.is_some_and(<[u8]>::is_empty) {
            return Err(error::EMPTY_IID);
        }
        *origin = Some(Origin { pid, iid });
        Ok(true)
    }

    /// The message that has these fields.
    pub fn message(self, fields: &[Field<'_>]) -> Message<'a> {
        Message {
            pid: self.pid,
            iid: match self.iid {
                Some(iid) => Iid::Given(iid),
                None => Iid::Made(iid_of_fields(fields)),
            },
        }
    }
}

enum Iid<'a> {
    Given(&'a [u8]),
    Made([u8; FIELDS_IID_BYTES]),
}

/// A producer's message.
pub struct Message<'a> {
    pid: &'a [u8],
    iid: Iid<'a>,
}

impl Message<'_> {
    fn iid(&self) -> &[u8] {
        match &self.iid {
            Iid::Given(iid) => iid,
            Iid::Made(iid) => iid,
        }
    }

    /// Replies with the entry that the message became when it came before, if it did. `choice` is what it is to be now: the log of a Redis has the
    /// ids that were given, and where it has none the message came again.
    pub fn came_before(
        &self,
        ctx: &mut Ctx<'_, '_>,
        key: &[u8],
        choice: IdChoice,
    ) -> Result<bool, Error> {
        let (now_ms, replaying) = (ctx.keys.wall(), ctx.keys.replaying);
        if replaying && choice != IdChoice::Auto {
            return Ok(false);
        }
        let Some(stream) = ctx.keys.find_as::<Stream>(key)? else {
            return Ok(replaying);
        };
        let found = self.find(stream, now_ms);
        if found.is_some() || replaying {
            stream.idmp.count_duplicate();
        }
        let Some(id) = found else {
            return Ok(replaying);
        };
        group_changed(&mut ctx.keys, 1);
        self.log(&mut ctx.keys, key, id);
        ctx.reply.bulk(&id.text());
        Ok(true)
    }

    /// The message became the entry `id`.
    pub fn became(&self, ctx: &mut Ctx<'_, '_>, key: &[u8], id: Id) -> Result<(), Error> {
        let Some(stream) = ctx.keys.find_as::<Stream>(key)? else {
            return Ok(());
        };
        self.record(stream, id);
        let forgotten_ms = stream.policy.idmp.expiry_ms(id.ms);
        self.log(&mut ctx.keys, key, id);
        attend::await_forgetting(&mut ctx.keys, key, forgotten_ms);
        Ok(())
    }

    fn find(&self, stream: &mut Stream, now_ms: u64) -> Option<Id> {
        let horizon_ms = stream.policy.idmp.horizon_ms(now_ms);
        stream.idmp.find(self.pid, self.iid(), horizon_ms)
    }

    fn record(&self, stream: &mut Stream, id: Id) {
        let max_size = stream.policy.idmp.max_size;
        stream.idmp.record(self.pid, self.iid(), id, max_size);
    }

    fn log(&self, keys: &mut Keys<'_, '_>, key: &[u8], id: Id) {
        if let Some(effect) = keys.logs_hidden(None, 5) {
            let effect = effect.arg(b"XIDMPRECORD").arg(key);
            effect.arg(self.pid).arg(self.iid()).arg(&id.text()).end();
        }
    }
}

/// `XIDMPRECORD key pid iid id`: notes that a message became this entry.
pub fn xidmprecord(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, pid, iid) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let id = ids::parse(args.bytes()?, 0)?;
    if pid.is_empty() {
        return Err(error::RECORD_WITHOUT_PID);
    }
    if iid.is_empty() {
        return Err(error::RECORD_WITHOUT_IID);
    }
    let message = Message {
        pid,
        iid: Iid::Given(iid),
    };
    let now_ms = ctx.keys.wall();
    let replaying = ctx.keys.replaying;
    let stream = ctx.keys.find_as::<Stream>(key)?.ok_or(error::NO_SUCH_KEY)?;
    if replaying {
        replay_record(stream, &message, id);
        ctx.reply.ok();
        return DONE;
    }
    if stream.log.entry(id).is_none() {
        return Err(error::NO_SUCH_MESSAGE);
    }
    match message.find(stream, now_ms) {
        Some(found) if found != id => return Err(error::OTHER_MESSAGE),
        Some(_) => {}
        None => {
            group_changed(&mut ctx.keys, 1);
            message.became(ctx, key, id)?;
        }
    }
    ctx.reply.ok();
    DONE
}

/// What the log records twice came again. The clock has no say in it.
fn replay_record(stream: &mut Stream, message: &Message<'_>, id: Id) {
    if stream.idmp.find(message.pid, message.iid(), None) == Some(id) {
        stream.idmp.count_duplicate();
    } else {
        message.record(stream, id);
    }
}
