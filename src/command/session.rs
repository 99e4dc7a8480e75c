//! A client as commands see it: who it is, which database and protocol it chose, what it has queued, watched and
//! subscribed to. Knows no socket; the server keeps one beside each connection.

use super::acl::{User, Users};
use super::clients::{ClientRecord, flag};
use super::registry::Command;
use super::shared::Shared;
use crate::base::clock::Now;
use crate::keyspace::Waiter;
use crate::keyspace::watch::WatchFlag;
use crate::pubsub::{Subject, Subscriptions};
use crate::resp::{OwnedRequest, Reply, Version};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What becomes of a client's replies (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    /// They are sent.
    #[default]
    On,
    /// They are dropped.
    Off,
    /// That of the next command is dropped.
    SkipNext,
    /// That of the current command is dropped.
    Skip,
}

/// A command queued by MULTI.
#[derive(Debug)]
pub struct Queued {
    /// Its row.
    pub command: &'static Command,
    /// Its arguments.
    pub request: OwnedRequest,
}

/// A transaction being put together.
#[derive(Debug, Default)]
pub struct Multi {
    /// The commands so far.
    pub queue: Vec<Queued>,
    /// A command was refused, so EXEC must fail.
    pub refused: bool,
    /// Bytes held by the queue.
    pub bytes: usize,
}

/// The keys a client watches.
#[derive(Debug, Default)]
pub struct Watch {
    /// Raised when one of them changes.
    pub changed: WatchFlag,
    /// The keys by database, each once.
    pub keys: Vec<(usize, Box<[u8]>)>,
}

/// See the module's description.
#[derive(Debug)]
pub struct Session {
    /// What other cores may know and say of this client.
    pub record: Arc<ClientRecord>,
    /// The client's id.
    pub id: u64,
    /// The connection's token on its core.
    pub token: usize,
    /// The selected database.
    pub db: usize,
    /// The chosen protocol.
    pub version: Version,
    /// Whom it speaks for; nothing for the server itself, which may do everything.
    user: Option<Arc<User>>,
    /// True once it has said who it is, or need not. Where this is false it speaks for a user without rights.
    pub authenticated: bool,
    /// What becomes of its replies.
    pub reply_mode: ReplyMode,
    /// The transaction being put together.
    pub multi: Option<Box<Multi>>,
    /// The keys it watches.
    pub watch: Option<Box<Watch>>,
    /// What it listens to.
    pub subscriptions: Option<Arc<Subscriptions>>,
    /// The log's offset after its last effect; 0 for none.
    pub logged_to: u64,
    /// What it waits for.
    pub blocked: Option<Arc<Waiter>>,
    /// It receives every command that is executed (MONITOR).
    pub monitor: bool,
    /// Its reads do not count as use of keys (CLIENT NO-TOUCH).
    pub no_touch: bool,
    /// It is not to be evicted for memory (CLIENT NO-EVICT).
    pub no_evict: bool,
    /// Commands it has had executed.
    pub commands: u64,
    /// The last of them.
    pub last_command: Option<&'static Command>,
    /// Mail sent before the command it waits to run has been delivered.
    pub heard: bool,
    /// It stands for a client that has waited since then.
    pub waited_since: Option<Now>,
    /// It stands for a script of the client's.
    pub is_script: bool,
    /// Its connection closes once its replies have been sent.
    pub closing: bool,
    /// What it is sent although its replies are dropped (CLIENT REPLY).
    pub pushed: Option<Box<Reply>>,
    /// Its next command is held up by a pause, which counts as being blocked.
    held_up: bool,
    /// The database and the protocol that the record tells, where it tells of nothing else.
    noted_ordinary: Option<(usize, Version)>,
}

impl Session {
    /// A session of the server itself.
    pub fn new(record: Arc<ClientRecord>, token: usize) -> Self {
        Session {
            id: record.id,
            record,
            token,
            db: 0,
            version: Version::Resp2,
            user: None,
            authenticated: true,
            reply_mode: ReplyMode::On,
            multi: None,
            watch: None,
            subscriptions: None,
            logged_to: 0,
            blocked: None,
            monitor: false,
            no_touch: false,
            no_evict: false,
            commands: 0,
            last_command: None,
            heard: false,
            waited_since: None,
            is_script: false,
            closing: false,
            pushed: None,
            held_up: false,
            noted_ordinary: None,
        }
    }

    /// Speaks for this user from now on.
    pub fn log_in(&mut self, user: Arc<User>) {
        *self.record.user.lock() = Some(user.clone());
        self.user = Some(user);
        self.authenticated = true;
    }

    /// Speaks for whom connections begin as: the default user, unless that wants a password.
    pub fn log_out(&mut self, users: &Users) {
        let default = users.default_user();
        self.log_in(default.clone());
        if !default.rights().is_open() {
            self.user = Some(users.nobody().clone());
            self.authenticated = false;
        }
    }

    /// Whom its next command is run for; nothing for the server itself.
    pub fn user<'a>(&'a self, shared: &'a Shared) -> Option<&'a Arc<User>> {
        match self.authenticated {
            false if self.is_let_in(shared) => Some(shared.users.default_user()),
            _ => self.user.as_ref(),
        }
    }

    /// True for who may be denied something.
    #[inline(always)]
    pub fn is_restricted(&self) -> bool {
        self.user
            .as_ref()
            .is_some_and(|user| !user.is_unrestricted())
    }

