//! What the log is told of a command's changes: nothing, the command itself, or something else that has the same effect.

use super::Keys;
use crate::keyspace::NEVER;
use crate::keyspace::effects::{Effect, Moment};
use crate::resp::Request;

impl Keys<'_, '_> {
    /// True when what commands do is recorded in the log.
    #[inline]
    pub fn is_logged(&self) -> bool {
        self.keyspace().log().is_recording()
    }

    /// Logs the request not as it was sent but as what is said here, a command of `args` arguments; called again for each further
    /// command. None when nothing is recorded.
    #[inline]
    pub fn logs(&mut self, args: usize) -> Option<Effect<'_>> {
        if !self.is_logged() {
            return None;
        }
        self.locked.effects.tell();
        Some(self.locked.effects.command(self.db, args))
    }

    /// The same for a command whose moment is part of what it does.
    pub fn logs_at(&mut self, moment: Moment, args: usize) -> Option<Effect<'_>> {
        if !self.is_logged() {
            return None;
        }
        self.locked.effects.tell();
        Some(self.locked.effects.command_at(moment, self.db, args))
    }

    /// The same for a command that no Redis knows, which it is to skip; with its moment where that is part of what it does.
    pub fn logs_hidden(&mut self, moment: Option<Moment>, args: usize) -> Option<Effect<'_>> {
        if !self.is_logged() {
            return None;
        }
        self.locked.effects.tell();
        Some(self.locked.effects.hidden(moment, self.db, args))
    }

    /// Logs the request as it was sent but for argument `index`, in whose place `bulk` stands, an argument from its length to its line end. False
    /// if it has to be said in another way.
    #[inline]
    pub fn logs_request_but(&mut self, request: Request<'_>, index: usize, bulk: &[u8]) -> bool {
        self.locked.effects.tell();
        self.locked
            .effects
            .request_but(self.db, request, index, bulk)
    }

    /// Logs what happens beside the request, which is logged as it would be without.
    pub fn logs_aside(&mut self, args: usize) -> Option<Effect<'_>> {
        let is_logged = self.is_logged();
        is_logged.then(|| self.locked.effects.command(self.db, args))
    }

    /// The same for a command that no Redis knows.
    pub fn logs_hidden_aside(&mut self, args: usize) -> Option<Effect<'_>> {
        let is_logged = self.is_logged();
        is_logged.then(|| self.locked.effects.hidden(None, self.db, args))
    }

    /// The request is not logged as it was sent: what is logged beside it is all that it did.
    pub fn tells_aside(&mut self) {
        self.locked.effects.tell();
    }

    /// Says to Redis alone, as well as it can have it, what something hidden tells.
    pub fn logs_for_redis(&mut self, args: usize) -> Option<Effect<'_>> {
        if !self.is_logged() {
            return None;
        }
        self.locked.effects.tell();
        Some(self.locked.effects.for_redis(self.db, args))
    }

    /// Logs the request as the removal of `key`.
    pub fn log_removal(&mut self, key: &[u8]) {
        if let Some(effect) = self.logs(2) {
            effect.arg(b"DEL").arg(key).end();
        }
    }

    /// Logs the request as setting when `key` expires, Unix milliseconds; `NEVER` for not at all.
    pub fn log_deadline(&mut self, key: &[u8], deadline_ms: i64) {
        if deadline_ms == NEVER {
            if let Some(effect) = self.logs(2) {
                effect.arg(b"PERSIST").arg(key).end();
            }
        } else if let Some(effect) = self.logs(3) {
            effect.arg(b"PEXPIREAT").arg(key).int(deadline_ms).end();
        }
    }
}
