//! An interpreter: compiles scripts once, runs them, bounds their memory, and lets somebody look up while they run.
//!
//! A script runs under a handler for errors, so that what happened and where is known before its frames are gone. Compiled scripts stand in a
//! table of Lua's, found by number.

use super::encode::{self, Answered};
use super::failure::Failure;
use super::host::{self, Host, Verdict};
use super::library::Registered;
use super::sandbox::{self, Sandbox};
use super::state::{MAX_MEMORY_BYTES, State, Unbounded, text};
use crate::resp::{Reply, Version};
use mlua::{Function, HookTriggers, Lua, LuaOptions, LuaString, StdLib, Table, Value, VmState};
use std::rc::Rc;

/// Instructions between two looks at whether a script may run on.
const LOOK_EVERY: u32 = 100_000;

/// A compiled script: its number in the interpreter that compiled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loaded(usize);

/// What is to be run.
pub struct Call<'c, K, A> {
    /// The script.
    pub script: Loaded,
    /// Its keys.
    pub keys: K,
    /// Its other arguments.
    pub args: A,
    /// Keys and arguments are given as parameters, as functions want them, and not as globals.
    pub as_parameters: bool,
    /// What runs its commands.
    pub host: &'c mut dyn Host,
}

/// See the module's description.
pub struct Interpreter {
    lua: Lua,
    state: Rc<State>,
    sandbox: Sandbox,
    /// Called with what nobody catches.
    handler: Function,
    next: Function,
    /// Compiled scripts by number.
    scripts: Table,
    /// Numbers that are free again.
    free: Vec<usize>,
    count: usize,
    keys_name: LuaString,
    args_name: LuaString,
}

