//! A disk in memory for tests, which knows what would survive: it makes any call fail or fall short, fills up, and loses power.
//!
//! ```text
//! file   content    what reads see, what survives the death of the process
//!        durable    what surely survives the loss of power: the content at the last sync
//! names  current, and as they were at the last sync of their directory
//! ```
//!
//! Of what was written over and not synced, any of the sectors survive; of what a file has grown by, a part that ends anywhere.
//!
//! A failed sync drops what it should have made durable: the bytes can be read on, but a later sync does not make them durable (what was there
//! before, or zeroes, are there after the power is lost) unless they are written again. Kernels behave so.
//!
//! Calls are counted from 1, whatever they do. Directories are durable when made.

use super::disk::{Disk, DiskFile};
use parking_lot::Mutex;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What reaches a disk as a whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// Creates a file.
    Create,
    /// Opens a file to write at its end, or to read.
    Open,
    /// Writes.
    Write,
    /// Syncs a file.
    Sync,
    /// Truncates a file.
    Truncate,
    /// Renames, links or removes a file, or makes a directory.
    Name,
    /// Lists a directory or asks for a file's length.
    Look,
    /// Syncs a directory.
    SyncDir,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails.
    Fail(ErrorKind),
    /// A write writes only half of its bytes; any other call fails.
    Short,
    /// This call and all later ones fail, as if the power were cut just before it.
    Dead,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    /// Bytes of the content that a failed sync has dropped.
    dropped: Vec<Range<usize>>,
}

impl Inode {
    /// What differs from what is durable, from the first byte to the last.
    fn unsynced(&self) -> Range<usize> {
        let differs = |(a, b): (&u8, &u8)| a != b;
        let mut pairs = self.content.iter().zip(&self.durable);
        let common = pairs.len();
        let begin = pairs.position(differs).unwrap_or(common);
        let mut pairs = self.content[..common].iter().zip(&self.durable[..common]);
        let end = match self.content.len() > common {
            true => self.content.len(),
            false => pairs.rposition(differs).map_or(begin, |last| last + 1),
        };
        begin..end
    }

    /// The content without what failed syncs have dropped.
    fn reaching(&self) -> Vec<u8> {
        let mut content = self.content.clone();
        for at in self.dropped.iter().cloned().flatten() {
            content[at] = self.durable.get(at).copied().unwrap_or(0);
        }
        content
    }

    fn sync(&mut self) {
        self.durable = self.reaching();
    }

    fn drop_unsynced(&mut self) {
        let unsynced = self.unsynced();
        if !unsynced.is_empty() {
            self.dropped.push(unsynced);
        }
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        self.content.resize(self.content.len().max(end), 0);
        self.content[at..end].copy_from_slice(bytes);
        self.undrop(at..end);
    }

    fn truncate(&mut self, len: usize) {
        self.content.resize(len, 0);
        self.undrop(len..usize::MAX);
    }

    /// What stands in `range` is written anew.
    fn undrop(&mut self, range: Range<usize>) {
        let rest = |dropped: Range<usize>| {
            let before = dropped.start..dropped.end.min(range.start);
            let behind = dropped.start.max(range.end)..dropped.end;
            [before, behind].into_iter().filter(|part| !part.is_empty())
        };
        self.dropped = self.dropped.drain(..).flat_map(rest).collect();
    }
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    calls: u64,
    faults: BTreeMap<u64, Fault>,
    broken: BTreeMap<Op, ErrorKind>,
    capacity_bytes: Option<usize>,
    dead: bool,
}

