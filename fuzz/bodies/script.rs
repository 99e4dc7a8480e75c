//! Any bytes to the decoders that scripts have: they give a value or an error, and what they give can be encoded or is refused.

use millstream::resp::{Reply, Request, Version};
use millstream::script::{Call, Host, Interpreter, LogLevel, Verdict};
use std::cell::RefCell;

const SCRIPT: &str = "
    local bytes, format = ARGV[1], ARGV[2]
    local ok, value = pcall(cjson.decode, bytes)
    if ok then pcall(cjson.encode, value) pcall(cmsgpack.pack, value) end
    local ok, value = pcall(cmsgpack.unpack, bytes)
    if ok then pcall(cmsgpack.pack, value) pcall(cjson.encode, value) end
    pcall(cmsgpack.unpack_one, bytes) pcall(cmsgpack.unpack_limit, bytes, 3, 1)
    pcall(struct.unpack, format, bytes) pcall(struct.unpack, format, bytes, #format)
    pcall(struct.size, format) pcall(struct.pack, format, 1, bytes, 2, 3)
    pcall(loadstring, bytes)
    return 1";

/// Runs no command.
struct Alone;

impl Host for Alone {
    fn call(&mut self, _: Request<'_>, reply: &mut Reply) {
        reply.error(b"ERR no such thing");
    }

    fn may_call(&mut self, _: Request<'_>) -> Option<bool> {
        None
    }

    fn log(&mut self, _: LogLevel, _: &[u8]) {}

    fn look_up(&mut self) -> Verdict {
        Verdict::GoesOn
    }
}

thread_local! {
    static INTERPRETER: RefCell<Interpreter> = RefCell::new(Interpreter::new(false).expect("there is memory"));
}

pub fn run(input: &[u8]) {
    let format = &input[..input.len().min(8)];
    INTERPRETER.with_borrow_mut(|interpreter| {
        let function = interpreter.compile(SCRIPT.as_bytes(), "@user_script");
        let script = interpreter
            .keep(&function.expect("it is right"))
            .expect("there is memory");
        let mut reply = Reply::new(Version::Resp2);
        let call = Call {
            script,
            keys: std::iter::empty(),
            args: [input, format].into_iter(),
            as_parameters: false,
            host: &mut Alone,
        };
        let ran = interpreter.run(call, &mut reply);
        interpreter.forget(script);
        assert!(ran.is_ok());
    });
}
