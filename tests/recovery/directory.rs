//! Loading from a disk in memory: cut everywhere, damaged everywhere, killed at every call.

use millstream::base::disk::Disk;
use millstream::base::simdisk::{Fault, SimDisk};
use millstream::command::Shared;
use millstream::command::replay::Replayer;
use millstream::config::Config;
use millstream::keyspace::{Locked, StripeSet};
use millstream::server::boot;
use millstream::storage::aof::{Manifest, Place};
use millstream::storage::rdb::Options;
use millstream::storage::recovery::{Loaded, Loader, Manner, Places, Progress, settle};
use millstream::storage::snapshot::rdb::{About, Telling};
use millstream::storage::snapshot::{Form, Plan, write_held};
use std::path::{Path, PathBuf};

const SNAPSHOT: &str = "/data/dump.rdb";
const OLD_LOG: &str = "/data/appendonly.aof";
const MANIFEST: &str = "/data/appendonlydir/appendonly.aof.manifest";
const TEMPORARY_BASE: &str = "/data/appendonlydir/appendonly.aof.1.base.tmp";
const BASE: &str = "/data/appendonlydir/appendonly.aof.1.base.rdb";
const INCREMENT: &str = "/data/appendonlydir/appendonly.aof.1.incr.aof";

/// Commands of a log, each a piece that is there as a whole or not at all.
fn pieces() -> Vec<Vec<u8>> {
    let transaction = ["MULTI", "RPUSH list d", "DEL gone", "EXEC"];
    vec![
        command("SELECT 0"),
        command("SET text *1"),
        command("SET gone 1 PXAT 4102444800000"),
        command("RPUSH list a b c"),
        command("XADD stream 1-1 name value"),
        command("XADD stream 1-2 name value other 7"),
        command("XGROUP CREATE stream group 0"),
        [
            b"#MS:1700000000123\r\n".to_vec(),
            command("XREADGROUP GROUP group consumer COUNT 1 STREAMS stream >"),
        ]
        .concat(),
        b"#TS:1700000000\r\n".to_vec(),
        transaction.map(command).concat(),
        command("SELECT 9"),
        command("SET text beyond"),
    ]
}

fn command(words: &str) -> Vec<u8> {
    let words: Vec<&str> = words.split(' ').collect();
    let mut frame = format!("*{}\r\n", words.len());
    for word in words {
        frame += &format!("${}\r\n{word}\r\n", word.len());
    }
    frame.into_bytes()
}

/// A server that only loads.
struct Bench {
    shared: &'static Shared,
    places: Places,
}

impl Bench {
    fn new() -> Self {
        let shared = boot::share_without_cores(Config::default()).expect("there are descriptors");
        Bench {
            shared: Box::leak(Box::new(shared)),
            places: Places {
                log: Place {
                    dir: "/data".into(),
                    folder: "appendonlydir".into(),
                    name: "appendonly.aof".into(),
                },
                dbfilename: "dump.rdb".into(),
            },
        }
    }

    /// Loads what is on `disk` into an empty keyspace.
    fn load(&self, disk: &dyn Disk, with_log: bool) -> Result<Loaded, String> {
        let keyspace = &self.shared.keyspace;
        let mut locked = Locked::new(keyspace);
        locked.acquire(&StripeSet::All);
        for (_, stripe) in locked.iter_mut() {
            for db in 0..keyspace.databases() {
                stripe.empty(db);
            }
        }
        drop(locked);
        let loader = Loader {
            disk,
            places: &self.places,
            with_log,
            keyspace,
            manner: Manner {
                now_ms: 1_700_000_000_000,
                drops_expired: !with_log,
                skips_unknown: false,
                threads: 2,
                limits: Default::default(),
            },
            progress: &Progress::default(),
        };
        let loaded = loader.load(&mut Replayer::new(self.shared));
        loaded.map_err(|interrupted| interrupted.to_string())
    }

    /// Loads and settles, as a start does.
    fn start(&self, disk: &SimDisk) -> Result<Option<Manifest>, String> {
        let loaded = self.load(disk, true)?;
        settle(&loaded, &self.places, disk, true).map_err(|failure| failure.to_string())
    }

    /// The whole state, as the bytes of a snapshot with sorted records.
    fn state(&self) -> Vec<Vec<u8>> {
        let disk = SimDisk::default();
        self.save(&disk, Path::new(SNAPSHOT));
        let file = disk.read(Path::new(SNAPSHOT)).expect("it was written");
        let mut splitter = millstream::storage::rdb::Splitter::new(file).expect("it is sound");
        let mut records = Vec::new();
        while let Some(item) = splitter.next().expect("it is sound") {
            if let millstream::storage::rdb::Item::Record(record) = item {
                records.push(format!("{record:?}").into_bytes());
            }
        }
        // Where a record stood says nothing.
        for record in &mut records {
            let text = String::from_utf8_lossy(record).into_owned();
            let (before, after) = text.split_once(", offset: ").expect("records have one");
            let after = after.split_once(", ").map_or("", |(_, after)| after);
            *record = format!("{before}, {after}").into_bytes();
        }
        records.sort();
        records
    }

