//! All users by name. Sessions hold their user itself, so nobody looks here to run a command.
//!
//! Invariants: the default user is there for as long as the server runs, always the same one. Changes are made one at a time, under the
//! lock of the table, and are in force when the change returns. A user that is removed has no rights left, whoever still holds it.

use super::error::RuleError;
use super::file::{LineError, merge_selectors, parse_lines};
use super::log::AclLog;
use super::selector::has_spaces;
use super::user::{Rights, User};
use crate::base::sha256::Sha256Digest;
use crate::config::{AclPubsubDefault, Config, UsersFile};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The name of the user that every connection begins as.
pub const DEFAULT: &[u8] = b"default";

const TWO_PLACES: &str = "users are told of by lines of the configuration and by 'aclfile': they can be kept in one place only";

/// See the module's description.
#[derive(Debug)]
pub struct Users {
    by_name: RwLock<BTreeMap<Box<[u8]>, Arc<User>>>,
    default: Arc<User>,
    nobody: Arc<User>,
    /// Some user has ever been denied something.
    restricts: AtomicBool,
    /// Who was denied what.
    pub log: Mutex<AclLog>,
}

/// Why a user is not changed.
#[derive(Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// The name has spaces in it.
    Name,
    /// The parenthesis of this word is not closed.
    Unmatched(Vec<u8>),
    /// This rule cannot be obeyed.
    Rule(Vec<u8>, RuleError),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("its name has spaces in it"),
            Self::Unmatched(word) => {
                let word = String::from_utf8_lossy(word);
                write!(f, "the parenthesis of '{word}' is not closed")
            }
            Self::Rule(rule, error) => {
                write!(f, "'{}': {error}", String::from_utf8_lossy(rule))
            }
        }
    }
}

impl Default for Users {
    /// The default user alone, who may do everything.
    fn default() -> Self {
        let default = User::new(DEFAULT, Rights::of_everything());
        Users {
            by_name: RwLock::new(BTreeMap::from([(DEFAULT.into(), default.clone())])),
            default,
            nobody: User::new(DEFAULT, Rights::new(false)),
            restricts: AtomicBool::new(false),
            log: Mutex::default(),
        }
    }
}

impl Users {
    /// The user that every connection begins as.
    pub fn default_user(&self) -> &Arc<User> {
        &self.default
    }

    /// Whom a connection speaks for that has yet to say so, where that is not the default user: one without rights.
    pub fn nobody(&self) -> &Arc<User> {
        &self.nobody
    }

    /// False as long as nobody has ever been denied anything.
    pub fn restrict_anybody(&self) -> bool {
        self.restricts.load(Ordering::Acquire)
    }

    /// The user of that name.
    pub fn find(&self, name: &[u8]) -> Option<Arc<User>> {
        self.by_name.read().get(name).cloned()
    }

    /// All users in order of name.
    pub fn all(&self) -> Vec<Arc<User>> {
        self.by_name.read().values().cloned().collect()
    }

    /// The user of that name, if this password lets a client in.
    pub fn log_in(&self, name: &[u8], password: &[u8]) -> Option<Arc<User>> {
        let Some(user) = self.find(name) else {
            // How long it takes does not tell whether there is such a user.
            black_box(Sha256Digest::of(password));
            return None;
        };
        user.rights().admits(password).then_some(user)
    }

