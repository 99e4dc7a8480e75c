//! What is known of snapshots: the one under way, the last ones, those that are to come.

use std::io;

/// What a snapshot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// `dump.rdb`.
    Save,
    /// The base of a rewritten log.
    Rewrite,
}

/// What became of a snapshot.
#[derive(Debug)]
pub enum Outcome {
    /// Its file is in its place and durable.
    Written {
        /// The file's length.
        bytes: u64,
    },
    /// It was called off.
    Cancelled,
    /// There is no file, or the one that was there before.
    Failed(io::Error),
}

/// The snapshot under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undertaking {
    /// What it is for.
    pub task: Task,
    /// When it began, Unix milliseconds.
    pub began_ms: i64,
    /// Changes that the data had ever seen when it began.
    pub changes: u64,
}

/// What became of the snapshots for one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// How many were begun.
    pub begun: u64,
    /// Those that failed since the last one that did not.
    pub failures: u64,
    /// When the last was begun, Unix milliseconds.
    pub tried_ms: i64,
    /// How long the last took, if any was taken.
    pub took_ms: Option<i64>,
}

impl Past {
    /// What INFO says of the last one.
    pub fn word(&self) -> &'static str {
        if self.failures == 0 { "ok" } else { "err" }
    }
}

/// See the module's description.
#[derive(Clone, Debug)]
pub struct Status {
    /// The snapshot under way.
    pub current: Option<Undertaking>,
    /// A save is to begin when nothing else is under way.
    pub save_scheduled: bool,
    /// A rewrite is to begin when nothing else is under way.
    pub rewrite_scheduled: bool,
    /// Of saves.
    pub saves: Past,
    /// Of rewrites.
    pub rewrites: Past,
    /// When the data was last saved, Unix seconds; before that, when the server started.
    pub saved_s: i64,
    /// Changes that the data had ever seen when it was last saved.
    pub saved_changes: u64,
    /// The clients that wait for the save under way, or the one scheduled.
    pub waiting: Vec<u64>,
}

impl Status {
    pub(super) fn new(now_s: i64) -> Self {
        let past = Past {
            begun: 0,
            failures: 0,
            tried_ms: 0,
            took_ms: None,
        };
        Status {
            current: None,
            save_scheduled: false,
            rewrite_scheduled: false,
            saves: past,
            rewrites: past,
            saved_s: now_s,
            saved_changes: 0,
            waiting: Vec::new(),
        }
    }

    /// True while a snapshot for `task` is under way.
    pub fn is_busy_with(&self, task: Task) -> bool {
        self.current.is_some_and(|current| current.task == task)
    }

    /// How long the snapshot for `task` has been under way, if it is.
    pub fn running_ms(&self, task: Task, now_ms: i64) -> Option<i64> {
        let current = self.current.filter(|current| current.task == task);
        current.map(|current| now_ms - current.began_ms)
    }

    /// A snapshot begins.
    pub fn begin(&mut self, task: Task, now_ms: i64, changes: u64) {
        assert!(self.current.is_none(), "one snapshot at a time");
        *self.scheduled(task) = false;
        let past = self.past(task);
        past.begun += 1;
        past.tried_ms = now_ms;
        self.current = Some(Undertaking {
            task,
            began_ms: now_ms,
            changes,
        });
    }

    /// The snapshot under way has ended.
    pub fn end(&mut self, now_ms: i64, outcome: &Outcome) {
        let current = self.current.take().expect("what ends has begun");
        let past = self.past(current.task);
        past.took_ms = Some(now_ms - current.began_ms);
        match outcome {
            Outcome::Written { .. } => past.failures = 0,
            Outcome::Failed(_) => past.failures += 1,
            Outcome::Cancelled => {}
        }
        if matches!(outcome, Outcome::Written { .. }) && current.task == Task::Save {
            self.saved_s = now_ms / 1000;
            self.saved_changes = current.changes;
        }
    }

    /// Whether a snapshot for `task` is to begin when nothing else is under way.
    pub fn scheduled(&mut self, task: Task) -> &mut bool {
        match task {
            Task::Save => &mut self.save_scheduled,
            Task::Rewrite => &mut self.rewrite_scheduled,
        }
    }

    fn past(&mut self, task: Task) -> &mut Past {
        match task {
            Task::Save => &mut self.saves,
            Task::Rewrite => &mut self.rewrites,
        }
    }
}
