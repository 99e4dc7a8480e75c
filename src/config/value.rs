//! Values of directives: what shapes they have, how their text is read, checked and shown.
//!
//! A [`Shape`] is what a directive accepts; a [`Value`] is a text that was accepted, parsed. Nothing here knows which
//! directive a value belongs to or where in [`Config`](super::Config) it is kept. The sentences of refusal are the
//! ones that Redis's clients see behind `CONFIG SET failed`.

use super::rules;
use super::{BufferLimit, BufferLimits, SavePoint};
use crate::base::num;
use crate::keyspace::notify;
use crate::keyspace::rules::{GroupRule, StreamRule};

/// What a directive accepts.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// `yes` or `no`.
    YesNo,
    /// A whole number in decimal.
    Number {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// How many of something memory may hold: a whole number in decimal.
    Size,
    /// A number of bytes: plain, or with a unit (`1kb` is 1024, `1k` is 1000).
    Bytes {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// A number of bytes as above, or a percentage, which is kept below zero.
    BytesOrPercent,
    /// File permissions in octal, at most `0777`.
    Permissions,
    /// Any one text, possibly empty.
    Text,
    /// The name of a file without a directory: what the directive is called, and what the name is called.
    FileName(&'static str, &'static str),
    /// `<seconds> <changes>`, any number of times.
    SavePoints,
    /// One name of several, in any case.
    Choice(&'static [&'static str]),
    /// Any number of words.
    Words,
    /// `<class> <hard> <soft> <seconds>`, once or more; classes left out keep their limits.
    BufferLimits,
    /// Any number of percentiles between 0 and 100.
    Percentiles,
    /// The letters of event classes.
    NotifyClasses,
    /// Rules for streams, one a line: see `rules.rs`.
    StreamRules,
    /// Rules for groups, likewise.
    GroupRules,
    /// One text alone, because the feature that other values would ask for does not exist.
    Only(&'static str, &'static str),
}

/// An accepted text.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of [`Shape::YesNo`].
    YesNo(bool),
    /// Of [`Shape::Number`], [`Shape::Size`], [`Shape::Bytes`], [`Shape::Permissions`] and [`Shape::NotifyClasses`].
    Integer(i64),
    /// Of [`Shape::Text`] and [`Shape::FileName`].
    Text(String),
    /// Of [`Shape::Choice`] and [`Shape::Only`].
    Name(&'static str),
    /// Of [`Shape::Words`].
    Words(Vec<String>),
    /// Of [`Shape::BufferLimits`]: the classes that were named.
    BufferLimits(Vec<(ClientClass, BufferLimit)>),
    /// Of [`Shape::SavePoints`].
    SavePoints(Vec<SavePoint>),
    /// Of [`Shape::Percentiles`].
    Percentiles(Vec<f64>),
    /// Of [`Shape::StreamRules`].
    StreamRules(Vec<StreamRule>),
    /// Of [`Shape::GroupRules`].
    GroupRules(Vec<GroupRule>),
}

/// A kind of client that has an output buffer limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientClass {
    /// Sends commands, reads replies.
    Normal,
    /// Follows the log.
    Replica,
    /// Is subscribed to a channel or pattern.
    Pubsub,
}

const MAX_PERMISSIONS: i64 = 0o777;

impl Shape {
    /// Whether the value is a list of words rather than a single one.
    pub fn takes_several_words(self) -> bool {
        match self {
            Self::Words | Self::BufferLimits | Self::Percentiles => true,
            Self::SavePoints | Self::Only(..) | Self::StreamRules | Self::GroupRules => true,
            Self::YesNo | Self::Number { .. } | Self::Size | Self::Bytes { .. } => false,
            Self::BytesOrPercent => false,
            Self::Permissions | Self::Text | Self::FileName(..) => false,
            Self::Choice(_) | Self::NotifyClasses => false,
        }
    }

    /// Whether a value given as one text is lines, each with its words.
    pub fn takes_lines(self) -> bool {
        matches!(self, Self::StreamRules | Self::GroupRules)
    }

