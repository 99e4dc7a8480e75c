//! The words in which policies are said: the options of XCFGSET, of directives and of the log.
//!
//! A [`Setting`] is one option with its value. Words are parsed into settings as a whole or not at all; a policy is changed by settings one by
//! one, and is said in full by all of its settings, so that saying it and parsing that gives the same policy.
//!
//! ```text
//! IDMP-DURATION s  IDMP-MAXSIZE n
//! MAXLEN n  MAXAGE ms  MAXBYTES n  KEEPREF|DELREF|ACKED  OVERFLOW TRIM|REJECT  ONACK KEEP|DELETE         of a stream
//! ACKWAIT ms  BACKOFF min max  MAXDELIVER n  DEADLETTER key  MAXPENDING n  ORDER field|*                 of a group
//! ```
//!
//! 0, or an empty key or field, switches an option off; of BACKOFF a single 0 does too.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::policy::{Backoff, GroupPolicy, IdmpLimits, Order, StreamPolicy};
use super::trim::References;
use crate::base::num;

/// Numbers that replies can show.
const NUMBERS: RangeInclusive<u64> = 0..=i64::MAX.unsigned_abs();
/// Seconds for which the ids of producers are remembered.
const IDMP_DURATIONS_S: RangeInclusive<u64> = 1..=IdmpLimits::MAX_DURATION_S;
/// How many ids of a producer are remembered.
const IDMP_SIZES: RangeInclusive<u64> = 1..=IdmpLimits::MAX_SIZE;

/// Why words are no settings. An option is told by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadSetting {
    /// A word stands where an option should: which of the words.
    Unknown(usize),
    /// The words end before the option's value does.
    Incomplete(&'static str),
    /// The option's value is no number, and has to be one.
    NotANumber(&'static str),
    /// The option has a value that it cannot have.
    Invalid(&'static str),
    /// The option is given more than once.
    Repeated(&'static str),
}

/// A value as it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown<'a> {
    /// A number.
    Number(u64),
    /// Two numbers.
    Pair(u64, u64),
    /// A key or a field; empty for none.
    Text(&'a [u8]),
    /// One of several words.
    Word(&'static str),
    /// One of several words that say by themselves what they are about.
    WordAlone(&'static str),
}

/// One option of a policy, with its value.
pub trait Setting: Sized {
    /// What it is part of.
    type Policy;
    /// How each option is given, its name first.
    const FORMS: &'static [&'static str];

    /// Parses the option called `name`, and takes its value from the words after it. `None` if no option is called so.
    fn parse(name: &[u8], words: &mut &[&[u8]]) -> Option<Result<Self, BadSetting>>;

    /// The option's name.
    fn name(&self) -> &'static str;

    /// Its value.
    fn shown(&self) -> Shown<'_>;

    /// Puts it in force.
    fn apply(&self, policy: &mut Self::Policy);

    /// Parses words to their end.
    fn parse_all<'a>(words: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Self>, BadSetting> {
        let words: Vec<&[u8]> = words.collect();
        let mut rest = &words[..];
        let mut settings: Vec<Self> = Vec::new();
        while let Some(name) = rest.split_off_first() {
            let at = words.len() - rest.len() - 1;
            let parsed = Self::parse(name, &mut rest).ok_or(BadSetting::Unknown(at))?;
            let name = match &parsed {
                Ok(setting) => setting.name(),
                Err(BadSetting::Invalid(name) | BadSetting::NotANumber(name)) => name,
                Err(bad) => return Err(*bad),
            };
            // Whether the second value is a good one does not matter.
            if settings.iter().any(|other| other.name() == name) {
                return Err(BadSetting::Repeated(name));
            }
            settings.push(parsed?);
        }
        Ok(settings)
    }

    /// The words that it is parsed from.
    fn words(&self) -> Vec<Cow<'_, [u8]>> {
        let number = |n: u64| Cow::Owned(n.to_string().into_bytes());
        let name = Cow::Borrowed(self.name().as_bytes());
        match self.shown() {
            Shown::Number(n) => vec![name, number(n)],
            Shown::Pair(one, other) => vec![name, number(one), number(other)],
            Shown::Text(text) => vec![name, text.into()],
            Shown::Word(word) => vec![name, word.as_bytes().into()],
            Shown::WordAlone(word) => vec![word.as_bytes().into()],
        }
    }
}

/// An option of a stream's policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamSetting {
    /// See [`IdmpLimits::duration_s`].
    IdmpDuration(u64),
    /// See [`IdmpLimits::max_size`].
    IdmpMaxSize(u64),
    /// See [`StreamPolicy::max_len`].
    MaxLen(u64),
    /// See [`StreamPolicy::max_age_ms`].
    MaxAge(u64),
    /// See [`StreamPolicy::max_bytes`].
    MaxBytes(u64),
    /// See [`StreamPolicy::references`].
    References(References),
    /// See [`StreamPolicy::rejects`].
    Overflow(bool),
    /// See [`StreamPolicy::deletes_acked`].
    OnAck(bool),
}

/// An option of a group's policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupSetting {
    /// See [`GroupPolicy::ack_wait_ms`].
    AckWait(u64),
    /// See [`GroupPolicy::backoff`].
    Backoff(Option<Backoff>),
    /// See [`GroupPolicy::max_deliver`].
    MaxDeliver(u64),
    /// See [`GroupPolicy::dead_letter`].
    DeadLetter(Box<[u8]>),
    /// See [`GroupPolicy::max_pending`].
    MaxPending(u64),
    /// See [`GroupPolicy::order`].
    Order(Option<Order>),
}

