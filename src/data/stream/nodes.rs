//! Where Redis would cut this stream into nodes.
//!
//! Redis stores a stream as listpack nodes, and its clients see them: `MAXLEN ~` drops whole nodes, `LIMIT` counts in
//! them, XINFO STREAM tells their number. Our own blocks are laid out for memory and speed, so this ledger keeps the
//! node borders that Redis would have made: it adds up the bytes a listpack would take (an element is encoded as an
//! integer when its text is one, and closes with its own length), and starts a node where the configured limits say.
//!
//! It holds no entry; 48 bytes of it stand for up to a hundred.

use super::Field;
use super::id::Id;
use crate::base::num;
use crate::data::chunked::Chunked;

/// How large a node may grow (`stream-node-max-entries`, `stream-node-max-bytes`). 0 is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeLimits {
    /// Entries in a node, deleted ones included.
    pub max_entries: u64,
    /// Bytes of a node's listpack.
    pub max_bytes: u64,
}

impl Default for NodeLimits {
    fn default() -> Self {
        NodeLimits {
            max_entries: 100,
            max_bytes: 4096,
        }
    }
}

/// No node's listpack grows beyond this, whatever the limits say.
const MAX_NODE_BYTES: u64 = 1 << 30;
/// What a listpack takes before its first element and after its last.
const LISTPACK_FRAME_BYTES: usize = 7;

/// Nodes in a full chunk of the ledger.
const CHUNK_NODES: usize = 512;

/// A run of entries that Redis would keep in one listpack.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The id of the entry that opened it, deleted or not.
    pub first: Id,
    /// The id of its newest entry, deleted or not.
    pub last: Id,
    /// Entries in it that are not deleted. 0 only after a trim inside it, as in Redis.
    pub live: u32,
    /// Entries in it, deleted ones included.
    total: u32,
    /// Bytes of its listpack without its two counters. Nodes stay below 2^30, but for a single entry.
    bytes: u32,
}

impl Node {
    /// Whether an entry of `payload_bytes` must go to a new node.
    #[inline]
    pub fn is_full_for(&self, payload_bytes: usize, limits: NodeLimits) -> bool {
        let max_bytes = match limits.max_bytes {
            0 => MAX_NODE_BYTES,
            bytes => bytes.min(MAX_NODE_BYTES),
        };
        let counters =
            integer_size(i64::from(self.live)) + integer_size(i64::from(self.total - self.live));
        (self.bytes as usize + counters + payload_bytes) as u64 >= max_bytes
            || (limits.max_entries != 0 && u64::from(self.total) >= limits.max_entries)
    }

    /// Adds the entry `id`, with names of its own or those that the node shares.
    #[inline]
    pub fn extend(&mut self, id: Id, fields: &[Field<'_>], values_bytes: usize, own_names: bool) {
        let mut bytes = entry_size(id, self.first, fields.len()) + values_bytes;
        if own_names {
            bytes += own_names_size(fields);
        }
        self.bytes = self
            .bytes
            .saturating_add(bytes.try_into().unwrap_or(u32::MAX));
        self.last = id;
        self.live += 1;
        self.total += 1;
    }
}

/// All nodes in id order.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    nodes: Chunked<Node, CHUNK_NODES>,
}

