//! One client does something large: reads a whole long stream again and again, deletes a huge one. How long does another wait for
//! its small requests?
//!
//! Both are played by one thread that never sleeps and takes small bites of the long reply, so that the
//! wait measured is the server's and not a matter of who is scheduled here.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use super::Goal::Limit;
use super::{Figure, Stage, VALUE, Workload, command, figure, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{BatchTimes, batch_times, nanoseconds};
use crate::reply::{Expect, Framer};
use crate::server::Server;
use crate::timed::Timed;

/// The longest that the small client waited while the long reads ran.
pub const LONGEST: &str = "longest wait";
const CALM_LONGEST: &str = "longest wait when calm";
const CALM: Duration = Duration::from_millis(500);
/// How long what is left of a deletion is watched.
const AFTERMATH: Duration = Duration::from_secs(2);
const READS: usize = 8;
const BITE_BYTES: usize = 64 * 1024;
const TICK: Duration = Duration::from_millis(1);

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    let longest = |workload: Workload| {
        workload
            .primary(LONGEST)
            .goal(Limit(LONGEST, 5.0))
            .goal(Limit(figure::WORK, 5.0))
    };
    vec![
        longest(
            Workload::new(
                "xrange-stall",
                "XRANGE - + over 300,000 entries beside a client at 1,000 PING and XADD a second",
                300_000,
                long_reads,
            )
            .whole(),
        ),
        longest(
            Workload::new(
                "del-stall",
                "DEL of a stream of 10 million entries (a quarter of them in quick runs) beside a client at 1,000 PING and XADD a second",
                10_000_000,
                huge_deletion,
            )
            .rounds(3),
        ),
    ]
}

/// Deletes a stream while the small client goes on, and until all that is freed must have been.
fn huge_deletion(stage: &Stage) -> Result<Vec<Figure>> {
    let mut client = Client::connect(stage.server.port)?;
    let add = command("XADD", &["s", "*", "f", VALUE]);
    client.fill(stage.operations, |out| out.extend_from_slice(&add))?;
    let mut ticker = Ticker::new(stage.server)?;
    ticker.tick_for(CALM)?;
    let calm = ticker.forget();
    let mut deleter = Timed::connect(stage.server.port)?;
    let mut took = None;
    let began = Instant::now();
    deleter.send(&command("DEL", &["s"]), began)?;
    while took.is_none() || began.elapsed() < AFTERMATH {
        ticker.turn()?;
        deleter.take(|reply, waited| {
            took = Some(waited);
            match reply {
                b":1\r\n" => Ok(()),
                _ => Err(format!("DEL answered {}", reply.escape_ascii()).into()),
            }
        })?;
    }
    let took = took.unwrap_or_default().as_secs_f64() * 1e3;
    let mut figures = vec![
        Figure::new(LONGEST, "ms", longest_ms(&ticker.times)),
        Figure::new(figure::WORK, "ms", ticker.most.as_secs_f64() * 1e3),
        Figure::new(CALM_LONGEST, "ms", longest_ms(&calm)),
        Figure::new("time until DEL answers", "ms", took),
    ];
    figures.extend(percentiles(&ticker.times));
    Ok(figures)
}

fn longest_ms(times: &BatchTimes) -> f64 {
    times.max() as f64 / 1e6
}

