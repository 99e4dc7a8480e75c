//! The libraries that there are, and the functions in them.

use super::super::super::error::{self, Error};
use super::super::scripts::Flags;
use crate::keyspace::libraries::{Libraries, Source};
use crate::script::library::{Registered, is_name};
use ahash::AHashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A function, as all cores know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: Box<[u8]>,
    /// What it is said to do.
    pub description: Option<Box<[u8]>>,
    /// What it declares itself to be.
    pub flags: Flags,
}

/// A library.
#[derive(Debug, PartialEq, Eq)]
pub struct Library {
    /// Its name.
    pub name: Box<[u8]>,
    /// All of its source.
    pub source: Source,
    /// What it has registered.
    pub functions: Vec<Function>,
}

impl Library {
    /// The library of a source that has registered these functions.
    pub fn new(name: &[u8], source: Source, registered: &[Registered]) -> Self {
        let functions = registered.iter().map(|registered| {
            let mut flags = Flags::default();
            for flag in &registered.flags {
                flags.add(flag);
            }
            Function {
                name: registered.name.as_slice().into(),
                description: registered.description.as_deref().map(Into::into),
                flags,
            }
        });
        Library {
            name: name.into(),
            source,
            functions: functions.collect(),
        }
    }
}

/// What the first line of a source says, `#!lua name=...`, and what is left to run: the line's end stays, so that lines keep their numbers.
pub fn metadata(source: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    if !source.starts_with(b"#!") {
        return Err(error::NO_LIBRARY_METADATA);
    }
    let end = memchr::memchr(b'\n', source).ok_or(error::INVALID_LIBRARY_METADATA)?;
    let mut words = source[2..end]
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    let engine = words.next().ok_or(error::INVALID_LIBRARY_METADATA)?;
    let mut name = None;
    for word in words {
        let Some(value) = word.strip_prefix(b"name=") else {
            return Err(error::invalid_library_value(word));
        };
        if name.replace(value).is_some() {
            return Err(error::LIBRARY_NAME_REPEATED);
        }
    }
    let name = name.ok_or(error::NO_LIBRARY_NAME)?;
    if !is_name(name) {
        return Err(error::WRONG_LIBRARY_NAME);
    }
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(error::engine_not_found(engine));
    }
    Ok((name, &source[end..]))
}

/// The libraries by name, and who has a function of which name, in lower case.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    libraries: Vec<Arc<Library>>,
    by_function: AHashMap<Box<[u8]>, (Arc<Library>, usize)>,
}

impl Catalogue {
    /// The function of this name: its library, and its number there.
    pub fn find(&self, name: &[u8]) -> Option<(Arc<Library>, usize)> {
        match self.by_function.get(name) {
            Some(found) => Some(found.clone()),
            None => self.by_function.get(&*name.to_ascii_lowercase()).cloned(),
        }
    }

    /// The library of this name.
    pub fn library(&self, name: &[u8]) -> Option<&Arc<Library>> {
        self.libraries.iter().find(|library| *library.name == *name)
    }

    /// All libraries.
    pub fn libraries(&self) -> &[Arc<Library>] {
        &self.libraries
    }

    /// How many functions there are.
    pub fn functions(&self) -> usize {
        self.by_function.len()
    }

    /// Adds a library, in place of one of its name where that is wanted.
    pub fn add(&mut self, library: Arc<Library>, replaces: bool) -> Result<(), Error> {
        if !replaces && self.library(&library.name).is_some() {
            return Err(error::library_exists(&library.name));
        }
        for function in &library.functions {
            let held = self.find(&function.name);
            if held.is_some_and(|(holder, _)| holder.name != library.name) {
                return Err(error::function_exists(&function.name));
            }
        }
        self.remove(&library.name);
        for (number, function) in library.functions.iter().enumerate() {
            let name = function.name.to_ascii_lowercase().into();
            self.by_function.insert(name, (library.clone(), number));
        }
        self.libraries.push(library);
        Ok(())
    }

    /// Drops the library of this name; false if there is none.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let before = self.libraries.len();
        self.libraries.retain(|library| *library.name != *name);
        self.by_function
            .retain(|_, (library, _)| *library.name != *name);
        before != self.libraries.len()
    }
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Functions {
    catalogue: Mutex<Catalogue>,
    /// How often all libraries were dropped at once.
    flushes: AtomicU64,
}

impl Functions {
    /// The function of this name.
    pub fn find(&self, name: &[u8]) -> Option<(Arc<Library>, usize)> {
        self.catalogue.lock().find(name)
    }

    /// How often all libraries were dropped at once, with what they kept in variables.
    pub fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Acquire)
    }

    /// All libraries are dropped: the cores forget what they have run.
    pub fn note_flush(&self) {
        self.flushes.fetch_add(1, Ordering::Release);
    }

    /// A copy of what there is.
    pub fn catalogue(&self) -> Catalogue {
        self.catalogue.lock().clone()
    }

    /// Puts another catalogue in place, and its sources where they are kept. Every stripe is held.
    pub fn set(&self, catalogue: Catalogue, kept: &Libraries) {
        kept.clear();
        for library in catalogue.libraries() {
            kept.put(&library.name, library.source.clone());
        }
        *self.catalogue.lock() = catalogue;
    }

    /// How many libraries and functions there are, and the bytes of the sources.
    pub fn figures(&self) -> (usize, usize, usize) {
        let catalogue = self.catalogue.lock();
        let sources = catalogue
            .libraries
            .iter()
            .map(|library| library.source.len());
        (
            catalogue.libraries.len(),
            catalogue.functions(),
            sources.sum(),
        )
    }
}
