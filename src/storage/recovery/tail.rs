//! What may be cut from the end of a log, and what may not.
//!
//! A process that dies leaves a prefix of what it was writing: the file ends inside a command, or inside a transaction. A
//! machine that dies may also leave zeros where the file had grown but its bytes were not written yet. Neither was ever
//! acknowledged as durable, so it may be cut:
//!
//! ```text
//!   ... whole commands | *3 $3 SET $1 k $100 abc            the end of the file
//!   ... whole commands | *3 $3 SET $1 k 0 0 0 0 0 0 0 0     zeros to the end of the file
//! ```
//!
//! Where the file was filled ahead (`storage/aof/parcel.rs`), a parcel that was being written may be torn anywhere, and a part of the filler may be
//! missing:
//!
//! ```text
//!   ... whole parcels  | #MP:.. *5.. ####### ..X$1.. ###### #ME##       filler, and what is no parcel
//!   ... whole commands | 0 0 0 ####### 0 0 0 #ME##                      filler with holes
//! ```
//!
//! But a damaged length in the middle looks like the first: the command seems to go on to the end of the file, and swallows all
//! that follows. So a whole command inside what would be cut, beginning where a line ends, forbids to cut. A value that was being
//! written and itself contains commands then stops the start, once in a blue moon, with a sentence that says how to go on: better than to
//! lose silently what could be read. For the same reason whole parcels in what would be cut forbid it, whatever stands behind the end of the filler, and the mark of a log that was
//! closed when all was durable.

use super::failure::{Failure, Interrupted};
use super::filled::{is_whole, line_at};
use super::input::Input;
use crate::resp::{FrameParser, Scanned};
use crate::storage::aof::parcel::{self, LINE_BYTES, Line, MAX_HEADER_BYTES};
use std::io;
use std::path::Path;

/// What to do about a damaged file.
pub const RESTORE: &str = "restore it from a backup";

/// The unsound end of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where it begins: the length of the sound part.
    pub at: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many of them, at the end, are zeros or filler: they were never written.
    pub unwritten: u64,
}

impl Tail {
    /// A transaction without its EXEC, or an annotation without its command.
    pub fn of_whole_commands(at: u64, end: u64) -> Self {
        Tail {
            at,
            bytes: end - at,
            unwritten: 0,
        }
    }
}

/// Decides what stands from `sound` to the end of the file, of which `input` shows what begins with the first command that is not
/// whole. `malformed` says where it ceases to be the prefix of one, and what should have stood there.
pub fn judge(
    path: &Path,
    input: &mut Input,
    sound: u64,
    malformed: Option<(u64, &str)>,
) -> Result<Tail, Interrupted> {
    let begin = input.offset();
    let sane_bytes = malformed.map_or(input.view().len(), |(at, _)| (at - begin) as usize);
    if let Some(offset) = whole_command_in(&input.view()[..sane_bytes]) {
        let problem = format!(
            "a command begins there and is not whole, but whole commands follow at offset {}",
            begin + offset as u64
        );
        return Err(corrupt(path, begin, problem, sound).into());
    }
    input.consume(sane_bytes);
    let unwritten = count_unwritten(input).map_err(|error| Failure::io(path, "read", &error))?;
    match (unwritten, malformed) {
        (Some(unwritten), _) => Ok(Tail {
            at: sound,
            bytes: input.offset() - sound,
            unwritten,
        }),
        (None, Some((at, expected))) => {
            let problem = format!("{expected} should stand there");
            Err(corrupt(path, at, problem, sound).into())
        }
        (None, None) => unreachable!("nothing follows what runs to the end of the file"),
    }
}

/// A log that is damaged where it is not its end.
pub fn corrupt(path: &Path, at: u64, problem: String, sound: u64) -> Failure {
    Failure::of(
        path,
        format!("the log is corrupt: {problem}"),
        format!(
            "{RESTORE}; or keep a copy of it and run \
             'truncate -s {sound} {}', which loses everything from offset {sound} on",
            path.display()
        ),
    )
    .at(at)
}

