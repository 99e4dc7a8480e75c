//! The table, ready for dispatch: every row with its full name, a number, and a hash index by name. Built once.

use super::script;
use super::table::keys::{KeyRule, keys_of};
use super::table::words::{Categories, Flags, flag};
use super::table::{self, Group, Locks, Spec, absent};
use crate::keyspace::{Keyspace, StripeSet};
use crate::resp::Request;
use ahash::AHashMap;
use std::fmt;
use std::sync::OnceLock;

/// A command or subcommand as dispatch sees it.
#[derive(Debug)]
pub struct Command {
    /// Its row.
    pub spec: &'static Spec,
    /// Its number: where its statistics are.
    pub id: usize,
    /// `xadd`, or for a subcommand `xgroup|create`.
    pub full_name: String,
    /// Its family.
    pub group: Group,
    /// Its flags, with the derived ones.
    pub flags: Flags,
    /// Number of the command that it is a subcommand of.
    container: Option<usize>,
    /// It changes what a client listens to.
    pub subscribes: bool,
    /// Numbers of its subcommands.
    subcommands: Vec<usize>,
    /// Names before its first argument: 1, or 2 for a subcommand.
    pub names: usize,
    /// What it holds while it runs.
    pub hold: Hold,
    /// The fewest and the most arguments it runs with, all names counted. A container runs with its name alone, if at all.
    arguments: (usize, usize),
}

impl Command {
    /// True when all of `flags` are set.
    #[inline]
    pub fn is(&self, flags: Flags) -> bool {
        self.flags & flags == flags
    }

    /// The subcommand called `name`, in upper or lower case.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command> {
        self.subcommands
            .iter()
            .map(|&id| &commands()[id])
            .find(|sub| sub.spec.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The subcommands.
    pub fn subcommands(&self) -> impl Iterator<Item = &'static Command> {
        self.subcommands.iter().map(|&id| &commands()[id])
    }

    /// The command that it is a subcommand of.
    pub fn container(&self) -> Option<&'static Command> {
        self.container.map(|id| &commands()[id])
    }

    /// Its ACL categories.
    pub fn categories(&self) -> Categories {
        self.spec.categories(self.group)
    }

    /// True for a command that only its subcommands run.
    #[inline]
    pub fn is_container(&self) -> bool {
        !self.spec.subcommands.is_empty()
    }

    /// The stripes its keys lie in, for a command that holds the stripes of its keys.
    pub fn stripes(&self, keyspace: &Keyspace, request: Request<'_>) -> StripeSet {
        if self.hold == Hold::Script {
            return script::declared_stripes(keyspace, request);
        }
        // A call whose keys cannot be found should fail on its syntax before it touches any. Should it not, it must
        // not touch a stripe that it does not hold.
        let Ok(runs) = keys_of(self.spec.keys, &request) else {
            return StripeSet::All;
        };
        let mut set = StripeSet::none();
        for index in runs.iter().flat_map(|run| run.indexes()) {
            set.insert(keyspace.stripe_of(request.arg(index)));
        }
        set
    }
}

struct Registry {
    commands: Vec<Command>,
    by_name: AHashMap<&'static [u8], usize>,
}

static REGISTRY: OnceLock<Registry> = OnceLock::new();

/// The names that commands are called by, where some were given others (`rename-command`).
#[derive(Default)]
struct Names {
    by_name: AHashMap<Vec<u8>, usize>,
    /// By number: what it is called, empty for not at all.
    renamed: AHashMap<usize, String>,
}

static NAMES: OnceLock<Names> = OnceLock::new();

fn registry() -> &'static Registry {
    REGISTRY.get_or_init(|| {
        let mut registry = Registry {
            commands: Vec::new(),
            by_name: AHashMap::new(),
        };
        for spec in table::all() {
            let id = registry.add(spec, None);
            registry.by_name.insert(spec.name.as_bytes(), id);
        }
        registry
    })
}

impl Registry {
    fn add(&mut self, spec: &'static Spec, container: Option<usize>) -> usize {
        let id = self.commands.len();
        let container_spec = container.map(|id| self.commands[id].spec);
        self.commands.push(Command {
            spec,
            id,
            full_name: match container_spec {
                Some(container) => format!("{}|{}", container.name, spec.name),
                None => spec.name.to_owned(),
            },
            group: container_spec.unwrap_or(spec).group,
            flags: spec.all_flags(),
            subscribes: spec.name.ends_with("subscribe"),
            container,
            subcommands: Vec::new(),
            names: if container.is_some() { 2 } else { 1 },
            hold: hold(spec),
            arguments: match spec.handler {
                Some(_) if spec.subcommands.is_empty() => spec.arguments(),
                Some(_) => (1, 1),
                None => (usize::MAX, 0),
            },
        });
        let subcommands = spec
            .subcommands
            .iter()
            .map(|sub| self.add(sub, Some(id)))
            .collect();
        self.commands[id].subcommands = subcommands;
        id
    }
}

/// All commands and subcommands; a command's number is its index.
pub fn commands() -> &'static [Command] {
    &registry().commands
}

/// All commands that clients can call, without subcommands.
pub fn top_level() -> impl Iterator<Item = &'static Command> {
    callable().filter(|command| command.container.is_none())
}

