//! The command table: one row per command, the one truth about its name, arity, flags, keys, categories and syntax.
//!
//! Dispatch, COMMAND, the ACL and redis-cli's hints all read it. A row is written as a chain that says only what cannot
//! be told from the rest:
//!
//! ```text
//! row("xlen", 2, xlen::run)
//!     .flags(READONLY | FAST)
//!     .keys(&[at(1, RO)])                      where the keys stand: keys.rs
//!     .since("5.0.0")
//!     .group(Group::Stream)
//!     .complexity("O(1)")
//!     .summary("How many entries a stream holds.")
//!     .syntax("key"),                          the arguments in a notation of ours: syntax.rs
//! ```
//!
//! Left to be derived: the ACL categories (from flags and group; `.acl` speaks up where a command differs from its
//! group), the flag `movablekeys` and the first, last and step of old clients (from the key specs), and a
//! subcommand's group (its container's). All rows are constants; nothing is built at the start.

pub mod absent;
pub mod describe;
pub mod keys;
mod rows;
pub mod syntax;
pub mod words;

/// The words that rows are written in.
mod prelude {
    pub use super::keys::{after, after_last, at, unknown};
    pub use super::words::access::{
        ACCESS, DELETE, INSERT, NOT_KEY, OW, RM, RO, RW, UPDATE, VARIABLE,
    };
    pub use super::words::acl;
    pub use super::words::flag::{
        ADMIN, ALLOW_BUSY, BLOCKING, DENYOOM, FAST, LOADING, NO_ASYNC_LOADING, NO_AUTH,
        NO_MANDATORY_KEYS, NO_MULTI, NOSCRIPT, PUBSUB, READONLY, SKIP_MONITOR, SKIP_SLOWLOG, STALE,
        WRITE,
    };
    pub use super::{Channels, Group, Locks, Spec, container, row};
    pub use crate::command::help;
}

use keys::{KeyRule, KeySpec};
use words::{Categories, Flags, acl, flag};

use super::Keys;
use crate::keyspace::StripeSet;
use crate::resp::Request;

pub use super::Handler;

/// Tells from the keys that a request names, whose stripes are held, which further stripes it needs.
pub type Reach = fn(&mut Keys<'_, '_>, Request<'_>) -> StripeSet;

/// Which stripes a command holds while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// Those of its keys.
    Keys,
    /// Every stripe: its keys cannot be known.
    All,
    /// It takes what it needs by itself.
    Own,
    /// Those of the keys that it declares, and what its commands need while it runs.
    Script,
    /// It touches no key, so whatever is held already may stay held.
    None,
}

/// Which arguments of a command name channels that it publishes or subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// None.
    None,
    /// The first.
    First,
    /// All.
    All,
    /// All, and they are patterns.
    Patterns,
}

/// One row: a command, or a subcommand within the row of its container.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// In lower case; of a subcommand, its own name alone.
    pub name: &'static str,
    /// Arguments with the name (and the subcommand's name) counted; negative: at least so many.
    pub arity: i8,
    /// What the command is, but for what is derived.
    pub flags: Flags,
    /// Where the keys stand.
    pub keys: &'static [KeySpec],
    /// The same as dispatch wants it.
    pub key_rule: KeyRule,
    /// Which of its arguments name channels.
    pub channels: Channels,
    /// Which stripes it holds.
    pub locks: Locks,
    /// Which stripes it holds beyond those of its keys, as the data tell.
    pub reach: Option<Reach>,
    /// What runs it; nothing, where only the subcommands run.
    pub handler: Option<Handler>,
    /// The rows of its subcommands, in order of name.
    pub subcommands: &'static [Spec],
    /// Hints for clients that spread calls over a cluster.
    pub tips: &'static [&'static str],
    /// The family; of a subcommand, the default.
    pub group: Group,
    /// What a reader wants to know.
    pub docs: Docs,
    /// The categories in place of the group's.
    acl: Option<Categories>,
}

