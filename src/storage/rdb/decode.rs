//! Values from the bytes of a file or a dump. Nothing is trusted: what is given out is sound whatever the bytes.

use super::cursor::{Cursor, Text};
use super::error::Result;
use super::extra::Extra;
use super::kind::{Kind, ListForm, SetForm};
use super::listpack::Elements;
use super::skip::Templates;
use super::{decode_hash, decode_stream, decode_zset, ziplist};
use crate::base::Blob;
use crate::data::hash;
use crate::data::list::{self, Limit, Loader};
use crate::data::set::{self, Set};
use crate::data::{StrValue, Value, zset};
use bytes::Bytes;

/// What the configuration says of values that are built.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// How large a list's chunks grow.
    pub list: Limit,
    /// Up to which size sets are kept in compact forms.
    pub set: set::Limits,
    /// What a small hash may hold.
    pub hash: hash::Limits,
    /// How large sorted sets grow that are kept packed.
    pub zset: zset::Limits,
}

/// The value at the cursor, with what was kept beside it; `None` for an empty one.
pub fn value(
    cursor: &mut Cursor<'_>,
    kind: Kind,
    extra: &Extra,
    templates: &Templates,
    limits: &Limits,
) -> Result<Option<Value>> {
    match kind {
        Kind::String => string(cursor).map(|string| Some(string.into())),
        Kind::List(form) => Ok(list(cursor, form, limits.list)?.map(Value::from)),
        Kind::Set(form) => Ok(set(cursor, form, limits.set)?.map(Value::from)),
        Kind::Hash(form) => {
            Ok(decode_hash::hash(cursor, form, templates, limits.hash)?.map(Value::from))
        }
        Kind::ZSet(form) => Ok(decode_zset::zset(cursor, form, limits.zset)?.map(Value::from)),
        Kind::Stream(form) => {
            decode_stream::stream(cursor, form, extra).map(|stream| Some(stream.into()))
        }
        Kind::Other(_) => Err(cursor.corrupt("a value of an unknown type")),
    }
}

fn string(cursor: &mut Cursor<'_>) -> Result<StrValue> {
    match cursor.clone().text()? {
        Text::Integer(value) => {
            cursor.text()?;
            Ok(value.into())
        }
        _ => {
            let mut scratch = Vec::new();
            let text = cursor.string(&mut scratch)?;
            Ok(StrValue::new(Blob::Slice(text)))
        }
    }
}

fn list(cursor: &mut Cursor<'_>, form: ListForm, limit: Limit) -> Result<Option<list::List>> {
    let mut loader = Loader::new(limit);
    let mut scratch = Vec::new();
    let nodes = match form {
        ListForm::Ziplist => 1,
        _ => cursor.count(1)?,
    };
    for _ in 0..nodes {
        match form {
            ListForm::Strings => loader.push(cursor.string(&mut scratch)?),
            ListForm::Ziplist | ListForm::Ziplists => {
                ziplist_node(cursor, &mut scratch, &mut loader)?
            }
            ListForm::Listpacks => listpack_node(cursor, &mut scratch, &mut loader)?,
        }
    }
    Ok(loader.finish())
}

fn set(cursor: &mut Cursor<'_>, form: SetForm, limits: set::Limits) -> Result<Option<Set>> {
    match form {
        SetForm::Strings => set_of_strings(cursor, limits),
        SetForm::Ints => {
            let mut scratch = Vec::new();
            let intset = cursor.string(&mut scratch)?;
            let set = ints(intset, limits).ok_or_else(|| cursor.corrupt("a damaged intset"))?;
            Ok((!set.is_empty()).then_some(set))
        }
        SetForm::Listpack => {
            let mut scratch = Vec::new();
            let listpack = cursor.string(&mut scratch)?;
            set_of_listpack(listpack, limits)
                .ok_or_else(|| cursor.corrupt("a damaged listpack of a set"))
        }
    }
}

fn set_of_strings(cursor: &mut Cursor<'_>, limits: set::Limits) -> Result<Option<Set>> {
    let count = cursor.count(1)?;
    let mut loader = set::Loader::new(count, limits);
    let mut scratch = Vec::new();
    for _ in 0..count {
        if !loader.push(Blob::Slice(cursor.string(&mut scratch)?)) {
            return Err(cursor.corrupt("a member twice in a set"));
        }
    }
    Ok(loader.finish())
}

/// Reads `width u32 | count u32 | value*`, all little endian.
fn ints(intset: &[u8], limits: set::Limits) -> Option<Set> {
    let (width, rest) = intset.split_first_chunk()?;
    let (count, values) = rest.split_first_chunk()?;
    let (width, count) = (u32::from_le_bytes(*width), u32::from_le_bytes(*count));
    let set = Set::of_int_bytes(width as usize, values, limits)?;
    (set.len() == count as usize).then_some(set)
}

fn set_of_listpack(listpack: &[u8], limits: set::Limits) -> Option<Option<Set>> {
    let mut elements = Elements::of(listpack)?;
    let count = elements.clone().check()?.count;
    // Redis keeps such a set packed whatever the length of its members.
    let mut loader = set::Loader::new(
        count,
        set::Limits {
            ints: 0,
            member_bytes: usize::MAX,
            ..limits
        },
    );
    while !elements.is_at_end() {
        let item = elements.next()?;
        let mut digits = itoa::Buffer::new();
        if !loader.push(Blob::Slice(item.as_bytes(&mut digits))) {
            return None;
        }
    }
    Some(loader.finish())
}

fn ziplist_node(cursor: &mut Cursor<'_>, scratch: &mut Vec<u8>, loader: &mut Loader) -> Result<()> {
    let at = cursor.offset() as u64;
    let node = cursor.string(scratch)?;
    ziplist::read(node, |item| {
        loader.push(item.as_bytes(&mut itoa::Buffer::new()));
    })
    .map_err(|error| error.within(at))
}

fn listpack_node(
    cursor: &mut Cursor<'_>,
    scratch: &mut Vec<u8>,
    loader: &mut Loader,
) -> Result<()> {
    /// An element by itself.
    const PLAIN: u64 = 1;
    /// A listpack.
    const PACKED: u64 = 2;
    let container = cursor.number()?;
    let node = cursor.string(scratch)?;
    match container {
        _ if node.is_empty() => Err(cursor.corrupt("an empty node of a list")),
        PLAIN => {
            loader.push_single(Bytes::copy_from_slice(node));
            Ok(())
        }
        PACKED => push_listpack(node, loader)
            .ok_or_else(|| cursor.corrupt("a damaged listpack in a list")),
        _ => Err(cursor.corrupt("an unknown node of a list")),
    }
}

/// Adds the elements of a listpack as one chunk if it is as this program would have written it.
fn push_listpack(listpack: &[u8], loader: &mut Loader) -> Option<()> {
    let mut elements = Elements::of(listpack)?;
    let checked = elements.clone().check()?;
    if checked.count == 0 {
        return Some(());
    }
    if checked.canonical {
        loader.push_packed(elements.as_bytes(), checked.count);
        return Some(());
    }
    while !elements.is_at_end() {
        loader.push(elements.next()?.as_bytes(&mut itoa::Buffer::new()));
    }
    Some(())
}
