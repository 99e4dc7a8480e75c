//! Replaying one file of the log.
//!
//! ```text
//!   *3..SET..  #TS:1700000000  #MS:1700000000123  *5..XREADGROUP..  *1..MULTI  *3..  *1..EXEC  *3..SE
//!                                                                                            ^ sound
//! ```
//!
//! Between commands there may be annotations, lines that begin with `#`. Some of them belong to a command: the moment at which the one that
//! follows was executed, or the parts of a hidden one ([`Annotation`]). Others say that the file was filled ahead, and that the commands that
//! follow are a parcel, to be compared with its checksum before any of it is applied (`filled`).
//!
//! *Sound* is everything up to the last byte that is whole: not inside a command, nor between MULTI and EXEC, nor after an annotation that
//! waits for its command. A file that ends beyond that was being written when the process or the machine died; `tail` decides
//! whether what is unsound may be cut. Everything else that is not as it should be is a failure.
//!
//! Changes nothing by itself: whoever applies the commands does.

use super::failure::{Failure, Interrupted};
use super::filled::{Filled, Step};
use super::input::Input;
use super::progress::Progress;
use super::snapshot::LeftOut;
use super::tail::{self, Tail};
use crate::keyspace::effects::Annotation;
use crate::resp::{FrameParser, Request, Scanned};
use std::path::Path;

/// The longest annotation, its line end included.
const MAX_ANNOTATION_BYTES: usize = 1024;
/// Bytes after which progress is noted.
const NOTE_EVERY_BYTES: u64 = 64 * 1024;

/// Runs what a log says.
pub trait Replay {
    /// Another file begins.
    fn begin_file(&mut self);
    /// An annotation. The error is a sentence about the hidden command that it ends.
    fn annotate(&mut self, annotation: Annotation) -> Result<(), String>;
    /// A command. What stands between MULTI and EXEC takes effect at EXEC or not at all. The error is a sentence about the command.
    fn apply(&mut self, request: Request<'_>) -> Result<(), String>;
    /// What the snapshot before the commands held and is not in the keyspace.
    fn leave_out(&mut self, _left_out: LeftOut) {}
    /// What in the end is not in the keyspace, since it was told to pass over that.
    fn left_out(&mut self) -> LeftOut {
        LeftOut::default()
    }
}

/// How a file ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Bytes that are whole.
    pub sound_bytes: u64,
    /// Commands applied, MULTI and EXEC included.
    pub commands: u64,
    /// What follows the whole ones, if the file was being written when it ended.
    pub tail: Option<Tail>,
    /// Where the next parcel would stand, if the file was filled ahead and ends so.
    pub open_at: Option<u64>,
}

/// What stands at one place of the log.
enum Piece {
    /// A whole command of so many bytes, which the parser holds.
    Command(usize),
    /// An annotation of so many bytes.
    Annotation(usize),
    /// The file ends here.
    End,
    /// The file ends within a command or an annotation.
    Torn,
    /// What stands here is neither.
    Malformed { at: u64, expected: &'static str },
}

/// Applies the commands of the file at `path` that `input` reads, from where it stands to the end.
pub fn replay(
    path: &Path,
    input: Input,
    progress: &Progress,
    target: &mut dyn Replay,
) -> Result<Replayed, Interrupted> {
    target.begin_file();
    let reader = Reader {
        path,
        done: Replayed {
            sound_bytes: input.offset(),
            commands: 0,
            tail: None,
            open_at: None,
        },
        noted: input.offset(),
        input,
        parser: FrameParser::default(),
        filled: None,
        in_transaction: false,
        is_awaited: false,
        progress,
        target,
    };
    reader.run()
}

/// A file being replayed.
struct Reader<'a> {
    path: &'a Path,
    input: Input,
    parser: FrameParser,
    /// Where the file was filled ahead.
    filled: Option<Filled>,
    in_transaction: bool,
    /// An annotation waits for its command.
    is_awaited: bool,
    done: Replayed,
    progress: &'a Progress,
    /// The offset up to which progress is noted.
    noted: u64,
    target: &'a mut dyn Replay,
}

