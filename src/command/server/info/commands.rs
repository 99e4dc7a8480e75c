//! The sections about commands: how often, how long, how often in vain.

use std::collections::BTreeMap;

use super::Report;
use crate::command::ctx::Ctx;
use crate::command::registry;
use crate::command::stats::{self, CommandStats, Counter, MAX_ERROR_CODES};

pub fn commandstats(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    report.title("Commandstats");
    for command in registry::commands() {
        let sum = |counter: fn(&CommandStats) -> &Counter| -> u64 {
            ctx.shared
                .stats
                .iter()
                .map(|core| counter(&core.commands[command.id]).read())
                .sum()
        };
        let [calls, rejected, failed] =
            [sum(|c| &c.calls), sum(|c| &c.rejected), sum(|c| &c.failed)];
        if calls + rejected + failed == 0 {
            continue;
        }
        let us = sum(|c| &c.ns) / 1000;
        let per_call_us = if calls == 0 {
            0.0
        } else {
            us as f64 / calls as f64
        };
        report.field(
            &format!("cmdstat_{}", command.full_name),
            format!(
                "calls={calls},usec={us},usec_per_call={per_call_us:.2},rejected_calls={rejected},failed_calls={failed}"
            ),
        );
    }
}

pub fn errorstats(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    let mut counts: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for core in &ctx.shared.stats {
        for (code, count) in core.error_codes.lock().iter() {
            *counts.entry(code.clone()).or_default() += count;
        }
    }
    report.title("Errorstats");
    if counts.len() > MAX_ERROR_CODES {
        return report.field("errorstat_ERRORSTATS_DISABLED", "count=1");
    }
    for (code, count) in counts {
        let name = String::from_utf8_lossy(&code).replace(['#', ':', '\n', '\r'], "_");
        report.field(&format!("errorstat_{name}"), format!("count={count}"));
    }
}

pub fn latencystats(ctx: &mut Ctx<'_, '_>, report: &mut Report) {
    report.title("Latencystats");
    if !ctx.local.config.latency_tracking {
        return;
    }
    for command in registry::commands() {
        let histogram = stats::histogram(&ctx.shared.stats, command.id);
        if histogram.total() == 0 {
            continue;
        }
        let percentiles: Vec<String> = ctx
            .local
            .config
            .latency_tracking_info_percentiles
            .iter()
            .map(|percentile| {
                format!(
                    "p{percentile}={:.3}",
                    histogram.percentile_ns(*percentile) as f64 / 1000.0
                )
            })
            .collect();
        report.field(
            &format!("latency_percentiles_usec_{}", command.full_name),
            percentiles.join(","),
        );
    }
}