const IDMP_DURATION: &str = "IDMP-DURATION";
const IDMP_MAXSIZE: &str = "IDMP-MAXSIZE";
const MAXLEN: &str = "MAXLEN";
const MAXAGE: &str = "MAXAGE";
const MAXBYTES: &str = "MAXBYTES";
const REFERENCES: &str = "REFERENCES";
const OVERFLOW: &str = "OVERFLOW";
const ONACK: &str = "ONACK";
const ACKWAIT: &str = "ACKWAIT";
const BACKOFF: &str = "BACKOFF";
const MAXDELIVER: &str = "MAXDELIVER";
const DEADLETTER: &str = "DEADLETTER";
const MAXPENDING: &str = "MAXPENDING";
const ORDER: &str = "ORDER";

/// What OVERFLOW and ONACK take: the word that is off, and the one that is on.
const OVERFLOW_WORDS: [&str; 2] = ["TRIM", "REJECT"];
const ONACK_WORDS: [&str; 2] = ["KEEP", "DELETE"];
const REFERENCES_WORDS: [(&str, References); 3] = [
    ("KEEPREF", References::Keep),
    ("DELREF", References::Delete),
    ("ACKED", References::Acked),
];

impl Setting for StreamSetting {
    type Policy = StreamPolicy;
    const FORMS: &'static [&'static str] = &[
        "IDMP-DURATION s (1 to 86400)",
        "IDMP-MAXSIZE n (1 to 10000)",
        "MAXLEN n",
        "MAXAGE ms",
        "MAXBYTES n",
        "KEEPREF|DELREF|ACKED",
        "OVERFLOW TRIM|REJECT",
        "ONACK KEEP|DELETE",
    ];

    fn parse(name: &[u8], words: &mut &[&[u8]]) -> Option<Result<Self, BadSetting>> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if let Some((_, references)) = REFERENCES_WORDS.iter().find(|(word, _)| is(word)) {
            return Some(Ok(StreamSetting::References(*references)));
        }
        Some(match () {
            () if is(MAXLEN) => number(MAXLEN, words, NUMBERS).map(StreamSetting::MaxLen),
            () if is(MAXAGE) => number(MAXAGE, words, NUMBERS).map(StreamSetting::MaxAge),
            () if is(MAXBYTES) => number(MAXBYTES, words, NUMBERS).map(StreamSetting::MaxBytes),
            () if is(OVERFLOW) => {
                switch(OVERFLOW, words, OVERFLOW_WORDS).map(StreamSetting::Overflow)
            }
            () if is(ONACK) => switch(ONACK, words, ONACK_WORDS).map(StreamSetting::OnAck),
            () if is(IDMP_DURATION) => {
                number(IDMP_DURATION, words, IDMP_DURATIONS_S).map(StreamSetting::IdmpDuration)
            }
            () if is(IDMP_MAXSIZE) => {
                number(IDMP_MAXSIZE, words, IDMP_SIZES).map(StreamSetting::IdmpMaxSize)
            }
            () => return None,
        })
    }

    fn name(&self) -> &'static str {
        match self {
            StreamSetting::IdmpDuration(_) => IDMP_DURATION,
            StreamSetting::IdmpMaxSize(_) => IDMP_MAXSIZE,
            StreamSetting::MaxLen(_) => MAXLEN,
            StreamSetting::MaxAge(_) => MAXAGE,
            StreamSetting::MaxBytes(_) => MAXBYTES,
            StreamSetting::References(_) => REFERENCES,
            StreamSetting::Overflow(_) => OVERFLOW,
            StreamSetting::OnAck(_) => ONACK,
        }
    }

    fn shown(&self) -> Shown<'_> {
        match *self {
            StreamSetting::IdmpDuration(n) | StreamSetting::IdmpMaxSize(n) => Shown::Number(n),
            StreamSetting::MaxLen(n) | StreamSetting::MaxAge(n) => Shown::Number(n),
            StreamSetting::MaxBytes(n) => Shown::Number(n),
            StreamSetting::References(references) => {
                let word = REFERENCES_WORDS.iter().find(|(_, of)| *of == references);
                Shown::WordAlone(word.expect("every mode has its word").0)
            }
            StreamSetting::Overflow(is_on) => Shown::Word(OVERFLOW_WORDS[usize::from(is_on)]),
            StreamSetting::OnAck(is_on) => Shown::Word(ONACK_WORDS[usize::from(is_on)]),
        }
    }

    fn apply(&self, policy: &mut StreamPolicy) {
        match *self {
            StreamSetting::IdmpDuration(seconds) => policy.idmp.duration_s = seconds,
            StreamSetting::IdmpMaxSize(size) => policy.idmp.max_size = size,
            StreamSetting::MaxLen(len) => policy.max_len = len,
            StreamSetting::MaxAge(ms) => policy.max_age_ms = ms,
            StreamSetting::MaxBytes(bytes) => policy.max_bytes = bytes,
            StreamSetting::References(references) => policy.references = references,
            StreamSetting::Overflow(rejects) => policy.rejects = rejects,
            StreamSetting::OnAck(deletes) => policy.deletes_acked = deletes,
        }
    }
}

