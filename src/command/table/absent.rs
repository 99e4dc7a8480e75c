//! Commands that a Redis up to 8.10 has and that are not in the table. Rights to them and other names for them (ACL rules, `rename-command`) mean
//! nothing here, and are no mistake: whoever moves in has a configuration that names them.

/// Their names, sorted; of subcommands, with that of their container.
const NAMES: &[&str] = &[
    "arcount",
    "ardel",
    "ardelrange",
    "arget",
    "argetrange",
    "argrep",
    "arinfo",
    "arinsert",
    "arlastitems",
    "arlen",
    "armget",
    "armset",
    "arnext",
    "arop",
    "arring",
    "arscan",
    "arseek",
    "arset",
    "backup",
    "client|caching",
    "client|tracking",
    "cluster|migration",
    "cluster|syncslots",
    "failover",
    "geoadd",
    "geodist",
    "geohash",
    "geopos",
    "georadius",
    "georadius_ro",
    "georadiusbymember",
    "georadiusbymember_ro",
    "geosearch",
    "geosearchstore",
    "himport",
    "hotkeys",
    "increx",
    "migrate",
    "module|load",
    "module|loadex",
    "module|unload",
    "pfadd",
    "pfcount",
    "pfdebug",
    "pfmerge",
    "pfselftest",
    "psync",
    "replconf",
    "restore-asking",
    "sdiffcard",
    "sunioncard",
    "sync",
    "trimslots",
    "vadd",
    "vcard",
    "vdim",
    "vemb",
    "vgetattr",
    "vinfo",
    "vismember",
    "vlinks",
    "vrandmember",
    "vrem",
    "vsetattr",
    "vsim",
];

/// True for one of them, however it is written.
pub fn is_absent(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES
        .binary_search_by(|known| known.as_bytes().cmp(&name))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::registry;

    #[test]
    fn they_are_sorted_and_not_there() {
        assert!(NAMES.is_sorted());
        let found = |name: &&&str| registry::find(name.as_bytes()).is_some();
        assert_eq!(NAMES.iter().find(found), None);
        assert!(is_absent(b"PfAdd") && !is_absent(b"get") && !is_absent(b"nosuch"));
    }
}
