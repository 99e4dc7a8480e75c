//! CLIENT LIST and CLIENT INFO: a line of fields for each client.

use std::sync::atomic::Ordering::Relaxed;

use super::Kind;
use crate::base::num;
use crate::command::clients::{ClientRecord, flag};
use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::{Args, error, registry};

/// `CLIENT INFO`: the own line.
pub fn info(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.session.note_state();
    let line = line(&ctx.session.record, ctx.now.steady_ms);
    ctx.reply.verbatim(line.as_bytes());
    DONE
}

/// `CLIENT LIST [TYPE type | ID id ...]`: everybody's, in order of connection.
pub fn list(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let which = Which::parse(args)?;
    ctx.session.note_state();
    let clients = &ctx.shared.clients;
    let chosen = match which {
        Which::All => clients.all(),
        Which::OfKind(kind) => {
            let mut all = clients.all();
            all.retain(|record| Kind::of(record) == kind);
            all
        }
        Which::WithIds(ids) => ids.iter().filter_map(|&id| clients.find(id)).collect(),
    };
    let lines: String = chosen
        .iter()
        .map(|record| line(record, ctx.now.steady_ms))
        .collect();
    ctx.reply.verbatim(lines.as_bytes());
    DONE
}

enum Which {
    All,
    OfKind(Kind),
    WithIds(Vec<u64>),
}

impl Which {
    fn parse(mut args: Args<'_>) -> Result<Self, error::Error> {
        if args.is_empty() {
            return Ok(Self::All);
        }
        if args.len() == 2 && args.keyword("TYPE") {
            let name = args.bytes()?;
            let kind = Kind::parse(name).ok_or_else(|| error::unknown_client_type(name))?;
            return Ok(Self::OfKind(kind));
        }
        if args.len() >= 2 && args.keyword("ID") {
            let ids: Option<Vec<i64>> = args.rest().map(num::parse_i64).collect();
            let ids = ids.ok_or(error::INVALID_CLIENT_ID)?;
            return Ok(Self::WithIds(
                ids.into_iter().map(i64::cast_unsigned).collect(),
            ));
        }
        Err(error::SYNTAX)
    }
}

/// The fields of a client in the order in which Redis has them.
pub fn line(record: &ClientRecord, now_ms: i64) -> String {
    let seconds_since = |ms: i64| (now_ms - ms).max(0) / 1000;
    let [channels, patterns, shards] =
        [0, 1, 2].map(|i: usize| record.subscriptions[i].load(Relaxed));
    let query = record.query_bytes.load(Relaxed);
    let output = record.output_bytes.load(Relaxed);
    let queued_bytes = record.queued_bytes.load(Relaxed);
    let introduction = record.introduction.lock();
    let user = record.user.lock();
    format!(
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={channels} psub={patterns} \
         ssub={shards} multi={} watch={} qbuf={query} qbuf-free=0 argv-mem=0 multi-mem={queued_bytes} rbs=0 rbp=0 \
         obl=0 oll={} omem={output} tot-mem={} events={} cmd={} user={} redir=-1 resp={} lib-name={} \
         lib-ver={} io-thread={} tot-net-in={} tot-net-out={} tot-cmds={}\n",
        record.id,
        record.addr,
        record.laddr,
        record.fd,
        introduction.name,
        seconds_since(record.connected_ms),
        seconds_since(record.active_ms.load(Relaxed)),
        flags(record),
        record.db.load(Relaxed),
        record.queued.load(Relaxed),
        record.watched.load(Relaxed),
        record.output_chunks.load(Relaxed),
        record.memory_bytes(),
        if output > 0 { "rw" } else { "r" },
        last_command(record),
        user.as_ref()
            .map_or("".into(), |user| String::from_utf8_lossy(&user.name)),
        record.resp.load(Relaxed),
        introduction.lib_name,
        introduction.lib_version,
        record.core,
        record.bytes_in.load(Relaxed),
        record.bytes_out.load(Relaxed),
        record.commands.load(Relaxed),
    )
}

fn flags(record: &ClientRecord) -> String {
    const LETTERS: [(u32, char); 9] = [
        (flag::MONITOR, 'O'),
        (flag::PUBSUB, 'P'),
        (flag::MULTI, 'x'),
        (flag::BLOCKED, 'b'),
        (flag::DIRTY, 'd'),
        (flag::CLOSING, 'c'),
        (flag::UNIX, 'U'),
        (flag::NO_EVICT, 'e'),
        (flag::NO_TOUCH, 'T'),
    ];
    let letters: String = LETTERS
        .iter()
        .filter(|(bit, _)| record.has_flag(*bit))
        .map(|(_, letter)| letter)
        .collect();
    if letters.is_empty() {
        "N".into()
    } else {
        letters
    }
}

fn last_command(record: &ClientRecord) -> &'static str {
    let number = record.last_command.load(Relaxed);
    let command = number.checked_sub(1).map(|id| &registry::commands()[id]);
    command.map_or("NULL", |command| &command.full_name)
}
