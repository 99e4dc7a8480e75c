//! What the form of streams that is written has no place for. It stands in AUX fields before the stream's record, or behind the value of a
//! dump, where whoever does not know it passes over it.
//!
//! ```text
//! AUX ACTIVE_TIMES_FIELD  text             when each consumer was last active, -1 for never, in the order of the record
//! AUX SECTION_FIELD       0 | tag u8 | item*  to the field's end; any number of fields, also with one tag
//!
//! tag  item
//! 'P'  count word*                     the stream's policy, in the words of XCFGSET
//! 'G'  group | count word*             a group's
//! 'N'  group                           what the record gives to the group's last consumer is nobody's
//! 'S'  ms | seq | count (name value)*  a scheduled entry; in the order of their ids
//! 'R'  group | read                    how many entries a group has read, where that is more than there ever were: no file may say so
//! 'M'  pid | count (iid | ms | seq)*   messages of a producer and what they became, the oldest first; any number of items for one producer
//! 'T'  added | repeated                how many messages there ever were, and how often one came again; behind all messages
//! ```
//! The 0 keeps tools that print fields as texts from printing what is none. Groups are numbered as they follow in the record, from 0. Numbers have
//! the form of lengths, texts are plain strings. What is not said is off, so a stream that uses nothing of this has no such field.
//!
//! A section ends when it has [`SECTION_BYTES`], so that who writes a long schedule holds no more of it than that. A tag or an option that is not
//! known is an error: to pass over what a later version has put there would lose it.
//!
//! Pending entries that are nobody's stand in the record all the same, as those of a further consumer, its last, whose name is empty unless
//! there is one of that name. So whoever does not know better sees them pending and can claim them.

use super::cursor::Cursor;
use super::encode::{Encoder, number, plain};
use super::error::{Error, Problem, Result};
use crate::base::num::parse_i64;
use crate::data::Stream;
use crate::data::stream::{
    BadSetting, Consumer, Group, GroupPolicy, GroupSetting, Id, Idmp, IdmpLimits, Log, Schedule,
    Scheduled, Setting, StreamPolicy, StreamSetting,
};
use bytes::Bytes;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::io::{self, Write};

#[cfg(test)]
mod tests;

/// The field for active times.
const ACTIVE_TIMES_FIELD: &[u8] = b"millstream-active-times";
/// The field for a section.
const SECTION_FIELD: &[u8] = b"millstream-stream";
/// Bytes after which a section ends.
const SECTION_BYTES: usize = 64 << 10;
/// A time that has not been.
const NEVER_MS: i64 = -1;

/// Begins a section.
const NO_TEXT: u8 = 0;
const STREAM_POLICY: u8 = b'P';
const GROUP_POLICY: u8 = b'G';
const NOBODY: u8 = b'N';
const SCHEDULED: u8 = b'S';
const ENTRIES_READ: u8 = b'R';
const MESSAGES: u8 = b'M';
const MESSAGE_TOTALS: u8 = b'T';

/// Messages in one item at most, so that an item is not much longer than a section.
const MESSAGES_PER_ITEM: usize = 256;

/// Writes the fields of a stream.
pub fn write(encoder: &mut Encoder, out: &mut impl Write, stream: &Stream) -> io::Result<()> {
    if let Some(times) = active_times(stream) {
        encoder.aux(out, ACTIVE_TIMES_FIELD, &times)?;
    }
    let mut sections = Sections {
        encoder,
        out,
        section: Vec::new(),
    };
    if !stream.policy.is_off() {
        sections.item(STREAM_POLICY, |out| policy(out, &stream.policy.settings()))?;
    }
    let groups = || (0..).zip(stream.groups.values());
    for (at, group) in groups().filter(|(_, group)| !group.policy().is_off()) {
        sections.item(GROUP_POLICY, |out| {
            number(out, at)?;
            policy(out, &group.policy().settings())
        })?;
    }
    for (at, _) in groups().filter(|(_, group)| group.unowned_len() > 0) {
        sections.item(NOBODY, |out| number(out, at))?;
    }
    for entry in stream.schedule.iter_from(Id::MIN) {
        sections.item(SCHEDULED, |out| scheduled(out, entry))?;
    }
    for (at, group) in groups() {
        if let Some(read) = read_beyond(&stream.log, group) {
            sections.item(ENTRIES_READ, |out| {
                number(out, at)?;
                number(out, read)
            })?;
        }
    }
    messages(&mut sections, &stream.idmp)?;
    sections.close()
}

/// How many entries a group has read, where that is more than there ever were. Commands can bring that about, but Redis 8.10 takes no file that
/// says so.
pub fn read_beyond(log: &Log, group: &Group) -> Option<u64> {
    group
        .entries_read
        .filter(|read| *read > log.entries_added())
}

