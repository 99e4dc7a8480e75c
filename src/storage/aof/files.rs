//! The directory of the log's files: every change of it is safe against a crash at any moment.
//!
//! A file is made, synced and its name synced before the manifest names it; a manifest is written beside and renamed; files go only
//! after a manifest without them is durable. So whatever manifest is found after a crash, all it names is there.
//!
//! A base whose manifest cannot be written gets its temporary name back, unless that manifest may be found all the same; what is left of
//! the log's names goes when a later manifest without it is durable.
//!
//! When the log is turned on while the server runs, its increments are *unlisted* until the first base is there: the manifest that may
//! be left from earlier times stays in force until then.

use super::manifest::{File, Manifest};
use crate::base::disk::{Disk, DiskFile};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A snapshot of nothing at all.
const EMPTY_RDB: &[u8] = b"REDIS0010\xff\0\0\0\0\0\0\0\0";

/// How a base says the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseFormat {
    /// As a snapshot.
    Rdb,
    /// As commands.
    Commands,
}

impl BaseFormat {
    fn extension(self) -> &'static str {
        match self {
            BaseFormat::Rdb => "rdb",
            BaseFormat::Commands => "aof",
        }
    }
}

/// Where the files are.
#[derive(Clone, Debug)]
pub struct Place {
    /// The data directory.
    pub dir: PathBuf,
    /// The directory of the log within it (`appenddirname`).
    pub folder: String,
    /// What its files' names begin with (`appendfilename`).
    pub name: String,
}

impl Place {
    /// The directory of the log.
    pub fn folder(&self) -> PathBuf {
        self.dir.join(&self.folder)
    }

    /// The manifest.
    pub fn manifest(&self) -> PathBuf {
        self.folder().join(format!("{}.manifest", self.name))
    }

