//! CONFIG: the configuration in force, seen and changed while the server runs.

use super::save;
use crate::base::process;
use crate::command::Args;
use crate::command::acl::{Rights, User, Users};
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::error::{self, Error};
use crate::command::shared::{Shared, gate};
use crate::config::{self, Config, Directive, RewriteError, SetError};
use crate::tls::Acceptor;
use std::sync::Arc;

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
        .update(|config| {
            let changed = may_change(config.with_changes(&changes)?, config, loading)?;
            change_tls(ctx.shared, &changed, &changes)?;
            Ok(changed)
        })
        .map_err(|refusal: SetError| Error::from_text(format!("ERR {refusal}")))?;
    let config = ctx.shared.config.load();
    if changes
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(b"requirepass"))
    {
        ctx.shared
            .users
            .set_default_password(config.requirepass.as_bytes());
    }
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

/// What is about TLS counts for the connections to come. Whoever names a file again, unchanged, wants it to be read again.
fn change_tls(
    shared: &Shared,
    changed: &Config,
    changes: &[(&[u8], &[u8])],
) -> Result<(), SetError> {
    let named = |(name, _): &(&[u8], &[u8])| config::directive(std::str::from_utf8(name).ok()?);
    let is_of_tls = |directive: &&Directive| directive.name.starts_with("tls-");
    let Some(directive) = changes.iter().filter_map(named).find(is_of_tls) else {
        return Ok(());
    };
    if shared.boot.tls_port == 0 {
        return Ok(());
    }
    let acceptor = Acceptor::load(changed, &shared.clock).map_err(|unusable| {
        tracing::warn!("TLS goes on as it was: {unusable}");
        SetError::Refused {
            name: directive.name,
            problem: "Unable to update TLS configuration. Check server logs.".into(),
        }
    })?;
    shared.tls.store(Some(Arc::new(acceptor)));
    Ok(())
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
fn apply(ctx: &mut Ctx<'_, '_>, config: Arc<Config>) {
    ctx.keys.changes.classes = config.notify_keyspace_events;
    ctx.local.config = config;
    ctx.shared.nudge_all();
}

/// `CONFIG REWRITE`
pub fn rewrite(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let config = with_users(&ctx.shared.config.load(), &ctx.shared.users);
    config.rewrite().map_err(|refusal| match refusal {
        RewriteError::NoFile => error::NO_CONFIG_FILE,
        RewriteError::Io(error) => Error::from_text(format!("ERR Rewriting config file: {error}")),
        RewriteError::IncludedUsers => error::INCLUDED_USERS,
        RewriteError::Invalid(problem) => {
            Error::from_text(format!("ERR Rewriting config file: {problem}"))
        }
    })?;
    ctx.reply.ok();
    DONE
}

/// The configuration as a file tells it: with the users there are, where they are not kept in a file of their own and not all is told without.
fn with_users(config: &Config, users: &Users) -> Config {
    let mut config = config.clone();
    let all = users.all();
    let mut plain = Rights::of_everything();
    plain.set_password(config.requirepass.as_bytes());
    let is_plain = matches!(all.as_slice(), [default] if *default.rights() == plain);
    if config.aclfile.is_empty() && !(is_plain && config.users.is_empty()) {
        let words = |user: &Arc<User>| user.words();
        config.users = all.iter().map(words).collect();
    }
    config
}

/// `CONFIG RESETSTAT`
pub fn resetstat(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.shared.stats.iter().for_each(|core| core.reset());
    ctx.shared.storage.aof.reset();
    ctx.shared.shortage.reset();
    ctx.reply.ok();
    DONE
}
