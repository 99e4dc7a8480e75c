//! Passing over values: only what tells how long they are is looked at.

use super::cursor::Cursor;
use super::decode_zset;
use super::error::Result;
use super::kind::{Kind, ListForm, Member, SetForm, Shape, StreamForm, ZSetForm};
use super::listpack::Elements;
use std::collections::HashMap;

/// The field names of hashes that a file says once, by the number of the template.
pub type Templates = HashMap<u64, Vec<Box<[u8]>>>;

/// What an item that stands some times over takes at least.
const MIN_ITEM_BYTES: usize = 1;
/// Bytes of an entry's id where it is not written as two numbers.
pub const RAW_ID_BYTES: usize = 16;
/// Bytes of a time.
pub const TIME_BYTES: usize = 8;

/// Moves the cursor behind a value.
pub fn value(cursor: &mut Cursor<'_>, kind: Kind, templates: &Templates) -> Result<()> {
    match kind {
        Kind::String
        | Kind::List(ListForm::Ziplist)
        | Kind::Set(SetForm::Ints | SetForm::Listpack) => strings(cursor, 1),
        Kind::List(ListForm::Strings | ListForm::Ziplists) | Kind::Set(SetForm::Strings) => {
            counted(cursor, |cursor| strings(cursor, 1))
        }
        Kind::List(ListForm::Listpacks) => counted(cursor, |cursor| {
            cursor.number()?;
            strings(cursor, 1)
        }),
        Kind::Hash(form) => shape(cursor, form.shape(), templates),
        Kind::ZSet(ZSetForm::Ziplist | ZSetForm::Listpack) => strings(cursor, 1),
        Kind::ZSet(ZSetForm::Scores) => counted(cursor, |cursor| {
            strings(cursor, 1)?;
            cursor.take(size_of::<f64>()).map(drop)
        }),
        Kind::ZSet(ZSetForm::ScoreTexts) => counted(cursor, |cursor| {
            strings(cursor, 1)?;
            decode_zset::score_text(cursor).map(drop)
        }),
        Kind::Stream(form) => stream(cursor, form),
        Kind::Other(other) => shape(cursor, other.shape, templates),
    }
}

/// Moves the cursor behind what a module wrote, after the module's number.
pub fn module(cursor: &mut Cursor<'_>) -> Result<()> {
    loop {
        match cursor.number()? {
            0 => return Ok(()),
            1 | 2 => drop(cursor.number()?),
            3 => drop(cursor.take(size_of::<f32>())?),
            4 => drop(cursor.take(size_of::<f64>())?),
            5 => strings(cursor, 1)?,
            _ => return Err(cursor.corrupt("an unknown item in what a module wrote")),
        }
    }
}

/// Moves the cursor behind `count` strings.
pub fn strings(cursor: &mut Cursor<'_>, count: usize) -> Result<()> {
    for _ in 0..count {
        cursor.text()?;
    }
    Ok(())
}

fn numbers(cursor: &mut Cursor<'_>, count: usize) -> Result<()> {
    for _ in 0..count {
        cursor.number()?;
    }
    Ok(())
}

/// Moves the cursor behind a count and as many items.
fn counted<'a>(
    cursor: &mut Cursor<'a>,
    mut each: impl FnMut(&mut Cursor<'a>) -> Result<()>,
) -> Result<()> {
    for _ in 0..cursor.count(MIN_ITEM_BYTES)? {
        each(cursor)?;
    }
    Ok(())
}

/// Moves the cursor behind a count and as many items of one size.
fn counted_blocks(cursor: &mut Cursor<'_>, bytes: usize) -> Result<()> {
    let count = cursor.count(bytes)?;
    cursor.take(count * bytes).map(drop)
}

fn stream(cursor: &mut Cursor<'_>, form: StreamForm) -> Result<()> {
    let count = cursor.number()?;
    nodes(cursor, count, usize::MAX)?;
    stream_end(cursor, form)
}

/// Moves the cursor behind nodes of a stream until it has passed `count` of them or at least `bytes`; says how many it has passed.
pub fn nodes(cursor: &mut Cursor<'_>, count: u64, bytes: usize) -> Result<u64> {
    let start = cursor.offset();
    let mut passed = 0;
    while passed < count && cursor.offset() - start < bytes {
        strings(cursor, 2)?;
        passed += 1;
    }
    Ok(passed)
}

