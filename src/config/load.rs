//! The way in: command line, configuration files and standard input, in the order in which they count.
//!
//! `millstream [--check dir] [file | -] [--directive value ...] [-]`: the file first, then standard input, then what the command
//! line says; what comes later wins. Every line, wherever it comes from, is one directive and its words. An error
//! carries the line and where it stands, because whoever reads it has to find it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Config;
use super::directive::Directive;
use super::table::{directive, directives};
use super::value::Value;
use super::words::{quote, split_words};
use crate::base::glob;

/// What the command line asks for.
#[derive(Debug)]
pub enum Invocation {
    /// Run the server.
    Serve(Box<Config>),
    /// Verify the data directory `dir`, changing nothing, and leave.
    Check(Box<Config>),
    /// Print the version and leave.
    Version,
    /// Print how to call it and leave.
    Help,
}

/// Where a line of configuration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a file, on a line counted from 1.
    File(PathBuf, usize),
    /// On standard input, on a line counted from 1.
    Stdin(usize),
    /// On the command line.
    CommandLine,
}

/// Why the server cannot start: a line, and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub struct StartError {
    /// Where the line stands.
    pub source: Source,
    /// The line.
    pub text: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::File(path, line) => write!(f, "{}, line {line}", path.display())?,
            Source::Stdin(line) => write!(f, "standard input, line {line}")?,
            Source::CommandLine => f.write_str("command line")?,
        }
        write!(f, ": {}\n  {}", self.text, self.problem)
    }
}

impl std::error::Error for StartError {}

/// Files may include files, but not deeper than this: deeper ones include each other.
const MAX_INCLUDE_DEPTH: usize = 16;

/// Reads the arguments after the program's name, and all that they refer to.
pub fn parse_arguments(
    arguments: impl IntoIterator<Item = OsString>,
    stdin: &mut dyn Read,
) -> Result<Invocation, StartError> {
    let arguments = arguments
        .into_iter()
        .map(into_text)
        .collect::<Result<Vec<String>, _>>()?;
    match arguments.first().map(String::as_str) {
        Some("-v" | "--version") => return Ok(Invocation::Version),
        Some("-h" | "--help") => return Ok(Invocation::Help),
        _ => {}
    }
    if arguments.first().is_some_and(|first| first == "--check") {
        let dir = arguments.get(1).filter(|dir| !dir.starts_with("--"));
        let dir = dir.ok_or_else(|| {
            on_command_line("--check".into(), "'--check' takes a data directory".into())
        })?;
        let mut config = configure(arguments[2..].to_vec(), stdin)?;
        config.dir.clone_from(dir);
        return Ok(Invocation::Check(Box::new(config)));
    }
    configure(arguments, stdin).map(|config| Invocation::Serve(Box::new(config)))
}

/// For who has left out the dashes before a directive.
fn hint(path: &Path) -> String {
    let name = path.to_str().and_then(directive);
    name.map_or_else(String::new, |known| {
        format!("; did you mean '--{}'?", known.name)
    })
}

fn configure(arguments: Vec<String>, stdin: &mut dyn Read) -> Result<Config, StartError> {
    let command_line = CommandLine::parse(arguments);
    let mut config = Config::default();
    if let Some(path) = &command_line.file {
        config.load_file(path).map_err(|error| match error {
            FileError::Line(error) => error,
            FileError::Unreadable(error) => on_command_line(
                path.display().to_string(),
                format!("cannot read this configuration file: {error}{}", hint(path)),
            ),
        })?;
        config.file = Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()));
    }
    if command_line.stdin {
        let mut text = Vec::new();
        stdin.read_to_end(&mut text).map_err(|error| {
            on_command_line("-".into(), format!("cannot read standard input: {error}"))
        })?;
        config.load_text(&text, &Source::Stdin, 0)?;
    }
    for words in &command_line.options {
        config
            .obey(words, 0)
            .map_err(|problem| problem.at(Source::CommandLine, show_option(words)))?;
    }
    config.save_is_given = false;
    Ok(config)
}

/// What an option means that lacks its value.
fn bare_value(option: &str) -> Option<&'static str> {
    match option.trim().to_ascii_lowercase().as_str() {
        "save" => Some(""),
        "skip-unknown-types" => Some("yes"),
        _ => None,
    }
}