    /// True for a name that a base or an increment has, or could have.
    fn names(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.name);
        let rest = rest.and_then(|rest| rest.strip_prefix('.'));
        rest.and_then(|rest| rest.split_once('.'))
            .is_some_and(|(seq, kind)| {
                let is_number = seq.parse::<u64>().is_ok();
                is_number && matches!(kind, "base.rdb" | "base.aof" | "incr.aof")
            })
    }

    /// Reads the manifest; None without one.
    pub fn load(&self, disk: &dyn Disk) -> io::Result<Option<Manifest>> {
        let path = self.manifest();
        let text = match disk.read_all(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Manifest::parse(&text).map(Some).map_err(|error| {
            let problem = format!("{}, {error}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })
    }
}

/// See the module's description.
#[derive(Debug)]
pub struct Files {
    disk: Arc<dyn Disk>,
    place: Place,
    manifest: Manifest,
    /// The manifest on disk is this one; if not, the next base makes it so.
    listed: bool,
    /// A number that failed to be installed may be on disk all the same: it is not used again.
    next_base_seq: u64,
    /// The offsets at which increments began that this process has made, by number.
    begun: Vec<(u64, u64)>,
}

impl Files {
    /// The files that `manifest` names.
    pub fn new(disk: Arc<dyn Disk>, place: Place, manifest: Manifest) -> Self {
        Files {
            disk,
            place,
            next_base_seq: manifest.next_base_seq(),
            manifest,
            listed: true,
            begun: Vec::new(),
        }
    }

    /// The files of a log that begins with nothing: an empty base, and no increment yet.
    pub fn create(disk: Arc<dyn Disk>, place: Place, format: BaseFormat) -> io::Result<Self> {
        let folder = place.folder();
        disk.create_dir(&folder)?;
        disk.sync_dir(&place.dir)?;
        let mut files = Files::new(disk, place, Manifest::default());
        let base = files.next_base(format);
        let content = match format {
            BaseFormat::Rdb => EMPTY_RDB,
            BaseFormat::Commands => b"",
        };
        files.disk.replace(&folder.join(&base.name), content)?;
        let manifest = Manifest {
            base: Some(base),
            ..Manifest::default()
        };
        files.persist(manifest)?;
        Ok(files)
    }

    /// The files of the manifest on disk; none without one.
    pub fn load(disk: Arc<dyn Disk>, place: Place) -> io::Result<Self> {
        let manifest = place.load(&*disk)?.unwrap_or_default();
        Ok(Files::new(disk, place, manifest))
    }

    /// What the manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// From now on the manifest on disk stays as it is until a base is installed.
    pub fn unlist(&mut self) {
        self.listed = false;
    }

    /// True when the manifest on disk names what is written.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// The last increment, to be continued, and its length; None if there is none.
    pub fn continue_increment(&self) -> io::Result<Option<(Box<dyn DiskFile>, u64)>> {
        let Some(last) = self.manifest.increments.last() else {
            return Ok(None);
        };
        let path = self.place.folder().join(&last.name);
        Ok(Some((self.disk.append(&path)?, self.disk.len(&path)?)))
    }

    /// Makes the next increment, which begins at `offset` of the log. What came before it is durable.
    pub fn begin_increment(&mut self, offset: u64) -> io::Result<Box<dyn DiskFile>> {
        let seq = self.manifest.next_increment_seq();
        let name = format!("{}.{seq}.incr.aof", self.place.name);
        let folder = self.place.folder();
        if !self.listed {
            self.disk.create_dir(&folder)?;
            self.disk.sync_dir(&self.place.dir)?;
        }
        let mut file = self.disk.create(&folder.join(&name))?;
        file.sync()?;
        let mut manifest = self.manifest.clone();
        manifest.increments.push(File::new(name, seq));
        if self.listed {
            self.disk.sync_dir(&folder)?;
            self.persist(manifest)?;
        } else {
            self.manifest = manifest;
        }
        self.begun.push((seq, offset));
        Ok(file)
    }

    /// Makes the file at `temporary`, which is durable, the base of the increments from the one that began at `cut` on. Returns the
    /// files that are no longer needed.
    pub fn install_base(
        &mut self,
        temporary: &Path,
        format: BaseFormat,
        cut: u64,
    ) -> io::Result<Vec<PathBuf>> {
        // Where nothing was written between two cuts, the increment of the first is empty and need not be kept.
        let begun = self.begun.iter().rfind(|(_, offset)| *offset == cut);
        let &(first, _) =
            begun.ok_or_else(|| io::Error::other("no file of the log begins there"))?;
        self.replace_base(temporary, format, first)?;
        self.begun.retain(|(seq, _)| *seq >= first);
        self.sweep();
        let (folder, old) = (self.place.folder(), self.manifest.history.iter());
        Ok(old.map(|file| folder.join(&file.name)).collect())
    }

    /// Removes what has a name of the log's files and is none of them: what failed, or a process that was killed, has left.
    fn sweep(&self) {
        let folder = self.place.folder();
        let names = self.disk.list(&folder).unwrap_or_default();
        let is_left = |name: &&String| self.place.names(name) && !self.manifest.names(name);
        for name in names.iter().filter(is_left) {
            // What cannot be removed now is removed the next time.
            let _ = self.disk.remove(&folder.join(name));
        }
    }

    /// Makes the file at `temporary`, which is durable, all that there is of a log that nobody writes.
    pub fn install_alone(&mut self, temporary: &Path, format: BaseFormat) -> io::Result<()> {
        self.replace_base(temporary, format, u64::MAX)?;
        self.remove_history()
    }

    /// Puts another base in front of the increments from number `first` on; what was before them becomes history.
    fn replace_base(&mut self, temporary: &Path, format: BaseFormat, first: u64) -> io::Result<()> {
        let folder = self.place.folder();
        let base = self.next_base(format);
        let path = folder.join(&base.name);
        self.disk.rename(temporary, &path)?;
        let listed = self.list_base(base, first);
        if listed.is_err() && !self.may_be_listed(&path) {
            // Whoever wrote it removes it.
            let _ = self.disk.rename(&path, temporary);
        }
        listed
    }

    fn list_base(&mut self, base: File, first: u64) -> io::Result<()> {
        self.disk.sync_dir(&self.place.folder())?;
        let increments = self.manifest.increments.iter().cloned();
        let (kept, old): (Vec<File>, Vec<File>) =
            increments.partition(|increment| increment.seq >= first);
        let history = self.manifest.base.iter().cloned().chain(old);
        let manifest = Manifest {
            base: Some(base),
            increments: kept,
            history: history.collect(),
        };
        self.persist(manifest)?;
        self.listed = true;
        Ok(())
    }

    /// True unless the manifest on disk is known not to name the file at `path`.
    fn may_be_listed(&self, path: &Path) -> bool {
        let found = self.place.load(&*self.disk);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        found.map_or(true, |found| found.is_some_and(|found| found.names(&name)))
    }

    /// Removes what a process before this one has left of the history.
    pub fn remove_history(&mut self) -> io::Result<()> {
        for file in &self.manifest.history {
            // It may be gone already.
            let _ = self.disk.remove(&self.place.folder().join(&file.name));
        }
        self.forget_history()
    }

    /// The files of the history are gone.
    pub fn forget_history(&mut self) -> io::Result<()> {
        // What is unlisted must not come into the manifest by the way; the next base forgets the history too.
        if self.manifest.history.is_empty() || !self.listed {
            return Ok(());
        }
        let manifest = Manifest {
            history: Vec::new(),
            ..self.manifest.clone()
        };
        self.persist(manifest)
    }

    /// Bytes of the base and of all increments but the last.
    pub fn bytes_before_last(&self) -> u64 {
        let older = self
            .manifest
            .increments
            .split_last()
            .map(|(_, older)| older);
        let older = self.manifest.base.iter().chain(older.into_iter().flatten());
        let folder = self.place.folder();
        older
            .map(|file| self.disk.len(&folder.join(&file.name)).unwrap_or(0))
            .sum()
    }

    fn next_base(&mut self, format: BaseFormat) -> File {
        let seq = self.next_base_seq;
        self.next_base_seq += 1;
        let extension = format.extension();
        File::new(format!("{}.{seq}.base.{extension}", self.place.name), seq)
    }

    fn persist(&mut self, manifest: Manifest) -> io::Result<()> {
        let text = manifest.to_text();
        self.disk.replace(&self.place.manifest(), text.as_bytes())?;
        self.manifest = manifest;
        Ok(())
    }
}
