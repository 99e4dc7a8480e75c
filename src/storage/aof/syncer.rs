//! A thread that waits for the disk in the writer's place, so that a slow sync does not stop the writing.

use super::queue::Mark;
use crate::base::disk::DiskFile;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

type Outcome = io::Result<()>;

/// One sync at a time.
#[derive(Debug)]
pub struct Syncer {
    files: SyncSender<Box<dyn DiskFile>>,
    outcomes: Receiver<Outcome>,
    /// What the sync under way makes durable.
    running: Option<Mark>,
}

impl Syncer {
    /// Starts the thread; `done` is called on it when a sync has ended. The thread ends with the syncer.
    pub fn start(done: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (files, to_sync) = sync_channel::<Box<dyn DiskFile>>(1);
        let (ended, outcomes) = sync_channel(1);
        std::thread::Builder::new()
            .name("log-sync".into())
            .spawn(move || {
                for mut file in to_sync {
                    if ended.send(file.sync()).is_err() {
                        break;
                    }
                    done();
                }
            })?;
        Ok(Syncer {
            files,
            outcomes,
            running: None,
        })
    }

    /// True while a sync is under way.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Begins to sync what `file` holds; none may be under way.
    pub fn begin(&mut self, file: Box<dyn DiskFile>, mark: Mark) {
        debug_assert!(self.running.is_none());
        self.files
            .send(file)
            .expect("the thread lives as long as the syncer");
        self.running = Some(mark);
    }

    /// How the sync under way has ended, if it has.
    pub fn poll(&mut self) -> Option<(Mark, Outcome)> {
        self.running?;
        let outcome = self.outcomes.try_recv().ok()?;
        Some((self.running.take()?, outcome))
    }

    /// Waits for the sync under way.
    pub fn wait(&mut self) -> Option<(Mark, Outcome)> {
        let mark = self.running.take()?;
        let outcome = self
            .outcomes
            .recv()
            .expect("the thread lives as long as the syncer");
        Some((mark, outcome))
    }
}
