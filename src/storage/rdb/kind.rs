//! The types of values, as a file says them: one byte before the key.

/// Whose format it is: both gave the same bytes to different things.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Redis, and Valkey up to 8.
    Redis,
    /// Valkey from 9 on.
    Valkey,
}

/// The form in which a value stands in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A string.
    String,
    /// A list.
    List(ListForm),
    /// A set.
    Set(SetForm),
    /// A hash.
    Hash(HashForm),
    /// A sorted set.
    ZSet(ZSetForm),
    /// A stream.
    Stream(StreamForm),
    /// A value of a type that there is not here.
    Other(Other),
}

/// The forms of lists, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListForm {
    /// Strings.
    Strings,
    /// One ziplist.
    Ziplist,
    /// Ziplists.
    Ziplists,
    /// Listpacks and large elements by themselves.
    Listpacks,
}

/// The forms of sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetForm {
    /// Strings.
    Strings,
    /// An array of integers in a string.
    Ints,
    /// One listpack.
    Listpack,
}

/// The forms of hashes, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HashForm {
    /// Pairs of strings.
    Pairs,
    /// One zipmap.
    Zipmap,
    /// One ziplist of pairs.
    Ziplist,
    /// One listpack of pairs.
    Listpack,
    /// Expiries, each with a pair.
    TimedPairs(TimeForm),
    /// One listpack of pairs, each with its expiry.
    TimedListpack(TimeForm),
    /// Valkey 9: pairs, each with its expiry behind it.
    PairsAndTimes,
    /// Redis 8.10: names, and one listpack of a number that says nothing here and the values.
    NamesAndListpack,
    /// Redis 8.10: names, and the values.
    NamesAndValues,
    /// Redis 8.10: one listpack of the number of a template, which has the names, and the values.
    TemplateListpack,
    /// Redis 8.10: the number of a template, which has the names, and the values.
    TemplateAndValues,
}

/// How the expiries of a hash's fields are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeForm {
    /// Before Redis 7.4.0: as they are.
    Plain,
    /// The earliest one stands before all.
    EarliestFirst,
}

impl HashForm {
    /// What a value of it consists of.
    pub(super) fn shape(self) -> Shape {
        let timed = Member::NumberAndPair;
        match self {
            HashForm::Pairs => Shape::Counted(Member::Pair),
            HashForm::PairsAndTimes => Shape::Counted(Member::PairAndTime),
            HashForm::TimedPairs(TimeForm::Plain) => Shape::Counted(timed),
            HashForm::TimedPairs(TimeForm::EarliestFirst) => Shape::TimeAndCounted(timed),
            HashForm::TimedListpack(TimeForm::EarliestFirst) => Shape::TimeAndBlob,
            HashForm::NamesAndListpack => Shape::NamesAndBlob,
            HashForm::NamesAndValues => Shape::NamesAndValues,
            HashForm::TemplateAndValues => Shape::TemplateAndValues,
            HashForm::TemplateListpack
            | HashForm::Zipmap
            | HashForm::Ziplist
            | HashForm::Listpack
            | HashForm::TimedListpack(TimeForm::Plain) => Shape::Blob,
        }
    }
}

/// The forms of sorted sets, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ZSetForm {
    /// Strings, each with its score as a text.
    ScoreTexts,
    /// Strings, each with its score in eight bytes.
    Scores,
    /// One ziplist of members and scores in turn.
    Ziplist,
    /// One listpack of members and scores in turn.
    Listpack,
}

/// The forms of streams, each with what it has over the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StreamForm {
    /// Redis 5.
    First,
    /// Redis 7.0: the first id, the greatest deleted one, how many entries there ever were and groups have read.
    Counters,
    /// Redis 7.2: when a consumer last got an entry.
    ActiveTimes,
    /// Redis 8.6: ids of messages by which their doubles are known.
    MessageIds,
    /// Redis 8.8: pending entries that no consumer has.
    Unowned,
}

/// A type that there is not here, and how its values are passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Other {
    /// The type's name.
    pub type_name: &'static str,
    pub(super) shape: Shape,
}

/// What a value of a type that there is not here consists of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// A string that holds it all.
    Blob,
    /// A time, then a string that holds it all.
    TimeAndBlob,
    /// A count, and so many times this.
    Counted(Member),
    /// A time, a count, and so many times this.
    TimeAndCounted(Member),
    /// A number.
    Number,
    /// A count, where the next element goes, and elements of types of their own.
    Array,
    /// What a module wrote.
    Module,
    /// Field names, and a string that holds the values.
    NamesAndBlob,
    /// Field names, and as many strings.
    NamesAndValues,
    /// The number of a template that stands elsewhere in the file, and as many strings as it has names.
    TemplateAndValues,
}

