//! The registry shared by all cores: per channel and pattern, how many subscribers each core has.

use super::{Gathered, Heard, Message, Name, Note};
use crate::base::crc16::crc16;
use crate::base::glob;
use ahash::AHashMap;
use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of stripes of the channel registry.
const STRIPES: usize = 64;

/// What one can subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A channel (SUBSCRIBE).
    Channel,
    /// All channels that match (PSUBSCRIBE).
    Pattern,
    /// A shard channel (SSUBSCRIBE).
    Shard,
}

impl Subject {
    /// Number of subjects.
    pub const COUNT: usize = 3;
    /// All of them, in order.
    pub const ALL: [Subject; Self::COUNT] = [Subject::Channel, Subject::Pattern, Subject::Shard];
}

/// Subscribers by core.
#[derive(Default)]
struct Interest(SmallVec<[u32; 4]>);

impl Interest {
    fn add(&mut self, core: usize) {
        if self.0.len() <= core {
            self.0.resize(core + 1, 0);
        }
        self.0[core] += 1;
    }

    /// Takes one away; true when nobody is left.
    fn remove(&mut self, core: usize) -> bool {
        self.0[core] -= 1;
        self.0.iter().all(|&count| count == 0)
    }

    fn total(&self) -> usize {
        self.0.iter().map(|&count| count as usize).sum()
    }

    /// Hands a message to each core that has subscribers; returns how many those have.
    fn deliver(
        &self,
        heard: Heard<'_>,
        here: &mut Option<Here<'_>>,
        send: &mut impl FnMut(usize, Note),
    ) -> usize {
        let own = here.as_ref().map(|here| here.core);
        let has_any = |&(_, &count): &(usize, &u32)| count > 0;
        let cores = self.0.iter().enumerate().filter(has_any);
        let mut others = cores
            .map(|(core, _)| core)
            .filter(|&core| own != Some(core));
        if let Some(last) = others.next_back() {
            let note = heard.to_note();
            for core in others {
                send(core, note.clone());
            }
            send(last, note);
        }
        if let Some(here) = here
            && self.0.get(here.core).is_some_and(|&count| count > 0)
        {
            here.gathered.add(heard);
        }
        self.total()
    }
}

/// Where messages to subscribers of the publisher's own core gather, while those may go past its inbox.
#[derive(Debug)]
pub struct Here<'a> {
    /// The core.
    pub core: usize,
    /// What it has gathered.
    pub gathered: &'a mut Gathered,
}

#[derive(Default)]
struct Names(AHashMap<Name, Interest>);

impl Names {
    /// One more subscriber on `core`; gives the name as it is kept here, and whether it is new.
    fn add(&mut self, name: &[u8], core: usize) -> (Name, bool) {
        let known = self.0.get_key_value(name).map(|(name, _)| name.clone());
        let is_new = known.is_none();
        let name = known.unwrap_or_else(|| name.into());
        self.0.entry(name.clone()).or_default().add(core);
        (name, is_new)
    }

    /// One less; true when nobody is left.
    fn remove(&mut self, name: &[u8], core: usize) -> bool {
        let interest = self.0.get_mut(name);
        let is_gone = interest.is_some_and(|interest| interest.remove(core));
        if is_gone {
            self.0.remove(name);
        }
        is_gone
    }
}

#[derive(Default)]
struct Channels {
    plain: Names,
    shard: Names,
}

impl Channels {
    fn names(&mut self, subject: Subject) -> &mut Names {
        match subject {
            Subject::Shard => &mut self.shard,
            _ => &mut self.plain,
        }
    }
}

/// See the module's description.
pub struct Registry {
    stripes: Box<[Mutex<Channels>]>,
    patterns: RwLock<Names>,
    pattern_count: AtomicUsize,
    channel_count: AtomicUsize,
    shard_count: AtomicUsize,
}

impl Default for Registry {
    fn default() -> Self {
        Registry {
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
            patterns: RwLock::default(),
            pattern_count: AtomicUsize::new(0),
            channel_count: AtomicUsize::new(0),
            shard_count: AtomicUsize::new(0),
        }
    }
}

