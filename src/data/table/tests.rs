//! Random work on a table and on a map, which must always agree; what scans see while the table changes; what freezing shares; memory.

use super::*;
use crate::base::Rng;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Op {
    Insert(u16, usize),
    Overwrite(u16),
    Remove(u16),
    Fill(u16),
    Drain(u16),
    Freeze,
    Thaw,
}

fn op() -> impl Strategy<Value = Op> {
    let len = prop_oneof![8 => 0usize..30, 1 => 500usize..530, 1 => 2000usize..2100];
    prop_oneof![
        12 => (0..900u16, len).prop_map(|(key, len)| Op::Insert(key, len)),
        4 => (0..900u16).prop_map(Op::Overwrite),
        8 => (0..900u16).prop_map(Op::Remove),
        1 => (0..900u16).prop_map(Op::Fill),
        1 => (0..900u16).prop_map(Op::Drain),
        1 => Just(Op::Freeze),
        1 => Just(Op::Thaw),
    ]
}

/// Mostly short; every 50th is long enough to stand aside.
fn key(number: u16) -> Vec<u8> {
    let mut key = format!("key:{number}").into_bytes();
    if number.is_multiple_of(50) {
        key.resize(600, b'k');
    }
    key
}

fn insert(table: &mut Table, model: &mut Model, number: u16, len: usize) {
    let (key, value) = (key(number), vec![number as u8; len]);
    let is_new = table.insert(&key[..], &value[..]);
    assert_eq!(is_new, model.insert(key, value).is_none());
}

fn overwrite(table: &mut Table, model: &mut Model, number: u16) {
    let Some(value) = model.get_mut(&key(number)) else {
        return assert!(table.spot(&key(number)).is_none());
    };
    if value.len() <= 500 {
        let (spot, found) = table.spot(&key(number)).expect("the model has it");
        assert_eq!(found, &value[..]);
        value.iter_mut().for_each(|byte| *byte = !*byte);
        table.overwrite(spot, value);
    }
}

fn remove(table: &mut Table, model: &mut Model, number: u16) {
    let key = key(number);
    assert_eq!(table.remove(&key), model.remove(&key).is_some());
}

fn apply(table: &mut Table, model: &mut Model, op: &Op) {
    match *op {
        Op::Insert(number, len) => insert(table, model, number, len),
        Op::Overwrite(number) => overwrite(table, model, number),
        Op::Remove(number) => remove(table, model, number),
        Op::Fill(from) => (from..from + 200).for_each(|number| insert(table, model, number, 10)),
        Op::Drain(from) => (from..from + 300).for_each(|number| remove(table, model, number)),
        Op::Freeze | Op::Thaw => {}
    }
}