impl Setting for GroupSetting {
    type Policy = GroupPolicy;
    const FORMS: &'static [&'static str] = &[
        "ACKWAIT ms",
        "BACKOFF min-ms max-ms (the lesser first)",
        "MAXDELIVER n",
        "DEADLETTER key",
        "MAXPENDING n",
        "ORDER field|*",
    ];

    fn parse(name: &[u8], words: &mut &[&[u8]]) -> Option<Result<Self, BadSetting>> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        Some(match () {
            () if is(ACKWAIT) => number(ACKWAIT, words, NUMBERS).map(GroupSetting::AckWait),
            () if is(BACKOFF) => backoff(words).map(GroupSetting::Backoff),
            () if is(MAXDELIVER) => {
                number(MAXDELIVER, words, NUMBERS).map(GroupSetting::MaxDeliver)
            }
            () if is(DEADLETTER) => {
                text(DEADLETTER, words).map(|key| GroupSetting::DeadLetter(key.into()))
            }
            () if is(MAXPENDING) => {
                number(MAXPENDING, words, NUMBERS).map(GroupSetting::MaxPending)
            }
            () if is(ORDER) => text(ORDER, words).map(|field| {
                GroupSetting::Order(match field {
                    b"" => None,
                    b"*" => Some(Order::Whole),
                    field => Some(Order::Field(field.into())),
                })
            }),
            () => return None,
        })
    }

    fn name(&self) -> &'static str {
        match self {
            GroupSetting::AckWait(_) => ACKWAIT,
            GroupSetting::Backoff(_) => BACKOFF,
            GroupSetting::MaxDeliver(_) => MAXDELIVER,
            GroupSetting::DeadLetter(_) => DEADLETTER,
            GroupSetting::MaxPending(_) => MAXPENDING,
            GroupSetting::Order(_) => ORDER,
        }
    }

    fn shown(&self) -> Shown<'_> {
        match self {
            GroupSetting::AckWait(n) | GroupSetting::MaxDeliver(n) => Shown::Number(*n),
            GroupSetting::MaxPending(n) => Shown::Number(*n),
            GroupSetting::Backoff(None) => Shown::Pair(0, 0),
            GroupSetting::Backoff(Some(backoff)) => Shown::Pair(backoff.min_ms, backoff.max_ms),
            GroupSetting::DeadLetter(key) => Shown::Text(key),
            GroupSetting::Order(None) => Shown::Text(b""),
            GroupSetting::Order(Some(Order::Whole)) => Shown::Text(b"*"),
            GroupSetting::Order(Some(Order::Field(field))) => Shown::Text(field),
        }
    }

    fn apply(&self, policy: &mut GroupPolicy) {
        match self {
            GroupSetting::AckWait(ms) => policy.ack_wait_ms = *ms,
            GroupSetting::Backoff(backoff) => policy.backoff = *backoff,
            GroupSetting::MaxDeliver(count) => policy.max_deliver = *count,
            GroupSetting::DeadLetter(key) => policy.dead_letter.clone_from(key),
            GroupSetting::MaxPending(count) => policy.max_pending = *count,
            GroupSetting::Order(order) => policy.order.clone_from(order),
        }
    }
}

