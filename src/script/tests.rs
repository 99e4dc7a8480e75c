//! Scripts against a host that runs no real command.

use super::*;
use crate::resp::{Reply, Request, Version};
use proptest::prelude::*;

/// Answers ECHO, and fails almost everything else.
#[derive(Default)]
struct Echo {
    fresh: usize,
    called: Vec<Vec<u8>>,
    logged: Vec<Vec<u8>>,
    looks: usize,
    killed_after: Option<usize>,
}

impl Host for Echo {
    fn call(&mut self, request: Request<'_>, reply: &mut Reply) {
        if request.arg(0) == b"fresh" {
            self.fresh += 1;
            reply.array(2);
            let mut text = vec![b'x'; 1_000_000];
            text[..8].copy_from_slice(&self.fresh.to_ne_bytes());
            reply.bulk(&text);
            return reply.int(1);
        }
        self.called
            .push(request.iter().collect::<Vec<_>>().join(&b' '));
        match request.arg(0) {
            b"echo" => reply.bulk(request.arg(1)),
            b"raw" => reply.raw(request.arg(1)),
            _ => reply.error(b"ERR no such thing"),
        }
    }

    fn may_call(&mut self, _: Request<'_>) -> Option<bool> {
        Some(true)
    }

    fn log(&mut self, _: LogLevel, line: &[u8]) {
        self.logged.push(line.to_vec());
    }

    fn look_up(&mut self) -> Verdict {
        self.looks += 1;
        match self.killed_after {
            Some(looks) if self.looks > looks => Verdict::Killed,
            _ => Verdict::GoesOn,
        }
    }
}

struct Fixture {
    interpreter: Interpreter,
    host: Echo,
}

impl Fixture {
    fn new() -> Self {
        Fixture {
            interpreter: Interpreter::new(false).unwrap(),
            host: Echo::default(),
        }
    }

    fn run(&mut self, text: &str, args: &[&[u8]]) -> Result<String, Failure> {
        let compiled = self.interpreter.compile(text.as_bytes(), "@user_script");
        let function = compiled.map_err(|why| Failure {
            text: why,
            ..Failure::default()
        })?;
        let script = self.interpreter.keep(&function).unwrap();
        let mut reply = Reply::new(Version::Resp2);
        let call = Call {
            script,
            keys: std::iter::empty(),
            args: args.iter().copied(),
            as_parameters: false,
            host: &mut self.host,
        };
        let ran = self.interpreter.run(call, &mut reply);
        self.interpreter.forget(script);
        ran?;
        let mut scratch = Vec::new();
        Ok(String::from_utf8_lossy(reply.gathered(&mut scratch)).into_owned())
    }

    fn fails(&mut self, text: &str) -> String {
        let failure = self.run(text, &[]).expect_err(text);
        String::from_utf8(failure.told(b"sha")).unwrap()
    }
}

