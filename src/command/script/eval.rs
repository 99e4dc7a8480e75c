//! EVAL, EVALSHA, and their variants for scripts that change nothing.

use super::super::Args;
use super::super::ctx::{Ctx, DONE, Outcome};
use super::super::dispatch::{self, Env};
use super::super::error::{self, Error};
use super::super::meter::Meter;
use super::super::session::Session;
use super::super::shared::{Shared, gate};
use super::super::{evict, monitor};
use super::caller::Caller;
use super::engine::{self, Engine};
use super::scripts::{Flags, Script, Sha, declarations};
use crate::base::{num, sha1};
use crate::keyspace::effects::Mark;
use crate::resp::Request;
use crate::script::{Answered, Call, Failure, Interpreter, Loaded};
use std::sync::Arc;

/// `EVAL script numkeys [key...] [arg...]`
pub fn eval(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    run(ctx, args, (find_or_compile, false))
}

/// `EVAL_RO script numkeys [key...] [arg...]`
pub fn eval_ro(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    run(ctx, args, (find_or_compile, true))
}

/// `EVALSHA sha1 numkeys [key...] [arg...]`
pub fn evalsha(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    check_sha(&args)?;
    run(ctx, args, (find_by_sha, false))
}

/// `EVALSHA_RO sha1 numkeys [key...] [arg...]`
pub fn evalsha_ro(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    check_sha(&args)?;
    run(ctx, args, (find_by_sha, true))
}

/// What cannot be the name of a script is none, whatever else is wrong.
fn check_sha(args: &Args<'_>) -> Result<(), Error> {
    let is_sha = args
        .peek()
        .is_some_and(|name| name.len() == size_of::<Sha>());
    is_sha.then_some(()).ok_or(error::NO_SCRIPT)
}

/// How the script of a request is found.
type Find = fn(&Shared, &mut Engine, &[u8]) -> Result<(Arc<Script>, Loaded), Error>;

fn run(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>, (find, is_ro): (Find, bool)) -> Outcome {
    monitor::announce(ctx, args.request());
    let named = args.bytes()?;
    let keys = count_keys(&mut args)?;
    let shared = ctx.shared;
    let (script, outcome) = engine::with(&shared.scripts, |engine| {
        let (script, loaded) = find(shared, engine, named)?;
        shared.scripts.note_use(&script);
        let task = Task {
            loaded,
            flags: script.flags,
            is_ro,
            function: None,
            keys,
        };
        let outcome = task.run(ctx, &engine.interpreter, args.request())?;
        Ok((script, outcome))
    })?;
    conclude(ctx, outcome, &script.sha)
}

/// Takes the number of keys, which may not be more than the arguments behind it.
pub fn count_keys(args: &mut Args<'_>) -> Result<usize, Error> {
    let count = num::parse_i64(args.bytes()?).ok_or(error::NOT_AN_INTEGER)?;
    if count > args.len() as i64 {
        return Err(error::TOO_MANY_KEYS);
    }
    usize::try_from(count).map_err(|_| error::NEGATIVE_KEYS)
}

fn find_or_compile(
    shared: &Shared,
    engine: &mut Engine,
    text: &[u8],
) -> Result<(Arc<Script>, Loaded), Error> {
    if let Some((script, loaded)) = engine.find_text(text) {
        return Ok((script.clone(), loaded));
    }
    let sha = sha1::hex(text);
    let (flags, code) = declarations(text)?;
    engine.compile(code, || shared.scripts.add(sha, text, flags, false))
}

fn find_by_sha(
    shared: &Shared,
    engine: &mut Engine,
    name: &[u8],
) -> Result<(Arc<Script>, Loaded), Error> {
    let mut sha = Sha::try_from(name).map_err(|_| error::NO_SCRIPT)?;
    sha.make_ascii_lowercase();
    if let Some((script, loaded)) = engine.find(&sha) {
        return Ok((script.clone(), loaded));
    }
    let script = shared.scripts.find(&sha).ok_or(error::NO_SCRIPT)?;
    engine.compile(script.code(), || script.clone())
}

/// What is to be run, of a script or of a function.
pub struct Task<'t> {
    /// The compiled function.
    pub loaded: Loaded,
    /// What it declares itself to be.
    pub flags: Flags,
    /// It is called by a command that changes nothing.
    pub is_ro: bool,
    /// The function's name; none for a script.
    pub function: Option<&'t [u8]>,
    /// How many of its arguments are keys.
    pub keys: usize,
}

