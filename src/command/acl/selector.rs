//! A selector: commands, and the keys and channels that they may be called with. A user has one of its own and may have more; a call is
//! allowed if any of them allows all of it.

use super::command_set::CommandSet;
use super::error::RuleError;
use crate::base::glob;
use crate::command::registry::Command;
use crate::command::table::Channels;
use crate::command::table::keys::{Argv, keys_of};
use crate::command::table::words::{KeyFlags, access, flag};

/// Why a call is denied; the greater of two is told, as it came closer to being allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// The command is not allowed.
    Command,
    /// The key at this index is not.
    Key(usize),
    /// The channel at this index is not.
    Channel(usize),
}

/// What may be done to the keys that a pattern matches.
const READ: u8 = 1;
const WRITE: u8 = 2;
const READ_WRITE: u8 = READ | WRITE;

/// A pattern of keys, and what may be done to them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyPattern {
    pattern: Box<[u8]>,
    allowed: u8,
}

/// See the module's description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    commands: CommandSet,
    keys: Vec<KeyPattern>,
    all_keys: bool,
    channels: Vec<Box<[u8]>>,
    all_channels: bool,
}

impl Selector {
    /// Nothing is allowed, but for the channels if so.
    pub fn new(all_channels: bool) -> Self {
        Selector {
            all_channels,
            ..Selector::default()
        }
    }

    /// Everything is allowed.
    pub fn of_everything() -> Self {
        let mut selector = Selector::new(true);
        selector.all_keys = true;
        selector.commands.set_all(true);
        selector
    }

    /// Reads `(rule rule ...)`.
    pub fn parse(text: &[u8], all_channels: bool) -> Result<Self, RuleError> {
        let inner = text
            .strip_prefix(b"(")
            .and_then(|text| text.strip_suffix(b")"));
        let mut selector = Selector::new(all_channels);
        let rules = inner.ok_or(RuleError::Syntax)?.split(|byte| *byte == b' ');
        for rule in rules.filter(|rule| !rule.is_empty()) {
            // Read from a file, it would end the selector.
            if rule.ends_with(b")") {
                return Err(RuleError::Syntax);
            }
            selector.apply(rule)?;
        }
        Ok(selector)
    }

    /// True when nothing is denied.
    pub fn allows_everything(&self) -> bool {
        self.commands.is_all() && self.all_keys && self.all_channels
    }

