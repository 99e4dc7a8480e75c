//! DEBUG DIGEST and DEBUG DIGEST-VALUE: one number for the whole state, so that tests can tell whether it survived.
//!
//! It covers all that a restart must bring back: keys, values, expiries, streams with their counters, policies, scheduled entries and what they
//! remember of messages, groups, consumers and pending entries. It leaves out what only hints at use: when a key was last used, when a consumer last asked in vain, how a value
//! is encoded. Keys are added up, so their order does not matter. The numbers are not those of Redis.

use crate::command::{Args, Ctx, DONE, Outcome};
use crate::data::list::End;
use crate::data::stream::{Group, Id, Idmp, Stream};
use crate::data::{Hash, Value, zset};
use crate::keyspace::Entry;
use ahash::RandomState;
use std::hash::{BuildHasher, Hash as _, Hasher};

/// `DEBUG DIGEST`
pub fn digest(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let now_ms = ctx.now.unix_ms.max(0).unsigned_abs();
    let databases = ctx.keys.keyspace().databases();
    let mut sums = [0u64; SEEDS.len()];
    ctx.keys.each_stripe(|keys, stripe| {
        let stripe = keys.locked.stripe(stripe);
        for db in 0..databases {
            for entry in stripe.dbs[db].iter() {
                add(&mut sums, |hasher| {
                    db.hash(hasher);
                    hash_entry(hasher, entry, now_ms);
                });
            }
        }
    });
    ctx.reply.simple(&text(&sums));
    DONE
}

/// `DEBUG DIGEST-VALUE key...`
pub fn digest_value(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let now_ms = ctx.now.unix_ms.max(0).unsigned_abs();
    ctx.reply.array(args.len());
    for key in args.rest() {
        let stripe = ctx.keys.keyspace().stripe_of(key);
        let mut sums = [0u64; SEEDS.len()];
        ctx.keys.with_stripe(stripe, |keys| {
            if let Some(entry) = keys.peek(key) {
                add(&mut sums, |hasher| hash_value(hasher, &entry.value, now_ms));
            }
        });
        ctx.reply.simple(&text(&sums));
    }
    DONE
}

/// Seeds of independent hashes that together make the digest.
const SEEDS: [u64; 3] = [0x6d69_6c6c, 0x7374_7265, 0x616d_2e00];

fn add(sums: &mut [u64; SEEDS.len()], hash: impl Fn(&mut ahash::AHasher)) {
    for (sum, seed) in sums.iter_mut().zip(SEEDS) {
        let mut hasher = RandomState::with_seeds(seed, 1, 2, 3).build_hasher();
        hash(&mut hasher);
        *sum = sum.wrapping_add(hasher.finish());
    }
}

/// Forty hexadecimal digits.
fn text(sums: &[u64; SEEDS.len()]) -> String {
    format!("{:016x}{:016x}{:08x}", sums[0], sums[1], sums[2] as u32)
}

fn hash_entry(hasher: &mut impl Hasher, entry: &Entry, now_ms: u64) {
    entry.key.hash(hasher);
    entry.deadline_ms().hash(hasher);
    hash_value(hasher, &entry.value, now_ms);
}

fn hash_value(hasher: &mut impl Hasher, value: &Value, now_ms: u64) {
    value.type_name().hash(hasher);
    let mut digits = itoa::Buffer::new();
    match value {
        Value::Str(string) => string.as_bytes(&mut digits).hash(hasher),
        Value::List(list) => {
            for item in list.iter(End::Front) {
                item.as_bytes(&mut digits).hash(hasher);
            }
        }
        Value::Set(set) => {
            // Members are added up, so their order does not matter.
            let state = RandomState::with_seeds(SEEDS[0], 5, 6, 7);
            let hashes = set
                .iter()
                .map(|member| state.hash_one(member.as_bytes(&mut digits)));
            hashes.fold(0, u64::wrapping_add).hash(hasher);
        }
        Value::Hash(hash) => hash_fields(hasher, hash),
        Value::ZSet(zset) => {
            for element in zset.iter(zset::End::Lowest) {
                element.member.as_bytes(&mut digits).hash(hasher);
                // Adding zero makes one of the two zeros, which may change when a set is unpacked.
                (element.score + 0.0).to_bits().hash(hasher);
            }
        }
        Value::Stream(stream) => {
            hash_stream(hasher, stream);
            hash_idmp(hasher, &stream.idmp, stream.policy.idmp.horizon_ms(now_ms));
        }
    }
}

/// Fields are added up: their order is the business of the form that the hash has.
fn hash_fields(hasher: &mut impl Hasher, hash: &Hash) {
    let mut sums = [0u64; SEEDS.len()];
    for field in hash.iter() {
        let (mut name, mut value) = (itoa::Buffer::new(), itoa::Buffer::new());
        let name = field.name.as_bytes(&mut name);
        let value = field.value.as_bytes(&mut value);
        add(&mut sums, |hasher| {
            (name, value, field.expires_ms).hash(hasher);
        });
    }
    sums.hash(hasher);
}

fn hash_stream(hasher: &mut impl Hasher, stream: &Stream) {
    let log = &stream.log;
    for id in [log.last_id(), log.max_deleted_id(), log.first_id()] {
        hash_id(hasher, id);
    }
    (log.len(), log.entries_added()).hash(hasher);
    for entry in log.range(Id::MIN, Id::MAX) {
        hash_id(hasher, entry.id);
        for (name, value) in entry.fields() {
            (name, value).hash(hasher);
        }
    }
    for entry in stream.schedule.iter_from(Id::MIN) {
        hash_id(hasher, entry.id);
        entry.fields().for_each(|field| field.hash(hasher));
    }
    stream.policy.hash(hasher);
    for (name, group) in &stream.groups {
        name.hash(hasher);
        hash_group(hasher, group);
    }
}

/// What is forgotten by now does not count: it may have been dropped or not.
fn hash_idmp(hasher: &mut impl Hasher, idmp: &Idmp, horizon_ms: Option<u64>) {
    let counts = idmp.counts(horizon_ms);
    (counts.added, counts.duplicates).hash(hasher);
    for (pid, messages) in idmp.remembered(horizon_ms) {
        pid.hash(hasher);
        for (iid, id) in messages {
            iid.hash(hasher);
            hash_id(hasher, id);
        }
    }
}

fn hash_group(hasher: &mut impl Hasher, group: &Group) {
    hash_id(hasher, group.last_id);
    group.entries_read.hash(hasher);
    group.policy().hash(hasher);
    for (_, consumer) in group.consumers() {
        (&consumer.name, consumer.active_time_ms).hash(hasher);
    }
    for pending in group.pending_from(Id::MIN) {
        hash_id(hasher, pending.id);
        (pending.time_ms, pending.delivery_count).hash(hasher);
        let owner = pending.consumer.map(|_| group.owner_name(pending));
        owner.hash(hasher);
    }
}

fn hash_id(hasher: &mut impl Hasher, id: Id) {
    (id.ms, id.seq).hash(hasher);
}
