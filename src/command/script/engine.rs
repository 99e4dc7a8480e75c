//! This core's interpreter for scripts, and what it has compiled.
//!
//! An interpreter belongs to its thread, so it stands in a slot of the thread. It is made for the first script, and anew after SCRIPT FLUSH.

use super::super::error::{self, Error};
use super::scripts::{Script, Scripts, Sha};
use crate::script::{Interpreter, Loaded};
use ahash::{AHashMap, RandomState};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What errors are said to come from.
const CHUNK: &str = "@user_script";
/// Compiled scripts after which those that are gone are sought and forgotten.
const MAX_COMPILED: usize = 2 * super::scripts::MAX_UNPINNED;

thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
}

/// Bytes that the interpreters of all cores take.
static USED_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Bytes that the interpreters of all cores for scripts take, as last noted.
pub fn used_bytes() -> usize {
    USED_BYTES.load(Ordering::Relaxed)
}

/// See the module's description.
pub struct Engine {
    /// What runs scripts.
    pub interpreter: Interpreter,
    compiled: AHashMap<Sha, (Arc<Script>, Loaded)>,
    /// The same by their texts: a SHA-1 takes a third of what a small script takes.
    texts: HashTable<(Arc<Script>, Loaded)>,
    hasher: RandomState,
    /// Compiled scripts at which those that are gone are sought.
    sweeps_at: usize,
    /// As of when: see `Scripts::flushes`.
    flushes: u64,
    noted_bytes: usize,
}

/// Gives this core's engine to `f`.
pub fn with<R>(
    scripts: &Scripts,
    f: impl FnOnce(&mut Engine) -> Result<R, Error>,
) -> Result<R, Error> {
    ENGINE.with(|slot| {
        // In the midst of a script there is nothing to give.
        let mut slot = slot.try_borrow_mut().map_err(|_| error::BUSY_SCRIPT)?;
        let slot = &mut *slot;
        let flushes = scripts.flushes();
        if slot
            .as_ref()
            .is_some_and(|engine| engine.flushes != flushes)
        {
            *slot = None;
        }
        let engine = match slot {
            Some(engine) => engine,
            None => slot.insert(Engine::new(flushes)?),
        };
        let result = f(engine);
        engine.note_bytes();
        result
    })
}

/// Gives back this core's engine if all was flushed since it was made, and it does not run.
pub fn give_back(scripts: &Scripts) {
    ENGINE.with(|slot| {
        if let Ok(mut slot) = slot.try_borrow_mut() {
            slot.take_if(|engine| engine.flushes != scripts.flushes());
        }
    });
}

impl Engine {
    fn new(flushes: u64) -> Result<Self, Error> {
        let interpreter = Interpreter::new(false).map_err(|_| error::NO_INTERPRETER)?;
        Ok(Engine {
            interpreter,
            compiled: AHashMap::new(),
            texts: HashTable::new(),
            hasher: RandomState::new(),
            sweeps_at: MAX_COMPILED,
            flushes,
            noted_bytes: 0,
        })
    }

    /// The script of this name, if it is compiled here and still known.
    pub fn find(&self, sha: &Sha) -> Option<(&Arc<Script>, Loaded)> {
        known(self.compiled.get(sha)?)
    }

    /// The script of this text, if it is compiled here and still known.
    pub fn find_text(&self, text: &[u8]) -> Option<(&Arc<Script>, Loaded)> {
        let is_it = |(script, _): &(Arc<Script>, Loaded)| *script.text == *text;
        known(self.texts.find(self.hasher.hash_one(text), is_it)?)
    }

    /// Compiles a script that `make` makes known if it can be compiled.
    pub fn compile(
        &mut self,
        code: &[u8],
        make: impl FnOnce() -> Arc<Script>,
    ) -> Result<(Arc<Script>, Loaded), Error> {
        let function = self
            .interpreter
            .compile(code, CHUNK)
            .map_err(|why| error::script_does_not_compile(&why))?;
        if self.compiled.len() >= self.sweeps_at {
            self.sweep();
        }
        let loaded = self
            .interpreter
            .keep(&function)
            .map_err(|_| error::NO_INTERPRETER)?;
        let script = make();
        if let Some((_, old)) = self.compiled.insert(script.sha, (script.clone(), loaded)) {
            self.interpreter.forget(old);
        }
        self.index(&script, loaded);
        Ok((script, loaded))
    }

    fn index(&mut self, script: &Arc<Script>, loaded: Loaded) {
        let entry = self.texts.entry(
            self.hasher.hash_one(&*script.text),
            |(other, _)| *other.text == *script.text,
            |(other, _)| self.hasher.hash_one(&*other.text),
        );
        let now = (script.clone(), loaded);
        match entry {
            Entry::Occupied(mut before) => *before.get_mut() = now,
            Entry::Vacant(place) => {
                place.insert(now);
            }
        }
    }

    fn sweep(&mut self) {
        let Engine {
            interpreter,
            compiled,
            texts,
            ..
        } = self;
        texts.retain(|(script, _)| !script.is_gone());
        compiled.retain(|_, (script, loaded)| {
            if script.is_gone() {
                interpreter.forget(*loaded);
            }
            !script.is_gone()
        });
        self.sweeps_at = MAX_COMPILED.max(2 * self.compiled.len());
    }

    fn note_bytes(&mut self) {
        let bytes = self.interpreter.note_bytes();
        if bytes >= self.noted_bytes {
            USED_BYTES.fetch_add(bytes - self.noted_bytes, Ordering::Relaxed);
        } else {
            USED_BYTES.fetch_sub(self.noted_bytes - bytes, Ordering::Relaxed);
        }
        self.noted_bytes = bytes;
    }
}

fn known((script, loaded): &(Arc<Script>, Loaded)) -> Option<(&Arc<Script>, Loaded)> {
    (!script.is_gone()).then_some((script, *loaded))
}

impl Drop for Engine {
    fn drop(&mut self) {
        USED_BYTES.fetch_sub(self.noted_bytes, Ordering::Relaxed);
    }
}
