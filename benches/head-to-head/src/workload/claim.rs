//! XAUTOCLAIM walks the million pending entries of a consumer that is gone, and takes them over.

use std::time::Instant;

use super::{Figure, Stage, Workload, memory, percentiles};
use crate::Result;
use crate::drive::{batch_times, nanoseconds};
use crate::reply::Cursor;

const PENDING: usize = 1_000_000;
const COUNT: usize = 100;

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    vec![
        Workload::new(
            "autoclaim",
            "XAUTOCLAIM COUNT 100 from one end of 1,000,000 pending entries to the other",
            PENDING,
            run,
        )
        .whole(),
    ]
}

fn run(stage: &Stage) -> Result<Vec<Figure>> {
    let mut client = memory::pending(stage, stage.operations)?;
    let mut times = batch_times();
    let (claimed, mut figures) = stage.measure(stage.operations, || {
        let (mut cursor, mut claimed) = ("0-0".to_owned(), 0);
        loop {
            let began = Instant::now();
            let reply = client.ask(&format!("XAUTOCLAIM s g heir 0 {cursor} COUNT {COUNT}"))?;
            times.saturating_record(nanoseconds(began.elapsed()));
            let (next, entries) = parse(&reply).ok_or("XAUTOCLAIM answered something else")?;
            claimed += entries;
            if next == "0-0" {
                return Ok(claimed);
            }
            cursor = next;
        }
    })?;
    if claimed != stage.operations {
        return Err(format!("{claimed} of {} entries claimed", stage.operations).into());
    }
    figures.extend(percentiles(&times));
    Ok(figures)
}

/// `[next, [[id, [field, value]], ...], []]`: where to go on, and how many entries.
fn parse(reply: &[u8]) -> Option<(String, usize)> {
    let mut at = Cursor(reply);
    at.array().filter(|&parts| parts == 3)?;
    let next = String::from_utf8_lossy(at.bulk()?).into_owned();
    let entries = at.array()?;
    for _ in 0..entries {
        at.array().filter(|&parts| parts == 2)?;
        at.bulk()?;
        at.array().filter(|&parts| parts == 2)?;
        at.bulk()?;
        at.bulk()?;
    }
    (at.array() == Some(0)).then_some((next, entries))
}
