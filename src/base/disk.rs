//! The disk, injected: everything that persists goes through [`Disk`], so that tests can make any call fail, cut it short, or lose
//! what was not synced.
//!
//! Two things are durable only when said so: a file's bytes after [`DiskFile::sync`], a directory's entries (a new file, a
//! new name, a removal) after [`Disk::sync_dir`].

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::num::NonZeroU64;
use std::path::Path;

/// What the kernel keeps of a file is kept in multiples of this, or of more.
const PAGE_BYTES: u64 = 4096;

/// A file being written.
pub trait DiskFile: Send + fmt::Debug {
    /// Writes some of `bytes`, at least one, where the file stands: at its end at first, then behind what was written. Returns how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// What is written next is written at `at`, over what stands there.
    fn seek(&mut self, at: u64) -> io::Result<()>;
    /// Makes durable all that was written.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to `len` bytes; what is written next continues there.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Another handle to the same file, for another thread to sync it by.
    fn share(&self) -> io::Result<Box<dyn DiskFile>>;
    /// Tells the kernel to begin writing out what was written, without waiting; a hint.
    fn start_writeback(&mut self) {}

    /// Tells the kernel that nobody is going to read the first `len` bytes, which are durable: that it need not keep them in memory; a
    /// hint.
    fn uncache(&mut self, _len: u64) {}

    /// Writes all of `bytes`.
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// See the module's description.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Creates a file, or empties the one there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to write on where it ends.
    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to read from its beginning.
    fn read(&self, path: &Path) -> io::Result<Box<dyn Read + Send>>;
    /// Length of a file in bytes.
    fn len(&self, path: &Path) -> io::Result<u64>;
    /// Gives a file another name, in place of any file that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name, which no file has.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Creates a directory and those above it, unless it is there. What it creates is durable.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes a directory's entries durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// A whole file. For small ones.
    fn read_all(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Puts `bytes` in the place of the file at `path` so that a crash at any moment leaves the old content or the new.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = path.with_extension("tmp");
        let mut file = self.create(&temporary)?;
        file.write_all(bytes)?;
        file.sync()?;
        self.rename(&temporary, path)?;
        sync_parent(self, path)
    }
}

fn sync_parent(disk: &(impl Disk + ?Sized), path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => disk.sync_dir(parent),
        _ => disk.sync_dir(Path::new(".")),
    }
}

/// The machine's disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl DiskFile for fs::File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn seek(&mut self, at: u64) -> io::Result<()> {
        io::Seek::seek(self, io::SeekFrom::Start(at)).map(drop)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)?;
        DiskFile::seek(self, len)
    }

    fn share(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(self.try_clone()?))
    }

    fn uncache(&mut self, len: u64) {
        // The page that the file ends in is still written to.
        if let Some(whole) = NonZeroU64::new(len / PAGE_BYTES * PAGE_BYTES) {
            let _ = rustix::fs::fadvise(&*self, 0, Some(whole), rustix::fs::Advice::DontNeed);
        }
    }
}

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(fs::File::create(path)?))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut file = fs::File::options().write(true).open(path)?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
        Ok(Box::new(file))
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(fs::File::open(path)?))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let is_missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
        let made: Vec<&Path> = dir.ancestors().take_while(is_missing).collect();
        fs::create_dir_all(dir)?;
        made.into_iter().try_for_each(|dir| sync_parent(self, dir))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }
}