    /// Whether several lines for a directive add up, rather than the last being the one that counts.
    pub fn adds_up(self) -> bool {
        self.takes_lines() || matches!(self, Self::SavePoints)
    }

    /// Reads and checks a value given as one text.
    pub fn parse_text(self, text: &str) -> Result<Value, String> {
        match self {
            Self::StreamRules => rules::parse_lines(text).map(Value::StreamRules),
            Self::GroupRules => rules::parse_lines(text).map(Value::GroupRules),
            _ if self.takes_several_words() => self.parse(&text.split(' ').collect::<Vec<_>>()),
            _ => self.parse(&[text]),
        }
    }

    /// Reads and checks the words of a value; the error is a sentence for whoever wrote them.
    pub fn parse(self, words: &[&str]) -> Result<Value, String> {
        match self {
            Self::Words => {
                let words = words.iter().filter(|word| !word.is_empty());
                Ok(Value::Words(words.map(|word| word.to_string()).collect()))
            }
            Self::BufferLimits => {
                parse_buffer_limits(words_but_one_empty(words)).map(Value::BufferLimits)
            }
            Self::Percentiles => {
                parse_percentiles(words_but_one_empty(words)).map(Value::Percentiles)
            }
            Self::SavePoints => {
                parse_save_points(words_but_one_empty(words)).map(Value::SavePoints)
            }
            Self::StreamRules => rules::parse_words(words).map(Value::StreamRules),
            Self::GroupRules => rules::parse_words(words).map(Value::GroupRules),
            Self::Only(text, reason) => match words.join(" ") {
                given if given.eq_ignore_ascii_case(text) => Ok(Value::Name(text)),
                // What a server is told that is to follow none.
                given if text.is_empty() && given.eq_ignore_ascii_case("no one") => {
                    Ok(Value::Name(text))
                }
                _ => Err(reason.into()),
            },
            _ => match words {
                [word] => self.parse_word(word),
                _ => Err("wrong number of arguments".into()),
            },
        }
    }

