//! From when a message was due to be sent until a consumer has it, at a tenth, a half and four fifths of what Redis can carry.
//!
//! The load is open: messages go at a fixed rate, the same for all servers of a run, whatever became of those before. A message's text
//! is the moment at which it was due. What Redis can carry is measured first, once a run, with as many messages under way as there are
//! connections elsewhere; a tenth of it and so on are then shares of one figure of this machine in this hour.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::Goal::AtMostOfBetter;
use super::group::Delivered;
use super::{CONNECTIONS, Expect, Figure, Stage, Workload, command, figure, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{BatchTimes, batch_times, nanoseconds};
use crate::kind::Kind;
use crate::reply::Cursor;
use crate::server::{Manner, Server};
use crate::timed::Timed;

const PRODUCERS: usize = 16;
const CONSUMERS: usize = 8;
/// How long what Redis can carry is measured.
const CALIBRATION: Duration = Duration::from_millis(1_000);
/// A message that has not come after this long never will.
const SILENCE_LIMIT: Duration = Duration::from_secs(20);
/// Entries of a read; those that have come since the last one.
const COUNT: &str = "10";

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    let ways = [Way::Stream, Way::List, Way::Channel];
    let loads = [(10, 16_000), (50, 60_000), (80, 100_000)];
    let pairs = ways
        .into_iter()
        .flat_map(|way| loads.map(|(percent, messages)| (way, percent, messages)));
    pairs
        .map(|(way, percent, messages)| workload(way, percent, messages))
        .collect()
}

fn workload(way: Way, percent: u32, messages: usize) -> Workload {
    let name = format!("delivery-{}-{percent}", way.name());
    let about = format!(
        "from due to delivered, {}, at {percent} % of what Redis can carry",
        way.about()
    );
    let workload = Workload::new(name, about, messages, move |stage| run(stage, way, percent))
        .primary(figure::P99);
    if percent != 50 {
        return workload;
    }
    let limits = [(figure::P50, 1.0), (figure::P99, 0.7), (figure::P999, 0.5)];
    workload.goals(limits.map(|(name, share)| AtMostOfBetter(name, share)))
}

/// By what messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Stream,
    List,
    Channel,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Stream => "stream",
            Way::List => "list",
            Way::Channel => "pubsub",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Way::Stream => "XADD to XREADGROUP BLOCK with XACK",
            Way::List => "LPUSH to BRPOP",
            Way::Channel => "PUBLISH to a subscriber",
        }
    }

    fn produce(self, channel: usize, text: &str) -> Vec<u8> {
        match self {
            Way::Stream => command("XADD", &["s", "*", "f", text]),
            Way::List => command("LPUSH", &["l", text]),
            Way::Channel => command("PUBLISH", &[&channel.to_string(), text]),
        }
    }

    fn confirms(self, reply: &[u8]) -> bool {
        match self {
            Way::Stream => Expect::StreamId.admits(reply),
            Way::List | Way::Channel => Expect::Count.admits(reply),
        }
    }

    /// What consumer `number` says first; a group's consumer says it again after every delivery.
    fn consume(self, number: usize) -> Vec<u8> {
        let name = number.to_string();
        match self {
            Way::Stream => {
                let words = [
                    "GROUP", "g", &name, "COUNT", COUNT, "BLOCK", "0", "STREAMS", "s", ">",
                ];
                command("XREADGROUP", &words)
            }
            Way::List => command("BRPOP", &["l", "0"]),
            Way::Channel => command("SUBSCRIBE", &[&name]),
        }
    }
}

fn run(stage: &Stage, way: Way, percent: u32) -> Result<Vec<Figure>> {
    let rate = carried(way, stage)? * f64::from(percent) / 100.0;
    let interval = Duration::from_secs_f64(1.0 / rate);
    let mut play = Play::new(stage.server.port, way)?;
    let ((), mut figures) = stage.measure(stage.operations, || {
        let (mut due, mut sent) = (Instant::now(), 0);
        while play.delivered < stage.operations {
            if sent < stage.operations && due <= Instant::now() {
                play.send(due)?;
                due += interval;
                sent += 1;
            }
            play.take()?;
        }
        Ok(())
    })?;
    figures.push(Figure::new("messages sent a second", "/s", rate));
    figures.extend(percentiles(&play.times));
    Ok(figures)
}

/// Messages a second that Redis carries; measured once a way and run.
fn carried(way: Way, stage: &Stage) -> Result<f64> {
    static RATES: [OnceLock<f64>; 3] = [const { OnceLock::new() }; 3];
    let kept = &RATES[way as usize];
    if let Some(rate) = kept.get() {
        return Ok(*rate);
    }
    let redis = Server::start(Kind::Redis, stage.server.port + 1, Manner::default(), &[])?;
    let mut play = Play::new(redis.port, way)?;
    let began = Instant::now();
    while began.elapsed() < CALIBRATION {
        if play.sent - play.delivered < CONNECTIONS {
            play.send(Instant::now())?;
        }
        play.take()?;
    }
    let rate = play.delivered as f64 / began.elapsed().as_secs_f64();
    redis.stop()?;
    Ok(*kept.get_or_init(|| rate))
}

