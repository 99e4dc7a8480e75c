//! Access control: users, what each may do, and the check before each command.
//!
//! ```text
//! user            a name and rights                              users, user
//!   rights        on or off, passwords, selectors                user
//!     selector    commands, keys, channels                       selector
//!       commands  a bit for each row of the table, and the rules command_set
//! ```
//!
//! A session holds its user; where that may do everything, which is a flag to look at, nothing else happens here (`Session::is_special`).
//! Otherwise dispatch asks `check`. Rights are immutable and swapped as a whole, so a check sees those before a change or those after it.

mod check;
mod command_set;
mod error;
mod file;
pub mod log;
mod manage;
mod selector;
mod tell;
#[cfg(test)]
mod tests;
mod user;
mod users;

pub use check::{Place, Refused, check, check_waiting, note_denied, reads_every_key, writes_also};
pub use error::RuleError;
pub use file::LineError;
pub use manage::{deluser, load, may_not_listen, save, setuser};
pub use selector::Denial;
pub use tell::{cat, dryrun, genpass, getuser, list, log, users, whoami};
pub use user::{Rights, User};
pub use users::{ChangeError, DEFAULT, Replaced, Users};
