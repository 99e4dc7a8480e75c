//! LZF, the compression of strings in snapshots.
//!
//! ```text
//! literals   000lllll byte*            l + 1 bytes as they are
//! copy       lllooooo oooooooo         l + 2 bytes from o + 1 bytes back, l in 1..=6
//! long copy  111ooooo llllllll oooooooo  l + 9 bytes
//! ```
//! The offset's high bits stand in the first byte. A copy may reach into what it writes itself.

/// The longest stretch of literals.
const MAX_LITERALS: usize = 32;
/// The longest copy.
const MAX_COPY: usize = 264;
/// The shortest copy that is made: three bytes would save nothing among literals.
const MIN_COPY: usize = 4;
/// How far back a copy may reach.
const MAX_DISTANCE: usize = 8192;
/// A copy of three bytes gives at most this many: no text is compressed further.
const MAX_RATIO: usize = MAX_COPY / 3;
/// Bits of the hash of four bytes.
const HASH_BITS: u32 = 12;
/// After so many positions without a match in a row (as a power of two), every second position is tried only, then every third.
const PATIENCE_BITS: usize = 5;

/// How much is copied at once where there is room for more than is asked.
const WIDE: usize = 16;

/// The text of `len` bytes that `packed` stands for, written over `out`; `None` if it stands for none.
pub fn decompress(packed: &[u8], len: usize, out: &mut Vec<u8>) -> Option<()> {
    if len / MAX_RATIO > packed.len() {
        return None;
    }
    // Behind the text there is room for what wide copies write too much. What was there before need not be cleared.
    out.resize(len + MAX_COPY + WIDE, 0);
    let mut written = 0;
    let mut at = 0;
    while let Some(&control) = packed.get(at) {
        at += 1;
        let control = usize::from(control);
        if control < MAX_LITERALS {
            let count = control + 1;
            if written + count > len {
                return None;
            }
            copy_literals(&packed[at..], count, &mut out[written..])?;
            at += count;
            written += count;
            continue;
        }
        let mut count = (control >> 5) + 2;
        if count == 9 {
            count += usize::from(*packed.get(at)?);
            at += 1;
        }
        let distance = ((control & 0x1f) << 8 | usize::from(*packed.get(at)?)) + 1;
        at += 1;
        if distance > written || written + count > len {
            return None;
        }
        copy_back(&mut out[written - distance..], distance, count);
        written += count;
    }
    out.truncate(len);
    (written == len).then_some(())
}

/// Copies `count` literals, at most [`MAX_LITERALS`], to the beginning of `out`, which has room for so many.
#[inline(always)]
fn copy_literals(packed: &[u8], count: usize, out: &mut [u8]) -> Option<()> {
    match (packed.first_chunk::<MAX_LITERALS>(), out.first_chunk_mut()) {
        (Some(wide), Some(room)) => *room = *wide,
        _ => out[..count].copy_from_slice(packed.get(..count)?),
    }
    Some(())
}

/// Copies the first `count` bytes of `out` to `distance` behind them, over and over where that is less.
#[inline(always)]
fn copy_back(out: &mut [u8], distance: usize, count: usize) {
    match out.split_at_mut_checked(distance) {
        Some((from, to)) if distance >= WIDE && count <= WIDE => copy_wide(from, to),
        _ => copy_slowly(out, distance, count),
    }
}

#[inline(always)]
fn copy_wide(from: &[u8], to: &mut [u8]) {
    let wide: [u8; WIDE] = *from.first_chunk().expect("the distance is no less");
    *to.first_chunk_mut().expect("behind the text there is room") = wide;
}

#[inline(never)]
fn copy_slowly(out: &mut [u8], distance: usize, count: usize) {
    if distance < WIDE {
        for at in 0..count {
            out[distance + at] = out[at];
        }
        return;
    }
    for at in (0..count).step_by(WIDE) {
        let (from, to) = out[at..].split_at_mut(distance);
        copy_wide(from, to);
    }
}

/// Compresses texts one after another, keeping its table.
#[derive(Debug)]
pub struct Compressor {
    /// Where four bytes with this hash were last seen, counted from the beginning of all texts.
    seen: Box<[u32; 1 << HASH_BITS]>,
    /// Where the next text begins in that count: what is below belongs to earlier texts.
    base: u32,
    out: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self {
            seen: Box::new([0; 1 << HASH_BITS]),
            base: 1,
            out: Vec::new(),
        }
    }
}

