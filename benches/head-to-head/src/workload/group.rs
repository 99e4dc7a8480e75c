//! A consumer group at work: many consumers read new entries and acknowledge them, until the stream is read.

use super::Goal::AtLeastOfBetter;
use super::{Figure, Stage, VALUE, Workload, command, figure, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{Load, Player};
use crate::reply::{Cursor, push_request, request};

/// Consumers of the case whose instructions are counted.
const MANY: usize = 64;

/// Each size of a read with few and many consumers.
pub fn all() -> Vec<Workload> {
    let counts = [1, 10, 100];
    let pairs = counts
        .into_iter()
        .flat_map(|count| [1, 8, MANY].map(|consumers| (count, consumers)));
    pairs
        .map(|(count, consumers)| workload(count, consumers))
        .collect()
}

fn workload(count: usize, consumers: usize) -> Workload {
    let operations = match (count, consumers) {
        (1, 1) => 40_000,
        (1, _) => 150_000,
        (10, _) => 400_000,
        _ => 1_000_000,
    };
    let goal = match count {
        1 => 1.0,
        10 => 1.5,
        _ => 2.5,
    };
    let workload = Workload::new(
        format!("group-{count}-c{consumers}"),
        format!("XREADGROUP COUNT {count}, then XACK of its ids with the next read; consumers: {consumers}"),
        operations,
        move |stage| run(stage, count, consumers),
    )
    .primary(figure::RATE)
    .goal(AtLeastOfBetter(figure::RATE, goal));
    if consumers == MANY {
        workload.counted(400 * count)
    } else {
        workload
    }
}

/// Reads and acknowledges every operation's entry, `count` a read.
fn run(stage: &Stage, count: usize, consumers: usize) -> Result<Vec<Figure>> {
    let mut client = Client::connect(stage.server.port)?;
    let add = command("XADD", &["s", "*", "f", VALUE]);
    client.fill(stage.prefill, |out| out.extend_from_slice(&add))?;
    client.expect("XGROUP CREATE s g 0", "+OK\r\n")?;
    let mut load = Load::connect(stage.server.port, consumers)?;
    let mut consumers = Consumers::new(count, consumers, stage.operations);
    let (times, mut figures) = stage.measure(stage.operations, || load.drive(&mut consumers))?;
    figures.extend(percentiles(&times));
    consumers.check(stage)?;
    let pending = client.ask("XPENDING s g")?;
    let mut pending = Cursor(&pending);
    if pending.array() != Some(4) || pending.integer() != Some(0) {
        return Err("entries are left pending".into());
    }
    Ok(figures)
}

struct Consumers {
    count: usize,
    /// Entries not asked for yet.
    unasked: usize,
    read: usize,
    acknowledged: usize,
    consumers: Vec<Consumer>,
}

#[derive(Default, Clone)]
struct Consumer {
    /// Ids read and not acknowledged yet, as arguments of the next XACK.
    ids: Vec<Vec<u8>>,
    /// How many ids the XACK under way names.
    acknowledging: usize,
}

impl Consumers {
    fn new(count: usize, consumers: usize, operations: usize) -> Consumers {
        let consumers = vec![Consumer::default(); consumers];
        Consumers {
            count,
            unasked: operations,
            read: 0,
            acknowledged: 0,
            consumers,
        }
    }

    fn check(&self, stage: &Stage) -> Result<()> {
        let (read, acknowledged) = (self.read, self.acknowledged);
        if read != stage.operations || acknowledged != read {
            let operations = stage.operations;
            return Err(
                format!("{operations} wanted, {read} read, {acknowledged} acknowledged").into(),
            );
        }
        Ok(())
    }
}

impl Player for Consumers {
    fn next(&mut self, connection: usize, out: &mut Vec<u8>) -> usize {
        let consumer = &mut self.consumers[connection];
        let mut replies = 0;
        if !consumer.ids.is_empty() {
            let mut arguments: Vec<&[u8]> = vec![b"XACK", b"s", b"g"];
            arguments.extend(consumer.ids.iter().map(Vec::as_slice));
            push_request(out, &arguments);
            consumer.acknowledging = consumer.ids.len();
            consumer.ids.clear();
            replies += 1;
        }
        let count = self.unasked.min(self.count);
        if count > 0 {
            self.unasked -= count;
            let name = format!("c{connection}");
            let count = count.to_string();
            let words = [
                "XREADGROUP",
                "GROUP",
                "g",
                &name,
                "COUNT",
                &count,
                "STREAMS",
                "s",
                ">",
            ];
            push_request(out, &words.map(str::as_bytes));
            replies += 1;
        }
        replies
    }

    fn reply(&mut self, connection: usize, reply: &[u8]) -> bool {
        let consumer = &mut self.consumers[connection];
        if consumer.acknowledging > 0 {
            let acknowledged = std::mem::take(&mut consumer.acknowledging);
            self.acknowledged += acknowledged;
            return reply == format!(":{acknowledged}\r\n").as_bytes();
        }
        let read = take_entries(reply, &mut consumer.ids);
        self.read += consumer.ids.len();
        read.is_some() && !consumer.ids.is_empty()
    }
}

/// The entries of one stream in the reply of an XREADGROUP.
pub struct Delivered<'a> {
    key: &'a [u8],
    /// Their ids.
    pub ids: Vec<&'a [u8]>,
    /// Their last values.
    pub values: Vec<&'a [u8]>,
}

impl<'a> Delivered<'a> {
    /// Reads `[[key, [[id, [field, value, ...]], ...]]]`; `None` if it is anything else.
    pub fn parse(reply: &'a [u8]) -> Option<Delivered<'a>> {
        let mut at = Cursor(reply);
        at.array().filter(|&streams| streams == 1)?;
        at.array().filter(|&parts| parts == 2)?;
        let (key, entries) = (at.bulk()?, at.array()?);
        let (mut ids, mut values) = (Vec::with_capacity(entries), Vec::with_capacity(entries));
        for _ in 0..entries {
            at.array().filter(|&parts| parts == 2)?;
            ids.push(at.bulk()?);
            let words = (0..at.array()?).map(|_| at.bulk());
            values.push(words.collect::<Option<Vec<_>>>()?.pop()?);
        }
        let whole = at.0.is_empty() && !ids.is_empty();
        whole.then_some(Delivered { key, ids, values })
    }

    /// The XACK of them all.
    pub fn acknowledgement(&self, group: &str) -> Vec<u8> {
        let mut words: Vec<&[u8]> = vec![b"XACK", self.key, group.as_bytes()];
        words.extend(&self.ids);
        request(&words)
    }
}

/// Takes the ids from `[[s, [[id, [f, VALUE]], ...]]]`; `None` if it is anything else.
fn take_entries(reply: &[u8], ids: &mut Vec<Vec<u8>>) -> Option<()> {
    let mut at = Cursor(reply);
    let shape = (at.array()?, at.array()?, at.bulk()?);
    let expected: (usize, usize, &[u8]) = (1, 2, b"s");
    let entries = at.array().filter(|_| shape == expected)?;
    for _ in 0..entries {
        at.array().filter(|&parts| parts == 2)?;
        ids.push(at.bulk()?.to_vec());
        at.array().filter(|&parts| parts == 2)?;
        at.bulk().filter(|&field| field == b"f")?;
        at.bulk().filter(|&value| value == VALUE.as_bytes())?;
    }
    at.0.is_empty().then_some(())
}
