//! ACL commands that change users, and what becomes of the clients that speak for them.

use super::user::User;
use super::users::{ChangeError, DEFAULT};
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::error::{self, Error};
use crate::command::mail::Mail;
use crate::command::shared::Shared;
use crate::command::{Args, Session};
use crate::config::{AclPubsubDefault, UsersFile};
use std::sync::Arc;

/// What `acl-pubsub-default` says.
fn all_channels(shared: &Shared) -> bool {
    shared.config.load().acl_pubsub_default == AclPubsubDefault::AllChannels
}

/// `ACL SETUSER username [rule ...]`: all rules, or none.
pub fn setuser(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let name = args.bytes()?;
    let changed = ctx
        .shared
        .users
        .change(name, args.rest(), all_channels(ctx.shared));
    let user = changed.map_err(|error| match error {
        ChangeError::Name => error::USER_NAME,
        ChangeError::Unmatched(word) => error::unmatched_parenthesis(&word),
        ChangeError::Rule(rule, error) => error::bad_rule(&rule, &error),
    })?;
    review_subscribers(ctx, &user);
    ctx.reply.ok();
    DONE
}

/// `ACL DELUSER username ...`: the number of those who were there.
pub fn deluser(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    if args.rest().any(|name| name == DEFAULT) {
        return Err(error::DEFAULT_USER_STAYS);
    }
    let mut removed = 0;
    for name in args.rest() {
        if let Some(user) = ctx.shared.users.remove(name) {
            close_all_of(ctx, &user);
            removed += 1;
        }
    }
    ctx.reply.int(removed);
    DONE
}

/// `ACL LOAD`: the users of the file, all of them or none.
pub fn load(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let file = users_file(ctx.shared)?;
    let text = file
        .read()
        .map_err(|problem| Error::from_text(format!("ERR {problem}")))?;
    let replaced = ctx.shared.users.replace(&text, all_channels(ctx.shared));
    let replaced = replaced.map_err(|errors| {
        let told: String = errors.iter().map(|error| error.show(file.path())).collect();
        error::users_not_loaded(&told)
    })?;
    for user in &replaced.removed {
        close_all_of(ctx, user);
    }
    for user in &replaced.changed {
        review_subscribers(ctx, user);
    }
    ctx.reply.ok();
    DONE
}

/// `ACL SAVE`: writes all users to the file.
pub fn save(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let file = users_file(ctx.shared)?;
    file.write(&ctx.shared.users.describe())
        .map_err(|problem| {
            tracing::warn!("cannot save the users to {}: {problem}", file.path());
            error::USERS_NOT_SAVED
        })?;
    ctx.reply.ok();
    DONE
}

fn users_file(shared: &Shared) -> Result<UsersFile, Error> {
    UsersFile::of(&shared.config.load()).ok_or(error::NO_USERS_FILE)
}

/// Closes every connection that speaks for a user who is no more; the own one once it has its reply.
fn close_all_of(ctx: &mut Ctx<'_, '_>, user: &Arc<User>) {
    for record in ctx.shared.clients.all() {
        if !record.speaks_for(user) {
            continue;
        }
        if record.id == ctx.session.id {
            ctx.session.closing = true;
        } else {
            ctx.shared.kill(&record);
        }
    }
}

/// Sees to it that whoever listens to something that its user no longer may is closed.
fn review_subscribers(ctx: &mut Ctx<'_, '_>, user: &Arc<User>) {
    if user.is_unrestricted() {
        return;
    }
    if may_not_listen(ctx.session, user) {
        ctx.session.closing = true;
    }
    for core in 0..ctx.shared.cores() {
        ctx.shared.send(core, Mail::Review(user.clone()));
    }
}

/// True for a client of `user` that listens to something that it no longer may.
pub fn may_not_listen(session: &Session, user: &Arc<User>) -> bool {
    let Some(subscriptions) = &session.subscriptions else {
        return false;
    };
    if !session.record.speaks_for(user) {
        return false;
    }
    let rights = user.rights();
    !subscriptions.all(|name, is_pattern| rights.allow_channel(name, is_pattern))
}
