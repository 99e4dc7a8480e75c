//! Words: how a line of a configuration file breaks into a directive's name and its values.
//!
//! Words are separated by white space. `"..."` may hold anything, with the escapes `\n \r \t \b \a \" \\` and
//! `\xHH`; `'...'` may hold anything, with `\'` alone escaped. A closing quote ends its word, so white space or the
//! end of the line must follow it. The rule is Redis's, and inline commands use the same one.

/// A quote was opened and never closed, or something follows a closing quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnbalancedQuotes;

/// Breaks a line into its words, quotes and escapes resolved.
pub fn split_words(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let (word, after) = take_word(rest)?;
        words.push(word);
        rest = after.trim_ascii_start();
    }
    Ok(words)
}

/// Writes a value so that [`split_words`] reads it back as one word.
pub fn quote(text: impl AsRef<[u8]>) -> String {
    let mut quoted = String::from("\"");
    for &byte in text.as_ref() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b'\n' => quoted.push_str("\\n"),
            b'\r' => quoted.push_str("\\r"),
            b'\t' => quoted.push_str("\\t"),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\x{byte:02x}")),
        }
    }
    quoted.push('"');
    quoted
}

/// The same, with quotes only where they are needed.
pub fn quote_where_needed(text: impl AsRef<[u8]>) -> String {
    let bytes = text.as_ref();
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    match std::str::from_utf8(bytes) {
        Ok(plain) if !plain.is_empty() && bytes.iter().all(is_plain) => plain.into(),
        _ => quote(bytes),
    }
}

fn take_word(text: &[u8]) -> Result<(Vec<u8>, &[u8]), UnbalancedQuotes> {
    let mut word = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'"' => return take_double_quoted(word, after),
            b'\'' => return take_single_quoted(word, after),
            _ if byte.is_ascii_whitespace() => break,
            _ => word.push(byte),
        }
        rest = after;
    }
    Ok((word, rest))
}

fn take_double_quoted(
    mut word: Vec<u8>,
    text: &[u8],
) -> Result<(Vec<u8>, &[u8]), UnbalancedQuotes> {
    let mut rest = text;
    loop {
        let (byte, after) = match rest {
            [b'"', after @ ..] => return word_ends(word, after),
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (hex_digit(*high) * 16 + hex_digit(*low), after)
            }
            [b'\\', escaped, after @ ..] => (unescape(*escaped), after),
            [byte, after @ ..] => (*byte, after),
            [] => return Err(UnbalancedQuotes),
        };
        word.push(byte);
        rest = after;
    }
}

fn take_single_quoted(
    mut word: Vec<u8>,
    text: &[u8],
) -> Result<(Vec<u8>, &[u8]), UnbalancedQuotes> {
    let mut rest = text;
    loop {
        let (byte, after) = match rest {
            [b'\'', after @ ..] => return word_ends(word, after),
            [b'\\', b'\'', after @ ..] => (b'\'', after),
            [byte, after @ ..] => (*byte, after),
            [] => return Err(UnbalancedQuotes),
        };
        word.push(byte);
        rest = after;
    }
}

fn word_ends(word: Vec<u8>, rest: &[u8]) -> Result<(Vec<u8>, &[u8]), UnbalancedQuotes> {
    match rest.first() {
        Some(byte) if !byte.is_ascii_whitespace() => Err(UnbalancedQuotes),
        _ => Ok((word, rest)),
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(line: &str) -> Option<Vec<String>> {
        let words = split_words(line.as_bytes()).ok()?;
        Some(
            words
                .iter()
                .map(|w| String::from_utf8_lossy(w).into_owned())
                .collect(),
        )
    }

    #[test]
    fn words_quotes_and_escapes() {
        assert_eq!(
            split("  save 900\t1 "),
            Some(vec!["save".into(), "900".into(), "1".into()])
        );
        assert_eq!(
            split(r#"dir "a b" 'c"d' ''"#),
            Some(vec!["dir".into(), "a b".into(), "c\"d".into(), "".into()])
        );
        assert_eq!(
            split(r#"p "\x41\n\"\q""#),
            Some(vec!["p".into(), "A\n\"q".into()])
        );
        assert_eq!(split(r"p 'it\'s'"), Some(vec!["p".into(), "it's".into()]));
        assert_eq!(split(""), Some(vec![]));
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for line in [r#""abc"#, r#""abc"d"#, "'abc", "'a'b", r#""abc\"#] {
            assert_eq!(split(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_quoted_value_reads_back(text in ".*") {
            let words = split_words(quote(&text).as_bytes()).unwrap();
            prop_assert_eq!(words, vec![text.into_bytes()]);
        }

        #[test]
        fn any_line_splits_or_is_refused(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = split_words(&line);
        }
    }
}
