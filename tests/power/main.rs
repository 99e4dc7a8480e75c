//! Whatever was acknowledged is there after the power was cut, or a call to the disk failed, at any moment.
//!
//! An engine works on a disk in memory that knows what was synced. Its data goes through a sequence of states, each with its place in the
//! log. What is found after a catastrophe must be one of these states (nothing half done, nothing doubled, no holes), and not one
//! before the last that counted as durable.
//!
//! `MILLSTREAM_CUTS` says how often the power is cut (by default a few hundred times), `MILLSTREAM_SEED` repeats a run.

#[path = "../common/random.rs"]
mod random;

mod engine;
mod work;

use engine::Engine;
use millstream::base::simdisk::{Fault, Op, SimDisk};
use millstream::config::AppendFsync;
use random::Random;
use std::io::ErrorKind;
use work::History;

const CUTS: usize = 300;
/// Calls to the disk within which the power is cut; a life of `STEPS` steps makes about as many.
const CALLS: usize = 150;
const STEPS: usize = 60;
/// Threads that cut the power, each of its own disk: a life is spent waiting.
const WORKERS: usize = 8;
/// Lives on one disk, each on what the one before left; then a fresh disk.
const LIVES: usize = 12;
const POLICIES: [AppendFsync; 2] = [AppendFsync::Always, AppendFsync::Everysec];

fn cuts() -> usize {
    let asked = std::env::var("MILLSTREAM_CUTS").ok();
    asked.map_or(CUTS, |text| {
        text.parse().expect("MILLSTREAM_CUTS is a number")
    })
}

#[test]
fn what_was_durable_survives_the_loss_of_power() {
    let mut random = Random::from_env();
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let mut random = random.fork();
            scope.spawn(move || {
                let mut disk = SimDisk::default();
                for cut in (worker..cuts()).step_by(WORKERS) {
                    if (cut / WORKERS).is_multiple_of(LIVES) {
                        disk = SimDisk::default();
                    }
                    disk = live_and_die(&disk, &mut random, cut);
                }
            });
        }
    });
}

/// One life, to its end by a loss of power. The disk as it is found after that.
fn live_and_die(disk: &SimDisk, random: &mut Random, cut: usize) -> SimDisk {
    let policy = POLICIES[random.below(POLICIES.len())];
    disk.fail_at(disk.calls() + 1 + random.below(CALLS) as u64, Fault::Dead);
    let seed = random.below(usize::MAX) as u64;
    let context = format!("cut {cut}, {policy:?}");
    let Ok(mut engine) = Engine::start(disk, policy) else {
        // The power went off while it started.
        return disk.after_power_cut(seed);
    };
    let mut history = History::begin(&mut engine);
    live(&mut engine, &mut history, random);
    // The power is off by now, or is cut now.
    disk.fail_at(disk.calls() + 1, Fault::Dead);
    let _ = engine.stop();
    let survivor = match random.below(4) {
        0 => disk.after_crash(),
        _ => disk.after_power_cut(seed),
    };
    let found = Engine::start(&survivor, policy);
    let mut found = found.unwrap_or_else(|failure| panic!("{context}: {failure}"));
    history.expect(&found.digest(), engine.durable(), &context);
    found.stop().expect("the disk works");
    survivor
}

/// Steps, now and then waiting for the disk as a client does, and snapshots between them, until the power goes off.
fn live(engine: &mut Engine, history: &mut History, random: &mut Random) {
    for _ in 0..STEPS {
        if !history.step(engine, random) {
            return;
        }
        if random.below(3) == 0 && !engine.await_durable() {
            return;
        }
        match random.below(40) {
            0 | 1 => drop(engine.call("BGREWRITEAOF")),
            2 => drop(engine.call("BGSAVE")),
            _ => {}
        }
    }
}

