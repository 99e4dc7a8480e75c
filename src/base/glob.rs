//! Glob patterns over bytes, as KEYS, SCAN, CONFIG GET and pattern subscriptions use them.
//!
//! | token | matches |
//! |---|---|
//! | `*` | any run of bytes |
//! | `?` | any one byte |
//! | `[abc]` `[a-z]` `[^a-z]` | one byte of the class, or not of it; ranges may be written either way round |
//! | `\x` | the byte `x`, in a class too |
//! | else | itself |
//!
//! A class that is not closed ends with the pattern. A pattern of `*` alone does not match the empty text, and
//! one with more than [`MAX_STARS`] stars before its end matches nothing: both are Redis's ways.
//!
//! Every token but `*` takes exactly one byte, so when a match fails only the latest `*` needs to be tried longer. That
//! makes one backtrack point exact, and the worst case the product of the two lengths.

/// More stars than this (not counting one that ends the pattern) are not followed.
pub const MAX_STARS: usize = 1000;

/// Whether `text` matches `pattern`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    run(pattern, text, |byte| byte)
}

/// Whether `text` matches `pattern`, letters of either case being equal.
pub fn matches_nocase(pattern: &[u8], text: &[u8]) -> bool {
    run(pattern, text, |byte| byte.to_ascii_lowercase())
}

fn run(pattern: &[u8], text: &[u8], fold: impl Fn(u8) -> u8 + Copy) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut at, mut pos) = (0, 0);
    // Where to resume: the pattern after the latest star, and the text from which that was last tried.
    let mut retry: Option<(usize, usize)> = None;
    let mut stars = 0;
    while pos < text.len() {
        if pattern.get(at) == Some(&b'*') {
            at += run_of_stars(&pattern[at..]);
            if at == pattern.len() {
                return true;
            }
            stars += 1;
            if stars > MAX_STARS {
                return false;
            }
            retry = Some((at, pos));
            continue;
        }
        if let Some(width) = one_byte(&pattern[at..], text[pos], fold) {
            at += width;
            pos += 1;
        } else if let Some((resume, from)) = retry {
            (at, pos) = (resume, from + 1);
            retry = Some((resume, pos));
        } else {
            return false;
        }
        // A longer star would leave the rest of the pattern even less text.
        if pos == text.len() && at + run_of_stars(&pattern[at..]) < pattern.len() {
            return false;
        }
    }
    at + run_of_stars(&pattern[at..]) == pattern.len()
}

fn run_of_stars(pattern: &[u8]) -> usize {
    pattern.iter().take_while(|byte| **byte == b'*').count()
}

/// If the token at the start of `pattern` matches `byte`, the token's width.
fn one_byte(pattern: &[u8], byte: u8, fold: impl Fn(u8) -> u8 + Copy) -> Option<usize> {
    let (width, matched) = match pattern {
        [] => return None,
        [b'?', ..] => (1, true),
        [b'[', ..] => class(pattern, byte, fold),
        [b'\\', escaped, ..] => (2, fold(*escaped) == fold(byte)),
        [literal, ..] => (1, fold(*literal) == fold(byte)),
    };
    matched.then_some(width)
}

/// The width of the class at the start of `pattern`, and whether `byte` is in it.
fn class(pattern: &[u8], byte: u8, fold: impl Fn(u8) -> u8) -> (usize, bool) {
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = if negated { 2 } else { 1 };
    let mut found = false;
    loop {
        match &pattern[at..] {
            [] => break,
            // An escaped byte stands for itself alone, whatever the case rule.
            [b'\\', escaped, ..] => {
                found |= *escaped == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [first, b'-', last, ..] => {
                let (low, high) = (fold(*first.min(last)), fold(*first.max(last)));
                found |= (low..=high).contains(&fold(byte));
                at += 3;
            }
            [member, ..] => {
                found |= fold(*member) == fold(byte);
                at += 1;
            }
        }
    }
    (at, found != negated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn matches_as_the_table_says() {
        let cases: [(&str, &str, bool); 26] = [
            ("*", "anything", true),
            ("*", "", false),
            ("", "", true),
            ("", "a", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h*llo*", "hllo", true),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("h[a-", "ha", true),
            ("h[a-", "h-", true),
            ("h[a", "ha", true),
            ("h[", "ha", false),
            ("h[]a]", "ha", false),
            ("h[\\]]", "h]", true),
            ("h\\*", "h*", true),
            ("h\\*", "hx", false),
            ("h\\", "h\\", true),
            ("*a*b", "xaxb", true),
            ("*a*b", "xaxbx", false),
            ("*ab", "aab", true),
            ("a***b", "ab", true),
            ("H", "h", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern:?} {text:?}"
            );
        }
    }

    #[test]
    fn case_is_folded_but_for_escapes_in_classes() {
        assert!(matches_nocase(b"HeL?o", b"hElLO"));
        assert!(matches_nocase(b"[a-c]", b"B"));
        assert!(matches_nocase(b"\\A", b"a"));
        assert!(!matches_nocase(b"[\\A]", b"a"));
    }

    #[test]
    fn hostile_patterns_stay_cheap_and_bounded() {
        let text = vec![b'a'; 20_000];
        assert!(!matches(
            "a*".repeat(500).as_bytes().strip_suffix(b"*").unwrap(),
            &[&text[..], b"b"].concat()
        ));
        assert!(matches("a*".repeat(MAX_STARS).as_bytes(), &text));
        assert!(!matches(
            &["*a".repeat(MAX_STARS + 1).as_bytes(), b"*"].concat(),
            &text
        ));
    }

    /// Tries every length for every star.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            ([b'*', rest @ ..], text) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            (_, []) => false,
            (pattern, [byte, rest @ ..]) => one_byte(pattern, *byte, |byte| byte)
                .is_some_and(|width| naive(&pattern[width..], rest)),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_trying_everything(pattern in "[ab*?\\[\\]^\\\\-]{0,8}", text in "[ab\\]-]{1,8}") {
            prop_assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), naive(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
