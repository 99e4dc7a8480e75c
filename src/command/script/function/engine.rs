//! This core's interpreter for functions, and the libraries that it has run.

use super::super::super::error::{self, Error};
use super::store::{Functions, Library, metadata};
use crate::keyspace::libraries::Source;
use crate::resp::{Reply, Request};
use crate::script::library::Registered;
use crate::script::{Host, Interpreter, Loaded, LogLevel, Verdict};
use ahash::AHashMap;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What errors are said to come from.
const CHUNK: &str = "@user_function";
/// How long a library may take to register its functions.
const LOAD_TIME: Duration = Duration::from_millis(500);

thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
}

/// Bytes that the interpreters of all cores take.
static USED_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Bytes that the interpreters of all cores for functions take, as last noted.
pub fn used_bytes() -> usize {
    USED_BYTES.load(Ordering::Relaxed)
}

/// A library and what it registered here.
type Known = (Arc<Library>, Vec<Loaded>);

/// See the module's description.
pub struct Engine {
    /// What runs functions.
    pub interpreter: Interpreter,
    libraries: AHashMap<Box<[u8]>, Known>,
    /// As of when: see `Functions::flushes`.
    flushes: u64,
    noted_bytes: usize,
}

/// Gives this core's engine to `f`. It is made anew after FUNCTION FLUSH.
pub fn with<R>(
    functions: &Functions,
    f: impl FnOnce(&mut Engine) -> Result<R, Error>,
) -> Result<R, Error> {
    ENGINE.with(|slot| {
        // In the midst of a script there is nothing to give.
        let mut slot = slot.try_borrow_mut().map_err(|_| error::BUSY_SCRIPT)?;
        let slot = &mut *slot;
        let flushes = functions.flushes();
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
pub fn give_back(functions: &Functions) {
    ENGINE.with(|slot| {
        if let Ok(mut slot) = slot.try_borrow_mut() {
            slot.take_if(|engine| engine.flushes != functions.flushes());
        }
    });
}

impl Engine {
    fn new(flushes: u64) -> Result<Self, Error> {
        let interpreter = Interpreter::new(true).map_err(|_| error::NO_INTERPRETER)?;
        Ok(Engine {
            interpreter,
            libraries: AHashMap::new(),
            flushes,
            noted_bytes: 0,
        })
    }

    /// Runs a source, which becomes a library.
    pub fn run(&mut self, source: &Source) -> Result<Arc<Library>, Error> {
        let (name, code) = metadata(source)?;
        let registered = self.register(code)?;
        if registered.is_empty() {
            return Err(error::NO_FUNCTIONS);
        }
        let library = Arc::new(Library::new(name, source.clone(), &registered));
        self.keep(&library, &registered)?;
        Ok(library)
    }

    fn register(&self, code: &[u8]) -> Result<Vec<Registered>, Error> {
        let compiled = self.interpreter.compile(code, CHUNK);
        let code = compiled.map_err(|why| error::function_does_not_compile(&why))?;
        let mut host = Registrar {
            began: Instant::now(),
        };
        self.interpreter
            .load_library(&code, &mut host)
            .map_err(|failure| match host.is_late() {
                true => error::cannot_register(b"ERR FUNCTION LOAD timeout"),
                false => error::cannot_register(&failure.text),
            })
    }

    fn keep(&mut self, library: &Arc<Library>, registered: &[Registered]) -> Result<(), Error> {
        let mut loaded = Vec::new();
        for registered in registered {
            let kept = self.interpreter.keep(&registered.function);
            loaded.push(kept.map_err(|_| error::NO_INTERPRETER)?);
        }
        let kept = (library.clone(), loaded);
        if let Some((_, old)) = self.libraries.insert(library.name.clone(), kept) {
            old.into_iter()
                .for_each(|function| self.interpreter.forget(function));
        }
        Ok(())
    }

    /// The compiled function of this number in a library, which is run here first if need be.
    pub fn function(&mut self, library: &Arc<Library>, number: usize) -> Result<Loaded, Error> {
        let known = self.libraries.get(&library.name);
        if let Some((known, functions)) = known
            && Arc::ptr_eq(known, library)
        {
            return functions.get(number).copied().ok_or(error::NO_FUNCTION);
        }
        let (_, code) = metadata(&library.source)?;
        let registered = self.register(code)?;
        self.keep(library, &registered)?;
        let (_, functions) = &self.libraries[&library.name];
        functions.get(number).copied().ok_or(error::NO_FUNCTION)
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

impl Drop for Engine {
    fn drop(&mut self) {
        USED_BYTES.fetch_sub(self.noted_bytes, Ordering::Relaxed);
    }
}

/// The host of a library that is loaded: it has no commands, and little time.
struct Registrar {
    began: Instant,
}

impl Registrar {
    fn is_late(&self) -> bool {
        self.began.elapsed() > LOAD_TIME
    }
}

impl Host for Registrar {
    fn call(&mut self, _: Request<'_>, reply: &mut Reply) {
        reply.error(error::NOT_FROM_SCRIPT.text());
    }

    fn may_call(&mut self, _: Request<'_>) -> Option<bool> {
        None
    }

    fn log(&mut self, level: LogLevel, line: &[u8]) {
        super::super::write_log(level, line);
    }

    fn look_up(&mut self) -> Verdict {
        match self.is_late() {
            true => Verdict::Killed,
            false => Verdict::GoesOn,
        }
    }
}
