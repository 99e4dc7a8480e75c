//! A pattern and a text, cut at the first line end: neither panics, nor takes a time that grows faster than their lengths together.

use millstream::base::glob;
use std::time::{Duration, Instant};

/// Longer inputs are cut.
const MOST_BYTES: usize = 4096;
/// What a match may take, on a machine that is busy.
const SOON: Duration = Duration::from_secs(2);

pub fn run(input: &[u8]) {
    let input = &input[..input.len().min(MOST_BYTES)];
    let end = input.iter().position(|byte| *byte == b'\n');
    let (pattern, text) = input.split_at(end.unwrap_or(input.len() / 2));
    let began = Instant::now();
    let matched = glob::matches(pattern, text);
    let matched_nocase = glob::matches_nocase(pattern, text);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let is_plain = |byte: &u8| !b"*?[]\\^-".contains(byte);
    if pattern.iter().all(is_plain) {
        assert_eq!(matched, pattern == text);
        assert_eq!(matched_nocase, pattern.eq_ignore_ascii_case(text));
    }
}
