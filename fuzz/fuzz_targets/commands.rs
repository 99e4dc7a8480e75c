//! Clients of a server without sockets: bytes through parser, dispatch, handlers and reply writer. An `@` turns to the next client.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millstream::base::clock::Clock;
use millstream::base::inbox::Inbox;
use millstream::command::block;
use millstream::command::clients::ClientRecord;
use millstream::command::dispatch::{self, Env, Next};
use millstream::command::keys::Changes;
use millstream::command::meter::Meter;
use millstream::command::peer::Peer;
use millstream::command::shared::Boot;
use millstream::command::{Local, Session, Shared, transaction};
use millstream::config::{Config, ConfigCell};
use millstream::keyspace::{Locked, StripeSet};
use millstream::resp::{Limits, Parsed, Parser, Reply};
use std::sync::mpsc::sync_channel;

/// Clients that an input may speak for.
const CLIENTS: usize = 3;
/// Arguments longer than this are refused, so that memory stays small.
const BULK_BYTES: i64 = 1024 * 1024;
/// Commands that act on the process and not on data.
const LEFT_OUT: [&[u8]; 7] =
    [b"SHUTDOWN", b"DEBUG", b"CONFIG", b"LATENCY", b"SAVE", b"BGSAVE", b"BGREWRITEAOF"];

fuzz_target!(|input: &[u8]| {
    let (shared, mut local) = server();
    let config = shared.config.load();
    let mut changes = Changes::default();
    let mut sessions: Vec<Session> = (0..CLIENTS).map(|token| client(&shared, token)).collect();
    let mut current = 0;
    for part in input.split_inclusive(|&byte| byte == b'@') {
        let part = part.strip_suffix(b"@").unwrap_or(part);
        if sessions[current].blocked.is_none() && !sessions[current].closing {
            let mut locked = Locked::new(&shared.keyspace);
            let mut env = Env {
                shared: &shared,
                local: &mut local,
                locked: &mut locked,
                changes: &mut changes,
                now: shared.clock.now(),
                meter: Meter::start(&shared.stats[0], &config),
            };
            execute_all(&mut env, &mut sessions[current], part);
        }
        current = (current + 1) % CLIENTS;
    }
    // Nobody holds a stripe any more, and what the clients left behind can be taken away.
    let mut locked = Locked::new(&shared.keyspace);
    locked.acquire(&StripeSet::All);
    locked.release();
    let mut env = Env {
        shared: &shared,
        local: &mut local,
        locked: &mut locked,
        changes: &mut changes,
        now: shared.clock.now(),
        meter: Meter::start(&shared.stats[0], &config),
    };
    for session in &mut sessions {
        if let Some(waiter) = block::leave(&shared, session) {
            block::leave_queues(&mut env, &waiter);
        }
        transaction::forget_watch(&shared, session);
    }
});

fn execute_all(env: &mut Env<'_, '_>, session: &mut Session, input: &[u8]) {
    let limits = Limits {
        bulk_bytes: BULK_BYTES,
        authenticated: true,
    };
    let (mut parser, mut reply, mut start) = (Parser::default(), Reply::default(), 0);
    while start < input.len() {
        let Ok(Parsed::Request { consumed }) = parser.parse(&input[start..], limits) else {
            return;
        };
        let request = parser.request(&input[start..]);
        let left_out = request.iter().next().is_some_and(|name| {
            LEFT_OUT.iter().any(|other| name.eq_ignore_ascii_case(other))
        });
        reply.version = session.version;
        if !left_out {
            match dispatch::execute(env, session, request, &mut reply) {
                Next::Continue if !session.closing => {}
                Next::Long(mut rest) => while !rest.write_some(&mut reply) {},
                _ => return,
            }
        }
        parser.reset();
        start += consumed;
    }
}

fn server() -> (Shared, Local) {
    let poll = mio::Poll::new().expect("there are descriptors");
    let inbox = Inbox::new(poll.registry(), mio::Token(0)).expect("there are descriptors");
    let (reaper, _) = sync_channel(1);
    let clock = Clock::system();
    let boot = Boot {
        run_id: String::new(),
        started_ms: clock.now().unix_ms,
        cores: 1,
        port: 0,
        executable: String::new(),
        supervised: "no",
    };
    let config = ConfigCell::new(Config::default());
    let shared = Shared::new((2, 1), clock, config, Box::new([inbox]), reaper, boot);
    let local = Local::new(0, shared.config.load());
    (shared, local)
}

fn client(shared: &Shared, token: usize) -> Session {
    let addresses = (String::new(), String::new());
    let record = ClientRecord::new((shared.clients.next_id(), 0, Peer::none()), (0, token), addresses, 0);
    shared.clients.add(&record);
    Session::new(record, token)
}
