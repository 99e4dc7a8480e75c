//! A large hash: a table of its fields, and beside it what is known of those that expire.

use super::Keeps;
use super::expiries::Expiries;
use crate::base::Blob;
use crate::data::Table;

/// See the module's description.
#[derive(Debug, Default)]
pub struct Large {
    pub(super) table: Table,
    /// There as soon as a field was to expire.
    expiries: Option<Box<Expiries>>,
}

impl Large {
    pub(super) fn set(&mut self, name: Blob, value: Blob, keeps: Keeps) -> bool {
        let is_new = self.table.insert(name, value);
        if !is_new && keeps == Keeps::Value {
            self.set_expiry_ms(name.as_slice(), None);
        }
        is_new
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        self.set_expiry_ms(name, None);
        self.table.remove(name)
    }

    #[inline]
    pub(super) fn expiry_ms(&self, name: &[u8]) -> Option<i64> {
        self.expiries.as_ref()?.of(name)
    }

    pub(super) fn set_expiry_ms(&mut self, name: &[u8], expires_ms: Option<i64>) {
        match expires_ms {
            Some(expires_ms) => self.expiries.get_or_insert_default().set(name, expires_ms),
            None => {
                if let Some(expiries) = &mut self.expiries {
                    expiries.remove(name);
                }
            }
        }
    }

    pub(super) fn next_expiry_ms(&self) -> Option<i64> {
        self.expiries.as_ref()?.next_ms()
    }

    pub(super) fn expiring_len(&self) -> usize {
        self.expiries.as_ref().map_or(0, |expiries| expiries.len())
    }

    /// Removes the field that expires first, which there is.
    pub(super) fn take_first(&mut self) -> Box<[u8]> {
        let expiries = self.expiries.as_mut().expect("a field expires");
        let name = expiries.take_first();
        self.table.remove(&name);
        name
    }

    pub(super) fn freeze(&mut self) -> Self {
        Large {
            table: self.table.freeze(),
            expiries: self
                .expiries
                .as_mut()
                .map(|expiries| Box::new(expiries.freeze())),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let expiries = self.expiries.as_ref();
        self.table.heap_bytes()
            + expiries.map_or(0, |expiries| size_of::<Expiries>() + expiries.heap_bytes())
    }
}
