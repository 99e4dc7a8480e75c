//! The scripts that the server knows, by their SHA-1.
//!
//! Those that SCRIPT LOAD brought stay until they are flushed. Of those that came with EVAL alone, the ones used longest ago make room for
//! others (`MAX_UNPINNED`). A script that is gone says so itself, so that the cores, which keep compiled ones, see it without a look here.

use super::super::error::{self, Error};
use ahash::AHashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Scripts kept that EVAL alone has brought.
pub const MAX_UNPINNED: usize = 500;

/// The hexadecimal digits of a script's SHA-1, in lower case.
pub type Sha = [u8; 40];

/// What a script declares itself to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// It has no line of declarations: what it may do is judged command by command.
    pub is_undeclared: bool,
    /// It changes nothing.
    pub no_writes: bool,
    /// It may run when memory is full.
    pub allow_oom: bool,
    /// It may run on a replica that has lost its primary.
    pub allow_stale: bool,
    /// It does not run in a cluster.
    pub no_cluster: bool,
    /// Its keys may lie in different slots.
    pub allow_cross_slot_keys: bool,
}

impl Flags {
    /// Adds the flag of this name; false if there is none.
    pub fn add(&mut self, name: &[u8]) -> bool {
        let flag = match name {
            b"no-writes" => &mut self.no_writes,
            b"allow-oom" => &mut self.allow_oom,
            b"allow-stale" => &mut self.allow_stale,
            b"no-cluster" => &mut self.no_cluster,
            b"allow-cross-slot-keys" => &mut self.allow_cross_slot_keys,
            _ => return false,
        };
        *flag = true;
        true
    }

    /// The names of those that are set.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        [
            (self.no_writes, "no-writes"),
            (self.allow_oom, "allow-oom"),
            (self.allow_stale, "allow-stale"),
            (self.no_cluster, "no-cluster"),
            (self.allow_cross_slot_keys, "allow-cross-slot-keys"),
        ]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
    }
}

/// What the first line of a script says, `#!lua flags=...`, and what is left to compile: the line's end stays, so that lines keep their numbers.
pub fn declarations(text: &[u8]) -> Result<(Flags, &[u8]), Error> {
    if !text.starts_with(b"#!") {
        let flags = Flags {
            is_undeclared: true,
            ..Flags::default()
        };
        return Ok((flags, text));
    }
    let end = memchr::memchr(b'\n', text).ok_or(error::INVALID_SHEBANG)?;
    let line = &text[..end];
    let mut words = line
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    let engine = words.next().unwrap_or_default();
    if engine != b"#!lua" {
        return Err(error::unexpected_engine(engine));
    }
    let mut flags = Flags::default();
    for word in words {
        let names = word
            .strip_prefix(b"flags=")
            .ok_or_else(|| error::unknown_shebang_option(word))?;
        for name in names
            .split(|&byte| byte == b',')
            .filter(|name| !name.is_empty())
        {
            if !flags.add(name) {
                return Err(error::unexpected_shebang_flag(name));
            }
        }
    }
    Ok((flags, &text[end..]))
}

/// A script.
#[derive(Debug)]
pub struct Script {
    /// Its name.
    pub sha: Sha,
    /// All of it.
    pub text: Box<[u8]>,
    /// What it declares itself to be.
    pub flags: Flags,
    /// It stays until it is flushed.
    pinned: AtomicBool,
    /// It has been flushed, or had to make room.
    gone: AtomicBool,
    /// When it was last used, in uses of scripts.
    used: AtomicU64,
}

impl Script {
    /// True once it is no longer known.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// What is compiled of it.
    pub fn code(&self) -> &[u8] {
        declarations(&self.text).map_or(&[], |(_, code)| code)
    }

    fn bytes(&self) -> usize {
        self.text.len() + size_of::<Script>()
    }
}

#[derive(Debug, Default)]
struct Known {
    scripts: AHashMap<Sha, Arc<Script>>,
    unpinned: usize,
    bytes: usize,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Scripts {
    known: Mutex<Known>,
    uses: AtomicU64,
    flushes: AtomicU64,
    evicted: AtomicU64,
}

impl Scripts {
    /// The script of this name.
    pub fn find(&self, sha: &Sha) -> Option<Arc<Script>> {
        self.known.lock().scripts.get(sha).cloned()
    }

