//! `conf/millstream.conf`, made from the table: every directive, its default, one line of meaning.
//!
//! The test below fails when file and table differ; with `MILLSTREAM_WRITE_CONF=1` it writes the file instead.

use super::directive::Change;
use super::table::SECTIONS;

const OPENING: &str = "\
# Millstream's configuration: every directive with its default value.
#
# Start with it: millstream millstream.conf [--directive value ...]
# The command line overrules this file, and of two lines for one directive the later wins.
# A value with spaces is quoted: \"a b\" (with the escapes \\n, \\t, \\xHH and the like) or 'a b'.
# Another file is read at the place of a line: include other.conf
# Sizes take units: 1k is 1000 bytes, 1kb is 1024; likewise m, mb, g, gb.
# CONFIG SET changes what is not marked `at the start only`.
";

/// The text of `conf/millstream.conf`.
pub fn sample() -> String {
    let mut text = String::from(OPENING);
    for section in SECTIONS {
        text.push_str(&format!("\n\n# == {} ==\n", section.title));
        for directive in section.rows {
            let when = if directive.change == Change::Live {
                ""
            } else {
                "; at the start only"
            };
            let value = if directive.default.is_empty() {
                "\"\""
            } else {
                directive.default
            };
            let value = if directive.default.contains('{') {
                &format!("\"{value}\"")
            } else {
                value
            };
            text.push_str(&format!(
                "\n# {} ({}{when})\n{} {value}\n",
                directive.meaning,
                directive.shape.describe(),
                directive.name
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/conf/millstream.conf");
        if std::env::var_os("MILLSTREAM_WRITE_CONF").is_some() {
            std::fs::write(path, sample()).unwrap();
        }
        let text = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            text == sample(),
            "conf/millstream.conf is out of date: run this test with MILLSTREAM_WRITE_CONF=1"
        );
    }

    #[test]
    fn the_file_reads_as_the_defaults() {
        let mut config = crate::config::Config::default();
        let arguments = [std::ffi::OsString::from("-")];
        match crate::config::parse_arguments(arguments, &mut sample().as_bytes()) {
            Ok(crate::config::Invocation::Serve(read)) => config.clone_from(&read),
            other => panic!("{other:?}"),
        }
        let expected = crate::config::Config {
            dir_is_given: true,
            ..Default::default()
        };
        assert_eq!(config, expected);
    }
}
