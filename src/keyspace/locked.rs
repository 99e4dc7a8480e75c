//! The stripes a command holds. See the keyspace's description for the order they are taken in.

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

/// The stripes held now, ascending.
pub struct Locked<'k> {
    keyspace: &'k Keyspace,
    held: SmallVec<[(u16, MutexGuard<'k, Stripe>); 2]>,
    commands: u32,
}

impl<'k> Locked<'k> {
    /// Holds nothing yet.
    pub fn new(keyspace: &'k Keyspace) -> Self {
        Locked {
            keyspace,
            held: SmallVec::new(),
            commands: 0,
        }
    }

    /// The keyspace whose stripes these are.
    pub fn keyspace(&self) -> &'k Keyspace {
        self.keyspace
    }

    /// Holds exactly the one `stripe`, keeping it if it is held already and has not served its share of commands.
    #[inline(always)]
    pub fn acquire_one(&mut self, stripe: usize) {
        if let [(held, _)] = self.held[..]
            && held as usize == stripe
            && self.commands < COMMANDS_PER_ACQUISITION
        {
            self.commands += 1;
            return;
        }
        self.release();
        self.held.push((stripe as u16, self.keyspace.lock(stripe)));
    }

    /// Holds exactly the stripes of `set`, taken in ascending order.
    pub fn acquire(&mut self, set: &StripeSet) {
        match set {
            StripeSet::Some(stripes) if stripes.len() == 1 => self.acquire_one(stripes[0] as usize),
            StripeSet::Some(stripes) => {
                self.release();
                for &stripe in stripes {
                    self.held.push((stripe, self.keyspace.lock(stripe.into())));
                }
            }
            StripeSet::All => {
                self.release();
                for stripe in 0..self.keyspace.stripes() {
                    self.held.push((stripe as u16, self.keyspace.lock(stripe)));
                }
            }
        }
    }

    /// Also holds the stripes of `set` if that is possible without waiting; otherwise leaves all as it was.
    pub fn try_extend(&mut self, set: &StripeSet) -> bool {
        let wanted: SmallVec<[u16; 4]> = match set {
            StripeSet::Some(stripes) => stripes.clone(),
            StripeSet::All => (0..self.keyspace.stripes() as u16).collect(),
        };
        let mut taken: SmallVec<[(u16, MutexGuard<'k, Stripe>); 2]> = SmallVec::new();
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
            self.held.extend(taken);
            self.held.sort_unstable_by_key(|(stripe, _)| *stripe);
        }
        true
    }

    /// Lets go of all stripes.
    #[inline]
    pub fn release(&mut self) {
        self.held.clear();
        self.commands = 0;
    }

    /// The stripes held.
    pub fn held(&self) -> StripeSet {
        if self.held.len() == self.keyspace.stripes() {
            StripeSet::All
        } else {
            StripeSet::Some(self.held.iter().map(|(stripe, _)| *stripe).collect())
        }
    }

    /// True when no stripe is held.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// True when `stripe` is held.
    pub fn holds(&self, stripe: usize) -> bool {
        self.index_of(stripe).is_some()
    }

    /// The stripe of `key`, which must be held.
    #[inline(always)]
    pub fn stripe_of(&mut self, key: &[u8]) -> &mut Stripe {
        let keyspace = self.keyspace;
        match &mut self.held[..] {
            [(held, stripe)] => {
                debug_assert_eq!(*held as usize, keyspace.stripe_of(key));
                stripe
            }
            held => {
                let at = index_in(held, keyspace, keyspace.stripe_of(key));
                &mut held[at.expect(TOUCHES_ONLY_HELD)].1
            }
        }
    }

    /// The stripe at `index`, which must be held.
    pub fn stripe(&mut self, index: usize) -> &mut Stripe {
        let at = self.index_of(index).expect(TOUCHES_ONLY_HELD);
        &mut self.held[at].1
    }

    /// Every held stripe with its index.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Stripe)> {
        self.held
            .iter_mut()
            .map(|(index, guard)| (*index as usize, &mut **guard))
    }

    /// True when some held stripe has keys whose waiters are to be served.
    #[inline(always)]
    pub fn any_ready(&self) -> bool {
        self.held.iter().any(|(_, stripe)| !stripe.ready.is_empty())
    }

    fn index_of(&self, stripe: usize) -> Option<usize> {
        index_in(&self.held, self.keyspace, stripe)
    }
}

const TOUCHES_ONLY_HELD: &str = "a command holds the stripes of all keys it touches";

/// Where among the held stripes `stripe` is.
fn index_in<G>(held: &[(u16, G)], keyspace: &Keyspace, stripe: usize) -> Option<usize> {
    if held.len() == keyspace.stripes() {
        return Some(stripe);
    }
    held.binary_search_by_key(&(stripe as u16), |(held, _)| *held)
        .ok()
}