    /// Makes a script known; if it is known already, that one. `pinned` is for SCRIPT LOAD.
    pub fn add(&self, sha: Sha, text: &[u8], flags: Flags, pinned: bool) -> Arc<Script> {
        let mut known = self.known.lock();
        if let Some(script) = known.scripts.get(&sha).cloned() {
            if pinned && !script.pinned.swap(true, Ordering::Relaxed) {
                known.unpinned -= 1;
            }
            return script;
        }
        if !pinned && known.unpinned >= MAX_UNPINNED {
            self.make_room(&mut known);
        }
        let script = Arc::new(Script {
            sha,
            text: text.into(),
            flags,
            pinned: AtomicBool::new(pinned),
            gone: AtomicBool::new(false),
            used: AtomicU64::new(self.uses.load(Ordering::Relaxed)),
        });
        known.unpinned += usize::from(!pinned);
        known.bytes += script.bytes();
        known.scripts.insert(sha, script.clone());
        script
    }

    fn make_room(&self, known: &mut Known) {
        let unpinned = known
            .scripts
            .values()
            .filter(|script| !script.pinned.load(Ordering::Relaxed));
        let Some(oldest) = unpinned
            .min_by_key(|script| script.used.load(Ordering::Relaxed))
            .cloned()
        else {
            return;
        };
        oldest.gone.store(true, Ordering::Release);
        known.scripts.remove(&oldest.sha);
        known.unpinned -= 1;
        known.bytes -= oldest.bytes();
        self.evicted.fetch_add(1, Ordering::Relaxed);
    }

    /// The script of this name stays until all are flushed.
    pub fn pin(&self, sha: &Sha) {
        let mut known = self.known.lock();
        let script = known.scripts.get(sha);
        if script.is_some_and(|script| !script.pinned.swap(true, Ordering::Relaxed)) {
            known.unpinned -= 1;
        }
    }

    /// A script is used.
    pub fn note_use(&self, script: &Script) {
        let now = self.uses.load(Ordering::Relaxed) + 1;
        self.uses.store(now, Ordering::Relaxed);
        script.used.store(now, Ordering::Relaxed);
    }

    /// Forgets all scripts.
    pub fn flush(&self) {
        let known = std::mem::take(&mut *self.known.lock());
        for script in known.scripts.values() {
            script.gone.store(true, Ordering::Release);
        }
        self.flushes.fetch_add(1, Ordering::Release);
    }

    /// How often all scripts were forgotten.
    pub fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Acquire)
    }

    /// How many scripts are known, and the bytes that they take.
    pub fn figures(&self) -> (usize, usize) {
        let known = self.known.lock();
        (known.scripts.len(), known.bytes)
    }

    /// How many had to make room.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_declares_what_a_script_is() {
        let (flags, code) = declarations(b"#!lua flags=no-writes,allow-oom\nreturn 1").unwrap();
        assert!(flags.no_writes && flags.allow_oom && !flags.is_undeclared);
        assert_eq!(code, b"\nreturn 1");
        assert!(declarations(b"return 1").unwrap().0.is_undeclared);
        for wrong in [
            &b"#!lua"[..],
            b"#!lua flags=x\n",
            b"#!lua name=x\n",
            b"#!python\n",
            b"#!\n",
        ] {
            assert!(declarations(wrong).is_err());
        }
    }

    #[test]
    fn the_oldest_unpinned_script_makes_room() {
        let scripts = Scripts::default();
        let sha = |n: usize| -> Sha { format!("{n:040}").into_bytes().try_into().unwrap() };
        let pinned = scripts.add(sha(9999), b"p", Flags::default(), true);
        let all: Vec<_> = (0..MAX_UNPINNED)
            .map(|n| scripts.add(sha(n), b"x", Flags::default(), false))
            .collect();
        all.iter().for_each(|script| scripts.note_use(script));
        scripts.note_use(&all[0]);
        scripts.add(sha(8888), b"y", Flags::default(), false);
        assert!(all[1].is_gone() && !all[0].is_gone() && !pinned.is_gone());
        assert_eq!(scripts.figures().0, MAX_UNPINNED + 1);
        assert_eq!(scripts.evicted(), 1);
        scripts.flush();
        assert!(pinned.is_gone() && scripts.find(&sha(0)).is_none());
    }
}