/// Decides what stands from `sound` to the end of a file that was filled ahead. `input` shows what stands there, or behind the filler there.
pub fn judge_parcels(path: &Path, input: &mut Input, sound: u64) -> Result<Tail, Interrupted> {
    let begin = input.offset();
    let rest = Rest::of(input).map_err(|error| Failure::io(path, "read", &error))?;
    let problem = match rest {
        Rest {
            parcel: Some(at), ..
        } => format!("a whole parcel follows at offset {at}"),
        Rest {
            closed: Some(at), ..
        } => format!("all was on the disk when the log was closed at offset {at}"),
        Rest {
            behind: Some(at), ..
        } => format!("the filler ends, and something follows at offset {at}"),
        Rest { is_cut: false, .. } => "there is no end of the filler".into(),
        _ => {
            return Ok(Tail {
                at: sound,
                bytes: input.offset() - sound,
                unwritten: input.offset() - rest.written_to,
            });
        }
    };
    let problem = format!("no whole parcel stands there, but {problem}");
    Err(corrupt(path, begin, problem, sound).into())
}

/// What follows to the end of a file that was filled ahead.
struct Rest {
    /// A whole parcel, which ends the search.
    parcel: Option<u64>,
    /// The first mark which says that all before it was durable.
    closed: Option<u64>,
    /// Something behind the first mark of the end.
    behind: Option<u64>,
    /// It is such that it can be the end of such a file: the end is marked, or nothing is written, or the file was cut inside a parcel.
    is_cut: bool,
    /// From here on nothing is written.
    written_to: u64,
}

impl Rest {
    fn of(input: &mut Input) -> io::Result<Rest> {
        let mut rest = Rest {
            parcel: None,
            closed: None,
            behind: None,
            is_cut: runs_out(input)?,
            written_to: input.offset(),
        };
        let begin = rest.written_to;
        let mut is_ended = false;
        while rest.parcel.is_none() && input.fill(1)? {
            let at = input.offset();
            match line_at(input)? {
                Some((Line::Header(parcel), bytes)) if is_whole(input, parcel, bytes)? => {
                    rest.parcel = Some(at);
                }
                Some((Line::Closed, _)) => {
                    rest.closed.get_or_insert(at);
                }
                Some((Line::End, _)) => is_ended = true,
                _ => {}
            }
            let cell = input.view().len().min(LINE_BYTES as usize);
            if !parcel::is_ground(&input.view()[..cell]) {
                rest.written_to = at + cell as u64;
                if is_ended {
                    rest.behind.get_or_insert(at);
                }
            }
            input.consume(cell);
        }
        rest.is_cut |= is_ended || rest.written_to == begin;
        Ok(rest)
    }
}

/// True if the file ends inside the parcel that stands here, or inside its header.
fn runs_out(input: &mut Input) -> io::Result<bool> {
    match line_at(input)? {
        Some((Line::Header(parcel), bytes)) => Ok(!input.fill(bytes + parcel.bytes)?),
        Some(_) => Ok(false),
        None => {
            let view = input.view();
            Ok(view.len() < MAX_HEADER_BYTES && !view.contains(&b'\n'))
        }
    }
}

/// Counts zeros and filler to the end of the file; `None` if something else is there.
fn count_unwritten(input: &mut Input) -> io::Result<Option<u64>> {
    let begin = input.offset();
    while input.fill(1)? {
        if !parcel::is_ground(input.view()) {
            return Ok(None);
        }
        input.consume(input.view().len());
    }
    Ok(Some(input.offset() - begin))
}

/// Where in `bytes`, after its beginning, a whole command begins at the beginning of a line.
fn whole_command_in(bytes: &[u8]) -> Option<usize> {
    let mut parser = FrameParser::default();
    memchr::memmem::find_iter(bytes, b"\r\n*")
        .map(|line_end| line_end + 2)
        .find(|&at| {
            parser.reset();
            let candidate = &bytes[at..];
            matches!(parser.scan(candidate), Scanned::Whole { .. })
                && is_name(parser.request(candidate).arg(0))
        })
}

fn is_name(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_alphabetic) && word.iter().all(u8::is_ascii_graphic)
}