    /// Obeys a rule about commands, keys or channels.
    pub fn apply(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"allkeys" | b"~*" => {
                self.all_keys = true;
                self.keys.clear();
            }
            b"resetkeys" => {
                self.all_keys = false;
                self.keys.clear();
            }
            b"allchannels" | b"&*" => {
                self.all_channels = true;
                self.channels.clear();
            }
            b"resetchannels" => {
                self.all_channels = false;
                self.channels.clear();
            }
            b"allcommands" => self.commands.set_all(true),
            b"nocommands" => self.commands.set_all(false),
            _ => return self.apply_marked(rule),
        }
        Ok(())
    }

    /// Obeys a rule that its first byte tells the kind of.
    fn apply_marked(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        match rule.split_first() {
            Some((b'+', name)) => self.commands.apply(true, name),
            Some((b'-', name)) => self.commands.apply(false, name),
            Some((b'~', pattern)) => self.add_keys(READ_WRITE, pattern),
            Some((b'%', _)) if self.all_keys => Err(RuleError::KeysAllowedAlready),
            Some((b'%', rest)) => {
                let (allowed, pattern) = parse_permissions(rest)?;
                self.add_keys(allowed, pattern)
            }
            Some((b'&', pattern)) => self.add_channels(pattern),
            _ => Err(RuleError::Syntax),
        }
    }

    fn add_keys(&mut self, allowed: u8, pattern: &[u8]) -> Result<(), RuleError> {
        if self.all_keys {
            return Err(RuleError::KeysAllowedAlready);
        }
        if has_spaces(pattern) {
            return Err(RuleError::Syntax);
        }
        match self
            .keys
            .iter_mut()
            .find(|known| *known.pattern == *pattern)
        {
            Some(known) => known.allowed |= allowed,
            None => self.keys.push(KeyPattern {
                pattern: pattern.into(),
                allowed,
            }),
        }
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        if self.all_channels {
            return Err(RuleError::ChannelsAllowedAlready);
        }
        if has_spaces(pattern) {
            return Err(RuleError::Syntax);
        }
        if !self.channels.iter().any(|known| **known == *pattern) {
            self.channels.push(pattern.into());
        }
        Ok(())
    }

    /// Whether a call is allowed, or what is not.
    pub fn check(&self, command: &Command, argv: &(impl Argv + ?Sized)) -> Result<(), Denial> {
        if !self.allows_command(command, argv) {
            return Err(Denial::Command);
        }
        self.check_keys(command, argv)?;
        self.check_channels(command, argv)
    }

    fn allows_command(&self, command: &Command, argv: &(impl Argv + ?Sized)) -> bool {
        command.is(flag::NO_AUTH) || self.commands.allows(command, argv)
    }

    fn check_keys(&self, command: &Command, argv: &(impl Argv + ?Sized)) -> Result<(), Denial> {
        if self.all_keys || command.spec.keys.is_empty() {
            return Ok(());
        }
        // A call whose keys cannot be found fails on its syntax before it touches any.
        for run in keys_of(command.spec.keys, argv).unwrap_or_default() {
            let needed = needed_for(run.flags);
            let mut keys = run.indexes();
            if let Some(index) = keys.find(|index| !self.allows_key(argv.arg(*index), needed)) {
                return Err(Denial::Key(index));
            }
        }
        Ok(())
    }

    fn allows_key(&self, key: &[u8], needed: u8) -> bool {
        self.keys
            .iter()
            .any(|keys| keys.allowed & needed == needed && glob::matches(&keys.pattern, key))
    }

    fn check_channels(&self, command: &Command, argv: &(impl Argv + ?Sized)) -> Result<(), Denial> {
        let last = match command.spec.channels {
            Channels::None => return Ok(()),
            Channels::First => 1,
            Channels::All | Channels::Patterns => argv.len() - 1,
        };
        let are_patterns = command.spec.channels == Channels::Patterns;
        match (1..=last).find(|index| !self.allows_channel(argv.arg(*index), are_patterns)) {
            Some(index) => Err(Denial::Channel(index)),
            None => Ok(()),
        }
    }

    /// Whether a channel may be used. A pattern may only if it is allowed letter by letter, since what it matches may be more.
    pub fn allows_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        self.all_channels
            || self.channels.iter().any(|allowed| match is_pattern {
                true => **allowed == *name,
                false => glob::matches(allowed, name),
            })
    }

    /// Whether the call is allowed, and would be if it read any further key.
    pub fn reads_every_key(&self, command: &Command, argv: &(impl Argv + ?Sized)) -> bool {
        let reads_all = |keys: &KeyPattern| keys.allowed & READ != 0 && *keys.pattern == *b"*";
        (self.all_keys || self.keys.iter().any(reads_all)) && self.check(command, argv).is_ok()
    }

    /// Whether the call is allowed, and would be if it also wrote to `key`.
    pub fn writes_also(&self, command: &Command, argv: &(impl Argv + ?Sized), key: &[u8]) -> bool {
        (self.all_keys || self.allows_key(key, WRITE)) && self.check(command, argv).is_ok()
    }

    /// The rules about keys, as ACL GETUSER shows them.
    pub fn describe_keys(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let shown = self.keys.iter().map(|keys| {
            let mark: &[u8] = match keys.allowed {
                READ => b"%R~",
                WRITE => b"%W~",
                // `~*` would be read as all keys and admit no pattern beside it.
                _ if *keys.pattern == *b"*" => b"%RW~",
                _ => b"~",
            };
            [mark, &keys.pattern].concat()
        });
        shown.collect::<Vec<_>>().join(&b' ')
    }

    /// The rules about channels, as ACL GETUSER shows them.
    pub fn describe_channels(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        let shown = self
            .channels
            .iter()
            .map(|channel| [b"&", &**channel].concat());
        shown.collect::<Vec<_>>().join(&b' ')
    }

    /// The rules about commands, as ACL GETUSER shows them.
    pub fn describe_commands(&self) -> Vec<u8> {
        self.commands.describe()
    }

    /// All rules, as ACL LIST shows them. Rules read from this text make the same selector, whatever `acl-pubsub-default` is.
    pub fn describe(&self) -> Vec<u8> {
        let reset: &[u8] = if self.all_channels {
            b""
        } else {
            b"resetchannels"
        };
        let parts = [
            self.describe_keys(),
            reset.to_vec(),
            self.describe_channels(),
            self.describe_commands(),
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(&b' ')
    }
}

/// Reads what stands between `%` and the pattern: `R`, `W` or both, then `~`, which may lack where there is no pattern.
fn parse_permissions(rest: &[u8]) -> Result<(u8, &[u8]), RuleError> {
    let mut allowed = 0;
    let mut rest = rest;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let more = match byte.to_ascii_uppercase() {
            b'R' => READ,
            b'W' => WRITE,
            b'~' => break,
            _ => return Err(RuleError::Syntax),
        };
        if allowed & more != 0 {
            return Err(RuleError::Syntax);
        }
        allowed |= more;
    }
    match allowed {
        0 => Err(RuleError::Syntax),
        _ => Ok((allowed, rest)),
    }
}

/// What must be allowed of a key for a command that does this to it.
fn needed_for(flags: KeyFlags) -> u8 {
    let reads = flags & access::ACCESS != 0;
    let writes = flags & (access::INSERT | access::DELETE | access::UPDATE) != 0;
    (if reads { READ } else { 0 }) | (if writes { WRITE } else { 0 })
}

/// True for what could not be told from two words in a file.
pub fn has_spaces(text: &[u8]) -> bool {
    text.iter()
        .any(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b))
}
