//! XNACK.

use super::deadletter::{self, Reason};
use super::ids;
use super::logged::released;
use super::{attend, group_changed, group_of};
use crate::base::num;
use crate::command::error::{self, Error};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Stream;
use crate::data::stream::{Id, MAX_DELIVERY_COUNT};

/// `XNACK key group <SILENT | FAIL | FATAL> IDS n id... [RETRYCOUNT n] [FORCE] [DELAY ms]`: gives pending entries back; says how many.
pub fn xnack(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let (key, name) = (args.bytes()?, args.bytes()?);
    group_of(ctx.keys.read_as_mut::<Stream>(key)?, key, name)?;
    let nack = Nack::parse(&mut args, ctx.keys.steady())?;
    let mut given_back = 0;
    for &id in &nack.ids {
        given_back += u64::from(nack.give_back(&mut ctx.keys, (key, name), id)?);
    }
    if given_back > 0 {
        group_changed(&mut ctx.keys, given_back);
        attend::rearm(&mut ctx.keys, key);
        ctx.keys.ready(key);
    }
    ctx.reply.uint(given_back);
    DONE
}

/// The latest moment at which an entry may be due: what a snapshot has room for.
const LAST_MS: u64 = i64::MAX.unsigned_abs();

/// What a consumer says of an attempt that it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It does not count.
    Silent,
    /// It failed.
    Fail,
    /// It failed, as every other will.
    Fatal,
}

struct Nack {
    now_ms: u64,
    mode: Mode,
    ids: Vec<Id>,
    /// The same, sorted.
    sorted: Vec<Id>,
    retry_count: Option<u64>,
    /// Entries that are not pending become so.
    force: bool,
    delay_ms: Option<u64>,
}

impl Nack {
    fn parse(args: &mut Args<'_>, now_ms: u64) -> Result<Nack, Error> {
        const MODES: [(&str, Mode); 3] = [
            ("SILENT", Mode::Silent),
            ("FAIL", Mode::Fail),
            ("FATAL", Mode::Fatal),
        ];
        let mode = MODES
            .into_iter()
            .find_map(|(word, mode)| args.keyword(word).then_some(mode))
            .ok_or(error::XNACK_BAD_MODE)?;
        let mut nack = Nack {
            now_ms,
            mode,
            ids: Vec::new(),
            sorted: Vec::new(),
            retry_count: None,
            force: false,
            delay_ms: None,
        };
        while !args.is_empty() {
            nack.take_option(args)?;
        }
        if nack.ids.is_empty() {
            return Err(error::XNACK_WITHOUT_IDS);
        }
        nack.sorted.clone_from(&nack.ids);
        nack.sorted.sort_unstable();
        Ok(nack)
    }

    fn take_option(&mut self, args: &mut Args<'_>) -> Result<(), Error> {
        let has_value = args.len() > 1;
        if has_value && args.keyword("IDS") {
            self.ids = take_ids(args)?;
        } else if args.keyword("FORCE") {
            self.force = true;
        } else if has_value && args.keyword("RETRYCOUNT") {
            let count = u64::try_from(args.int()?).map_err(|_| error::XNACK_NEGATIVE_RETRYCOUNT)?;
            self.retry_count = Some(count);
        } else if has_value && args.keyword("DELAY") {
            let delay_ms = num::parse_i64(args.bytes()?).and_then(|ms| u64::try_from(ms).ok());
            self.delay_ms = Some(delay_ms.ok_or(error::XNACK_BAD_DELAY)?);
        } else {
            return Err(error::unrecognized_xnack_option(args.bytes()?));
        }
        Ok(())
    }

    /// Ends the attempt at an entry. False if it is not pending, and is not to become so.
    fn give_back(
        &self,
        keys: &mut Keys<'_, '_>,
        (key, name): (&[u8], &[u8]),
        id: Id,
    ) -> Result<bool, Error> {
        let replaying = keys.replaying;
        let (log, group) = group_of(keys.find_as::<Stream>(key)?, key, name)?;
        let before = match group.pending(id) {
            Some(pending) => pending.delivery_count,
            None if !self.force => return Ok(false),
            None => match log.entry(id) {
                None => return Ok(false),
                Some(entry) => {
                    group.take_on(id, 0, 0);
                    group.classify(&entry);
                    0
                }
            },
        };
        let count = self.count_after(before);
        let followers = match replaying {
            true => Vec::new(),
            false => group.release_followers(id, self.now_ms, |other| {
                self.sorted.binary_search(&other.id).is_ok()
            }),
        };
        let owner_ends = self.mode == Mode::Fatal && !group.policy().dead_letter.is_empty();
        let is_over = (owner_ends || group.policy().is_spent(count)) && !replaying;
        let due_ms = match is_over {
            true => 0,
            false => self.due_ms(group.policy().backoff.map(|backoff| backoff.rest_ms(count))),
        };
        group.totals.nacked += 1;
        if is_over && owner_ends {
            // What is told of it is what it was.
            released(keys, (key, name), &followers, 0);
            deadletter::bury(keys, (key, name), id, Reason::Fatal);
            return Ok(true);
        }
        if is_over {
            group.recount(id, count);
            released(keys, (key, name), &followers, 0);
            deadletter::bury(keys, (key, name), id, Reason::MaxDeliver);
            return Ok(true);
        }
        group.release(id, due_ms, count);
        released(keys, (key, name), &followers, 0);
        released(keys, (key, name), &[(id, count)], due_ms);
        Ok(true)
    }

    fn count_after(&self, before: u64) -> u64 {
        self.retry_count.unwrap_or(match self.mode {
            Mode::Silent => before.saturating_sub(1),
            Mode::Fail => before,
            Mode::Fatal => MAX_DELIVERY_COUNT,
        })
    }

    /// When it is due, 0 for at once.
    fn due_ms(&self, rest_ms: Option<u64>) -> u64 {
        let rest_ms = rest_ms.filter(|_| self.mode == Mode::Fail);
        match self.delay_ms.or(rest_ms) {
            None | Some(0) => 0,
            Some(ms) => self.now_ms.saturating_add(ms).min(LAST_MS),
        }
    }
}

fn take_ids(args: &mut Args<'_>) -> Result<Vec<Id>, Error> {
    let count = num::parse_i64(args.bytes()?)
        .filter(|&count| count > 0)
        .ok_or(error::XNACK_BAD_ID_COUNT)?;
    if count as usize > args.len() {
        return Err(error::XNACK_OTHER_ID_COUNT);
    }
    (0..count).map(|_| ids::parse(args.bytes()?, 0)).collect()
}
