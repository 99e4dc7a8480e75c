//! Random work on a list and on a `VecDeque` of texts, which must always agree.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Debug)]
enum Step {
    Extend(bool, Vec<u8>),
    Discard(bool, usize),
    Set(usize, u8),
    Insert(bool, u8, u8),
    Remove(bool, u8, usize),
    Trim(usize, usize),
}

/// Texts of every storage class, few enough that they meet again.
fn text(kind: u8) -> Vec<u8> {
    match kind % 16 {
        0 => b"".to_vec(),
        1 => b"-1".to_vec(),
        2 => b"007".to_vec(),
        3 => b"9223372036854775807".to_vec(),
        4 => vec![b'm'; 70],
        5 => vec![b'l'; 300],
        6 => vec![b'h'; 5000],
        7 => b"12345".to_vec(),
        other => vec![b'a' + other; usize::from(other)],
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (any::<bool>(), prop::collection::vec(any::<u8>(), 0..12)).prop_map(|(end, kinds)| Step::Extend(end, kinds)),
        3 => (any::<bool>(), 0usize..20).prop_map(|(end, count)| Step::Discard(end, count)),
        2 => (any::<usize>(), any::<u8>()).prop_map(|(index, kind)| Step::Set(index, kind)),
        4 => (any::<bool>(), any::<u8>(), any::<u8>()).prop_map(|(after, pivot, kind)| Step::Insert(after, pivot, kind)),
        1 => (any::<bool>(), any::<u8>(), 1usize..4).prop_map(|(end, kind, max)| Step::Remove(end, kind, max)),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(start, end)| Step::Trim(start, end)),
    ];
    prop::collection::vec(step, 0..120)
}

fn end(back: bool) -> End {
    if back { End::Back } else { End::Front }
}

fn apply(list: &mut List, model: &mut VecDeque<Vec<u8>>, limit: Limit, step: &Step) {
    let blob = |text: &Vec<u8>| Bytes::copy_from_slice(text);
    match *step {
        Step::Extend(back, ref kinds) => {
            let texts: Vec<_> = kinds.iter().map(|kind| text(*kind)).collect();
            list.extend(end(back), limit, texts.iter().map(|text| Blob::Slice(text)));
            for text in texts {
                if back {
                    model.push_back(text)
                } else {
                    model.push_front(text)
                }
            }
        }
        Step::Discard(back, count) => {
            list.discard(end(back), limit, count);
            for _ in 0..count {
                if back {
                    model.pop_back()
                } else {
                    model.pop_front()
                };
            }
        }
        Step::Set(index, kind) => {
            let index = index % (model.len() + 1);
            let value = blob(&text(kind));
            let done = list.set(index, limit, Blob::Shared(&value));
            assert_eq!(
                done,
                model
                    .get_mut(index)
                    .map(|held| *held = text(kind))
                    .is_some()
            );
        }
        Step::Insert(after, pivot, kind) => {
            let side = if after { Side::After } else { Side::Before };
            let value = blob(&text(kind));
            let done = list.insert(side, &text(pivot), limit, Blob::Shared(&value));
            let found = model.iter().position(|held| *held == text(pivot));
            assert_eq!(done, found.is_some());
            if let Some(index) = found {
                model.insert(index + usize::from(after), text(kind));
            }
        }
        Step::Remove(back, kind, max) => {
            let mut found: Vec<_> = (0..model.len())
                .filter(|index| model[*index] == text(kind))
                .collect();
            if back {
                found.reverse();
            }
            found.truncate(max);
            found.sort_unstable();
            assert_eq!(list.remove(&text(kind), end(back), limit, max), found.len());
            found
                .iter()
                .rev()
                .for_each(|index| drop(model.remove(*index)));
        }
        Step::Trim(start, stop) => {
            let stop = stop % (model.len() + 1);
            let start = start % (stop + 1);
            list.trim(start..stop, limit);
            model.truncate(stop);
            model.drain(..start);
        }
    }
}

fn assert_agree(list: &List, model: &VecDeque<Vec<u8>>) {
    assert_eq!(list.len(), model.len());
    let texts = |from| {
        list.iter(from)
            .map(|item| item.to_vec())
            .collect::<Vec<_>>()
    };
    assert!(texts(End::Front).iter().eq(model.iter()));
    assert!(texts(End::Back).iter().eq(model.iter().rev()));
    assert_eq!(
        list.peek(End::Front).map(|item| item.to_vec()).as_ref(),
        model.front()
    );
    assert_eq!(
        list.peek(End::Back).map(|item| item.to_vec()).as_ref(),
        model.back()
    );
    assert!(
        list.chunks.iter().all(|chunk| chunk.count() > 0),
        "no chunk is empty"
    );
    assert!(
        !list.compact || list.chunks.len() <= 1,
        "a compact list is one chunk"
    );
}

