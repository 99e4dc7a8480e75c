//! Random work on a hash and on a plain list of fields, which must always agree, the order of small ones included.

use super::*;
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    fields: 20,
    text_bytes: 8,
};

/// Name, value and expiry of each field in Redis's order.
type Model = Vec<(String, String, Option<i64>)>;

#[derive(Clone, Debug)]
enum Op {
    Set(u8, String, bool),
    Remove(u8),
    Expire(u8, i64),
    Persist(u8),
    TakeDue(i64),
    Freeze,
}

fn op() -> impl Strategy<Value = Op> {
    let value = prop_oneof![
        4 => "[a-c]{0,6}",
        4 => (0u32..200_000).prop_map(|number| number.to_string()),
        1 => "x{500,600}",
    ];
    let name = || 0..24u8;
    prop_oneof![
        8 => (name(), value, any::<bool>()).prop_map(|(name, value, keeps)| Op::Set(name, value, keeps)),
        4 => name().prop_map(Op::Remove),
        4 => (name(), 1..50i64).prop_map(|(name, ms)| Op::Expire(name, ms)),
        2 => name().prop_map(Op::Persist),
        1 => (0..30i64).prop_map(Op::TakeDue),
        1 => Just(Op::Freeze),
    ]
}

fn name(number: u8) -> String {
    if number.is_multiple_of(3) {
        format!("f{number}")
    } else {
        number.to_string()
    }
}

/// Puts a field where Redis has it: in order of expiry, ahead of those that expire at the same moment, behind all if it does not.
fn place(model: &mut Model, field: (String, String, Option<i64>)) {
    let at = field.2.and_then(|ms| {
        model
            .iter()
            .position(|other| other.2.is_none_or(|other| other >= ms))
    });
    model.insert(at.unwrap_or(model.len()), field);
}

fn apply(hash: &mut Hash, model: &mut Model, op: &Op) {
    let found = |model: &Model, number: u8| model.iter().position(|field| field.0 == name(number));
    match op {
        Op::Set(number, value, keeps) => {
            let text = name(*number);
            let keeps = if *keeps { Keeps::Expiry } else { Keeps::Value };
            let is_new = hash.set(
                LIMITS,
                text.as_bytes().into(),
                value.as_bytes().into(),
                keeps,
            );
            let at = found(model, *number);
            assert_eq!(is_new, at.is_none());
            match at {
                Some(at) if keeps == Keeps::Expiry || model[at].2.is_none() => {
                    model[at].1.clone_from(value)
                }
                at => {
                    at.map(|at| model.remove(at));
                    model.push((text, value.clone(), None));
                }
            }
        }
        Op::Remove(number) => {
            let at = found(model, *number);
            assert_eq!(hash.remove(name(*number).as_bytes()), at.is_some());
            at.map(|at| model.remove(at));
        }
        Op::Expire(number, ms) => set_expiry(hash, model, found(model, *number), Some(*ms)),
        Op::Persist(number) => set_expiry(hash, model, found(model, *number), None),
        Op::TakeDue(now_ms) => {
            let taken = hash.take_due(*now_ms, 3);
            assert!(taken.len() <= 3);
            for field in taken {
                let at = model
                    .iter()
                    .position(|other| other.0.as_bytes() == &*field)
                    .unwrap();
                assert!(model.remove(at).2.is_some_and(|ms| ms <= *now_ms));
            }
        }
        Op::Freeze => {}
    }
}

fn set_expiry(hash: &mut Hash, model: &mut Model, at: Option<usize>, expires_ms: Option<i64>) {
    let Some(at) = at else { return };
    hash.set_expiry_ms(model[at].0.as_bytes(), expires_ms);
    if expires_ms.is_some() || model[at].2.is_some() {
        let mut field = model.remove(at);
        field.2 = expires_ms;
        place(model, field);
    }
}

fn text(item: Item<'_>) -> String {
    String::from_utf8(item.to_vec()).unwrap()
}

fn check(hash: &Hash, model: &Model) {
    let fields = hash
        .iter()
        .map(|field| (text(field.name), text(field.value), field.expires_ms));
    let mut fields: Model = fields.collect();
    let mut model = model.clone();
    if hash.encoding_name() == "hashtable" {
        fields.sort();
        model.sort();
    }
    assert_eq!(fields, model);
    assert_eq!(hash.len(), model.len());
    assert_eq!(
        hash.next_expiry_ms(),
        model.iter().filter_map(|field| field.2).min()
    );
    for (name, value, expires_ms) in &model {
        assert_eq!(hash.get(name.as_bytes()).map(text).as_ref(), Some(value));
        assert_eq!(hash.expiry_ms(name.as_bytes()), *expires_ms);
    }
    assert!(!hash.contains(b"none") && hash.expiry_ms(b"none").is_none());
    let mut read = Vec::new();
    let mut place = Place::default();
    while !hash.read_while(&mut place, |name, value| {
        read.push((text(name), text(value)));
        read.len() % 3 != 0
    }) {}
    assert!(
        read.iter().eq(hash
            .iter()
            .map(|field| (text(field.name), text(field.value)))
            .collect::<Vec<_>>()
            .iter())
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_list_of_fields_and_its_frozen_copies_never_change(ops in prop::collection::vec(op(), 1..100)) {
        let (mut hash, mut model) = (Hash::new(), Model::new());
        let mut copies = Vec::new();
        for op in &ops {
            match op {
                Op::Freeze => copies.push((hash.freeze(), model.clone())),
                op => apply(&mut hash, &mut model, op),
            }
            check(&hash, &model);
        }
        for (copy, expected) in &copies {
            check(copy, expected);
        }
        // A frozen copy can itself be written to.
        if let Some((mut copy, mut expected)) = copies.pop() {
            for op in &ops {
                apply(&mut copy, &mut expected, op);
                check(&copy, &expected);
            }
            check(&hash, &model);
        }
    }
}

#[test]
fn the_form_is_the_one_that_redis_says() {
    let set = |hash: &mut Hash, name: &str, value: &str| {
        hash.set(
            LIMITS,
            name.as_bytes().into(),
            value.as_bytes().into(),
            Keeps::Value,
        );
        hash.encoding_name()
    };
    let mut hash = Hash::new();
    assert_eq!(set(&mut hash, "a", "12345678"), "listpack");
    let mut timed = hash.freeze();
    timed.expect_expiry();
    assert_eq!(set(&mut timed, "b", ""), "listpackex");
    assert_eq!(set(&mut hash, "a", "123456789"), "hashtable");
    assert_eq!(set(&mut hash, "a", "1"), "hashtable");
    let mut hash = Hash::new();
    (0..20).for_each(|number| assert_eq!(set(&mut hash, &number.to_string(), "v"), "listpack"));
    assert_eq!(set(&mut hash, "one more", "v"), "hashtable");
    let mut hash = Hash::new();
    hash.expect(LIMITS, vec![&b"x"[..]; 42].into_iter());
    assert_eq!(hash.encoding_name(), "hashtable");
}
