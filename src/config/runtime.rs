//! CONFIG GET and CONFIG SET: a configuration asked for, and another made from it.

use std::fmt;

use super::Config;
use super::directive::{Change, Directive};
use super::table::{directive, directives};
use crate::base::glob;

/// Why nothing was changed.
#[derive(Debug, PartialEq, Eq)]
pub enum SetError {
    /// There is no such directive.
    Unknown(String),
    /// A directive that cannot be changed so, and why.
    Refused {
        /// The directive.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for SetError {
    /// The sentence that Redis's clients know, without its `ERR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(
                    f,
                    "Unknown option or number of arguments for CONFIG SET - '{name}'"
                )
            }
            Self::Refused { name, problem } => {
                write!(
                    f,
                    "CONFIG SET failed (possibly related to argument '{name}') - {problem}"
                )
            }
        }
    }
}

impl std::error::Error for SetError {}

impl Config {
    /// The directives that any of the patterns matches, each once, with their values as text. A pattern that is a
    /// plain name answers in the letter case it was asked in.
    pub fn matching(&self, patterns: &[&[u8]]) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, directive: &Directive| {
            if !found
                .iter()
                .any(|(present, _)| present.eq_ignore_ascii_case(name))
            {
                found.push((name.into(), directive.show(self)));
            }
        };
        for pattern in patterns {
            let is_plain = !pattern
                .iter()
                .any(|byte| matches!(byte, b'*' | b'?' | b'['));
            for (name, directive) in names() {
                if is_plain && name.as_bytes().eq_ignore_ascii_case(pattern) {
                    add(&String::from_utf8_lossy(pattern), directive);
                } else if !is_plain && glob::matches_nocase(pattern, name.as_bytes()) {
                    add(name, directive);
                }
            }
        }
        found
    }

    /// The value of one directive as text; empty if there is no such directive.
    pub fn shown(&self, name: &str) -> String {
        directive(name).map_or_else(String::new, |directive| directive.show(self))
    }

    /// This configuration with all of the changes, or an error and none of them.
    pub fn with_changes(&self, changes: &[(&[u8], &[u8])]) -> Result<Config, SetError> {
        let mut accepted: Vec<(&'static str, &'static Directive, &[u8])> =
            Vec::with_capacity(changes.len());
        for (given, value) in changes {
            let (name, directive) = names()
                .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(given))
                .ok_or_else(|| SetError::Unknown(String::from_utf8_lossy(given).into_owned()))?;
            let problem = match directive.change {
                Change::AtStart => Some("can't set immutable config"),
                Change::Protected => Some("can't set protected config"),
                Change::Live if accepted.iter().any(|(present, ..)| *present == name) => {
                    Some("duplicate parameter")
                }
                Change::Live => None,
            };
            match problem {
                Some(problem) => {
                    return Err(SetError::Refused {
                        name,
                        problem: problem.into(),
                    });
                }
                None => accepted.push((name, directive, value)),
            }
        }
        let mut changed = self.clone();
        for (name, directive, value) in accepted {
            std::str::from_utf8(value)
                .map_err(|_| "argument must be valid UTF-8".to_string())
                .and_then(|text| directive.assign_text(&mut changed, text))
                .map_err(|problem| SetError::Refused { name, problem })?;
        }
        Ok(changed)
    }
}

/// Every name of every directive.
fn names() -> impl Iterator<Item = (&'static str, &'static Directive)> {
    directives().flat_map(|directive| {
        [Some(directive.name), directive.alias]
            .into_iter()
            .flatten()
            .map(move |name| (name, directive))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(config: &Config, patterns: &[&str]) -> Vec<(String, String)> {
        config.matching(
            &patterns
                .iter()
                .map(|pattern| pattern.as_bytes())
                .collect::<Vec<_>>(),
        )
    }

    fn set(config: &Config, changes: &[(&str, &str)]) -> Result<Config, String> {
        let changes: Vec<_> = changes
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        config
            .with_changes(&changes)
            .map_err(|error| error.to_string())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    #[test]
    fn get_answers_names_and_globs_once() {
        let config = Config::default();
        assert_eq!(get(&config, &["nosuch", "a", "*q?q*"]), pairs(&[]));
        assert_eq!(get(&config, &["HZ"]), pairs(&[("HZ", "10")]));
        assert_eq!(get(&config, &["[h]Z", "hz"]), pairs(&[("hz", "10")]));
        assert_eq!(
            get(&config, &["TIMEOUT", "timeout", "?imeout"]),
            pairs(&[("TIMEOUT", "0")])
        );
        assert_eq!(
            get(&config, &["lua-time-limit"]),
            pairs(&[("lua-time-limit", "5000")])
        );
        assert_eq!(get(&config, &["list-max-*"]).len(), 2);
        assert!(get(&config, &["*"]).len() > 100);
    }

    #[test]
    fn set_takes_all_or_nothing() {
        let config = Config::default();
        let changed = set(
            &config,
            &[("HZ", "20"), ("slave-read-only", "no"), ("maxclients", "7")],
        )
        .unwrap();
        assert_eq!((changed.hz, changed.maxclients), (20, 7));
        assert_eq!(
            get(&changed, &["replica-read-only"]),
            pairs(&[("replica-read-only", "no")])
        );
        assert!(set(&config, &[("hz", "20"), ("timeout", "abc")]).is_err());
        assert!(
            set(
                &config,
                &[("lua-time-limit", "1"), ("busy-reply-threshold", "2")]
            )
            .is_ok()
        );
    }

    /// The sentences of Redis 8.2.3, and which of several wrongs it tells first.
    #[test]
    fn refusals_read_as_in_redis() {
        for (changes, expected) in [
            (
                &[("Foo", "1")][..],
                "Unknown option or number of arguments for CONFIG SET - 'Foo'",
            ),
            (
                &[("hz", "abc"), ("foo", "1")],
                "Unknown option or number of arguments for CONFIG SET - 'foo'",
            ),
            (
                &[("databases", "1"), ("foo", "1")],
                "CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config",
            ),
            (
                &[("dir", "/")],
                "CONFIG SET failed (possibly related to argument 'dir') - can't set protected config",
            ),
            (
                &[("hz", "1"), ("HZ", "2")],
                "CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter",
            ),
            (
                &[("timeout", "5"), ("HZ", "abc")],
                "CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into an integer",
            ),
            (
                &[("protected-mode", "maybe")],
                "CONFIG SET failed (possibly related to argument 'protected-mode') - argument must be 'yes' or 'no'",
            ),
        ] {
            assert_eq!(set(&Config::default(), changes).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_limit_changes_only_its_class() {
        let changed = set(
            &Config::default(),
            &[("client-output-buffer-limit", "pubsub 1mb 1k 3")],
        )
        .unwrap();
        assert_eq!(
            get(&changed, &["client-output-buffer-limit"])[0].1,
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 1000 3"
        );
        assert_eq!(
            set(&changed, &[("client-output-buffer-limit", "")]),
            Ok(changed)
        );
    }
}
