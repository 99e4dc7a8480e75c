//! How large a chunk may grow: the directive `list-max-listpack-size` as a rule.

use super::chunk::Chunk;

/// Where the limit is a number of elements, a chunk still holds no more bytes than this.
const SAFETY_BYTES: usize = 8192;
/// What an element may cost beside its text, as far as the limit is concerned.
const ENTRY_OVERHEAD_BYTES: usize = 8;
/// The sizes that -1 to -5 stand for.
const LEVELS_BYTES: [usize; 5] = [4096, 8192, 16384, 32768, 65536];

/// The most a chunk may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many bytes, counted as a listpack.
    Bytes(usize),
    /// So many elements.
    Entries(usize),
}

impl Default for Limit {
    fn default() -> Self {
        Self::from_directive(-2)
    }
}

impl Limit {
    /// Negative settings name a size, the others a number of elements.
    pub fn from_directive(setting: i32) -> Self {
        match setting {
            0.. => Limit::Entries(setting.max(1) as usize),
            _ => {
                let level = setting.unsigned_abs() as usize - 1;
                Limit::Bytes(LEVELS_BYTES[level.min(LEVELS_BYTES.len() - 1)])
            }
        }
    }

    /// Whether an element of so many bytes is to be a chunk of its own.
    pub(super) fn is_large(self, bytes: usize) -> bool {
        match self {
            Limit::Bytes(max) => bytes > max,
            Limit::Entries(_) => bytes > SAFETY_BYTES,
        }
    }

    pub(super) fn is_exceeded_by(self, bytes: usize, count: usize) -> bool {
        match self {
            Limit::Bytes(max) => bytes > max,
            Limit::Entries(max) => bytes > SAFETY_BYTES || count > max,
        }
    }

    /// Whether a chunk so filled would still be within half the limit.
    pub(super) fn is_half_empty(self, bytes: usize, count: usize) -> bool {
        match self {
            Limit::Bytes(max) => bytes <= max / 2,
            Limit::Entries(max) => count <= max / 2,
        }
    }

    /// Whether `chunk` may take one more element of `bytes`.
    pub(super) fn admits(self, chunk: &Chunk, bytes: usize) -> bool {
        match chunk {
            Chunk::Packed(packed) => {
                !self.is_large(bytes)
                    && !self.is_exceeded_by(
                        packed.listpack_bytes() + bytes + ENTRY_OVERHEAD_BYTES,
                        packed.count() + 1,
                    )
            }
            Chunk::Single(_) => false,
        }
    }

    /// Whether two neighbouring chunks may become one.
    pub(super) fn admits_merge(self, left: &Chunk, right: &Chunk) -> bool {
        match (left, right) {
            (Chunk::Packed(left), Chunk::Packed(right)) => !self.is_exceeded_by(
                left.listpack_bytes() + right.entries().len(),
                left.count() + right.count(),
            ),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_name_sizes_or_counts() {
        assert_eq!(Limit::from_directive(-1), Limit::Bytes(4096));
        assert_eq!(Limit::default(), Limit::Bytes(8192));
        assert_eq!(Limit::from_directive(-5), Limit::Bytes(65536));
        assert_eq!(Limit::from_directive(-99), Limit::Bytes(65536));
        assert_eq!(Limit::from_directive(i32::MIN), Limit::Bytes(65536));
        assert_eq!(Limit::from_directive(0), Limit::Entries(1));
        assert_eq!(Limit::from_directive(128), Limit::Entries(128));
    }
}
