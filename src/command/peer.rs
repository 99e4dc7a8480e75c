//! Whether the other end of a client's connection is still there, as cores may ask that do not own the connection.
//!
//! A core hears that a peer has hung up only when it polls next. Another core that has an element for this peer now would take it for
//! nobody; so it asks the socket itself. It never waits for the answer, and holds the socket open no longer than that takes.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt;
use std::os::fd::AsFd;
use std::sync::{Arc, Weak};

/// A socket that several cores may look at.
pub type SharedSocket = Arc<dyn AsFd + Send + Sync>;

/// See the module's description.
#[derive(Default)]
pub struct Peer(Option<Weak<dyn AsFd + Send + Sync>>);

impl Peer {
    /// The other end of `socket`.
    pub fn of(socket: &SharedSocket) -> Self {
        Peer(Some(Arc::downgrade(socket)))
    }

    /// Who has no socket has no other end that could hang up.
    pub fn none() -> Self {
        Peer(None)
    }

    /// True when it sends no more, or the connection is broken or closed.
    pub fn has_hung_up(&self) -> bool {
        let Some(socket) = &self.0 else {
            return false;
        };
        let Some(socket) = socket.upgrade() else {
            return true;
        };
        let mut asked = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::RDHUP)];
        let answer = poll(&mut asked, Some(&Timespec::default()));
        answer.is_ok_and(|told| told > 0)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    fn pair() -> (SharedSocket, UnixStream) {
        let (own, other) = UnixStream::pair().expect("there are descriptors");
        (Arc::new(own), other)
    }

    #[test]
    fn who_is_there_has_not_hung_up_whatever_it_sends() {
        let (own, mut other) = pair();
        let peer = Peer::of(&own);
        assert!(!peer.has_hung_up());
        other.write_all(b"PING").expect("it is connected");
        assert!(!peer.has_hung_up());
        assert!(!Peer::none().has_hung_up());
    }

    #[test]
    fn a_hang_up_is_seen_at_once_even_behind_what_was_sent() {
        let (own, mut other) = pair();
        let peer = Peer::of(&own);
        other.write_all(b"PING").expect("it is connected");
        other.shutdown(Shutdown::Write).expect("it is connected");
        assert!(peer.has_hung_up());
        drop(other);
        assert!(peer.has_hung_up());
    }

    #[test]
    fn a_socket_that_its_owner_has_closed_has_no_peer() {
        let (own, _other) = pair();
        let peer = Peer::of(&own);
        drop(own);
        assert!(peer.has_hung_up());
    }
}
