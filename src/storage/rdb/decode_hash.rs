//! Hashes from the bytes of a file or a dump, in all the forms there have been.
//!
//! ```text
//! Pairs           count (field value)*
//! Zipmap          count u8 | (length field | length free u8 value spare)* | 0xff     length: u8, or 254 and u32
//! TimedPairs      [earliest ms u64] count (expiry field value)*                      expiry: 0 for none, else ms, or ms - earliest + 1
//! TimedListpack   [earliest ms u64] listpack of field value ms, in order of ms, 0 for none and last
//! PairsAndTimes   count (field value ms i64)*                                        -1 for none
//!
//! NamesAndListpack   names | listpack of a number and the values         names: 0 and a listpack, or 1, count and strings
//! NamesAndValues     names | value*
//! TemplateListpack   listpack of a template's number and the values      templates stand at the file's beginning
//! TemplateAndValues  number | value*
//! ```

use super::cursor::Cursor;
use super::error::Result;
use super::kind::{HashForm, TimeForm};
use super::listpack::Elements;
use super::skip::Templates;
use super::ziplist;
use crate::base::Blob;
use crate::data::Hash;
use crate::data::hash::{Keeps, LAST_EXPIRY_MS, Limits};
use crate::data::list::Item;
use std::collections::HashSet;

/// The hash at the cursor; `None` for an empty one.
pub(super) fn hash(
    cursor: &mut Cursor<'_>,
    form: HashForm,
    templates: &Templates,
    limits: Limits,
) -> Result<Option<Hash>> {
    let hash = match form {
        HashForm::Pairs => strings(cursor, limits, Times::None)?,
        HashForm::PairsAndTimes => strings(cursor, limits, Times::Behind)?,
        HashForm::TimedPairs(TimeForm::Plain) => strings(cursor, limits, Times::Ahead)?,
        HashForm::TimedPairs(TimeForm::EarliestFirst) => {
            let earliest_ms = cursor.time_ms()?;
            strings(cursor, limits, Times::After(earliest_ms))?
        }
        HashForm::Zipmap => zipmap(cursor, limits)?,
        HashForm::Ziplist => ziplist_pairs(cursor, limits)?,
        HashForm::Listpack | HashForm::TimedListpack(TimeForm::Plain) => {
            listpack(cursor, limits, form != HashForm::Listpack)?
        }
        HashForm::TimedListpack(TimeForm::EarliestFirst) => {
            cursor.time_ms()?;
            listpack(cursor, limits, true)?
        }
        HashForm::NamesAndListpack => {
            let names = names(cursor)?;
            values_in_listpack(cursor, limits, |_| Some(&names))?
        }
        HashForm::TemplateListpack => {
            values_in_listpack(cursor, limits, |template| templates.get(&template))?
        }
        HashForm::NamesAndValues => {
            let names = names(cursor)?;
            values(cursor, limits, &names)?
        }
        HashForm::TemplateAndValues => {
            let names = templates.get(&cursor.number()?);
            let names = names.ok_or_else(|| cursor.corrupt("a hash of an unknown template"))?;
            values(cursor, limits, names)?
        }
    };
    Ok(Some(hash).filter(|hash| !hash.is_empty()))
}

/// Where the expiry of each field stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    None,
    Behind,
    Ahead,
    /// Ahead, as what it is after this.
    After(i64),
}

fn strings(cursor: &mut Cursor<'_>, limits: Limits, times: Times) -> Result<Hash> {
    let count = cursor.count(2)?;
    let mut hash = Hash::with_room(limits, count);
    let (mut name, mut value) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let ahead = match times {
            Times::Ahead | Times::After(_) => cursor.number()?,
            _ => 0,
        };
        let name = cursor.string(&mut name)?;
        let value = cursor.string(&mut value)?;
        let expires_ms = match times {
            Times::Behind => Some(cursor.time_ms()?).filter(|ms| *ms >= 0),
            Times::After(earliest_ms) if ahead > 0 => {
                Some(earliest_ms.saturating_add_unsigned(ahead - 1))
            }
            _ => Some(i64::try_from(ahead).unwrap_or(i64::MAX)).filter(|ms| *ms > 0),
        };
        add(&mut hash, limits, (name, value), expires_ms)
            .ok_or_else(|| cursor.corrupt("a field that a hash has twice"))?;
    }
    Ok(hash)
}

/// Adds a field; `None` if it is there.
fn add(
    hash: &mut Hash,
    limits: Limits,
    (name, value): (&[u8], &[u8]),
    expires_ms: Option<i64>,
) -> Option<()> {
    if !hash.set(limits, name.into(), Blob::Slice(value), Keeps::Value) {
        return None;
    }
    if let Some(expires_ms) = expires_ms {
        hash.set_expiry_ms(name, Some(expires_ms.clamp(1, LAST_EXPIRY_MS)));
    }
    Some(())
}

fn zipmap(cursor: &mut Cursor<'_>, limits: Limits) -> Result<Hash> {
    const END: u8 = 0xff;
    const LONG: u8 = 254;
    let at = cursor.offset() as u64;
    let mut scratch = Vec::new();
    let mut inner = Cursor::new(cursor.string(&mut scratch)?);
    let mut hash = Hash::new();
    let mut read = || -> Result<()> {
        inner.byte()?;
        let length = |inner: &mut Cursor<'_>| {
            Ok(match inner.byte()? {
                END => None,
                LONG => Some(u32::from_le_bytes(inner.array()?) as usize),
                short => Some(usize::from(short)),
            })
        };
        while let Some(len) = length(&mut inner)? {
            let name = inner.take(len)?;
            let len = length(&mut inner)?;
            let len = len.ok_or_else(|| inner.corrupt("a zipmap that ends after a field"))?;
            let spare = inner.byte()?;
            let value = inner.take(len)?;
            inner.take(spare.into())?;
            add(&mut hash, limits, (name, value), None)
                .ok_or_else(|| inner.corrupt("a field that a hash has twice"))?;
        }
        match inner.is_at_end() {
            true => Ok(()),
            false => Err(inner.corrupt("a zipmap that goes on after its end")),
        }
    };
    read().map_err(|error| error.within(at))?;
    Ok(hash)
}