/// What a value consists of over and over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Member {
    /// Two strings.
    Pair,
    /// A number and two strings.
    NumberAndPair,
    /// Two strings and a time.
    PairAndTime,
}

const STRING: u8 = 0;
const SET_OF_STRINGS: u8 = 2;
const HASH: u8 = 4;
const SET_OF_INTS: u8 = 11;
const HASH_LISTPACK: u8 = 16;
const ZSET_OF_SCORES: u8 = 5;
const ZSET_OF_LISTPACK: u8 = 17;
const LIST_OF_LISTPACKS: u8 = 18;
const STREAM_WITH_COUNTERS: u8 = 19;
const TIMED_HASH: u8 = 24;
const TIMED_HASH_LISTPACK: u8 = 25;

impl Kind {
    /// The form for which this byte stands.
    pub fn of(byte: u8, dialect: Dialect) -> Option<Self> {
        let other = |type_name, shape| Some(Kind::Other(Other { type_name, shape }));
        match byte {
            STRING => Some(Kind::String),
            1 => Some(Kind::List(ListForm::Strings)),
            SET_OF_STRINGS => Some(Kind::Set(SetForm::Strings)),
            3 => Some(Kind::ZSet(ZSetForm::ScoreTexts)),
            HASH => Some(Kind::Hash(HashForm::Pairs)),
            ZSET_OF_SCORES => Some(Kind::ZSet(ZSetForm::Scores)),
            7 => other("module value", Shape::Module),
            9 => Some(Kind::Hash(HashForm::Zipmap)),
            13 => Some(Kind::Hash(HashForm::Ziplist)),
            HASH_LISTPACK => Some(Kind::Hash(HashForm::Listpack)),
            10 => Some(Kind::List(ListForm::Ziplist)),
            SET_OF_INTS => Some(Kind::Set(SetForm::Ints)),
            20 => Some(Kind::Set(SetForm::Listpack)),
            12 => Some(Kind::ZSet(ZSetForm::Ziplist)),
            ZSET_OF_LISTPACK => Some(Kind::ZSet(ZSetForm::Listpack)),
            14 => Some(Kind::List(ListForm::Ziplists)),
            15 => Some(Kind::Stream(StreamForm::First)),
            LIST_OF_LISTPACKS => Some(Kind::List(ListForm::Listpacks)),
            STREAM_WITH_COUNTERS => Some(Kind::Stream(StreamForm::Counters)),
            21 => Some(Kind::Stream(StreamForm::ActiveTimes)),
            22 if dialect == Dialect::Valkey => Some(Kind::Hash(HashForm::PairsAndTimes)),
            _ if dialect == Dialect::Valkey => None,
            22 => Some(Kind::Hash(HashForm::TimedPairs(TimeForm::Plain))),
            23 => Some(Kind::Hash(HashForm::TimedListpack(TimeForm::Plain))),
            TIMED_HASH => Some(Kind::Hash(HashForm::TimedPairs(TimeForm::EarliestFirst))),
            TIMED_HASH_LISTPACK => {
                Some(Kind::Hash(HashForm::TimedListpack(TimeForm::EarliestFirst)))
            }
            26 => Some(Kind::Stream(StreamForm::MessageIds)),
            27 => Some(Kind::Stream(StreamForm::Unowned)),
            28 => other("array", Shape::Array),
            29 => Some(Kind::Hash(HashForm::NamesAndListpack)),
            30 => Some(Kind::Hash(HashForm::TemplateListpack)),
            31 => Some(Kind::Hash(HashForm::NamesAndValues)),
            32 => Some(Kind::Hash(HashForm::TemplateAndValues)),
            33 => other("gcra", Shape::Number),
            _ => None,
        }
    }

    /// The byte before a value as this program writes it.
    pub(super) fn written(value: &crate::data::Value) -> u8 {
        use crate::data::Value;
        match value {
            Value::Str(_) => STRING,
            Value::List(_) => LIST_OF_LISTPACKS,
            Value::Set(set) if set.is_of_ints() => SET_OF_INTS,
            Value::Set(_) => SET_OF_STRINGS,
            Value::Hash(hash) => match (hash.row(), hash.next_expiry_ms()) {
                (Some(_), None) => HASH_LISTPACK,
                (Some(_), Some(_)) => TIMED_HASH_LISTPACK,
                (None, None) => HASH,
                (None, Some(_)) => TIMED_HASH,
            },
            Value::ZSet(zset) if zset.row().is_some() => ZSET_OF_LISTPACK,
            Value::ZSet(_) => ZSET_OF_SCORES,
            Value::Stream(_) => STREAM_WITH_COUNTERS,
        }
    }
}
