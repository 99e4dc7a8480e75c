//! Commands of a cluster, which this server is no part of.

use super::super::ctx::{Ctx, Outcome};
use super::super::{Args, error};

/// `CLUSTER <subcommand>`, `ASKING`, `READONLY`, `READWRITE`
pub fn refuse(_ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    Err(error::NO_CLUSTER)
}