    fn save(&self, disk: &SimDisk, path: &Path) {
        let plan = Plan {
            path: path.into(),
            form: Form::Rdb(
                Options {
                    compress: true,
                    checksum: true,
                },
                About {
                    ctime_s: 0,
                    aof_base: false,
                    usage: Telling::Nothing,
                },
            ),
            sync_incrementally: false,
        };
        let mut locked = Locked::new(&self.shared.keyspace);
        locked.acquire(&StripeSet::All);
        write_held(disk, &plan, &mut locked).expect("the disk works");
    }
}

fn disk_with(files: &[(&str, &[u8])]) -> SimDisk {
    let disk = SimDisk::default();
    for folder in ["/data", "/data/appendonlydir"] {
        disk.create_dir(Path::new(folder)).expect("the disk works");
    }
    for (path, content) in files {
        disk.put(PathBuf::from(path), content);
    }
    disk
}

/// A snapshot of these records.
fn snapshot(records: &[u8]) -> Vec<u8> {
    [b"REDIS0010", records, b"\xff\0\0\0\0\0\0\0\0"].concat()
}

fn log_disk(log: &[u8]) -> SimDisk {
    disk_with(&[
        (MANIFEST, b"file appendonly.aof.1.incr.aof seq 1 type i\n"),
        (INCREMENT, log),
    ])
}

/// A log cut anywhere gives the state of the whole pieces before the cut, and ends there afterwards.
#[test]
fn a_log_cut_at_every_byte() {
    let bench = Bench::new();
    let pieces = pieces();
    let log = pieces.concat();
    let (mut sound, mut whole, mut expected) = (0, 0, Vec::new());
    for end in 0..=log.len() {
        while whole < pieces.len() && sound + pieces[whole].len() <= end {
            sound += pieces[whole].len();
            whole += 1;
            bench
                .load(&log_disk(&log[..sound]), true)
                .expect("it is whole");
            expected = bench.state();
        }
        let disk = log_disk(&log[..end]);
        bench
            .start(&disk)
            .unwrap_or_else(|error| panic!("cut at {end}: {error}"));
        assert_eq!(bench.state(), expected, "cut at {end}");
        assert_eq!(
            disk.content(INCREMENT).unwrap(),
            log[..sound],
            "cut at {end}"
        );
        let again = bench.load(&disk.after_power_cut(end as u64), true);
        assert_eq!(again.expect("it is whole").tail(), None, "cut at {end}");
    }
    assert_eq!(expected.len(), 4);
}

/// A snapshot whose bytes were damaged, or that ends early, is never taken for a sound one.
#[test]
fn a_snapshot_damaged_at_every_byte() {
    let bench = Bench::new();
    bench
        .load(&log_disk(&pieces().concat()), true)
        .expect("it is whole");
    let (disk, state) = (SimDisk::default(), bench.state());
    bench.save(&disk, Path::new(SNAPSHOT));
    let snapshot = disk.content(SNAPSHOT).unwrap();
    bench.load(&disk, false).expect("it is sound");
    assert_eq!(bench.state(), state);
    for at in 0..snapshot.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = snapshot.clone();
            damaged[at] ^= mask;
            let disk = disk_with(&[(SNAPSHOT, &damaged)]);
            assert!(
                bench.load(&disk, false).is_err(),
                "byte {at} with {mask:#x}"
            );
        }
        let disk = disk_with(&[(SNAPSHOT, &snapshot[..at])]);
        assert!(bench.load(&disk, false).is_err(), "cut at {at}");
    }
}

