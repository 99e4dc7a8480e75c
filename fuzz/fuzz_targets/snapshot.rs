//! A snapshot file of any bytes: cut into records, large streams into parts, and every record decoded; the same bytes as a DUMP payload.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millstream::storage::rdb::{Item, Limits, Payload, Splitter};

/// Streams larger than this are cut into parts.
const PART_BYTES: usize = 64;

fuzz_target!(|input: &[u8]| {
    let limits = Limits::default();
    for cuts in [false, true] {
        let Ok(mut splitter) = Splitter::new(input) else {
            break;
        };
        if cuts {
            splitter.cut_streams(PART_BYTES);
        }
        while let Ok(Some(item)) = splitter.next() {
            if let Item::Record(record) = item {
                let _ = record.decode(&limits);
            }
        }
    }
    if let Ok(payload) = Payload::of(input) {
        let _ = payload.value(&limits);
    }
});
