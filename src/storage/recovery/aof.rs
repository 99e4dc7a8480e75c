//! Replaying one file of the log.
//!
//! ```text
//!   *3..SET..  #TS:1700000000  #MS:1700000000123  *5..XREADGROUP..  *1..MULTI  *3..  *1..EXEC  *3..SE
//!                                                                                            ^ sound
//! ```
//!
//! Between commands there may be annotations, lines that begin with `#`. Some of them belong to a command: the moment at which the one that
//! follows was executed, or the parts of a hidden one ([`Annotation`]).
//!
//! *Sound* is everything up to the last byte that is whole: not inside a command, nor between MULTI and EXEC, nor after an annotation that
//! waits for its command. A file that ends beyond that was being written when the process or the machine died; `tail` decides
//! whether what is unsound may be cut. Everything else that is not as it should be is a failure.
//!
//! Changes nothing by itself: whoever applies the commands does.

use super::failure::{Failure, Interrupted};
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
    mut input: Input,
    progress: &Progress,
    target: &mut dyn Replay,
) -> Result<Replayed, Interrupted> {
    let mut parser = FrameParser::default();
    let mut done = Replayed {
        sound_bytes: input.offset(),
        commands: 0,
        tail: None,
    };
    let (mut in_transaction, mut is_awaited, mut noted) = (false, false, input.offset());
    target.begin_file();
    loop {
        let piece = next_piece(&mut input, &mut parser)
            .map_err(|error| Failure::io(path, "read", &error))?;
        match piece {
            Piece::Command(bytes) => {
                let request = parser.request(input.view());
                let name = request.arg(0);
                let opens = name.eq_ignore_ascii_case(b"MULTI");
                let closes = name.eq_ignore_ascii_case(b"EXEC");
                if opens == in_transaction && (opens || closes) {
                    return Err(unpaired(path, &input, opens).into());
                }
                target
                    .apply(request)
                    .map_err(|problem| refused(path, &input, name, &problem))?;
                is_awaited = false;
                in_transaction = (in_transaction || opens) && !closes;
                done.commands += 1;
                parser.reset();
                input.consume(bytes);
            }
            Piece::Annotation(bytes) => {
                let line = input.view()[..bytes].trim_ascii_end();
                let annotation = Annotation::parse(line).map_err(|problem| {
                    tail::corrupt(path, input.offset(), problem.into(), input.offset())
                })?;
                is_awaited = match &annotation {
                    Annotation::Other => is_awaited,
                    annotation => annotation.is_awaiting(),
                };
                target
                    .annotate(annotation)
                    .map_err(|problem| refused(path, &input, b"(hidden)", &problem))?;
                input.consume(bytes);
            }
            Piece::End if in_transaction || is_awaited => {
                done.tail = Some(Tail::of_whole_commands(done.sound_bytes, input.offset()));
                break;
            }
            Piece::End => break,
            Piece::Torn => {
                done.tail = Some(tail::judge(path, &mut input, done.sound_bytes, None)?);
                break;
            }
            Piece::Malformed { at, expected } => {
                let malformed = Some((at, expected));
                done.tail = Some(tail::judge(path, &mut input, done.sound_bytes, malformed)?);
                break;
            }
        }
        if !in_transaction && !is_awaited {
            done.sound_bytes = input.offset();
        }
        if input.offset() - noted >= NOTE_EVERY_BYTES {
            if !progress.advance(input.offset() - noted) {
                return Err(Interrupted::ByOrder);
            }
            noted = input.offset();
        }
    }
    match progress.advance(input.offset() - noted) {
        true => Ok(done),
        false => Err(Interrupted::ByOrder),
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
mod tests {
    use super::*;
    use std::io::Cursor;

    /// What a log did: the commands that took effect, in order, with their times.
    type Effects = Vec<(String, Option<i64>)>;

    #[derive(Default)]
    struct Target {
        effects: Effects,
        queue: Option<Effects>,
        at_ms: Option<i64>,
        hidden: Vec<u8>,
    }

    impl Replay for Target {
        fn begin_file(&mut self) {}

        fn annotate(&mut self, annotation: Annotation) -> Result<(), String> {
            match annotation {
                Annotation::Moment(moment) => self.at_ms = Some(moment.unix_ms),
                Annotation::Hidden { bytes, goes_on } => {
                    self.hidden.extend(bytes);
                    if !goes_on {
                        let bytes = std::mem::take(&mut self.hidden);
                        let text = String::from_utf8_lossy(&bytes).replace("\r\n", " ");
                        let effect = (text, self.at_ms.take());
                        self.queue
                            .as_mut()
                            .unwrap_or(&mut self.effects)
                            .push(effect);
                    }
                }
                Annotation::ForRedis | Annotation::Other => {}
            }
            Ok(())
        }

        fn apply(&mut self, request: Request<'_>) -> Result<(), String> {
            let words: Vec<_> = request.iter().map(String::from_utf8_lossy).collect();
            let effect = (words.join(" "), self.at_ms.take());
            match words[0].as_ref() {
                "MULTI" => self.queue = Some(Vec::new()),
                "EXEC" => {
                    let queue = self.queue.take().expect("pairs are checked");
                    self.effects.extend(queue);
                }
                "NOSUCH" => return Err("there is no such command".into()),
                _ => self
                    .queue
                    .as_mut()
                    .unwrap_or(&mut self.effects)
                    .push(effect),
            }
            Ok(())
        }
    }

    fn command(words: &str) -> Vec<u8> {
        let words: Vec<&str> = words.split(' ').collect();
        let mut frame = format!("*{}\r\n", words.len());
        for word in words {
            frame += &format!("${}\r\n{word}\r\n", word.len());
        }
        frame.into_bytes()
    }

    fn run(log: &[u8]) -> Result<(Effects, Replayed), String> {
        let mut target = Target::default();
        let input = Input::new(Box::new(Cursor::new(log.to_vec())));
        let replayed = replay(Path::new("log"), input, &Progress::default(), &mut target);
        replayed
            .map(|replayed| (target.effects, replayed))
            .map_err(|error| error.to_string())
    }

    /// The pieces of a log, each of which is sound where it ends, and what the log has done by then.
    fn sample() -> Vec<Vec<u8>> {
        let multi = ["MULTI", "LPUSH l a", "DEL s", "EXEC"]
            .map(command)
            .concat();
        let annotated = [b"#MS:1700000000123\r\n".to_vec(), command("XACK s g 1-1")].concat();
        vec![
            command("SELECT 0"),
            command("SET k *1"),
            b"#TS:1700000000\r\n".to_vec(),
            annotated,
            multi,
            b"#MS:1700000000124\r\n#MX+KjENCg==\r\n#MX:JDENClgNCg==\r\n".to_vec(),
            command("XADD s 1-1 f v"),
        ]
    }

    /// Cut anywhere, a log gives the state of what was whole before the cut, and says exactly what is left over.
    #[test]
    fn cut_at_every_byte() {
        let pieces = sample();
        let log = pieces.concat();
        for end in 0..=log.len() {
            let mut sound = 0;
            for piece in &pieces {
                if sound + piece.len() > end {
                    break;
                }
                sound += piece.len();
            }
            let (effects, replayed) = run(&log[..end]).expect("a prefix is loaded");
            assert_eq!(replayed.sound_bytes, sound as u64, "cut at {end}");
            let (expected, whole) = run(&log[..sound]).expect("whole pieces are loaded");
            assert_eq!((&effects, &whole.tail), (&expected, &None), "cut at {end}");
            let tail = (end > sound).then_some(Tail {
                at: sound as u64,
                bytes: (end - sound) as u64,
                zeros: 0,
            });
            assert_eq!(replayed.tail, tail, "cut at {end}");
        }
        let (effects, _) = run(&log).unwrap();
        assert_eq!(effects[2], ("XACK s g 1-1".into(), Some(1_700_000_000_123)));
        assert_eq!(effects[5].0, "*1 $1 X ");
        assert_eq!(effects.len(), 7);
    }

    /// Zeros to the end of the file are part of the tail, wherever they begin.
    #[test]
    fn zeros_after_every_byte() {
        let pieces = sample();
        let log = pieces.concat();
        for end in 0..=log.len() {
            let cut = run(&log[..end]).expect("a prefix is loaded");
            let mut zeroed = log[..end].to_vec();
            zeroed.resize(end + 5000, 0);
            let (effects, replayed) = run(&zeroed).unwrap_or_else(|error| panic!("{end}: {error}"));
            assert_eq!(effects, cut.0, "zeros from {end}");
            assert_eq!(replayed.sound_bytes, cut.1.sound_bytes, "zeros from {end}");
            let tail = replayed.tail.expect("zeros are never sound");
            assert_eq!(tail.bytes, zeroed.len() as u64 - tail.at);
            // Something after the zeros makes them a hole.
            zeroed.extend_from_slice(&command("SET k v"));
            assert!(run(&zeroed).is_err(), "a hole from {end}");
        }
    }

    /// A damaged length that seems to run to the end of the file hides nothing.
    #[test]
    fn a_damaged_length_is_no_tail() {
        let log = [command("SET k v"), command("SET k abc"), command("SET k w")].concat();
        let damaged = String::from_utf8(log)
            .unwrap()
            .replace("$3\r\nabc", "$999\r\nabc");
        let error = run(damaged.as_bytes()).unwrap_err();
        assert!(
            error.starts_with("log, offset 27: the log is corrupt"),
            "{error}"
        );
        assert!(
            error.contains("whole commands follow at offset 58"),
            "{error}"
        );
        assert!(error.contains("truncate -s 27 log"), "{error}");
    }

    /// Whatever byte is replaced by whatever sort of byte: no panic, and the commands before it have taken effect or nothing was loaded.
    #[test]
    fn damaged_at_every_byte() {
        let log = sample().concat();
        let sound = run(&log).unwrap().0;
        for at in 0..log.len() {
            for byte in [0, b'\r', b'\n', b'*', b'$', b'#', b'0', b'9', b'x', 0xff] {
                let mut damaged = log.clone();
                damaged[at] = byte;
                if let Ok((effects, _)) = run(&damaged) {
                    let untouched = run(&log[..at]).unwrap().0;
                    assert_eq!(effects[..untouched.len()], sound[..untouched.len()]);
                }
            }
        }
    }

    #[test]
    fn what_stops_the_load() {
        let after = |damage: &[u8]| {
            let log = [&command("SET k v"), damage, &command("SET k w")].concat();
            run(&log).unwrap_err()
        };
        for (damage, sentence) in [
            (
                b"PING\r\n".to_vec(),
                "offset 27: the log is corrupt: '*' should stand there",
            ),
            (
                command("NOSUCH a"),
                "offset 27: the command 'NOSUCH' there cannot be replayed: there is no such command",
            ),
            (
                command("EXEC"),
                "offset 27: the log is corrupt: EXEC without MULTI",
            ),
            (
                ["MULTI", "MULTI"].map(command).concat(),
                "offset 42: the log is corrupt: MULTI inside",
            ),
            (b"\0\0".to_vec(), "offset 27: the log is corrupt"),
            (
                vec![b'#'; 2000],
                "offset 27: the log is corrupt: an annotation of at most",
            ),
        ] {
            let error = after(&damage);
            assert!(error.contains(sentence), "{error}");
        }
    }
}
