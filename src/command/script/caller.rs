//! A script's commands: which of them may run, on which stripes, and how.

use super::super::acl::{self, log::Context};
use super::super::dispatch::{self, Env, Unfit};
use super::super::registry::{Command, Hold};
use super::super::session::Session;
use super::super::shared::gate;
use super::super::table::words::flag;
use super::super::{Flow, error, monitor};
use super::outlook;
use super::running::{self, What};
use crate::keyspace::StripeSet;
use crate::resp::{OwnedRequest, Reply, Request};
use crate::script::{Host, LogLevel, Verdict};
use std::time::Instant;

/// See the module's description.
pub struct Caller<'c, 'e, 'k> {
    /// Where commands run.
    pub env: &'c mut Env<'e, 'k>,
    /// Who they see as their client.
    pub session: Session,
    /// Only commands that change nothing may run.
    pub is_read_only: bool,
    /// Memory was full when the script began, and it is not one that may run then: until it has written something, nothing may take memory.
    pub is_short: bool,
    /// The request that runs the script.
    pub request: Request<'c>,
    /// The function's name; none for a script.
    pub function: Option<&'c [u8]>,
    /// Since when it runs.
    pub began: Instant,
    /// It was ended after it had written something.
    pub is_cut_off: bool,
}

impl Host for Caller<'_, '_, '_> {
    fn call(&mut self, request: Request<'_>, reply: &mut Reply) {
        match self.admit(request) {
            Ok(command) => {
                let renamed = dispatch::by_own_name(command, request);
                let request = renamed.as_ref().map_or(request, OwnedRequest::as_request);
                self.run(command, request, reply);
            }
            Err((refusal, command)) => dispatch::reject(self.env, command, &refusal, reply),
        }
    }

    fn may_call(&mut self, request: Request<'_>) -> Option<bool> {
        let command = dispatch::resolve(request).ok()?;
        let user = self.session.user(self.env.shared);
        Some(user.is_none_or(|user| user.rights().check(command, &request).is_ok()))
    }

    fn log(&mut self, level: LogLevel, line: &[u8]) {
        super::write_log(level, line);
    }

    fn look_up(&mut self) -> Verdict {
        self.wake_log();
        let scripts = &self.env.shared.running;
        if !scripts.is_busy() {
            let limit = running::threshold(self.env.local.config.busy_reply_threshold_ms);
            if limit.is_some_and(|limit| self.began.elapsed() >= limit) {
                self.become_busy();
            }
        }
        if scripts.is_busy() {
            outlook::attend();
        }
        // A server that goes down waits for no script but one that has written.
        let is_superfluous = self.env.shared.gate(gate::STOPPING)
            && (!scripts.has_written() || scripts.is_abandoned());
        if !scripts.is_killed() && !is_superfluous {
            return Verdict::GoesOn;
        }
        self.is_cut_off = scripts.has_written();
        Verdict::Killed
    }
}

/// Why a command is not run, and which, if there is one.
type Refusal = (error::Error, Option<&'static Command>);

impl Caller<'_, '_, '_> {
    /// The command of a request, if a script may run it, and this one.
    fn admit(&mut self, request: Request<'_>) -> Result<&'static Command, Refusal> {
        let command = dispatch::resolve(request).map_err(|unfit| match unfit {
            Unfit::Unknown => (error::SCRIPT_UNKNOWN_COMMAND, None),
            Unfit::Arity(command) => (error::SCRIPT_WRONG_ARITY, Some(command)),
        })?;
        let refuse = |refusal| Err((refusal, Some(command)));
        if command.is(flag::NOSCRIPT) {
            return refuse(error::NOT_FROM_SCRIPT);
        }
        if let Err(refused) = acl::check(self.env.shared, &self.session, command, request) {
            let place = self.env.place(Context::Lua);
            refused.note(place, &self.session.record, command, request);
            return refuse(error::denied_to_script(&refused.error(command)));
        }
        if command.writes() {
            if self.is_read_only {
                return refuse(error::SCRIPT_READ_ONLY);
            }
            let shared = self.env.shared;
            if shared.gate(gate::LOG_FAILED | gate::UNSAVED)
                && let Some(refusal) = dispatch::disk_refusal(shared)
            {
                return refuse(refusal);
            }
        }
        let is_short = self.is_short && !self.env.shared.running.has_written();
        if is_short && command.is(flag::DENYOOM) {
            return refuse(error::OUT_OF_MEMORY);
        }
        if command.writes() && !self.env.shared.running.note_write() {
            return refuse(error::SCRIPT_KILLED);
        }
        Ok(command)
    }

    fn run(&mut self, command: &'static Command, request: Request<'_>, reply: &mut Reply) {
        self.hold(command, request);
        self.session.version = reply.version;
        let (env, session) = (&mut *self.env, &mut self.session);
        let mark = reply.mark();
        // What the script itself has done since its last command is none of this one's.
        env.meter.skip();
        let flow = dispatch::invoke(env, session, command, &request, reply, true);
        monitor::feed(env, session, command, request);
        match flow {
            Flow::Done => {}
            Flow::Long(rest) => dispatch::write_nested(env, command, (rest, mark), reply),
            Flow::Block(_) | Flow::Paused => unreachable!("a nested command does not wait"),
        }
    }

    /// Sees to it that the stripes of a command are held. What is reached for may have keys whose waiters are yet to be served: they are served
    /// when the script is over, since nothing may come between its commands.
    fn hold(&mut self, command: &Command, request: Request<'_>) {
        let locked = &mut *self.env.locked;
        let keyspace = locked.keyspace();
        match command.hold {
            Hold::NoKey => {}
            Hold::OneKey(index) => {
                let stripe = keyspace.stripe_of(request.arg(index as usize));
                if !locked.holds(stripe) {
                    let mut set = StripeSet::none();
                    set.insert(stripe);
                    locked.reach(&set);
                }
            }
            Hold::Keys => locked.reach(&command.stripes(keyspace, request)),
            Hold::All | Hold::Nothing | Hold::Script => locked.reach(&StripeSet::All),
        }
        if let Some(reach) = command.spec.reach {
            let wanted = reach(&mut self.env.keys(self.session.db), request);
            self.env.locked.reach(&wanted);
        }
    }

    /// What was appended before the script does not wait for its end: whoever appends after that does not wake the writer.
    fn wake_log(&mut self) {
        if self.env.locked.take_wake() {
            self.env.locked.keyspace().log().wake();
        }
        outlook::wake_log();
    }

    #[cold]
    fn become_busy(&mut self) {
        let shared = self.env.shared;
        let ms = self.began.elapsed().as_millis();
        tracing::warn!(
            "a script has run for {ms} ms: others are told that the server is busy; SCRIPT KILL or FUNCTION KILL ends it"
        );
        shared.running.set_busy(
            shared,
            What {
                function: self.function.map(Into::into),
                request: self.request.iter().map(Into::into).collect(),
                began: self.began,
            },
        );
    }
}