impl Nodes {
    /// A copy that later writes do not change.
    pub fn freeze(&mut self) -> Nodes {
        Nodes {
            nodes: self.nodes.freeze(),
        }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn front(&self) -> Option<&Node> {
        self.nodes.front()
    }

    /// The nodes that begin at `id` or later.
    pub fn from(&self, id: Id) -> impl Iterator<Item = &Node> {
        let start = self.nodes.partition_point(|node| node.first < id);
        self.nodes.iter_from(start)
    }

    /// The newest node, to add an entry to.
    #[inline]
    pub fn newest(&mut self) -> Option<&mut Node> {
        self.nodes.back_mut()
    }

    /// Opens a node with the entry `id`, whose values take `values_bytes`.
    pub fn open(&mut self, id: Id, fields: &[Field<'_>], values_bytes: usize) {
        let master = names_size(fields) + integer_size(0);
        let entry = entry_size(id, id, fields.len()) + values_bytes;
        let bytes = LISTPACK_FRAME_BYTES + master + entry;
        self.nodes.push_back(Node {
            first: id,
            last: id,
            live: 1,
            total: 1,
            bytes: bytes.try_into().unwrap_or(u32::MAX),
        });
    }

    /// Adds a node with its first and last id and its counts of entries, all and live ones, whose listpack takes
    /// `listpack_bytes`.
    pub fn push(&mut self, ids: [Id; 2], live: u32, total: u32, listpack_bytes: u32) {
        let [first, last] = ids;
        self.end_before(first);
        let deleted = total.saturating_sub(live);
        let counters = integer_size(live.into()) + integer_size(deleted.into());
        self.nodes.push_back(Node {
            first,
            last,
            live,
            total,
            bytes: listpack_bytes.saturating_sub(counters as u32),
        });
    }

    /// A node that begins at `first` follows. Deleted entries at the end of the newest may have been beyond that.
    fn end_before(&mut self, first: Id) {
        if let (Some(newest), Some(end)) = (self.nodes.back_mut(), first.prev()) {
            newest.last = newest.last.min(end);
        }
    }

    /// Adds nodes that follow.
    pub fn append(&mut self, mut next: Nodes) {
        if let Some(node) = next.front() {
            self.end_before(node.first);
        }
        while let Some(node) = next.nodes.pop_front() {
            self.nodes.push_back(node);
        }
    }

    /// The id that opened the newest node.
    pub fn back_first(&self) -> Option<Id> {
        self.nodes.back().map(|node| node.first)
    }

    /// The nodes in id order.
    pub fn iter(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// Forgets deleted entries behind `id`, which no live entry follows.
    pub fn forget_behind(&mut self, id: Id) {
        if self.nodes.back().is_some_and(|node| id < node.first) {
            self.nodes.pop_back();
        }
        if let Some(node) = self.nodes.back_mut() {
            node.last = node.last.min(id);
        }
    }

    /// Takes note that one live entry is deleted. A node without live entries goes; says whether it was the newest.
    pub fn delete(&mut self, id: Id) -> bool {
        let behind = self.nodes.partition_point(|node| node.first <= id);
        let place = self.nodes.before(behind).expect("entries stand in nodes");
        let node = &mut self.nodes[place];
        node.live -= 1;
        if node.live > 0 {
            return false;
        }
        let newest = behind == self.nodes.end();
        self.nodes.remove(place);
        newest
    }

    /// Drops the oldest node.
    pub fn drop_front(&mut self) {
        self.nodes.pop_front();
    }

    /// Takes note that `count` live entries of the oldest node are deleted. Unlike by `delete`, it stays.
    pub fn delete_in_front(&mut self, count: u64) {
        let node = self
            .nodes
            .front_mut()
            .expect("deleted entries stand in a node");
        node.live = u32::try_from(count)
            .ok()
            .and_then(|count| node.live.checked_sub(count))
            .expect("no more than live");
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.nodes.heap_bytes()
    }

    /// The nodes of the radix tree in which Redis keeps its stream nodes under their 16-byte first ids.
    ///
    /// Every key ends in a leaf, every branching byte is a tree node, and every unbranched stretch of bytes is one more.
    pub fn radix_tree_nodes(&self) -> usize {
        let mut keys = self.nodes.iter().map(|node| node.first.to_be_bytes());
        let Some(mut previous) = keys.next() else {
            return 1;
        };
        // Depths at which the path to the newest key branches, shallowest first.
        let mut branches: Vec<usize> = Vec::new();
        let mut count = 1;
        // Bytes that all keys share.
        let mut shared = KEY_BYTES;
        for key in keys {
            let common = previous
                .iter()
                .zip(&key)
                .take_while(|(a, b)| a == b)
                .count();
            let mut below = KEY_BYTES;
            while branches.last().is_some_and(|&depth| depth > common) {
                let depth = branches.pop().expect("just seen");
                count += stretch_below(depth, below);
                below = depth;
            }
            count += stretch_below(common, below);
            if branches.last() != Some(&common) {
                branches.push(common);
                count += 1;
            }
            shared = shared.min(common);
            count += 1;
            previous = key;
        }
        let mut below = KEY_BYTES;
        while let Some(depth) = branches.pop() {
            count += stretch_below(depth, below);
            below = depth;
        }
        count + usize::from(shared > 0)
    }
}

/// Bytes of a key in that tree.
const KEY_BYTES: usize = 16;

/// 1 if unbranched bytes lie between a branch at `depth` (whose edge takes one byte) and the next node at `below`.
fn stretch_below(depth: usize, below: usize) -> usize {
    usize::from(below > depth + 1)
}

/// Bytes of an entry that shares its names, without its values: flags, two id deltas, the count of its elements.
#[inline]
fn entry_size(id: Id, first: Id, fields: usize) -> usize {
    let ms = id.ms.wrapping_sub(first.ms) as i64;
    let seq = id.seq.wrapping_sub(first.seq) as i64;
    integer_size(0) + integer_size(ms) + integer_size(seq) + integer_size(fields as i64 + 3)
}

/// Bytes that an entry takes in addition for names of its own: they are counted, stored, and count as elements.
fn own_names_size(fields: &[Field<'_>]) -> usize {
    let count = fields.len() as i64;
    names_size(fields) + integer_size(2 * count + 4) - integer_size(count + 3)
}

/// Bytes of the names and their number.
fn names_size(fields: &[Field<'_>]) -> usize {
    let names: usize = fields.iter().map(|(name, _)| element_size(name)).sum();
    integer_size(fields.len() as i64) + names
}

/// Bytes of a listpack element holding `text`.
#[inline]
pub(super) fn element_size(text: &[u8]) -> usize {
    let may_be_integer =
        text.len() <= num::MAX_I64_DIGITS && text.first().is_some_and(|&byte| byte <= b'9');
    if may_be_integer && let Some(number) = num::parse_i64(text) {
        return integer_size(number);
    }
    let encoded = match text.len() {
        len @ 0..64 => 1 + len,
        len @ 64..4096 => 2 + len,
        len => 5 + len,
    };
    encoded + closing_size(encoded)
}

/// Bytes of a listpack element holding `number`.
#[inline]
fn integer_size(number: i64) -> usize {
    const I24: std::ops::Range<i64> = -(1 << 23)..1 << 23;
    const I32: std::ops::RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;
    1 + match number {
        0..128 => 1,
        -4096..4096 => 2,
        -32_768..32_768 => 3,
        _ if I24.contains(&number) => 4,
        _ if I32.contains(&number) => 5,
        _ => 9,
    }
}

/// Bytes of the length that closes an element of `encoded` bytes.
#[inline]
fn closing_size(encoded: usize) -> usize {
    match encoded {
        0..128 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}
