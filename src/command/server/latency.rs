//! LATENCY: spikes of slow events over time, and histograms of how long each command takes.

use crate::command::ctx::{Ctx, DONE, Outcome};
use crate::command::error;
use crate::command::latency::Series;
use crate::command::{Args, Command, registry};
use crate::resp::reply::{Aggregate, Reply};

/// Columns of a graph: the newest samples.
const GRAPH_COLUMNS: usize = 80;
/// Rows of a graph.
const GRAPH_ROWS: u64 = 4;

/// `LATENCY LATEST`: each event's last spike and its worst.
pub fn latest(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let monitor = ctx.shared.latency.lock();
    ctx.reply.array(monitor.events().count());
    for (event, series) in monitor.events() {
        let (at_s, last_ms) = series.samples.back().copied().unwrap_or_default();
        ctx.reply.array(4);
        ctx.reply.bulk(event.as_bytes());
        ctx.reply.int(at_s);
        ctx.reply.uint(last_ms);
        ctx.reply.uint(series.max_ms);
    }
    DONE
}

/// `LATENCY HISTORY event`
pub fn history(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let monitor = ctx.shared.latency.lock();
    let samples = monitor.event(args.bytes()?).map(|series| &series.samples);
    ctx.reply.array(samples.map_or(0, |samples| samples.len()));
    for &(at_s, ms) in samples.into_iter().flatten() {
        ctx.reply.array(2);
        ctx.reply.int(at_s);
        ctx.reply.uint(ms);
    }
    DONE
}

/// `LATENCY RESET [event ...]`
pub fn reset(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let mut monitor = ctx.shared.latency.lock();
    let forgotten = match args.is_empty() {
        true => monitor.reset(None),
        false => args.rest().map(|event| monitor.reset(Some(event))).sum(),
    };
    ctx.reply.uint(forgotten as u64);
    DONE
}

/// `LATENCY GRAPH event`: the samples as bars, each with its age below.
pub fn graph(ctx: &mut Ctx<'_, '_>, mut args: Args<'_>) -> Outcome {
    let event = args.bytes()?;
    let monitor = ctx.shared.latency.lock();
    let series = monitor
        .event(event)
        .ok_or_else(|| error::no_latency_samples(event))?;
    let graph = draw(
        &String::from_utf8_lossy(event),
        series,
        ctx.now.unix_ms / 1000,
    );
    ctx.reply.verbatim(graph.as_bytes());
    DONE
}

fn draw(event: &str, series: &Series, now_s: i64) -> String {
    let skipped = series.samples.len().saturating_sub(GRAPH_COLUMNS);
    let samples: Vec<(i64, u64)> = series.samples.iter().skip(skipped).copied().collect();
    let high = samples.iter().map(|(_, ms)| *ms).max().unwrap_or(0);
    let low = samples.iter().map(|(_, ms)| *ms).min().unwrap_or(0);
    let mut graph = format!(
        "{event} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        series.max_ms,
        "-".repeat(GRAPH_COLUMNS)
    );
    for row in (0..GRAPH_ROWS).rev() {
        graph.extend(samples.iter().map(|(_, ms)| bar(ms - low, high - low, row)));
        graph.push('\n');
    }
    graph.extend(samples.iter().map(|_| ' '));
    graph.push('\n');
    let ages: Vec<Vec<char>> = samples
        .iter()
        .map(|(at_s, _)| age(now_s - at_s).chars().collect())
        .collect();
    for row in 0..ages.iter().map(Vec::len).max().unwrap_or(0) {
        graph.extend(ages.iter().map(|age| age.get(row).unwrap_or(&' ')));
        graph.push('\n');
    }
    graph
}

/// What a bar of this height shows in a row: full below its top, and at its top how far it reaches.
fn bar(height: u64, highest: u64, row: u64) -> char {
    const TOPS: [char; 3] = ['_', 'o', '#'];
    let steps = GRAPH_ROWS * TOPS.len() as u64;
    let step = (height * steps).checked_div(highest).unwrap_or(0);
    let step = step.min(steps - 1);
    match (step / TOPS.len() as u64).cmp(&row) {
        std::cmp::Ordering::Less => ' ',
        std::cmp::Ordering::Equal => TOPS[(step % TOPS.len() as u64) as usize],
        std::cmp::Ordering::Greater => '|',
    }
}

fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `LATENCY DOCTOR`: the same for people.
pub fn doctor(ctx: &mut Ctx<'_, '_>, _args: Args<'_>) -> Outcome {
    let report = diagnose(ctx);
    ctx.reply.verbatim(report.as_bytes());
    DONE
}

fn diagnose(ctx: &Ctx<'_, '_>) -> String {
    if ctx.local.config.latency_monitor_threshold_ms == 0 {
        return "Nothing is being watched: CONFIG SET latency-monitor-threshold <milliseconds> begins.\n".into();
    }
    let monitor = ctx.shared.latency.lock();
    let mut report = String::new();
    for (event, series) in monitor.events() {
        let count = series.samples.len() as u64;
        let sum_ms: u64 = series.samples.iter().map(|(_, ms)| ms).sum();
        report.push_str(&format!(
            "{event}: {count} spikes of {} ms on average, the worst ever of {} ms.\n",
            sum_ms.checked_div(count).unwrap_or(0),
            series.max_ms
        ));
    }
    match report.is_empty() {
        true => "No spikes so far.\n".into(),
        false => report + "SLOWLOG GET shows which commands took long.\n",
    }
}

/// `LATENCY HISTOGRAM [command ...]`: for each command, how many calls took at most 1 us, 2 us, 4 us and so on.
pub fn histogram(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let commands: Vec<&'static Command> = match args.is_empty() {
        true => registry::commands().iter().collect(),
        false => args.rest().flat_map(family).collect(),
    };
    let map = ctx.reply.open(Aggregate::Map);
    let mut told = 0;
    for command in commands {
        let histogram = crate::command::stats::histogram(&ctx.shared.stats, command.id);
        if histogram.total() == 0 {
            continue;
        }
        ctx.reply.bulk(command.full_name.as_bytes());
        write_histogram(ctx.reply, &histogram);
        told += 1;
    }
    ctx.reply.close(map, told);
    DONE
}

/// The command of that name and its subcommands; `container|subcommand` is one alone.
fn family(name: &[u8]) -> Vec<&'static Command> {
    let Some(command) = registry::find(name) else {
        return Vec::new();
    };
    std::iter::once(command)
        .chain(command.subcommands())
        .collect()
}

fn write_histogram(reply: &mut Reply, histogram: &crate::base::histogram::Histogram) {
    let doublings = histogram.doublings();
    reply.map(2);
    reply.bulk(b"calls");
    reply.uint(histogram.total());
    reply.bulk(b"histogram_usec");
    reply.map(doublings.len());
    for (bound_ns, count) in doublings {
        reply.uint(bound_ns / 1000);
        reply.uint(count);
    }
}
