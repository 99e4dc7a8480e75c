//! `stream-policy` and `stream-group-policy` as text: a rule a line, as it stands in a file behind the directive's name.
//!
//! ```text
//! jobs:* MAXLEN 100000 OVERFLOW REJECT            <key-pattern> <options of XCFGSET>
//! jobs:* workers ACKWAIT 30000 MAXDELIVER 5       <key-pattern> <group-pattern> <options of XCFGSET>
//! ```

use super::words::{quote_where_needed, split_words};
use crate::data::stream::{BadSetting, Setting};
use crate::keyspace::rules::{GroupRule, StreamRule};

/// A rule that has a text.
pub trait Rule: Sized {
    /// What its patterns are about.
    const PATTERNS: &'static [&'static str];
    /// What its options are.
    type Setting: Setting;

    /// The rule of these parts; the patterns are as many as their names.
    fn new(patterns: &[&str], settings: Vec<Self::Setting>) -> Result<Self, String>;

    /// Its parts.
    fn parts(&self) -> (Vec<&str>, &[Self::Setting]);
}

impl Rule for StreamRule {
    const PATTERNS: &'static [&'static str] = &["key-pattern"];
    type Setting = crate::data::stream::StreamSetting;

    fn new(patterns: &[&str], settings: Vec<Self::Setting>) -> Result<Self, String> {
        Ok(StreamRule {
            key: patterns[0].into(),
            settings,
        })
    }

    fn parts(&self) -> (Vec<&str>, &[Self::Setting]) {
        (vec![&self.key], &self.settings)
    }
}

impl Rule for GroupRule {
    const PATTERNS: &'static [&'static str] = &["key-pattern", "group-pattern"];
    type Setting = crate::data::stream::GroupSetting;

    fn new(patterns: &[&str], settings: Vec<Self::Setting>) -> Result<Self, String> {
        let key = patterns[0];
        let leads_back = |setting: &Self::Setting| match setting {
            Self::Setting::DeadLetter(to) => **to == *key.as_bytes(),
            _ => false,
        };
        if settings.iter().any(leads_back) {
            return Err("DEADLETTER takes the key of another stream".into());
        }
        Ok(GroupRule {
            key: key.into(),
            group: patterns[1].into(),
            settings,
        })
    }

    fn parts(&self) -> (Vec<&str>, &[Self::Setting]) {
        (vec![&self.key, &self.group], &self.settings)
    }
}

/// The rule that words make; no words, or an empty one, make none.
pub fn parse_words<R: Rule>(words: &[&str]) -> Result<Vec<R>, String> {
    if words.is_empty() || words == [""] {
        return Ok(Vec::new());
    }
    let Some((patterns, options)) = words.split_at_checked(R::PATTERNS.len()) else {
        return Err(format!("a rule begins with {}", patterns::<R>()));
    };
    if options.is_empty() {
        let after = R::PATTERNS[R::PATTERNS.len() - 1];
        return Err(format!("an option has to follow the {after}"));
    }
    let settings = R::Setting::parse_all(options.iter().map(|word| word.as_bytes()));
    let settings = settings.map_err(|bad| describe::<R>(bad, options))?;
    Ok(vec![R::new(patterns, settings)?])
}

/// The rules that lines make.
pub fn parse_lines<R: Rule>(text: &str) -> Result<Vec<R>, String> {
    let mut rules = Vec::new();
    for line in text.split('\n') {
        let parse = || {
            let words = split_words(line.as_bytes()).map_err(|_| "quotes are not balanced")?;
            let words: Vec<_> = words
                .iter()
                .map(|word| String::from_utf8_lossy(word))
                .collect();
            parse_words(&words.iter().map(AsRef::as_ref).collect::<Vec<_>>())
        };
        rules.extend(parse().map_err(|problem| format!("'{line}': {problem}"))?);
    }
    Ok(rules)
}

/// Rules as lines, from which they can be parsed again.
pub fn show<R: Rule>(rules: &[R]) -> String {
    let lines: Vec<String> = rules.iter().map(show_one).collect();
    lines.join("\n")
}

fn show_one<R: Rule>(rule: &R) -> String {
    let (patterns, settings) = rule.parts();
    let patterns = patterns.into_iter().map(quote_where_needed);
    let options = settings.iter().flat_map(Setting::words);
    let options = options.map(quote_where_needed);
    patterns.chain(options).collect::<Vec<_>>().join(" ")
}

