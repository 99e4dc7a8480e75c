//! The list of files that make up the log: text, a line for each file.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.1.incr.aof seq 1 type h      no longer needed, yet to be removed
//! file appendonly.aof.2.incr.aof seq 2 type i startoffset 1234
//! ```
//!
//! Pairs of a key and a value, in any order; unknown keys are skipped, lines that begin with `#` as well. A name with white space stands
//! in quotes. Increments count upwards. The offsets are those of Redis 8.2 and later; they are kept as they were found. Knows no disk.

use std::fmt::{self, Write};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The state that the first increment begins with.
    Base,
    /// A stretch of the log.
    Increment,
    /// Not needed any more.
    History,
}

/// A file of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, without a directory.
    pub name: String,
    /// Its number among the files of its role.
    pub seq: u64,
    /// The replication offset of its first byte, if the list says it.
    pub start_offset: Option<i64>,
    /// The replication offset after its last byte, if the list says it.
    pub end_offset: Option<i64>,
}

impl File {
    /// A file of which no offsets are known.
    pub fn new(name: String, seq: u64) -> Self {
        File {
            name,
            seq,
            start_offset: None,
            end_offset: None,
        }
    }
}

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// What the increments begin with; without it, they begin with nothing.
    pub base: Option<File>,
    /// Stretches of the log, in order.
    pub increments: Vec<File>,
    /// Files to be removed.
    pub history: Vec<File>,
}

/// Why a text is no list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Reads a list.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let mut manifest = Manifest::default();
        if text.is_empty() {
            return Err(ManifestError {
                line: 1,
                problem: "the manifest is empty",
            });
        }
        let body = text.strip_suffix(b"\n");
        let lines = body.unwrap_or(text).split(|byte| *byte == b'\n');
        for (index, line) in lines.enumerate() {
            manifest.parse_line(line).map_err(|problem| ManifestError {
                line: index + 1,
                problem,
            })?;
        }
        match body {
            Some(_) => Ok(manifest),
            None => Err(ManifestError {
                line: text.split(|byte| *byte == b'\n').count(),
                problem: "the line does not end: the manifest was cut short",
            }),
        }
    }

    fn parse_line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        if line.starts_with(b"#") {
            return Ok(());
        }
        let (file, role) = parse_file(line)?;
        if self.names(&file.name) {
            return Err("the file is listed already");
        }
        match role {
            Role::Base if self.base.is_some() => return Err("there is a base file already"),
            Role::Base => self.base = Some(file),
            Role::History => self.history.push(file),
            Role::Increment if self.increments.last().is_some_and(|l| l.seq >= file.seq) => {
                return Err("the sequence number is not greater than that of the increment before");
            }
            Role::Increment => self.increments.push(file),
        }
        Ok(())
    }

    /// The text of the list.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let bases = self.base.iter().map(|file| (file, 'b'));
        let history = self.history.iter().map(|file| (file, 'h'));
        let increments = self.increments.iter().map(|file| (file, 'i'));
        for (file, role) in bases.chain(history).chain(increments) {
            let name = quote_if_needed(&file.name);
            write!(text, "file {name} seq {} type {role}", file.seq).expect("a string grows");
            for (key, offset) in [
                ("startoffset", file.start_offset),
                ("endoffset", file.end_offset),
            ] {
                if let Some(offset) = offset {
                    write!(text, " {key} {offset}").expect("a string grows");
                }
            }
            text.push('\n');
        }
        text
    }

    /// True if it names a file `name`, for whatever it is.
    pub fn names(&self, name: &str) -> bool {
        let increments = self.increments.iter().chain(&self.history);
        self.base
            .iter()
            .chain(increments)
            .any(|file| file.name == name)
    }

    /// The number of the next base.
    pub fn next_base_seq(&self) -> u64 {
        self.base.as_ref().map_or(1, |base| base.seq + 1)
    }

    /// The number of the next increment.
    pub fn next_increment_seq(&self) -> u64 {
        self.increments.last().map_or(1, |last| last.seq + 1)
    }
}

const NOT_PAIRS: &str = "expected pairs of a key and a value, among them file, seq and type";

fn parse_file(line: &[u8]) -> Result<(File, Role), &'static str> {
    let words = split_words(line)?;
    let (pairs, []) = words.as_chunks::<2>() else {
        return Err(NOT_PAIRS);
    };
    let mut file = File::new(String::new(), 0);
    let mut role = None;
    for [key, value] in pairs {
        let number = || value.parse::<i64>().map_err(|_| "expected a number");
        match key.to_ascii_lowercase().as_str() {
            "file" if value.contains('/') => return Err("a file name must not have a directory"),
            "file" => file.name = value.clone(),
            "seq" => file.seq = u64::try_from(number()?).map_err(|_| "expected a number")?,
            "startoffset" => file.start_offset = Some(number()?),
            "endoffset" => file.end_offset = Some(number()?),
            "type" => role = Some(parse_role(value)?),
            _ => {}
        }
    }
    match role {
        Some(role) if !file.name.is_empty() && file.seq > 0 => Ok((file, role)),
        _ => Err(NOT_PAIRS),
    }
}

