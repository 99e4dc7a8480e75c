//! Making a data directory such that the log can go on where it ended.
//!
//! Every step may be the last one before a crash: the next start finds the same data.

use super::failure::Failure;
use super::load::Loaded;
use super::sources::{Places, Source};
use super::tail::Tail;
use crate::base::disk::{Disk, DiskFile};
use crate::storage::aof::manifest::{File, Manifest};
use crate::storage::aof::segment;
use std::io::{self, Read};
use std::path::Path;
use tracing::{info, warn};

/// Bytes copied at once.
const COPIED_BYTES: usize = 1024 * 1024;

/// Settles what was loaded with a log; returns the list of the log's files, if there is a log.
pub fn settle(
    loaded: &Loaded,
    places: &Places,
    disk: &dyn Disk,
    cuts_torn_tail: bool,
) -> Result<Option<Manifest>, Failure> {
    if let Some((path, torn)) = loaded.tail() {
        if !cuts_torn_tail {
            return Err(torn_but_kept(path, torn));
        }
        tell(path, torn);
        cut(path, torn.at, disk).map_err(|error| Failure::io(path, "cut", &error))?;
    }
    if let Some((path, at)) = loaded.open_at() {
        end_filler(path, at, disk).map_err(|error| Failure::io(path, "cut", &error))?;
    }
    match &loaded.source {
        Source::Nothing => Ok(None),
        Source::Log(manifest) => Ok(Some(manifest.clone())),
        Source::OldLog => adopt_old_log(places, disk)
            .map(Some)
            .map_err(|error| Failure::io(&places.log.folder(), "move the log into", &error)),
        Source::Snapshot => adopt_snapshot(loaded, places, disk)
            .map(Some)
            .map_err(|error| Failure::io(&places.log.folder(), "begin a log in", &error)),
    }
}

fn torn_but_kept(path: &Path, torn: &Tail) -> Failure {
    Failure::of(
        path,
        format!(
            "the log ends inside a command: its last {} bytes are not whole",
            torn.bytes
        ),
        "start with --aof-load-truncated yes to cut them",
    )
    .at(torn.at)
}

fn tell(path: &Path, torn: &Tail) {
    let unwritten = match torn.unwritten {
        0 => String::new(),
        unwritten => format!(" ({unwritten} of them zeros or filler)"),
    };
    warn!(
        "{}: the log was being written when it ended: {} bytes{unwritten} that are not a whole command are cut, from offset {} on",
        path.display(),
        torn.bytes,
        torn.at
    );
}

fn cut(path: &Path, at: u64, disk: &dyn Disk) -> io::Result<()> {
    let mut file = disk.append(path)?;
    file.truncate(at)?;
    file.sync()
}

/// The log may go on plain behind what was filled ahead.
fn end_filler(path: &Path, at: u64, disk: &dyn Disk) -> io::Result<()> {
    let mut file = disk.append(path)?;
    file.seek(at)?;
    segment::mark_end(&mut *file, at)
}

/// A log of one file becomes the base, under its old name, as with Redis.
fn adopt_old_log(places: &Places, disk: &dyn Disk) -> io::Result<Manifest> {
    let (old, base) = (places.old_log(), File::new(places.log.name.clone(), 1));
    let listed = places.listed(&base);
    let manifest = begin_log(&old, disk.len(&old)?, base, places, disk)?;
    disk.remove(&old)?;
    disk.sync_dir(&places.log.dir)?;
    info!(
        "{}: moved to {}, where it is the base of the log",
        old.display(),
        listed.display()
    );
    Ok(manifest)
}

/// The snapshot becomes the base. It stays what it is, and whoever overwrites it does not touch the base.
fn adopt_snapshot(loaded: &Loaded, places: &Places, disk: &dyn Disk) -> io::Result<Manifest> {
    let base = File::new(format!("{}.1.base.rdb", places.log.name), 1);
    let listed = places.listed(&base);
    let bytes = loaded.files.iter().map(|file| file.snapshot_bytes).sum();
    let manifest = begin_log(&places.snapshot(), bytes, base, places, disk)?;
    info!(
        "{}: there was no log yet: its data is the base of a new one, {}",
        places.snapshot().display(),
        listed.display()
    );
    Ok(manifest)
}

/// Begins a log whose base is a copy of the first `bytes` of `source`. The copy is whole and durable before it has its name, and has that
/// before it is listed.
fn begin_log(
    source: &Path,
    bytes: u64,
    base: File,
    places: &Places,
    disk: &dyn Disk,
) -> io::Result<Manifest> {
    let (folder, listed) = (places.log.folder(), places.listed(&base));
    disk.create_dir(&folder)?;
    disk.sync_dir(&places.log.dir)?;
    let temporary = listed.with_extension("tmp");
    let mut copied = disk.create(&temporary)?;
    copy(&mut disk.read(source)?.take(bytes), &mut *copied)?;
    copied.sync()?;
    disk.rename(&temporary, &listed)?;
    disk.sync_dir(&folder)?;
    let manifest = Manifest {
        base: Some(base),
        ..Manifest::default()
    };
    disk.replace(&places.log.manifest(), manifest.to_text().as_bytes())?;
    Ok(manifest)
}

pub(super) fn copy(from: &mut dyn Read, to: &mut dyn DiskFile) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        if from.take(COPIED_BYTES as u64).read_to_end(&mut buffer)? == 0 {
            return Ok(());
        }
        to.write_all(&buffer)?;
        to.start_writeback();
    }
}
