//! One client reads a whole long stream again and again; how long does another wait for its small requests?
//!
//! Both are played by one thread that never sleeps and takes small bites of the long reply, so that the
//! wait measured is the server's and not a matter of who is scheduled here.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use super::{Figure, Stage, VALUE, command, percentiles};
use crate::Result;
use crate::client::Client;
use crate::drive::{BatchTimes, batch_times, nanoseconds};
use crate::reply::{Expect, Framer};
use crate::timed::Timed;

/// The longest that the small client waited while the long reads ran.
pub const LONGEST: &str = "longest wait";
const READS: usize = 8;
const BITE_BYTES: usize = 64 * 1024;
const TICK: Duration = Duration::from_millis(1);

/// Measures the waits without and with the long reads.
pub fn run(stage: &Stage) -> Result<Vec<Figure>> {
    let mut reader = Client::connect(stage.server.port)?;
    let add = command("XADD", &["s", "*", "f", VALUE]);
    reader.fill(stage.operations, |out| out.extend_from_slice(&add))?;
    reader.stream.set_nonblocking(true)?;
    let mut ticker = Ticker::new(Timed::connect(stage.server.port)?);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(500) {
        ticker.turn()?;
    }
    let calm = std::mem::replace(&mut ticker.times, batch_times());
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
    let longest = |times: &BatchTimes| times.max() as f64 / 1e6;
    figures.push(Figure {
        name: LONGEST,
        unit: "ms",
        value: longest(&ticker.times),
    });
    figures.push(Figure {
        name: "longest wait when calm",
        unit: "ms",
        value: longest(&calm),
    });
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
struct Ticker {
    connection: Timed,
    requests: [Vec<u8>; 2],
    next: Instant,
    sent: usize,
    times: BatchTimes,
}

impl Ticker {
    fn new(connection: Timed) -> Ticker {
        let requests = [
            command("PING", &[]),
            command("XADD", &["t", "*", "f", VALUE]),
        ];
        Ticker {
            connection,
            requests,
            next: Instant::now(),
            sent: 0,
            times: batch_times(),
        }
    }

    fn turn(&mut self) -> Result<()> {
        while self.next <= Instant::now() {
            self.connection
                .send(&self.requests[self.sent % 2], self.next)?;
            self.next += TICK;
            self.sent += 1;
        }
        self.connection.take(|reply, waited| {
            self.times.saturating_record(nanoseconds(waited));
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
