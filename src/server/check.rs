//! `millstream --check <dir>`: loads a data directory as a start would, into memory only, and says what is in it.

use super::boot;
use crate::base::disk::{Disk, RealDisk};
use crate::command::Shared;
use crate::command::replay::Replayer;
use crate::command::server::reload;
use crate::config::Config;
use crate::storage::recovery::census::Census;
use crate::storage::recovery::{Interrupted, Loaded, Loader, Places, Source, sources};
use std::fmt::{self, Write};
use std::path::Path;

/// What a check found.
#[derive(Debug)]
pub struct Findings {
    /// The summary, in lines.
    pub text: String,
    /// Whether a start would find everything whole.
    pub is_sound: bool,
}

/// Checks the data directory that `config` names: the log if there is one, and the snapshot if there is one.
pub fn check(config: &Config) -> Result<Findings, boot::StartFailure> {
    let places = reload::places(config);
    let mut findings = Findings {
        text: String::new(),
        is_sound: true,
    };
    if !Path::new(&config.dir).is_dir() {
        findings.is_sound = false;
        match Path::new(&config.dir).exists() {
            true => findings.line(format_args!(
                "{} is not a directory: '--check' takes one with a dump.rdb or an appendonlydir in it",
                config.dir
            )),
            false => findings.line(format_args!("no directory {}", config.dir)),
        }
        return Ok(findings);
    }
    let with_log = sources::has_log(&places, &RealDisk);
    if !with_log
        && config.appendonly
        && let Err(failure) = sources::find(&places, &RealDisk, true)
    {
        findings.is_sound = false;
        findings.line(format_args!("{failure}"));
    }
    let mut checked = 0;
    for (wanted, log) in [(with_log, true), (has_snapshot(&places), false)] {
        if wanted {
            let mut config = config.clone();
            config.appendonly = log;
            findings.add(&places, config)?;
            checked += 1;
        }
    }
    if checked == 0 && findings.is_sound {
        findings.line(format_args!("no data in {}", config.dir));
    }
    Ok(findings)
}

fn has_snapshot(places: &Places) -> bool {
    RealDisk.len(&places.snapshot()).is_ok()
}

impl Findings {
    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a string grows");
    }

    fn add(&mut self, places: &Places, config: Config) -> Result<(), boot::StartFailure> {
        let with_log = config.appendonly;
        // As long as the process: it ends soon.
        let shared: &'static Shared = Box::leak(Box::new(boot::share_without_cores(config)?));
        let config = shared.config.load();
        let loader = Loader {
            disk: &RealDisk,
            places,
            with_log,
            keyspace: &shared.keyspace,
            manner: reload::manner(shared, &config),
            progress: &shared.storage.loading,
        };
        self.line(format_args!(
            "{}:",
            if with_log { "log" } else { "snapshot" }
        ));
        match loader.load(&mut Replayer::new(shared)) {
            Ok(loaded) => self.report(&loaded, &Census::of(&shared.keyspace)),
            Err(Interrupted::By(failure)) => {
                self.is_sound = false;
                self.line(format_args!("{failure}"));
            }
            Err(Interrupted::ByOrder) => unreachable!("nobody gives the order"),
        }
        Ok(())
    }

    fn report(&mut self, loaded: &Loaded, census: &Census) {
        if loaded.source == Source::OldLog {
            self.line(format_args!(
                "a log of one file: a start would make it the base of a log in a directory"
            ));
        }
        for file in &loaded.files {
            self.line(format_args!(
                "{}: {} bytes sound, of which {} are a snapshot; {} commands",
                file.path.display(),
                file.sound_bytes(),
                file.snapshot_bytes,
                file.commands
            ));
        }
        self.line(format_args!("{}", census.to_string().trim_end()));
        for line in loaded.left_out.lines() {
            self.line(format_args!("{line}"));
        }
        if let Some((path, torn)) = loaded.tail() {
            self.is_sound = false;
            self.line(format_args!(
                "{}: the last {} bytes, from offset {} on, are not a whole command; \
                 a start with 'aof-load-truncated yes' would cut them",
                path.display(),
                torn.bytes,
                torn.at
            ));
        }
    }
}