    fn parse_word(self, word: &str) -> Result<Value, String> {
        match self {
            Self::YesNo => match word.to_ascii_lowercase().as_str() {
                "yes" => Ok(Value::YesNo(true)),
                "no" => Ok(Value::YesNo(false)),
                _ => Err("argument must be 'yes' or 'no'".into()),
            },
            Self::Number { min, max } => {
                let number =
                    parse_integer(word).ok_or("argument couldn't be parsed into an integer")?;
                within(number, min, max).map(Value::Integer)
            }
            Self::Size => {
                let size =
                    parse_integer(word).ok_or("argument couldn't be parsed into an integer")?;
                match size {
                    0.. => Ok(Value::Integer(size)),
                    _ => Err("argument must be greater or equal to 0".into()),
                }
            }
            Self::Bytes { min, max } => {
                let bytes = parse_bytes(word).ok_or("argument must be a memory value")?;
                within(bytes, min, max).map(Value::Integer)
            }
            Self::BytesOrPercent => parse_bytes_or_percent(word).map(Value::Integer),
            Self::Permissions => match i64::from_str_radix(word, 8) {
                Ok(bits) if word.starts_with(|c: char| c.is_digit(8)) => {
                    within(bits, 0, MAX_PERMISSIONS).map(Value::Integer)
                }
                _ => Err("argument couldn't be parsed as an octal number".into()),
            },
            Self::Choice(names) => names
                .iter()
                .find(|name| name.eq_ignore_ascii_case(word))
                .map(|name| Value::Name(name))
                .ok_or_else(|| {
                    format!(
                        "argument(s) must be one of the following: {}",
                        names.join(", ")
                    )
                }),
            Self::NotifyClasses => notify::parse(word)
                .map(|classes| Value::Integer(classes.into()))
                .ok_or_else(|| "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into()),
            Self::Text => Ok(Value::Text(word.into())),
            Self::FileName(directive, _) if word.is_empty() => {
                Err(format!("{directive} can't be empty"))
            }
            Self::FileName(directive, noun) if word.contains('/') => {
                Err(format!("{directive} can't be a path, just a {noun}"))
            }
            Self::FileName(..) => Ok(Value::Text(word.into())),
            Self::Words
            | Self::BufferLimits
            | Self::Percentiles
            | Self::SavePoints
            | Self::StreamRules
            | Self::GroupRules
            | Self::Only(..) => {
                unreachable!("shapes of several words are parsed by `parse`")
            }
        }
    }

    /// The value as CONFIG GET prints it.
    pub fn show(self, value: &Value) -> String {
        match value {
            Value::YesNo(true) => "yes".into(),
            Value::YesNo(false) => "no".into(),
            Value::Integer(bits) if matches!(self, Self::Permissions) => format!("{bits:o}"),
            Value::Integer(percent @ ..0) if matches!(self, Self::BytesOrPercent) => {
                format!("{}%", -percent)
            }
            Value::Integer(classes) if matches!(self, Self::NotifyClasses) => {
                notify::format(u32::try_from(*classes).expect("parsed from letters"))
            }
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::Name(name) => name.to_string(),
            Value::Words(words) => words.join(" "),
            Value::BufferLimits(limits) => {
                let limits: Vec<String> = limits
                    .iter()
                    .map(|(class, limit)| show_limit(*class, *limit))
                    .collect();
                limits.join(" ")
            }
            Value::SavePoints(points) => {
                let points: Vec<String> = points
                    .iter()
                    .map(|point| format!("{} {}", point.seconds, point.changes))
                    .collect();
                points.join(" ")
            }
            Value::Percentiles(percentiles) => {
                let percentiles: Vec<String> = percentiles.iter().map(f64::to_string).collect();
                percentiles.join(" ")
            }
            Value::StreamRules(rules) => rules::show(rules),
            Value::GroupRules(rules) => rules::show(rules),
        }
    }

    /// The accepted values in few words, for the commented configuration file.
    pub fn describe(self) -> String {
        match self {
            Self::YesNo => "yes or no".into(),
            Self::Size => "a number from 0".into(),
            Self::Number { min, max: i64::MAX } => format!("a number from {min}"),
            Self::Number { min, max } => format!("a number, {min} to {max}"),
            Self::Bytes { min: 0, .. } => "bytes, such as 64mb".into(),
            Self::Bytes { min, .. } => format!("bytes, at least {min}"),
            Self::BytesOrPercent => "bytes, such as 64mb, or a percentage, such as 5%".into(),
            Self::Permissions => "octal permissions".into(),
            Self::Text => "text".into(),
            Self::FileName(..) => "a name without a directory".into(),
            Self::Choice(names) => names.join(", "),
            Self::Words => "words".into(),
            Self::BufferLimits => "<class> <hard> <soft> <seconds>, once or more".into(),
            Self::SavePoints => "<seconds> <changes>, any number of times".into(),
            Self::Percentiles => "percentiles".into(),
            Self::StreamRules => rules::form::<StreamRule>(),
            Self::GroupRules => rules::form::<GroupRule>(),
            Self::NotifyClasses => "letters of Ag$lshzxeKEtmdn".into(),
            Self::Only("", _) => "only empty".into(),
            Self::Only(text, _) => format!("only {text}"),
        }
    }
}

impl Value {
    /// What two lines for a directive whose lines add up come to: an empty one takes the earlier ones back.
    pub fn added_to(self, earlier: Value) -> Value {
        fn joined<T>(mut all: Vec<T>, more: Vec<T>) -> Vec<T> {
            if more.is_empty() {
                all.clear();
            }
            all.extend(more);
            all
        }
        match (earlier, self) {
            (Self::SavePoints(all), Self::SavePoints(more)) => Self::SavePoints(joined(all, more)),
            (Self::StreamRules(all), Self::StreamRules(more)) => {
                Self::StreamRules(joined(all, more))
            }
            (Self::GroupRules(all), Self::GroupRules(more)) => Self::GroupRules(joined(all, more)),
            (_, last) => last,
        }
    }
}

impl ClientClass {
    /// Every class, in the order in which CONFIG GET prints them.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Replica, Self::Pubsub];

    fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "normal" => Some(Self::Normal),
            "replica" | "slave" => Some(Self::Replica),
            "pubsub" => Some(Self::Pubsub),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Replica => "slave",
            Self::Pubsub => "pubsub",
        }
    }
}

/// The least number of bytes in a readable unit, for a configuration file: `64mb`, `1gb`, `1000`.
pub fn show_bytes_with_unit(bytes: i64) -> String {
    const UNITS: [(i64, &str); 3] = [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")];
    let unit = UNITS
        .iter()
        .find(|(size, _)| bytes != 0 && bytes % size == 0);
    unit.map_or_else(
        || bytes.to_string(),
        |(size, name)| format!("{}{name}", bytes / size),
    )
}

fn parse_integer(word: &str) -> Option<i64> {
    num::parse_i64(word.as_bytes())
}

fn parse_bytes(word: &str) -> Option<i64> {
    num::parse_size_bytes(word.as_bytes())?.try_into().ok()
}

fn parse_bytes_or_percent(word: &str) -> Result<i64, String> {
    let parsed = match word.strip_suffix('%') {
        Some(percent) => parse_integer(percent)
            .filter(|percent| *percent >= 0)
            .map(|percent| -percent),
        None => parse_bytes(word),
    };
    match parsed.ok_or("argument must be a memory or percent value")? {
        ..-100 => Err("percentage argument must be less or equal to 100".into()),
        number => Ok(number),
    }
}

fn within(number: i64, min: i64, max: i64) -> Result<i64, String> {
    match (min..=max).contains(&number) {
        true => Ok(number),
        false => Err(format!(
            "argument must be between {min} and {max} inclusive"
        )),
    }
}

/// A list is emptied by giving one empty word.
fn words_but_one_empty<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    if words == [""] { &[] } else { words }
}

fn parse_buffer_limits(words: &[&str]) -> Result<Vec<(ClientClass, BufferLimit)>, String> {
    if !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let limit_of = |words: &[&str]| {
        let class = ClientClass::parse(words[0])
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        let limit = parse_limit(&words[1..])
            .ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
        Ok((class, limit))
    };
    words.chunks_exact(4).map(limit_of).collect()
}

fn parse_limit(words: &[&str]) -> Option<BufferLimit> {
    Some(BufferLimit {
        hard_bytes: parse_bytes(words[0])?.try_into().ok()?,
        soft_bytes: parse_bytes(words[1])?.try_into().ok()?,
        soft_s: words[2].parse().ok()?,
    })
}

fn show_limit(class: ClientClass, limit: BufferLimit) -> String {
    format!(
        "{} {} {} {}",
        class.name(),
        limit.hard_bytes,
        limit.soft_bytes,
        limit.soft_s
    )
}

fn parse_save_points(words: &[&str]) -> Result<Vec<SavePoint>, String> {
    let number = |word: &str, min: i64| parse_integer(word).filter(|number| *number >= min);
    let point_of = |[seconds, changes]: &[&str; 2]| {
        Some(SavePoint {
            seconds: number(seconds, 1)?,
            changes: number(changes, 0)?,
        })
    };
    let (pairs, rest) = words.as_chunks::<2>();
    let points = pairs.iter().map(point_of).collect::<Option<Vec<_>>>();
    points
        .filter(|_| rest.is_empty())
        .ok_or_else(|| "Invalid save parameters".into())
}

fn parse_percentiles(words: &[&str]) -> Result<Vec<f64>, String> {
    let percentile_of = |word: &&str| match word.parse::<f64>() {
        Ok(percentile) if (0.0..=100.0).contains(&percentile) => Ok(percentile),
        Ok(percentile) if !percentile.is_nan() => Err(
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
                .to_string(),
        ),
        _ => Err("Invalid latency-tracking-info-percentiles parameters".to_string()),
    };
    words.iter().map(percentile_of).collect()
}