proptest! {
    #[test]
    fn a_list_is_a_sequence_of_texts(steps in steps(), setting in prop_oneof![Just(-1), Just(-2), Just(1), Just(5)]) {
        let limit = Limit::from_directive(setting);
        let (mut list, mut model) = (List::new(), VecDeque::new());
        let mut frozen: Option<(Frozen, Vec<Vec<u8>>)> = None;
        let mut copies: Vec<(List, VecDeque<Vec<u8>>)> = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            apply(&mut list, &mut model, limit, step);
            assert_agree(&list, &model);
            if number % 10 == 3 {
                copies.push((list.freeze(), model.clone()));
            }
            if number == steps.len() / 2 {
                let (start, count) = (model.len() / 4, model.len() / 2);
                let expected = model.iter().skip(start).take(count).cloned().collect();
                frozen = Some((list.freeze_range(start, count), expected));
            }
        }
        for index in 0..=model.len() {
            prop_assert_eq!(list.get(index).map(|item| item.to_vec()), model.get(index).cloned());
        }
        for (copy, expected) in &copies {
            assert_agree(copy, expected);
        }
        if let Some((mut copy, mut expected)) = copies.pop() {
            for step in &steps {
                apply(&mut copy, &mut expected, limit, step);
            }
            assert_agree(&copy, &expected);
            assert_agree(&list, &model);
        }
        if let Some((mut frozen, expected)) = frozen {
            let mut read = Vec::new();
            while frozen.remaining() > 0 {
                let stop = read.len() + 3;
                frozen.read_while(|item| { read.push(item.to_vec()); read.len() < stop });
            }
            prop_assert_eq!(read, expected);
        }
    }
}

#[test]
fn positions_count_from_the_front_in_either_direction() {
    let mut list = List::new();
    list.extend(
        End::Back,
        Limit::default(),
        ["a", "1", "a", "b", "a"]
            .iter()
            .map(|text| Blob::Slice(text.as_bytes())),
    );
    assert_eq!(
        list.positions(b"a", End::Front, 5).collect::<Vec<_>>(),
        [0, 2, 4]
    );
    assert_eq!(
        list.positions(b"a", End::Back, 5).collect::<Vec<_>>(),
        [4, 2, 0]
    );
    assert_eq!(list.positions(b"a", End::Back, 2).collect::<Vec<_>>(), [4]);
    assert_eq!(list.positions(b"1", End::Front, 9).collect::<Vec<_>>(), [1]);
    assert_eq!(List::new().positions(b"1", End::Back, 9).count(), 0);
}

#[test]
fn encodings_follow_the_limit_with_hysteresis() {
    let limit = Limit::Entries(4);
    let mut list = List::new();
    for _ in 0..4 {
        list.push(End::Back, limit, Blob::Slice(b"x"));
    }
    assert_eq!(list.encoding_name(), "listpack");
    list.push(End::Back, limit, Blob::Slice(b"x"));
    assert_eq!(list.encoding_name(), "quicklist");
    list.discard(End::Back, limit, 1);
    list.discard(End::Back, limit, 1);
    assert_eq!(list.encoding_name(), "quicklist");
    list.discard(End::Back, limit, 1);
    assert_eq!(list.encoding_name(), "listpack");
}

#[test]
fn a_large_element_keeps_the_buffer_it_came_in() {
    let value = Bytes::from(vec![7; 100_000]);
    let mut list = List::new();
    list.push(End::Back, Limit::default(), Blob::Shared(&value));
    let Some(Item::Shared(held)) = list.peek(End::Front) else {
        panic!("not shared")
    };
    assert_eq!(held.as_ptr(), value.as_ptr());
}

#[test]
fn small_elements_cost_little_beside_their_bytes() {
    let (limit, count) = (Limit::default(), 200_000);
    for end in [End::Front, End::Back] {
        let mut list = List::new();
        for number in 0..count {
            list.push(
                end,
                limit,
                Blob::Slice(format!("{number:032x}").replace('0', "z").as_bytes()),
            );
        }
        let each = list.heap_bytes() as f64 / f64::from(count);
        assert!(each < 34.5, "{each} bytes an element");
    }
}

