//! Lines that Redis knows beside its directives: users, commands under other names, modules.
//!
//! Users and names are kept as they are given; whoever knows commands finds out what they mean. A line that loads a module would lose what its
//! author relies on, so it stops the start.

use super::Config;

const USER: &str = "'user' takes a name, and rules as in ACL SETUSER";
const USER_TWICE: &str = "Duplicate user found. A user can only be defined once in config files";
const RENAMING: &str =
    "'rename-command' takes the name of a command and the one that it is to have, or \"\" for none";
const MODULES: &str = "modules cannot be loaded: the commands of 'loadmodule' would be missing";

impl Config {
    /// Obeys a line that is no directive's; None if it is not one of these either.
    pub(super) fn obey_beside(
        &mut self,
        name: &str,
        values: &[&str],
    ) -> Option<Result<(), &'static str>> {
        match name.to_ascii_lowercase().as_str() {
            "user" => {
                let words = values.iter().map(|word| word.as_bytes().to_vec());
                Some(self.add_user(words.collect()))
            }
            "rename-command" => Some(self.add_rename(values)),
            "loadmodule" => Some(Err(MODULES)),
            _ => None,
        }
    }

    /// Keeps the words that follow `user`.
    pub(super) fn add_user(&mut self, words: Vec<Vec<u8>>) -> Result<(), &'static str> {
        let name = words.first().ok_or(USER)?;
        if self.users.iter().any(|known| known.first() == Some(name)) {
            return Err(USER_TWICE);
        }
        self.users.push(words);
        Ok(())
    }

    fn add_rename(&mut self, values: &[&str]) -> Result<(), &'static str> {
        let [old, new] = values else {
            return Err(RENAMING);
        };
        self.renames.push((old.to_string(), new.to_string()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obey(config: &mut Config, line: &str) -> Option<Result<(), &'static str>> {
        let words: Vec<&str> = line.split(' ').collect();
        config.obey_beside(words[0], &words[1..])
    }

    #[test]
    fn users_and_names_are_kept() {
        let mut config = Config::default();
        for line in [
            "user ann on >secret ~* +@all",
            "USER default off",
            "rename-command FLUSHALL ",
            "rename-command CONFIG cfg",
        ] {
            assert_eq!(obey(&mut config, line), Some(Ok(())), "{line}");
        }
        assert_eq!(config.users.len(), 2);
        assert_eq!(config.users[1], [b"default".to_vec(), b"off".to_vec()]);
        let renames = [("FLUSHALL", ""), ("CONFIG", "cfg")];
        assert_eq!(
            config.renames,
            renames.map(|(old, new)| (old.into(), new.into()))
        );
    }

    #[test]
    fn other_lines_are_not() {
        let mut config = Config::default();
        assert_eq!(obey(&mut config, "user"), Some(Err(USER)));
        assert_eq!(obey(&mut config, "user ann on"), Some(Ok(())));
        assert_eq!(obey(&mut config, "user ann off"), Some(Err(USER_TWICE)));
        assert_eq!(obey(&mut config, "rename-command get"), Some(Err(RENAMING)));
        assert_eq!(obey(&mut config, "loadmodule m.so"), Some(Err(MODULES)));
        assert_eq!(obey(&mut config, "port 1"), None);
    }
}