/// Producers and consumers, played by one thread that never sleeps.
struct Play {
    way: Way,
    began: Instant,
    producers: Vec<Timed>,
    consumers: Vec<Timed>,
    sent: usize,
    delivered: usize,
    last: Instant,
    times: BatchTimes,
}

impl Play {
    fn new(port: u16, way: Way) -> Result<Play> {
        if way == Way::Stream {
            Client::connect(port)?.expect("XGROUP CREATE s g $ MKSTREAM", "+OK\r\n")?;
        }
        let connect = |count| {
            (0..count)
                .map(|_| Timed::connect(port))
                .collect::<Result<Vec<_>>>()
        };
        let mut play = Play {
            way,
            began: Instant::now(),
            producers: connect(PRODUCERS)?,
            consumers: connect(CONSUMERS)?,
            sent: 0,
            delivered: 0,
            last: Instant::now(),
            times: batch_times(),
        };
        for (number, consumer) in play.consumers.iter_mut().enumerate() {
            consumer.send(&way.consume(number), Instant::now())?;
        }
        if way == Way::Channel {
            play.await_subscriptions()?;
        }
        Ok(play)
    }

    fn await_subscriptions(&mut self) -> Result<()> {
        while self.consumers.iter().any(Timed::is_waiting) {
            for consumer in &mut self.consumers {
                consumer.take(|_, _| Ok(()))?;
            }
        }
        Ok(())
    }

    fn send(&mut self, due: Instant) -> Result<()> {
        let (producer, consumer) = (self.sent % PRODUCERS, self.sent % CONSUMERS);
        let text = format!("{:032}", due.duration_since(self.began).as_nanos());
        let message = self.way.produce(consumer, &text);
        if self.way == Way::Channel {
            self.consumers[consumer].await_push(due);
        }
        self.producers[producer].send(&message, Instant::now())?;
        self.sent += 1;
        Ok(())
    }

    /// Takes what has come, and has consumers ask for more.
    fn take(&mut self) -> Result<()> {
        let way = self.way;
        for producer in &mut self.producers {
            producer.take(|reply, _| match way.confirms(reply) {
                true => Ok(()),
                false => Err(unexpected(reply)),
            })?;
        }
        for number in 0..CONSUMERS {
            self.take_deliveries(number)?;
        }
        if self.sent > self.delivered && self.last.elapsed() > SILENCE_LIMIT {
            let (sent, delivered) = (self.sent, self.delivered);
            return Err(format!("{sent} messages sent, {delivered} delivered, and no more").into());
        }
        Ok(())
    }

    fn take_deliveries(&mut self, number: usize) -> Result<()> {
        let (way, now_ns) = (self.way, nanoseconds(self.began.elapsed()));
        let (mut answers, mut texts) = (Vec::new(), Vec::new());
        let consumer = &mut self.consumers[number];
        consumer.take(|reply, _| {
            if way == Way::Stream && reply[0] == b':' {
                return Ok(());
            }
            let (delivered, answer) = deliveries(way, reply).ok_or_else(|| unexpected(reply))?;
            texts.extend(delivered);
            answers.extend(answer);
            Ok(())
        })?;
        for answer in &answers {
            consumer.send(answer, Instant::now())?;
        }
        if !texts.is_empty() && way != Way::Channel {
            consumer.send(&way.consume(number), Instant::now())?;
        }
        self.delivered += texts.len();
        for due_ns in texts {
            self.times
                .saturating_record(now_ns.saturating_sub(due_ns).max(1));
            self.last = Instant::now();
        }
        Ok(())
    }
}

fn unexpected(reply: &[u8]) -> Box<dyn std::error::Error> {
    format!("a reply is not what was expected: {}", reply.escape_ascii()).into()
}

/// When the messages of a delivery were due, and how it is acknowledged.
fn deliveries(way: Way, reply: &[u8]) -> Option<(Vec<u64>, Option<Vec<u8>>)> {
    if way == Way::Stream {
        let delivered = Delivered::parse(reply)?;
        let dues = delivered
            .values
            .iter()
            .map(|value| due(value))
            .collect::<Option<_>>()?;
        return Some((dues, Some(delivered.acknowledgement("g"))));
    }
    let mut at = Cursor(reply);
    let words = at.array()?;
    let mut last = None;
    for _ in 0..words {
        last = Some(at.bulk()?);
    }
    Some((vec![due(last?)?], None))
}

fn due(text: &[u8]) -> Option<u64> {
    str::from_utf8(text).ok()?.parse().ok()
}
