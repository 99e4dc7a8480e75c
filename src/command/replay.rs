//! Replaying the log: what it says is executed through the same code as clients' requests.
//!
//! Whoever replays is no core and no client: keys whose time is up stay until the log removes them, nobody is served or told, and gates do
//! not hold it up. Frames between MULTI and EXEC are kept until the EXEC, so a transaction whose end is missing leaves no trace.

mod around;
mod foreign;

use super::clients::ClientRecord;
use super::ctx::Local;
use super::dispatch::{self, Env};
use super::keys::Changes;
use super::meter::Meter;
use super::peer::Peer;
use super::registry;
use super::session::Session;
use super::shared::Shared;
use crate::base::clock::Now;
use crate::keyspace::Locked;
use crate::keyspace::effects::{Annotation, Moment};
use crate::resp::{FrameParser, OwnedRequest, Reply, Request, Scanned};
use crate::storage::recovery::{LeftOut, Replay};
use std::fmt;

/// Why the log cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// A command was answered by this error.
    Refused(String),
    /// EXEC without MULTI, or MULTI within MULTI.
    Nesting,
    /// What is hidden is no command.
    Hidden,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Refused(error) => write!(f, "it is refused: {error}"),
            ReplayError::Nesting => f.write_str("MULTI and EXEC do not match"),
            ReplayError::Hidden => f.write_str("what is hidden there is no command"),
        }
    }
}

impl std::error::Error for ReplayError {}

/// See the module's description.
pub struct Replayer<'s> {
    shared: &'s Shared,
    local: Local,
    session: Session,
    changes: Changes,
    reply: Reply,
    /// The moment of the next command, if the log says it.
    moment: Option<Moment>,
    /// The parts so far of a hidden command.
    hidden: Vec<u8>,
    /// The next command is for Redis alone.
    passes_over_next: bool,
    /// The transaction that has begun and not ended.
    transaction: Option<Vec<(OwnedRequest, Option<Moment>)>>,
    /// What is not known here: see `around`.
    left_out: LeftOut,
}

impl<'s> Replayer<'s> {
    /// Begins in database 0.
    pub fn new(shared: &'s Shared) -> Self {
        let record = ClientRecord::new((0, -1, Peer::none()), (0, 0), Default::default(), 0);
        Replayer {
            shared,
            local: Local {
                replaying: true,
                ..Local::new(0, shared.config.load())
            },
            session: Session::new(record, 0),
            changes: Changes::default(),
            reply: Reply::default(),
            moment: None,
            hidden: Vec::new(),
            passes_over_next: false,
            transaction: None,
            left_out: LeftOut::default(),
        }
    }

    /// True while a transaction has begun and not ended.
    pub fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Another file begins: database 0, and no transaction under way.
    pub fn begin_file(&mut self) {
        self.session.db = 0;
        self.transaction = None;
        self.moment = None;
        self.hidden.clear();
        self.passes_over_next = false;
    }

    /// Takes an annotation; the last part of a hidden command is taken as that command.
    pub fn annotate(&mut self, annotation: Annotation) -> Result<(), ReplayError> {
        match annotation {
            Annotation::Moment(moment) => self.moment = Some(moment),
            Annotation::Hidden { bytes, goes_on } => {
                self.hidden.extend(bytes);
                if !goes_on {
                    return self.apply_hidden();
                }
            }
            Annotation::ForRedis => self.passes_over_next = true,
            Annotation::Other => {}
        }
        Ok(())
    }

    fn apply_hidden(&mut self) -> Result<(), ReplayError> {
        let bytes = std::mem::take(&mut self.hidden);
        let mut parser = FrameParser::default();
        match parser.scan(&bytes) {
            Scanned::Whole { bytes: whole } if whole == bytes.len() => {
                self.apply(parser.request(&bytes))
            }
            _ => Err(ReplayError::Hidden),
        }
    }

    /// Executes a request, or keeps it until its transaction ends.
    pub fn apply(&mut self, request: Request<'_>) -> Result<(), ReplayError> {
        let moment = self.moment.take();
        if std::mem::take(&mut self.passes_over_next) {
            return Ok(());
        }
        let name = request.arg(0);
        if name.eq_ignore_ascii_case(b"MULTI") {
            return match self.transaction.replace(Vec::new()) {
                None => Ok(()),
                Some(_) => Err(ReplayError::Nesting),
            };
        }
        if name.eq_ignore_ascii_case(b"EXEC") {
            let transaction = self.transaction.take().ok_or(ReplayError::Nesting)?;
            return transaction
                .iter()
                .try_for_each(|(request, moment)| self.run(request.as_request(), *moment));
        }
        match &mut self.transaction {
            // An unknown one would otherwise be found only at an EXEC, which may itself be what is damaged.
            Some(_)
                if registry::lookup(name).is_none() && !self.local.config.skip_unknown_types =>
            {
                self.run(request, moment)
            }
            Some(transaction) => {
                transaction.push((request.to_owned(), moment));
                Ok(())
            }
            None => self.run(request, moment),
        }
    }

    fn run(&mut self, request: Request<'_>, moment: Option<Moment>) -> Result<(), ReplayError> {
        match self.local.config.skip_unknown_types {
            true => self.run_around(request, moment),
            false => self.execute(request, moment).map_err(ReplayError::Refused),
        }
    }

    fn execute(&mut self, request: Request<'_>, moment: Option<Moment>) -> Result<(), String> {
        let stats = &self.shared.stats[0];
        let meter = Meter::start(stats, &self.local.config);
        let now = moment.map_or_else(
            || self.shared.clock.now(),
            |moment| Now::at_us(moment.unix_ms.max(0).saturating_mul(1000)),
        );
        self.local.redelivering = moment.is_some_and(|moment| moment.again);
        let mut locked = Locked::new(&self.shared.keyspace);
        let mut env = Env {
            shared: self.shared,
            local: &mut self.local,
            locked: &mut locked,
            changes: &mut self.changes,
            now,
            meter,
        };
        let start = self.reply.mark();
        dispatch::replay(&mut env, &mut self.session, request, &mut self.reply);
        let text = self.reply.since(start);
        let outcome = match text.strip_prefix(b"-") {
            None => Ok(()),
            Some(error) => Err(String::from_utf8_lossy(error.trim_ascii_end()).into_owned()),
        };
        self.reply.rollback(start);
        outcome
    }
}

impl Replay for Replayer<'_> {
    fn begin_file(&mut self) {
        Replayer::begin_file(self);
    }

    fn annotate(&mut self, annotation: Annotation) -> Result<(), String> {
        Replayer::annotate(self, annotation).map_err(|error| error.to_string())
    }

    fn apply(&mut self, request: Request<'_>) -> Result<(), String> {
        Replayer::apply(self, request).map_err(|error| error.to_string())
    }

    fn leave_out(&mut self, left_out: LeftOut) {
        self.left_out.append(left_out);
    }

    fn left_out(&mut self) -> LeftOut {
        std::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests;