fn ziplist_pairs(cursor: &mut Cursor<'_>, limits: Limits) -> Result<Hash> {
    let at = cursor.offset() as u64;
    let mut scratch = Vec::new();
    let bytes = cursor.string(&mut scratch)?;
    let mut hash = Hash::new();
    let mut name: Option<Vec<u8>> = None;
    let mut is_sound = true;
    ziplist::read(bytes, |item| match name.take() {
        None => name = Some(item.to_vec()),
        Some(name) => {
            let added = add(&mut hash, limits, (&name, &item.to_vec()), None);
            is_sound &= added.is_some();
        }
    })
    .map_err(|error| error.within(at))?;
    match is_sound && name.is_none() {
        true => Ok(hash),
        false => Err(cursor.corrupt("a ziplist that is no hash")),
    }
}

fn listpack(cursor: &mut Cursor<'_>, limits: Limits, is_timed: bool) -> Result<Hash> {
    let mut scratch = Vec::new();
    let bytes = cursor.string(&mut scratch)?;
    let hash = Elements::of(bytes).and_then(|elements| of_elements(elements, limits, is_timed));
    hash.ok_or_else(|| cursor.corrupt("a listpack that is no hash"))
}

/// The hash with these elements, taken as they are if they are as this program would have written them.
fn of_elements(elements: Elements<'_>, limits: Limits, is_timed: bool) -> Option<Hash> {
    let checked = elements.clone().check()?;
    if !checked.count.is_multiple_of(if is_timed { 3 } else { 2 }) {
        return None;
    }
    let in_order = walk(elements.clone(), is_timed)?;
    if checked.canonical && in_order {
        return Some(Hash::of_listpack(limits, elements.as_bytes(), is_timed));
    }
    let mut hash = Hash::new();
    let mut elements = elements;
    let (mut name, mut value) = (itoa::Buffer::new(), itoa::Buffer::new());
    while !elements.is_at_end() {
        let pair = (
            elements.next()?.as_bytes(&mut name),
            elements.next()?.as_bytes(&mut value),
        );
        let expires_ms = if is_timed { elements.next_int()? } else { 0 };
        add(
            &mut hash,
            limits,
            pair,
            Some(expires_ms).filter(|ms| *ms > 0),
        )?;
    }
    Some(hash)
}

/// Field names as they stand before values.
fn names(cursor: &mut Cursor<'_>) -> Result<Vec<Box<[u8]>>> {
    let mut scratch = Vec::new();
    if cursor.number()? == 0 {
        let names = Elements::of(cursor.string(&mut scratch)?).and_then(texts);
        return names.ok_or_else(|| cursor.corrupt("field names that are no listpack"));
    }
    let count = cursor.count(1)?;
    let names = (0..count).map(|_| Ok(cursor.string(&mut scratch)?.into()));
    names.collect()
}

fn texts(mut elements: Elements<'_>) -> Option<Vec<Box<[u8]>>> {
    let mut texts = Vec::new();
    while !elements.is_at_end() {
        texts.push(elements.next()?.to_vec().into());
    }
    Some(texts)
}

fn values(cursor: &mut Cursor<'_>, limits: Limits, names: &[Box<[u8]>]) -> Result<Hash> {
    let mut hash = Hash::with_room(limits, names.len());
    let mut scratch = Vec::new();
    for name in names {
        let value = cursor.string(&mut scratch)?;
        add(&mut hash, limits, (name, value), None)
            .ok_or_else(|| cursor.corrupt("a field that a hash has twice"))?;
    }
    Ok(hash)
}

/// The values stand behind a number, from which `names_of` tells the names.
fn values_in_listpack<'a>(
    cursor: &mut Cursor<'_>,
    limits: Limits,
    names_of: impl FnOnce(u64) -> Option<&'a Vec<Box<[u8]>>>,
) -> Result<Hash> {
    let mut scratch = Vec::new();
    let bytes = cursor.string(&mut scratch)?;
    let read = || {
        let mut elements = Elements::of(bytes)?;
        let names = names_of(elements.next_int()?.try_into().ok()?)?;
        let values = texts(elements)?;
        let mut hash = Hash::new();
        for (name, value) in names.iter().zip(&values) {
            add(&mut hash, limits, (name, value), None)?;
        }
        (names.len() == values.len()).then_some(hash)
    };
    read().ok_or_else(|| cursor.corrupt("a listpack that does not fit the names of its fields"))
}

/// Whether the fields are in the order of their expiries; `None` if one is there twice or an expiry is none.
fn walk(mut elements: Elements<'_>, is_timed: bool) -> Option<bool> {
    let bytes = elements.as_bytes();
    let mut names = HashSet::new();
    let (mut before, mut in_order) = (1, true);
    while !elements.is_at_end() {
        let start = elements.offset();
        elements.next()?;
        // What is canonical is the same text only if it is the same bytes.
        if !names.insert(&bytes[start..elements.offset()]) {
            return None;
        }
        elements.next()?;
        if is_timed {
            let expiry = elements.next()?;
            let Item::Int(ms @ 0..=LAST_EXPIRY_MS) = expiry else {
                return None;
            };
            let ms = if ms == 0 { i64::MAX } else { ms };
            in_order &= ms >= before;
            before = ms;
        }
    }
    Some(in_order)
}