#[test]
fn a_queue_in_motion_does_not_grow() {
    let limit = Limit::default();
    for (feed, eat) in [(End::Front, End::Back), (End::Back, End::Front)] {
        let mut list = List::new();
        list.push(feed, limit, Blob::Slice(b"first element"));
        for number in 0..10_000 {
            list.push(
                feed,
                limit,
                Blob::Slice(format!("element number {number}").as_bytes()),
            );
            list.discard(eat, limit, 1);
        }
        assert_eq!(list.len(), 1);
        assert!(
            list.heap_bytes() < 500,
            "{} bytes for one element",
            list.heap_bytes()
        );
    }
}

#[test]
fn a_frozen_list_shares_every_chunk_that_is_not_written_to() {
    let limit = Limit::default();
    let mut list = List::new();
    for number in 0..1_000_000 {
        list.push(
            End::Back,
            limit,
            Blob::Slice(format!("{number:020}x").as_bytes()),
        );
    }
    let chunks = list.chunks.len();
    assert!(chunks > 2 * BUNDLE_CHUNKS, "{chunks} chunks");
    let frozen = list.freeze();
    let differing = |list: &List| {
        let pairs = list.chunks.iter().zip(frozen.chunks.iter());
        pairs.filter(|(a, b)| !Arc::ptr_eq(a, b)).count()
    };
    assert_eq!(differing(&list), 0);
    list.push(End::Back, limit, Blob::Slice(b"last"));
    assert!(differing(&list) <= 1);
    assert!(list.set(500_000, limit, Blob::Slice(b"middle")));
    assert!(differing(&list) <= 2);
    list.discard(End::Front, limit, 1);
    assert_eq!(differing(&list), 3);
    assert_eq!(
        frozen.get(500_000).unwrap().to_vec(),
        b"00000000000000500000x"
    );
}

#[test]
fn a_removal_near_an_end_does_not_go_through_the_list() {
    let limit = Limit::Entries(1);
    let mut list = List::new();
    let numbers: Vec<_> = (0..300_000).map(|number| number.to_string()).collect();
    list.extend(
        End::Back,
        limit,
        numbers.iter().map(|text| Blob::Slice(text.as_bytes())),
    );
    assert_eq!(list.chunks.len(), 300_000);
    let began = std::time::Instant::now();
    for number in 0..3000 {
        let (first, last) = (&numbers[number], &numbers[299_999 - number]);
        assert_eq!(list.remove(first.as_bytes(), End::Front, limit, 1), 1);
        assert_eq!(list.remove(last.as_bytes(), End::Back, limit, 0), 0);
        assert_eq!(list.remove(last.as_bytes(), End::Back, limit, 1), 1);
    }
    let took = began.elapsed();
    assert!(took < std::time::Duration::from_secs(2), "{took:?}");
    assert_eq!((list.len(), list.chunks.len()), (294_000, 294_000));
    assert_eq!(list.get(0).unwrap().to_vec(), b"3000");
    let few: Vec<_> = [7000, 100_000, 290_000]
        .iter()
        .map(|at| numbers[*at].as_bytes())
        .collect();
    for text in &few {
        assert!(list.set(10, limit, Blob::Slice(b"same")));
        assert_eq!(list.remove(text, End::Front, limit, 1), 1);
    }
    assert!(list.chunks.iter().all(|chunk| chunk.count() > 0));
}

#[test]
fn many_chunks_that_go_empty_go_whichever_end_is_first() {
    for from in [End::Front, End::Back] {
        let limit = Limit::Entries(1);
        let mut list = List::new();
        for number in 0..4000 {
            let text = if number % 2 == 0 { "even" } else { "odd" };
            list.push(End::Back, limit, Blob::Slice(text.as_bytes()));
        }
        assert_eq!(list.remove(b"even", from, limit, 5), 5);
        assert_eq!(list.chunks.len(), 3995);
        assert_eq!(list.remove(b"even", from, limit, 1990), 1990);
        assert_eq!(list.chunks.len(), 2005);
        let even = list.iter(from).filter(|item| item.to_vec() == b"even");
        assert_eq!(even.count(), 5);
        assert_eq!(
            list.iter(from).last().unwrap().to_vec(),
            match from {
                End::Front => b"odd".to_vec(),
                End::Back => b"even".to_vec(),
            }
        );
    }
}
