//! The file that users are kept in, where `aclfile` names one.

use super::Config;
use super::rewrite::replace_file;
use std::io;
use std::path::Path;

/// See the module's description.
#[derive(Debug)]
pub struct UsersFile(String);

impl UsersFile {
    /// The file of this configuration, if it has one.
    pub fn of(config: &Config) -> Option<Self> {
        let path = config.aclfile.clone();
        (!path.is_empty()).then_some(UsersFile(path))
    }

    /// Its path.
    pub fn path(&self) -> &str {
        &self.0
    }

    /// What it says, or a sentence about why it cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| {
            let path = &self.0;
            let reason = match error.kind() {
                io::ErrorKind::NotFound => "No such file or directory".to_owned(),
                _ => error.to_string(),
            };
            format!("Error loading ACLs, opening file '{path}': {reason}")
        })
    }

    /// Writes these lines in place of what it says.
    pub fn write(&self, lines: &[Vec<u8>]) -> io::Result<()> {
        let mut text = lines.join(&b'\n');
        text.push(b'\n');
        replace_file(Path::new(&self.0), &text)
    }
}
