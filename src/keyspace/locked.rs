//! The stripes a command holds, and what it did to them. See the keyspace's description for the order they are taken in.
//!
//! Stripes are let go of only after the effects of the commands that held them are in the log: so the log's order is the order of
//! execution for every key.

use super::effects::Effects;
use super::{Keyspace, Stripe};
use parking_lot::MutexGuard;
use smallvec::SmallVec;

/// Consecutive commands that may use one acquisition before others get their turn.
pub const COMMANDS_PER_ACQUISITION: u32 = 64;

/// The stripes that a command needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StripeSet {
    /// Some stripes, ascending, each once.
    Some(SmallVec<[u16; 4]>),
    /// Every stripe.
    All,
}

impl StripeSet {
    /// No stripe at all.
    pub fn none() -> Self {
        StripeSet::Some(SmallVec::new())
    }

    /// The stripes of `keys`.
    pub fn of<'k>(keyspace: &Keyspace, keys: impl Iterator<Item = &'k [u8]>) -> Self {
        let mut set = StripeSet::none();
        for key in keys {
            set.insert(keyspace.stripe_of(key));
        }
        set
    }

    /// Adds a stripe.
    pub fn insert(&mut self, stripe: usize) {
        if let StripeSet::Some(stripes) = self
            && let Err(at) = stripes.binary_search(&(stripe as u16))
        {
            stripes.insert(at, stripe as u16);
        }
    }

    /// Adds all of `other`.
    pub fn union(&mut self, other: &StripeSet) {
        match other {
            StripeSet::All => *self = StripeSet::All,
            StripeSet::Some(stripes) => stripes.iter().for_each(|&s| self.insert(s as usize)),
        }
    }
}

type Guard<'k> = (u16, MutexGuard<'k, Stripe>);

