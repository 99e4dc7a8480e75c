//! Reading the files of a data directory into a keyspace, one after the other. Changes no file.

use super::aof::{self, Replay};
use super::failure::{Failure, Interrupted};
use super::input::Input;
use super::progress::Progress;
use super::snapshot::{self, LeftOut, Manner};
use super::sources::{self, Places, Source};
use super::tail::Tail;
use crate::base::disk::Disk;
use crate::keyspace::Keyspace;
use std::path::{Path, PathBuf};

/// What a file that holds a snapshot begins with.
const SNAPSHOT_SIGNS: [&[u8]; 2] = [b"REDIS", b"VALKEY"];

/// Where to load from, and into what.
#[derive(Clone, Copy)]
pub struct Loader<'a> {
    /// The disk.
    pub disk: &'a dyn Disk,
    /// Where the files are.
    pub places: &'a Places,
    /// True with `appendonly yes`.
    pub with_log: bool,
    /// Where the data goes.
    pub keyspace: &'a Keyspace,
    /// How values come there.
    pub manner: Manner,
    /// Hears how far it came.
    pub progress: &'a Progress,
}

/// What was in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// How much of that is a snapshot.
    pub snapshot_bytes: u64,
    /// Commands that were replayed.
    pub commands: u64,
    /// What is not whole at its end.
    pub tail: Option<Tail>,
    /// Where the next parcel would stand, if it was filled ahead and ends so.
    pub open_at: Option<u64>,
}

impl FileContent {
    /// Bytes that are neither torn nor filler.
    pub fn sound_bytes(&self) -> u64 {
        let torn = self.tail.as_ref().map(|tail| tail.at);
        torn.or(self.open_at).unwrap_or(self.bytes)
    }
}

/// What was in a data directory.
#[derive(Debug)]
pub struct Loaded {
    /// Where it was.
    pub source: Source,
    /// The files, in the order in which they were read.
    pub files: Vec<FileContent>,
    /// What they held that is not in the keyspace.
    pub left_out: LeftOut,
}

impl Loaded {
    /// The unsound end of the last file.
    pub fn tail(&self) -> Option<(&Path, &Tail)> {
        let last = self.files.last()?;
        Some((&last.path, last.tail.as_ref()?))
    }

    /// Where the last file ends as one that is filled ahead.
    pub fn open_at(&self) -> Option<(&Path, u64)> {
        let last = self.files.last()?;
        Some((&last.path, last.open_at?))
    }
}

impl Loader<'_> {
    /// Loads all there is; `target` runs the commands of a log.
    pub fn load(&self, target: &mut dyn Replay) -> Result<Loaded, Interrupted> {
        let source = sources::find(self.places, self.disk, self.with_log)?;
        let paths = match &source {
            Source::Nothing => Vec::new(),
            Source::Snapshot => vec![self.places.snapshot()],
            Source::OldLog => vec![self.places.old_log()],
            Source::Log(manifest) => {
                let files = manifest.base.iter().chain(&manifest.increments);
                files.map(|file| self.places.listed(file)).collect()
            }
        };
        let mut lengths = Vec::new();
        for path in &paths {
            let bytes = self.disk.len(path);
            lengths.push(bytes.map_err(|error| Failure::io(path, "look at", &error))?);
        }
        self.progress
            .begin(self.manner.now_ms / 1000, lengths.iter().sum());
        let mut loaded = Loaded {
            source,
            files: Vec::new(),
            left_out: LeftOut::default(),
        };
        for (path, bytes) in paths.iter().zip(lengths) {
            if let Some((path, tail)) = loaded.tail() {
                return Err(torn_before_the_last(path, tail).into());
            }
            let content = self.load_file(path, bytes, &mut loaded, target)?;
            loaded.files.push(content);
        }
        loaded.left_out.append(target.left_out());
        Ok(loaded)
    }

    fn load_file(
        &self,
        path: &Path,
        bytes: u64,
        loaded: &mut Loaded,
        target: &mut dyn Replay,
    ) -> Result<FileContent, Interrupted> {
        let unreadable = |error| Failure::io(path, "read", &error);
        let mut input = Input::new(self.disk.read(path).map_err(unreadable)?);
        let mut content = FileContent {
            path: path.into(),
            bytes,
            snapshot_bytes: 0,
            commands: 0,
            tail: None,
            open_at: None,
        };
        let longest_sign = SNAPSHOT_SIGNS[1].len();
        input.fill(longest_sign).map_err(unreadable)?;
        let is_snapshot = |sign: &&[u8]| input.view().starts_with(sign);
        let is_log = loaded.source != Source::Snapshot;
        if !is_log || SNAPSHOT_SIGNS.iter().any(is_snapshot) {
            let manner = self.manner;
            let (rest, left) = snapshot::load(path, input, self.keyspace, manner, self.progress)?;
            match is_log {
                true => target.leave_out(left),
                false => loaded.left_out.append(left),
            }
            content.snapshot_bytes = rest.offset();
            input = rest;
        }
        if is_log {
            let replayed = aof::replay(path, input, self.progress, target)?;
            content.commands = replayed.commands;
            content.tail = replayed.tail;
            content.open_at = replayed.open_at;
        }
        Ok(content)
    }
}

fn torn_before_the_last(path: &Path, tail: &Tail) -> Failure {
    Failure::of(
        path,
        format!(
            "the log is corrupt: the file ends inside a command ({} bytes of it), but it is not the last of the log",
            tail.bytes
        ),
        super::tail::RESTORE,
    )
    .at(tail.at)
}
