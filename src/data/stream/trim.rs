//! Dropping the oldest entries, by number or by id.

use std::collections::BTreeMap;

use super::Stream;
use super::id::Id;
use super::nodes::Node;

/// What is to remain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrimTo {
    /// At most this many entries, the newest.
    MaxLen(u64),
    /// The entries from this id on.
    MinId(Id),
}

/// What becomes of pending entries when their entry is to be removed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum References {
    /// They stay and point to nothing (`KEEPREF`).
    #[default]
    Keep,
    /// They go too (`DELREF`).
    Delete,
    /// The entry is removed only once every group has read and acknowledged it (`ACKED`).
    Acked,
}

/// How to trim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trim {
    /// What is to remain.
    pub to: TrimTo,
    /// Whether to stop where a whole node can no longer be dropped.
    pub approximate: bool,
    /// Remove no more entries than this; 0 is no limit. For approximate trims only.
    pub limit: u64,
    /// What becomes of pending entries.
    pub references: References,
}

/// What a trim removed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trimmed {
    /// How many entries.
    pub count: u64,
    /// Those of them that went from behind one that stayed, in order: with `References::Acked`. All others were the oldest.
    pub behind: Vec<Id>,
    /// What was pending of them: with `References::Delete`.
    pub acks: Acks,
}

impl Trimmed {
    /// What two trims by the same rule about references removed.
    pub fn and(mut self, other: Trimmed) -> Trimmed {
        self.count += other.count;
        self.behind.extend(other.behind);
        for (group, ids) in other.acks.0 {
            self.acks.0.entry(group).or_default().extend(ids);
        }
        self
    }

    /// One more entry was removed, from behind one that `stayed` or not.
    pub(super) fn add(&mut self, id: Id, stayed: bool) {
        self.count += 1;
        if stayed {
            self.behind.push(id);
        }
    }
}

/// Entries that groups had pending, and have no longer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Acks(BTreeMap<Box<[u8]>, Vec<Id>>);

impl Acks {
    /// `group` has these no longer.
    pub fn add(&mut self, group: &[u8], ids: impl IntoIterator<Item = Id>) {
        let mut ids = ids.into_iter().peekable();
        match self.0.get_mut(group) {
            Some(known) => known.extend(ids),
            None if ids.peek().is_some() => {
                self.0.insert(group.into(), ids.collect());
            }
            None => {}
        }
    }

    /// The groups with their entries.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[Id])> {
        self.0.iter().map(|(group, ids)| (&**group, &**ids))
    }
}

impl Stream {
    /// Trims and says what went.
    pub fn trim(&mut self, trim: &Trim) -> Trimmed {
        let trimmed = match trim.references {
            References::Keep => self.trim_nodes(trim),
            // As in Redis: whole nodes are dropped only where nobody asks about their entries.
            _ if trim.approximate => Trimmed::default(),
            References::Delete => self.trim_nodes(trim),
            References::Acked => self.trim_acked(trim.to),
        };
        if trimmed.count > 0 {
            self.log.update_first_id();
        }
        trimmed
    }

    fn trim_nodes(&mut self, trim: &Trim) -> Trimmed {
        let mut acks = Acks::default();
        let before = self.log.len;
        while let Some(node) = self.log.nodes.front() {
            let live = u64::from(node.live);
            if self.is_short_enough(trim.to)
                || (trim.limit != 0 && before - self.log.len + live > trim.limit)
            {
                break;
            }
            if !self.goes_whole(node, trim.to) {
                if !trim.approximate {
                    self.trim_in_front_node(trim, &mut acks);
                }
                break;
            }
            if trim.references == References::Delete {
                self.delete_references(node.first, node.last, &mut acks);
            }
            self.log.nodes.drop_front();
            self.log.len -= live;
        }
        match self.log.nodes.front().map(|node| node.first) {
            Some(first) => self.log.drop_blocks_below(first),
            None => self.log.drop_blocks(),
        }
        Trimmed {
            count: before - self.log.len,
            behind: Vec::new(),
            acks,
        }
    }

    fn is_short_enough(&self, to: TrimTo) -> bool {
        matches!(to, TrimTo::MaxLen(max_len) if self.log.len <= max_len)
    }

    /// Whether all entries of the oldest node are beyond what is to remain.
    fn goes_whole(&self, node: &Node, to: TrimTo) -> bool {
        match to {
            TrimTo::MaxLen(max_len) => self.log.len - u64::from(node.live) >= max_len,
            TrimTo::MinId(min_id) => node.last < min_id,
        }
    }

    /// Removes from the oldest node those entries that are beyond what is to remain, which is not all of them.
    fn trim_in_front_node(&mut self, trim: &Trim, acks: &mut Acks) {
        let node = self.log.nodes.front().expect("called with a node");
        let (first, last) = (node.first, node.last);
        let entries = self.log.range(first, last);
        let (cut, count) = match trim.to {
            TrimTo::MaxLen(max_len) => {
                let excess = self.log.len - max_len;
                let mut rest = entries.skip(excess as usize);
                (
                    rest.next().expect("more live entries than excess ones").id,
                    excess,
                )
            }
            TrimTo::MinId(min_id) => (
                min_id,
                entries.take_while(|entry| entry.id < min_id).count() as u64,
            ),
        };
        if count == 0 {
            return;
        }
        if trim.references == References::Delete {
            let last = cut.prev().expect("entries lie below");
            self.delete_references(first, last, acks);
        }
        self.log.nodes.delete_in_front(count);
        self.log.len -= count;
        self.log.drop_blocks_below(cut);
    }

    /// Removes what every group is done with, from the nodes that an exact trim would touch.
    fn trim_acked(&mut self, to: TrimTo) -> Trimmed {
        let (mut trimmed, mut stayed) = (Trimmed::default(), false);
        let read_by_all = self.read_by_all();
        let mut next = self.log.nodes.front().map(|node| node.first);
        while let Some(from) = next {
            let mut nodes = self.log.nodes.from(from);
            let Some(node) = nodes.next().filter(|_| !self.is_short_enough(to)) else {
                break;
            };
            let whole = self.goes_whole(node, to);
            let last = node.last;
            next = nodes.next().map(|node| node.first).filter(|_| whole);
            drop(nodes);
            let ids: Vec<Id> = self.log.range(from, last).map(|entry| entry.id).collect();
            for id in ids {
                let stop =
                    self.is_short_enough(to) || matches!(to, TrimTo::MinId(min_id) if id >= min_id);
                if stop {
                    return trimmed;
                }
                if id <= read_by_all && !self.is_pending(id) {
                    self.log.remove(id);
                    trimmed.add(id, stayed);
                } else {
                    stayed = true;
                }
            }
        }
        trimmed
    }
}
