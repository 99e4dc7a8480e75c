//! What the machine and the allocator say of this process. Whatever cannot be read counts as zero.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::gauge;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tikv_jemalloc_ctl::{Access, AsName, arenas, epoch, stats};

/// File descriptors needed beyond one per client.
const OTHER_DESCRIPTORS: u64 = 64;

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Asked for by the program and not given back.
    pub allocated: u64,
    /// Bytes of that but for interpreters of scripts, which count apart as in Redis.
    pub used: u64,
    /// In pages that hold any of it.
    pub active: u64,
    /// In pages that the allocator keeps in memory.
    pub resident: u64,
    /// In memory of this process as a whole.
    pub rss: u64,
    /// The most that was ever seen used.
    pub peak: u64,
    /// When that was, Unix seconds.
    pub peak_at_s: i64,
    /// Used when the server had started.
    pub startup: u64,
    /// Of the machine.
    pub system: u64,
}

static PEAK: AtomicU64 = AtomicU64::new(0);
static PEAK_AT_S: AtomicI64 = AtomicI64::new(0);
static STARTUP: AtomicU64 = AtomicU64::new(0);

/// Reads all figures of memory, and with them remembers the peak. The first reading is what the start took.
pub fn memory(now_s: i64) -> Memory {
    let (allocated, used) = look(now_s);
    let _ = STARTUP.compare_exchange(0, used, Ordering::Relaxed, Ordering::Relaxed);
    Memory {
        allocated,
        used,
        active: stats::active::read().unwrap_or(0) as u64,
        resident: stats::resident::read().unwrap_or(0) as u64,
        rss: resident_set(),
        peak: PEAK.load(Ordering::Relaxed),
        peak_at_s: PEAK_AT_S.load(Ordering::Relaxed),
        startup: STARTUP.load(Ordering::Relaxed),
        system: system_memory(),
    }
}

/// Remembers the peak of what is used, corrects the [`gauge`] by what is allocated, and returns that.
pub fn note_peak(now_s: i64) -> u64 {
    look(now_s).0
}

fn look(now_s: i64) -> (u64, u64) {
    // Without a new epoch the allocator repeats its last figures.
    let _ = epoch::advance();
    let allocated = stats::allocated::read().unwrap_or(0) as u64;
    gauge::correct(allocated);
    let used = allocated.saturating_sub(gauge::apart());
    if PEAK.fetch_max(used, Ordering::Relaxed) < used {
        PEAK_AT_S.store(now_s, Ordering::Relaxed);
    }
    (allocated, used)
}

/// The allocator's own report.
pub fn allocator_report() -> Vec<u8> {
    let mut report = Vec::new();
    let options = tikv_jemalloc_ctl::stats_print::Options::default();
    let _ = tikv_jemalloc_ctl::stats_print::stats_print(&mut report, options);
    report
}

/// Gives back to the system what the allocator keeps for a while in case it is wanted again.
pub fn purge() {
    for arena in 0..arenas::narenas::read().unwrap_or(0) {
        for kind in ["dirty", "muzzy"] {
            // Pages that are to be kept for no time at all go at once. An arena that nobody uses has nothing to give back.
            let name = format!("arena.{arena}.{kind}_decay_ms\0");
            if let Ok(before) = name.name().update(0isize) {
                let _ = name.name().write(before);
            }
        }
    }
}

/// Time that the cores of the machine spent on this process, in seconds: in the kernel, and outside of it.
pub fn cpu_seconds() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is a name in parentheses that may hold anything; behind it, fields 14 and 15 are the times.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks_of = |field: usize| {
        fields
            .split(' ')
            .nth(field - 3)
            .and_then(|ticks| ticks.parse().ok())
            .unwrap_or(0.0)
    };
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    (ticks_of(15) / per_second, ticks_of(14) / per_second)
}

/// Makes room for so many clients, raising the limit of open files if need be; returns how many there is room for.
pub fn allow_clients(clients: u32) -> u32 {
    let wanted = u64::from(clients) + OTHER_DESCRIPTORS;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return clients;
    }
    let raised = Rlimit {
        current: Some(limit.maximum.map_or(wanted, |maximum| wanted.min(maximum))),
        maximum: limit.maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(_) => limit.current,
    };
    let room = allowed.unwrap_or(wanted).saturating_sub(OTHER_DESCRIPTORS);
    u32::try_from(room).unwrap_or(u32::MAX)
}

/// The kernel's name, version and architecture.
pub fn system_name() -> String {
    let name = rustix::system::uname();
    [name.sysname(), name.release(), name.machine()]
        .map(|part| part.to_string_lossy().into_owned())
        .join(" ")
}

fn resident_set() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<u64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

fn system_memory() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = meminfo.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .trim()
            .strip_suffix(" kB")?
            .parse::<u64>()
            .ok()
    });
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_answers() {
        let memory = memory(7);
        assert!(memory.rss > 0 && memory.rss < memory.system);
        assert!(memory.peak >= memory.used);
        assert!(system_name().starts_with("Linux "));
        assert_eq!(allow_clients(1), 1);
        assert!(!allocator_report().is_empty());
    }

    #[test]
    fn work_takes_time() {
        let start = std::time::Instant::now();
        while start.elapsed().as_millis() < 50 {}
        let (system_s, user_s) = cpu_seconds();
        assert!(system_s + user_s > 0.0);
    }
}
