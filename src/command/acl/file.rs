//! Users as text: the words of their rules, and the lines of a file.
//!
//! ```text
//! user ann on #4c1f...e2 ~orders:* resetchannels -@all +@stream (%R~stock:* resetchannels -@all +get)
//! ```

use super::error::RuleError;
use super::selector::has_spaces;
use super::user::Rights;
use std::collections::BTreeMap;
use std::fmt;

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub struct LineError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: LineProblem,
}

/// What may be wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub enum LineProblem {
    /// It does not begin with `user` and a name.
    NoUser,
    /// The user has had its line.
    Twice(String),
    /// The name has characters in it that no name may have.
    Name(String),
    /// A parenthesis is not closed.
    Unmatched,
    /// A rule names what there is not.
    Unknown(String),
    /// A rule cannot be obeyed.
    Rule(RuleError),
}

impl LineError {
    /// A sentence about the line of the file at `path`.
    pub fn show(&self, path: &str) -> String {
        let line = self.line;
        match &self.problem {
            LineProblem::NoUser => {
                format!("{path}:{line} should start with user keyword followed by the username. ")
            }
            LineProblem::Twice(name) => {
                format!("WARNING: Duplicate user '{name}' found on line {line}. ")
            }
            LineProblem::Name(name) => {
                format!("'{path}:{line}: username '{name}' contains invalid characters. ")
            }
            LineProblem::Unmatched => {
                format!("{path}:{line}: Unmatched parenthesis in selector definition.")
            }
            LineProblem::Unknown(rule) => {
                let error = RuleError::Unknown;
                format!("{path}:{line}: Error in applying operation '{rule}': {error}. ")
            }
            LineProblem::Rule(error) => format!("{path}:{line}: {error}. "),
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show(""))
    }
}

/// Joins the words of each selector, which stand between parentheses; on an error, the word whose parenthesis is not closed.
pub fn merge_selectors<'a>(words: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    let mut merged: Vec<Vec<u8>> = Vec::new();
    let mut opening = None;
    for word in words {
        match (opening, merged.last_mut()) {
            (Some(_), Some(selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(word);
            }
            _ => {
                merged.push(word.to_vec());
                opening = word.starts_with(b"(").then_some(word);
            }
        }
        if word.ends_with(b")") {
            opening = None;
        }
    }
    match opening {
        Some(word) => Err(word.to_vec()),
        None => Ok(merged),
    }
}

/// The rights of all users of a file, or everything that is wrong with it.
pub fn parse_lines(
    text: &[u8],
    all_channels: bool,
) -> Result<BTreeMap<Box<[u8]>, Rights>, Vec<LineError>> {
    let mut users = BTreeMap::new();
    let mut errors = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let problems = parse_line(line, all_channels, &mut users);
        errors.extend(problems.into_iter().map(|problem| LineError {
            line: index + 1,
            problem,
        }));
    }
    match errors.is_empty() {
        true => Ok(users),
        false => Err(errors),
    }
}

/// Adds the user of a line; everything that is wrong with it.
fn parse_line(
    line: &[u8],
    all_channels: bool,
    users: &mut BTreeMap<Box<[u8]>, Rights>,
) -> Vec<LineProblem> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(b"user"), Some(name)) = (words.next(), words.next()) else {
        return vec![LineProblem::NoUser];
    };
    if has_spaces(name) {
        return vec![LineProblem::Name(show(name))];
    }
    if users.contains_key(name) {
        return vec![LineProblem::Twice(show(name))];
    }
    let Ok(rules) = merge_selectors(words) else {
        return vec![LineProblem::Unmatched];
    };
    let mut rights = Rights::new(all_channels);
    let problems = apply_all(&mut rights, &rules, all_channels);
    users.insert(name.into(), rights);
    problems
}

/// Obeys rules; tells of each that names what there is not, but of what else is wrong only the first, since others may follow from it.
fn apply_all(rights: &mut Rights, rules: &[Vec<u8>], all_channels: bool) -> Vec<LineProblem> {
    let mut problems = Vec::new();
    for rule in rules {
        match rights.apply(rule.trim_ascii(), all_channels) {
            Ok(()) => {}
            Err(RuleError::Unknown) => problems.push(LineProblem::Unknown(show(rule))),
            Err(_)
                if problems
                    .iter()
                    .any(|known| matches!(known, LineProblem::Rule(_))) => {}
            Err(error) => problems.push(LineProblem::Rule(error)),
        }
    }
    problems
}

fn show(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
