//! Where a command's keys stand among its arguments.
//!
//! A key spec finds its keys in two steps, as COMMAND INFO describes them: where to begin (at an index, or after a
//! keyword), then which arguments from there on (a range, or as many as the first one says). The spec of nearly every
//! command is the key at index 1; [`KeyRule`] says so ahead of time, so that dispatch need not look at specs at all.
//!
//! Refuses to know what the keys hold and whether the command is well formed otherwise.

use smallvec::SmallVec;

use super::words::{KeyFlags, access};
use crate::resp::Request;

/// Most key specs that a row has: SORT and GEORADIUS have three.
pub const SPECS_MAX: usize = 3;

/// One way in which a command names keys.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// Where to begin.
    pub begin: Begin,
    /// Which arguments from there on.
    pub find: Find,
    /// What the command does to these keys.
    pub flags: KeyFlags,
    /// What the flags do not say, or nothing.
    pub note: &'static str,
    /// Options, and how many arguments each has, that the search for a keyword steps over.
    pub past: &'static [(&'static str, u8)],
    /// Options, and the flags that hold where a call leaves them all out.
    pub without: Option<(&'static [&'static str], KeyFlags)>,
}

/// The first step: where to begin.
#[derive(Clone, Copy, Debug)]
pub enum Begin {
    /// At an argument's index; the command's name has index 0.
    Index(u8),
    /// After a keyword, searched from an index on: forwards, or from the end backwards if the index is negative.
    Keyword(&'static str, i8),
    /// After the last of a keyword. Clients are told that it cannot be told.
    Last(&'static str),
    /// It cannot be told.
    Unknown,
}

/// The second step: which arguments, from the beginning on.
#[derive(Clone, Copy, Debug)]
pub enum Find {
    /// Every `step`-th argument until `last`, which counts from the beginning, or from the end if negative (-1 is the
    /// last argument). With a `limit` of n above 1, a negative `last` stops after one n-th of what remains.
    Range {
        /// Where to end.
        last: i8,
        /// Distance from key to key.
        step: u8,
        /// 0 or 1: all the way.
        limit: u8,
    },
    /// The beginning says how many keys follow it, every `step`-th argument.
    Counted {
        /// Distance from key to key.
        step: u8,
    },
    /// It cannot be told.
    Unknown,
}

/// The key at `index`, or with [`KeySpec::to`] and [`KeySpec::counted`] several from there on.
pub const fn at(index: u8, flags: KeyFlags) -> KeySpec {
    KeySpec {
        begin: Begin::Index(index),
        find: ONE,
        flags,
        note: "",
        past: &[],
        without: None,
    }
}

/// The key after `keyword`, which is searched from index `from` on.
pub const fn after(keyword: &'static str, from: i8, flags: KeyFlags) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword(keyword, from),
        find: ONE,
        flags,
        note: "",
        past: &[],
        without: None,
    }
}

/// The key after the last `keyword` behind the first key. Clients are told as little of it as of [`unknown`] ones.
pub const fn after_last(keyword: &'static str, flags: KeyFlags) -> KeySpec {
    KeySpec {
        begin: Begin::Last(keyword),
        ..after(keyword, 1, flags)
    }
}

/// Keys that no spec can find.
pub const fn unknown(flags: KeyFlags) -> KeySpec {
    KeySpec {
        begin: Begin::Unknown,
        find: Find::Unknown,
        flags,
        note: "",
        past: &[],
        without: None,
    }
}

const ONE: Find = Find::Range {
    last: 0,
    step: 1,
    limit: 0,
};

impl KeySpec {
    /// All arguments up to `last`: from the beginning, or from the end if negative.
    pub const fn to(mut self, last: i8) -> KeySpec {
        self.find = Find::Range {
            last,
            step: 1,
            limit: 0,
        };
        self
    }