/// A life of a given course, with one rewrite and one snapshot in it. None if it could not start.
fn course(
    disk: &SimDisk,
    policy: AppendFsync,
    seed: u64,
    context: &str,
) -> Option<(Engine, History)> {
    let mut random = Random::of(seed);
    let mut engine = Engine::start(disk, policy).ok()?;
    let mut history = History::begin(&mut engine);
    for step in 0..20 {
        if !history.step(&mut engine, &mut random) {
            engine.await_healed();
        }
        match step {
            8 => drop(engine.call("BGREWRITEAOF")),
            14 => drop(engine.call("BGSAVE")),
            _ => {}
        }
        if step % 2 == 0 && !engine.await_durable() {
            assert!(engine.call("GET v0").starts_with(['$', '-']), "{context}");
            engine.await_healed();
        }
    }
    engine.await_snapshots();
    Some((engine, history))
}

#[test]
fn after_any_single_failure_the_log_heals_and_nothing_is_lost() {
    let mut random = Random::from_env();
    let seed = random.below(usize::MAX) as u64;
    let healthy = SimDisk::default();
    let (mut engine, _) =
        course(&healthy, AppendFsync::Always, seed, "healthy").expect("it starts");
    engine.stop().expect("the disk works");
    let calls = healthy.calls();
    assert!(calls > 50, "only {calls} calls to the disk");
    for policy in POLICIES {
        for fault in [
            Fault::Fail(ErrorKind::StorageFull),
            Fault::Fail(ErrorKind::Other),
            Fault::Short,
        ] {
            for call in 1..=calls + 10 {
                survive(policy, fault, call, seed);
            }
        }
    }
}

fn survive(policy: AppendFsync, fault: Fault, call: u64, seed: u64) {
    let context = format!("{fault:?} at call {call}, {policy:?}");
    let disk = SimDisk::default();
    disk.fail_at(call, fault);
    let life = course(&disk, policy, seed, &context);
    // A server that could not start starts when the disk works again.
    let life = life.or_else(|| course(&disk, policy, seed, &context));
    let (mut engine, mut history) = life.unwrap_or_else(|| panic!("{context}: it does not start"));
    engine.await_healed();
    let mut random = Random::of(seed + 1);
    // The call that fails may come only now.
    let mut refused = 0;
    for _ in 0..3 {
        while !history.step(&mut engine, &mut random) {
            refused += 1;
            assert!(refused < 3, "{context}: writes are refused");
            engine.await_healed();
        }
    }
    let last = engine.digest();
    engine
        .stop()
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    let end = engine.logged_to();
    assert!(engine.durable() >= end, "{context}: the end is not durable");
    let found = Engine::start(&disk.after_power_cut(seed ^ call), policy);
    let mut found = found.unwrap_or_else(|failure| panic!("{context}: {failure}"));
    assert_eq!(found.digest(), last, "{context}");
    found.stop().expect("the disk works");
}

#[test]
fn writes_are_refused_while_the_disk_fails_and_taken_when_it_works() {
    for (policy, op) in [
        (AppendFsync::Always, Op::Write),
        (AppendFsync::Always, Op::Sync),
        (AppendFsync::Everysec, Op::Write),
        (AppendFsync::Everysec, Op::Sync),
    ] {
        let disk = SimDisk::default();
        let mut engine = Engine::start(&disk, policy).expect("the disk works");
        assert!(engine.call("SET k before").starts_with("+OK"));
        assert!(engine.await_durable());
        disk.break_op(op, ErrorKind::StorageFull);
        let mut refusal = String::new();
        for number in 0..100_000 {
            refusal = engine.call(&format!("RPUSH l {number}"));
            if refusal.starts_with('-') {
                break;
            }
        }
        let text = "-MISCONF Errors writing to the AOF file: ";
        assert!(refusal.starts_with(text), "{policy:?}, {op:?}: {refusal}");
        assert_eq!(engine.call("GET k"), "$6\r\nbefore\r\n");
        let durable = engine.durable();
        disk.mend();
        engine.await_healed();
        assert!(engine.call("SET k after").starts_with("+OK"));
        assert!(engine.await_durable() && engine.durable() > durable);
        let digest = engine.digest();
        engine.stop().expect("the disk works");
        let mut found = Engine::start(&disk.after_power_cut(7), policy).expect("it starts");
        assert_eq!(found.digest(), digest, "{policy:?}, {op:?}");
        found.stop().expect("the disk works");
    }
}