/// Nearly every command holds one stripe, and finds it without a search.
enum Held<'k> {
    None,
    One(Guard<'k>),
    /// Ascending.
    Many(SmallVec<[Guard<'k>; 2]>),
}

/// The stripes held now.
pub struct Locked<'k> {
    keyspace: &'k Keyspace,
    held: Held<'k>,
    commands: u32,
    /// What the commands since the stripes were taken did.
    pub effects: Effects,
    /// See `logged_to`.
    logged_to: u64,
    /// See `seen_to`.
    seen_to: u64,
    /// The log's writer sleeps and is to be woken.
    wake: bool,
}

impl<'k> Locked<'k> {
    /// Holds nothing yet.
    pub fn new(keyspace: &'k Keyspace) -> Self {
        Locked {
            keyspace,
            held: Held::None,
            commands: 0,
            effects: Effects::default(),
            logged_to: 0,
            seen_to: 0,
            wake: false,
        }
    }

    /// The keyspace whose stripes these are.
    #[inline]
    pub fn keyspace(&self) -> &'k Keyspace {
        self.keyspace
    }

    /// Holds exactly the one `stripe`, keeping it if it is held already and has not served its share of commands.
    #[inline(always)]
    pub fn acquire_one(&mut self, stripe: usize) {
        if let Held::One((held, _)) = self.held
            && held as usize == stripe
            && self.commands < COMMANDS_PER_ACQUISITION
        {
            self.commands += 1;
        } else {
            self.turn_to(stripe);
        }
    }

    fn turn_to(&mut self, stripe: usize) {
        self.release();
        self.held = Held::One((stripe as u16, self.keyspace.lock(stripe)));
    }

    /// Holds exactly the stripes of `set`, taken in ascending order.
    pub fn acquire(&mut self, set: &StripeSet) {
        match set {
            StripeSet::Some(stripes) if stripes.len() == 1 => self.acquire_one(stripes[0] as usize),
            StripeSet::Some(stripes) => self.acquire_many(stripes.iter().copied()),
            StripeSet::All => self.acquire_many(0..self.keyspace.stripes() as u16),
        }
    }

    fn acquire_many(&mut self, ascending: impl Iterator<Item = u16>) {
        self.release();
        let guards = ascending.map(|stripe| (stripe, self.keyspace.lock(stripe.into())));
        self.held = Held::Many(guards.collect());
    }

    /// Also holds the stripes of `set` if that is possible without waiting; otherwise leaves all as it was.
    pub fn try_extend(&mut self, set: &StripeSet) -> bool {
        let wanted: SmallVec<[u16; 4]> = match set {
            StripeSet::Some(stripes) => stripes.clone(),
            StripeSet::All => (0..self.keyspace.stripes() as u16).collect(),
        };
        let mut taken = SmallVec::new();
        for stripe in wanted {
            if self.index_of(stripe as usize).is_some() {
                continue;
            }
            match self.keyspace.try_lock(stripe as usize) {
                Some(guard) => taken.push((stripe, guard)),
                None => return false,
            }
        }
        if !taken.is_empty() {
            match std::mem::replace(&mut self.held, Held::None) {
                Held::None => {}
                Held::One(held) => taken.push(held),
                Held::Many(held) => taken.extend(held),
            }
            taken.sort_unstable_by_key(|(stripe, _)| *stripe);
            self.held = Held::Many(taken);
        }
        true
    }

    /// Lets go of all stripes.
    #[inline]
    pub fn release(&mut self) {
        self.log_effects();
        if !matches!(self.held, Held::None) {
            if self.keyspace.log().is_holding() {
                self.note_seen();
            }
            self.held = Held::None;
        }
        self.commands = 0;
    }

    /// True if the log's writer is to be woken, which is then up to the caller.
    pub fn take_wake(&mut self) -> bool {
        std::mem::take(&mut self.wake)
    }

    /// Moves the effects so far to the log; the stripes are still held.
    #[inline]
    pub fn log_effects(&mut self) {
        if !self.effects.is_empty() {
            self.append_effects();
        }
    }

    fn append_effects(&mut self) {
        let (bytes, first_db, last_db) = self.effects.parts();
        let appended = self.keyspace.log().append(bytes, first_db, last_db);
        if self.effects.is_asked_for() {
            self.logged_to = appended.end;
            for (_, stripe) in self.guards_mut() {
                stripe.logged_to = appended.end;
            }
        }
        self.effects.clear();
        self.wake |= appended.wakes;
    }

    /// The log's offset after the last effect logged by this that a client asked for; 0 for none. Who only met a key whose time was up
    /// is told the same however much of the log is on disk.
    pub fn logged_to(&self) -> u64 {
        self.logged_to
    }

    fn note_seen(&mut self) {
        let latest = self.guards().iter().map(|(_, stripe)| stripe.logged_to);
        self.seen_to = latest.max().unwrap_or(0).max(self.seen_to);
    }

    /// Where replies wait for the log, the offset after the last effect that the commands so far may tell of: on the stripes that were
    /// held, whoever asked for it.
    pub fn seen_to(&mut self) -> u64 {
        if self.keyspace.log().is_holding() {
            self.note_seen();
        }
        self.seen_to
    }

    /// The stripes held.
    pub fn held(&self) -> StripeSet {
        let guards = self.guards();
        if guards.len() == self.keyspace.stripes() {
            StripeSet::All
        } else {
            StripeSet::Some(guards.iter().map(|(stripe, _)| *stripe).collect())
        }
    }

    /// True when no stripe is held.
    pub fn is_empty(&self) -> bool {
        self.guards().is_empty()
    }

    /// True when `stripe` is held.
    pub fn holds(&self, stripe: usize) -> bool {
        self.index_of(stripe).is_some()
    }

    /// The stripe of `key`, which must be held.
    #[inline(always)]
    pub fn stripe_of(&mut self, key: &[u8]) -> &mut Stripe {
        match self.held {
            Held::One((held, ref mut stripe)) => {
                debug_assert_eq!(held as usize, self.keyspace.stripe_of(key));
                stripe
            }
            _ => self.stripe(self.keyspace.stripe_of(key)),
        }
    }

    /// The stripe at `index`, which must be held.
    pub fn stripe(&mut self, index: usize) -> &mut Stripe {
        let at = self.index_of(index);
        &mut self.guards_mut()[at.expect("a command holds the stripes of all keys it touches")].1
    }

    /// The stripe of `key`, which must be held, to look at it beside others.
    pub fn peek_stripe_of(&self, key: &[u8]) -> &Stripe {
        let at = self.index_of(self.keyspace.stripe_of(key));
        &self.guards()[at.expect("a command holds the stripes of all keys it touches")].1
    }

    /// Every held stripe with its index.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Stripe)> {
        self.guards_mut()
            .iter_mut()
            .map(|(index, guard)| (*index as usize, &mut **guard))
    }

    /// True when some held stripe has keys whose waiters are to be served.
    #[inline(always)]
    pub fn any_ready(&self) -> bool {
        match &self.held {
            Held::None => false,
            Held::One((_, stripe)) => !stripe.ready.is_empty(),
            Held::Many(guards) => guards.iter().any(|(_, stripe)| !stripe.ready.is_empty()),
        }
    }

    fn guards(&self) -> &[Guard<'k>] {
        match &self.held {
            Held::None => &[],
            Held::One(guard) => std::slice::from_ref(guard),
            Held::Many(guards) => guards,
        }
    }

    fn guards_mut(&mut self) -> &mut [Guard<'k>] {
        match &mut self.held {
            Held::None => &mut [],
            Held::One(guard) => std::slice::from_mut(guard),
            Held::Many(guards) => guards,
        }
    }

    /// Where among the held stripes `stripe` is.
    fn index_of(&self, stripe: usize) -> Option<usize> {
        let guards = self.guards();
        if guards.len() == self.keyspace.stripes() {
            return Some(stripe);
        }
        guards
            .binary_search_by_key(&(stripe as u16), |(held, _)| *held)
            .ok()
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.release();
        if self.wake {
            self.keyspace.log().wake();
        }
    }
}