fn parse_role(letter: &str) -> Result<Role, &'static str> {
    match letter {
        "b" => Ok(Role::Base),
        "i" => Ok(Role::Increment),
        "h" => Ok(Role::History),
        _ => Err("the type must be b, i or h"),
    }
}

/// Words between white space; one in double quotes may have escapes.
fn split_words(line: &[u8]) -> Result<Vec<String>, &'static str> {
    let text = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8")?;
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted).ok_or("a quote does not close")?,
            None => {
                let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                (word.to_string(), after)
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

/// The text up to the closing quote, escapes resolved, and what follows it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut bytes = Vec::new();
    let mut rest = quoted.as_bytes();
    loop {
        rest = match rest {
            [b'"', ..] => break,
            [b'\\', b'x', high, low, tail @ ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push((digit(high)? * 16 + digit(low)?) as u8);
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                bytes.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 7,
                    b'b' => 8,
                    other => *other,
                });
                tail
            }
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
            [] => return None,
        };
    }
    let after = &quoted[quoted.len() - rest.len() + 1..];
    Some((String::from_utf8(bytes).ok()?, after))
}

fn quote_if_needed(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if name.bytes().all(plain) {
        return name.to_string();
    }
    let mut quoted = String::from("\"");
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => write!(quoted, "\\x{byte:02x}").expect("a string grows"),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_of_redis_and_valkey_are_read() {
        let text = b"file a.3.base.rdb seq 3 type b\n# comment\nfile \"a b.1.incr.aof\" seq 1 type h\n\
            file a.7.incr.aof seq 7 type i startoffset 12 endoffset 99 later x\nseq 8 type i file a.8.incr.aof\n";
        let manifest = Manifest::parse(text).expect("it is valid");
        assert_eq!(manifest.base, Some(File::new("a.3.base.rdb".into(), 3)));
        assert_eq!(manifest.history[0].name, "a b.1.incr.aof");
        let increment = &manifest.increments[0];
        assert_eq!(
            (increment.seq, increment.start_offset, increment.end_offset),
            (7, Some(12), Some(99))
        );
        assert_eq!(
            (manifest.next_base_seq(), manifest.next_increment_seq()),
            (4, 9)
        );
        assert_eq!(
            manifest.to_text(),
            "file a.3.base.rdb seq 3 type b\nfile \"a b.1.incr.aof\" seq 1 type h\n\
            file a.7.incr.aof seq 7 type i startoffset 12 endoffset 99\nfile a.8.incr.aof seq 8 type i\n"
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        let good = "file a seq 1 type i\n";
        for (bad, line, problem) in [
            ("", 1, "the manifest is empty"),
            ("file a seq 1 type i\nfile", 2, NOT_PAIRS),
            ("file a seq 1\n", 1, NOT_PAIRS),
            ("\n", 1, NOT_PAIRS),
            ("file a seq 0 type i\n", 1, NOT_PAIRS),
            ("file a seq x type i\n", 1, "expected a number"),
            ("file a seq 1 type z\n", 1, "the type must be b, i or h"),
            (
                "file a/b seq 1 type i\n",
                1,
                "a file name must not have a directory",
            ),
            ("file \"a seq 1 type i\n", 1, "a quote does not close"),
            (
                "file a seq 1 type b\nfile b seq 2 type b\n",
                2,
                "there is a base file already",
            ),
            (
                "file a seq 1 type h\nfile a seq 1 type i\n",
                2,
                "the file is listed already",
            ),
            (
                "file a seq 1 type i",
                1,
                "the line does not end: the manifest was cut short",
            ),
        ] {
            assert_eq!(
                Manifest::parse(bad.as_bytes()),
                Err(ManifestError { line, problem }),
                "{bad:?}"
            );
        }
        let twice = Manifest::parse(good.repeat(2).as_bytes());
        assert_eq!(twice.map_err(|error| error.line), Err(2));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(names in proptest::collection::vec("[^/\0]{1,12}", 1..5)) {
            let files = |role: u64| names.iter().enumerate()
                .map(move |(at, name)| File::new(format!("{role}{at}{name}"), at as u64 + 1));
            let manifest = Manifest {
                base: files(0).next(),
                increments: files(1).collect(),
                history: files(2).collect(),
            };
            prop_assert_eq!(Manifest::parse(manifest.to_text().as_bytes()), Ok(manifest));
        }

        #[test]
        fn any_text_is_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Manifest::parse(&text);
        }
    }
}
