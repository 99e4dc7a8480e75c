//! A user: a name, and the rights that rules gave it. Sessions hold their user, so a change of its rights holds for their next command.

use super::error::RuleError;
use super::selector::{Denial, Selector};
use crate::base::sha256::Sha256Digest;
use crate::command::registry::Command;
use crate::command::table::keys::Argv;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a user is, but for its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// It may log in.
    pub is_on: bool,
    /// Any password will do.
    pub nopass: bool,
    /// What RESTORE brings is to be looked at; kept and shown.
    sanitizes: bool,
    passwords: Vec<Sha256Digest>,
    own: Selector,
    selectors: Vec<Selector>,
}

impl Rights {
    /// Those of a new user: none, but for the channels if so.
    pub fn new(all_channels: bool) -> Self {
        Rights {
            is_on: false,
            nopass: false,
            sanitizes: true,
            passwords: Vec::new(),
            own: Selector::new(all_channels),
            selectors: Vec::new(),
        }
    }

    /// Those of the default user where nothing else is said: everything, without a password.
    pub fn of_everything() -> Self {
        Rights {
            is_on: true,
            nopass: true,
            own: Selector::of_everything(),
            ..Rights::new(true)
        }
    }

    /// Obeys a rule. `all_channels` is what `acl-pubsub-default` says.
    pub fn apply(&mut self, rule: &[u8], all_channels: bool) -> Result<(), RuleError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"" => {}
            b"on" => self.is_on = true,
            b"off" => self.is_on = false,
            b"nopass" => {
                self.nopass = true;
                self.passwords.clear();
            }
            b"resetpass" => {
                self.nopass = false;
                self.passwords.clear();
            }
            b"sanitize-payload" => self.sanitizes = true,
            b"skip-sanitize-payload" => self.sanitizes = false,
            b"clearselectors" => self.selectors.clear(),
            b"reset" => *self = Rights::new(all_channels),
            _ => return self.apply_marked(rule, all_channels),
        }
        Ok(())
    }

    fn apply_marked(&mut self, rule: &[u8], all_channels: bool) -> Result<(), RuleError> {
        match rule[0] {
            b'>' => self.add_password(Sha256Digest::of(&rule[1..])),
            b'#' => self.add_password(parse_digest(&rule[1..])?),
            b'<' => self.remove_password(Sha256Digest::of(&rule[1..]))?,
            b'!' => self.remove_password(parse_digest(&rule[1..])?)?,
            b'(' => self.selectors.push(Selector::parse(rule, all_channels)?),
            _ => self.own.apply(rule)?,
        }
        Ok(())
    }

    fn add_password(&mut self, digest: Sha256Digest) {
        self.nopass = false;
        if !self.passwords.contains(&digest) {
            self.passwords.push(digest);
        }
    }

    fn remove_password(&mut self, digest: Sha256Digest) -> Result<(), RuleError> {
        let known = self.passwords.iter().position(|known| *known == digest);
        self.passwords
            .remove(known.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    /// Makes this the only password; an empty one is none.
    pub fn set_password(&mut self, password: &[u8]) {
        self.passwords.clear();
        self.nopass = password.is_empty();
        if !self.nopass {
            self.add_password(Sha256Digest::of(password));
        }
    }

    /// Whether this password lets a client in. How long that takes tells nothing of the right ones.
    pub fn admits(&self, password: &[u8]) -> bool {
        let given = Sha256Digest::of(password);
        let equal = self.passwords.iter().fold(false, |equal, known| {
            equal | known.equals_in_constant_time(&given)
        });
        self.is_on && (self.nopass || equal)
    }

    /// Whoever connects may act as this user at once.
    pub fn is_open(&self) -> bool {
        self.is_on && self.nopass
    }

    fn selectors(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.own).chain(&self.selectors)
    }

    /// True when no call is ever denied.
    fn allow_everything(&self) -> bool {
        self.selectors().any(Selector::allows_everything)
    }

    /// Whether a call is allowed, or what is not.
    pub fn check(&self, command: &Command, argv: &(impl Argv + ?Sized)) -> Result<(), Denial> {
        let mut worst = Denial::Command;
        for selector in self.selectors() {
            match selector.check(command, argv) {
                Ok(()) => return Ok(()),
                Err(denial) => worst = worst.max(denial),
            }
        }
        Err(worst)
    }

    /// Whether what is subscribed to may go on being so.
    pub fn allow_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        self.selectors()
            .any(|selector| selector.allows_channel(name, is_pattern))
    }

    /// Whether a call may read any key: SORT's BY and GET name keys by what they find.
    pub fn read_every_key(&self, command: &Command, argv: &(impl Argv + ?Sized)) -> bool {
        self.selectors()
            .any(|selector| selector.reads_every_key(command, argv))
    }

    /// Whether a call may write to `key` as well, which it does not name as one of its keys.
    pub fn write_also(&self, command: &Command, argv: &(impl Argv + ?Sized), key: &[u8]) -> bool {
        self.selectors()
            .any(|selector| selector.writes_also(command, argv, key))
    }

    /// The flags that ACL GETUSER shows.
    pub fn flags(&self) -> Vec<&'static str> {
        let mut flags = vec![if self.is_on { "on" } else { "off" }];
        if self.nopass {
            flags.push("nopass");
        }
        flags.push(match self.sanitizes {
            true => "sanitize-payload",
            false => "skip-sanitize-payload",
        });
        flags
    }

    /// The digests of its passwords.
    pub fn passwords(&self) -> impl ExactSizeIterator<Item = String> {
        self.passwords.iter().map(Sha256Digest::to_string)
    }

    /// The selector that its rules outside parentheses made.
    pub fn own_selector(&self) -> &Selector {
        &self.own
    }

    /// The further selectors.
    pub fn further_selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// The rules that make these rights, as ACL LIST shows them.
    pub fn describe(&self) -> Vec<u8> {
        let mut parts: Vec<Vec<u8>> = self
            .flags()
            .iter()
            .map(|flag| flag.as_bytes().into())
            .collect();
        parts.extend(
            self.passwords()
                .map(|digest| format!("#{digest}").into_bytes()),
        );
        parts.push(self.own.describe());
        let selectors = self.selectors.iter();
        parts.extend(selectors.map(|selector| [b"(", &*selector.describe(), b")"].concat()));
        parts.join(&b' ')
    }
}

