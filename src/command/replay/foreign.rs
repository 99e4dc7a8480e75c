//! Commands that this server does not have: which keys they write, so that what cannot be known is left out, and nothing else.
//!
//! Most name their one key first; so a command that is in no list here is taken to do.

use crate::base::num::parse_i64;
use crate::resp::Request;
use std::ops::Range;

/// Where a command names the keys that it writes.
#[derive(Clone, Copy)]
enum Written {
    /// Nowhere: it writes none.
    Nowhere,
    /// At this index.
    At(usize),
    /// At the first two.
    FirstTwo,
    /// At the first and every third after it.
    EveryThird,
    /// After a number of them, at the second.
    Counted,
    /// After the last STORE or STOREDIST from an index on.
    Stored(usize),
}

const WRITTEN: &[(&str, Written)] = &[
    ("EVAL", Written::Counted),
    ("EVALSHA", Written::Counted),
    ("FCALL", Written::Counted),
    ("FUNCTION", Written::Nowhere),
    ("GEORADIUS", Written::Stored(6)),
    ("GEORADIUSBYMEMBER", Written::Stored(5)),
    ("JSON.MSET", Written::EveryThird),
    // It refreshes what the value remembers of its count.
    ("PFCOUNT", Written::Nowhere),
    ("SCRIPT", Written::Nowhere),
    ("TS.CREATERULE", Written::FirstTwo),
    ("TS.MADD", Written::EveryThird),
];

/// The keys that a command of another server writes.
pub(super) fn written<'a>(request: &Request<'a>) -> Vec<&'a [u8]> {
    let name = request.arg(0);
    let is_it = |(known, _): &&(&str, Written)| name.eq_ignore_ascii_case(known.as_bytes());
    let place = match WRITTEN.iter().find(is_it) {
        Some((_, place)) => *place,
        // Indexes of a search engine are no keys.
        None if name
            .get(..3)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"FT.")) =>
        {
            Written::Nowhere
        }
        None => Written::At(1),
    };
    let keys = |indexes: Range<usize>, step| {
        let within = indexes.start..indexes.end.min(request.len());
        within
            .step_by(step)
            .map(|index| request.arg(index))
            .collect()
    };
    match place {
        Written::Nowhere => Vec::new(),
        Written::At(index) => keys(index..index + 1, 1),
        Written::FirstTwo => keys(1..3, 1),
        Written::EveryThird => keys(1..usize::MAX, 3),
        Written::Counted => keys(3..3 + count(request), 1),
        Written::Stored(from) => stored(request, from).into_iter().collect(),
    }
}

fn count(request: &Request<'_>) -> usize {
    let count = (request.len() > 2)
        .then(|| parse_i64(request.arg(2)))
        .flatten();
    count.map_or(0, |count| count.clamp(0, request.len() as i64) as usize)
}

fn stored<'a>(request: &Request<'a>, from: usize) -> Option<&'a [u8]> {
    let is = |index: usize, word: &str| request.arg(index).eq_ignore_ascii_case(word.as_bytes());
    let (mut index, mut key) = (from, None);
    while index + 1 < request.len() {
        if is(index, "STORE") || is(index, "STOREDIST") {
            key = Some(request.arg(index + 1));
            index += 1;
        }
        index += 1;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::OwnedRequest;

    #[test]
    fn keys_are_where_each_command_has_them() {
        for (words, keys) in [
            ("HSET h f v", "h"),
            ("GEORADIUS g 1 2 3 km STOREDIST d", "d"),
            ("GEORADIUSBYMEMBER g m 3 km STORE d", "d"),
            ("EVAL script 2 a b c", "a b"),
            ("EVAL script 9 a", "a"),
            ("EVAL script -9 a", ""),
            ("JSON.MSET a $ 1 b $ 2", "a b"),
            ("FUNCTION LOAD code", ""),
            ("FT.CREATE index", ""),
            ("NEW.COMMAND", ""),
        ] {
            let request = OwnedRequest::from_args(words.split(' ').map(str::as_bytes));
            let written = written(&request.as_request());
            assert_eq!(written.join(&b' '), keys.as_bytes(), "{words}");
        }
    }
}
