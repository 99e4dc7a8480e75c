//! What a core does for its clients in the midst of a script that has run for long: it reads what they send and lets them do what is allowed
//! then, SCRIPT KILL above all. It takes those in whom other cores deal out to it, and lets those go on whose effects the log has made durable
//! meanwhile. Everything else, the rest of the inbox and what is due included, waits for the script's end.

use super::serving::says_closed;
use super::{Core, FIRST_CONNECTION};
use crate::command::Local;
use crate::command::mail::Mail;
use crate::command::script::outlook::Outlook;
use mio::Events;
use std::sync::Arc;
use std::time::Duration;

/// Events taken at once.
const EVENTS: usize = 64;

impl Core {
    /// Gives away this core's own state; what is used in its place meanwhile knows nobody who listens or monitors.
    pub(super) fn lend_local(&mut self) -> Box<Local> {
        let (core, config) = (self.local.core, &self.local.config);
        let spare = self.spare_local.take();
        let mut spare = spare.unwrap_or_else(|| Box::new(Local::new(core, config.clone())));
        if !Arc::ptr_eq(&spare.config, config) {
            spare.config = config.clone();
        }
        let mut lent = std::mem::replace(&mut self.local, spare);
        lent.attending = self.lent > 0;
        self.lent += 1;
        lent
    }

    /// Takes this core's own state back.
    pub(super) fn give_back(&mut self, local: Box<Local>) {
        let mut spare = std::mem::replace(&mut self.local, local);
        self.local.leaving.append(&mut spare.leaving);
        self.spare_local = Some(spare);
        self.lent -= 1;
        self.has_attended &= self.lent > 0;
    }

    /// True in the midst of commands: it attends.
    pub(super) fn is_lent(&self) -> bool {
        self.lent > 0
    }

    /// What connections missed while they were taken out, they look for once more.
    pub(super) fn catch_up(&mut self) {
        for (token, _) in std::mem::take(&mut self.missed) {
            if let Some(connection) = self.connections.get_mut(token) {
                connection.readable = true;
                self.readable.push(token);
            }
        }
    }
}

impl Core {
    /// Looks at all there are, once in the midst of a script: events that came with the one that began it are not told again.
    fn look_at_all(&mut self) {
        for listener in 0..self.listeners.len() {
            self.accept(listener);
        }
        let tokens: Vec<usize> = self.connections.iter().map(|(token, _)| token).collect();
        for token in tokens {
            self.serve(token, false);
        }
        self.handshakes.wake_all();
    }

    /// Takes in who has been dealt out to this core.
    fn take_in(&mut self) {
        let mut dealt = Vec::new();
        let is_dealt = |mail: &Mail| matches!(mail, Mail::Accept(_) | Mail::Listen(_));
        self.shared.inboxes[self.local.core].pick(is_dealt, &mut dealt);
        dealt.into_iter().for_each(|mail| self.receive(mail));
    }
}

impl Outlook for Core {
    fn wake_log(&mut self) {
        if std::mem::take(&mut self.wakes_log) {
            self.shared.keyspace.log().wake();
        }
    }

    fn attend(&mut self) {
        if !std::mem::replace(&mut self.has_attended, true) {
            self.look_at_all();
        }
        let mut events = Events::with_capacity(EVENTS);
        if self.poll.poll(&mut events, Some(Duration::ZERO)).is_err() {
            return;
        }
        self.read_clock();
        for event in &events {
            let token = event.token().0.wrapping_sub(FIRST_CONNECTION);
            match self.connections.is_away(token) {
                true => self.missed.push((token, says_closed(event))),
                false => self.handle(event),
            }
        }
        self.take_in();
        self.shake_hands();
        self.let_go();
        self.read_crowded();
        // No event tells again of what a client sent with its handshake's end, or beyond what one read takes.
        self.read_again();
        self.write_all();
    }
}
