//! What took too long is told to SLOWLOG and LATENCY.

use super::Env;
use crate::command::registry::Command;
use crate::command::secrets;
use crate::command::session::Session;
use crate::command::slowlog::{self, SlowCommand};
use crate::command::table::words::flag;
use crate::resp::Request;

/// Tells SLOWLOG and LATENCY of a command that took too long.
#[inline]
pub(super) fn watch_slow(
    env: &Env<'_, '_>,
    session: &Session,
    command: &Command,
    request: Request<'_>,
    ns: u64,
) {
    if env.local.replaying {
        return;
    }
    let threshold_us = env.local.config.slowlog_log_slower_than_us;
    if ns / 1000 >= threshold_us as u64 && threshold_us >= 0 && !command.is(flag::SKIP_SLOWLOG) {
        log_slow(env, session, command, request, ns / 1000);
    }
    let latency_ms = env.local.config.latency_monitor_threshold_ms;
    if latency_ms > 0 && ns / 1_000_000 >= latency_ms {
        let event = if command.is(flag::FAST) {
            "fast-command"
        } else {
            "command"
        };
        record_latency(env, event, ns / 1_000_000);
    }
}

/// Tells LATENCY of an event, if it took long enough.
#[cold]
pub fn record_latency(env: &Env<'_, '_>, event: &'static str, ms: u64) {
    let threshold_ms = env.local.config.latency_monitor_threshold_ms;
    if threshold_ms > 0 && ms >= threshold_ms {
        let mut monitor = env.shared.latency.lock();
        monitor.record(event, env.now.unix_ms / 1000, ms);
    }
}

#[cold]
fn log_slow(
    env: &Env<'_, '_>,
    session: &Session,
    command: &Command,
    request: Request<'_>,
    us: u64,
) {
    let (addr, name) = match session.is_script {
        true => Default::default(),
        false => (
            session.record.addr.clone(),
            session.record.introduction.lock().name.clone(),
        ),
    };
    env.shared.slowlog.lock().record(
        SlowCommand {
            id: 0,
            at_s: env.now.unix_ms / 1000,
            us,
            args: slowlog::shorten(secrets::hide(command, request)),
            addr,
            name,
        },
        env.local.config.slowlog_max_len as usize,
    );
}