/// What a rule looks like, in few words.
pub fn form<R: Rule>() -> String {
    format!("{} <option of XCFGSET>..., on a line each", patterns::<R>())
}

fn patterns<R: Rule>() -> String {
    let patterns = R::PATTERNS.iter().map(|name| format!("<{name}>"));
    patterns.collect::<Vec<_>>().join(" ")
}

/// What is wrong with options, and what would be right.
fn describe<R: Rule>(bad: BadSetting, options: &[&str]) -> String {
    match bad {
        BadSetting::Unknown(at) => {
            let forms = R::Setting::FORMS.join(", ");
            format!("'{}' is no option: there are {forms}", options[at])
        }
        BadSetting::Repeated(name) => format!("{name} is given more than once"),
        BadSetting::Incomplete(name) | BadSetting::NotANumber(name) | BadSetting::Invalid(name) => {
            let forms = R::Setting::FORMS;
            let form = forms
                .iter()
                .find(|form| form.starts_with(name))
                .unwrap_or(&name);
            format!("invalid {name}: it is given as {form}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<R: Rule>(text: &str) -> Result<String, String> {
        parse_lines::<R>(text).map(|rules| show(&rules))
    }

    #[test]
    fn rules_read_and_show() {
        for text in [
            "",
            "* MAXLEN 5",
            "jobs:* MAXLEN 5 OVERFLOW REJECT\n\"a b\" ACKED ONACK DELETE MAXAGE 1 MAXBYTES 2",
            "\"\" IDMP-DURATION 7 IDMP-MAXSIZE 8",
        ] {
            assert_eq!(shown::<StreamRule>(text), Ok(text.into()));
        }
        for text in [
            "* * ACKWAIT 30000 BACKOFF 1 2 MAXDELIVER 3 DEADLETTER d MAXPENDING 4 ORDER *",
            "dead:* * DEADLETTER \"\" ORDER \"a \\\"field\\\"\" BACKOFF 0 0",
        ] {
            assert_eq!(shown::<GroupRule>(text), Ok(text.into()));
        }
        let spaced = "\n  *   maxlen 05 \n";
        assert!(shown::<StreamRule>(spaced).is_err());
        assert_eq!(
            shown::<StreamRule>("\n *  maxlen  5 \n"),
            Ok("* MAXLEN 5".into())
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for (text, problem) in [
            ("jobs", "'jobs': an option has to follow the key-pattern"),
            (
                "a MAXLEN 1\nb MAXLEN x",
                "'b MAXLEN x': invalid MAXLEN: it is given as MAXLEN n",
            ),
            (
                "b MAXLEN",
                "'b MAXLEN': invalid MAXLEN: it is given as MAXLEN n",
            ),
            (
                "b OVERFLOW DROP",
                "'b OVERFLOW DROP': invalid OVERFLOW: it is given as OVERFLOW TRIM|REJECT",
            ),
            (
                "b MAXLEN 1 MAXLEN 1",
                "'b MAXLEN 1 MAXLEN 1': MAXLEN is given more than once",
            ),
            ("b \"", "'b \"': quotes are not balanced"),
            (
                "b MAXLEN 1 ACKWAIT 1",
                "'b MAXLEN 1 ACKWAIT 1': 'ACKWAIT' is no option: there are IDMP-DURATION s (1 to 86400), \
                 IDMP-MAXSIZE n (1 to 10000), MAXLEN n, MAXAGE ms, MAXBYTES n, KEEPREF|DELREF|ACKED, \
                 OVERFLOW TRIM|REJECT, ONACK KEEP|DELETE",
            ),
        ] {
            assert_eq!(shown::<StreamRule>(text), Err(problem.into()));
        }
        for (text, problem) in [
            (
                "jobs",
                "'jobs': a rule begins with <key-pattern> <group-pattern>",
            ),
            (
                "jobs g",
                "'jobs g': an option has to follow the group-pattern",
            ),
            (
                "jobs g BACKOFF 2 1",
                "'jobs g BACKOFF 2 1': invalid BACKOFF: it is given as BACKOFF min-ms max-ms (the lesser first)",
            ),
            (
                "jobs g DEADLETTER jobs",
                "'jobs g DEADLETTER jobs': DEADLETTER takes the key of another stream",
            ),
        ] {
            assert_eq!(shown::<GroupRule>(text), Err(problem.into()));
        }
    }
}
