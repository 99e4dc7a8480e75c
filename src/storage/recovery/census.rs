//! What a keyspace holds, counted.

use crate::data::Value;
use crate::keyspace::{Keyspace, Locked};
use std::collections::BTreeMap;
use std::fmt;

/// See the module's description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Keys by the name of their type.
    pub keys: BTreeMap<&'static str, u64>,
    /// Keys by their database.
    pub databases: BTreeMap<usize, u64>,
    /// Keys that expire.
    pub expiring: u64,
    /// Elements of lists.
    pub elements: u64,
    /// Members of sets.
    pub members: u64,
    /// Fields of hashes.
    pub fields: u64,
    /// Those of them that expire.
    pub expiring_fields: u64,
    /// Members of sorted sets.
    pub scored: u64,
    /// Entries of streams.
    pub entries: u64,
    /// Entries that wait for their time.
    pub scheduled: u64,
    /// Groups of streams.
    pub groups: u64,
    /// Their consumers.
    pub consumers: u64,
    /// Their pending entries.
    pub pending: u64,
    /// Those of them that are nobody's.
    pub unowned: u64,
}

impl Census {
    /// Counts, one stripe after the other.
    pub fn of(keyspace: &Keyspace) -> Self {
        let mut census = Census::default();
        let mut locked = Locked::new(keyspace);
        for stripe in 0..keyspace.stripes() {
            locked.acquire_one(stripe);
            for (db, table) in locked.stripe(stripe).dbs.iter().enumerate() {
                if !table.is_empty() {
                    *census.databases.entry(db).or_default() += table.len() as u64;
                }
                census.expiring += table.volatile_len() as u64;
                table.iter().for_each(|entry| census.count(&entry.value));
            }
        }
        census
    }

    /// Keys in all.
    pub fn total_keys(&self) -> u64 {
        self.keys.values().sum()
    }

    fn count(&mut self, value: &Value) {
        *self.keys.entry(value.type_name()).or_default() += 1;
        match value {
            Value::Str(_) => {}
            Value::List(list) => self.elements += list.len() as u64,
            Value::Set(set) => self.members += set.len() as u64,
            Value::Hash(hash) => {
                self.fields += hash.len() as u64;
                self.expiring_fields += hash.expiring_len() as u64;
            }
            Value::ZSet(zset) => self.scored += zset.len() as u64,
            Value::Stream(stream) => {
                self.entries += stream.log.len();
                self.scheduled += stream.schedule.len() as u64;
                for group in stream.groups.values() {
                    self.groups += 1;
                    self.consumers += group.consumers().len() as u64;
                    self.pending += group.pending_len() as u64;
                    self.unowned += group.unowned_len() as u64;
                }
            }
        }
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keys: {}", self.total_keys())?;
        for (db, keys) in &self.databases {
            write!(f, ", {keys} in database {db}")?;
        }
        writeln!(f, "; {} expire", self.expiring)?;
        for (type_name, keys) in &self.keys {
            writeln!(f, "  {type_name}: {keys}")?;
        }
        writeln!(f, "list elements: {}", self.elements)?;
        writeln!(f, "set members: {}", self.members)?;
        write!(f, "hash fields: {}", self.fields)?;
        match self.expiring_fields {
            0 => writeln!(f)?,
            expiring => writeln!(f, ", {expiring} of them expire")?,
        }
        writeln!(f, "sorted set members: {}", self.scored)?;
        write!(f, "stream entries: {}", self.entries)?;
        match self.scheduled {
            0 => writeln!(f)?,
            scheduled => writeln!(f, ", and {scheduled} scheduled")?,
        }
        write!(
            f,
            "groups: {}, consumers: {}, pending entries: {}",
            self.groups, self.consumers, self.pending
        )?;
        match self.unowned {
            0 => writeln!(f),
            unowned => writeln!(f, ", {unowned} of them no consumer's"),
        }
    }
}
