//! What `--version` and `--help` print.

use crate::base::version::{REDIS_VERSION, VERSION};

/// One line. Tools made for Redis read the version behind ` v=` to see what the server can do, so that is the
/// version of the Redis that it matches.
pub fn version_line() -> String {
    let bits = usize::BITS;
    format!("Millstream server v={REDIS_VERSION} millstream={VERSION} malloc=jemalloc bits={bits}")
}

/// How to call the program.
pub fn usage() -> &'static str {
    "\
Usage: millstream [file.conf | -] [--directive value ...] [-]
       millstream --check dir [file.conf] [--directive value ...]
       millstream -v | --version
       millstream -h | --help

A directive on the command line overrules the file; `-` reads directives from standard input.
`--check` verifies a data directory without changing it, and says what is in it.
`--skip-unknown-types` loads a data directory without the values whose type is not known, and lists those.
conf/millstream.conf lists every directive with its default.

Examples:
       millstream
       millstream millstream.conf --port 7777
       millstream --port 7777 --bind 127.0.0.1 --threads 2
       echo 'loglevel verbose' | millstream -
"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_find_the_version() {
        let line = version_line();
        let version = line
            .split(" v=")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        assert_eq!(version, Some(REDIS_VERSION));
        assert_eq!(line.lines().count(), 1);
    }
}