/// What COMMAND DOCS tells beyond what the server itself needs. Empty means that there is nothing to say.
#[derive(Clone, Copy, Debug)]
pub struct Docs {
    /// One sentence.
    pub summary: &'static str,
    /// The version of Redis that had it first.
    pub since: &'static str,
    /// In terms of what it is given.
    pub complexity: &'static str,
    /// What changed, by version of Redis.
    pub history: &'static [(&'static str, &'static str)],
    /// Since which version of Redis it should no longer be used, and what in its place.
    pub deprecated: Option<(&'static str, &'static str)>,
    /// It is for the server's own use.
    pub is_internal: bool,
    /// The arguments, in the notation of `syntax.rs`.
    pub syntax: &'static str,
}

/// The families of commands, as COMMAND DOCS tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Keys whatever their type.
    Generic,
    /// Strings.
    String,
    /// Strings seen as bits.
    Bitmap,
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Hashes.
    Hash,
    /// Sorted sets.
    SortedSet,
    /// Streams.
    Stream,
    /// Publish and subscribe.
    PubSub,
    /// Transactions.
    Transactions,
    /// Scripts and functions.
    Scripting,
    /// Clusters.
    Cluster,
    /// The connection itself.
    Connection,
    /// The server.
    Server,
}

impl Group {
    /// The name that clients read.
    pub const fn text(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::Bitmap => "bitmap",
            Group::List => "list",
            Group::Set => "set",
            Group::Hash => "hash",
            Group::SortedSet => "sorted-set",
            Group::Stream => "stream",
            Group::PubSub => "pubsub",
            Group::Transactions => "transactions",
            Group::Scripting => "scripting",
            Group::Cluster => "cluster",
            Group::Connection => "connection",
            Group::Server => "server",
        }
    }

    /// The category that a command of this group has unless its row says otherwise.
    const fn category(self) -> Categories {
        match self {
            Group::Generic => acl::KEYSPACE,
            Group::String => acl::STRING,
            Group::Bitmap => acl::BITMAP,
            Group::List => acl::LIST,
            Group::Set => acl::SET,
            Group::Hash => acl::HASH,
            Group::SortedSet => acl::SORTEDSET,
            Group::Stream => acl::STREAM,
            Group::PubSub | Group::Server | Group::Cluster => 0,
            Group::Transactions => acl::TRANSACTION,
            Group::Scripting => acl::SCRIPTING,
            Group::Connection => acl::CONNECTION,
        }
    }
}

/// The row of a command that `handler` runs.
pub const fn row(name: &'static str, arity: i8, handler: Handler) -> Spec {
    Spec {
        handler: Some(handler),
        ..container(name, arity)
    }
    .complexity("")
}

/// The row of a command that only its subcommands run.
pub const fn container(name: &'static str, arity: i8) -> Spec {
    Spec {
        name,
        arity,
        flags: 0,
        keys: &[],
        key_rule: KeyRule::None,
        channels: Channels::None,
        locks: Locks::Keys,
        reach: None,
        handler: None,
        subcommands: &[],
        tips: &[],
        group: Group::Server,
        docs: Docs {
            summary: "",
            since: "",
            complexity: "That of the subcommand",
            history: &[],
            deprecated: None,
            is_internal: false,
            syntax: "",
        },
        acl: None,
    }
}

/// The chain that a row is written as.
impl Spec {
    /// What the command is.
    pub const fn flags(mut self, flags: Flags) -> Spec {
        self.flags = flags;
        self
    }

    /// Where its keys stand.
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Spec {
        assert!(keys.len() <= keys::SPECS_MAX);
        self.key_rule = KeyRule::of(keys);
        self.keys = keys;
        self
    }

    /// Which of its arguments name channels that it publishes or subscribes to.
    pub const fn channels(mut self, channels: Channels) -> Spec {
        self.channels = channels;
        self
    }

    /// Which stripes it holds, when not those of its keys.
    pub const fn locks(mut self, locks: Locks) -> Spec {
        self.locks = locks;
        self
    }

    /// Which stripes it holds beyond those of its keys.
    pub const fn reaches(mut self, reach: Reach) -> Spec {
        self.reach = Some(reach);
        self
    }

    /// Its categories, in place of its group's; those that its flags imply are always added.
    pub const fn acl(mut self, categories: Categories) -> Spec {
        self.acl = Some(categories);
        self
    }

    /// Hints for clients that spread calls over a cluster.
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Spec {
        self.tips = tips;
        self
    }

    /// The version of Redis that had it first.
    pub const fn since(mut self, version: &'static str) -> Spec {
        self.docs.since = version;
        self
    }

