//! The types beside streams and lists, and scripts: what frameworks keep their books with.

use super::{Figure, Goal, Repeat, Stage, VALUE, Workload, command, figure, keyed, memory};
use crate::Result;
use crate::reply::Expect;

const FIELDS: usize = 1_000;
/// Elements of a small value, which all servers keep in one piece.
const SMALL: usize = 50;
const LARGE: usize = 1_000_000;

/// Ten lines that read, decide and write, as a framework's scripts do.
const SCRIPT: &str = "local taken = redis.call('INCR', KEYS[1])
local limit = tonumber(ARGV[1])
if taken > limit then
  redis.call('SET', KEYS[1], 1)
  taken = 1
end
local half = math.floor(limit / 2)
if taken > half then
  return {taken, half}
end
return {taken, 0}";

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    let mut all = commands();
    all.extend(memory());
    all
}

fn commands() -> Vec<Workload> {
    vec![
        timed("incr-p32", "INCR of 1,000 keys in turn", || {
            let commands = keyed(FIELDS, |key| command("INCR", &[key]));
            Repeat::of(32, commands, Expect::Count)
        }),
        timed(
            "hset-p32",
            "HSET of 1,000 fields of one hash in turn, 32 bytes each",
            || {
                let set = || keyed(FIELDS, |field| command("HSET", &["h", field, VALUE]));
                Repeat::of(32, set(), unchanged()).after(set())
            },
        ),
        timed(
            "sadd-p32",
            "SADD of 1,000 members to one set in turn",
            || {
                let add = || keyed(FIELDS, |member| command("SADD", &["set", member]));
                Repeat::of(32, add(), unchanged()).after(add())
            },
        ),
        timed(
            "zadd-p32",
            "ZADD of 1,000 members to one sorted set in turn, with scores that change",
            || {
                let add =
                    |score: &str| keyed(FIELDS, |member| command("ZADD", &["z", score, member]));
                let changing = (0..7).flat_map(|score| add(&score.to_string())).collect();
                Repeat::of(32, changing, unchanged()).after(add("7"))
            },
        ),
        timed(
            "zrangebyscore-p32",
            "ZRANGEBYSCORE of 10 of 1,000 members",
            || {
                let add =
                    |n: usize| command("ZADD", &["z", &n.to_string(), &format!("key:{n:06}")]);
                let members = (500..510).map(|n| format!("$10\r\nkey:{n:06}\r\n"));
                let reply = format!("*10\r\n{}", members.collect::<String>());
                let range = command("ZRANGEBYSCORE", &["z", "500", "509"]);
                Repeat::of(32, vec![range], Expect::Exactly(reply.into()))
                    .after((0..FIELDS).map(add).collect())
            },
        ),
        Workload {
            goals: vec![Goal::ShareOfRedis(figure::CPU, 1.0)],
            ..timed(
                "eval-p32",
                "EVAL of a script of ten lines that counts",
                || {
                    let eval = command("EVAL", &[SCRIPT, "1", "counter", "1"]);
                    Repeat::of(
                        32,
                        vec![eval],
                        Expect::Exactly(b"*2\r\n:1\r\n:0\r\n".into()),
                    )
                },
            )
        },
    ]
}

/// What a write that adds nothing is answered.
fn unchanged() -> Expect {
    Expect::Exactly(b":0\r\n".into())
}

fn timed(name: &'static str, about: &'static str, repeat: fn() -> Repeat) -> Workload {
    Workload::new(name, about, 640_000, move |stage| repeat().play(stage))
        .counted(32_000)
        .goal(Goal::ShareOfRedis(figure::CPU, 0.7))
}

fn memory() -> Vec<Workload> {
    type Element = fn(&str, usize) -> Vec<u8>;
    let hash: Element = |key, n| command("HSET", &[key, &format!("field:{n:07}"), "0123456789"]);
    let set: Element = |key, n| command("SADD", &[key, &format!("member:{n:07}")]);
    let zset: Element = |key, n| command("ZADD", &[key, &n.to_string(), &format!("member:{n:07}")]);
    let row = |(name, about), size, element| {
        Workload::new(name, about, LARGE, move |stage| {
            elements(stage, size, element)
        })
        .whole()
        .rounds(1)
        .goal(Goal::ShareOfRedis(memory::USED, 1.0))
    };
    vec![
        row(
            ("memory-hashes", "what a field costs in hashes of 50"),
            SMALL,
            hash,
        ),
        row(
            ("memory-hash", "what a field costs in a hash of a million"),
            LARGE,
            hash,
        ),
        row(
            ("memory-sets", "what a member costs in sets of 50"),
            SMALL,
            set,
        ),
        row(
            ("memory-set", "what a member costs in a set of a million"),
            LARGE,
            set,
        ),
        row(
            ("memory-zsets", "what a member costs in sorted sets of 50"),
            SMALL,
            zset,
        ),
        row(
            (
                "memory-zset",
                "what a member costs in a sorted set of a million",
            ),
            LARGE,
            zset,
        ),
    ]
}

/// Adds one element per operation, `size` to each key.
fn elements(
    stage: &Stage,
    size: usize,
    element: fn(&str, usize) -> Vec<u8>,
) -> Result<Vec<Figure>> {
    let add = |n: usize| element(&format!("key:{:06}", n / size), n);
    memory::growth(stage, add, ("DBSIZE", stage.operations / size))
}
