//! What every server does at its best: SET, GET, PING.

use super::{A_VALUE, Expect, Goal, Repeat, VALUE, Workload, command, figure, keyed};

const KEYS: usize = 1_000;

/// See the head of this file.
pub fn all() -> Vec<Workload> {
    vec![
        Workload::new(
            "set-p32",
            "SET of 32 bytes over 1,000 keys in turn",
            1_280_000,
            |stage| {
                let commands = keyed(KEYS, |key| command("SET", &[key, VALUE]));
                Repeat::of(32, commands, Expect::Exactly(b"+OK\r\n".into()))
                    .leaves("DBSIZE", |stage| stage.operations.min(KEYS))
                    .play(stage)
            },
        )
        .floor("+OK\r\n")
        .counted(32_000)
        .goal(Goal::ShareOfRedis(figure::CPU, 0.7)),
        Workload::new(
            "get-p32",
            "GET of 32 bytes over 1,000 keys in turn",
            1_280_000,
            |stage| {
                let commands = keyed(KEYS, |key| command("GET", &[key]));
                Repeat::of(32, commands, Expect::Exactly(A_VALUE.into()))
                    .after(keyed(KEYS, |key| command("SET", &[key, VALUE])))
                    .play(stage)
            },
        )
        .floor(A_VALUE)
        .counted(32_000)
        .goal(Goal::ShareOfRedis(figure::CPU, 0.7)),
        ping(1, 200_000).counted(8_000),
        ping(32, 2_048_000).counted(32_000),
    ]
}

fn ping(pipeline: usize, operations: usize) -> Workload {
    let about = format!("PING, {pipeline} in flight per connection");
    Workload::new(
        format!("ping-p{pipeline}"),
        about,
        operations,
        move |stage| {
            let pong = Expect::Exactly(b"+PONG\r\n".into());
            Repeat::of(pipeline, vec![command("PING", &[])], pong).play(stage)
        },
    )
    .floor("+PONG\r\n")
}
