//! CONFIG: the configuration in force, seen and changed while the server runs.

use super::save;
use crate::base::process;
use crate::command::Args;
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::error::{self, Error};
use crate::command::shared::gate;
use crate::config::{Config, RewriteError, SetError};

/// `CONFIG GET pattern ...`
pub fn get(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let patterns: Vec<&[u8]> = args.rest().collect();
    let found = ctx.shared.config.load().matching(&patterns);
    ctx.reply.map(found.len());
    for (name, value) in found {
        ctx.reply.bulk(name.as_bytes());
        ctx.reply.bulk(value.as_bytes());
    }
    DONE
}

/// `CONFIG SET name value ...`: all of them, or none.
pub fn set(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let words: Vec<&[u8]> = args.rest().collect();
    let (changes, []) = words.as_chunks::<2>() else {
        return Err(error::SYNTAX);
    };
    let changes: Vec<(&[u8], &[u8])> = changes
        .iter()
        .map(|[name, value]| (*name, *value))
        .collect();
    let before = ctx.shared.config.load();
    let loading = ctx.shared.gate(gate::LOADING);
    ctx.shared
        .config
        .update(|config| may_change(config.with_changes(&changes)?, config, loading))
        .map_err(|refusal| Error::from_text(format!("ERR {refusal}")))?;
    let config = ctx.shared.config.load();
    if config.appendonly != before.appendonly && !ctx.nested {
        // Within a transaction, the stripes held are not all: core 0 will see to it.
        ctx.keys.locked.release();
        save::switch_log(ctx.shared, ctx.now);
    }
    ctx.shared.configure_log();
    ctx.shared.configure_rules();
    ctx.shared.configure_memory();
    apply(ctx, config);
    ctx.reply.ok();
    DONE
}

/// Refuses to turn the log off or on before the data is there that it is to continue.
fn may_change(changed: Config, before: &Config, loading: bool) -> Result<Config, SetError> {
    if loading && changed.appendonly != before.appendonly {
        return Err(SetError::Refused {
            name: "appendonly",
            problem: "the data is still being loaded".into(),
        });
    }
    make_room(changed, before)
}

/// Refuses more clients than the system has room for.
fn make_room(changed: Config, before: &Config) -> Result<Config, SetError> {
    let wanted = changed.maxclients;
    if wanted > before.maxclients {
        let possible = process::allow_clients(wanted);
        if possible < wanted {
            return Err(SetError::Refused {
                name: "maxclients",
                problem: format!(
                    "The operating system is not able to handle the specified number of clients, try with {possible}"
                ),
            });
        }
    }
    Ok(changed)
}

/// This core obeys at once, since the next command may count on it; the others when they look again.
fn apply(ctx: &mut Ctx<'_, '_>, config: std::sync::Arc<Config>) {
    ctx.keys.changes.classes = config.notify_keyspace_events;
    ctx.local.config = config;
    ctx.shared.nudge_all();
}

/// `CONFIG REWRITE`
pub fn rewrite(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.shared
        .config
        .load()
        .rewrite()
        .map_err(|refusal| match refusal {
            RewriteError::NoFile => error::NO_CONFIG_FILE,
            RewriteError::Io(error) => {
                Error::from_text(format!("ERR Rewriting config file: {error}"))
            }
            RewriteError::Invalid(problem) => {
                Error::from_text(format!("ERR Rewriting config file: {problem}"))
            }
        })?;
    ctx.reply.ok();
    DONE
}

/// `CONFIG RESETSTAT`
pub fn resetstat(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.shared.stats.iter().for_each(|core| core.reset());
    ctx.shared.storage.aof.reset();
    ctx.shared.shortage.reset();
    ctx.reply.ok();
    DONE
}
