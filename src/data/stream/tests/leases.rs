//! Leases, what is due, and order: whatever is done to a group, its indexes and classes say the same.

use super::super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const CLASSES: u64 = 3;
const IDS: u64 = 24;

#[derive(Clone, Debug)]
enum Op {
    Read { consumer: u8, limit: u64 },
    Serve { consumer: u8, limit: u64 },
    Release { ms: u64, due_ms: u64 },
    Ack { ms: u64 },
    Park { ms: u64 },
    Dismiss { consumer: u8 },
    Force { ms: u64 },
    SetBack { ms: u64 },
    Order { on: bool },
    Pass { ms: u64 },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let consumer = 0..3u8;
    let op = prop_oneof![
        (consumer.clone(), 1..6u64).prop_map(|(consumer, limit)| Op::Read { consumer, limit }),
        (consumer.clone(), 1..6u64).prop_map(|(consumer, limit)| Op::Serve { consumer, limit }),
        (1..=IDS, 0..3u64).prop_map(|(ms, delay)| Op::Release {
            ms,
            due_ms: delay * 40
        }),
        (1..=IDS).prop_map(|ms| Op::Ack { ms }),
        (1..=IDS).prop_map(|ms| Op::Park { ms }),
        consumer.prop_map(|consumer| Op::Dismiss { consumer }),
        (1..=IDS).prop_map(|ms| Op::Force { ms }),
        (1..=IDS).prop_map(|ms| Op::SetBack { ms }),
        any::<bool>().prop_map(|on| Op::Order { on }),
        (1..60u64).prop_map(|ms| Op::Pass { ms }),
    ];
    prop::collection::vec(op, 1..120)
}

fn log() -> Log {
    let mut log = Log::default();
    for ms in 1..=IDS {
        let class = (ms % CLASSES).to_string();
        log.append(
            Id::new(ms, 0),
            &[(b"class", class.as_bytes()), (b"n", b"v")],
            NodeLimits::default(),
        );
    }
    log
}

fn policy(ordered: bool) -> GroupPolicy {
    GroupPolicy {
        ack_wait_ms: 50,
        order: ordered.then(|| Order::Field(b"class"[..].into())),
        ..GroupPolicy::default()
    }
}

fn consumer_of(group: &mut Group, number: u8) -> ConsumerSlot {
    group
        .find_consumer(&[number])
        .unwrap_or_else(|| group.add_consumer(&[number], 0))
}

fn run(log: &Log, group: &mut Group, now_ms: &mut u64, op: Op) {
    match op {
        Op::Read { consumer, limit } => {
            let consumer = consumer_of(group, consumer);
            let reading = Reading {
                consumer,
                now_ms: *now_ms,
                limit,
                pending: true,
            };
            group.begin_call();
            match group.policy().order {
                None => group.read(log, reading, |_| {}),
                Some(_) => group.read_in_order(log, reading, |_, _| {}),
            }
        }
        Op::Serve { consumer, limit } => serve(group, consumer, limit, *now_ms),
        Op::Release { ms, due_ms } => {
            let id = Id::new(ms, 0);
            group.release_followers(id, *now_ms, |_| false);
            group.release(id, due_ms, 1);
        }
        Op::Ack { ms } => drop(group.ack(Id::new(ms, 0))),
        Op::Park { ms } => group.park(Id::new(ms, 0)),
        Op::Dismiss { consumer } => {
            if let Some(slot) = group.find_consumer(&[consumer]) {
                group.dismiss_consumer(slot);
            }
        }
        Op::Force { ms } => {
            let id = Id::new(ms, 0);
            if let Some(entry) = log.entry(id).filter(|_| group.pending(id).is_none()) {
                group.take_on(id, 0, 0);
                group.classify(&entry);
            }
        }
        Op::SetBack { ms } => group.last_id = Id::new(ms, 0),
        Op::Order { on } => group.set_policy(policy(on), log),
        Op::Pass { ms } => *now_ms += ms,
    }
}

fn serve(group: &mut Group, consumer: u8, limit: u64, now_ms: u64) {
    let consumer = consumer_of(group, consumer);
    group.begin_call();
    let mut follower = None;
    for _ in 0..limit {
        let Some(id) = follower.or_else(|| group.first_due(now_ms).map(|due| due.id)) else {
            return;
        };
        group.release_followers(id, now_ms, |_| false);
        let count = group.pending(id).unwrap().next_count();
        follower = group.redeliver(Delivery {
            id,
            time_ms: now_ms,
            count,
            consumer,
        });
    }
}

/// What must hold of a group, told from its entries alone.
fn check(log: &Log, group: &Group, now_ms: u64) {
    let all: Vec<Pending> = group.pending_from(Id::MIN).cloned().collect();
    let sorts = group.sorts(now_ms);
    let sum = sorts.ready + sorts.leased + sorts.delayed + sorts.blocked + sorts.parked;
    assert_eq!(sum, all.len(), "every entry is of one sort");
    let owned = all.iter().filter(|pending| pending.consumer.is_some());
    let owned_by: usize = group
        .consumers()
        .map(|(_, consumer)| consumer.pending_len())
        .sum();
    assert_eq!(owned.count(), owned_by, "a lease stands with its consumer");
    if group.policy().order.is_none() {
        assert_eq!(sorts.blocked, 0);
        return;
    }
    let mut classes: BTreeMap<u64, Vec<&Pending>> = BTreeMap::new();
    for pending in &all {
        assert!(log.entry(pending.id).is_some());
        classes
            .entry(pending.id.ms % CLASSES)
            .or_default()
            .push(pending);
    }
    let mut blocked = 0;
    for entries in classes.values() {
        let leases = entries
            .iter()
            .filter(|pending| pending.consumer.is_some())
            .count();
        for (at, pending) in entries.iter().enumerate() {
            let waits = pending.consumer.is_none() && (at > 0 || leases > 0);
            blocked += usize::from(waits && !group.is_parked(pending));
        }
    }
    assert_eq!(
        sorts.blocked, blocked,
        "what is behind another one is blocked"
    );
}

