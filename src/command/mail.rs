//! What cores tell each other.

use super::acl::User;
use crate::pubsub::Note;
use crate::resp::Reply;
use bytes::Bytes;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// A connection that was accepted and is to be served by the receiving core.
#[derive(Debug)]
pub enum Accepted {
    /// By TCP.
    Tcp(TcpStream),
    /// By TCP, to speak TLS.
    Tls(TcpStream),
    /// By the Unix socket.
    Unix(UnixStream),
}

/// A message in a core's inbox. `token` and `client_id` name a connection; the id guards against a token used again.
#[derive(Debug)]
pub enum Mail {
    /// A connection to serve.
    Accept(Accepted),
    /// Listener of this number may have more connections to accept.
    Listen(usize),
    /// A published message for this core's subscribers.
    Note(Note),
    /// A blocked client's command is done; this is its reply.
    Served {
        /// The connection's token.
        token: usize,
        /// The client's id.
        client_id: u64,
        /// The reply.
        reply: Box<Reply>,
        /// The log's offset after what the command did, if the reply has to wait until that is durable.
        logged_to: u64,
    },
    /// A blocked client whose wait was ended by CLIENT UNBLOCK: with an error, or as if its time were up.
    Unblocked {
        /// The connection's token.
        token: usize,
        /// The client's id.
        client_id: u64,
        /// True for the error.
        with_error: bool,
    },
    /// Close a connection.
    Kill {
        /// The connection's token.
        token: usize,
        /// The client's id.
        client_id: u64,
    },
    /// The rights of a user have changed: clients that listen to what it may no longer hear are closed.
    Review(Arc<User>),
    /// A command was executed; for this core's monitors.
    Monitored(Bytes),
    /// Clients that were paused may go on.
    Resume,
    /// Look again: at the configuration, the deadlines, or whether to stop.
    Nudge,
}

impl Mail {
    /// Bytes it keeps in memory beyond its own size.
    pub fn bytes(&self) -> usize {
        match self {
            Mail::Note(note) => note.frame.len(),
            Mail::Served { reply, .. } => reply.len(),
            Mail::Monitored(line) => line.len(),
            _ => 0,
        }
    }
}