/// All commands and subcommands that clients can call.
pub fn callable() -> impl Iterator<Item = &'static Command> {
    commands()
        .iter()
        .filter(|command| called(command) != Some(""))
}

/// The command `name`, or the subcommand `container|name`, in upper or lower case.
pub fn find(name: &[u8]) -> Option<&'static Command> {
    find_by(name, lookup)
}

/// The same by the names that clients call commands by.
pub fn find_called(name: &[u8]) -> Option<&'static Command> {
    find_by(name, lookup_called)
}

fn find_by(
    name: &[u8],
    lookup: impl Fn(&[u8]) -> Option<&'static Command>,
) -> Option<&'static Command> {
    match name.iter().position(|byte| *byte == b'|') {
        Some(bar) => lookup(&name[..bar])?.subcommand(&name[bar + 1..]),
        None => lookup(name),
    }
}

/// Why commands are not renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenameError {
    /// There is no command of this name.
    NoSuchCommand(String),
    /// There is one of this name, which another was to get.
    NameTaken(String),
}

impl fmt::Display for RenameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchCommand(old) => write!(f, "No such command in rename-command: '{old}'"),
            Self::NameTaken(new) => {
                write!(
                    f,
                    "Target command name already exists in rename-command: '{new}'"
                )
            }
        }
    }
}

/// Gives commands other names, one pair after the other; an empty one takes the command away. To be called once, before anything is executed.
pub fn rename(pairs: &[(String, String)]) -> Result<(), RenameError> {
    let own = registry().by_name.iter();
    let mut names = Names {
        by_name: own.map(|(name, id)| (name.to_vec(), *id)).collect(),
        ..Names::default()
    };
    for (old, given) in pairs {
        let new = given.to_ascii_lowercase();
        let Some(id) = names.by_name.remove(old.to_ascii_lowercase().as_bytes()) else {
            match absent::is_absent(old.as_bytes()) {
                true => continue,
                false => return Err(RenameError::NoSuchCommand(old.clone())),
            }
        };
        if !new.is_empty() && names.by_name.insert(new.clone().into(), id).is_some() {
            return Err(RenameError::NameTaken(given.clone()));
        }
        names.renamed.insert(id, new);
    }
    // Were it called again, what is being executed would not know.
    let _ = NAMES.set(names);
    Ok(())
}

/// True if any command has another name than its own.
pub fn has_renamed() -> bool {
    NAMES.get().is_some_and(|names| !names.renamed.is_empty())
}

/// What a command is called that was renamed.
pub fn called(command: &Command) -> Option<&'static str> {
    let id = command.container.unwrap_or(command.id);
    NAMES.get()?.renamed.get(&id).map(String::as_str)
}

/// The first word of calls of a renamed command, had it not been renamed.
pub fn own_name_if_renamed(command: &Command) -> Option<&'static str> {
    called(command)?;
    Some(
        command
            .container()
            .map_or(command.spec.name, |container| container.spec.name),
    )
}

/// The command that clients call by `name`, in upper or lower case.
pub fn lookup_called(name: &[u8]) -> Option<&'static Command> {
    match NAMES.get() {
        None => lookup(name),
        Some(names) => {
            let id = names.by_name.get(&name.to_ascii_lowercase())?;
            Some(&registry().commands[*id])
        }
    }
}

/// The longest name of a command.
const MAX_NAME_BYTES: usize = 32;

/// The command `name`, in upper or lower case.
pub fn lookup(name: &[u8]) -> Option<&'static Command> {
    let mut lower = [0; MAX_NAME_BYTES];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let registry = registry();
    registry
        .by_name
        .get(&*lower)
        .map(|&id| &registry.commands[id])
}

/// What a command holds while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// None: it touches no key.
    NoKey,
    /// The stripe of the key at this index.
    OneKey(u8),
    /// The stripes of its keys.
    Keys,
    /// Every stripe.
    All,
    /// The stripes of the keys that it declares, in the scripts' turn.
    Script,
    /// None at first: it locks for itself. Within a transaction, every stripe.
    Nothing,
}

fn hold(spec: &Spec) -> Hold {
    match (spec.locks, spec.key_rule) {
        (Locks::All, _) | (Locks::Keys, KeyRule::Unknown) => Hold::All,
        (Locks::Own, _) => Hold::Nothing,
        (Locks::Script, _) => Hold::Script,
        (Locks::None, _) | (Locks::Keys, KeyRule::None) => Hold::NoKey,
        (Locks::Keys, KeyRule::One(index)) => Hold::OneKey(index),
        (Locks::Keys, KeyRule::Search) => Hold::Keys,
    }
}

impl Command {
    /// Whether it runs with so many arguments, all names counted.
    #[inline]
    pub fn admits(&self, arguments: usize) -> bool {
        let (least, most) = self.arguments;
        least <= arguments && arguments <= most
    }

    /// True when the command can change data, by a script of its own too, or is otherwise held up by CLIENT PAUSE WRITE.
    pub fn writes(&self) -> bool {
        const MAY_WRITE: [&str; 5] = ["eval", "evalsha", "fcall", "publish", "spublish"];
        self.flags & flag::WRITE != 0 || MAY_WRITE.contains(&self.spec.name)
    }
}
