//! Replaying around what was left out: keys whose value is not known here, because another server's commands or types made it.
//!
//! Such a key is not in the keyspace, and is remembered. A command that reads one makes the keys it writes unknown too, so it is not
//! run and they are left out as well; a command that only writes over it, or removes it, is run, and makes it known again. So what is
//! in the keyspace in the end is what the log says, and everything else is named.

use super::{ReplayError, Replayer, foreign};
use crate::base::num::parse_i64;
use crate::command::error::BAD_DUMP;
use crate::command::registry::{self, Command};
use crate::command::table::keys::keys_of;
use crate::command::table::words::KeyFlags;
use crate::command::table::words::access::{OW, RM, RO};
use crate::keyspace::Locked;
use crate::keyspace::effects::Moment;
use crate::resp::{OwnedRequest, Request};
use bytes::Bytes;

/// What is said of a key, or of a command without one.
const VALUE: &str = "value of commands or types that this server does not have";
const COMMAND: &str = "command that this server does not have";
const LIBRARY: &str = "library of functions that cannot be run here";

/// A key in its database.
type Place = (u64, Bytes);

/// Whether a command that moves whole values or databases was obeyed with what is left out.
enum Moved {
    /// It is no such command.
    None,
    /// It was, and moves what is there too.
    Beside,
    /// It was, and there is nothing else to do.
    Instead,
}

