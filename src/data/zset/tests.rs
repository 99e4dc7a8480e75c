//! Sorted sets against a map that is sorted each time.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Small enough that sets become large soon.
const LIMITS: Limits = Limits {
    max_members: 8,
    max_member_bytes: 64,
};

/// Members and their scores.
type Model = BTreeMap<Vec<u8>, f64>;

fn in_order(model: &Model) -> Vec<(f64, Vec<u8>)> {
    let mut pairs: Vec<_> = model.iter().map(|(m, s)| (*s, m.clone())).collect();
    sort(&mut pairs);
    pairs
}

fn read(zset: &ZSet, ranks: Range<usize>, from: End) -> Vec<(f64, Vec<u8>)> {
    let elements = zset.range(ranks, from);
    elements.map(|e| (e.score, e.member.to_vec())).collect()
}

fn check(zset: &ZSet, model: &Model) {
    let pairs = in_order(model);
    assert_eq!(zset.len(), pairs.len());
    assert_eq!(read(zset, 0..pairs.len(), End::Lowest), pairs);
    let mut backwards = read(zset, 0..pairs.len(), End::Highest);
    backwards.reverse();
    assert_eq!(backwards, pairs);
    for (rank, (score, member)) in pairs.iter().enumerate() {
        assert_eq!(zset.rank(member), Some((rank, *score)));
        assert_eq!(read(zset, rank..rank + 1, End::Lowest), pairs[rank..=rank]);
    }
}

fn set(zset: &mut ZSet, model: &mut Model, score: f64, member: &[u8]) {
    let old = model.insert(member.to_vec(), score);
    let change = zset.update(LIMITS, member, |found| {
        assert_eq!(found, old);
        Some(score)
    });
    let expected = match old {
        None => Change::Added,
        Some(old) if old == score => Change::Same,
        Some(_) => Change::Moved,
    };
    assert_eq!(change, expected);
}

#[derive(Clone, Debug)]
enum Step {
    Set(i8, u16),
    Long(i8, u8),
    Remove(u16),
    RemoveRange(prop::sample::Index, u16),
    Freeze,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (any::<i8>(), 0u16..2000).prop_map(|(s, m)| Step::Set(s, m)),
        1 => (any::<i8>(), any::<u8>()).prop_map(|(s, m)| Step::Long(s, m)),
        5 => (0u16..2000).prop_map(Step::Remove),
        1 => (any::<prop::sample::Index>(), 0u16..200).prop_map(|(at, n)| Step::RemoveRange(at, n)),
        1 => Just(Step::Freeze),
    ]
}

fn short(number: u16) -> Vec<u8> {
    format!("member:{number}").into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn they_are_what_the_model_is(steps in prop::collection::vec(any_step(), 0..1500)) {
        let mut zset = ZSet::for_members(LIMITS, 0, 0);
        let mut model = Model::new();
        let mut frozen = Vec::new();
        for step in steps {
            match step {
                Step::Set(score, number) => set(&mut zset, &mut model, score.into(), &short(number)),
                Step::Long(score, number) => {
                    let member = vec![number; 40 * usize::from(number)];
                    set(&mut zset, &mut model, score.into(), &member);
                }
                Step::Remove(number) => {
                    let was = model.remove(&short(number)).is_some();
                    prop_assert_eq!(zset.remove(&short(number)), was);
                }
                Step::RemoveRange(at, count) if !model.is_empty() => {
                    let start = at.index(model.len());
                    let end = (start + usize::from(count)).min(model.len());
                    for (_, member) in &in_order(&model)[start..end] {
                        model.remove(member);
                    }
                    zset.remove_range(start..end);
                }
                Step::RemoveRange(..) => {}
                Step::Freeze => frozen.push((zset.freeze(), model.clone())),
            }
        }
        check(&zset, &model);
        frozen.iter().for_each(|(zset, model)| check(zset, model));
    }

    #[test]
    fn ranges_are_those_of_the_model(
        scores in prop::collection::vec(-9i8..9, 1..300), min in -10i8..10, max in -10i8..10,
        exclusive: (bool, bool), large: bool,
    ) {
        let limits = Limits { max_members: if large { 0 } else { 1000 }, ..LIMITS };
        let pairs = scores.iter().enumerate().map(|(n, s)| (f64::from(*s), short(n as u16)));
        let model: Model = pairs.clone().map(|(s, m)| (m, s)).collect();
        let zset = ZSet::of_pairs(limits, pairs.collect());
        let bound = |score: i8, exclusive| ScoreBound { score: score.into(), exclusive };
        let range = ScoreRange { min: bound(min, exclusive.0), max: bound(max, exclusive.1) };
        let ranks = zset.score_ranks(&range);
        let inside = |(score, _): &(f64, Vec<u8>)| !range.is_below(*score) && range.reaches(*score);
        let expected: Vec<_> = in_order(&model).into_iter().filter(inside).collect();
        prop_assert_eq!(read(&zset, ranks, End::Lowest), expected);
    }
}

#[test]
fn millions_are_found_in_few_steps() {
    let mut zset = ZSet::for_members(LIMITS, 1000, 0);
    for number in 0..200_000u32 {
        let scattered = number.wrapping_mul(2_654_435_761) % 1_000_003;
        let member = format!("{scattered:08}");
        zset.update(LIMITS, member.as_bytes(), |_| Some(scattered.into()));
    }
    let len = zset.len();
    let began = std::time::Instant::now();
    let mut sum = 0;
    for at in (0..len).step_by(97) {
        let element = zset.range(at..at + 1, End::Lowest).next().expect("there");
        let (rank, _) = zset.rank(&element.member.to_vec()).expect("there");
        assert_eq!(rank, at);
        sum += 1;
    }
    let frozen = zset.freeze();
    assert!(sum > 1000 && frozen.len() == len);
    assert!(began.elapsed().as_secs() < 5);
    let each = zset.heap_bytes() / len;
    assert!(each < 70, "{each} bytes for a member of 8 bytes");
}

#[test]
fn equal_zeros_are_no_change() {
    let mut zset = ZSet::for_members(LIMITS, 1000, 0);
    zset.update(LIMITS, b"a", |_| Some(-0.0));
    assert_eq!(zset.update(LIMITS, b"a", |_| Some(0.0)), Change::Same);
    assert!(zset.score(b"a").is_some_and(f64::is_sign_negative));
    let mut packed = ZSet::for_members(LIMITS, 1, 0);
    packed.update(LIMITS, b"a", |_| Some(-0.0));
    assert!(packed.score(b"a").is_some_and(f64::is_sign_positive));
}