    /// Its family.
    pub const fn group(mut self, group: Group) -> Spec {
        self.group = group;
        self
    }

    /// Its cost, in terms of what it is given.
    pub const fn complexity(mut self, complexity: &'static str) -> Spec {
        self.docs.complexity = complexity;
        self
    }

    /// What it does, in a sentence.
    pub const fn summary(mut self, summary: &'static str) -> Spec {
        self.docs.summary = summary;
        self
    }

    /// What changed, by version of Redis.
    pub const fn history(mut self, history: &'static [(&'static str, &'static str)]) -> Spec {
        self.docs.history = history;
        self
    }

    /// It should no longer be used, since that version of Redis, and what in its place.
    pub const fn deprecated(mut self, since: &'static str, instead: &'static str) -> Spec {
        self.docs.deprecated = Some((since, instead));
        self
    }

    /// It is for the server's own use.
    pub const fn internal(mut self) -> Spec {
        self.docs.is_internal = true;
        self
    }

    /// Its arguments, in the notation of `syntax.rs`.
    pub const fn syntax(mut self, syntax: &'static str) -> Spec {
        self.docs.syntax = syntax;
        self
    }

    /// The rows of its subcommands.
    pub const fn subcommands(mut self, subcommands: &'static [Spec]) -> Spec {
        self.subcommands = subcommands;
        self
    }
}

impl Spec {
    /// Whether a call of so many arguments, all names counted, has enough of them and not too many.
    pub const fn admits(&self, arguments: usize) -> bool {
        let (least, most) = self.arguments();
        least <= arguments && arguments <= most
    }

    /// The fewest and the most arguments of a call, all names counted.
    pub const fn arguments(&self) -> (usize, usize) {
        let least = self.arity.unsigned_abs() as usize;
        (least, if self.arity < 0 { usize::MAX } else { least })
    }

    /// All flags, with the derived one.
    pub fn all_flags(&self) -> Flags {
        let is_movable = !self.keys.iter().all(KeySpec::is_plain);
        self.flags | if is_movable { flag::MOVABLEKEYS } else { 0 }
    }

    /// Its categories, as a member of `group`. A container without a handler has no category of its group: those are
    /// for its subcommands.
    pub fn categories(&self, group: Group) -> Categories {
        let own = match self.acl {
            Some(categories) => categories,
            None if self.handler.is_none() => 0,
            None => group.category(),
        };
        // What runs scripts reads nothing by itself.
        let reads = if own & acl::SCRIPTING == 0 {
            acl::READ
        } else {
            0
        };
        let implied = [
            (flag::WRITE, acl::WRITE),
            (flag::READONLY, reads),
            (flag::ADMIN, acl::ADMIN | acl::DANGEROUS),
            (flag::PUBSUB, acl::PUBSUB),
            (flag::BLOCKING, acl::BLOCKING),
            (flag::FAST, acl::FAST),
        ];
        let pace = if self.flags & flag::FAST == 0 {
            acl::SLOW
        } else {
            0
        };
        implied
            .iter()
            .filter(|(flag, _)| self.flags & flag != 0)
            .fold(own | pace, |all, (_, category)| all | category)
    }

    /// The row of a subcommand, named in any case.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Spec> {
        self.subcommands
            .iter()
            .find(|spec| spec.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// The rows of all commands.
pub fn all() -> impl Iterator<Item = &'static Spec> {
    rows::FAMILIES.iter().flat_map(|family| family.iter())
}

#[cfg(test)]
mod tests {
    use super::syntax::{Argument, Kind};
    use super::*;
    use crate::command::ctx::DONE;
    use std::collections::BTreeSet;