impl Interpreter {
    /// An interpreter for scripts, or for libraries of functions.
    pub fn new(is_for_functions: bool) -> mlua::Result<Self> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::OS;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        let state = Rc::new(State::new(&lua)?);
        let next = lua.globals().raw_get("next")?;
        let sandbox = sandbox::build(&lua, &state, is_for_functions)?;
        let of = state.clone();
        let handler = lua.create_function(move |lua, error: Value| {
            let _unbounded = Unbounded::lift(lua, 0);
            of.failure.replace(Some(Failure::of(lua, &of, &error)));
            Ok(())
        })?;
        let triggers = HookTriggers::new().every_nth_instruction(LOOK_EVERY);
        lua.set_global_hook(triggers, |lua, _| look_up(lua))?;
        lua.set_memory_limit(MAX_MEMORY_BYTES)?;
        Ok(Interpreter {
            scripts: lua.create_table()?,
            keys_name: lua.create_string("KEYS")?,
            args_name: lua.create_string("ARGV")?,
            lua,
            state,
            sandbox,
            handler,
            next,
            free: Vec::new(),
            count: 0,
        })
    }

    /// Tells what its values take, after whatever was done with it: bytes.
    pub fn note_bytes(&self) -> usize {
        self.state.note_bytes(&self.lua);
        self.state.noted_bytes.get()
    }

    /// Compiles `text`, which errors are said to come from by the name of `chunk`. The error is Lua's own text.
    pub fn compile(&self, text: &[u8], chunk: &str) -> Result<Function, Vec<u8>> {
        let chunk = self.lua.load(text).set_name(chunk);
        let function = chunk.set_mode(mlua::chunk::ChunkMode::Text).into_function();
        function.map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message.into_bytes(),
            error => error.to_string().into_bytes(),
        })
    }

    /// Keeps a compiled function.
    pub fn keep(&mut self, function: &Function) -> mlua::Result<Loaded> {
        let number = self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count
        });
        self.scripts.raw_set(number, function)?;
        Ok(Loaded(number))
    }

    /// Forgets a compiled function.
    pub fn forget(&mut self, script: Loaded) {
        if self.scripts.raw_set(script.0, Value::Nil).is_ok() {
            self.free.push(script.0);
        }
    }

    /// Runs a compiled script and writes what it returns, or says what it failed with. Nothing has been written then.
    pub fn run<'k, K, A>(
        &self,
        call: Call<'_, K, A>,
        reply: &mut Reply,
    ) -> Result<Answered, Failure>
    where
        K: Iterator<Item = &'k [u8]>,
        A: Iterator<Item = &'k [u8]>,
    {
        self.state.resp3.set(false);
        self.state.reply.borrow_mut().version = Version::Resp2;
        let ended = self
            .call(call)
            .map_err(|error| Value::Error(Box::new(error)));
        match ended.and_then(|(ok, value)| if ok { Ok(value) } else { Err(value) }) {
            Ok(value) => {
                let _unbounded = Unbounded::lift(&self.lua, 0);
                let mark = reply.mark();
                encode::write(&self.state, &self.next, value, reply).map_err(|error| {
                    reply.rollback(mark);
                    Failure::unhandled(&self.state, &Value::Error(Box::new(error)))
                })
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn call<'k, K, A>(&self, call: Call<'_, K, A>) -> mlua::Result<(bool, Value)>
    where
        K: Iterator<Item = &'k [u8]>,
        A: Iterator<Item = &'k [u8]>,
    {
        let unbounded = Unbounded::lift(&self.lua, 0)?;
        let script: Function = self.scripts.raw_get(call.script.0)?;
        let keys = self.lua.create_sequence_from(call.keys.map(text))?;
        let args = self.lua.create_sequence_from(call.args.map(text))?;
        let script = if call.as_parameters {
            script.bind((keys, args))?
        } else {
            self.sandbox.globals.raw_set(&self.keys_name, keys)?;
            self.sandbox.globals.raw_set(&self.args_name, args)?;
            script
        };
        drop(unbounded);
        let guarded = &self.sandbox.guarded;
        host::with_host(call.host, || guarded.call((script, &self.handler)))
    }

    /// Runs the code of a library, which registers functions.
    pub fn load_library(
        &self,
        code: &Function,
        host: &mut dyn Host,
    ) -> Result<Vec<Registered>, Failure> {
        self.state.registered.replace(Some(Vec::new()));
        let guarded = &self.sandbox.guarded;
        let ended = self.sandbox.set_loading(true).and_then(|()| {
            host::with_host(host, || {
                guarded.call::<(bool, Value)>((code, &self.handler))
            })
        });
        let shown = self.sandbox.set_loading(false);
        let registered = self.state.registered.take().unwrap_or_default();
        match ended.and_then(|ended| shown.map(|()| ended)) {
            Ok((true, _)) => Ok(registered),
            Ok((false, error)) => Err(self.failed(&error)),
            Err(error) => Err(self.failed(&Value::Error(Box::new(error)))),
        }
    }

    /// What a script failed with. A script that filled the memory leaves garbage that Lua would not yet collect.
    fn failed(&self, error: &Value) -> Failure {
        let handled = self.state.failure.take();
        let failure = handled.unwrap_or_else(|| Failure::unhandled(&self.state, error));
        if self.lua.used_memory() > MAX_MEMORY_BYTES / 2 {
            self.lua.gc_restart();
            let _ = self.lua.gc_collect();
        }
        failure
    }
}

/// Lets the host look up; ends the script if it is killed.
fn look_up(lua: &Lua) -> mlua::Result<VmState> {
    if let Some(state) = lua.app_data_ref::<Rc<State>>() {
        state.note_bytes(lua);
    }
    if host::with(|host| host.look_up()) != Some(Verdict::Killed) {
        return Ok(VmState::Continue);
    }
    // From here on every instruction ends it, so that it cannot go on by catching the error.
    let triggers = HookTriggers::new().every_nth_instruction(1);
    lua.set_global_hook(triggers, |lua, _| look_up_again(lua))?;
    Err(killed())
}

fn look_up_again(lua: &Lua) -> mlua::Result<VmState> {
    if host::with(|host| host.look_up()) == Some(Verdict::Killed) {
        return Err(killed());
    }
    let triggers = HookTriggers::new().every_nth_instruction(LOOK_EVERY);
    lua.set_global_hook(triggers, |lua, _| look_up(lua))?;
    Ok(VmState::Continue)
}

fn killed() -> mlua::Error {
    super::failure::message("Script killed by user with SCRIPT KILL...")
}