/// See the module's description. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// Number of calls so far.
    pub fn calls(&self) -> u64 {
        self.0.lock().calls
    }

    /// Call number `call` meets `fault`.
    pub fn fail_at(&self, call: u64, fault: Fault) {
        self.0.lock().faults.insert(call, fault);
    }

    /// From now on, all calls of the kind fail.
    pub fn break_op(&self, op: Op, error: ErrorKind) {
        self.0.lock().broken.insert(op, error);
    }

    /// Everything works again; what was dropped stays dropped.
    pub fn mend(&self) {
        let mut state = self.0.lock();
        state.broken.clear();
        state.faults.clear();
        state.capacity_bytes = None;
    }

    /// The files may hold this many bytes together.
    pub fn set_capacity(&self, bytes: usize) {
        self.0.lock().capacity_bytes = Some(bytes);
    }

    /// The content of a file as a reader sees it now.
    pub fn content(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.0.lock();
        let file = *state.names.get(path.as_ref())?;
        Some(state.files[file].content.clone())
    }

    /// Puts a file there, durable.
    pub fn put(&self, path: impl AsRef<Path>, content: &[u8]) {
        let mut state = self.0.lock();
        let file = state.files.len();
        state.files.push(Inode {
            content: content.to_vec(),
            durable: content.to_vec(),
            dropped: Vec::new(),
        });
        state.names.insert(path.as_ref().into(), file);
        state.durable_names.insert(path.as_ref().into(), file);
    }

    /// The disk as the next process finds it when this one has died: all that was written is there.
    pub fn after_crash(&self) -> SimDisk {
        let state = self.0.lock();
        let kept = state.names.iter().map(|(path, &file)| {
            let content = state.files[file].content.clone();
            (path.clone(), content)
        });
        SimDisk::with(kept.collect())
    }

    /// The disk as it comes up after the power was cut: what was not synced is there, is not, or is there in part, as `seed` chooses.
    pub fn after_power_cut(&self, seed: u64) -> SimDisk {
        let state = self.0.lock();
        let mut chance = Chance(seed);
        let mut names = BTreeMap::new();
        let all: BTreeSet<&PathBuf> = state
            .names
            .keys()
            .chain(state.durable_names.keys())
            .collect();
        for path in all {
            let (now, durable) = (state.names.get(path), state.durable_names.get(path));
            let file = if chance.below(2) == 0 { durable } else { now };
            if let Some(&file) = file {
                names.insert(path.clone(), survivor(&state.files[file], &mut chance));
            }
        }
        SimDisk::with(names)
    }

    fn with(files: BTreeMap<PathBuf, Vec<u8>>) -> SimDisk {
        let disk = SimDisk::default();
        for (path, content) in files {
            disk.put(path, &content);
        }
        disk
    }

    /// Counts a call; Err if it is to fail, Ok(true) if it is to fall short.
    fn call(&self, op: Op) -> io::Result<bool> {
        let mut state = self.0.lock();
        state.calls += 1;
        let number = state.calls;
        let fault = state.faults.remove(&number);
        state.dead |= fault == Some(Fault::Dead);
        if state.dead {
            return Err(io::Error::other("the power is off"));
        }
        if let Some(&kind) = state.broken.get(&op) {
            return Err(kind.into());
        }
        match fault {
            Some(Fault::Fail(kind)) => Err(kind.into()),
            Some(Fault::Short) if op == Op::Write => Ok(true),
            Some(_) => Err(ErrorKind::Other.into()),
            None => Ok(false),
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let state = self.0.lock();
        state
            .names
            .get(path)
            .copied()
            .ok_or(ErrorKind::NotFound.into())
    }

    fn open(&self, file: usize) -> Box<dyn DiskFile> {
        let at = self.0.lock().files[file].content.len();
        Box::new(SimFile {
            disk: self.clone(),
            file,
            at,
        })
    }
}

/// What a file holds after the power was cut.
fn survivor(inode: &Inode, chance: &mut Chance) -> Vec<u8> {
    let mut content = inode.reaching();
    match chance.below(3) {
        0 => return inode.durable.clone(),
        1 => return content,
        _ => {}
    }
    let old = inode.durable.len().min(content.len());
    for at in (0..old).step_by(SECTOR_BYTES) {
        let sector = at..(at + SECTOR_BYTES).min(old);
        if chance.below(2) == 0 {
            content[sector.clone()].copy_from_slice(&inode.durable[sector]);
        }
    }
    let grown = content.len() - old;
    content.truncate(old + chance.below(grown as u64 + 1) as usize);
    content
}