impl Replayer<'_> {
    pub(super) fn run_around(
        &mut self,
        request: Request<'_>,
        moment: Option<Moment>,
    ) -> Result<(), ReplayError> {
        let Some(command) = registry::lookup(request.arg(0)) else {
            self.pass_over(&request);
            return Ok(());
        };
        if self.left_out.keys.is_empty() {
            return self.run_or_leave_out(request, moment);
        }
        match self.move_left_out(command, &request) {
            Moved::None => {}
            Moved::Beside => return self.run_or_leave_out(request, moment),
            Moved::Instead => return Ok(()),
        }
        let keys = self.keys_of(command, &request);
        let is_left_out = |place: &Place| self.left_out.keys.contains_key(place);
        let only_replaced = |(place, replaced): &(Place, bool)| *replaced || !is_left_out(place);
        if keys.iter().all(only_replaced) && !names_keys_by_elements(command, &request) {
            self.run_or_leave_out(request, moment)?;
            for (place, _) in keys {
                self.reconsider(place, command);
            }
            return Ok(());
        }
        for place in self.written(command, &request) {
            self.leave_out_key(place);
        }
        Ok(())
    }

    /// Leaves out what a command of another server wrote.
    fn pass_over(&mut self, request: &Request<'_>) {
        let keys = foreign::written(request);
        if keys.is_empty() {
            let name = Bytes::copy_from_slice(request.arg(0));
            self.left_out.add(self.session.db as u64, name, COMMAND);
        }
        for key in keys {
            let place = self.place(key);
            self.leave_out_key(place);
        }
    }

    /// Runs a command. A value that RESTORE cannot read was written by a server that could, and a library that cannot be run by one that ran it.
    fn run_or_leave_out(
        &mut self,
        request: Request<'_>,
        moment: Option<Moment>,
    ) -> Result<(), ReplayError> {
        match self.execute(request, moment) {
            Err(error)
                if request.arg(0).eq_ignore_ascii_case(b"RESTORE")
                    && error == BAD_DUMP.to_string() =>
            {
                let place = self.place(request.arg(1));
                self.leave_out_key(place);
                Ok(())
            }
            Err(_) if request.arg(0).eq_ignore_ascii_case(b"FUNCTION") => {
                let name = Bytes::copy_from_slice(request.arg(0));
                self.left_out.add(self.session.db as u64, name, LIBRARY);
                Ok(())
            }
            outcome => outcome.map_err(ReplayError::Refused),
        }
    }

    fn move_left_out(&mut self, command: &Command, request: &Request<'_>) -> Moved {
        let db = self.session.db as u64;
        let number = |index: usize| {
            let argument = (index < request.len()).then(|| request.arg(index));
            argument.and_then(parse_i64).map_or(db, |db| db as u64)
        };
        let keys = &mut self.left_out.keys;
        match command.full_name.as_str() {
            "flushall" => keys.clear(),
            "flushdb" => keys.retain(|(of, _), _| *of != db),
            "swapdb" => {
                let (one, other) = (number(1), number(2));
                let swapped = |of| match of {
                    of if of == one => other,
                    of if of == other => one,
                    of => of,
                };
                let all = std::mem::take(keys).into_iter();
                *keys = all
                    .map(|((of, key), what)| ((swapped(of), key), what))
                    .collect();
            }
            "rename" | "renamenx" if request.len() == 3 => {
                let (from, to) = (self.place(request.arg(1)), self.place(request.arg(2)));
                return self.carry(from, to, true);
            }
            "move" if request.len() == 3 => {
                let from = self.place(request.arg(1));
                let to = (number(2), from.1.clone());
                return self.carry(from, to, true);
            }
            "copy" if request.len() >= 3 => {
                let is_db = |index: &usize| request.arg(*index).eq_ignore_ascii_case(b"DB");
                let to_db = (3..request.len())
                    .find(is_db)
                    .map_or(db, |at| number(at + 1));
                let from = self.place(request.arg(1));
                let to = (to_db, Bytes::copy_from_slice(request.arg(2)));
                return self.carry(from, to, false);
            }
            _ => return Moved::None,
        }
        Moved::Beside
    }

    /// What is not known is not known at `to` either.
    fn carry(&mut self, from: Place, to: Place, is_moved: bool) -> Moved {
        if !self.left_out.keys.contains_key(&from) {
            self.left_out.keys.remove(&to);
            return Moved::Beside;
        }
        if is_moved && from != to {
            self.left_out.keys.remove(&from);
        }
        self.leave_out_key(to);
        Moved::Instead
    }

    fn leave_out_key(&mut self, place: Place) {
        if self.is_there(&place) {
            let db = std::mem::replace(&mut self.session.db, place.0 as usize);
            let removal = OwnedRequest::from_args([&b"DEL"[..], &place.1]);
            // DEL of a key that is there does not fail.
            let _ = self.execute(removal.as_request(), None);
            self.session.db = db;
        }
        self.left_out.add(place.0, place.1, VALUE);
    }

    /// A key is known again when it is there or was removed.
    fn reconsider(&mut self, place: Place, command: &Command) {
        let removes = command.spec.keys.iter().any(|spec| spec.flags & RM != 0);
        if self.left_out.keys.contains_key(&place) && (removes || self.is_there(&place)) {
            self.left_out.keys.remove(&place);
        }
    }

    fn is_there(&self, (db, key): &Place) -> bool {
        let keyspace = &self.shared.keyspace;
        let stripe = keyspace.stripe_of(key);
        let mut locked = Locked::new(keyspace);
        locked.acquire_one(stripe);
        let tables = &locked.stripe(stripe).dbs;
        let table = tables.get(*db as usize);
        table.is_some_and(|table| table.position(key).is_some())
    }

    /// The keys of a command, and of each whether what it held does not matter.
    fn keys_of(&self, command: &Command, request: &Request<'_>) -> Vec<(Place, bool)> {
        // What a value is kept until may belong to the value that is not known.
        let keeps = |word: &[u8]| word.eq_ignore_ascii_case(b"KEEPTTL");
        let (is_set, keeps) = (command.spec.name == "set", request.iter().any(keeps));
        let runs = runs(command, request);
        let indexes = runs.map(|(index, flags)| {
            let replaced = match is_set {
                true => !keeps,
                false => flags & (OW | RM) != 0,
            };
            (self.place(request.arg(index)), replaced)
        });
        indexes.collect()
    }

    fn written(&self, command: &Command, request: &Request<'_>) -> Vec<Place> {
        let written = runs(command, request).filter(|(_, flags)| flags & RO == 0);
        written
            .map(|(index, _)| self.place(request.arg(index)))
            .collect()
    }

    fn place(&self, key: &[u8]) -> Place {
        (self.session.db as u64, Bytes::copy_from_slice(key))
    }
}

/// True for a SORT whose elements name further keys, of which any may be one that is not known.
fn names_keys_by_elements(command: &Command, request: &Request<'_>) -> bool {
    command.spec.name == "sort" && request.iter().skip(2).any(|arg| arg.contains(&b'*'))
}

/// Where the keys of a command stand, and what it does to them.
fn runs(command: &Command, request: &Request<'_>) -> impl Iterator<Item = (usize, KeyFlags)> {
    let subcommand = (command.is_container() && request.len() > 1)
        .then(|| command.subcommand(request.arg(1)))
        .flatten();
    let specs = subcommand.unwrap_or(command).spec.keys;
    let runs = keys_of(specs, request).unwrap_or_default().into_iter();
    runs.flat_map(|run| run.indexes().map(move |index| (index, run.flags)))
}
