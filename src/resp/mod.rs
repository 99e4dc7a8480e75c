//! The protocol's two halves: requests in (`parse`), replies out (`reply`). Knows RESP2 and RESP3 framing
//! (<https://redis.io/docs/latest/develop/reference/protocol-spec/>); knows no command, no key and no socket.

pub mod frame;
mod inline;
pub mod parse;
pub mod reply;
pub mod request;

pub use frame::{FrameParser, Scanned};
pub use parse::{Limits, Parsed, Parser, ProtocolError};
pub use reply::{Mark, Reply, SHARED_BULK_BYTES, Version};
pub use request::{OwnedRequest, Request, RequestBuffer};