fn into_text(argument: OsString) -> Result<String, StartError> {
    argument.into_string().map_err(|argument| {
        on_command_line(
            argument.to_string_lossy().into_owned(),
            "an argument must be valid UTF-8".into(),
        )
    })
}

fn on_command_line(text: String, problem: String) -> StartError {
    StartError {
        source: Source::CommandLine,
        text,
        problem,
    }
}

fn show_option(words: &[String]) -> String {
    let show =
        |word: &String| match word.is_empty() || word.contains(|c: char| !c.is_ascii_graphic()) {
            true => quote(word),
            false => word.clone(),
        };
    format!("--{}", words.iter().map(show).collect::<Vec<_>>().join(" "))
}

/// The command line, before any of it is understood.
#[derive(Debug, Default, PartialEq)]
struct CommandLine {
    file: Option<PathBuf>,
    stdin: bool,
    /// The words of one directive each.
    options: Vec<Vec<String>>,
}

impl CommandLine {
    /// What follows an option's name is its value, even if it begins with `--`; `--name value` may also be a single
    /// argument. `-` is standard input where it stands first or last. `--save` and `--skip-unknown-types` may lack their values.
    fn parse(arguments: Vec<String>) -> Self {
        let mut command_line = Self::default();
        let mut value_due = false;
        let last = arguments.len().saturating_sub(1);
        for (position, argument) in arguments.iter().enumerate() {
            if position == 0 && !argument.starts_with('-') {
                command_line.file = Some(argument.into());
            } else if argument == "-" && (position == 0 || position == last) {
                command_line.stdin = true;
            } else if let (Some(option), false) = (argument.strip_prefix("--"), value_due) {
                let mut words = option_words(option);
                value_due = words.len() == 1;
                let next_is_option = arguments
                    .get(position + 1)
                    .is_none_or(|next| next.starts_with("--"));
                if let (true, true, Some(value)) = (value_due, next_is_option, bare_value(option)) {
                    words.push(value.into());
                    value_due = false;
                }
                command_line.options.push(words);
            } else {
                match command_line.options.last_mut() {
                    Some(words) => words.push(argument.clone()),
                    None => command_line.options.push(vec![argument.clone()]),
                }
                value_due = false;
            }
        }
        command_line
    }
}

fn option_words(option: &str) -> Vec<String> {
    match split_words(option.as_bytes()) {
        Ok(words) => words
            .into_iter()
            .map(|word| String::from_utf8_lossy(&word).into_owned())
            .collect(),
        Err(_) => vec![option.into()],
    }
}

/// A file that cannot be opened, or a line of it that cannot be obeyed.
#[derive(Debug)]
pub(super) enum FileError {
    Unreadable(std::io::Error),
    Line(StartError),
}

impl From<StartError> for FileError {
    fn from(error: StartError) -> Self {
        Self::Line(error)
    }
}

impl Config {
    /// Obeys every line of a file and of the files that it includes.
    pub(super) fn load_file(&mut self, path: &Path) -> Result<(), FileError> {
        self.load_file_at(path, 0)
    }

    fn load_file_at(&mut self, path: &Path, depth: usize) -> Result<(), FileError> {
        let text = std::fs::read(path).map_err(FileError::Unreadable)?;
        Ok(self.load_text(&text, &|line| Source::File(path.into(), line), depth)?)
    }