impl StreamPolicy {
    /// All of it, as settings.
    pub fn settings(&self) -> [StreamSetting; 8] {
        [
            StreamSetting::IdmpDuration(self.idmp.duration_s),
            StreamSetting::IdmpMaxSize(self.idmp.max_size),
            StreamSetting::MaxLen(self.max_len),
            StreamSetting::MaxAge(self.max_age_ms),
            StreamSetting::MaxBytes(self.max_bytes),
            StreamSetting::References(self.references),
            StreamSetting::Overflow(self.rejects),
            StreamSetting::OnAck(self.deletes_acked),
        ]
    }
}

impl GroupPolicy {
    /// All of it, as settings.
    pub fn settings(&self) -> [GroupSetting; 6] {
        [
            GroupSetting::AckWait(self.ack_wait_ms),
            GroupSetting::Backoff(self.backoff),
            GroupSetting::MaxDeliver(self.max_deliver),
            GroupSetting::DeadLetter(self.dead_letter.clone()),
            GroupSetting::MaxPending(self.max_pending),
            GroupSetting::Order(self.order.clone()),
        ]
    }
}

fn text<'a>(name: &'static str, words: &mut &[&'a [u8]]) -> Result<&'a [u8], BadSetting> {
    let word = words.split_off_first();
    word.copied().ok_or(BadSetting::Incomplete(name))
}

fn number(
    name: &'static str,
    words: &mut &[&[u8]],
    range: RangeInclusive<u64>,
) -> Result<u64, BadSetting> {
    let number = num::parse_i64(text(name, words)?).ok_or(BadSetting::NotANumber(name))?;
    let number = u64::try_from(number).map_err(|_| BadSetting::Invalid(name))?;
    match range.contains(&number) {
        true => Ok(number),
        false => Err(BadSetting::Invalid(name)),
    }
}

/// One of two words, of which the first, or 0, is off.
fn switch(
    name: &'static str,
    words: &mut &[&[u8]],
    [off, on]: [&str; 2],
) -> Result<bool, BadSetting> {
    let word = text(name, words)?;
    let is = |known: &str| word.eq_ignore_ascii_case(known.as_bytes());
    match is(on) {
        true => Ok(true),
        false if is(off) || word == b"0" => Ok(false),
        false => Err(BadSetting::Invalid(name)),
    }
}

fn backoff(words: &mut &[&[u8]]) -> Result<Option<Backoff>, BadSetting> {
    let min_ms = number(BACKOFF, words, NUMBERS)?;
    let next = words.first().and_then(|word| num::parse_i64(word));
    if min_ms == 0 && next.is_none() {
        return Ok(None);
    }
    let max_ms = number(BACKOFF, words, NUMBERS)?;
    match (min_ms, max_ms) {
        (0, 0) => Ok(None),
        // From 0, rests would never grow.
        _ if min_ms == 0 || min_ms > max_ms => Err(BadSetting::Invalid(BACKOFF)),
        _ => Ok(Some(Backoff { min_ms, max_ms })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse<S: Setting>(text: &str) -> Result<Vec<S>, BadSetting> {
        S::parse_all(text.split_whitespace().map(|word| match word {
            "\"\"" => &b""[..],
            word => word.as_bytes(),
        }))
    }

    fn changed<S: Setting<Policy: Default>>(text: &str) -> S::Policy {
        let mut policy = S::Policy::default();
        for setting in parse::<S>(text).unwrap() {
            setting.apply(&mut policy);
        }
        policy
    }

    fn said<S: Setting>(settings: &[S]) -> Vec<u8> {
        let words: Vec<_> = settings.iter().flat_map(Setting::words).collect();
        words.join(&b' ')
    }

    #[test]
    fn options_come_in_any_order_and_case_and_leave_the_others_alone() {
        let policy = changed::<StreamSetting>(
            "onack delete OVERFLOW reject acked MaxBytes 3 MAXAGE 2 IDMP-MAXSIZE 10000 MAXLEN 1",
        );
        let expected: &[u8] =
            b"IDMP-DURATION 100 IDMP-MAXSIZE 10000 MAXLEN 1 MAXAGE 2 MAXBYTES 3 ACKED \
            OVERFLOW REJECT ONACK DELETE";
        assert_eq!(said(&policy.settings()), expected);
        let policy = changed::<GroupSetting>(
            "order f maxpending 4 DEADLETTER d MAXDELIVER 3 BACKOFF 1 2 ACKWAIT 9223372036854775807",
        );
        let expected: &[u8] =
            b"ACKWAIT 9223372036854775807 BACKOFF 1 2 MAXDELIVER 3 DEADLETTER d MAXPENDING 4 \
            ORDER f";
        assert_eq!(said(&policy.settings()), expected);
    }

    #[test]
    fn everything_is_off_at_first_and_can_be_switched_off() {
        let off = "MAXLEN 0 MAXAGE 0 MAXBYTES 0 KEEPREF OVERFLOW 0 ONACK keep";
        assert!(changed::<StreamSetting>(off).is_off());
        for backoff in ["BACKOFF 0", "BACKOFF 0 0"] {
            let off = format!("ACKWAIT 0 {backoff} DEADLETTER \"\" ORDER \"\" MAXDELIVER 0");
            assert!(changed::<GroupSetting>(&off).is_off());
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        use BadSetting::{Incomplete, Invalid, NotANumber, Repeated, Unknown};
        for (words, problem) in [
            ("MAXLEN 1 FOO 1", Unknown(2)),
            ("GROUP g", Unknown(0)),
            ("ACKWAIT 1", Unknown(0)),
            ("MAXLEN", Incomplete(MAXLEN)),
            ("MAXAGE x", NotANumber(MAXAGE)),
            ("MAXAGE -1", Invalid(MAXAGE)),
            ("MAXAGE 1.5", NotANumber(MAXAGE)),
            ("MAXBYTES 9223372036854775808", NotANumber(MAXBYTES)),
            ("OVERFLOW maybe", Invalid(OVERFLOW)),
            ("ONACK REJECT", Invalid(ONACK)),
            ("KEEPREF MAXLEN 1 DELREF", Repeated(REFERENCES)),
            ("maxlen 1 MAXLEN 1", Repeated(MAXLEN)),
            ("MAXLEN 1 MAXLEN x", Repeated(MAXLEN)),
            ("MAXLEN 1 MAXLEN", Incomplete(MAXLEN)),
            ("IDMP-DURATION 0", Invalid(IDMP_DURATION)),
            ("IDMP-DURATION 86401", Invalid(IDMP_DURATION)),
            ("IDMP-MAXSIZE 10001", Invalid(IDMP_MAXSIZE)),
        ] {
            assert_eq!(parse::<StreamSetting>(words), Err(problem), "{words}");
        }
        for (words, problem) in [
            ("MAXLEN 1", Unknown(0)),
            ("BACKOFF 0 MAXLEN 1", Unknown(2)),
            ("BACKOFF", Incomplete(BACKOFF)),
            ("BACKOFF 1", Incomplete(BACKOFF)),
            ("BACKOFF 2 1", Invalid(BACKOFF)),
            ("BACKOFF 0 1", Invalid(BACKOFF)),
            ("BACKOFF 1 ORDER f", NotANumber(BACKOFF)),
            ("ORDER", Incomplete(ORDER)),
            ("MAXDELIVER 3 DEADLETTER", Incomplete(DEADLETTER)),
            ("ORDER f ORDER \"\"", Repeated(ORDER)),
        ] {
            assert_eq!(parse::<GroupSetting>(words), Err(problem), "{words}");
        }
    }

    proptest! {
        #[test]
        fn what_is_said_of_a_policy_makes_it_again(
            numbers: [u32; 4], min_ms in 1..=u64::from(u32::MAX), key: Vec<u8>, field: Vec<u8>, whole: bool, on: bool,
        ) {
            let [ack_wait_ms, max_deliver, max_pending, more_ms] = numbers.map(u64::from);
            let policy = GroupPolicy {
                ack_wait_ms,
                backoff: on.then_some(Backoff { min_ms, max_ms: min_ms + more_ms }),
                max_deliver,
                dead_letter: key.into(),
                max_pending,
                order: match whole {
                    true => Some(Order::Whole),
                    false => Some(field).filter(|f| !f.is_empty() && f != b"*").map(|f| Order::Field(f.into())),
                },
            };
            let settings = policy.settings();
            let words: Vec<_> = settings.iter().flat_map(Setting::words).collect();
            let again = GroupSetting::parse_all(words.iter().map(AsRef::as_ref)).unwrap();
            prop_assert_eq!(again, settings);
        }
    }
}
