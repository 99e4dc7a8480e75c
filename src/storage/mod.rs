//! What persists: the log and snapshots, in Redis's own formats, both ways.
//!
//! Uses the keyspace, the data and the request parser; knows no command, no client and no socket. Whoever is to be told of
//! something (a core that holds replies, say) is told by a closure that the server gives.

pub mod aof;
pub mod rdb;
pub mod recovery;
pub mod snapshot;

use crate::base::disk::{Disk, RealDisk};
use snapshot::Snapshots;
use std::sync::Arc;

/// What all cores see of what persists.
#[derive(Debug)]
pub struct Storage {
    /// Where it persists.
    pub disk: Arc<dyn Disk>,
    /// The log's files.
    pub aof: aof::Control,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// How far the load at the start has come.
    pub loading: recovery::Progress,
}

impl Storage {
    /// What persists on the machine's disk; `now_s` counts as when the data was last saved.
    pub fn new(now_s: i64) -> Self {
        Storage {
            disk: Arc::new(RealDisk),
            aof: aof::Control::default(),
            snapshots: Snapshots::new(now_s),
            loading: recovery::Progress::default(),
        }
    }
}