    /// Obeys rules for a user, who is made if need be: all of them, or none.
    pub fn change<'a>(
        &self,
        name: &[u8],
        rules: impl Iterator<Item = &'a [u8]>,
        all_channels: bool,
    ) -> Result<Arc<User>, ChangeError> {
        if has_spaces(name) {
            return Err(ChangeError::Name);
        }
        let rules = merge_selectors(rules).map_err(ChangeError::Unmatched)?;
        let mut by_name = self.by_name.write();
        let known = by_name.get(name);
        let mut rights = match known {
            Some(user) => Rights::clone(&user.rights()),
            None => Rights::new(all_channels),
        };
        for rule in rules {
            let applied = rights.apply(&rule, all_channels);
            applied.map_err(|error| ChangeError::Rule(rule, error))?;
        }
        Ok(self.put(&mut by_name, name, rights))
    }

    /// Gives these rights to the user of that name, who is made if need be.
    fn put(
        &self,
        by_name: &mut BTreeMap<Box<[u8]>, Arc<User>>,
        name: &[u8],
        rights: Rights,
    ) -> Arc<User> {
        let user = match by_name.get(name) {
            Some(user) => {
                user.set_rights(rights);
                user.clone()
            }
            None => {
                let user = User::new(name, rights);
                by_name.insert(name.into(), user.clone());
                user
            }
        };
        if !user.is_unrestricted() {
            self.restricts.store(true, Ordering::Release);
        }
        user
    }

    /// Makes this the only password of the default user; an empty one is none.
    pub fn set_default_password(&self, password: &[u8]) {
        let _one_change_at_a_time = self.by_name.write();
        let mut rights = Rights::clone(&self.default.rights());
        rights.set_password(password);
        self.default.set_rights(rights);
    }

    /// Obeys the configuration when the server starts: the password, and the users that its lines tell of. The error is a sentence.
    pub fn configure(&self, config: &Config) -> Result<(), String> {
        let all_channels = config.acl_pubsub_default == AclPubsubDefault::AllChannels;
        self.set_default_password(config.requirepass.as_bytes());
        let Some(file) = UsersFile::of(config) else {
            return self.configure_from_lines(config, all_channels);
        };
        if !config.users.is_empty() {
            return Err(TWO_PLACES.into());
        }
        let told = self.replace(&file.read()?, all_channels);
        told.map(drop)
            .map_err(|errors| errors.iter().map(|error| error.show(file.path())).collect())
    }

    fn configure_from_lines(&self, config: &Config, all_channels: bool) -> Result<(), String> {
        for words in &config.users {
            let (name, rules) = words.split_first().ok_or("a user without a name")?;
            let rules = rules.iter().map(Vec::as_slice);
            // A line tells all there is to tell, of the default user too.
            let rules = std::iter::once(&b"reset"[..]).chain(rules);
            let shown = String::from_utf8_lossy(name);
            let user = self
                .change(name, rules, all_channels)
                .map_err(|error| format!("user '{shown}': {error}"))?;
            if !user.rights().is_on {
                tracing::warn!("the user '{shown}' cannot log in: its line lacks 'on'");
            }
        }
        Ok(())
    }

    /// Removes a user; returns it if it was there.
    pub fn remove(&self, name: &[u8]) -> Option<Arc<User>> {
        let user = self.by_name.write().remove(name)?;
        self.retire(&user);
        Some(user)
    }

    fn retire(&self, user: &User) {
        user.set_rights(Rights::new(false));
        self.restricts.store(true, Ordering::Release);
    }

    /// Makes these all the users there are, but for the default user, who has all rights where the lines do not tell of it. Returns whom that
    /// changed, and whom it removed. On an error nothing is changed.
    pub fn replace(&self, text: &[u8], all_channels: bool) -> Result<Replaced, Vec<LineError>> {
        let mut told = parse_lines(text, all_channels)?;
        told.entry(DEFAULT.into())
            .or_insert_with(Rights::of_everything);
        let mut by_name = self.by_name.write();
        let mut replaced = Replaced::default();
        by_name.retain(|name, user| {
            let stays = told.contains_key(name);
            if !stays {
                self.retire(user);
                replaced.removed.push(user.clone());
            }
            stays
        });
        for (name, rights) in told {
            replaced.changed.push(self.put(&mut by_name, &name, rights));
        }
        Ok(replaced)
    }

    /// A line for each user, in order of name.
    pub fn describe(&self) -> Vec<Vec<u8>> {
        self.all().iter().map(|user| user.describe()).collect()
    }
}

/// Whom a file of users changed.
#[derive(Debug, Default)]
pub struct Replaced {
    /// Who may have other rights.
    pub changed: Vec<Arc<User>>,
    /// Who is gone.
    pub removed: Vec<Arc<User>>,
}
