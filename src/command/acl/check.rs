//! The check before a command: whether its client's user may run it with its keys and channels. What is denied is noted in ACL LOG and
//! counted by whoever asked ([`Refused::note`]), once the client's record tells of the command.
//!
//! Dispatch asks for requests as they arrive and when MULTI queues them; EXEC asks again for what was queued; who serves a blocked client
//! asks again too, since rights may have changed meanwhile. A script asks for each command that it calls.

use super::log::{Context, Denied, Reason};
use super::selector::Denial;
use super::user::User;
use crate::base::clock::Now;
use crate::command::clients::ClientRecord;
use crate::command::connection::client;
use crate::command::error::{self, Error};
use crate::command::registry::Command;
use crate::command::session::Session;
use crate::command::shared::Shared;
use crate::resp::Request;
use std::sync::Arc;

/// Where a check is made: on which core, when, in which context.
#[derive(Clone, Copy)]
pub struct Place<'k> {
    /// What all cores share.
    pub shared: &'k Shared,
    /// The core.
    pub core: usize,
    /// The time.
    pub now: Now,
    /// Where the command is to run.
    pub context: Context,
}

/// What is denied to whom.
#[derive(Debug)]
pub struct Refused {
    /// The user.
    pub user: Arc<User>,
    /// What is denied.
    pub denial: Denial,
}

impl Refused {
    /// Notes it for ACL LOG, and counts it.
    #[cold]
    pub fn note(
        &self,
        place: Place<'_>,
        record: &ClientRecord,
        command: &Command,
        request: Request<'_>,
    ) {
        let (reason, object) = match self.denial {
            Denial::Command => (Reason::Command, command.full_name.as_bytes()),
            Denial::Key(index) => (Reason::Key, request.arg(index)),
            Denial::Channel(index) => (Reason::Channel, request.arg(index)),
        };
        let denied = Denied {
            reason,
            context: place.context,
            object: object.into(),
            user: self.user.name.clone(),
        };
        note_denied(place, record, denied);
    }

    /// The reply to a client.
    pub fn error(&self, command: &Command) -> Error {
        match self.denial {
            Denial::Command => error::no_permission_to_run(&self.user.name, &command.full_name),
            Denial::Key(_) => error::NO_PERMISSION_FOR_KEY,
            Denial::Channel(_) => error::NO_PERMISSION_FOR_CHANNEL,
        }
    }

    /// The reply in place of a queued command's.
    pub fn error_at_exec(&self) -> Error {
        error::no_permission_any_more(match self.denial {
            Denial::Command => "no permission to execute the command or subcommand",
            Denial::Key(_) => "no permission to touch the specified keys",
            Denial::Channel(_) => "no permission to access one of the channels used as arguments",
        })
    }

    /// What ACL DRYRUN says.
    pub fn explain(&self, command: &Command, arg: impl FnOnce(usize) -> Vec<u8>) -> Vec<u8> {
        let user = &*self.user.name;
        match self.denial {
            Denial::Command => {
                let command = command.full_name.as_bytes();
                [
                    b"User ",
                    user,
                    b" has no permissions to run the '",
                    command,
                    b"' command",
                ]
                .concat()
            }
            Denial::Key(index) => [
                b"User ",
                user,
                b" has no permissions to access the '",
                &*arg(index),
                b"' key",
            ]
            .concat(),
            Denial::Channel(index) => [
                b"User ",
                user,
                b" has no permissions to access the '",
                &*arg(index),
                b"' channel",
            ]
            .concat(),
        }
    }
}

/// Whether the client of `session` may run this now.
#[inline]
pub fn check(
    shared: &Shared,
    session: &Session,
    command: &Command,
    request: Request<'_>,
) -> Result<(), Refused> {
    match session.user(shared) {
        Some(user) if !user.is_unrestricted() => check_user(user.clone(), command, request),
        _ => Ok(()),
    }
}

/// Whether the client of `session` may also read keys that this call does not name, whatever they are: SORT finds some by their patterns.
pub fn reads_every_key(
    shared: &Shared,
    session: &Session,
    command: &Command,
    request: Request<'_>,
) -> bool {
    session.user(shared).is_none_or(|user| {
        user.is_unrestricted() || user.rights().read_every_key(command, &request)
    })
}

/// Tells of a key whether what the client of `session` calls may write to it as well, though its key specs do not find it: where dead letters go
/// is said by options, and by the letters.
pub fn writes_also<'c>(
    shared: &'c Shared,
    session: &'c Session,
    command: &'c Command,
    request: Request<'c>,
) -> impl Fn(&[u8]) -> bool {
    move |key| {
        session.user(shared).is_none_or(|user| {
            user.is_unrestricted() || user.rights().write_also(command, &request, key)
        })
    }
}

/// Whether a client that was blocked may run its command now; only its record is at hand.
#[cold]
pub fn check_waiting(
    record: &ClientRecord,
    command: &Command,
    request: Request<'_>,
) -> Result<(), Refused> {
    let user = record.user.lock().clone();
    match user {
        Some(user) if !user.is_unrestricted() => check_user(user, command, request),
        _ => Ok(()),
    }
}

fn check_user(user: Arc<User>, command: &Command, request: Request<'_>) -> Result<(), Refused> {
    let checked = user.rights().check(command, &request);
    checked.map_err(|denial| Refused { user, denial })
}

/// Notes that something was denied, and counts it.
pub fn note_denied(place: Place<'_>, record: &ClientRecord, denied: Denied) {
    let Place { shared, now, .. } = place;
    shared.stats[place.core].denied[denied.reason as usize].add(1);
    let max_len = shared.config.load().acllog_max_len;
    let mut client = client::line(record, now.steady_ms);
    client.truncate(client.trim_end().len());
    shared
        .users
        .log
        .lock()
        .note(denied, client, now.unix_ms, max_len as usize);
}