/// Moves the cursor behind what follows a stream's nodes.
pub fn stream_end(cursor: &mut Cursor<'_>, form: StreamForm) -> Result<()> {
    let counters = if form >= StreamForm::Counters { 8 } else { 3 };
    numbers(cursor, counters)?;
    counted(cursor, |cursor| group(cursor, form))?;
    if form >= StreamForm::MessageIds {
        message_ids(cursor)?;
    }
    Ok(())
}

fn group(cursor: &mut Cursor<'_>, form: StreamForm) -> Result<()> {
    strings(cursor, 1)?;
    numbers(cursor, if form >= StreamForm::Counters { 3 } else { 2 })?;
    counted(cursor, |cursor| {
        cursor.take(RAW_ID_BYTES + TIME_BYTES)?;
        numbers(cursor, 1)
    })?;
    let times = if form >= StreamForm::ActiveTimes {
        2
    } else {
        1
    };
    counted(cursor, |cursor| {
        strings(cursor, 1)?;
        cursor.take(times * TIME_BYTES)?;
        counted_blocks(cursor, RAW_ID_BYTES)
    })?;
    if form >= StreamForm::Unowned {
        counted_blocks(cursor, RAW_ID_BYTES)?;
    }
    Ok(())
}

/// Moves the cursor behind a stream's ids of messages: for how long and how many are kept, those of each producer, and two totals.
fn message_ids(cursor: &mut Cursor<'_>) -> Result<()> {
    numbers(cursor, 2)?;
    counted(cursor, |cursor| {
        strings(cursor, 1)?;
        counted(cursor, |cursor| {
            strings(cursor, 1)?;
            numbers(cursor, 2)
        })
    })?;
    numbers(cursor, 2)
}

fn shape(cursor: &mut Cursor<'_>, shape: Shape, templates: &Templates) -> Result<()> {
    match shape {
        Shape::Blob => strings(cursor, 1),
        Shape::TimeAndBlob => {
            cursor.time_ms()?;
            strings(cursor, 1)
        }
        Shape::Counted(each) => counted(cursor, |cursor| member(cursor, each)),
        Shape::TimeAndCounted(each) => {
            cursor.time_ms()?;
            counted(cursor, |cursor| member(cursor, each))
        }
        Shape::Number => numbers(cursor, 1),
        Shape::Array => array(cursor),
        Shape::Module => {
            numbers(cursor, 1)?;
            module(cursor)
        }
        Shape::NamesAndBlob => {
            names(cursor)?;
            strings(cursor, 1)
        }
        Shape::NamesAndValues => {
            let count = names(cursor)?;
            strings(cursor, count)
        }
        Shape::TemplateAndValues => {
            let template = cursor.number()?;
            match templates.get(&template) {
                Some(names) => strings(cursor, names.len()),
                None => Err(cursor.corrupt("a hash of an unknown template")),
            }
        }
    }
}

fn member(cursor: &mut Cursor<'_>, member: Member) -> Result<()> {
    match member {
        Member::Pair => strings(cursor, 2),
        Member::NumberAndPair => {
            numbers(cursor, 1)?;
            strings(cursor, 2)
        }
        Member::PairAndTime => {
            strings(cursor, 2)?;
            cursor.time_ms().map(drop)
        }
    }
}

fn array(cursor: &mut Cursor<'_>) -> Result<()> {
    let count = cursor.count(MIN_ITEM_BYTES)?;
    if cursor.number()? != 0 {
        numbers(cursor, 1)?;
    }
    for _ in 0..count {
        numbers(cursor, 1)?;
        match cursor.number()? {
            0 | 3 => strings(cursor, 1)?,
            1 | 2 => drop(cursor.take(size_of::<u64>())?),
            _ => return Err(cursor.corrupt("an unknown element in an array")),
        }
    }
    Ok(())
}

/// Moves the cursor behind the field names of a hash and says how many there are.
fn names(cursor: &mut Cursor<'_>) -> Result<usize> {
    match cursor.number()? {
        0 => {
            let mut scratch = Vec::new();
            let listpack = cursor.string(&mut scratch)?;
            Elements::of(listpack)
                .and_then(Elements::check)
                .map(|checked| checked.count)
                .ok_or_else(|| cursor.corrupt("field names that are no listpack"))
        }
        1 => {
            let count = cursor.count(MIN_ITEM_BYTES)?;
            strings(cursor, count)?;
            Ok(count)
        }
        _ => Err(cursor.corrupt("field names of an unknown form")),
    }
}