impl Compressor {
    /// `text` compressed to at most `max_len` bytes; `None` if it cannot be.
    pub fn compress(&mut self, text: &[u8], max_len: usize) -> Option<&[u8]> {
        let texts_end = u32::try_from(text.len()).ok()?;
        self.base = match self.base.checked_add(texts_end) {
            Some(_) => self.base,
            None => {
                self.seen.fill(0);
                1
            }
        };
        let base = self.base;
        self.base = base.checked_add(texts_end)?;
        self.out.clear();
        self.out.reserve(max_len.min(text.len()));
        let (mut at, mut literals_at, mut misses) = (0, 0, 0);
        while let Some(four) = text[at..].first_chunk::<MIN_COPY>() {
            let slot = &mut self.seen[hash(*four)];
            let seen = slot.checked_sub(base).map(|seen| seen as usize);
            *slot = base + at as u32;
            let matching = seen.filter(|&seen| {
                at - seen <= MAX_DISTANCE && text[seen..].first_chunk() == Some(four)
            });
            let Some(seen) = matching else {
                misses += 1;
                at = (at + 1 + (misses >> PATIENCE_BITS)).min(text.len());
                continue;
            };
            misses = 0;
            let len = common_len(&text[seen..], &text[at..]);
            put_literals(&mut self.out, &text[literals_at..at]);
            put_copy(&mut self.out, at - seen, len);
            at += len;
            literals_at = at;
            if self.out.len() > max_len {
                return None;
            }
        }
        put_literals(&mut self.out, &text[literals_at..]);
        (self.out.len() <= max_len).then_some(&self.out)
    }
}

fn hash(four: [u8; MIN_COPY]) -> usize {
    (u32::from_le_bytes(four).wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

/// How many bytes both begin with, up to the longest copy.
fn common_len(earlier: &[u8], text: &[u8]) -> usize {
    let max = text.len().min(MAX_COPY);
    let mut len = 0;
    while len + 8 <= max && earlier[len..len + 8] == text[len..len + 8] {
        len += 8;
    }
    while len < max && earlier[len] == text[len] {
        len += 1;
    }
    len
}

fn put_literals(out: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(MAX_LITERALS) {
        out.push((run.len() - 1) as u8);
        out.extend_from_slice(run);
    }
}

fn put_copy(out: &mut Vec<u8>, distance: usize, len: usize) {
    let offset = distance - 1;
    let high = (offset >> 8) as u8;
    match len - 2 {
        short @ 1..7 => out.push((short as u8) << 5 | high),
        long => out.extend_from_slice(&[7 << 5 | high, (long - 7) as u8]),
    }
    out.push(offset as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_a_real_server_compressed() {
        // 40 times "a" as Redis dumps it.
        let packed = [0x01, b'a', b'a', 0xe0, 0x1d, 0x00];
        let mut out = Vec::new();
        decompress(&packed, 40, &mut out).unwrap();
        assert_eq!(out, [b'a'; 40]);
    }

    #[test]
    fn refuses_what_is_no_compressed_text() {
        let mut out = Vec::new();
        for (packed, len) in [
            (&[0x20, 0x00][..], 3),
            (&[0x05, b'a'], 6),
            (&[0xe0], 9),
            (&[0xe0, 0x00], 9),
            (&[0x00, b'a'], 2),
            (&[0x01, b'a', b'b'], 1),
            (&[0x00, b'a'], usize::MAX),
        ] {
            assert_eq!(decompress(packed, len, &mut out), None, "{packed:?}");
            assert!(out.capacity() < 1 << 20);
        }
    }

    #[test]
    fn a_long_run_takes_little() {
        let text = vec![7; 100_000];
        let mut compressor = Compressor::default();
        let packed = compressor.compress(&text, text.len()).unwrap().to_vec();
        assert!(packed.len() < text.len() / 60);
        let mut out = Vec::new();
        decompress(&packed, text.len(), &mut out).unwrap();
        assert_eq!(out, text);
    }

    proptest! {
        #[test]
        fn texts_come_back(texts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(0u8..4, 0..2000),
                prop::collection::vec(any::<u8>(), 0..2000),
                ("[a-z]{1,40}", 0usize..400).prop_map(|(word, times)| word.repeat(times).into_bytes()),
            ],
            1..4,
        )) {
            let mut compressor = Compressor::default();
            let mut out = Vec::new();
            for text in texts {
                if let Some(packed) = compressor.compress(&text, text.len() + text.len() / 16 + 16) {
                    let packed = packed.to_vec();
                    prop_assert!(decompress(&packed, text.len(), &mut out).is_some());
                    prop_assert_eq!(&out, &text);
                }
            }
        }

        #[test]
        fn nothing_panics(packed in prop::collection::vec(any::<u8>(), 0..200), len in 0usize..4000) {
            let _ = decompress(&packed, len, &mut Vec::new());
        }
    }
}
