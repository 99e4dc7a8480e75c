//! Sorted sets from the bytes of a file or a dump.
//!
//! ```text
//! texts     count | (member | length u8 | text of the score)*     length 253 nan, 254 inf, 255 -inf: no text
//! scores    count | (member | score f64, little endian)*
//! ziplist   string: member, score, member, score ...
//! listpack  string: the same
//! ```

use super::cursor::Cursor;
use super::error::Result;
use super::kind::ZSetForm;
use super::listpack::Elements;
use super::ziplist;
use crate::base::float;
use crate::data::list::Item;
use crate::data::zset::{Limits, ZSet, entry_score};
use ahash::AHashSet;

type Pairs = Vec<(f64, Box<[u8]>)>;

/// What a pair takes at least.
const MIN_PAIR_BYTES: usize = 2;

/// The sorted set at the cursor; `None` for an empty one.
pub fn zset(cursor: &mut Cursor<'_>, form: ZSetForm, limits: Limits) -> Result<Option<ZSet>> {
    let pairs = match form {
        ZSetForm::ScoreTexts => counted(cursor, score_text)?,
        ZSetForm::Scores => counted(cursor, |cursor| cursor.array().map(f64::from_le_bytes))?,
        ZSetForm::Ziplist => ziplist_pairs(cursor)?,
        ZSetForm::Listpack => return listpack(cursor, limits),
    };
    of_pairs(cursor, pairs, limits)
}

/// The score at the cursor, written as a text.
pub fn score_text(cursor: &mut Cursor<'_>) -> Result<f64> {
    match cursor.byte()? {
        253 => Ok(f64::NAN),
        254 => Ok(f64::INFINITY),
        255 => Ok(f64::NEG_INFINITY),
        len => {
            let text = cursor.take(len.into())?;
            float::parse_f64(text).ok_or_else(|| cursor.corrupt("a score that is no number"))
        }
    }
}

fn counted(
    cursor: &mut Cursor<'_>,
    score: impl Fn(&mut Cursor<'_>) -> Result<f64>,
) -> Result<Pairs> {
    let count = cursor.count(MIN_PAIR_BYTES)?;
    let mut pairs = Vec::with_capacity(count);
    let mut scratch = Vec::new();
    for _ in 0..count {
        let member = cursor.string(&mut scratch)?.into();
        pairs.push((score(cursor)?, member));
    }
    Ok(pairs)
}

fn ziplist_pairs(cursor: &mut Cursor<'_>) -> Result<Pairs> {
    let at = cursor.offset() as u64;
    let mut scratch = Vec::new();
    let (mut pairs, mut member, mut is_sound) = (Pairs::new(), None, true);
    ziplist::read(cursor.string(&mut scratch)?, |item| match member.take() {
        None => member = Some(item.to_vec().into()),
        Some(member) => match entry_score(item) {
            Some(score) => pairs.push((score, member)),
            None => is_sound = false,
        },
    })
    .map_err(|error| error.within(at))?;
    if !is_sound || member.is_some() {
        return Err(cursor.corrupt("a sorted set whose members and scores do not pair up"));
    }
    Ok(pairs)
}

fn listpack(cursor: &mut Cursor<'_>, limits: Limits) -> Result<Option<ZSet>> {
    let damaged = "a damaged listpack of a sorted set";
    let mut scratch = Vec::new();
    let bytes = cursor.string(&mut scratch)?;
    let Some(elements) = Elements::of(bytes) else {
        return Err(cursor.corrupt(damaged));
    };
    let Some((pairs, is_canonical)) = listpack_pairs(elements.clone()) else {
        return Err(cursor.corrupt(damaged));
    };
    let in_order = pairs
        .windows(2)
        .all(|pair| (pair[0].0, &pair[0].1) < (pair[1].0, &pair[1].1));
    if !pairs.is_empty() && is_canonical && in_order && all_differ(&pairs) {
        return Ok(Some(ZSet::of_listpack(limits, elements.as_bytes())));
    }
    // Redis keeps such a set packed whatever the length of its members.
    let limits = Limits {
        max_member_bytes: usize::MAX,
        ..limits
    };
    of_pairs(cursor, pairs, limits)
}

/// The pairs of a sound listpack, and whether it is as this program would have written it.
fn listpack_pairs(mut elements: Elements<'_>) -> Option<(Pairs, bool)> {
    let checked = elements.clone().check()?;
    let mut pairs = Pairs::with_capacity(checked.count / 2);
    while !elements.is_at_end() {
        let member = elements.next()?.to_vec().into();
        let score: Item<'_> = elements.next()?;
        pairs.push((entry_score(score)?, member));
    }
    Some((pairs, checked.canonical))
}

fn of_pairs(cursor: &Cursor<'_>, pairs: Pairs, limits: Limits) -> Result<Option<ZSet>> {
    if pairs.iter().any(|(score, _)| score.is_nan()) {
        return Err(cursor.corrupt("a score that is no number"));
    }
    if !all_differ(&pairs) {
        return Err(cursor.corrupt("a member twice in a sorted set"));
    }
    Ok((!pairs.is_empty()).then(|| ZSet::of_pairs(limits, pairs)))
}

fn all_differ(pairs: &Pairs) -> bool {
    let mut seen = AHashSet::with_capacity(pairs.len());
    pairs.iter().all(|(_, member)| seen.insert(&**member))
}
