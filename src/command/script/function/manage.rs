//! FUNCTION: what looks after libraries. Whatever changes them holds every stripe, so that log and snapshots agree on what there was when.

use super::super::super::Args;
use super::super::super::ctx::{Ctx, DONE, Outcome};
use super::super::super::error::{self, Error};
use super::super::super::shared::Shared;
use super::super::manage::flush_mode;
use super::store::{Catalogue, Library};
use super::{engine, payload};
use crate::base::glob;
use crate::keyspace::libraries::Source;
use crate::resp::Reply;
use crate::resp::reply::Aggregate;
use std::sync::Arc;

/// Runs the sources that came with a snapshot, whose functions nobody knows yet. Says why those are left out that cannot be run.
pub fn read_unread(shared: &Shared) -> Vec<String> {
    let (kept, mut left_out) = (shared.keyspace.libraries(), Vec::new());
    if !kept.has_unread() {
        return left_out;
    }
    let mut catalogue = shared.functions.catalogue();
    for source in kept.take_unread() {
        let added = engine::with(&shared.functions, |engine| engine.run(&source))
            .and_then(|library| catalogue.add(library, true));
        if let Err(why) = added {
            tracing::warn!("a library of functions that was loaded is left out: {why}");
            left_out.push(why.to_string());
        }
    }
    shared.functions.set(catalogue, kept);
    left_out
}

/// Forgets all libraries, which are about to be loaded again.
pub fn forget_all(shared: &Shared) {
    shared
        .functions
        .set(Catalogue::default(), shared.keyspace.libraries());
    shared.functions.note_flush();
}

/// Puts a catalogue in place that a command has made, which is logged as it was sent.
fn change(ctx: &mut Ctx<'_, '_>, catalogue: Catalogue) {
    let shared = ctx.shared;
    shared.functions.set(catalogue, shared.keyspace.libraries());
    ctx.keys.changes.dirty += 1;
}

/// `FUNCTION LOAD [REPLACE] function-code`
pub fn load(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    read_unread(ctx.shared);
    let replaces = args.len() > 1 && args.keyword("replace");
    if args.len() > 1 {
        return Err(error::unknown_load_option(args.bytes()?));
    }
    let source: Source = args.bytes()?.into();
    let mut catalogue = ctx.shared.functions.catalogue();
    let library = run_new(ctx.shared, &catalogue, &source, replaces)?;
    catalogue.add(library.clone(), replaces)?;
    change(ctx, catalogue);
    ctx.reply.bulk(&library.name);
    DONE
}

/// Runs a source, unless there is a library of its name already.
fn run_new(
    shared: &Shared,
    catalogue: &Catalogue,
    source: &Source,
    replaces: bool,
) -> Result<Arc<Library>, Error> {
    let (name, _) = super::store::metadata(source)?;
    if !replaces && catalogue.library(name).is_some() {
        return Err(error::library_exists(name));
    }
    engine::with(&shared.functions, |engine| engine.run(source))
}

/// `FUNCTION DELETE library-name`
pub fn delete(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    read_unread(ctx.shared);
    let mut catalogue = ctx.shared.functions.catalogue();
    if !catalogue.remove(args.bytes()?) {
        return Err(error::NO_LIBRARY);
    }
    change(ctx, catalogue);
    ctx.reply.ok();
    DONE
}

/// `FUNCTION FLUSH [ASYNC|SYNC]`
pub fn flush(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    flush_mode(args, error::FUNCTION_FLUSH_MODE)?;
    change(ctx, Catalogue::default());
    ctx.shared.functions.note_flush();
    ctx.shared.nudge_all();
    ctx.reply.ok();
    DONE
}

