//! Whether a command may run now, by the state of the server and of its client: who may not hears why, or waits.

use super::Env;
use crate::command::acl::{self, log::Context};
use crate::command::error::{self, Error};
use crate::command::registry::Command;
use crate::command::session::Session;
use crate::command::shared::{Shared, gate};
use crate::command::table::words::flag;
use crate::command::{evict, pubsub, script};
use crate::resp::Request;

pub(super) fn may_run(
    env: &mut Env<'_, '_>,
    session: &mut Session,
    command: &'static Command,
    request: Request<'_>,
) -> Result<(), Error> {
    let shared = env.shared;
    if !command.is(flag::NO_AUTH) && !session.is_let_in(shared) {
        return Err(error::NO_AUTH);
    }
    if env.local.attending && !may_attend(command) {
        return Err(shared.running.refusal());
    }
    if session.multi.is_some() && command.is(flag::NO_MULTI) {
        return Err(error::NOT_IN_MULTI);
    }
    let context = match session.multi {
        Some(_) => Context::Multi,
        None => Context::TopLevel,
    };
    if let Err(refused) = acl::check(shared, session, command, request) {
        session.last_command = Some(command);
        session.note_state();
        refused.note(env.place(context), &session.record, command, request);
        return Err(refused.error(command));
    }
    let denies = |command: &Command, _: Request<'_>| command.is(flag::DENYOOM);
    let takes_memory = runs_any(session, (command, request), denies);
    if !evict::has_room(env, takes_memory) {
        return Err(error::OUT_OF_MEMORY);
    }
    if shared.gate(gate::LOG_FAILED | gate::UNSAVED) {
        let writes = |command: &Command, _: Request<'_>| command.is(flag::WRITE);
        let needs_disk =
            runs_any(session, (command, request), writes) || command.spec.name == "ping";
        disk_refusal(shared)
            .filter(|_| needs_disk)
            .map_or(Ok(()), Err)?;
    }
    if session.in_subscriber_mode() && !pubsub::allowed_while_subscribed(command) {
        return Err(error::only_subscriber_commands(&command.full_name));
    }
    if shared.gate(gate::LOADING) && !runs_while_loading(session, command) {
        return Err(error::LOADING);
    }
    Ok(())
}

/// True for what a client may do while its core runs a script. RESET is not among it: the core does not know then who listens to what.
fn may_attend(command: &Command) -> bool {
    command.is(flag::ALLOW_BUSY) && command.spec.name != "reset"
}

fn runs_while_loading(session: &Session, command: &Command) -> bool {
    let queued = match &session.multi {
        Some(multi) if command.spec.name == "exec" => &multi.queue[..],
        _ => &[],
    };
    command.is(flag::LOADING) && queued.iter().all(|queued| queued.command.is(flag::LOADING))
}

/// Why no command that writes is taken: the data cannot be saved as it is to be, or the log cannot be written.
pub fn disk_refusal(shared: &Shared) -> Option<Error> {
    let config = shared.config.load();
    let must_save = config.stop_writes_on_bgsave_error && !config.save.is_empty();
    if must_save && shared.gate(gate::UNSAVED) {
        return Some(error::SAVE_FAILED);
    }
    shared.gate(gate::LOG_FAILED).then(|| {
        let failure = shared.storage.aof.failure();
        error::log_failed(&failure.unwrap_or_default())
    })
}

/// Why a request that has waited for its stripes is not executed after all.
pub enum Shut {
    /// Data is being loaded.
    Loading,
    /// A pause has begun, whose end it waits for.
    Paused,
}

/// What was shut while a request waited for its stripes stops it as if it had come only now. Who shuts it for good holds all stripes.
#[inline(always)]
pub fn shut_meanwhile(
    env: &Env<'_, '_>,
    session: &Session,
    command: &Command,
    request: Request<'_>,
) -> Option<Shut> {
    match env.shared.gate(gate::LOADING | gate::PAUSED) {
        true => shut_now(env, session, command, request),
        false => None,
    }
}

#[cold]
fn shut_now(
    env: &Env<'_, '_>,
    session: &Session,
    command: &Command,
    request: Request<'_>,
) -> Option<Shut> {
    if env.local.replaying {
        return None;
    }
    if env.shared.gate(gate::LOADING) && !runs_while_loading(session, command) {
        return Some(Shut::Loading);
    }
    is_paused(env, session, command, request).then_some(Shut::Paused)
}

/// True for a request that is to wait for the end of a pause, or for a snapshot before a stop.
pub(super) fn is_paused(
    env: &Env<'_, '_>,
    session: &Session,
    command: &Command,
    request: Request<'_>,
) -> bool {
    let shared = env.shared;
    let may_write = || {
        runs_any(session, (command, request), |command, request| {
            command.writes() && !script::is_declared_to_write_nothing(shared, command, request)
        })
    };
    if shared.gate(gate::SAVING_TO_STOP) && may_write() {
        return true;
    }
    let pause = shared.pause_in_force(env.now);
    pause.is_some_and(|pause| !pause.writes_only || may_write())
}

/// True for a request of which `what` is true, and for an EXEC of one.
fn runs_any(
    session: &Session,
    (command, request): (&Command, Request<'_>),
    what: impl Fn(&Command, Request<'_>) -> bool,
) -> bool {
    let mut queued = session.multi.iter().flat_map(|multi| &multi.queue);
    what(command, request)
        || (command.spec.name == "exec"
            && queued.any(|queued| what(queued.command, queued.request.as_request())))
}

/// True when messages that were published before this command may be on their way: what the client listens to must not change before
/// they are delivered.
pub(super) fn awaits_mail(env: &Env<'_, '_>, session: &Session, command: &Command) -> bool {
    let is_on_its_way = || {
        let inbox = &env.shared.inboxes[env.local.core];
        !env.local.gathered.is_empty() || env.local.reading_mail || inbox.has_mail()
    };
    command.subscribes && session.multi.is_none() && !session.heard && is_on_its_way()
}

/// True for a command that MULTI queues.
pub(super) fn queues(session: &Session, command: &Command) -> bool {
    session.multi.is_some()
        && !matches!(
            command.spec.name,
            "exec" | "discard" | "multi" | "watch" | "quit" | "reset"
        )
}
