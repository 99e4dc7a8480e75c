//! MONITOR: every command executed, as a line to those who asked for it.

use super::ctx::{Ctx, DONE, Outcome};
use super::dispatch::Env;
use super::mail::Mail;
use super::registry::Command;
use super::session::Session;
use super::shared::{Shared, gate};
use super::table::words::flag;
use super::{Args, error, secrets};
use crate::base::clock::Now;
use crate::resp::Request;
use bytes::Bytes;
use std::sync::atomic::Ordering;

/// `MONITOR`: from now on this connection receives every command.
pub fn monitor(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    if ctx.nested {
        return Err(error::MONITOR_IN_MULTI);
    }
    if !ctx.session.monitor {
        ctx.session.monitor = true;
        ctx.local.monitors.push(ctx.session.token);
        ctx.shared.monitors[ctx.local.core].fetch_add(1, Ordering::SeqCst);
        ctx.shared.set_gate(gate::MONITORED, true);
    }
    ctx.reply.ok();
    DONE
}

/// The connection monitors no more.
pub fn stop(shared: &Shared, local: &mut super::Local, session: &mut Session) {
    if !std::mem::take(&mut session.monitor) {
        return;
    }
    local.monitors.retain(|&token| token != session.token);
    shared.monitors[local.core].fetch_sub(1, Ordering::SeqCst);
    let is_any = || {
        let mut counts = shared.monitors.iter();
        counts.any(|count| count.load(Ordering::SeqCst) > 0)
    };
    if !is_any() {
        shared.set_gate(gate::MONITORED, false);
        // One may have begun meanwhile, on another core.
        if is_any() {
            shared.set_gate(gate::MONITORED, true);
        }
    }
}

/// Tells all monitors, if there are any, that a command was executed: `+seconds.micros [db address] "arg" "arg"`.
#[inline]
pub fn feed(env: &Env<'_, '_>, session: &Session, command: &Command, request: Request<'_>) {
    if env.shared.gate(gate::MONITORED) {
        feed_all(env.shared, env.now, session, command, request);
    }
}

/// Tells all monitors that a script begins, so that its commands come after it.
pub fn announce(ctx: &Ctx<'_, '_>, request: Request<'_>) {
    if ctx.shared.gate(gate::MONITORED) {
        tell(ctx.shared, ctx.now, ctx.session, ctx.command, request);
    }
}

#[cold]
fn feed_all(shared: &Shared, now: Now, session: &Session, command: &Command, request: Request<'_>) {
    if command.flags & (flag::SKIP_MONITOR | flag::ADMIN) == 0 {
        tell(shared, now, session, command, request);
    }
}

fn tell(shared: &Shared, now: Now, session: &Session, command: &Command, request: Request<'_>) {
    let line = line(now, session, command, request);
    for (core, monitors) in shared.monitors.iter().enumerate() {
        if monitors.load(Ordering::Relaxed) > 0 {
            shared.send(core, Mail::Monitored(line.clone()));
        }
    }
}

fn line(now: Now, session: &Session, command: &Command, request: Request<'_>) -> Bytes {
    let mut line = format!(
        "+{}.{:06} [{} {}]",
        now.unix_us / 1_000_000,
        now.unix_us % 1_000_000,
        session.db,
        if session.is_script {
            "lua"
        } else {
            &session.record.addr
        }
    )
    .into_bytes();
    for arg in secrets::hide(command, request) {
        line.push(b' ');
        quote(&mut line, arg);
    }
    line.extend_from_slice(b"\r\n");
    Bytes::from(line)
}

/// Appends `text` in double quotes, with everything but printable ASCII escaped.
pub fn quote(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            7 => out.extend_from_slice(b"\\a"),
            8 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}
