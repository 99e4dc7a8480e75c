//! The stripes a command holds, and what it did to them. See the keyspace's description for the order they are taken in.
//!
//! Stripes are let go of only after the effects of the commands that held them are in the log: so the log's order is the order of
//! execution for every key.
//!
//! A script may find out only while it runs which further stripes it needs, and what it has done cannot be undone. So it may wait for
//! them against the order (`Locked::reach`): whoever waits for stripes while holding some lets go of all meanwhile, waits until the
//! script has what it reaches for, and begins anew. It has executed nothing yet, so nothing is lost, and no deadlock can form. That holds
//! for one script at a time, which is the scripts' affair.
//!
//! Whoever waits for a stripe for more than a moment holds no others meanwhile: one long command would else hold up those too who need
//! nothing of what it holds.
//!
//! Who holds stripes for longer than others should wait says so (`Keyspace::set_stalled`); who waits for clients then gives up
//! (`acquire_soon` and its kin).

use super::effects::Effects;
use super::{Keyspace, Stripe};
use parking_lot::MutexGuard;
use smallvec::SmallVec;
use std::time::Duration;

/// Consecutive commands that may use one acquisition before others get their turn.
pub const COMMANDS_PER_ACQUISITION: u32 = 64;

/// How long one waits for a stripe before looking whether to go on waiting.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long one waits for a stripe while holding others, or before doing something else first.
const BRIEFLY: Duration = Duration::from_micros(200);
/// How often one lets go of stripes that others may need, to wait for one that is held for longer. Then it is one's turn.
const GIVING_WAY: u32 = 16;

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

/// Whether one waits for stripes as long as it takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Endless,
    /// Not while their holder has said that it holds them for long.
    UnlessStalled,
    /// Hardly at all.
    Brief,
}

/// Why one waits no longer.
enum GivesUp {
    /// The stripe is held for long.
    Stalled,
    /// A script reaches out, and might wait for what is held here.
    ForReacher,
    /// This stripe is held for longer than others should be held for it.
    For(u16),
}