    fn all_with_subcommands() -> impl Iterator<Item = &'static Spec> {
        all().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands))
    }

    #[test]
    fn names_are_in_lower_case_and_unique() {
        let mut seen = BTreeSet::new();
        for spec in all() {
            assert!(seen.insert(spec.name), "{} twice", spec.name);
            let subcommands: BTreeSet<_> = spec.subcommands.iter().map(|spec| spec.name).collect();
            assert_eq!(subcommands.len(), spec.subcommands.len(), "{}", spec.name);
        }
        assert!(all_with_subcommands().all(|spec| spec.name.to_ascii_lowercase() == spec.name));
    }

    #[test]
    fn every_row_is_documented() {
        for spec in all_with_subcommands() {
            let docs = &spec.docs;
            assert!(
                !docs.summary.is_empty() && !docs.since.is_empty(),
                "{}",
                spec.name
            );
            assert!(
                spec.handler.is_some() || !spec.subcommands.is_empty(),
                "{}",
                spec.name
            );
        }
    }

    /// The fewest arguments that `argument` stands for, and whether more are possible.
    fn extent(argument: &Argument) -> (usize, bool) {
        let token = usize::from(argument.token.is_some());
        let (least, open) = match &argument.kind {
            Kind::Value(_) => (token + 1, false),
            Kind::PureToken => (1, false),
            Kind::Block(parts) => sum(parts, token),
            Kind::OneOf(parts) => {
                let extents = || parts.iter().map(extent);
                let least = extents().map(|(least, _)| least).min().unwrap_or_default();
                (
                    token + least,
                    extents().any(|(part, open)| open || part != least),
                )
            }
        };
        let least = if argument.is_optional { 0 } else { least };
        (least, open || argument.is_optional || argument.is_multiple)
    }

    fn sum(arguments: &[Argument], token: usize) -> (usize, bool) {
        let add = |(all, any): (usize, bool), (least, open)| (all + least, any || open);
        arguments.iter().map(extent).fold((token, false), add)
    }

    /// Rows whose syntax says less (QUIT, DEBUG) or allows less (CLIENT KILL without a filter) than the arity.
    const ODD: [&str; 3] = ["quit", "debug", "kill"];

    #[test]
    fn the_syntax_of_every_row_agrees_with_its_arity_and_keys() {
        let commands = all().map(|spec| (spec, 1));
        let subcommands = all()
            .flat_map(|spec| spec.subcommands)
            .map(|spec| (spec, 2));
        for (spec, names) in commands.chain(subcommands) {
            let arguments = syntax::parse(spec.docs.syntax).expect(spec.name);
            check_key_specs(spec, &arguments);
            if spec.subcommands.is_empty() && !ODD.contains(&spec.name) {
                let arity = (spec.arity.unsigned_abs().into(), spec.arity < 0);
                assert_eq!(sum(&arguments, names), arity, "{}", spec.name);
            }
        }
    }

    fn check_key_specs(spec: &Spec, arguments: &[Argument]) {
        for argument in arguments {
            assert!(
                argument
                    .key_spec
                    .is_none_or(|index| usize::from(index) < spec.keys.len()),
                "{}",
                spec.name
            );
            check_key_specs(spec, argument.kind.parts());
        }
    }

    #[test]
    fn a_group_called_like_a_keyword_is_not_taken_for_it() {
        let row = all().find(|spec| spec.name == "xreadgroup");
        let specs = row.expect("XREADGROUP has a row").keys;
        let argv = "XREADGROUP COUNT 1 GROUP STREAMS STREAMS STREAMS s >";
        let argv: Vec<&str> = argv.split(' ').collect();
        let runs = keys::keys_of(specs, argv.as_slice()).expect("it is well formed");
        assert_eq!((runs[0].first, runs[0].last, runs.len()), (7, 7, 1));
    }

    #[test]
    fn categories_come_from_group_and_flags_unless_the_row_says_otherwise() {
        let plain = row("x", 2, |_, _| DONE)
            .group(Group::List)
            .flags(flag::WRITE | flag::FAST);
        assert_eq!(
            plain.categories(Group::List),
            acl::LIST | acl::WRITE | acl::FAST
        );
        let own = plain.flags(flag::ADMIN).acl(acl::KEYSPACE);
        assert_eq!(
            own.categories(Group::List),
            acl::KEYSPACE | acl::ADMIN | acl::DANGEROUS | acl::SLOW
        );
        assert_eq!(
            container("x", -2)
                .group(Group::List)
                .categories(Group::List),
            acl::SLOW
        );
    }

    #[test]
    fn arity_bounds_the_arguments() {
        assert!(
            container("x", -2).admits(2)
                && container("x", -2).admits(9)
                && !container("x", -2).admits(1)
        );
        assert!(container("x", 2).admits(2) && !container("x", 2).admits(3));
    }
}
