//! INFO: the server's figures by section, with Redis's field names.
//!
//! Tools find a figure by its name alone, so every name of Redis that stands for something here is kept, and so are those that
//! tools are known to read; a feature that does not exist has the figures that Redis shows while it is unused.

mod commands;
mod data;
mod server;

pub use data::{client_bytes, percent, ratio};

use std::fmt::Display;

use crate::command::Args;
use crate::command::ctx::{Ctx, DONE, Outcome};

/// `INFO [section ...]`
pub fn run(ctx: &mut Ctx<'_, '_>, args: Args<'_>) -> Outcome {
    let wanted: Vec<&[u8]> = args.rest().collect();
    let mut report = Report::default();
    for section in SECTIONS {
        if section.is_wanted(&wanted) {
            (section.write)(ctx, &mut report);
        }
    }
    ctx.reply.verbatim(report.text.as_bytes());
    DONE
}

struct Section {
    name: &'static str,
    /// Told when no section is asked for.
    by_default: bool,
    write: fn(&mut Ctx<'_, '_>, &mut Report),
}

const fn section(name: &'static str, write: fn(&mut Ctx<'_, '_>, &mut Report)) -> Section {
    Section {
        name,
        by_default: true,
        write,
    }
}

const fn on_request(name: &'static str, write: fn(&mut Ctx<'_, '_>, &mut Report)) -> Section {
    Section {
        name,
        by_default: false,
        write,
    }
}

/// In the order in which they are told, whatever the order they are asked for in.
const SECTIONS: &[Section] = &[
    section("server", server::server),
    section("clients", server::clients),
    section("memory", data::memory),
    section("persistence", data::persistence),
    section("threads", server::threads),
    section("stats", server::stats),
    section("replication", data::replication),
    section("cpu", server::cpu),
    section("modules", data::modules),
    on_request("commandstats", commands::commandstats),
    section("errorstats", commands::errorstats),
    on_request("latencystats", commands::latencystats),
    section("cluster", data::cluster),
    section("keyspace", data::keyspace),
];

impl Section {
    fn is_wanted(&self, wanted: &[&[u8]]) -> bool {
        let asks = |name: &str| {
            wanted
                .iter()
                .any(|word| word.eq_ignore_ascii_case(name.as_bytes()))
        };
        asks(self.name)
            || asks("all")
            || asks("everything")
            || (self.by_default && (wanted.is_empty() || asks("default")))
            || (self.name == "modules" && asks("module_list"))
    }
}

/// The text under construction.
#[derive(Default)]
struct Report {
    text: String,
}

impl Report {
    fn title(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push_str("\r\n");
        }
        self.text.push_str(&format!("# {title}\r\n"));
    }

    fn field(&mut self, name: &str, value: impl Display) {
        self.text.push_str(&format!("{name}:{value}\r\n"));
    }

    fn fields(&mut self, value: impl Display, names: &[&str]) {
        names.iter().for_each(|name| self.field(name, &value));
    }

    /// A number of bytes, and the same for people.
    fn bytes(&mut self, name: &str, bytes: u64) {
        self.field(name, bytes);
        self.field(&format!("{name}_human"), human(bytes));
    }
}

/// A number of bytes with two decimals of its largest unit.
fn human(bytes: u64) -> String {
    const UNITS: [(u64, char); 4] = [
        (1 << 40, 'T'),
        (1 << 30, 'G'),
        (1 << 20, 'M'),
        (1 << 10, 'K'),
    ];
    let unit = UNITS.iter().find(|(size, _)| bytes >= *size);
    unit.map_or_else(
        || format!("{bytes}B"),
        |(size, letter)| format!("{:.2}{letter}", bytes as f64 / *size as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        let shown = [0, 192, 1024, 66_560, 1_790_016, 25_276_502_016].map(human);
        assert_eq!(shown, ["0B", "192B", "1.00K", "65.00K", "1.71M", "23.54G"]);
    }

    #[test]
    fn sections_as_redis_chooses_them() {
        let chosen = |words: &[&str]| -> Vec<&str> {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            SECTIONS
                .iter()
                .filter(|section| section.is_wanted(&words))
                .map(|section| section.name)
                .collect()
        };
        assert_eq!(chosen(&["CLIENTS", "server", "foo"]), ["server", "clients"]);
        assert_eq!(chosen(&["module_list"]), ["modules"]);
        assert_eq!(chosen(&[]), chosen(&["default"]));
        assert_eq!(chosen(&[]).len(), SECTIONS.len() - 2);
        assert_eq!(chosen(&["all", "foo"]).len(), SECTIONS.len());
        assert!(chosen(&["default", "commandstats"]).contains(&"commandstats"));
        assert_eq!(chosen(&["foo"]), [""; 0]);
    }
}