/// `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]`
pub fn list(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    read_unread(ctx.shared);
    let (mut pattern, mut with_code) = (None, false);
    while let Some(word) = args.peek() {
        if !with_code && args.keyword("withcode") {
            with_code = true;
        } else if pattern.is_none() && args.keyword("libraryname") {
            pattern = Some(args.bytes().map_err(|_| error::NO_LIBRARY_PATTERN)?);
        } else {
            return Err(error::unknown_list_argument(word));
        }
    }
    let catalogue = ctx.shared.functions.catalogue();
    let opening = ctx.reply.open(Aggregate::Array);
    let mut count = 0;
    for library in catalogue.libraries() {
        if pattern.is_none_or(|pattern| glob::matches_nocase(pattern, &library.name)) {
            write_library(ctx.reply, library, with_code);
            count += 1;
        }
    }
    ctx.reply.close(opening, count);
    DONE
}

fn write_library(reply: &mut Reply, library: &Library, with_code: bool) {
    reply.map(3 + usize::from(with_code));
    reply.bulk(b"library_name");
    reply.bulk(&library.name);
    reply.bulk(b"engine");
    reply.bulk(b"LUA");
    reply.bulk(b"functions");
    reply.array(library.functions.len());
    for function in &library.functions {
        reply.map(3);
        reply.bulk(b"name");
        reply.bulk(&function.name);
        reply.bulk(b"description");
        match &function.description {
            Some(description) => reply.bulk(description),
            None => reply.null(),
        }
        reply.bulk(b"flags");
        reply.set(function.flags.names().count());
        function.flags.names().for_each(|flag| reply.simple(flag));
    }
    if with_code {
        reply.bulk(b"library_code");
        reply.bulk(&library.source);
    }
}

/// `FUNCTION STATS`: what runs, and how much there is.
pub fn stats(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let reply = &mut *ctx.reply;
    reply.map(2);
    reply.bulk(b"running_script");
    match ctx.shared.running.what() {
        None => reply.null(),
        Some(what) => {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(what.function.as_deref().unwrap_or_default());
            reply.bulk(b"command");
            reply.array(what.request.len());
            what.request.iter().for_each(|arg| reply.bulk(arg));
            reply.bulk(b"duration_ms");
            reply.int(what.began.elapsed().as_millis() as i64);
        }
    }
    let (libraries, functions, _) = ctx.shared.functions.figures();
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(b"LUA");
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.int(libraries as i64);
    reply.bulk(b"functions_count");
    reply.int(functions as i64);
    DONE
}

/// `FUNCTION KILL`
pub fn kill(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.shared.running.kill(true)?;
    ctx.reply.ok();
    DONE
}

/// `FUNCTION DUMP`
pub fn dump(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    read_unread(ctx.shared);
    let sources = ctx.shared.keyspace.libraries().all();
    ctx.reply.bulk(&payload::dump(&sources));
    DONE
}

/// What becomes of libraries that are there when others are restored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    Flush,
    Append,
    Replace,
}

/// `FUNCTION RESTORE serialized-value [FLUSH|APPEND|REPLACE]`
pub fn restore(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    read_unread(ctx.shared);
    let dumped = args.bytes()?;
    let policy = match () {
        () if args.is_empty() || args.keyword("append") => Policy::Append,
        () if args.keyword("replace") => Policy::Replace,
        () if args.keyword("flush") => Policy::Flush,
        () => return Err(error::RESTORE_POLICY),
    };
    if !args.is_empty() {
        return Err(error::unknown_subcommand_or_arity("function", b"restore"));
    }
    let sources = payload::load(dumped)?;
    let mut catalogue = match policy {
        Policy::Flush => Catalogue::default(),
        _ => ctx.shared.functions.catalogue(),
    };
    let replaces = policy == Policy::Replace;
    for source in sources {
        let (name, _) = super::store::metadata(&source)?;
        if !replaces && catalogue.library(name).is_some() {
            return Err(error::restored_library_exists(name));
        }
        let library = run_new(ctx.shared, &catalogue, &source, replaces)?;
        catalogue.add(library, replaces)?;
    }
    change(ctx, catalogue);
    ctx.reply.ok();
    DONE
}
