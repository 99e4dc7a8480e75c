//! Handing a configuration over to another process of this program, as text.
//!
//! ```text
//! "/etc/m.conf" "/root"       the configuration file, "" if there is none, and where included files are looked for
//! port 7000                   then each directive that has not its default value,
//! logfile "/var/log/m.log"    as CONFIG REWRITE writes it
//! user ann on ~* +@all        then the lines that are no directives'
//! ```
//!
//! The other process reads no file again, so that it cannot find anything else there, and standard input and pipes,
//! which give their text only once, may have been among the files.

use super::words::{quote, split_words};
use super::{Config, Source, StartError};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

impl Config {
    /// The text from which [`take_over`](Self::take_over) makes the same configuration.
    pub fn hand_over(&self) -> Vec<u8> {
        let file = self.file.as_deref().unwrap_or(Path::new(""));
        let quoted = |path: &Path| quote(path.as_os_str().as_bytes());
        let mut text = format!("{} {}\n", quoted(file), quoted(&self.include_dir)).into_bytes();
        text.extend(self.rewritten(b"", &Self::default()));
        text
    }

    /// The configuration that another process handed over.
    pub fn take_over(text: &[u8]) -> Result<Self, StartError> {
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        let (paths, directives) = text.split_at(end);
        let mut config = Self::default();
        config.load_text(directives, &Source::Stdin, 0)?;
        let paths = split_words(paths).unwrap_or_default();
        let mut paths = paths.into_iter().map(OsString::from_vec);
        config.file = paths.next().filter(|path| !path.is_empty()).map(Into::into);
        config.include_dir = paths.next().unwrap_or_default().into();
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::stream::StreamSetting;
    use crate::keyspace::rules::StreamRule;
    use proptest::prelude::*;

    #[test]
    fn nothing_special_is_a_single_line() {
        let config = Config::default();
        assert_eq!(config.hand_over(), b"\"\" \"\"\n");
        assert_eq!(Config::take_over(&config.hand_over()), Ok(config));
    }

    proptest! {
        #[test]
        fn what_is_handed_over_is_taken_over(
            path in proptest::collection::vec(any::<u8>(), 1..20), text in ".*", number in 0..=65535u16, yes: bool
        ) {
            let config = Config {
                file: Some(OsString::from_vec(path.clone()).into()),
                include_dir: OsString::from_vec(path).into(),
                port: number,
                // There are no empty words.
                bind: vec![format!("a{text}"), "a b".into()],
                requirepass: text.clone(),
                pidfile: text.clone(),
                users: vec![vec![text.clone().into(), b"~\xff \"".to_vec()]],
                renames: vec![(text.clone(), String::new())],
                daemonize: yes,
                stream_policy: [1, 2].map(|n| StreamRule {
                    key: text.clone(),
                    settings: vec![StreamSetting::MaxLen(n), StreamSetting::OnAck(yes)],
                }).to_vec(),
                latency_tracking_info_percentiles: vec![0.1, f64::from(number) / 65535.0 * 100.0],
                ..Config::default()
            };
            prop_assert_eq!(Config::take_over(&config.hand_over()), Ok(config));
        }
    }
}