    /// True for who need not authenticate, or not any more.
    pub fn is_let_in(&self, shared: &Shared) -> bool {
        self.authenticated || shared.users.default_user().rights().is_open()
    }

    /// A session that stands for a blocked client while its command runs again.
    pub fn stand_in(record: Arc<ClientRecord>, waiter: &Waiter) -> Self {
        let mut session = Session::new(record, waiter.wait.token);
        session.id = waiter.wait.client_id;
        session.db = waiter.wait.db;
        session.version = waiter.wait.version;
        session.no_touch = session.record.has_flag(flag::NO_TOUCH);
        session.waited_since = Some(waiter.wait.since);
        session
    }

    /// A session that stands for a client while a script of its runs: what the script selects is its own affair.
    pub fn of_script(client: &Session) -> Self {
        let mut session = Session::new(client.record.clone(), client.token);
        session.db = client.db;
        session.user = client.user.clone();
        session.authenticated = client.authenticated;
        session.no_touch = client.no_touch;
        session.commands = client.commands;
        session.is_script = true;
        session
    }

    /// Notes whether its next command is held up by a pause.
    pub fn hold_up(&mut self, shared: &Shared, held_up: bool) {
        if held_up != self.held_up {
            self.held_up = held_up;
            let blocked = &shared.clients.blocked;
            match held_up {
                true => blocked.fetch_add(1, Ordering::Relaxed),
                false => blocked.fetch_sub(1, Ordering::Relaxed),
            };
        }
    }

    /// True when a RESP2 client listens to something, so that it may send little else.
    pub fn in_subscriber_mode(&self) -> bool {
        self.version == Version::Resp2 && self.subscription_counts() != [0; Subject::COUNT]
    }

    /// How many channels, patterns and shard channels it listens to.
    pub fn subscription_counts(&self) -> [usize; Subject::COUNT] {
        let subscriptions = self.subscriptions.as_ref();
        subscriptions.map_or([0; Subject::COUNT], |subscriptions| subscriptions.counts())
    }

    /// What it listens to, to be changed.
    pub fn subscriptions(&mut self) -> &Arc<Subscriptions> {
        let record = &self.record;
        self.subscriptions
            .get_or_insert_with(|| record.begin_to_listen())
    }

    /// It listens to nothing any more.
    pub fn end_subscriptions(&mut self) {
        self.subscriptions = None;
        *self.record.listens_to.lock() = None;
    }

    /// Notes in the client's record what other cores may see of this session. An ordinary one, in no special state, is noted in full once:
    /// most sessions are that most of the time.
    #[inline]
    pub fn note_state(&mut self) {
        self.record.commands.store(self.commands, Ordering::Relaxed);
        let last_command = self.last_command.map_or(0, |command| command.id + 1);
        self.record
            .last_command
            .store(last_command, Ordering::Relaxed);
        let place = self.is_ordinary().then_some((self.db, self.version));
        if place.is_none() || place != self.noted_ordinary {
            self.noted_ordinary = place;
            self.note_in_full();
        }
    }

    /// True without anything that a record tells beside database and protocol.
    fn is_ordinary(&self) -> bool {
        self.blocked.is_none()
            && self.multi.is_none()
            && self.watch.is_none()
            && self.subscriptions.is_none()
            && !(self.held_up || self.closing || self.monitor || self.no_evict || self.no_touch)
    }

    fn note_in_full(&self) {
        let record = &self.record;
        let mut flags = record.flags.load(Ordering::Relaxed) & flag::UNIX;
        let mut set = |bit, on: bool| flags |= if on { bit } else { 0 };
        set(flag::BLOCKED, self.held_up || self.blocked.is_some());
        set(flag::MULTI, self.multi.is_some());
        set(flag::CLOSING, self.closing);
        set(flag::PUBSUB, self.subscriptions.is_some());
        set(flag::MONITOR, self.monitor);
        set(flag::NO_EVICT, self.no_evict);
        set(flag::NO_TOUCH, self.no_touch);
        let watch = self.watch.as_deref();
        set(
            flag::DIRTY,
            watch.is_some_and(|watch| watch.changed.load(Ordering::Relaxed)),
        );
        record.flags.store(flags, Ordering::Relaxed);
        record.db.store(self.db, Ordering::Relaxed);
        let resp = if self.version == Version::Resp3 { 3 } else { 2 };
        record.resp.store(resp, Ordering::Relaxed);
        let (queued, queued_bytes) = match &self.multi {
            Some(multi) => (multi.queue.len() as i64, multi.bytes),
            None => (-1, 0),
        };
        record.queued.store(queued, Ordering::Relaxed);
        record.queued_bytes.store(queued_bytes, Ordering::Relaxed);
        // A transaction that cannot be any more watches nothing.
        let watched = watch.filter(|watch| !watch.changed.load(Ordering::Relaxed));
        record.watched.store(
            watched.map_or(0, |watch| watch.keys.len()),
            Ordering::Relaxed,
        );
        for (noted, count) in record.subscriptions.iter().zip(self.subscription_counts()) {
            noted.store(count, Ordering::Relaxed);
        }
    }

    /// True when the next command needs a closer look before it runs.
    #[inline]
    pub fn is_special(&self) -> bool {
        self.is_restricted()
            || self.multi.is_some()
            || self.subscriptions.is_some()
            || self.reply_mode != ReplyMode::On
    }
}
