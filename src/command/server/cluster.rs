//! Commands of a cluster, which this server is no part of.

use crate::command::ctx::{Ctx, Outcome};
use crate::command::{Args, error};

/// `CLUSTER <subcommand>`, `ASKING`, `READONLY`, `READWRITE`
pub fn refuse(_ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    Err(error::NO_CLUSTER)
}