impl Reader<'_> {
    fn run(mut self) -> Result<Replayed, Interrupted> {
        while self.step()? {
            if self.input.offset() - self.noted >= NOTE_EVERY_BYTES {
                self.note()?;
            }
        }
        self.note()?;
        Ok(self.done)
    }

    fn note(&mut self) -> Result<(), Interrupted> {
        let read = self.input.offset() - self.noted;
        self.noted = self.input.offset();
        match self.progress.advance(read) {
            true => Ok(()),
            false => Err(Interrupted::ByOrder),
        }
    }

    /// Reads what stands next; false at the end.
    fn step(&mut self) -> Result<bool, Interrupted> {
        if self.is_between_parcels() {
            return self.next_parcel();
        }
        let piece = next_piece(&mut self.input, &mut self.parser);
        match piece.map_err(|error| Failure::io(self.path, "read", &error))? {
            Piece::Command(bytes) => self.command(bytes)?,
            Piece::Annotation(bytes) => self.annotation(bytes)?,
            Piece::End => {
                let tail = Tail::of_whole_commands(self.done.sound_bytes, self.input.offset());
                self.done.tail = (!self.is_whole()).then_some(tail);
                return Ok(false);
            }
            Piece::Torn => return self.judge(None),
            Piece::Malformed { at, expected } => return self.judge(Some((at, expected))),
        }
        if self.is_whole() && (self.filled.is_none() || self.is_between_parcels()) {
            self.done.sound_bytes = self.input.offset();
        }
        Ok(true)
    }

    /// True if what stands here is no part of a transaction, and belongs to no annotation.
    fn is_whole(&self) -> bool {
        !self.in_transaction && !self.is_awaited
    }

    fn command(&mut self, bytes: usize) -> Result<(), Interrupted> {
        let request = self.parser.request(self.input.view());
        let name = request.arg(0);
        let opens = name.eq_ignore_ascii_case(b"MULTI");
        let closes = name.eq_ignore_ascii_case(b"EXEC");
        if opens == self.in_transaction && (opens || closes) {
            return Err(unpaired(self.path, &self.input, opens).into());
        }
        self.target
            .apply(request)
            .map_err(|problem| refused(self.path, &self.input, name, &problem))?;
        self.is_awaited = false;
        self.in_transaction = (self.in_transaction || opens) && !closes;
        self.done.commands += 1;
        self.parser.reset();
        self.input.consume(bytes);
        Ok(())
    }

    fn annotation(&mut self, bytes: usize) -> Result<(), Interrupted> {
        let line = &self.input.view()[..bytes];
        if self.filled.is_none() {
            self.filled = Filled::begin(line, self.input.offset());
        }
        let annotation = Annotation::parse(line.trim_ascii_end())
            .map_err(|problem| self.corrupt(problem.into()))?;
        self.is_awaited = match &annotation {
            Annotation::Other => self.is_awaited,
            annotation => annotation.is_awaiting(),
        };
        self.target
            .annotate(annotation)
            .map_err(|problem| refused(self.path, &self.input, b"(hidden)", &problem))?;
        self.input.consume(bytes);
        Ok(())
    }

    fn is_between_parcels(&self) -> bool {
        let end = self.filled.as_ref().map(Filled::parcel_end);
        end.is_some_and(|end| self.input.offset() >= end)
    }

    /// Reads on to the commands of the next parcel; false at the end of the file.
    fn next_parcel(&mut self) -> Result<bool, Interrupted> {
        let is_whole = self.is_whole();
        let Some(filled) = &mut self.filled else {
            return Ok(true);
        };
        if self.input.offset() > filled.parcel_end() || !is_whole {
            return Err(self
                .corrupt("a parcel ends inside a command or a transaction".into())
                .into());
        }
        let step = filled.next(&mut self.input);
        match step.map_err(|error| Failure::io(self.path, "read", &error))? {
            Step::Parcel => return Ok(true),
            Step::Plain => {
                self.filled = None;
                self.done.sound_bytes = self.input.offset();
                return Ok(true);
            }
            Step::End { open_at } => self.done.open_at = open_at,
            Step::Broken => {
                let sound = self.done.sound_bytes;
                let tail = tail::judge_parcels(self.path, &mut self.input, sound)?;
                self.done.tail = Some(tail);
                self.done.open_at = Some(sound);
            }
        }
        Ok(false)
    }

    fn judge(&mut self, malformed: Option<(u64, &str)>) -> Result<bool, Interrupted> {
        if self.filled.is_some() {
            return Err(self
                .corrupt("what stands in a parcel is no command".into())
                .into());
        }
        let sound = self.done.sound_bytes;
        self.done.tail = Some(tail::judge(self.path, &mut self.input, sound, malformed)?);
        Ok(false)
    }

    fn corrupt(&self, problem: String) -> Failure {
        tail::corrupt(
            self.path,
            self.input.offset(),
            problem,
            self.done.sound_bytes,
        )
    }
}