/// Measures the waits without and with the long reads.
fn long_reads(stage: &Stage) -> Result<Vec<Figure>> {
    let mut reader = Client::connect(stage.server.port)?;
    let add = command("XADD", &["s", "*", "f", VALUE]);
    reader.fill(stage.operations, |out| out.extend_from_slice(&add))?;
    reader.stream.set_nonblocking(true)?;
    let mut ticker = Ticker::new(stage.server)?;
    ticker.tick_for(CALM)?;
    let calm = ticker.forget();
    let mut bytes = 0;
    let ((), mut figures) = stage.measure(READS * stage.operations, || {
        for _ in 0..READS {
            bytes += read_all(&mut reader, &mut ticker)?;
        }
        Ok(())
    })?;
    // An entry is *2, its id, *2, two bulk strings: never fewer bytes than this.
    let fewest = READS * stage.operations * (VALUE.len() + 30);
    if bytes < fewest {
        return Err(format!("XRANGE answered {bytes} bytes, fewer than {fewest}").into());
    }
    figures.push(Figure::new(LONGEST, "ms", longest_ms(&ticker.times)));
    figures.push(Figure::new(
        figure::WORK,
        "ms",
        ticker.most.as_secs_f64() * 1e3,
    ));
    figures.push(Figure::new(CALM_LONGEST, "ms", longest_ms(&calm)));
    figures.extend(percentiles(&ticker.times));
    Ok(figures)
}

/// Reads one XRANGE of everything, ticking meanwhile; the length of its reply.
fn read_all(reader: &mut Client, ticker: &mut Ticker) -> Result<usize> {
    reader.send(&command("XRANGE", &["s", "-", "+"]))?;
    let (mut framer, mut kept, mut length) = (Framer::default(), Vec::new(), 0);
    let mut bite = vec![0; BITE_BYTES];
    loop {
        ticker.turn()?;
        let read = match reader.stream.read(&mut bite) {
            Ok(0) => return Err("the server closed the long reader's connection".into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        };
        length += read;
        kept.extend_from_slice(&bite[..read]);
        if length == read && kept[0] != b'*' {
            return Err(format!("XRANGE answered {}", kept.escape_ascii()).into());
        }
        let (used, whole) = framer.advance(&kept);
        kept.drain(..used);
        if whole {
            return Ok(length);
        }
    }
}

/// A client that sends a small request every [`TICK`], PING and XADD in turn, whether or not the
/// one before was answered.
struct Ticker<'a> {
    server: &'a Server,
    connection: Timed,
    /// What the server's threads had done when the requests not answered yet went, oldest first.
    spent: VecDeque<HashMap<String, Duration>>,
    /// The most that a thread of the server did while a request waited.
    most: Duration,
    requests: [Vec<u8>; 2],
    next: Instant,
    sent: usize,
    times: BatchTimes,
}

impl<'a> Ticker<'a> {
    fn new(server: &'a Server) -> Result<Ticker<'a>> {
        let requests = [
            command("PING", &[]),
            command("XADD", &["t", "*", "f", VALUE]),
        ];
        Ok(Ticker {
            server,
            connection: Timed::connect(server.port)?,
            spent: VecDeque::new(),
            most: Duration::ZERO,
            requests,
            next: Instant::now(),
            sent: 0,
            times: batch_times(),
        })
    }

    fn tick_for(&mut self, time: Duration) -> Result<()> {
        let began = Instant::now();
        self.next = began;
        while began.elapsed() < time {
            self.turn()?;
        }
        Ok(())
    }

    /// Begins anew; how long requests have waited so far.
    fn forget(&mut self) -> BatchTimes {
        self.most = Duration::ZERO;
        std::mem::replace(&mut self.times, batch_times())
    }

    fn turn(&mut self) -> Result<()> {
        while self.next <= Instant::now() {
            self.spent.push_back(self.server.thread_times()?);
            self.connection
                .send(&self.requests[self.sent % 2], self.next)?;
            self.next += TICK;
            self.sent += 1;
        }
        self.connection.take(|reply, waited| {
            self.times.saturating_record(nanoseconds(waited));
            let before = self.spent.pop_front().unwrap_or_default();
            self.most = self.most.max(self.server.busiest_since(&before)?);
            let right = reply == b"+PONG\r\n" || Expect::StreamId.admits(reply);
            if right {
                Ok(())
            } else {
                Err(format!("wrong reply {}", reply.escape_ascii()).into())
            }
        })?;
        Ok(())
    }
}