fn messages(sections: &mut Sections<'_, impl Write>, idmp: &Idmp) -> io::Result<()> {
    if idmp.is_unused() {
        return Ok(());
    }
    // What is old by now is for who reads it to tell.
    for (pid, messages) in idmp.remembered(None) {
        let mut left = messages.peekable();
        while left.peek().is_some() {
            let some: SmallVec<[_; 16]> = left.by_ref().take(MESSAGES_PER_ITEM).collect();
            sections.item(MESSAGES, |out| {
                plain(out, pid)?;
                number(out, some.len() as u64)?;
                some.iter().try_for_each(|(iid, id)| {
                    plain(out, iid)?;
                    number(out, id.ms)?;
                    number(out, id.seq)
                })
            })?;
        }
    }
    let counts = idmp.counts(None);
    sections.item(MESSAGE_TOTALS, |out| {
        number(out, counts.added)?;
        number(out, counts.duplicates)
    })
}

/// The name under which those who know only consumers see what is nobody's, if something is: one that no consumer has.
pub fn nobodys_name(group: &Group) -> Option<Vec<u8>> {
    let mut name = (group.unowned_len() > 0).then(Vec::new)?;
    while group.find_consumer(&name).is_some() {
        name.push(b'-');
    }
    Some(name)
}

/// The active times, unless all consumers were active when they were last seen, which whoever does not find them assumes.
fn active_times(stream: &Stream) -> Option<Vec<u8>> {
    let consumers = || {
        stream
            .groups
            .values()
            .flat_map(|group| group.consumers().map(|(_, consumer)| consumer))
    };
    if consumers().all(|consumer| consumer.active_time_ms == Some(consumer.seen_time_ms)) {
        return None;
    }
    let time = |consumer: &Consumer| consumer.active_time_ms.map_or(NEVER_MS, |ms| ms as i64);
    let times: Vec<String> = consumers()
        .map(|consumer| time(consumer).to_string())
        .collect();
    Some(times.join(" ").into_bytes())
}

fn policy<S: Setting>(out: &mut Vec<u8>, settings: &[S]) -> io::Result<()> {
    let words: Vec<_> = settings.iter().flat_map(Setting::words).collect();
    number(out, words.len() as u64)?;
    words.iter().try_for_each(|word| plain(out, word))
}

fn scheduled(out: &mut Vec<u8>, entry: &Scheduled) -> io::Result<()> {
    let fields = entry.fields();
    number(out, entry.id.ms)?;
    number(out, entry.id.seq)?;
    number(out, fields.len() as u64)?;
    for (name, value) in fields {
        plain(out, name)?;
        plain(out, value)?;
    }
    Ok(())
}

/// Writes sections, holding the one that is not full yet.
struct Sections<'a, W> {
    encoder: &'a mut Encoder,
    out: &'a mut W,
    /// Has its tag, or is empty.
    section: Vec<u8>,
}

impl<W: Write> Sections<'_, W> {
    fn item(
        &mut self,
        tag: u8,
        write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.section.get(1) != Some(&tag) {
            self.close()?;
            self.section.extend_from_slice(&[NO_TEXT, tag]);
        }
        write(&mut self.section)?;
        match self.section.len() {
            SECTION_BYTES.. => self.close(),
            _ => Ok(()),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        if !self.section.is_empty() {
            self.encoder.aux(self.out, SECTION_FIELD, &self.section)?;
            self.section.clear();
        }
        Ok(())
    }
}

/// The fields of a stream as they were found.
#[derive(Clone, Debug, Default)]
pub struct Extra(Vec<Field>);

#[derive(Clone, Debug)]
enum Field {
    ActiveTimes(Bytes),
    Section(Bytes),
}

impl Extra {
    /// Takes a field up; gives back what is none of a stream's.
    pub fn take(&mut self, name: &[u8], value: Bytes) -> Option<Bytes> {
        self.0.push(match name {
            ACTIVE_TIMES_FIELD => Field::ActiveTimes(value),
            SECTION_FIELD => Field::Section(value),
            _ => return Some(value),
        });
        None
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let bytes = |field: &Field| match field {
            Field::ActiveTimes(bytes) | Field::Section(bytes) => bytes.len(),
        };
        self.0.iter().map(bytes).sum()
    }

    /// What they say. Errors have no place of their own: the record's beginning stands for it.
    pub fn read(&self) -> Result<Beside<'_>> {
        let mut beside = Beside {
            active_times: ActiveTimes(None),
            policy: StreamPolicy::default(),
            schedule: Schedule::default(),
            idmp: Idmp::default(),
            groups: BTreeMap::new(),
        };
        for field in &self.0 {
            match field {
                Field::ActiveTimes(times) => beside.active_times = ActiveTimes(Some(times)),
                Field::Section(section) => section_into(&mut beside, &mut Cursor::new(section))
                    .map_err(|Error { problem, .. }| Error { offset: 0, problem })?,
            }
        }
        Ok(beside)
    }
}