/// What must hold of a table, and every way to read it.
fn check(table: &Table, model: &Model) {
    assert_eq!(table.len(), model.len());
    let all: Model = table
        .iter()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect();
    assert_eq!(&all, model);
    assert_eq!(table.iter().count(), model.len());
    for (key, value) in model {
        assert_eq!(table.get(key), Some(&value[..]));
    }
    assert!(!table.contains(b"no such key"));
    let pages = || table.bundles.iter().flat_map(|bundle| bundle.iter());
    assert_eq!(pages().count(), table.pages);
    assert!(pages().all(|page| page.len() <= table.fullest));
    assert_eq!(
        pages().map(Page::heap_bytes).sum::<usize>(),
        table.page_bytes
    );
    let mut scanned = Model::new();
    let mut cursor = 0;
    loop {
        cursor = table.scan(cursor, 7, |key, value| {
            assert!(scanned.insert(key.to_vec(), value.to_vec()).is_none());
        });
        if cursor == 0 {
            break;
        }
        assert!(cursor < 2 * table.pages as u64);
    }
    assert_eq!(&scanned, model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_map_and_its_frozen_copies_never_change(ops in prop::collection::vec(op(), 1..120)) {
        let (mut table, mut model) = (Table::new(), Model::new());
        let mut copies: Vec<(Table, Model)> = Vec::new();
        for op in &ops {
            match op {
                Op::Freeze => copies.push((table.freeze(), model.clone())),
                Op::Thaw => drop(copies.pop()),
                op => apply(&mut table, &mut model, op),
            }
        }
        check(&table, &model);
        for (copy, expected) in &copies {
            check(copy, expected);
        }
        // A frozen copy can itself be written to.
        if let Some((mut copy, mut expected)) = copies.pop() {
            for op in &ops {
                apply(&mut copy, &mut expected, op);
            }
            check(&copy, &expected);
            check(&table, &model);
        }
    }

    #[test]
    fn a_scan_sees_once_what_is_there_all_the_time(ops in prop::collection::vec(op(), 1..60), count in 1usize..40) {
        let (mut table, mut model) = (Table::new(), Model::new());
        (0..300).for_each(|number| insert(&mut table, &mut model, number, 3));
        let mut stayed: BTreeSet<Vec<u8>> = model.keys().cloned().collect();
        let mut seen: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        let mut cursor = 0;
        for op in ops.iter().cycle().take(10_000) {
            cursor = table.scan(cursor, count, |key, _| *seen.entry(key.to_vec()).or_default() += 1);
            if cursor == 0 {
                break;
            }
            apply(&mut table, &mut model, op);
            stayed.retain(|key| model.contains_key(key));
        }
        prop_assert_eq!(cursor, 0);
        for key in stayed {
            prop_assert_eq!(seen.get(&key), Some(&1));
        }
    }
}

#[test]
fn every_record_is_as_likely_as_any_other() {
    const RECORDS: usize = 100;
    let mut table = Table::new();
    let mut rng = Rng::new(1);
    assert!(table.random(&mut rng).is_none());
    (0..RECORDS).for_each(|number| assert!(table.insert(&[number as u8][..], &b""[..])));
    let mut seen = [0u32; RECORDS];
    for _ in 0..RECORDS * 1000 {
        let (key, _) = table.random(&mut rng).expect("it is not empty");
        seen[usize::from(key[0])] += 1;
    }
    assert!(
        seen.iter().all(|times| (840..1160).contains(times)),
        "{seen:?}"
    );
}

#[test]
fn large_values_are_shared_with_their_readers() {
    let mut table = Table::new();
    let value = bytes::Bytes::from(vec![b'x'; 5000]);
    table.insert(&b"large"[..], &value);
    let held = |table: &Table| table.get(b"large").expect("it is there").as_ptr();
    let frozen = table.freeze();
    table.insert(&b"small"[..], &b"value"[..]);
    assert_eq!(
        (held(&table), held(&frozen)),
        (value.as_ptr(), value.as_ptr())
    );
    assert!(table.remove(b"large"));
    assert_eq!(frozen.get(b"large"), Some(&value[..]));
    assert!(table.heap_bytes() < 500, "{}", table.heap_bytes());
}

/// With keys and values of 10 bytes each, the least and the most over two doublings.
fn bytes_a_record(value: &[u8]) -> (f64, f64) {
    let (mut table, mut least, mut most) = (Table::new(), f64::MAX, 0f64);
    for number in 0..200_000u32 {
        table.insert(format!("{number:010}").as_bytes(), value);
        if number >= 50_000 && number.is_multiple_of(1000) {
            let bytes = table.heap_bytes() as f64 / f64::from(number);
            (least, most) = (least.min(bytes), most.max(bytes));
        }
    }
    (least, most)
}

#[test]
fn a_record_costs_eleven_bytes_beside_its_texts_at_most() {
    for value in [&b"0123456789"[..], b"12345678", b""] {
        let (least, most) = bytes_a_record(value);
        println!("{}: {least:.1} to {most:.1} bytes a record", value.len());
        assert!(most <= (10 + value.len() + 11) as f64, "{most}");
    }
}

#[test]
fn a_table_that_went_empty_gives_its_memory_back() {
    let mut table = Table::new();
    let key = |number: u32| number.to_le_bytes();
    (0..50_000).for_each(|number| assert!(table.insert(&key(number)[..], &b"value"[..])));
    assert!(table.is_costly_to_free());
    (0..50_000).for_each(|number| assert!(table.remove(&key(number))));
    assert!(table.heap_bytes() < 10_000, "{}", table.heap_bytes());
    assert!(table.iter().next().is_none() && table.scan(0, 10, |_, _| ()) == 0);
}
