//! XCFGSET: the policies of streams and groups.

use super::attend;
use super::retention;
use super::{group_changed, group_of};
use crate::command::acl;
use crate::command::error::{self, Error, SYNTAX};
use crate::command::{Args, Ctx, DONE, Keys, Outcome};
use crate::data::Stream;
use crate::data::stream::{BadSetting, GroupSetting, Setting, StreamSetting};

/// `XCFGSET key [GROUP group] option...`: changes what a stream, or a group, does by itself. Options that are not named stay.
pub fn xcfgset(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let key = args.bytes()?;
    let stream = ctx.keys.find_as::<Stream>(key)?.ok_or(error::NO_SUCH_KEY)?;
    match args.keyword("GROUP") {
        false => {
            let settings = parse(&args)?;
            set_stream(&mut ctx.keys, key, &settings);
        }
        true => {
            let name = args.bytes()?;
            group_of(Some(stream), key, name)?;
            let settings = parse(&args)?;
            let leads_back = |setting: &GroupSetting| matches!(setting, GroupSetting::DeadLetter(to) if **to == *key);
            // A stream may get the name later, and its log is to be replayed then.
            if settings.iter().any(leads_back) && !ctx.keys.replaying {
                return Err(error::invalid_setting("DEADLETTER"));
            }
            let may_write = acl::writes_also(ctx.shared, ctx.session, ctx.command, args.request());
            let denied = |setting: &GroupSetting| matches!(setting, GroupSetting::DeadLetter(to) if !to.is_empty() && !may_write(to));
            if settings.iter().any(denied) {
                return Err(error::NO_PERMISSION_FOR_KEY);
            }
            set_group(&mut ctx.keys, (key, name), &settings);
        }
    }
    ctx.reply.ok();
    DONE
}

fn parse<S: Setting>(args: &Args<'_>) -> Result<Vec<S>, Error> {
    if args.is_empty() {
        return Err(error::NO_SETTINGS);
    }
    S::parse_all(args.rest()).map_err(|bad| match bad {
        BadSetting::Unknown(_) | BadSetting::Incomplete(_) => SYNTAX,
        BadSetting::Repeated(name) => error::repeated_setting(name),
        BadSetting::NotANumber("IDMP-DURATION" | "IDMP-MAXSIZE") => error::NOT_AN_INTEGER,
        BadSetting::Invalid("IDMP-DURATION") => error::IDMP_DURATION_OUT_OF_RANGE,
        BadSetting::Invalid("IDMP-MAXSIZE") => error::IDMP_MAXSIZE_OUT_OF_RANGE,
        BadSetting::NotANumber(name) | BadSetting::Invalid(name) => error::invalid_setting(name),
    })
}

/// Changes the policy of the stream at `key`, and lets it be as its policy asks.
fn set_stream(keys: &mut Keys<'_, '_>, key: &[u8], settings: &[StreamSetting]) {
    let stream = stream_at(keys, key);
    let mut policy = stream.policy.clone();
    settings.iter().for_each(|s| s.apply(&mut policy));
    if policy == stream.policy {
        return;
    }
    if policy.idmp != stream.policy.idmp {
        // As in Redis: what was promised of messages holds no longer.
        stream.idmp.forget_all();
    }
    stream.policy = policy.clone();
    log(keys, &[key], &policy.settings());
    group_changed(keys, 1);
    // To who replays the log, it says by itself what went.
    if !keys.replaying {
        let trimmed = retention::retain(stream_at(keys, key));
        retention::trimmed(keys, key, trimmed);
        retention::expire_entries(keys, key);
    }
    attend::rearm(keys, key);
    keys.ready(key);
}

/// Changes the policy of a group, which is then judged by it.
fn set_group(keys: &mut Keys<'_, '_>, (key, name): (&[u8], &[u8]), settings: &[GroupSetting]) {
    let Stream {
        log: entries,
        groups,
        ..
    } = stream_at(keys, key);
    let group = groups.get_mut(name).expect("looked up before");
    let mut policy = group.policy().clone();
    settings.iter().for_each(|s| s.apply(&mut policy));
    let all = policy.settings();
    group.set_policy(policy, entries);
    log(keys, &[key, b"GROUP", name], &all);
    group_changed(keys, 1);
    // What it ends is looked for at once.
    keys.arm(key, 0);
    keys.ready(key);
}

fn stream_at<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8]) -> &'k mut Stream {
    let stream = keys.find_as::<Stream>(key).ok().flatten();
    stream.expect("looked up before")
}

/// Logs a policy in full, hidden from Redis, which knows none.
pub fn log<S: Setting>(keys: &mut Keys<'_, '_>, of: &[&[u8]], policy: &[S]) {
    let words: Vec<_> = policy.iter().flat_map(Setting::words).collect();
    if let Some(effect) = keys.logs_hidden(None, 1 + of.len() + words.len()) {
        effect
            .arg(b"XCFGSET")
            .args(of.iter().copied())
            .args(words.iter().map(AsRef::as_ref))
            .end();
    }
}