    pub(super) fn load_text(
        &mut self,
        text: &[u8],
        source: &dyn Fn(usize) -> Source,
        depth: usize,
    ) -> Result<(), StartError> {
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            self.load_line(line, depth).map_err(|problem| {
                problem.at(
                    source(index + 1),
                    String::from_utf8_lossy(line).into_owned(),
                )
            })?;
        }
        Ok(())
    }

    fn load_line(&mut self, line: &[u8], depth: usize) -> Result<(), LineProblem> {
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        let words = split_words(line)
            .map_err(|_| "quotes are not balanced: white space or the end of the line must follow a closing quote")?;
        if words
            .first()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"user"))
        {
            // What users may use need not be UTF-8.
            return Ok(self.add_user(words[1..].to_vec())?);
        }
        let words = words
            .into_iter()
            .map(String::from_utf8)
            .collect::<Result<Vec<String>, _>>();
        self.obey(&words.map_err(|_| "a value must be valid UTF-8")?, depth)
    }

    fn obey(&mut self, words: &[String], depth: usize) -> Result<(), LineProblem> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (name, values) = words
            .split_first()
            .map_or(("", words.as_slice()), |(name, values)| (*name, values));
        if name.eq_ignore_ascii_case("include") {
            return self.include(values, depth);
        }
        if let Some(obeyed) = self.obey_beside(name, values) {
            return Ok(obeyed?);
        }
        let directive = directive(name).ok_or_else(|| unknown(name))?;
        let earlier = self.earlier(directive);
        self.give(directive, values).map_err(|problem| {
            LineProblem::Here(format!(
                "{problem} ('{name}' takes {})",
                directive.shape.describe()
            ))
        })?;
        if let Some(earlier) = earlier {
            let given = directive.value(self);
            directive.put(self, given.added_to(earlier));
        }
        Ok(())
    }

    /// What earlier lines gave that this one adds to. The default value of `save` is no line's.
    fn earlier(&mut self, directive: &Directive) -> Option<Value> {
        let is_first =
            directive.name == "save" && !std::mem::replace(&mut self.save_is_given, true);
        let adds = directive.shape.adds_up() && !is_first;
        adds.then(|| directive.value(self))
    }

    fn give(&mut self, directive: &Directive, values: &[&str]) -> Result<(), String> {
        match values {
            [value] if directive.shape.takes_lines() => directive.assign_text(self, value),
            [value] if directive.shape.takes_several_words() => {
                let values =
                    split_words(value.as_bytes()).map_err(|_| "quotes are not balanced")?;
                let values: Vec<_> = values
                    .iter()
                    .map(|value| String::from_utf8_lossy(value))
                    .collect();
                directive.assign(self, &values.iter().map(AsRef::as_ref).collect::<Vec<_>>())
            }
            _ => directive.assign(self, values),
        }
    }

    fn include(&mut self, paths: &[&str], depth: usize) -> Result<(), LineProblem> {
        if paths.is_empty() {
            return Err("'include' takes the path of a file, once or more".into());
        }
        if depth == MAX_INCLUDE_DEPTH {
            return Err("files include each other too deeply: more than 16 levels".into());
        }
        let included = |path: &&str| included_paths(&self.include_dir.join(path));
        let paths: Vec<PathBuf> = paths.iter().flat_map(included).collect();
        for path in paths {
            self.load_file_at(&path, depth + 1)
                .map_err(|error| match error {
                    FileError::Unreadable(error) => {
                        LineProblem::Here(format!("cannot read '{}': {error}", path.display()))
                    }
                    FileError::Line(error) => LineProblem::Included(error),
                })?;
        }
        Ok(())
    }
}

/// The files that a path names: itself, or in order of name those whose last part a glob matches, maybe none.
fn included_paths(path: &Path) -> Vec<PathBuf> {
    let pattern = path.file_name().map_or(&[][..], OsStr::as_encoded_bytes);
    let (Some(folder), true) = (
        path.parent(),
        pattern.iter().any(|byte| b"*?[".contains(byte)),
    ) else {
        return vec![path.into()];
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| glob::matches(pattern, entry.file_name().as_encoded_bytes()))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

/// What is wrong with a line: in itself, or in a file that it includes.
enum LineProblem {
    Here(String),
    Included(StartError),
}

impl LineProblem {
    fn at(self, source: Source, text: String) -> StartError {
        match self {
            Self::Here(problem) => StartError {
                source,
                text,
                problem,
            },
            Self::Included(error) => error,
        }
    }
}

impl From<&str> for LineProblem {
    fn from(problem: &str) -> Self {
        Self::Here(problem.into())
    }
}

impl From<String> for LineProblem {
    fn from(problem: String) -> Self {
        Self::Here(problem)
    }
}

/// A sentence about a directive that is not in the table, with the name that was probably meant.
fn unknown(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let known = directives()
        .flat_map(|directive| [Some(directive.name), directive.alias])
        .flatten();
    let nearest = known
        .map(|known| (edit_distance(&lower, known), known))
        .min();
    match nearest {
        Some((distance, known)) if distance <= 2.max(lower.len() / 3).min(lower.len() / 2) => {
            format!("unknown directive '{name}': did you mean '{known}'?")
        }
        _ => format!("unknown directive '{name}': conf/millstream.conf lists the known ones"),
    }
}

/// How many bytes have to be inserted, removed or replaced to make one name of the other.
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests;
