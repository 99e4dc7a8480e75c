//! CLIENT: a connection about itself, and about others.
//!
//! What concerns the own connection changes its session at once. What concerns others goes by their records
//! ([`clients`](crate::command::clients)) and by mail to the cores that they belong to.

mod kill;
mod list;
mod own;
mod pause;

pub use kill::kill;
pub use list::{info, line, list};
pub use own::{getname, getredir, id, no_evict, no_touch, reply, setinfo, setname, trackinginfo};
pub use pause::{pause, unblock, unpause};

/// A kind of client, as `TYPE` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Normal,
    Master,
    Replica,
    Pubsub,
}

impl Kind {
    fn parse(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Some(Self::Normal),
            b"master" => Some(Self::Master),
            b"replica" | b"slave" => Some(Self::Replica),
            b"pubsub" => Some(Self::Pubsub),
            _ => None,
        }
    }

    fn of(record: &crate::command::clients::ClientRecord) -> Self {
        match record.has_flag(crate::command::clients::flag::PUBSUB) {
            true => Self::Pubsub,
            false => Self::Normal,
        }
    }
}