    /// Every `step`-th argument only.
    pub const fn step(mut self, step: u8) -> KeySpec {
        self.find = match self.find {
            Find::Range { last, limit, .. } => Find::Range { last, step, limit },
            Find::Counted { .. } => Find::Counted { step },
            Find::Unknown => Find::Unknown,
        };
        self
    }

    /// One `limit`-th of the remaining arguments only.
    pub const fn limit(mut self, limit: u8) -> KeySpec {
        if let Find::Range { last, step, .. } = self.find {
            self.find = Find::Range { last, step, limit };
        }
        self
    }

    /// As many keys as the argument at the beginning says, right after it.
    pub const fn counted(mut self) -> KeySpec {
        self.find = Find::Counted { step: 1 };
        self
    }

    /// What the flags do not say.
    pub const fn note(mut self, note: &'static str) -> KeySpec {
        self.note = note;
        self
    }

    /// Steps over these options, each with so many arguments, in the search for the keyword, which then begins right
    /// behind the command's name: an argument that looks like the keyword is not taken for it. Clients are not told;
    /// the server must not be fooled, for it locks what it finds.
    pub const fn past(mut self, options: &'static [(&'static str, u8)]) -> KeySpec {
        self.past = options;
        self
    }

    /// The flags that hold where a call leaves all of `options` out. They are searched behind the keys.
    pub const fn without(mut self, options: &'static [&'static str], flags: KeyFlags) -> KeySpec {
        self.without = Some((options, flags));
        self
    }

    /// Whether index and range alone find the keys, and all of them.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(
            (self.begin, self.find),
            (Begin::Index(_), Find::Range { .. })
        ) && self.flags & access::INCOMPLETE == 0
    }

    const fn names_keys(&self) -> bool {
        !matches!(self.begin, Begin::Unknown) && self.flags & access::NOT_KEY == 0
    }

    /// The keys of one call. None of them is an answer too: a keyword that is not there names no keys.
    fn locate(&self, argv: &(impl Argv + ?Sized)) -> Result<Option<Run>, KeysNotFound> {
        let begin = match self.begin {
            Begin::Index(index) => usize::from(index),
            Begin::Keyword(keyword, from) => match self.find_keyword(keyword, from, argv) {
                Some(index) => index + 1,
                None => return Ok(None),
            },
            Begin::Last(keyword) => match self.find_last(keyword, argv) {
                Some(index) => index + 1,
                None => return Ok(None),
            },
            Begin::Unknown => return Err(KeysNotFound),
        };
        let (first, last, step) = match self.find {
            Find::Range { last, step, limit } => (
                begin,
                range_end(begin, last, limit, argv.len()),
                usize::from(step),
            ),
            Find::Counted { step } => {
                if begin >= argv.len() {
                    return Err(KeysNotFound);
                }
                let step = usize::from(step);
                let count = parse_count(argv.arg(begin)).ok_or(KeysNotFound)?;
                let last = count
                    .checked_sub(1)
                    .map_or(begin, |more| begin + 1 + more * step);
                (begin + 1, Some(last), step)
            }
            Find::Unknown => return Err(KeysNotFound),
        };
        match last {
            Some(last) if first <= last && last < argv.len() => Ok(Some(Run {
                first,
                last,
                step,
                flags: self.flags_of(argv, last + 1),
            })),
            _ => Err(KeysNotFound),
        }
    }

    /// Index of the keyword, in any case. The far end of the search is left out: no key could follow it there, and at
    /// the near end stands the command's name.
    fn find_keyword(&self, keyword: &str, from: i8, argv: &(impl Argv + ?Sized)) -> Option<usize> {
        let is_keyword = |index: &usize| is_word(argv.arg(*index), keyword);
        let distance = usize::from(from.unsigned_abs());
        let end = argv.len().saturating_sub(1);
        if from < 0 {
            return (2..=argv.len().checked_sub(distance)?)
                .rev()
                .find(is_keyword);
        }
        if self.past.is_empty() {
            return (distance..end).find(is_keyword);
        }
        let mut index = 1;
        while index < end && !is_keyword(&index) {
            let word = argv.arg(index);
            let option = self.past.iter().find(|(option, _)| is_word(word, option));
            index += 1 + option.map_or(0, |(_, arguments)| usize::from(*arguments));
        }
        (index < end).then_some(index)
    }

    /// Index of the last keyword that has an argument, options stepped over.
    fn find_last(&self, keyword: &str, argv: &(impl Argv + ?Sized)) -> Option<usize> {
        let (mut index, mut found) = (2, None);
        while index + 1 < argv.len() {
            let word = argv.arg(index);
            if is_word(word, keyword) {
                found = Some(index);
                index += 1;
            }
            let option = self.past.iter().find(|(option, _)| is_word(word, option));
            index += 1 + option.map_or(0, |(_, arguments)| usize::from(*arguments));
        }
        found
    }

    /// The flags of a call whose keys end before the argument `rest`.
    fn flags_of(&self, argv: &(impl Argv + ?Sized), rest: usize) -> KeyFlags {
        let has = |option: &&str| (rest..argv.len()).any(|index| is_word(argv.arg(index), option));
        let flags = match self.without {
            Some((options, narrower)) if !options.iter().any(has) => narrower,
            _ => self.flags,
        };
        flags & !(access::INCOMPLETE | access::VARIABLE)
    }
}

