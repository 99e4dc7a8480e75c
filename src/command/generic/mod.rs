//! Keys of any type.
//!
//! | file | commands |
//! |---|---|
//! | `keys` | DEL UNLINK EXISTS TOUCH TYPE |
//! | `expire` | EXPIRE PEXPIRE EXPIREAT PEXPIREAT PERSIST TTL PTTL EXPIRETIME PEXPIRETIME |
//! | `rename` | RENAME RENAMENX COPY MOVE |
//! | `scan` | KEYS SCAN RANDOMKEY |
//! | `sort` | SORT SORT_RO |
//! | `object` | OBJECT |
//! | `dump` | DUMP RESTORE |
//! | `database` | DBSIZE FLUSHDB FLUSHALL SWAPDB |

pub mod database;
pub mod dump;
pub mod expire;
pub mod keys;
pub mod object;
pub mod rename;
pub mod scan;
pub mod sort;
