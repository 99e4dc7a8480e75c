//! How much room a small buffer is given that grows little by little, where there are many of them.
//!
//! An allocator has sizes of its own, four to each doubling (jemalloc's size classes), and rounds up to them. A buffer that asks for just those
//! wastes nothing and is copied seldom enough: it has an eighth to spare on average.

use std::ops::Range;

/// Up to here sizes are multiples of `STEP_BYTES`.
const FINE_BYTES: usize = 128;
const STEP_BYTES: usize = 16;

/// Makes room for `more` bytes behind those of `buffer`.
#[inline]
pub fn make_room(buffer: &mut Vec<u8>, more: usize) {
    let needed = buffer.len() + more;
    if buffer.capacity() < needed {
        buffer.reserve_exact(rounded_up(needed) - buffer.len());
    }
}

/// Makes the bytes of `range` in `buffer` exactly `len` long, moving what follows.
pub fn resize_gap(buffer: &mut Vec<u8>, range: Range<usize>, len: usize) {
    let end = buffer.len();
    let resized = end - range.len() + len;
    if resized > end {
        make_room(buffer, resized - end);
        buffer.resize(resized, 0);
    }
    buffer.copy_within(range.end..end, range.start + len);
    buffer.truncate(resized);
}

/// The least size an allocator has of so many bytes or more.
pub fn rounded_up(bytes: usize) -> usize {
    let step = match bytes {
        0..=FINE_BYTES => STEP_BYTES,
        _ => 1 << ((bytes - 1).ilog2() - 2),
    };
    bytes.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_allocator() {
        for (bytes, rounded) in [
            (1, 16),
            (17, 32),
            (128, 128),
            (129, 160),
            (256, 256),
            (257, 320),
            (800, 896),
            (897, 1024),
            (1024, 1024),
            (1025, 1280),
        ] {
            assert_eq!(rounded_up(bytes), rounded, "of {bytes}");
        }
        let mut buffer = vec![0; 100];
        make_room(&mut buffer, 30);
        assert_eq!(buffer.capacity(), 160);
        make_room(&mut buffer, 60);
        assert_eq!(buffer.capacity(), 160);
    }
}
