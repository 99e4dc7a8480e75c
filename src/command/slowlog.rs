//! The slow log: the last commands that took longer than a threshold.

use std::collections::VecDeque;

/// Arguments kept of a command; of more, the last place says how many are left out.
const MAX_ARGUMENTS: usize = 32;
/// Bytes kept of an argument.
const MAX_ARGUMENT_BYTES: usize = 128;

/// One slow command.
#[derive(Clone, Debug)]
pub struct SlowCommand {
    /// Counts up from 0.
    pub id: u64,
    /// When it ran, Unix seconds.
    pub at_s: i64,
    /// How long it took.
    pub us: u64,
    /// Its arguments, shortened.
    pub args: Vec<Vec<u8>>,
    /// The client's address.
    pub addr: String,
    /// The client's name.
    pub name: String,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Slowlog {
    entries: VecDeque<SlowCommand>,
    next_id: u64,
}

impl Slowlog {
    /// Records a command, newest first, and forgets the oldest beyond `max_len`.
    pub fn record(&mut self, mut command: SlowCommand, max_len: usize) {
        command.id = self.next_id;
        self.next_id += 1;
        self.entries.push_front(command);
        self.entries.truncate(max_len);
    }

    /// Newest first.
    pub fn iter(&self) -> impl Iterator<Item = &SlowCommand> {
        self.entries.iter()
    }

    /// Number of commands kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when none is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

/// The arguments as the slow log keeps them.
pub fn shorten<'a>(args: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let total = args.len();
    let kept = if total > MAX_ARGUMENTS {
        MAX_ARGUMENTS - 1
    } else {
        total
    };
    let mut short: Vec<Vec<u8>> = args.take(kept).map(shorten_argument).collect();
    if kept < total {
        short.push(format!("... ({} more arguments)", total - kept).into_bytes());
    }
    short
}

fn shorten_argument(arg: &[u8]) -> Vec<u8> {
    if arg.len() <= MAX_ARGUMENT_BYTES {
        return arg.to_vec();
    }
    let mut short = arg[..MAX_ARGUMENT_BYTES].to_vec();
    short.extend_from_slice(
        format!("... ({} more bytes)", arg.len() - MAX_ARGUMENT_BYTES).as_bytes(),
    );
    short
}
