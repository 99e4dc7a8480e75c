//! What others see of the log's writer and order from it. Nothing here waits for the disk, but who installs a base waits for its answer.

use super::files::BaseFormat;
use super::writer::Writer;
use crate::keyspace::Log;
use parking_lot::Mutex;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// When the log is synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Once a second.
    #[default]
    EverySecond,
    /// Before any reply that tells of an effect.
    Always,
    /// When the kernel sees fit.
    Never,
}

/// How long a core waits for another that writes.
const PATIENCE: Duration = Duration::from_millis(1);

const POLICIES: [Fsync; 3] = [Fsync::EverySecond, Fsync::Always, Fsync::Never];

/// What the writer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// More of the log is durable, or may be told of.
    Advanced,
    /// The disk has failed: until it heals nothing can be promised.
    Failed,
    /// All is well again.
    Healed,
}

/// What the configuration says to the writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// When to sync.
    pub fsync: Fsync,
    /// Not to sync while a snapshot or a base is being written.
    pub no_sync_while_saving: bool,
    /// To annotate the log with the time.
    pub timestamps: bool,
}

/// A base to be installed.
#[derive(Debug)]
pub(super) struct NewBase {
    pub temporary: PathBuf,
    pub format: BaseFormat,
    pub cut: u64,
    pub answer: SyncSender<io::Result<Vec<PathBuf>>>,
}

#[derive(Debug)]
pub(super) enum Order {
    Install(NewBase),
    ForgetHistory,
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Control {
    fsync: AtomicU8,
    no_sync_while_saving: AtomicBool,
    saving: AtomicBool,
    timestamps: AtomicBool,
    stopping: AtomicBool,
    orders: Mutex<Vec<Order>>,
    /// The writer, once it follows the log.
    writer: OnceLock<Shared>,
    /// Cores write what they have appended.
    cores_write: AtomicBool,
    seen: Seen,
}

/// The writer, which its thread and the cores take turns with.
struct Shared(Arc<Mutex<Writer>>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

/// What the writer lets others see.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub current_bytes: AtomicU64,
    pub base_bytes: AtomicU64,
    pub queued_bytes: AtomicU64,
    pub syncing: AtomicBool,
    pub delayed_syncs: AtomicU64,
    pub failure: Mutex<Option<String>>,
}

impl Control {
    /// Hands the writer its settings; `log.call()` makes it look.
    pub fn set(&self, settings: Settings) {
        let fsync = POLICIES.iter().position(|policy| *policy == settings.fsync);
        let fsync = fsync.expect("every policy is listed") as u8;
        self.fsync.store(fsync, Ordering::Relaxed);
        self.timestamps
            .store(settings.timestamps, Ordering::Relaxed);
        self.no_sync_while_saving
            .store(settings.no_sync_while_saving, Ordering::Relaxed);
    }

    /// A snapshot or a base begins or ends to be written.
    pub fn set_saving(&self, saving: bool) {
        self.saving.store(saving, Ordering::Relaxed);
    }

    /// Zeroes what CONFIG RESETSTAT zeroes.
    pub fn reset(&self) {
        self.seen.delayed_syncs.store(0, Ordering::Relaxed);
    }

    /// The writer is to make everything durable and end.
    pub fn stop(&self, log: &Log) {
        self.stopping.store(true, Ordering::SeqCst);
        log.call();
    }

    /// Makes the durable file at `temporary` the base of what the log says from `cut` on, and removes the files that it replaces by
    /// `remove`. Waits, if need be until the writer has come to the cut; not for the writer's thread.
    pub fn install_base(
        &self,
        log: &Log,
        (temporary, format, cut): (&Path, BaseFormat, u64),
        remove: impl Fn(&Path) -> io::Result<()>,
    ) -> io::Result<()> {
        let (answer, answered) = sync_channel(1);
        let order = Order::Install(NewBase {
            temporary: temporary.into(),
            format,
            cut,
            answer,
        });
        self.order(log, order);
        let gone = || io::Error::other("the log's writer has ended");
        let old = answered.recv().map_err(|_| gone())??;
        for path in old {
            if let Err(error) = remove(&path) {
                tracing::warn!("cannot remove {}: {error}", path.display());
            }
        }
        self.order(log, Order::ForgetHistory);
        Ok(())
    }

    /// The writer follows the log from now on.
    pub fn attach(&self, writer: Arc<Mutex<Writer>>) {
        let attached = self.writer.set(Shared(writer));
        assert!(attached.is_ok(), "a log has one writer");
    }

    pub(super) fn set_cores_write(&self, cores_write: bool) {
        self.cores_write.store(cores_write, Ordering::SeqCst);
    }

    /// True if a core that is to send a reply has to `write_through` first.
    #[inline]
    pub fn awaits_cores(&self, log: &Log) -> bool {
        !log.is_written() && self.cores_write.load(Ordering::SeqCst)
    }

    /// Hands to the kernel what the log has gathered, if nothing stands in the way that takes long; the writer's thread does it then.
    pub fn write_through(&self, log: &Log) {
        let Some(Shared(writer)) = self.writer.get() else {
            return;
        };
        match writer.try_lock_for(PATIENCE) {
            Some(mut writer) => writer.write_through(),
            None => {
                // The disk takes long: so that others need not find that out, each for itself.
                self.set_cores_write(false);
                log.call();
            }
        }
    }

    pub(super) fn order(&self, log: &Log, order: Order) {
        self.orders.lock().push(order);
        log.call();
    }

    /// Bytes of all files of the log.
    pub fn current_bytes(&self) -> u64 {
        self.seen.current_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that the files had when the log was last rewritten, or at the start.
    pub fn base_bytes(&self) -> u64 {
        self.seen.base_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that the writer keeps until they are durable.
    pub fn queued_bytes(&self) -> u64 {
        self.seen.queued_bytes.load(Ordering::Relaxed)
    }

    /// True while a thread waits for the disk.
    pub fn is_syncing(&self) -> bool {
        self.seen.syncing.load(Ordering::Relaxed)
    }

    /// How often a sync was due while the one before was still under way.
    pub fn delayed_syncs(&self) -> u64 {
        self.seen.delayed_syncs.load(Ordering::Relaxed)
    }

    /// What the disk said when it failed, until it heals.
    pub fn failure(&self) -> Option<String> {
        self.seen.failure.lock().clone()
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(super) fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut *self.orders.lock())
    }

    pub(super) fn timestamps(&self) -> bool {
        self.timestamps.load(Ordering::Relaxed)
    }

    /// The policy in force.
    pub(super) fn fsync(&self) -> Fsync {
        let spared = self.saving.load(Ordering::Relaxed)
            && self.no_sync_while_saving.load(Ordering::Relaxed);
        match spared {
            true => Fsync::Never,
            false => POLICIES[self.fsync.load(Ordering::Relaxed) as usize],
        }
    }
}