/// The arguments of a call, with the names in front.
#[allow(clippy::len_without_is_empty)] // A call has at least its command's name.
pub trait Argv {
    /// How many there are.
    fn len(&self) -> usize;
    /// One of them.
    fn arg(&self, index: usize) -> &[u8];
}

impl Argv for Request<'_> {
    fn len(&self) -> usize {
        Request::len(self)
    }

    fn arg(&self, index: usize) -> &[u8] {
        Request::arg(self, index)
    }
}

impl<A: AsRef<[u8]>> Argv for [A] {
    fn len(&self) -> usize {
        <[A]>::len(self)
    }

    fn arg(&self, index: usize) -> &[u8] {
        self[index].as_ref()
    }
}

/// The arguments of one call that one spec found: `first`, then every `step`-th up to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Index of the first key.
    pub first: usize,
    /// Index of the last key, or of an argument after it and before the next.
    pub last: usize,
    /// Distance from key to key.
    pub step: usize,
    /// What the command does to these keys.
    pub flags: KeyFlags,
}

impl Run {
    /// The indexes of the keys.
    pub fn indexes(self) -> impl Iterator<Item = usize> {
        (self.first..=self.last).step_by(self.step)
    }
}

/// The arguments do not fit the command's key specs: whatever the command is, it fails on its own syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysNotFound;

/// What all specs of a command found.
pub type Runs = SmallVec<[Run; SPECS_MAX]>;

/// The keys of the call `argv`, whose first element is the command's name (and the second the subcommand's, if it has
/// one). Specs that cannot tell, or that name no keys, are passed over.
pub fn keys_of(specs: &[KeySpec], argv: &(impl Argv + ?Sized)) -> Result<Runs, KeysNotFound> {
    let mut runs = Runs::new();
    for spec in specs.iter().filter(|spec| spec.names_keys()) {
        runs.extend(spec.locate(argv)?);
    }
    Ok(runs)
}

/// What dispatch must do to know a command's keys, told ahead of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// There are none.
    None,
    /// The one key stands at this index.
    One(u8),
    /// [`keys_of`] tells.
    Search,
    /// It cannot be told.
    Unknown,
}

impl KeyRule {
    /// The rule that `specs` come down to.
    pub(super) const fn of(specs: &[KeySpec]) -> KeyRule {
        match specs {
            [] => KeyRule::None,
            [KeySpec { flags, .. }] if *flags & access::NOT_KEY != 0 => KeyRule::None,
            [
                KeySpec {
                    begin: Begin::Index(index),
                    find: Find::Range { last: 0, .. },
                    ..
                },
            ] => KeyRule::One(*index),
            _ if has_unknown(specs) => KeyRule::Unknown,
            _ => KeyRule::Search,
        }
    }
}