impl Registry {
    /// One more subscriber on `core`. Gives the name: one and the same as long as somebody listens to it.
    pub fn subscribe(&self, subject: Subject, name: &[u8], core: usize) -> Name {
        self.with_names(subject, name, |names, count| {
            let (name, is_new) = names.add(name, core);
            count.fetch_add(usize::from(is_new), Ordering::Relaxed);
            name
        })
    }

    /// One subscriber on `core` less.
    pub fn unsubscribe(&self, subject: Subject, name: &[u8], core: usize) {
        self.with_names(subject, name, |names, count| {
            let is_gone = names.remove(name, core);
            count.fetch_sub(usize::from(is_gone), Ordering::Relaxed);
        });
    }

    /// With the names among which `name` is, if it is anywhere, and their count, which is to be right by the time the lock is let go:
    /// another who subscribes to the same is told so then.
    fn with_names<R>(
        &self,
        subject: Subject,
        name: &[u8],
        f: impl FnOnce(&mut Names, &AtomicUsize) -> R,
    ) -> R {
        let count = self.count(subject);
        match subject {
            Subject::Pattern => f(&mut self.patterns.write(), count),
            _ => f(self.stripe(name).lock().names(subject), count),
        }
    }

    /// Hands a message to the cores that have subscribers of its channel; returns the number of subscribers. `here` tells where messages
    /// gather that are for the publisher's own core, if they may go past its inbox; `send` takes those for the others. Both are called under
    /// the channel's lock and must not wait.
    pub fn publish<'h>(
        &self,
        message: Message<'_>,
        here: impl FnOnce() -> Option<Here<'h>>,
        mut send: impl FnMut(usize, Note),
    ) -> usize {
        let Message {
            subject,
            channel,
            payload,
        } = message;
        let mut stripe = self.stripe(channel).lock();
        let mut here = here();
        let mut receivers = 0;
        if let Some((name, interest)) = stripe.names(subject).0.get_key_value(channel) {
            let heard = Heard {
                subject,
                name,
                matched: None,
                payload,
            };
            receivers += interest.deliver(heard, &mut here, &mut send);
        }
        if subject == Subject::Channel && self.pattern_count.load(Ordering::Relaxed) > 0 {
            for (name, interest) in &self.patterns.read().0 {
                if glob::matches(name, channel) {
                    let heard = Heard {
                        subject: Subject::Pattern,
                        name,
                        matched: Some(channel),
                        payload,
                    };
                    receivers += interest.deliver(heard, &mut here, &mut send);
                }
            }
        }
        receivers
    }

    /// Number of subscribers of a channel, those by pattern not counted.
    pub fn subscribers(&self, subject: Subject, channel: &[u8]) -> usize {
        self.stripe(channel)
            .lock()
            .names(subject)
            .0
            .get(channel)
            .map_or(0, Interest::total)
    }

    /// The channels that have subscribers and match `pattern`.
    pub fn channels(&self, subject: Subject, pattern: Option<&[u8]>) -> Vec<Name> {
        let mut found = Vec::new();
        for stripe in &self.stripes {
            let mut stripe = stripe.lock();
            found.extend(
                stripe
                    .names(subject)
                    .0
                    .keys()
                    .filter(|name| pattern.is_none_or(|pattern| glob::matches(pattern, name)))
                    .cloned(),
            );
        }
        found
    }

    /// Number of different patterns, or channels with subscribers.
    pub fn len(&self, subject: Subject) -> usize {
        self.count(subject).load(Ordering::Relaxed)
    }

    fn count(&self, subject: Subject) -> &AtomicUsize {
        match subject {
            Subject::Channel => &self.channel_count,
            Subject::Pattern => &self.pattern_count,
            Subject::Shard => &self.shard_count,
        }
    }

    fn stripe(&self, name: &[u8]) -> &Mutex<Channels> {
        &self.stripes[crc16(name) as usize % STRIPES]
    }
}