#[test]
fn values_cross_both_ways() {
    let mut fixture = Fixture::new();
    let cases = [
        ("return 3.99", ":3\r\n"),
        ("return 1e20", ":-9223372036854775808\r\n"),
        (
            "return {1,'a',true,false,{2}}",
            "*5\r\n:1\r\n$1\r\na\r\n:1\r\n$-1\r\n*1\r\n:2\r\n",
        ),
        ("return {1,2,nil,3}", "*2\r\n:1\r\n:2\r\n"),
        ("return {ok='fine'}", "+fine\r\n"),
        ("return {}", "*0\r\n"),
        ("return {1,ok='fine',{'a',err='BAD one'}}", "+fine\r\n"),
        (
            "return {1,{'a',err='BAD one'},{{},{ok='fine'}}}",
            "*3\r\n:1\r\n-BAD one\r\n*2\r\n*0\r\n+fine\r\n",
        ),
        (
            "return setmetatable({1}, {__index = {err = 'x', [2] = 2}, __metatable = 1})",
            "*1\r\n:1\r\n",
        ),
        (
            "local t = {} for i = 1, 16 do t[i] = i % 2 end return t",
            "*16\r\n:1\r\n:0\r\n:1\r\n:0\r\n:1\r\n:0\r\n:1\r\n:0\r\n:1\r\n:0\r\n:1\r\n:0\r\n:1\r\n:0\r\n:1\r\n:0\r\n",
        ),
        (
            "local t = {} for i = 1, 17 do t[i] = 'x' end return #{unpack(t)} == 17 and t",
            "*17\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n$1\r\nx\r\n",
        ),
        ("return {err='BAD one'}", "-BAD one\r\n"),
        ("return redis.error_reply('x')", "-ERR x\r\n"),
        (
            "return redis.call('echo', 7036874417766400)",
            "$16\r\n7036874417766400\r\n",
        ),
        ("return redis.call('echo', 3.1)", "$3\r\n3.1\r\n"),
        (
            "return redis.call('raw', '*2\\r\\n:1\\r\\n+OK\\r\\n')",
            "*2\r\n:1\r\n+OK\r\n",
        ),
        ("return redis.call('raw', '*-1\\r\\n')", "$-1\r\n"),
        (
            "redis.setresp(3) return redis.call('raw', '%1\\r\\n+a\\r\\n:1\\r\\n').map ~= nil",
            "#t\r\n",
        ),
        ("return redis.pcall('nosuch')", "-ERR no such thing\r\n"),
        (
            "return {pcall(redis.call, 'nosuch')}",
            "*2\r\n$-1\r\n$17\r\nERR no such thing\r\n",
        ),
        ("return ARGV[1]", "$3\r\narg\r\n"),
        (
            "return cjson.encode({1,{a=cjson.null}})",
            "$14\r\n[1,{\"a\":null}]\r\n",
        ),
        (
            "return cjson.decode('[1,[2.5,\"x\"]]')[2][2]",
            "$1\r\nx\r\n",
        ),
        (
            "return cmsgpack.unpack(cmsgpack.pack({1,'a'}))",
            "*2\r\n:1\r\n$1\r\na\r\n",
        ),
        (
            "return struct.unpack('<i4', struct.pack('<i4', -5))",
            ":-5\r\n",
        ),
        ("return bit.tohex(bit.bnot(0))", "$8\r\nffffffff\r\n"),
        (
            "return tostring(math.random())",
            "$16\r\n0.39646477363839\r\n",
        ),
        ("return select('#', unpack({}, 1, 7000))", ":7000\r\n"),
    ];
    for (text, expected) in cases {
        let expected = expected.replace("#t\r\n", ":1\r\n");
        assert_eq!(fixture.run(text, &[b"arg"]).unwrap(), expected, "{text}");
    }
}