/// Numbers from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: usize,
    /// Where the next write goes.
    at: usize,
}

impl DiskFile for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let short = self.disk.call(Op::Write)?;
        let mut state = self.disk.0.lock();
        let used: usize = state.files.iter().map(|file| file.content.len()).sum();
        let room = state
            .capacity_bytes
            .map_or(usize::MAX, |capacity| capacity.saturating_sub(used));
        let wanted = match short {
            true => bytes.len().div_ceil(2),
            false => bytes.len(),
        };
        let inode = &mut state.files[self.file];
        let n = wanted.min(room.saturating_add(inode.content.len() - self.at));
        if n == 0 && !bytes.is_empty() {
            return Err(ErrorKind::StorageFull.into());
        }
        inode.write(self.at, &bytes[..n]);
        self.at += n;
        Ok(n)
    }

    fn seek(&mut self, at: u64) -> io::Result<()> {
        self.at = at as usize;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let outcome = self.disk.call(Op::Sync);
        let mut state = self.disk.0.lock();
        let dead = state.dead;
        let inode = &mut state.files[self.file];
        match outcome {
            Ok(_) => inode.sync(),
            Err(_) if dead => {}
            Err(_) => inode.drop_unsynced(),
        }
        outcome.map(drop)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.disk.call(Op::Truncate)?;
        self.disk.0.lock().files[self.file].truncate(len as usize);
        self.at = len as usize;
        Ok(())
    }

    fn share(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.disk.open(self.file))
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Op::Create)?;
        let mut state = self.0.lock();
        if let Some(&file) = state.names.get(path) {
            state.files[file].truncate(0);
            drop(state);
            return Ok(self.open(file));
        }
        let file = state.files.len();
        state.files.push(Inode::default());
        state.names.insert(path.into(), file);
        drop(state);
        Ok(self.open(file))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Op::Open)?;
        Ok(self.open(self.find(path)?))
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.call(Op::Open)?;
        let file = self.find(path)?;
        let content = self.0.lock().files[file].content.clone();
        Ok(Box::new(Cursor::new(content)))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        self.call(Op::Look)?;
        let file = self.find(path)?;
        Ok(self.0.lock().files[file].content.len() as u64)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(Op::Name)?;
        let mut state = self.0.lock();
        let file = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.into(), file);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(Op::Name)?;
        let file = self.find(from)?;
        match self.0.lock().names.entry(to.into()) {
            Entry::Occupied(_) => Err(ErrorKind::AlreadyExists.into()),
            Entry::Vacant(name) => {
                name.insert(file);
                Ok(())
            }
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(Op::Name)?;
        let removed = self.0.lock().names.remove(path);
        removed.map(drop).ok_or(ErrorKind::NotFound.into())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.call(Op::Look)?;
        let state = self.0.lock();
        let inside = state
            .names
            .keys()
            .filter(|path| path.parent() == Some(dir))
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Ok(inside.collect())
    }

    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        self.call(Op::Name).map(drop)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.call(Op::SyncDir)?;
        let mut state = self.0.lock();
        let state = &mut *state;
        state
            .durable_names
            .retain(|path, _| path.parent() != Some(dir));
        let inside = state
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir));
        state
            .durable_names
            .extend(inside.map(|(path, &file)| (path.clone(), file)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(disk: &SimDisk, path: &str) -> BTreeSet<Option<Vec<u8>>> {
        (0..64)
            .map(|seed| disk.after_power_cut(seed).content(path))
            .collect()
    }

    #[test]
    fn power_takes_what_was_not_synced() {
        let disk = SimDisk::default();
        let path = Path::new("/d/a");
        let mut file = disk.create(path).expect("it works");
        file.write_all(b"one").expect("it works");
        file.sync().expect("it works");
        assert!(contents(&disk, "/d/a").contains(&None));
        disk.sync_dir(Path::new("/d")).expect("it works");
        assert_eq!(contents(&disk, "/d/a"), [Some(b"one".to_vec())].into());
        file.write_all(b"two").expect("it works");
        let possible = contents(&disk, "/d/a");
        for kept in [&b"one"[..], b"onet", b"onetwo"] {
            assert!(possible.contains(&Some(kept.to_vec())), "{kept:?}");
        }
        assert_eq!(disk.after_crash().content(path), Some(b"onetwo".to_vec()));
    }

    #[test]
    fn of_what_is_written_over_any_sectors_survive() {
        let disk = SimDisk::default();
        disk.put("/a", &[0; 4 * SECTOR_BYTES]);
        let mut file = disk.append(Path::new("/a")).expect("it works");
        file.seek(0).expect("it works");
        file.write_all(&[1; 3 * SECTOR_BYTES]).expect("it works");
        let of = |content: Option<Vec<u8>>| {
            let content = content.expect("it is there");
            content.chunks(SECTOR_BYTES).map(|c| c[0]).collect()
        };
        let found: BTreeSet<Vec<u8>> = contents(&disk, "/a").into_iter().map(of).collect();
        for survivors in [[0, 0, 0, 0], [1, 1, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0]] {
            assert!(found.contains(&survivors[..]), "{found:?}");
        }
        assert!(found.iter().all(|sectors| sectors[3] == 0));
        file.sync().expect("it works");
        assert_eq!(contents(&disk, "/a").len(), 1);
    }

    #[test]
    fn a_failed_sync_leaves_what_was_there_before() {
        let disk = SimDisk::default();
        disk.put("/a", b"before");
        let mut file = disk.append(Path::new("/a")).expect("it works");
        file.seek(0).expect("it works");
        file.write_all(b"behind").expect("it works");
        disk.break_op(Op::Sync, ErrorKind::Other);
        assert!(file.sync().is_err());
        disk.mend();
        file.sync().expect("it works");
        assert_eq!(contents(&disk, "/a"), [Some(b"before".to_vec())].into());
        file.seek(0).expect("it works");
        file.write_all(b"beh").expect("it works");
        file.sync().expect("it works");
        assert_eq!(contents(&disk, "/a"), [Some(b"behore".to_vec())].into());
    }

    #[test]
    fn a_failed_sync_drops_for_good() {
        let disk = SimDisk::default();
        let mut file = disk.create(Path::new("/a")).expect("it works");
        disk.sync_dir(Path::new("/")).expect("it works");
        file.write_all(b"xy").expect("it works");
        disk.break_op(Op::Sync, ErrorKind::Other);
        assert!(file.sync().is_err());
        disk.mend();
        file.sync().expect("it works");
        assert!(!contents(&disk, "/a").contains(&Some(b"xy".to_vec())));
        file.truncate(0).expect("it works");
        file.write_all(b"xy").expect("it works");
        file.sync().expect("it works");
        assert_eq!(contents(&disk, "/a"), [Some(b"xy".to_vec())].into());
    }

    #[test]
    fn faults_meet_the_call_they_are_meant_for() {
        let disk = SimDisk::default();
        disk.fail_at(2, Fault::Short);
        disk.fail_at(4, Fault::Fail(ErrorKind::PermissionDenied));
        disk.fail_at(6, Fault::Dead);
        let mut file = disk.create(Path::new("/a")).expect("it works");
        assert_eq!(file.write(b"abcd").expect("it works"), 2);
        assert_eq!(file.write(b"cd").expect("it works"), 2);
        let refused = file.write(b"e").map_err(|error| error.kind());
        assert_eq!(refused.unwrap_err(), ErrorKind::PermissionDenied);
        disk.set_capacity(5);
        assert_eq!(file.write(b"ef").expect("it works"), 1);
        assert!(file.sync().is_err() && file.write(b"f").is_err());
        assert_eq!(disk.content("/a"), Some(b"abcde".to_vec()));
    }
}