const fn has_unknown(specs: &[KeySpec]) -> bool {
    match specs {
        [] => false,
        [
            KeySpec {
                begin: Begin::Unknown,
                ..
            },
            ..,
        ] => true,
        [_, rest @ ..] => has_unknown(rest),
    }
}

fn is_word(argument: &[u8], word: &str) -> bool {
    argument.eq_ignore_ascii_case(word.as_bytes())
}

fn range_end(begin: usize, last: i8, limit: u8, len: usize) -> Option<usize> {
    let distance = usize::from(last.unsigned_abs());
    if last >= 0 {
        Some(begin + distance)
    } else if limit <= 1 {
        len.checked_sub(distance)
    } else {
        (begin + len.checked_sub(begin)? / usize::from(limit)).checked_sub(distance)
    }
}

/// How many keys an argument announces: a plain positive decimal.
fn parse_count(text: &[u8]) -> Option<usize> {
    let is_plain = text
        .first()
        .is_some_and(|digit| (b'1'..=b'9').contains(digit))
        && text.iter().all(u8::is_ascii_digit);
    if !is_plain {
        return None;
    }
    std::str::from_utf8(text)
        .ok()?
        .parse::<u32>()
        .ok()
        .map(|count| count as usize)
}

#[cfg(test)]
mod tests {
    use super::access::*;
    use super::*;

    fn indexes(specs: &[KeySpec], line: &str) -> Result<Vec<usize>, KeysNotFound> {
        let argv: Vec<&str> = line.split(' ').collect();
        Ok(keys_of(specs, argv.as_slice())?
            .into_iter()
            .flat_map(Run::indexes)
            .collect())
    }

    #[test]
    fn a_range_counts_from_its_beginning_or_from_the_end() {
        assert_eq!(indexes(&[at(1, RO)], "GET a"), Ok(vec![1]));
        assert_eq!(indexes(&[at(1, RO).to(1)], "LCS a b LEN"), Ok(vec![1, 2]));
        assert_eq!(indexes(&[at(1, RM).to(-1)], "DEL a b c"), Ok(vec![1, 2, 3]));
        assert_eq!(indexes(&[at(1, RW).to(-2)], "BLPOP a b 0"), Ok(vec![1, 2]));
        assert_eq!(
            indexes(&[at(1, OW).to(-1).step(2)], "MSET a 1 b 2"),
            Ok(vec![1, 3])
        );
        assert_eq!(
            indexes(&[at(1, OW).to(-1).step(2)], "MSET a 1 b"),
            Ok(vec![1, 3])
        );
        assert_eq!(
            indexes(&[at(1, RW), at(2, RW)], "LMOVE a b LEFT LEFT"),
            Ok(vec![1, 2])
        );
    }

    #[test]
    fn keys_beyond_the_arguments_are_not_found() {
        assert_eq!(indexes(&[at(2, RO)], "XINFO STREAM"), Err(KeysNotFound));
        assert_eq!(indexes(&[at(1, RW).to(-2)], "BLPOP 0"), Err(KeysNotFound));
        assert_eq!(indexes(&[at(1, RM).to(-3)], "DEL"), Err(KeysNotFound));
        assert_eq!(
            indexes(&[after("STREAMS", 3, RO).to(-1).limit(2)], "XREAD"),
            Ok(vec![])
        );
    }