/// What stands beside a stream's record.
#[derive(Debug)]
pub struct Beside<'a> {
    /// When its consumers were active.
    pub active_times: ActiveTimes<'a>,
    /// Its policy.
    pub policy: StreamPolicy,
    /// Its scheduled entries.
    pub schedule: Schedule,
    /// What it remembers of messages.
    pub idmp: Idmp,
    groups: BTreeMap<u64, BesideGroup>,
}

/// What stands beside a group.
#[derive(Debug, Default)]
pub struct BesideGroup {
    /// Its policy.
    pub policy: GroupPolicy,
    /// The last consumer in the record is none.
    pub last_is_nobody: bool,
    /// How many entries it has read, where the record does not say so.
    pub entries_read: Option<u64>,
}

impl Beside<'_> {
    /// Takes what there is for a group, by its number.
    pub fn take_group(&mut self, number: u64) -> BesideGroup {
        self.groups.remove(&number).unwrap_or_default()
    }

    /// True if every group that was spoken of has been taken.
    pub fn is_used_up(&self) -> bool {
        self.groups.is_empty()
    }

    fn group(&mut self, number: u64) -> &mut BesideGroup {
        self.groups.entry(number).or_default()
    }
}

/// The active times of a stream's consumers, one after another.
#[derive(Debug)]
pub struct ActiveTimes<'a>(Option<&'a [u8]>);

impl ActiveTimes<'_> {
    /// That of the next consumer, `None` in it for never; `None` where they were not kept.
    pub fn next(&mut self) -> Option<Option<u64>> {
        let rest = self.0?;
        let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        self.0 = rest.get(end + 1..);
        let time = parse_i64(&rest[..end])?;
        Some(u64::try_from(time).ok())
    }
}

fn section_into(beside: &mut Beside<'_>, cursor: &mut Cursor<'_>) -> Result<()> {
    let [begins, tag] = cursor.array()?;
    if begins != NO_TEXT {
        return Err(cursor.corrupt("a section beside a stream that does not begin as one"));
    }
    loop {
        match tag {
            STREAM_POLICY => beside.policy = read_policy::<StreamSetting>(cursor)?,
            GROUP_POLICY => {
                let group = cursor.number()?;
                beside.group(group).policy = read_policy::<GroupSetting>(cursor)?;
            }
            NOBODY => beside.group(cursor.number()?).last_is_nobody = true,
            SCHEDULED => read_scheduled(cursor, &mut beside.schedule)?,
            ENTRIES_READ => {
                let group = cursor.number()?;
                beside.group(group).entries_read = Some(cursor.number()?);
            }
            MESSAGES => read_messages(cursor, &mut beside.idmp)?,
            MESSAGE_TOTALS => beside.idmp.set_totals(cursor.number()?, cursor.number()?),
            _ => return Err(cursor.error(Problem::UnknownSection(tag))),
        }
        if cursor.is_at_end() {
            return Ok(());
        }
    }
}

fn read_policy<S: Setting<Policy: Default>>(cursor: &mut Cursor<'_>) -> Result<S::Policy> {
    let mut words = Vec::new();
    for _ in 0..cursor.count(1)? {
        words.push(text(cursor)?);
    }
    let settings = S::parse_all(words.into_iter()).map_err(|bad| match bad {
        BadSetting::Unknown(_) => cursor.error(Problem::UnknownOption),
        _ => cursor.corrupt("a policy with a value that it cannot have"),
    })?;
    let mut policy = S::Policy::default();
    settings
        .iter()
        .for_each(|setting| setting.apply(&mut policy));
    Ok(policy)
}

fn read_scheduled(cursor: &mut Cursor<'_>, schedule: &mut Schedule) -> Result<()> {
    let id = Id::new(cursor.number()?, cursor.number()?);
    let mut fields = SmallVec::<[_; 8]>::new();
    for _ in 0..cursor.count(2)? {
        fields.push((text(cursor)?, text(cursor)?));
    }
    match !fields.is_empty() && schedule.add(id, &fields) {
        true => Ok(()),
        false => Err(cursor.corrupt("a scheduled entry without fields, or two of one id")),
    }
}

fn read_messages(cursor: &mut Cursor<'_>, idmp: &mut Idmp) -> Result<()> {
    /// A message, at least.
    const MIN_BYTES: usize = 3;
    let pid = text(cursor)?;
    for _ in 0..cursor.count(MIN_BYTES)? {
        let iid = text(cursor)?;
        let id = Id::new(cursor.number()?, cursor.number()?);
        idmp.record(pid, iid, id, IdmpLimits::MAX_SIZE);
    }
    Ok(())
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
    let len = cursor.count(1)?;
    cursor.take(len)
}
