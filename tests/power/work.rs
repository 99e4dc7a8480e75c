//! Work to be interrupted: random commands on all types, one at a time or as transactions, and what the state was after each.

use crate::Random;
use crate::engine::Engine;

const KEYS: usize = 3;

/// A state that the data went through.
pub struct Step {
    /// The log's offset when it was reached.
    pub offset: u64,
    /// Its digest.
    pub digest: String,
}

/// The states of one life, the first one as it was found.
pub struct History(pub Vec<Step>);

impl History {
    /// Begins with what the engine holds.
    pub fn begin(engine: &mut Engine) -> History {
        let digest = engine.digest();
        History(vec![Step { offset: 0, digest }])
    }

    /// Executes a step; false if writes are refused because the disk has failed.
    pub fn step(&mut self, engine: &mut Engine, random: &mut Random) -> bool {
        let is_transaction = random.below(4) == 0;
        if is_transaction {
            engine.call("MULTI");
        }
        let mut is_taken = true;
        for _ in 0..if is_transaction {
            1 + random.below(4)
        } else {
            1
        } {
            let command = command(random);
            is_taken &= !engine.call(&command).starts_with("-MISCONF");
        }
        if is_transaction {
            let reply = engine.call("EXEC");
            is_taken &= !reply.starts_with("-MISCONF") && !reply.starts_with("-EXECABORT");
        }
        let (offset, digest) = (engine.logged_to(), engine.digest());
        self.0.push(Step { offset, digest });
        is_taken
    }

    /// Panics unless `found` is one of the states, not before what was durable at `durable`.
    pub fn expect(&self, found: &str, durable: u64, context: &str) {
        let sure = self.0.iter().rposition(|step| step.offset <= durable);
        let sure = sure.expect("the first state was durable from the start");
        if self.0[sure..].iter().any(|step| step.digest == found) {
            return;
        }
        let before = self.0[..sure].iter().rposition(|step| step.digest == found);
        match before {
            Some(step) => panic!(
                "{context}: {} steps that were durable are lost",
                sure - step
            ),
            None => panic!(
                "{context}: the state never was ({} steps, {sure} sure)",
                self.0.len()
            ),
        }
    }
}

fn command(random: &mut Random) -> String {
    let (key, other) = (random.below(KEYS), random.below(KEYS));
    let (group, consumer) = (random.below(2), random.below(2));
    let number = random.below(1000);
    match random.below(22) {
        0..=4 => format!("XADD s{key} * f {number}"),
        5 => format!(
            "XADD s{key} MAXLEN = 20 * f {number} g {}",
            "x".repeat(number)
        ),
        6 => format!("XGROUP CREATE s{key} g{group} 0 MKSTREAM"),
        7..=9 => format!("XREADGROUP GROUP g{group} c{consumer} COUNT 3 STREAMS s{key} >"),
        10 => format!("XAUTOCLAIM s{key} g{group} c{consumer} 0 0 COUNT 2"),
        11 => format!("XTRIM s{key} MAXLEN = {}", random.below(15)),
        12 => format!(
            "XGROUP SETID s{key} g{group} {}",
            ["0", "$"][random.below(2)]
        ),
        13..=15 => format!("RPUSH l{key} {number} {}", "y".repeat(number / 10)),
        16 => format!("LMOVE l{key} l{other} LEFT RIGHT"),
        17 => format!("LPOP l{key} 2"),
        18 => format!("INCRBY n{key} {number}"),
        19 => format!("SET v{key} {number} EX 100000"),
        20 => format!("DEL {}{key}", ["l", "s", "v"][random.below(3)]),
        _ => format!("RENAME l{key} l{other}"),
    }
}