impl BufferLimits {
    /// The limit of one class.
    pub fn of(&self, class: ClientClass) -> BufferLimit {
        match class {
            ClientClass::Normal => self.normal,
            ClientClass::Replica => self.replica,
            ClientClass::Pubsub => self.pubsub,
        }
    }

    pub(super) fn set(&mut self, class: ClientClass, limit: BufferLimit) {
        match class {
            ClientClass::Normal => self.normal = limit,
            ClientClass::Replica => self.replica = limit,
            ClientClass::Pubsub => self.pubsub = limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(shape: Shape, text: &str) -> Result<String, String> {
        let words: Vec<&str> = text.split(' ').collect();
        shape.parse(&words).map(|value| shape.show(&value))
    }

    #[test]
    fn integers_are_strict() {
        let port = Shape::Number {
            min: -1,
            max: 65535,
        };
        for text in ["0", "-1", "65535"] {
            assert_eq!(shown(port, text), Ok(text.into()));
        }
        for text in [
            "",
            "-",
            "+5",
            "010",
            "-0",
            "0x10",
            "5x",
            "99999999999999999999",
        ] {
            assert_eq!(
                shown(port, text),
                Err("argument couldn't be parsed into an integer".into()),
                "{text}"
            );
        }
        assert_eq!(
            shown(port, "65536"),
            Err("argument must be between -1 and 65535 inclusive".into())
        );
    }

    #[test]
    fn bytes_take_units() {
        let bytes = Shape::Bytes {
            min: 0,
            max: i64::MAX,
        };
        for (text, expected) in [
            ("0", "0"),
            ("1k", "1000"),
            ("1kb", "1024"),
            ("2MB", "2097152"),
            ("1Gb", "1073741824"),
            ("7b", "7"),
        ] {
            assert_eq!(shown(bytes, text), Ok(expected.into()));
        }
        for text in ["-1", "1q", "1.5gb", "50%", "1tb"] {
            assert_eq!(
                shown(bytes, text),
                Err("argument must be a memory value".into()),
                "{text}"
            );
        }
    }

    #[test]
    fn units_are_shown_only_when_exact() {
        let shown: Vec<String> = [0, 1, 1000, 1024, 1 << 20, 3 << 30]
            .map(show_bytes_with_unit)
            .into();
        assert_eq!(shown, ["0", "1", "1000", "1kb", "1mb", "3gb"]);
    }

    #[test]
    fn lists_read_and_show() {
        assert_eq!(
            shown(Shape::BufferLimits, "NORMAL 0 0 0 replica 1mb 1k 3"),
            Ok("normal 0 0 0 slave 1048576 1000 3".into())
        );
        assert!(
            shown(Shape::BufferLimits, "normal 0 0")
                .unwrap_err()
                .starts_with("Wrong number")
        );
        assert!(
            shown(Shape::BufferLimits, "master 0 0 0")
                .unwrap_err()
                .starts_with("Invalid client class")
        );
        assert!(
            shown(Shape::BufferLimits, "normal 0 0 -1")
                .unwrap_err()
                .starts_with("Error in hard")
        );
        assert_eq!(
            shown(Shape::Percentiles, "50 99.5 99.999"),
            Ok("50 99.5 99.999".into())
        );
        assert_eq!(shown(Shape::Percentiles, ""), Ok("".into()));
        assert!(
            shown(Shape::Percentiles, "101")
                .unwrap_err()
                .contains("should sit between")
        );
        assert!(
            shown(Shape::Percentiles, "nan")
                .unwrap_err()
                .starts_with("Invalid")
        );
        assert_eq!(shown(Shape::Words, "* -::*"), Ok("* -::*".into()));
        assert_eq!(shown(Shape::Words, ""), Ok("".into()));
    }

    #[test]
    fn permissions_are_octal() {
        assert_eq!(shown(Shape::Permissions, "0700"), Ok("700".into()));
        for text in ["", "999", "0700x", "+7", "-7"] {
            assert_eq!(
                shown(Shape::Permissions, text),
                Err("argument couldn't be parsed as an octal number".into())
            );
        }
    }
}