/// Stripes that are held while waiting for another.
#[derive(Clone, Copy)]
struct Others {
    /// They are let go of if that takes longer.
    gives_way: bool,
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
    /// See `abandon`.
    abandoned: bool,
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
            abandoned: false,
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
        if !self.keeps(stripe) {
            let held = self.turn_to(stripe, Patience::Endless);
            debug_assert!(held);
        }
    }

    /// The same, unless it is held for long by somebody else: then holds nothing, and false.
    #[inline(always)]
    pub fn acquire_one_soon(&mut self, stripe: usize) -> bool {
        self.keeps(stripe) || self.turn_to(stripe, Patience::UnlessStalled)
    }

    /// The same, unless it is held by somebody else for more than a moment: for what can be done a little later.
    pub fn acquire_one_briefly(&mut self, stripe: usize) -> bool {
        self.keeps(stripe) || self.turn_to(stripe, Patience::Brief)
    }

    #[inline(always)]
    fn keeps(&mut self, stripe: usize) -> bool {
        let keeps = matches!(self.held, Held::One((held, _)) if held as usize == stripe)
            && self.commands < COMMANDS_PER_ACQUISITION;
        self.commands += u32::from(keeps);
        keeps
    }

    fn turn_to(&mut self, stripe: usize, patience: Patience) -> bool {
        self.release();
        let Ok(guard) = self.lock(stripe as u16, patience, None) else {
            return false;
        };
        self.held = Held::One((stripe as u16, guard));
        true
    }

    /// Holds exactly the stripes of `set`, taken in ascending order.
    pub fn acquire(&mut self, set: &StripeSet) {
        let held = self.acquire_with(set, Patience::Endless);
        debug_assert!(held);
    }

    /// The same, unless one of them is held for long by somebody else: then holds nothing, and false.
    pub fn acquire_soon(&mut self, set: &StripeSet) -> bool {
        self.acquire_with(set, Patience::UnlessStalled)
    }

    /// The same, unless one of them is held by somebody else for more than a moment.
    pub fn acquire_briefly(&mut self, set: &StripeSet) -> bool {
        self.acquire_with(set, Patience::Brief)
    }

    fn acquire_with(&mut self, set: &StripeSet, patience: Patience) -> bool {
        match set {
            StripeSet::Some(stripes) if stripes.len() == 1 => {
                let stripe = stripes[0] as usize;
                self.keeps(stripe) || self.turn_to(stripe, patience)
            }
            StripeSet::Some(stripes) => self.acquire_many(stripes.iter().copied(), patience),
            StripeSet::All => self.acquire_many(0..self.keyspace.stripes() as u16, patience),
        }
    }

    fn acquire_many(
        &mut self,
        ascending: impl Iterator<Item = u16> + Clone,
        patience: Patience,
    ) -> bool {
        self.release();
        let mut gave_way = 0;
        loop {
            match self.lock_all(ascending.clone(), patience, gave_way < GIVING_WAY) {
                Ok(guards) => {
                    self.held = Held::Many(guards);
                    return true;
                }
                Err(GivesUp::Stalled) => return false,
                Err(GivesUp::ForReacher) => self.keyspace.await_reacher(),
                Err(GivesUp::For(stripe)) => {
                    gave_way += 1;
                    // With nothing held, or whoever needs that would wait for this one's holder too.
                    if self.wait_for(stripe, patience, None).is_err() {
                        return false;
                    }
                }
            }
        }
    }

    fn lock_all(
        &self,
        ascending: impl Iterator<Item = u16>,
        patience: Patience,
        gives_way: bool,
    ) -> Result<SmallVec<[Guard<'k>; 2]>, GivesUp> {
        let mut guards = SmallVec::new();
        for stripe in ascending {
            let others = (!guards.is_empty()).then_some(Others { gives_way });
            let guard = self.lock(stripe, patience, others)?;
            guards.push((stripe, guard));
        }
        Ok(guards)
    }

    #[inline]
    fn lock(
        &self,
        stripe: u16,
        patience: Patience,
        others: Option<Others>,
    ) -> Result<MutexGuard<'k, Stripe>, GivesUp> {
        match self.keyspace.try_lock(stripe.into()) {
            Some(guard) => Ok(guard),
            None => self.wait_for(stripe, patience, others),
        }
    }

    #[cold]
    fn wait_for(
        &self,
        stripe: u16,
        patience: Patience,
        others: Option<Others>,
    ) -> Result<MutexGuard<'k, Stripe>, GivesUp> {
        let gives_way = others.is_some_and(|others| others.gives_way);
        loop {
            if patience == Patience::UnlessStalled && self.keyspace.is_stalled() {
                return Err(GivesUp::Stalled);
            }
            if others.is_some() && self.keyspace.has_reacher() {
                return Err(GivesUp::ForReacher);
            }
            let is_brief = gives_way || patience == Patience::Brief;
            let time = if is_brief { BRIEFLY } else { LOOK_EVERY };
            if let Some(guard) = self.keyspace.lock_within(stripe.into(), time) {
                return Ok(guard);
            }
            match patience {
                Patience::Brief => return Err(GivesUp::Stalled),
                _ if gives_way => return Err(GivesUp::For(stripe)),
                _ => {}
            }
        }
    }

    /// Also holds the stripes of `set`, however long that takes, whatever is held already and has been done to it. Only for the one
    /// script that runs.
    pub fn reach(&mut self, set: &StripeSet) {
        if self.try_extend(set) {
            return;
        }
        let keyspace = self.keyspace;
        let _reaching = keyspace.begin_reaching();
        let missing = self.missing(set);
        let taken = missing
            .into_iter()
            .map(|stripe| (stripe, keyspace.lock(stripe.into())));
        let taken = taken.collect();
        self.add(taken);
    }

    /// Also holds the stripes of `set` if that is possible without waiting; otherwise leaves all as it was.
    pub fn try_extend(&mut self, set: &StripeSet) -> bool {
        let mut taken = SmallVec::new();
        for stripe in self.missing(set) {
            match self.keyspace.try_lock(stripe as usize) {
                Some(guard) => taken.push((stripe, guard)),
                None => return false,
            }
        }
        self.add(taken);
        true
    }

    /// Those stripes of `set` that are not held.
    fn missing(&self, set: &StripeSet) -> SmallVec<[u16; 4]> {
        let is_missing = |stripe: &u16| !self.holds(usize::from(*stripe));
        match set {
            StripeSet::Some(stripes) => stripes.iter().copied().filter(is_missing).collect(),
            StripeSet::All => {
                let all = 0..self.keyspace.stripes() as u16;
                all.filter(is_missing).collect()
            }
        }
    }

    fn add(&mut self, mut taken: SmallVec<[Guard<'k>; 2]>) {
        if taken.is_empty() {
            return;
        }
        match std::mem::replace(&mut self.held, Held::None) {
            Held::None => {}
            Held::One(held) => taken.push(held),
            Held::Many(held) => taken.extend(held),
        }
        taken.sort_unstable_by_key(|(stripe, _)| *stripe);
        self.held = Held::Many(taken);
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

    /// Keeps what is held locked for ever, since nobody is to see what is there. Only for a server that goes down, and has said that it stalls.
    #[cold]
    pub fn abandon(&mut self) {
        std::mem::forget(std::mem::replace(&mut self.held, Held::None));
        self.abandoned = true;
    }

    /// True once that has happened.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned
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

    /// What the commands of another, which has let go of its stripes, did and may tell of is told of here.
    pub fn take_over(&mut self, other: &mut Locked<'_>) {
        self.logged_to = self.logged_to.max(other.logged_to);
        self.seen_to = self.seen_to.max(other.seen_to);
        self.wake |= other.take_wake();
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Instant;

    #[test]
    fn who_waits_for_one_stripe_holds_up_nobody_by_others() {
        let keyspace = Keyspace::new(1, 1);
        let all = keyspace.stripes();
        assert!(all > 1);
        let (begun, is_begun) = channel();
        let (end, is_ended) = channel::<()>();
        std::thread::scope(|scope| {
            let keyspace = &keyspace;
            scope.spawn(move || {
                let mut long = Locked::new(keyspace);
                long.acquire_one(all - 1);
                begun.send(()).expect("it is waited for");
                let _ = is_ended.recv();
            });
            is_begun.recv().expect("it begins");
            let waiting = scope.spawn(|| Locked::new(keyspace).acquire(&StripeSet::All));
            // Sooner or later it waits for the last one, with nothing held.
            let mut other = Locked::new(keyspace);
            let deadline = Instant::now() + Duration::from_secs(10);
            let mut in_a_row = 0;
            while in_a_row < 20 {
                let is_had = other.acquire_one_briefly(0);
                other.release();
                in_a_row = if is_had { in_a_row + 1 } else { 0 };
                assert!(Instant::now() < deadline, "it is held");
                std::thread::sleep(Duration::from_millis(1));
            }
            assert!(!waiting.is_finished());
            assert!(!other.acquire_briefly(&StripeSet::All));
            end.send(()).expect("it waits");
            waiting.join().expect("it gets all");
        });
    }
}