/// Killed, or without power, at any call while a directory is settled: the next start finds the same data.
#[test]
fn killed_at_every_call_while_settling() {
    let bench = Bench::new();
    let log = pieces().concat();
    bench.load(&log_disk(&log), true).expect("it is whole");
    let state = bench.state();
    let saved = SimDisk::default();
    bench.save(&saved, Path::new(SNAPSHOT));
    let snapshot = saved.content(SNAPSHOT).unwrap();
    let with_preamble = [
        &snapshot[..],
        &command("SELECT 9"),
        &command("SET text beyond"),
    ]
    .concat();
    let torn = [&log[..], b"*3\r\n$3\r\nSE"].concat();
    let directories: [(&str, SimDisk); 5] = [
        ("a snapshot", disk_with(&[(SNAPSHOT, &snapshot)])),
        ("an old log", disk_with(&[(OLD_LOG, &log)])),
        (
            "an old log that begins with a snapshot",
            disk_with(&[(OLD_LOG, &with_preamble)]),
        ),
        ("a torn old log", disk_with(&[(OLD_LOG, &torn)])),
        ("a torn log", log_disk(&torn)),
    ];
    for (name, original) in directories {
        let disk = original.after_crash();
        let manifest = bench
            .start(&disk)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(manifest.is_some(), "{name}");
        assert_eq!(bench.state(), state, "{name}");
        for call in 1..=disk.calls() {
            let disk = original.after_crash();
            disk.fail_at(call, Fault::Dead);
            assert!(bench.start(&disk).is_err(), "{name}: call {call}");
            for next in [
                disk.after_crash(),
                disk.after_power_cut(call),
                disk.after_power_cut(!call),
            ] {
                let started = bench.start(&next);
                started.unwrap_or_else(|error| panic!("{name}: call {call}: {error}"));
                assert_eq!(bench.state(), state, "{name}: call {call}");
            }
        }
    }
}

/// A log that died while it began is none yet: it holds nothing, or what the snapshot still holds.
#[test]
fn a_log_that_had_only_begun_begins_again() {
    let bench = Bench::new();
    let (empty, full) = (snapshot(b""), snapshot(b"\x00\x01k\x01v"));
    for disk in [
        disk_with(&[(BASE, &empty)]),
        disk_with(&[(BASE, &empty), (INCREMENT, b"")]),
        disk_with(&[(BASE, &full), (SNAPSHOT, &full)]),
        disk_with(&[(TEMPORARY_BASE, &full[..9]), (SNAPSHOT, &full)]),
        disk_with(&[(TEMPORARY_BASE, &empty[..5])]),
    ] {
        bench.start(&disk).expect("nothing is lost");
    }
}

#[test]
fn what_stops_a_start() {
    let bench = Bench::new();
    let log = pieces().concat();
    let torn = &log[..log.len() - 3];
    let two = b"file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n";
    let second = "/data/appendonlydir/appendonly.aof.2.incr.aof";
    for (disk, sentence) in [
        (
            disk_with(&[(MANIFEST, b"file x\n")]),
            "the manifest is not valid: line 1",
        ),
        (
            disk_with(&[(MANIFEST, two), (INCREMENT, &log)]),
            "lists it, but it is not there",
        ),
        (
            disk_with(&[(MANIFEST, two), (INCREMENT, torn), (second, b"")]),
            "but it is not the last of the log",
        ),
        (
            disk_with(&[(BASE, b"x"), (INCREMENT, &log)]),
            "appendonly.aof.manifest is missing",
        ),
        (
            disk_with(&[(BASE, &snapshot(b"\x00\x01k\x01v")), (INCREMENT, b"")]),
            "appendonly.aof.manifest is missing",
        ),
        (
            disk_with(&[
                (BASE, &snapshot(b"\x00\x01k\x01v")),
                (SNAPSHOT, &snapshot(b"\x00\x01k\x01w")),
            ]),
            "appendonly.aof.manifest is missing",
        ),
        (
            disk_with(&[("/data/appendonlydir/appendonly.aof", &log)]),
            "appendonly.aof.manifest is missing",
        ),
        (
            log_disk(&[&log[..], &command("TS.ADD h 1 2")].concat()),
            "the command 'TS.ADD' there cannot be replayed",
        ),
        (
            log_disk(&[command("MULTI"), command("NOSUCH"), command("SET a b")].concat()),
            "the command 'NOSUCH' there cannot be replayed",
        ),
        (
            disk_with(&[(SNAPSHOT, b"*1\r\n$4\r\nPING\r\n")]),
            "is no snapshot",
        ),
    ] {
        let error = bench.start(&disk).expect_err(sentence);
        assert!(error.contains(sentence), "{error}");
    }
}

/// Databases beyond those configured, and types that are not there, end the load with the way out.
#[test]
fn a_snapshot_that_does_not_fit() {
    let bench = Bench::new();
    let gcra = snapshot(b"\x21\x01h\x05");
    let beyond = snapshot(b"\xfe\x10\x00\x01k\x01v");
    let twice = snapshot(b"\x00\x01k\x01v\x00\x01k\x01w");
    for (file, sentence) in [
        (gcra, "--skip-unknown-types"),
        (beyond, "start with --databases 17 or more"),
        (twice, "the key \"k\" of database 0 occurs twice"),
    ] {
        let error = bench.load(&disk_with(&[(SNAPSHOT, &file)]), false);
        let error = error.expect_err(sentence);
        assert!(error.contains(sentence), "{error}");
    }
}
