//! Why a data directory was not loaded: the file, the place in it, what is wrong and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// See the module's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The file.
    pub file: PathBuf,
    /// Where in it, if it is known.
    pub offset: Option<u64>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl Failure {
    /// A failure that concerns `file` as a whole.
    pub fn of(file: &Path, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure {
            file: file.into(),
            offset: None,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// The same at an offset.
    pub fn at(self, offset: u64) -> Self {
        Failure {
            offset: Some(offset),
            ..self
        }
    }

    /// The system refused to do something with `file`.
    pub fn io(file: &Path, what: &str, error: &io::Error) -> Self {
        Failure::of(
            file,
            format!("cannot {what} it: {error}"),
            "see to the disk and to the permissions, then start again",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(offset) = self.offset {
            write!(f, ", offset {offset}")?;
        }
        write!(f, ": {}; {}", self.problem, self.remedy)
    }
}

/// Why loading ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// What is there cannot be loaded.
    By(Box<Failure>),
    /// The server is to stop.
    ByOrder,
}

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Self {
        Interrupted::By(Box::new(failure))
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Interrupted::By(failure) => failure.fmt(f),
            Interrupted::ByOrder => f.write_str("loading was interrupted by the order to stop"),
        }
    }
}

impl std::error::Error for Interrupted {}
