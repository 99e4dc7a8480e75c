//! Something that is owned outright until it is frozen, shared from then on, and owned again once it is written to.
//!
//! An `Arc` from the start would do as much, but every write would have to ask it, by an atomic operation, whether it is
//! shared. Most of what is written to never was.

use std::ops::Deref;
use std::sync::Arc;

/// See the head of this file.
#[derive(Debug)]
pub(super) enum Shareable<T> {
    Owned(T),
    Shared(Arc<T>),
}

impl<T: Default> Default for Shareable<T> {
    fn default() -> Self {
        Shareable::Owned(T::default())
    }
}

impl<T> Deref for Shareable<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Shareable::Owned(inner) => inner,
            Shareable::Shared(inner) => inner,
        }
    }
}

impl<T: Clone + Default> Shareable<T> {
    /// Another handle on it, which sees nothing of what is written to this one later.
    pub fn freeze(&mut self) -> Self {
        if let Shareable::Owned(inner) = self {
            *self = Shareable::Shared(Arc::new(std::mem::take(inner)));
        }
        match self {
            Shareable::Shared(inner) => Shareable::Shared(inner.clone()),
            Shareable::Owned(_) => unreachable!("shared by now"),
        }
    }

    /// For writing. Copies it if somebody else has it.
    #[inline]
    pub fn to_mut(&mut self) -> &mut T {
        if let Shareable::Shared(_) = self {
            self.own();
        }
        match self {
            Shareable::Owned(inner) => inner,
            Shareable::Shared(_) => unreachable!("owned by now"),
        }
    }

    #[cold]
    #[inline(never)]
    fn own(&mut self) {
        *self = Shareable::Owned(self.take());
    }

    /// Takes it out, copied if somebody else has it.
    pub fn take(&mut self) -> T {
        match std::mem::replace(self, Shareable::Owned(T::default())) {
            Shareable::Owned(inner) => inner,
            Shareable::Shared(inner) => Arc::unwrap_or_clone(inner),
        }
    }
}
