//! A core: one pinned event loop with its own connections, timers and inbox.
//!
//! A turn: wait until something happens (or is due), take one reading of the clock, read the inbox, read and execute whatever has
//! arrived, fire timers, expire keys, write slices of long replies, read the inbox again, write every connection that has output.
//! Nothing here waits but the poll, and no stripe is held across a system call but a wake-up and a look at a socket.
//!
//! Sockets are registered once, for edges of both kinds. A read that fills less than its room has emptied the socket; one that fills
//! it puts the connection on the `readable` list for the next turn, so that one busy client does not starve the others.

mod attending;
mod clients;
mod connections;
mod handshakes;
mod holding;
mod idling;
mod output;
mod serving;

use self::handshakes::Handshakes;
pub use self::handshakes::MOST as HANDSHAKES;
use self::idling::Waits;
use super::listener::Listener;
use super::log;
use super::timers::Timers;
use crate::base::clock::{Now, Stopwatch};
use crate::base::process;
use crate::command::block::Ending;
use crate::command::dispatch::Env;
use crate::command::keys::Changes;
use crate::command::mail::Mail;
use crate::command::meter::Meter;
use crate::command::script::{self, outlook::Outlook};
use crate::command::server::save;
use crate::command::shared::gate;
use crate::command::{Local, Shared, evict, expire, overweight};
use crate::keyspace::Locked;
use crate::keyspace::effects::Effects;
use crate::pubsub::Audience;
use crate::resp::{Parser, Reply};
use connections::Connections;
use mio::{Events, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The inbox's waker.
pub const WAKER: Token = Token(0);
/// Listeners come next, then connections from here on.
const FIRST_CONNECTION: usize = 64;
/// Handshakes from here on: more connections than there can be stand before them.
const FIRST_HANDSHAKE: usize = 1 << 31;
/// The core's receive buffer: the most one read takes.
const RECEIVE_BYTES: usize = 64 * 1024;
/// Events taken from one poll.
const EVENTS: usize = 1024;
/// How often a core looks after what has no event of its own.
const TICK_MS: i64 = 100;
/// How often a core looks whether the log's writer has caught up.
const CROWDED_PAUSE_MS: i64 = 5;
/// Reads of what a stopping core has no more use for, per connection: enough for what usually lies there.
const DISCARDING_READS: usize = 16;
/// How long a stopping core tries to send the replies that are left.
const FLUSH_ON_STOP_MS: i64 = 1000;

/// See the module's description.
pub struct Core {
    shared: &'static Shared,
    poll: Poll,
    listeners: Vec<Listener>,
    connections: Connections,
    handshakes: Handshakes,
    local: Box<Local>,
    /// Stands in for `local` while that is lent to commands.
    spare_local: Option<Box<Local>>,
    /// How often that is: once, and once more in the midst of a script.
    lent: usize,
    /// It has looked after its clients in the midst of the script that runs.
    has_attended: bool,
    /// Connections that something happened to while they were taken out, and whether that was their peers' end.
    missed: Vec<(usize, bool)>,
    changes: Changes,
    /// The log's writer sleeps and there is something for it: it is woken once, when the turn ends.
    wakes_log: bool,
    /// The buffer that effects gather in, when nobody gathers any.
    effects: Effects,
    timers: Timers,
    /// Connections whose sockets may have more to read.
    readable: Vec<usize>,
    /// Connections that have output.
    writable: Vec<usize>,
    /// Connections with a long reply under way.
    long: Vec<usize>,
    /// Connections held up by CLIENT PAUSE.
    paused: Vec<usize>,
    /// Connections held up until the inbox has been read.
    after_mail: Vec<usize>,
    /// Connections whose replies wait for the log, with the offset that has to be durable; ascending.
    held: VecDeque<(u64, usize)>,
    /// Connections that wait for the log to be durable up to an offset (WAITAOF), with the tickets of their waits.
    awaiting_log: Vec<(u64, usize, u64)>,
    /// Connections that have something to read, which has to wait until the log's writer has caught up.
    crowded: Vec<usize>,
    /// Listeners that could not accept, for lack of descriptors for one: no further event tells of who waits there.
    stalled_listeners: Vec<usize>,
    /// Connections to close at the end of the turn.
    closing: Vec<usize>,
    mail: Vec<Mail>,
    audience: Audience,
    scratch: Vec<u8>,
    parser: Parser,
    /// Output buffers that nobody has output in.
    spares: Vec<Reply>,
    now: Now,
    now_read_at: Instant,
    waits: Waits,
    next_tick_ms: i64,
    config_version: u64,
}

impl Core {
    /// A core that serves what `listeners` accept (core 0) or is dealt out to it.
    pub fn new(
        shared: &'static Shared,
        core: usize,
        poll: Poll,
        mut listeners: Vec<Listener>,
    ) -> io::Result<Self> {
        for (index, listener) in listeners.iter_mut().enumerate() {
            listener.register(poll.registry(), Token(1 + index))?;
        }
        Ok(Core {
            shared,
            poll,
            listeners,
            connections: Connections::default(),
            handshakes: Handshakes::new(shared.cores()),
            local: Box::new(Local::new(core, shared.config.load())),
            spare_local: Some(Box::new(Local::new(core, shared.config.load()))),
            lent: 0,
            has_attended: false,
            missed: Vec::new(),
            changes: Changes::default(),
            wakes_log: false,
            effects: Effects::default(),
            timers: Timers::default(),
            readable: Vec::new(),
            writable: Vec::new(),
            long: Vec::new(),
            paused: Vec::new(),
            after_mail: Vec::new(),
            held: VecDeque::new(),
            awaiting_log: Vec::new(),
            crowded: Vec::new(),
            stalled_listeners: Vec::new(),
            closing: Vec::new(),
            mail: Vec::new(),
            audience: Audience::default(),
            scratch: Vec::with_capacity(RECEIVE_BYTES),
            parser: Parser::default(),
            spares: Vec::new(),
            now: shared.clock.now(),
            now_read_at: Instant::now(),
            waits: Waits::default(),
            next_tick_ms: 0,
            config_version: u64::MAX,
        })
    }

    /// Runs until the server stops.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut next_expiry_ms = 0;
        while !self.shared.gate(gate::STOPPING) {
            self.wait(&mut events, next_expiry_ms)?;
            let started = Stopwatch::start();
            self.read_clock();
            self.refresh_config();
            self.read_mail();
            self.let_go();
            self.read_crowded();
            self.catch_up();
            self.read_again();
            for event in &events {
                self.handle(event);
            }
            self.shake_hands();
            self.fire_timers();
            self.make_room();
            next_expiry_ms = self.with_env(|env| expire::expire_due(env));
            self.write_long_replies();
            self.read_mail();
            self.write_all();
            self.close_all();
            self.wake_log();
            self.tick();
            self.count_turn(started);
        }
        self.flush_and_close();
        Ok(())
    }

    fn read_clock(&mut self) {
        self.now = self.shared.clock.now();
        self.now_read_at = Instant::now();
    }

    fn refresh_config(&mut self) {
        let version = self.shared.config.version();
        if version != self.config_version {
            self.config_version = version;
            self.local.config = self.shared.config.load();
            if self.local.core == 0 {
                log::set_level(self.local.config.loglevel);
            }
            self.changes.classes = self.local.config.notify_keyspace_events;
        }
    }

    /// Evicts what is left to be, or what a lower limit leaves no room for, even if nobody sends a command.
    fn make_room(&mut self) {
        if self.shared.keyspace.limit_bytes() > 0 {
            self.with_env(|env| evict::has_room(env, false));
        }
    }

    fn with_env<R>(&mut self, f: impl FnOnce(&mut Env<'_, 'static>) -> R) -> R {
        let mut locked = Locked::new(&self.shared.keyspace);
        let stats = &self.shared.stats[self.local.core];
        let meter = Meter::start(stats, &self.local.config);
        std::mem::swap(&mut locked.effects, &mut self.effects);
        let result = f(&mut Env {
            shared: self.shared,
            local: &mut self.local,
            locked: &mut locked,
            changes: &mut self.changes,
            now: self.now,
            meter,
        });
        locked.release();
        self.wakes_log |= locked.take_wake();
        std::mem::swap(&mut locked.effects, &mut self.effects);
        result
    }

    fn read_mail(&mut self) {
        self.fan_out_gathered();
        if self.after_mail.is_empty() && !self.shared.inboxes[self.local.core].has_mail() {
            return;
        }
        let mut mail = std::mem::take(&mut self.mail);
        self.shared.inboxes[self.local.core].drain(&mut mail);
        self.local.reading_mail = true;
        for message in mail.drain(..) {
            self.receive(message);
        }
        self.local.reading_mail = false;
        self.mail = mail;
        for token in std::mem::take(&mut self.after_mail) {
            self.resume_paused_one(token);
        }
    }

    fn receive(&mut self, message: Mail) {
        match message {
            Mail::Accept(_) | Mail::Listen(_) if self.shared.gate(gate::STOPPING) => {}
            Mail::Accept(accepted) => self.admit(accepted),
            Mail::Listen(listener) => self.accept(listener),
            Mail::Note(note) => self.fan_out(&note),
            Mail::Served {
                token,
                client_id,
                reply,
                logged_to,
            } => {
                if self.is_client(token, client_id) {
                    self.hold(token, logged_to, 0);
                    self.unblock(token, |_, out| out.append(*reply));
                }
            }
            Mail::Unblocked {
                token,
                client_id,
                with_error,
            } => {
                if self.is_client(token, client_id) {
                    self.end_wait(
                        token,
                        if with_error {
                            Ending::Error
                        } else {
                            Ending::Timeout
                        },
                    );
                }
            }
            Mail::Kill { token, client_id } => {
                if self.is_client(token, client_id) {
                    self.closing.push(token);
                }
            }
            Mail::Review(user) => self.review(&user),
            Mail::Monitored(line) => {
                for token in self.local.monitors.clone() {
                    self.deliver(token, |out| out.raw_shared(&line));
                }
            }
            Mail::Resume => self.resume_paused(),
            Mail::Nudge => script::give_back_flushed(self.shared),
        }
    }

    fn is_client(&self, token: usize, client_id: u64) -> bool {
        self.connections
            .get(token)
            .is_some_and(|connection| connection.session.id == client_id)
    }

    /// Looks after what has no event of its own: pauses that end, idle clients, output above its soft limit, listeners that could
    /// not accept.
    fn tick(&mut self) {
        // A clock that was put back does not stop the ticks.
        if (1..=TICK_MS).contains(&(self.next_tick_ms - self.now.steady_ms)) {
            return;
        }
        self.next_tick_ms = self.now.steady_ms + TICK_MS;
        if !self.paused.is_empty() {
            self.resume_paused();
        }
        for listener in std::mem::take(&mut self.stalled_listeners) {
            self.accept(listener);
        }
        self.close_idle();
        self.end_late_handshakes();
        if self.shared.cores() > 1 {
            self.with_env(expire::help_out);
        }
        if self.local.core == 0 {
            process::note_peak(self.now.unix_ms / 1000);
            save::tick(self.shared, &self.local.config, self.now);
            let stats = &self.shared.stats[self.local.core];
            overweight::relieve(self.shared, &self.local.config, stats);
        }
        for token in self.with_output() {
            self.check_output_limit(token);
        }
        self.close_all();
    }

    /// The connections that have something to send.
    fn with_output(&self) -> Vec<usize> {
        self.connections
            .iter()
            .filter(|(_, connection)| connection.has_output())
            .map(|(token, _)| token)
            .collect()
    }

    fn count_turn(&self, mut started: Stopwatch) {
        let stats = &self.shared.stats[self.local.core];
        stats.turns.add(1);
        stats.turn_us.add(started.lap_ns() / 1000);
    }

    /// Sends the replies that are left, as far as the peers take them, and closes everything. Replies may still come from cores
    /// that have not stopped yet.
    fn flush_and_close(mut self) {
        self.shared.stopped_cores.fetch_add(1, Ordering::SeqCst);
        let deadline_ms = self.shared.clock.now().steady_ms + FLUSH_ON_STOP_MS;
        loop {
            let all_stopped =
                self.shared.stopped_cores.load(Ordering::SeqCst) == self.shared.cores();
            self.read_clock();
            self.read_mail();
            self.let_go();
            self.write_long_replies();
            let waiting = self.with_output();
            for &token in &waiting {
                self.write(token);
            }
            self.close_all();
            self.wake_log();
            let finished = all_stopped && waiting.is_empty() && self.long.is_empty();
            if finished || self.now.steady_ms > deadline_ms {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.discard_requests();
    }

    /// Reads what the clients have sent and nobody will execute: a socket closed with that unread resets the connection, and its peer
    /// may lose the last replies.
    fn discard_requests(&mut self) {
        for (_, connection) in self.connections.iter_mut() {
            connection.socket.say_goodbye();
            for _ in 0..DISCARDING_READS {
                self.scratch.clear();
                let room = rustix::buffer::spare_capacity(&mut self.scratch);
                if !rustix::io::read(&connection.socket, room).is_ok_and(|n| n > 0) {
                    break;
                }
            }
        }
    }
}