#[test]
fn a_log_that_has_lost_a_part_gets_a_base_by_itself() {
    let disk = SimDisk::default();
    let mut engine = Engine::start(&disk, AppendFsync::No).expect("the disk works");
    assert!(engine.call("SET k before").starts_with("+OK"));
    engine.await_written();
    disk.break_op(Op::Sync, ErrorKind::StorageFull);
    assert!(
        engine
            .call("CONFIG SET appendfsync always")
            .starts_with("+OK")
    );
    engine.call("SET l before");
    assert!(!engine.await_durable(), "what was written is lost");
    // Attempts on a disk that still fails change nothing.
    for _ in 0..5 {
        engine.tick();
        engine.await_snapshots();
    }
    assert!(engine.call("SET k after").starts_with("-MISCONF"));
    disk.mend();
    for _ in 0..1000 {
        if !engine.has_failed() {
            break;
        }
        engine.tick();
        engine.await_snapshots();
        std::thread::sleep(engine::SECOND);
    }
    assert!(engine.call("SET k after").starts_with("+OK"));
    assert!(engine.await_durable());
    let last = engine.digest();
    engine.stop().expect("the disk works");
    let found = Engine::start(&disk.after_power_cut(1), AppendFsync::Always);
    let mut found = found.expect("the disk works");
    assert_eq!(found.digest(), last);
    found.stop().expect("the disk works");
}

#[test]
fn a_full_disk_takes_nothing_that_was_acknowledged() {
    let mut random = Random::from_env();
    for capacity in (200..6000).step_by(97) {
        let disk = SimDisk::default();
        let mut engine = Engine::start(&disk, AppendFsync::Always).expect("the disk works");
        let mut history = History::begin(&mut engine);
        disk.set_capacity(capacity);
        while history.step(&mut engine, &mut random) && engine.await_durable() {}
        let (durable, full) = (engine.durable(), disk.after_power_cut(capacity as u64));
        let context = format!("capacity {capacity}");
        let found = Engine::start(&full, AppendFsync::Always);
        let mut found = found.unwrap_or_else(|failure| panic!("{context}: {failure}"));
        history.expect(&found.digest(), durable, &context);
        found.stop().expect("the disk works");
        disk.mend();
        engine.await_healed();
        engine
            .stop()
            .unwrap_or_else(|error| panic!("{context}: {error}"));
    }
}

#[test]
fn the_checker_notices_what_is_lost() {
    let disk = SimDisk::default();
    let mut engine = Engine::start(&disk, AppendFsync::Always).expect("the disk works");
    let mut history = History::begin(&mut engine);
    let mut random = Random::of(1);
    let states: Vec<String> = (0..3)
        .map(|_| step_of_its_own(&mut engine, &mut history, &mut random))
        .collect();
    assert!(engine.await_durable());
    let durable = engine.durable();
    let notices = |found: &str, durable| {
        std::panic::catch_unwind(|| history.expect(found, durable, "a test")).is_err()
    };
    assert!(notices(&states[1], durable), "a lost step");
    assert!(notices("+no such state", durable), "a state that never was");
    assert!(!notices(&states[1], 0) && !notices(&states[2], durable));
    engine.stop().expect("the disk works");
}

fn step_of_its_own(engine: &mut Engine, history: &mut History, random: &mut Random) -> String {
    engine.call("INCR own");
    history.step(engine, random);
    engine.digest()
}
