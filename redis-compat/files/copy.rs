//! Reads a snapshot and writes it again: `copy FROM TO [--plain]`. Says how long each took.
//!
//! For the proof of compatibility: what a real server saved is loaded by another one after it has gone through Millstream's hands.

use millstream::storage::rdb::{Facts, Item, Limits, Options, Record, Splitter, Writer};
use std::error::Error;
use std::fs::File;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, options @ ..] = &args[..] else {
        return Err("usage: copy FROM TO [--plain]".into());
    };
    let start = Instant::now();
    let (records, bytes) = split(from)?;
    let cut = start.elapsed();
    let decoded: Result<Vec<_>, _> = records
        .iter()
        .map(|record| record.decode(&Limits::default()))
        .collect();
    let decoded = decoded?;
    let read = start.elapsed();
    let compress = options.is_empty();
    let mut writer = Writer::new(
        File::create(to)?,
        Options {
            compress,
            checksum: true,
        },
    )?;
    for (record, value) in records.iter().zip(&decoded) {
        if let Some(value) = value {
            let facts = Facts {
                expires_ms: record.expires_ms,
                idle_s: record.idle_s,
                frequency: record.frequency,
            };
            writer.entry(record.db, &record.key, facts, value)?;
        }
    }
    writer.finish()?;
    let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
    let (cut, read, all) = (
        cut.as_secs_f64(),
        read.as_secs_f64(),
        start.elapsed().as_secs_f64(),
    );
    println!("{} keys, {bytes} bytes", records.len());
    println!(
        "cut {:.0} MB/s, decoded {:.0} MB/s, written {:.0} MB/s",
        rate(cut),
        rate(read - cut),
        rate(all - read)
    );
    Ok(())
}

fn split(path: &str) -> Result<(Vec<Record>, u64), Box<dyn Error>> {
    let mut splitter = Splitter::new(File::open(path)?)?;
    let mut records = Vec::new();
    while let Some(item) = splitter.next()? {
        if let Item::Record(record) = item {
            records.push(record);
        }
    }
    Ok((records, splitter.offset()))
}
