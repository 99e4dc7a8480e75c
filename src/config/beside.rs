//! Lines that Redis knows beside its directives: users, commands under other names, modules.
//!
//! A line that leaves everything as it is, such as the default user's in a file that Redis has rewritten, is taken.
//! Any other would lose what its author relies on, most often a protection, so it stops the start.

const USERS: &str = "there is only the default user, with 'requirepass': \
                     'user' can only be 'default on nopass ~* &* +@all'";
const RENAMING: &str =
    "commands keep their names: without 'rename-command' they would not be hidden as it asks";
const MODULES: &str = "modules cannot be loaded: the commands of 'loadmodule' would be missing";

/// Obeys a line that is no directive's; None if it is not one of these either.
pub fn obey(name: &str, values: &[&str]) -> Option<Result<(), &'static str>> {
    match name.to_ascii_lowercase().as_str() {
        "user" if is_unrestricted_default(values) => Some(Ok(())),
        "user" => Some(Err(USERS)),
        "rename-command" => Some(Err(RENAMING)),
        "loadmodule" => Some(Err(MODULES)),
        _ => None,
    }
}

/// Whether this is the user that every connection has without a password, and who may do everything.
fn is_unrestricted_default(words: &[&str]) -> bool {
    /// A right, or the same in other words.
    const RIGHTS: [&[&str]; 5] = [
        &["on"],
        &["nopass"],
        &["~*", "allkeys"],
        &["&*", "allchannels"],
        &["+@all", "allcommands"],
    ];
    const WITHOUT_EFFECT: [&str; 2] = ["sanitize-payload", "skip-sanitize-payload"];
    let is = |word: &&str, name: &&str| word.eq_ignore_ascii_case(name);
    let has = |names: &[&str]| {
        words
            .iter()
            .any(|word| names.iter().any(|name| is(word, name)))
    };
    let knows = |word: &&str| {
        let mut known = RIGHTS.iter().copied().flatten().chain(&WITHOUT_EFFECT);
        known.any(|name| is(word, name))
    };
    words.split_first().is_some_and(|(user, rules)| {
        *user == "default" && rules.iter().all(knows) && RIGHTS.iter().all(|right| has(right))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obey_line(line: &str) -> Option<Result<(), &'static str>> {
        let words: Vec<&str> = line.split(' ').collect();
        obey(words[0], &words[1..])
    }

    #[test]
    fn only_what_restricts_nobody_is_taken() {
        for line in [
            "user default on nopass ~* &* +@all",
            "user default on nopass sanitize-payload ~* &* +@all",
            "USER default ON allcommands allkeys allchannels nopass",
        ] {
            assert_eq!(obey_line(line), Some(Ok(())), "{line}");
        }
        for line in [
            "user default on nopass ~* +@all",
            "user default off nopass ~* &* +@all",
            "user default on >secret ~* &* +@all",
            "user default on nopass ~* &* +@all -flushall",
            "user default on nopass ~* &* +@all >secret",
            "user ann on nopass ~* &* +@all",
            "user default",
            "user",
        ] {
            assert_eq!(obey_line(line), Some(Err(USERS)), "{line}");
        }
        assert_eq!(obey_line("rename-command FLUSHALL "), Some(Err(RENAMING)));
        assert_eq!(obey_line("loadmodule m.so"), Some(Err(MODULES)));
        assert_eq!(obey_line("port 1"), None);
    }
}
