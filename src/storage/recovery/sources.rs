//! Which files of a data directory hold the data.
//!
//! | `appendonly` | found | loaded |
//! |---|---|---|
//! | yes | `<appenddirname>/<appendfilename>.manifest` | the files it lists: the base, then the increments |
//! | yes | `<appendfilename>` in the data directory, as Redis kept it before 7.0 | that, which becomes the first base |
//! | yes | only the snapshot | that, which becomes the first base too |
//! | no | the snapshot | that |
//!
//! The third row departs from Redis, which starts empty there and ignores the snapshot: whoever moves in with the snapshot of a Redis that
//! kept no log has not asked to lose it. Nothing at all is a fresh start; files of a log that no manifest lists are not nothing.

use super::failure::Failure;
use super::keep;
use crate::base::disk::Disk;
use crate::storage::aof::files::Place;
use crate::storage::aof::manifest::{File, Manifest};
use crate::storage::rdb::{Item, Splitter};
use std::io;
use std::path::{Path, PathBuf};

/// What the name of a file ends with that is being written to replace another.
const TEMPORARY_EXTENSION: &str = ".tmp";

/// Where a data directory's files are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The log.
    pub log: Place,
    /// The name of the snapshot in the data directory.
    pub dbfilename: String,
}

impl Places {
    /// The snapshot.
    pub fn snapshot(&self) -> PathBuf {
        self.log.dir.join(&self.dbfilename)
    }

    /// A log in one file, as it was kept before Redis 7.0.
    pub fn old_log(&self) -> PathBuf {
        self.log.dir.join(&self.log.name)
    }

    /// A file that a manifest lists.
    pub fn listed(&self, file: &File) -> PathBuf {
        self.log.folder().join(&file.name)
    }
}

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// There is none.
    Nothing,
    /// In a snapshot.
    Snapshot,
    /// In the files that a manifest lists.
    Log(Manifest),
    /// In a log of one file in the data directory.
    OldLog,
}

/// Finds the data. Changes nothing.
pub fn find(places: &Places, disk: &dyn Disk, with_log: bool) -> Result<Source, Failure> {
    if with_log {
        if exists(disk, &places.log.manifest())? {
            return listed(places, disk);
        }
        if exists(disk, &places.old_log())? {
            return Ok(Source::OldLog);
        }
        refuse_orphans(places, disk)?;
    }
    match exists(disk, &places.snapshot())? {
        true => Ok(Source::Snapshot),
        false => Ok(Source::Nothing),
    }
}

/// True if there is a log that is not looked at while `appendonly` is no.
pub fn has_log(places: &Places, disk: &dyn Disk) -> bool {
    [places.log.manifest(), places.old_log()]
        .iter()
        .any(|path| disk.len(path).is_ok_and(|bytes| bytes > 0))
}

fn listed(places: &Places, disk: &dyn Disk) -> Result<Source, Failure> {
    let path = places.log.manifest();
    let text = disk
        .read_all(&path)
        .map_err(|error| Failure::io(&path, "read", &error))?;
    let manifest = Manifest::parse(&text).map_err(|error| {
        Failure::of(
            &path,
            format!("the manifest is not valid: {error}"),
            "restore it from a backup, or put it right by hand: one line for each file, \
             'file <name> seq <n> type <b|i>'",
        )
    })?;
    // Redis lists the old log's file before it moves it, and may have died between the two.
    let is_old_log = |base: &File| base.name == places.log.name;
    if let Some(base) = manifest.base.as_ref().filter(|base| is_old_log(base))
        && manifest.increments.is_empty()
        && !exists(disk, &places.listed(base))?
        && exists(disk, &places.old_log())?
    {
        return Ok(Source::OldLog);
    }
    for file in manifest.base.iter().chain(&manifest.increments) {
        let listed = places.listed(file);
        if !exists(disk, &listed)? {
            return Err(Failure::of(
                &listed,
                format!(
                    "the manifest {} lists it, but it is not there",
                    path.display()
                ),
                "restore it from a backup; or take its line out of the manifest, which loses what it held",
            ));
        }
    }
    Ok(Source::Log(manifest))
}

/// A base or an increment that no manifest lists holds data that a fresh start would ignore and overwrite.
fn refuse_orphans(places: &Places, disk: &dyn Disk) -> Result<(), Failure> {
    let dir = places.log.folder();
    let names = match disk.list(&dir) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::io(&dir, "list", &error)),
    };
    // What has a temporary name was never listed: whoever wrote it died, and what it was a copy of is still there.
    let may_be_listed =
        |name: &&String| name.starts_with(&places.log.name) && !name.ends_with(TEMPORARY_EXTENSION);
    for name in names.iter().filter(may_be_listed) {
        let path = dir.join(name);
        let is_base = name.contains(".base.") || *name == places.log.name;
        let holds_data = match is_base {
            true => base_holds_data(&path, places, disk),
            false if name.contains(".incr.") => disk.len(&path).map(|bytes| bytes > 0),
            false => Ok(false),
        };
        if holds_data.map_err(|error| Failure::io(&path, "read", &error))? {
            return Err(Failure::of(
                &path,
                format!(
                    "it holds a part of a log, but {} is missing",
                    places.log.manifest().display()
                ),
                "restore the manifest, or move the directory away to start without it",
            ));
        }
    }
    Ok(())
}

/// Whoever dies while a log begins leaves a base that holds nothing yet, or the copy of a snapshot that is still there.
fn base_holds_data(path: &Path, places: &Places, disk: &dyn Disk) -> io::Result<bool> {
    let bytes = disk.len(path)?;
    let is_copy = || keep::is_same(path, &places.snapshot(), disk);
    Ok(bytes > 0 && !is_empty_snapshot(path, disk)? && !is_copy()?)
}

fn is_empty_snapshot(path: &Path, disk: &dyn Disk) -> io::Result<bool> {
    // What cannot be read as a snapshot holds something.
    let Ok(mut items) = Splitter::new(disk.read(path)?) else {
        return Ok(false);
    };
    loop {
        match items.next() {
            Ok(Some(Item::Aux { .. } | Item::Sizes { .. })) => {}
            Ok(None) => return Ok(true),
            Ok(Some(_)) | Err(_) => return Ok(false),
        }
    }
}

fn exists(disk: &dyn Disk, path: &Path) -> Result<bool, Failure> {
    match disk.len(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::io(path, "look at", &error)),
    }
}
