use super::*;
use crate::base::Rng;
use proptest::prelude::*;
use std::collections::BTreeSet;

const LIMITS: Limits = Limits {
    ints: 6,
    packed: 4,
    member_bytes: 5,
};

fn set_of(members: &[&str], limits: Limits) -> Set {
    let mut set = Set::expecting(members[0].as_bytes(), members.len(), limits);
    for member in members {
        set.add(Blob::Slice(member.as_bytes()), limits);
    }
    set
}

fn texts(set: &Set) -> Vec<String> {
    let text = |item: Item<'_>| String::from_utf8(item.to_vec()).expect("members are texts");
    set.iter().map(text).collect()
}

#[test]
fn a_set_has_the_form_that_redis_gives_it() {
    let form = |members: &[&str]| set_of(members, LIMITS).encoding_name();
    assert_eq!(form(&["1", "2"]), "intset");
    assert_eq!(form(&["1", "2", "3", "4", "5", "6"]), "intset");
    assert_eq!(form(&["1", "2", "3", "4", "5", "6", "7"]), "hashtable");
    assert_eq!(form(&["1", "01"]), "listpack");
    assert_eq!(form(&["a", "b", "c", "d"]), "listpack");
    assert_eq!(form(&["a", "b", "c", "d", "e"]), "hashtable");
    assert_eq!(form(&["a", "abcdef"]), "hashtable");
    assert_eq!(form(&["123456", "a"]), "hashtable");
    assert_eq!(form(&["1", "2", "3", "4", "5", "a"]), "hashtable");
}

#[test]
fn small_sets_show_their_order() {
    assert_eq!(
        texts(&set_of(&["3", "-70000", "1", "5000000000"], LIMITS)),
        ["-70000", "1", "3", "5000000000"]
    );
    assert_eq!(texts(&set_of(&["b", "3", "a"], LIMITS)), ["b", "3", "a"]);
    assert_eq!(texts(&set_of(&["3", "1", "a"], LIMITS)), ["1", "3", "a"]);
    let mut set = set_of(&["b", "a", "1"], LIMITS);
    assert!(set.remove(b"b") && !set.remove(b"b"));
    assert_eq!(set.encoding_name(), "listpack");
    set.add(Blob::Slice(b"b"), LIMITS);
    assert_eq!(texts(&set), ["a", "1", "b"]);
}

#[test]
fn computed_sets_settle_as_integers_if_they_can() {
    let mut set = set_of(&["b", "3", "1"], LIMITS);
    set.settle_as_ints(LIMITS);
    assert_eq!(set.encoding_name(), "listpack");
    set.remove(b"b");
    set.settle_as_ints(LIMITS);
    assert_eq!(
        (set.encoding_name(), texts(&set)),
        ("intset", vec!["1".into(), "3".into()])
    );
}

#[test]
fn integers_come_back_from_their_bytes() {
    let set = set_of(&["1", "-5", "70000"], LIMITS);
    let (width, bytes) = set.ints().expect("they are integers");
    assert_eq!((width, bytes.len()), (4, 12));
    let read = Set::of_int_bytes(width, bytes, LIMITS).expect("they are sound");
    assert_eq!(texts(&read), ["-5", "1", "70000"]);
    for (width, bytes) in [(3, bytes), (4, &bytes[1..]), (2, bytes)] {
        assert!(Set::of_int_bytes(width, bytes, LIMITS).is_none());
    }
}

#[test]
fn samples_are_different_members_and_all_as_likely() {
    let mut rng = Rng::new(3);
    let many: Vec<String> = (0..100).map(|number| format!("m{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for members in [&["1", "2", "3", "4"][..], &["a", "b", "c"], &many] {
        let set = set_of(members, LIMITS);
        let mut seen = std::collections::BTreeMap::<Vec<u8>, u32>::new();
        for round in 0..4000 {
            let wanted = round % (members.len() + 2);
            let sample = set.sample(&mut rng, wanted);
            assert_eq!(sample.len(), wanted.min(members.len()));
            let distinct: BTreeSet<_> = sample.iter().map(Item::to_vec).collect();
            assert_eq!(distinct.len(), sample.len());
            let one = set.random(&mut rng).expect("it has members").to_vec();
            for member in distinct.into_iter().chain([one]) {
                *seen.entry(member).or_default() += 1;
            }
        }
        let (least, most) = (seen.values().min(), seen.values().max());
        assert_eq!(seen.len(), members.len());
        assert!(least > most.map(|most| most * 8 / 10).as_ref(), "{seen:?}");
    }
}

#[test]
fn a_member_takes_no_more_than_in_redis() {
    let mut set = Set::table();
    for number in 0..100_000 {
        set.add(
            Blob::Slice(format!("member:{number:09}").as_bytes()),
            LIMITS,
        );
    }
    // Redis 8.2 takes 56 bytes for such a member.
    let each = set.heap_bytes() / set.len();
    assert!(each < 40, "{each} bytes");
}

proptest! {
    #[test]
    fn it_does_what_a_tree_does(
        steps in prop::collection::vec((0u8..4, prop_oneof!["[a-d]{1,2}", "-?[0-9]{1,2}", "[0-9]{1,9}"]), 0..60),
    ) {
        let (mut set, mut model) = (Set::of_ints(), BTreeSet::new());
        let mut frozen = Vec::new();
        for (step, text) in steps {
            match step {
                0 | 1 => prop_assert_eq!(set.add(Blob::Slice(text.as_bytes()), LIMITS), model.insert(text)),
                2 => prop_assert_eq!(set.remove(text.as_bytes()), model.remove(&text)),
                _ => frozen.push((set.freeze(), model.clone())),
            }
        }
        frozen.push((set, model));
        for (set, model) in frozen {
            prop_assert_eq!(set.len(), model.len());
            prop_assert!(model.iter().all(|text| set.contains(text.as_bytes())));
            prop_assert_eq!(texts(&set).into_iter().collect::<BTreeSet<_>>(), model);
        }
    }
}