fn next_piece(input: &mut Input, parser: &mut FrameParser) -> std::io::Result<Piece> {
    loop {
        let wanted = match input.view() {
            [] => 1,
            [b'#', ..] => match annotation(input) {
                Some(piece) => return Ok(piece),
                None => input.view().len() + 1,
            },
            bytes => match parser.scan(bytes) {
                Scanned::Whole { bytes } => return Ok(Piece::Command(bytes)),
                Scanned::Malformed { at, expected } => {
                    let at = input.offset() + at as u64;
                    return Ok(Piece::Malformed { at, expected });
                }
                Scanned::Partial { wanted } => wanted,
            },
        };
        if !input.fill(wanted)? {
            return Ok(match input.view() {
                [] => Piece::End,
                // What arrived last may show that there is no frame at all.
                bytes if bytes[0] != b'#' => match parser.scan(bytes) {
                    Scanned::Malformed { at, expected } => Piece::Malformed {
                        at: input.offset() + at as u64,
                        expected,
                    },
                    _ => Piece::Torn,
                },
                _ => Piece::Torn,
            });
        }
    }
}

/// The annotation in view, unless more of it is needed.
fn annotation(input: &Input) -> Option<Piece> {
    let view = &input.view()[..input.view().len().min(MAX_ANNOTATION_BYTES)];
    // A NUL is never written there: what follows was not.
    match memchr::memchr2(b'\n', 0, view) {
        Some(end) if view[end] == b'\n' => Some(Piece::Annotation(end + 1)),
        Some(at) => Some(Piece::Malformed {
            at: input.offset() + at as u64,
            expected: "an annotation",
        }),
        None if view.len() == MAX_ANNOTATION_BYTES => Some(Piece::Malformed {
            at: input.offset(),
            expected: "an annotation of at most 1024 bytes",
        }),
        None => None,
    }
}

fn refused(path: &Path, input: &Input, name: &[u8], problem: &str) -> Failure {
    let name = name[..name.len().min(64)].escape_ascii();
    Failure::of(
        path,
        format!("the command '{name}' there cannot be replayed: {problem}"),
        "if it is one that this server does not know, start with --skip-unknown-types to pass over it and its key; \
         otherwise cut the file there, which loses it and everything after it",
    )
    .at(input.offset())
}

fn unpaired(path: &Path, input: &Input, opens: bool) -> Failure {
    let problem = match opens {
        true => "MULTI inside a transaction: the EXEC before it is missing",
        false => "EXEC without MULTI",
    };
    tail::corrupt(path, input.offset(), problem.into(), input.offset())
}

#[cfg(test)]
mod tests;