impl Task<'_> {
    /// Runs it and writes what it returns. An error where it may not run at all.
    pub fn run(
        &self,
        ctx: &mut Ctx<'_, '_>,
        interpreter: &Interpreter,
        request: Request<'_>,
    ) -> Result<Result<Answered, Failure>, Error> {
        if ctx.session.is_restricted() && !ctx.nested {
            // What the script may be denied is told with the call that runs it.
            ctx.session.note_state();
        }
        let meter = Meter::start(&ctx.shared.stats[ctx.local.core], &ctx.local.config);
        let began = meter.began();
        let mut env = Env {
            shared: ctx.shared,
            local: ctx.local,
            locked: ctx.keys.locked,
            changes: ctx.keys.changes,
            now: ctx.now,
            meter,
        };
        let is_short = evict::is_short(&env);
        self.check(&env, is_short)?;
        let mut caller = Caller {
            env: &mut env,
            session: Session::of_script(ctx.session),
            is_short: is_short && !self.flags.allow_oom,
            is_read_only: self.is_ro || self.flags.no_writes,
            request,
            function: self.function,
            began,
            is_cut_off: false,
        };
        ctx.shared.running.begin();
        let began = caller.env.locked.effects.mark();
        let first = super::NUMKEYS + 1;
        let (keys, args) = (
            request.args_from(first),
            request.args_from(first + self.keys),
        );
        let call = Call {
            script: self.loaded,
            keys: keys.take(self.keys),
            args,
            as_parameters: self.function.is_some(),
            host: &mut caller,
        };
        let outcome = interpreter.run(call, ctx.reply);
        match caller.is_cut_off {
            true => leave_half_done(ctx, began),
            false => ctx.shared.running.end(ctx.shared),
        }
        Ok(outcome)
    }

    /// Whether what declares itself may run as things are.
    fn check(&self, env: &Env<'_, '_>, is_short: bool) -> Result<(), Error> {
        let shared = env.shared;
        if self.flags.is_undeclared || self.flags.no_writes {
            return Ok(());
        }
        if is_short && !self.flags.allow_oom {
            return Err(error::OUT_OF_MEMORY);
        }
        if self.is_ro {
            return Err(error::SCRIPT_MAY_WRITE);
        }
        if shared.gate(gate::LOG_FAILED | gate::UNSAVED) {
            return dispatch::disk_refusal(shared).map_or(Ok(()), Err);
        }
        Ok(())
    }
}

/// A server that goes down without saving has ended a script in its midst. Nobody may see what it did, or build on it; so what it held is
/// kept from everybody, who hear that the server is busy.
#[cold]
fn leave_half_done(ctx: &mut Ctx<'_, '_>, began: Mark) {
    ctx.keys.locked.effects.forget(began);
    ctx.shared.keyspace.set_stalled(true);
    ctx.keys.locked.abandon();
    ctx.session.closing = true;
}

/// Counts what came of a script, and writes what it failed with.
pub fn conclude(ctx: &mut Ctx<'_, '_>, outcome: Result<Answered, Failure>, name: &[u8]) -> Outcome {
    if ctx.keys.locked.is_abandoned() {
        return DONE;
    }
    let stats = &ctx.shared.stats[ctx.local.core];
    match outcome {
        Ok(answered) => {
            if answered.has_error {
                stats.commands[ctx.command.id].failed.add(1);
            }
            for text in &answered.uncounted {
                stats.error(error::code_of(text));
            }
            DONE
        }
        Err(failure) if failure.is_counted => {
            stats.commands[ctx.command.id].failed.add(1);
            ctx.reply.error(&failure.told(name));
            DONE
        }
        Err(failure) => Err(Error::from_text(failure.told(name))),
    }
}

/// Compiles a script and makes it known for good; its name.
pub fn load(shared: &Shared, text: &[u8]) -> Result<Sha, Error> {
    let sha = sha1::hex(text);
    engine::with(&shared.scripts, |engine| {
        if engine.find(&sha).is_none() {
            let (_, code) = declarations(text)?;
            engine.compile(code, || {
                let flags =
                    declarations(text).map_or_else(|_| Flags::default(), |(flags, _)| flags);
                shared.scripts.add(sha, text, flags, true)
            })?;
        } else {
            shared.scripts.pin(&sha);
        }
        Ok(sha)
    })
}
