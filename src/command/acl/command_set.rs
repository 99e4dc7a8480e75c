//! The commands that a selector allows, and the rules that made it so.
//!
//! Which commands are allowed is a bit for each row of the table. The rules are kept beside, as they were given, because that is how a
//! user is shown and stored: a command added to the table later is then judged by the categories that were meant.

use super::error::RuleError;
use super::selector::has_spaces;
use crate::command::registry::{self, Command};
use crate::command::table::absent;
use crate::command::table::keys::Argv;
use crate::command::table::words::acl;
use std::collections::BTreeMap;

/// The commands of one selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandSet {
    /// A bit for each command by its number.
    allowed: Box<[u64]>,
    /// All are allowed, and nothing was taken away since.
    is_all: bool,
    /// What the rules start from: everything, or nothing.
    starts_from_all: bool,
    /// The rules in order, each with its sign and in lower case.
    rules: Vec<Vec<u8>>,
    /// Of commands that are not allowed, by number: first arguments with which they are.
    first_args: BTreeMap<usize, Vec<Box<[u8]>>>,
}

impl Default for CommandSet {
    /// No command.
    fn default() -> Self {
        CommandSet {
            allowed: vec![0; registry::commands().len().div_ceil(64)].into(),
            is_all: false,
            starts_from_all: false,
            rules: Vec::new(),
            first_args: BTreeMap::new(),
        }
    }
}

impl CommandSet {
    /// True when no command is denied.
    pub fn is_all(&self) -> bool {
        self.is_all
    }

    /// Allows every command, or none, and forgets the rules so far.
    pub fn set_all(&mut self, allow: bool) {
        self.allowed.fill(if allow { u64::MAX } else { 0 });
        self.is_all = allow;
        self.starts_from_all = allow;
        self.rules.clear();
        self.first_args.clear();
    }

    /// Obeys `+name`, `-name`, `+@category` or `-@category`, given without the sign.
    pub fn apply(&mut self, allow: bool, name: &[u8]) -> Result<(), RuleError> {
        if let Some(category) = name.strip_prefix(b"@") {
            if category.eq_ignore_ascii_case(b"all") {
                self.set_all(allow);
                return Ok(());
            }
            let category = acl::named(category).ok_or(RuleError::Unknown)?;
            let chosen = registry::commands().iter();
            chosen
                .filter(|command| command.categories() & category != 0)
                .for_each(|command| self.set(command, allow));
        } else if let Some(command) = registry::find(name) {
            self.set(command, allow);
        } else if absent::is_absent(name) {
            // There is nothing to allow or to deny.
        } else {
            self.allow_first_arg(allow, name)?;
        }
        self.note(allow, name);
        Ok(())
    }

    /// Allows or denies a command and its subcommands.
    fn set(&mut self, command: &'static Command, allow: bool) {
        let (word, bit) = (command.id / 64, 1 << (command.id % 64));
        if allow {
            self.allowed[word] |= bit;
        } else {
            self.allowed[word] &= !bit;
            self.is_all = false;
        }
        self.first_args.remove(&command.id);
        command.subcommands().for_each(|sub| self.set(sub, allow));
    }

    /// Obeys `+command|first-argument`.
    fn allow_first_arg(&mut self, allow: bool, name: &[u8]) -> Result<(), RuleError> {
        let bar = name.iter().rposition(|byte| *byte == b'|');
        let bar = bar.filter(|_| allow).ok_or(RuleError::Unknown)?;
        let (command, first) = (registry::find(&name[..bar]), &name[bar + 1..]);
        let command = command.ok_or(RuleError::Unknown)?;
        if command.container().is_some() {
            return Err(RuleError::FirstArgOfSubcommand);
        }
        // With spaces in it, it would not be read back from a file.
        if first.is_empty() || has_spaces(first) {
            return Err(RuleError::Syntax);
        }
        if command.is_container() {
            return Err(RuleError::Unknown);
        }
        let known = self.first_args.entry(command.id).or_default();
        if !known.iter().any(|known| known.eq_ignore_ascii_case(first)) {
            known.push(first.into());
        }
        Ok(())
    }

    /// Adds to the rules; earlier ones about the same command or category, or its subcommands, have no effect any more and go.
    fn note(&mut self, allow: bool, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        self.rules.retain(|rule| {
            let rest = rule[1..].strip_prefix(name.as_slice());
            !rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'|')
        });
        let sign = if allow { b'+' } else { b'-' };
        self.rules.push([&[sign], name.as_slice()].concat());
    }

    /// Whether a call is allowed.
    pub fn allows(&self, command: &Command, argv: &(impl Argv + ?Sized)) -> bool {
        if self.is_all || self.allowed[command.id / 64] >> (command.id % 64) & 1 == 1 {
            return true;
        }
        let known = self.first_args.get(&command.id);
        known.is_some_and(|known| {
            argv.len() > command.names
                && known
                    .iter()
                    .any(|first| first.eq_ignore_ascii_case(argv.arg(command.names)))
        })
    }

    /// The rules, as ACL LIST shows them: `-@all +get`.
    pub fn describe(&self) -> Vec<u8> {
        let start: &[u8] = if self.starts_from_all {
            b"+@all"
        } else {
            b"-@all"
        };
        let rules = self.rules.iter().map(Vec::as_slice);
        let all: Vec<&[u8]> = std::iter::once(start).chain(rules).collect();
        all.join(&b' ')
    }
}