proptest! {
    #[test]
    fn indexes_and_classes_agree(ops in ops()) {
        let log = log();
        let mut group = Group::new(Id::MIN, Some(0));
        group.set_policy(policy(true), &log);
        let mut now_ms = 1000;
        for op in ops {
            run(&log, &mut group, &mut now_ms, op);
            check(&log, &group, now_ms);
        }
        // Whatever is left can be served and settled, class by class.
        group.set_policy(policy(true), &log);
        now_ms += 1000;
        for _ in 0..=2 * IDS {
            serve(&mut group, 0, 100, now_ms);
            let owned: Vec<Id> = group
                .pending_from(Id::MIN)
                .filter(|pending| pending.consumer.is_some())
                .map(|pending| pending.id)
                .collect();
            owned.into_iter().for_each(|id| assert!(group.ack(id)));
            now_ms += 1000;
        }
        prop_assert_eq!(group.pending_len(), 0);
    }
}

#[test]
fn a_class_is_delivered_in_order_and_to_one_consumer_at_a_time() {
    let log = log();
    let mut group = Group::new(Id::MIN, Some(0));
    group.set_policy(policy(true), &log);
    let mut seen: Vec<(u64, u8)> = Vec::new();
    let mut read = |group: &mut Group, consumer: u8, limit| {
        let slot = consumer_of(group, consumer);
        let reading = Reading {
            consumer: slot,
            now_ms: 0,
            limit,
            pending: true,
        };
        group.begin_call();
        let mut got = Vec::new();
        group.read_in_order(&log, reading, |entry, passed| {
            if passed == Passed::Delivered {
                got.push(entry.id.ms);
            }
        });
        seen.extend(got.iter().map(|ms| (*ms, consumer)));
        got
    };
    // One call may take several of a class; a second one finds the class taken.
    assert_eq!(read(&mut group, 0, 4), [1, 2, 3, 4]);
    assert_eq!(read(&mut group, 1, 4), [] as [u64; 0]);
    assert_eq!(group.pending_len() as u64, IDS);
    assert!(group.ack(Id::new(1, 0)));
    assert_eq!(group.first_due(0), None, "4 is held still");
    assert!(group.ack(Id::new(4, 0)));
    assert_eq!(group.first_due(0).map(|due| due.id.ms), Some(7));
    // Who gives back an entry gives back what follows it.
    serve(&mut group, 1, 3, 0);
    let held = |group: &Group| -> Vec<u64> {
        let slot = group.find_consumer(&[1]).unwrap();
        group
            .consumer_pending_from(slot, Id::MIN)
            .map(|pending| pending.id.ms)
            .collect()
    };
    assert_eq!(held(&group), [7, 10, 13]);
    assert_eq!(
        group.release_followers(Id::new(10, 0), 0, |_| false),
        [(Id::new(13, 0), 0)]
    );
    group.release(Id::new(10, 0), 0, 1);
    assert_eq!(held(&group), [7]);
    assert_eq!(group.first_due(0), None, "7 comes first");
    assert!(group.ack(Id::new(7, 0)));
    assert_eq!(group.first_due(0).map(|due| due.id.ms), Some(10));
}

#[test]
fn what_is_spent_is_taken_once_and_judged_again_by_another_policy() {
    let log = log();
    let mut group = Group::new(Id::MIN, Some(0));
    let strict = GroupPolicy {
        max_deliver: 1,
        ..policy(false)
    };
    group.set_policy(strict.clone(), &log);
    let consumer = consumer_of(&mut group, 0);
    group.read(
        &log,
        Reading {
            consumer,
            now_ms: 100,
            limit: 3,
            pending: true,
        },
        |_| {},
    );
    assert_eq!(group.take_spent(149, 10), []);
    assert_eq!(group.next_due_after(100), Some(150));
    assert_eq!(group.take_spent(150, 2).len(), 2);
    assert_eq!(group.take_spent(150, 10).len(), 3, "not all had been taken");
    assert_eq!(group.take_spent(150, 10), []);
    assert_eq!(group.first_due(150), None, "spent entries are not served");
    (1..=3).for_each(|ms| group.park(Id::new(ms, 0)));
    assert_eq!(group.sorts(150).parked, 3);
    group.set_policy(
        GroupPolicy {
            max_deliver: 2,
            ..strict
        },
        &log,
    );
    assert_eq!(group.sorts(150).ready, 3);
    assert_eq!(group.first_due(150).map(|due| due.id.ms), Some(1));
}

#[test]
fn without_a_policy_only_what_was_given_a_time_is_served_again() {
    let log = log();
    let mut group = Group::new(Id::MIN, Some(0));
    let consumer = consumer_of(&mut group, 0);
    group.read(
        &log,
        Reading {
            consumer,
            now_ms: 100,
            limit: 2,
            pending: true,
        },
        |_| {},
    );
    group.release(Id::new(1, 0), 0, 1);
    group.release(Id::new(2, 0), 500, 1);
    assert_eq!(group.first_due(499), None);
    assert_eq!(group.first_due(500).map(|due| due.id.ms), Some(2));
    assert_eq!(group.next_due_after(499), Some(500));
    let idle: Vec<i64> = group
        .pending_from(Id::MIN)
        .map(|due| due.idle_ms(400))
        .collect();
    assert_eq!(idle, [-1, -100]);
}
