//! Random work on a chunked deque and on a plain one, which must always agree; and what freezing shares.

use super::*;
use proptest::prelude::*;
use std::sync::Arc;

type Small = Chunked<u16, 8>;

#[derive(Clone, Debug)]
enum Op {
    PushBack(u16),
    PushFront(u16),
    PopBack,
    PopFront,
    Insert(usize, u16),
    Remove(usize),
    Set(usize, u16),
    Retain(u16),
    Clear,
    Freeze,
    Thaw,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => any::<u16>().prop_map(Op::PushBack),
        6 => any::<u16>().prop_map(Op::PushFront),
        3 => Just(Op::PopBack),
        3 => Just(Op::PopFront),
        8 => (any::<usize>(), any::<u16>()).prop_map(|(at, item)| Op::Insert(at, item)),
        6 => any::<usize>().prop_map(Op::Remove),
        2 => (any::<usize>(), any::<u16>()).prop_map(|(at, item)| Op::Set(at, item)),
        1 => (2u16..9).prop_map(Op::Retain),
        1 => Just(Op::Clear),
        3 => Just(Op::Freeze),
        2 => Just(Op::Thaw),
    ]
}

fn apply(deque: &mut Small, model: &mut VecDeque<u16>, op: &Op) {
    let place = |deque: &Small, at: usize| deque.place_of(at % (deque.len() + 1));
    match *op {
        Op::PushBack(item) => {
            deque.push_back(item);
            model.push_back(item);
        }
        Op::PushFront(item) => {
            deque.push_front(item);
            model.push_front(item);
        }
        Op::PopBack => assert_eq!(deque.pop_back(), model.pop_back()),
        Op::PopFront => assert_eq!(deque.pop_front(), model.pop_front()),
        Op::Insert(at, item) => {
            deque.insert(place(deque, at), item);
            model.insert(at % (model.len() + 1), item);
        }
        Op::Remove(at) => {
            let removed = deque.remove(place(deque, at));
            assert_eq!(removed, model.remove(at % (model.len() + 1)));
        }
        Op::Set(at, item) => {
            let at = at % model.len().max(1);
            if let Some(old) = model.get_mut(at) {
                *old = item;
                deque[at] = item;
            }
        }
        Op::Retain(divisor) => {
            deque.retain(|item| item % divisor != 0);
            model.retain(|item| item % divisor != 0);
        }
        Op::Clear => {
            deque.clear();
            model.clear();
        }
        Op::Freeze | Op::Thaw => {}
    }
}

/// What must hold of a deque, and every way to read it.
fn check(deque: &Small, model: &VecDeque<u16>) {
    assert_eq!(deque.len(), model.len());
    assert_eq!(deque.is_empty(), model.is_empty());
    assert_eq!((deque.front(), deque.back()), (model.front(), model.back()));
    assert!(deque.iter().eq(model));
    assert_eq!(deque.iter().len(), model.len());
    assert!(deque.iter().rev().eq(model.iter().rev()));
    let alone = deque.chunks.len() == 1;
    for chunk in &deque.chunks {
        assert!(chunk.len() <= 8 && (alone || !chunk.is_empty()));
    }
    let mut place = deque.start();
    for (number, item) in model.iter().enumerate() {
        assert_eq!(deque.place_of(number), place);
        assert_eq!(deque.get(place), Some(item));
        let next = deque.after(place);
        assert_eq!(deque.before(next), Some(place));
        place = next;
    }
    assert_eq!((place, deque.get(place)), (deque.end(), None));
    assert_eq!(deque.before(deque.start()), None);
    let middle = model.len() / 2;
    assert!(
        deque
            .iter_from(deque.place_of(middle))
            .eq(model.range(middle..))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_deque_and_its_frozen_copies_never_change(ops in prop::collection::vec(op(), 1..300)) {
        let mut deque = Small::default();
        let mut model = VecDeque::new();
        let mut copies: Vec<(Small, VecDeque<u16>)> = Vec::new();
        for op in &ops {
            match op {
                Op::Freeze => copies.push((deque.freeze(), model.clone())),
                Op::Thaw => drop(copies.pop()),
                op => apply(&mut deque, &mut model, op),
            }
            check(&deque, &model);
        }
        for (copy, expected) in &copies {
            check(copy, expected);
        }
        // A frozen copy can itself be written to.
        if let Some((mut copy, mut expected)) = copies.pop() {
            for op in &ops {
                apply(&mut copy, &mut expected, op);
            }
            check(&copy, &expected);
            check(&deque, &model);
        }
    }

    #[test]
    fn finds_by_order(items in prop::collection::btree_set(any::<u16>(), 0..100), wanted: u16) {
        let mut deque = Small::default();
        for &item in items.iter().rev() {
            let place = deque.partition_point(|other| *other < item);
            deque.insert(place, item);
        }
        prop_assert!(deque.iter().eq(&items));
        let place = deque.partition_point(|item| *item < wanted);
        prop_assert!(deque.iter_from(place).eq(items.range(wanted..)));
    }
}

fn shared_chunks(a: &Small, b: &Small) -> usize {
    let shared = |chunk: &Chunk<u16>| match chunk {
        Shareable::Shared(items) => Some(Arc::as_ptr(items)),
        Shareable::Owned(_) => None,
    };
    let of_a: Vec<_> = a.chunks.iter().filter_map(shared).collect();
    let of_b = b.chunks.iter().filter_map(shared);
    of_b.filter(|chunk| of_a.contains(chunk)).count()
}

#[test]
fn a_write_after_a_freeze_copies_one_chunk() {
    let mut deque = Small::default();
    (0..80).for_each(|item| deque.push_back(item));
    let frozen = deque.freeze();
    assert_eq!(shared_chunks(&deque, &frozen), 10);
    deque[40usize] = 0;
    assert_eq!(shared_chunks(&deque, &frozen), 9);
    deque[41usize] = 0;
    deque.push_back(80);
    assert_eq!(shared_chunks(&deque, &frozen), 9, "the last one was full");
    deque.pop_front();
    assert_eq!(shared_chunks(&deque, &frozen), 8);
    let second = deque.freeze();
    assert_eq!(shared_chunks(&deque, &second), 11);
    assert_eq!(shared_chunks(&second, &frozen), 8);
}

#[test]
fn a_chunk_that_nobody_else_has_any_more_is_not_copied() {
    let mut deque = Small::default();
    (0..8).for_each(|item| deque.push_back(item));
    let items = |deque: &Small| &raw const deque[0usize];
    let before = items(&deque);
    drop(deque.freeze());
    deque[0usize] = 9;
    assert_eq!(items(&deque), before);
    let frozen = deque.freeze();
    deque[0usize] = 7;
    assert_eq!((items(&frozen), frozen[0usize]), (before, 9));
    assert_ne!(items(&deque), before);
}

#[test]
fn a_deque_that_went_empty_keeps_little_room() {
    let mut deque = Chunked::<u32, 1024>::default();
    for _ in 0..3 {
        (0..100).for_each(|item| deque.push_back(item));
        (0..100).for_each(|item| assert_eq!(deque.pop_front(), Some(item)));
        assert_eq!(deque.chunks[0].capacity(), 128);
    }
    (0..5000).for_each(|item| deque.push_back(item));
    (0..5000)
        .rev()
        .for_each(|item| assert_eq!(deque.pop_back(), Some(item)));
    assert!(deque.chunks.is_empty());
}