fn parse_digest(text: &[u8]) -> Result<Sha256Digest, RuleError> {
    Sha256Digest::parse(text).ok_or(RuleError::BadDigest)
}

/// See the module's description.
#[derive(Debug)]
pub struct User {
    /// Its name.
    pub name: Box<[u8]>,
    rights: ArcSwap<Rights>,
    /// What `rights` say of it, for a look at every command.
    unrestricted: AtomicBool,
}

impl User {
    /// A user with these rights.
    pub fn new(name: &[u8], rights: Rights) -> Arc<Self> {
        Arc::new(User {
            name: name.into(),
            unrestricted: AtomicBool::new(rights.allow_everything()),
            rights: ArcSwap::from_pointee(rights),
        })
    }

    /// True when nothing is denied to it.
    #[inline(always)]
    pub fn is_unrestricted(&self) -> bool {
        self.unrestricted.load(Ordering::Acquire)
    }

    /// Its rights.
    pub fn rights(&self) -> Arc<Rights> {
        self.rights.load_full()
    }

    /// Gives it other rights.
    pub fn set_rights(&self, rights: Rights) {
        // Who sees the flag sees rights that it is true of, or narrower ones.
        self.unrestricted.store(false, Ordering::Release);
        let unrestricted = rights.allow_everything();
        self.rights.store(Arc::new(rights));
        self.unrestricted.store(unrestricted, Ordering::Release);
    }

    /// Its name and the rules, in words.
    pub fn words(&self) -> Vec<Vec<u8>> {
        let rules = self.rights().describe();
        let rules = rules.split(|byte| *byte == b' ').map(<[u8]>::to_vec);
        std::iter::once(self.name.to_vec()).chain(rules).collect()
    }

    /// `user name rules`, as ACL LIST and files have it.
    pub fn describe(&self) -> Vec<u8> {
        [b"user ", &*self.name, b" ", &*self.rights().describe()].concat()
    }
}