#[test]
fn errors_say_where_they_happened() {
    let mut fixture = Fixture::new();
    let cases = [
        (
            "error('x')",
            "ERR user_script:1: x script: sha, on @user_script:1.",
        ),
        (
            "error({err='MY own'})",
            "MY own script: sha, on @user_script:1.",
        ),
        (
            "error({})",
            "ERR unknown error script: sha, on @user_script:1.",
        ),
        (
            "\n\nreturn redis.call('no')",
            "ERR no such thing script: sha, on @user_script:3.",
        ),
        (
            "return nosuch",
            "ERR user_script:1: Script attempted to access nonexistent global variable 'nosuch' script: sha, on @user_script:1.",
        ),
        (
            "x = 1",
            "ERR user_script:1: Attempt to modify a readonly table script: sha, on @user_script:1.",
        ),
        (
            "for k in pairs(nil) do end",
            "ERR user_script:1: bad argument #1 to 'pairs' (table expected, got nil) script: sha, on @user_script:1.",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(fixture.fails(text), expected, "{text}");
    }
}

#[test]
fn nobody_changes_what_others_see() {
    let mut fixture = Fixture::new();
    let attempts = [
        "redis.call = 1",
        "string.rep = nil",
        "_G.x = 1",
        "rawset(_G, 'x', 1)",
        "setmetatable(_G, {})",
        "setmetatable(redis, {})",
        "getmetatable(_G).__index = nil",
        "getmetatable('').__index = nil",
        "getmetatable('').__index.rep = nil",
        "loadstring('y = 1')()",
        "coroutine.wrap(function() z = 1 end)()",
    ];
    for text in attempts {
        let told = fixture.fails(text);
        assert!(told.contains("readonly table"), "{text}: {told}");
    }
    for name in [
        "dofile", "loadfile", "print", "newproxy", "setfenv", "io", "require", "debug",
    ] {
        let told = fixture.fails(&format!("return {name}"));
        assert!(told.contains("nonexistent global"), "{name}: {told}");
    }
    assert_eq!(
        fixture
            .run("return {os.time == nil, loadstring('\\27Lua') == nil}", &[])
            .unwrap(),
        "*2\r\n:1\r\n:1\r\n"
    );
    let names = "local n = 0 for _ in pairs(_G) do n = n + 1 end return n";
    assert_eq!(fixture.run(names, &[]).unwrap(), ":36\r\n");
}

#[test]
fn a_script_that_is_killed_cannot_go_on() {
    let mut fixture = Fixture::new();
    fixture.host.killed_after = Some(3);
    let told = fixture.fails("while true do pcall(function() while true do end end) end");
    assert!(
        told.contains("Script killed by user with SCRIPT KILL..."),
        "{told}"
    );
    fixture.host = Echo::default();
    assert_eq!(fixture.run("return 1", &[]).unwrap(), ":1\r\n");
}

#[test]
fn memory_is_bounded_and_comes_back() {
    let mut fixture = Fixture::new();
    let told = fixture.fails("local s = 'x' while true do s = s .. s end");
    assert!(told.contains("not enough memory"), "{told}");
    assert!(fixture.interpreter.note_bytes() < MAX_MEMORY_BYTES / 2);
    assert_eq!(fixture.run("return 1", &[]).unwrap(), ":1\r\n");
}

#[test]
fn a_command_of_as_many_arguments_as_there_may_be_is_answered() {
    let mut fixture = Fixture::new();
    let nested = b"*1\r\n*1\r\n*2\r\n$1\r\na\r\n-NO way\r\n";
    let text = "local more = {} for i = 1, 7990 do more[i] = i end
        local a, b = redis.call('raw', ARGV[1], unpack(more)), redis.pcall('nothing', unpack(more))
        return {a, b, (pcall(redis.call, 'nothing', unpack(more)))}";
    let answered = fixture.run(text, &[nested]).unwrap();
    assert!(
        answered.ends_with("-NO way\r\n-ERR no such thing\r\n$-1\r\n"),
        "{answered}"
    );
}

#[test]
fn what_commands_answer_is_bounded_too() {
    let mut fixture = Fixture::new();
    let hoard = "local t = {} while true do t[#t + 1] = redis.call('fresh') end";
    let in_coroutine = format!("coroutine.wrap(function() {hoard} end)()");
    for text in [hoard, &in_coroutine] {
        let told = fixture.fails(text);
        assert!(told.contains("not enough memory"), "{told}");
        assert!((250..600).contains(&fixture.host.fresh), "{text}");
        fixture.host.fresh = 0;
    }
    let caught =
        "local function hoard() local t = {} while true do t[#t + 1] = redis.pcall('fresh') end end
        local _, why = pcall(hoard) return {why, redis.call('echo', 'a')}";
    let caught = fixture.run(caught, &[]).unwrap();
    assert_eq!(caught, "*2\r\n$17\r\nnot enough memory\r\n$1\r\na\r\n");
}

#[test]
fn replies_nest_as_deeply_as_lua_holds() {
    let mut fixture = Fixture::new();
    let deep = fixture.run("local a = {} a[1] = a return a", &[]).unwrap();
    assert!(deep.ends_with("-ERR reached lua stack limit\r\n"));
}

#[test]
fn json_nests_within_the_stack_of_a_core() {
    /// See `server::boot`.
    const STACK_BYTES: usize = 8 * 1024 * 1024;
    let on_a_core = std::thread::Builder::new().stack_size(STACK_BYTES);
    let running = on_a_core.spawn(|| {
        let nested = "local a, o = {}, {} for i = 1, 999 do a = {a} o = {o=o} end
            return {#cjson.encode(cjson.decode(cjson.encode(a))), #cjson.encode(cjson.decode(cjson.encode(o)))}";
        Fixture::new().run(nested, &[]).unwrap()
    });
    assert_eq!(running.unwrap().join().unwrap(), "*2\r\n:2000\r\n:5996\r\n");
}

proptest! {
    #[test]
    fn no_bytes_break_the_libraries(bytes in proptest::collection::vec(any::<u8>(), 0..60), format in "[<>!bBhHiIlLTfdsxc0-9 ]{0,12}") {
        let mut fixture = Fixture::new();
        let text = "pcall(cjson.decode, ARGV[1]) pcall(cmsgpack.unpack, ARGV[1]) pcall(struct.unpack, ARGV[2], ARGV[1])
            pcall(struct.size, ARGV[2]) pcall(struct.pack, ARGV[2], 1, 'a', 2) pcall(loadstring, ARGV[1]) return 1";
        prop_assert_eq!(fixture.run(text, &[&bytes, format.as_bytes()]).unwrap(), ":1\r\n");
    }

    #[test]
    fn no_reply_breaks_its_reader(reply in "([*$:+#,(=%~>_-][0-9tf]{0,2}\r\n|txt:a\r\n|){0,12}") {
        let mut fixture = Fixture::new();
        let text = "redis.pcall('raw', ARGV[1]) redis.setresp(3) pcall(redis.call, 'raw', ARGV[1]) return 1";
        prop_assert_eq!(fixture.run(text, &[reply.as_bytes()]).unwrap(), ":1\r\n");
    }

    #[test]
    fn what_is_packed_is_unpacked(words in proptest::collection::vec(any::<i64>().prop_map(|n| n >> 11), 1..8), text in ".{0,40}") {
        let mut fixture = Fixture::new();
        let numbers: Vec<String> = words.iter().map(i64::to_string).collect();
        let script = format!(
            "local t = {{{}, {{a=ARGV[1]}}}} local u = cmsgpack.unpack(cmsgpack.pack(t)) local j = cjson.decode(cjson.encode({{ARGV[1]}}))
             for i = 1, #t - 1 do if t[i] ~= u[i] then return i end end return u[#u].a == ARGV[1] and j[1] == ARGV[1]",
            numbers.join(",")
        );
        prop_assert_eq!(fixture.run(&script, &[text.as_bytes()]).unwrap(), ":1\r\n");
    }
}

#[test]
fn libraries_register_functions_and_see_nothing_else() {
    let interpreter = Interpreter::new(true).unwrap();
    let mut host = Echo::default();
    let mut load = |text: &str| {
        let code = interpreter
            .compile(text.as_bytes(), "@user_function")
            .unwrap();
        interpreter.load_library(&code, &mut host)
    };
    let registered = load(
        "redis.register_function('f', function(keys, args) return args[1] end)
         redis.register_function{function_name='g', callback=function() end, flags={'no-writes'}, description='d'}",
    )
    .unwrap();
    assert_eq!(registered.len(), 2);
    assert_eq!(
        (&*registered[1].name, registered[1].flags.len()),
        (&b"g"[..], 1)
    );
    let cases = [
        (
            "redis.call('echo')",
            "ERR user_function:1: Script attempted to access nonexistent global variable 'call'",
        ),
        (
            "pairs({})",
            "ERR user_function:1: Script attempted to access nonexistent global variable 'pairs'",
        ),
        (
            "redis.register_function('a-b', 1)",
            "ERR second argument to redis.register_function must be a function",
        ),
    ];
    for (text, expected) in cases {
        let failure = load(text).expect_err(text);
        assert_eq!(String::from_utf8(failure.text).unwrap(), expected, "{text}");
    }
}
