//! Keeping the files of which something was left out, as they are, before what is in memory takes their place.
//!
//! ```text
//!   data/before-skip-1/dump.rdb              another name of the file; only what goes on being written, or is cut, is copied
//!   data/before-skip-1/appendonlydir/...     a data directory again, for a server that knows what was left out
//! ```
//!
//! Nobody removes them but whoever runs the server.

use super::failure::Failure;
use super::load::Loaded;
use super::settle::copy;
use super::sources::{Places, Source};
use crate::base::disk::Disk;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What the folder's name begins with; a number follows.
const FOLDER: &str = "before-skip-";
/// Bytes compared at once.
const COMPARED_BYTES: u64 = 1024 * 1024;

/// A file to keep.
struct Original {
    path: PathBuf,
    /// Its content may change; otherwise only its name comes to mean another file.
    changes: bool,
}

/// Keeps what was loaded; returns the folder, which an earlier start may have made.
pub fn keep(loaded: &Loaded, places: &Places, disk: &dyn Disk) -> Result<PathBuf, Failure> {
    let originals = originals(loaded, places);
    let dir = &places.log.dir;
    let mut number = 1;
    loop {
        let folder = dir.join(format!("{FOLDER}{number}"));
        let failed = |error| Failure::io(&folder, "keep what is left out in", &error);
        if !is_taken(&folder, &originals, dir, disk) {
            fill(&folder, &originals, dir, disk).map_err(failed)?;
            return Ok(folder);
        }
        if holds_all(&folder, &originals, dir, disk).map_err(failed)? {
            return Ok(folder);
        }
        number += 1;
    }
}

fn originals(loaded: &Loaded, places: &Places) -> Vec<Original> {
    let mut originals: Vec<_> = loaded
        .files
        .iter()
        .map(|file| Original {
            path: file.path.clone(),
            changes: false,
        })
        .collect();
    if loaded.source != Source::Snapshot
        && let Some(last) = originals.last_mut()
    {
        last.changes = true;
    }
    if matches!(loaded.source, Source::Log(_)) {
        originals.push(Original {
            path: places.log.manifest(),
            changes: false,
        });
    }
    originals
}

/// The place of a file of the data directory in `folder`.
fn place(folder: &Path, path: &Path, dir: &Path) -> PathBuf {
    folder.join(path.strip_prefix(dir).unwrap_or(path))
}

fn is_taken(folder: &Path, originals: &[Original], dir: &Path, disk: &dyn Disk) -> bool {
    let is_there = |original: &Original| disk.len(&place(folder, &original.path, dir)).is_ok();
    disk.len(folder).is_ok() || originals.iter().any(is_there)
}

fn holds_all(
    folder: &Path,
    originals: &[Original],
    dir: &Path,
    disk: &dyn Disk,
) -> io::Result<bool> {
    for original in originals {
        if !is_same(&original.path, &place(folder, &original.path, dir), disk)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether both files are there with the same content.
pub(super) fn is_same(one: &Path, other: &Path, disk: &dyn Disk) -> io::Result<bool> {
    if disk.len(other).ok() != Some(disk.len(one)?) {
        return Ok(false);
    }
    let (mut one, mut other) = (disk.read(one)?, disk.read(other)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        for (reader, bytes) in [(&mut one, &mut left), (&mut other, &mut right)] {
            bytes.clear();
            reader.take(COMPARED_BYTES).read_to_end(bytes)?;
        }
        if left != right || left.is_empty() {
            return Ok(left == right);
        }
    }
}

fn fill(folder: &Path, originals: &[Original], dir: &Path, disk: &dyn Disk) -> io::Result<()> {
    disk.create_dir(folder)?;
    for original in originals {
        let place = place(folder, &original.path, dir);
        let parent = place.parent().unwrap_or(folder);
        disk.create_dir(parent)?;
        // Not every file system gives a file two names.
        if original.changes || disk.link(&original.path, &place).is_err() {
            let mut copied = disk.create(&place)?;
            copy(&mut *disk.read(&original.path)?, &mut *copied)?;
            copied.sync()?;
        }
        disk.sync_dir(parent)?;
    }
    disk.sync_dir(folder)?;
    disk.sync_dir(dir)
}