    #[test]
    fn a_keyword_is_found_in_any_case_and_shares_the_rest_out() {
        let streams = [after("STREAMS", 1, RO | ACCESS).to(-1).limit(2)];
        assert_eq!(
            indexes(&streams, "XREAD COUNT 1 streams a b 0 0"),
            Ok(vec![4, 5])
        );
        assert_eq!(indexes(&streams, "XREAD STREAMS streams 0"), Ok(vec![2]));
        assert_eq!(indexes(&streams, "XREAD STREAMS a b 0"), Ok(vec![2]));
        assert_eq!(indexes(&streams, "XREAD STREAMS a"), Err(KeysNotFound));
        assert_eq!(indexes(&streams, "XREAD COUNT 1 STREAMS"), Ok(vec![]));
        let from_the_end = [after("KEYS", -2, RW).to(-1)];
        assert_eq!(
            indexes(&from_the_end, "MIGRATE h 1 k 0 9 KEYS a b"),
            Ok(vec![7, 8])
        );
        assert_eq!(indexes(&from_the_end, "MIGRATE h 1 k 0 9"), Ok(vec![]));
    }

    #[test]
    fn an_option_s_argument_is_not_the_keyword() {
        let plain = [after("STREAMS", 4, RW).to(-1).limit(2)];
        let exact = [plain[0].past(&[("GROUP", 2), ("COUNT", 1), ("BLOCK", 1)])];
        let line = "XREADGROUP COUNT 1 GROUP g STREAMS STREAMS s >";
        assert_eq!(indexes(&plain, line), Ok(vec![6]));
        assert_eq!(indexes(&exact, line), Ok(vec![7]));
        for line in [
            "XREADGROUP GROUP g c STREAMS STREAMS s > >",
            "XREADGROUP group streams streams streams s STREAMS > >",
        ] {
            assert_eq!(indexes(&exact, line), Ok(vec![5, 6]), "{line}");
        }
        assert_eq!(indexes(&exact, "XREADGROUP GROUP g"), Ok(vec![]));
        assert_eq!(
            indexes(&exact, "XREADGROUP NOACK GROUP g c STREAMS s >"),
            Ok(vec![6])
        );
    }

    #[test]
    fn a_count_says_how_many_keys_follow() {
        let counted = [at(1, RW).counted()];
        assert_eq!(indexes(&counted, "LMPOP 2 a b LEFT"), Ok(vec![2, 3]));
        for wrong in [
            "LMPOP 0 a",
            "LMPOP 3 a b",
            "LMPOP -1 a",
            "LMPOP x a",
            "LMPOP 1",
            "LMPOP",
            "LMPOP 99999999999 a",
        ] {
            assert_eq!(indexes(&counted, wrong), Err(KeysNotFound), "{wrong}");
        }
    }

    #[test]
    fn flags_may_depend_on_an_option() {
        let set = [at(1, RW | ACCESS | VARIABLE).without(&["GET"], OW)];
        let flags = |argv: &[&str]| keys_of(&set, argv).map(|runs| runs[0].flags);
        assert_eq!(flags(&["SET", "k", "v", "get"]), Ok(RW | ACCESS));
        assert_eq!(flags(&["SET", "get", "v"]), Ok(OW));
    }

    #[test]
    fn one_key_is_known_ahead_and_a_placed_argument_is_none() {
        assert_eq!(KeyRule::of(&[]), KeyRule::None);
        assert_eq!(KeyRule::of(&[at(2, RO)]), KeyRule::One(2));
        assert_eq!(KeyRule::of(&[at(1, RO).to(-1)]), KeyRule::Search);
        assert_eq!(KeyRule::of(&[at(1, NOT_KEY)]), KeyRule::None);
        assert_eq!(KeyRule::of(&[at(1, RO), unknown(RO)]), KeyRule::Unknown);
        assert_eq!(indexes(&[at(1, NOT_KEY)], "SPUBLISH c m"), Ok(vec![]));
    }

    #[test]
    fn only_index_and_range_are_plain() {
        assert!(at(1, RO).is_plain() && at(3, RO).to(-1).step(2).is_plain());
        for spec in [
            after("K", 1, RO),
            at(1, RO | INCOMPLETE),
            at(1, RO).counted(),
            unknown(RO),
        ] {
            assert!(!spec.is_plain(), "{spec:?}");
        }
    }
}
