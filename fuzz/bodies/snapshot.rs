//! A snapshot file of any bytes: cut into records, large streams into parts, and every record decoded; the same bytes as a DUMP payload, with
//! their own footer and with one that is right.

use millstream::base::crc64;
use millstream::storage::rdb::{Item, Limits, Payload, Splitter, dump};

/// Streams larger than this are cut into parts.
const PART_BYTES: usize = 64;
/// The version and the checksum behind a payload.
const FOOTER_BYTES: usize = 10;

pub fn run(input: &[u8]) {
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
    restore(input, &limits);
    let content = &input[..input.len().saturating_sub(FOOTER_BYTES)];
    for version in [6u16, 11] {
        let mut sealed = [content, &version.to_le_bytes()].concat();
        sealed.extend(crc64::update(0, &sealed).to_le_bytes());
        restore(&sealed, &limits);
    }
}

/// What can be restored can be dumped, and restored again.
fn restore(bytes: &[u8], limits: &Limits) {
    let Ok(payload) = Payload::of(bytes) else {
        return;
    };
    if let Ok(Some(value)) = payload.value(limits) {
        let dumped = dump(&value, bytes.len().is_multiple_of(2));
        let again = Payload::of(&dumped).expect("its footer is right");
        let again = again.value(limits).expect("what was written is read");
        assert!(again.is_some());
    }
}
