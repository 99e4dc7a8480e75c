//! What the commands run under one acquisition of stripes did, as the log will say it: RESP commands, on their way to the log.
//!
//! An effect is resolved: it names ids and moments, never `*` or "from now". The commands of one request that has several effects (a
//! transaction, say) become one group, wrapped in MULTI and EXEC, which recovers whole or not at all:
//!
//! ```text
//!   [ command ][ MULTI  SELECT? command command EXEC ][ #MS:<time> command ] ...
//!   ^ the first is in database `first_db`                   the last is in `last_db`
//! ```
//!
//! An effect whose moment is part of the state (when a consumer was seen) stands behind an annotation that Redis skips as a comment. An effect
//! that no Redis knows is *hidden* in annotations as a whole, its bytes in Base64, in lines short enough for Redis:
//!
//! ```text
//!   #MX+<part>  #MX+<part>  #MX:<last part>
//! ```
//!
//! And where a Redis would lose something that only a hidden effect tells, a command for Redis alone tells it as well as Redis can have it:
//!
//! ```text
//!   #MR [ command that we pass over ]
//! ```

use super::log::select;
use crate::base::num::parse_i64;
use crate::resp::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::io::{self, Write};
use std::ops::Range;

/// Begins an annotation of the moment, Unix milliseconds, at which the next command was executed.
pub const MOMENT: &[u8] = b"#MS:";
/// Ends that of a redelivery, which does not count as activity of the consumer.
pub const AGAIN: &[u8] = b" again";

/// When a command was executed, for one that is replayed exactly only with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Unix milliseconds.
    pub unix_ms: i64,
    /// It delivers entries again, which does not count as activity of the consumer.
    pub again: bool,
}

impl Moment {
    /// Parses an annotation, a line without its end.
    pub fn parse(line: &[u8]) -> Option<Moment> {
        let moment = line.strip_prefix(MOMENT)?;
        let again = moment.ends_with(AGAIN);
        let unix_ms = parse_i64(moment.strip_suffix(AGAIN).unwrap_or(moment))?;
        Some(Moment { unix_ms, again })
    }
}

/// Begins a part of a hidden command that others follow.
const HIDDEN_PART: &[u8] = b"#MX+";
/// Begins the last part of a hidden command.
const HIDDEN_END: &[u8] = b"#MX:";
/// The next command is for Redis alone.
const FOR_REDIS: &[u8] = b"#MR";
/// Bytes of a hidden command in one part; a multiple of three. In Base64 they leave the line shorter than the 1024 bytes that Redis reads.
const HIDDEN_PART_BYTES: usize = 720;

/// What an annotation says.
#[derive(Debug, PartialEq, Eq)]
pub enum Annotation {
    /// When the next command was executed.
    Moment(Moment),
    /// A part of a hidden command.
    Hidden {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Whether more follow.
        goes_on: bool,
    },
    /// The next command is for Redis alone.
    ForRedis,
    /// What need not be understood.
    Other,
}

impl Annotation {
    /// Reads a line that begins with `#`, without its end. The error says what is wrong with one of ours.
    pub fn parse(line: &[u8]) -> Result<Annotation, &'static str> {
        if let Some(moment) = Moment::parse(line) {
            return Ok(Annotation::Moment(moment));
        }
        if line == FOR_REDIS {
            return Ok(Annotation::ForRedis);
        }
        let (text, goes_on) = match (
            line.strip_prefix(HIDDEN_PART),
            line.strip_prefix(HIDDEN_END),
        ) {
            (Some(text), _) => (text, true),
            (_, Some(text)) => (text, false),
            _ => return Ok(Annotation::Other),
        };
        match BASE64.decode(text) {
            Ok(bytes) => Ok(Annotation::Hidden { bytes, goes_on }),
            Err(_) => Err("a hidden command that is not in Base64"),
        }
    }

    /// True if a command, or the rest of one, has to follow.
    pub fn is_awaiting(&self) -> bool {
        match self {
            Annotation::Moment(_) | Annotation::ForRedis => true,
            Annotation::Hidden { goes_on, .. } => *goes_on,
            Annotation::Other => false,
        }
    }
}

/// See the module's description.
#[derive(Debug, Default)]
pub struct Effects {
    bytes: Vec<u8>,
    commands: usize,
    /// Those of them that no client asked for: removals of keys and fields whose time was up, or for want of memory.
    unasked: usize,
    first_db: usize,
    last_db: usize,
    /// The request is not to be logged as it was sent: it has said by itself what it did.
    told: bool,
}

/// Where the effects of a request begin.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    at: usize,
    commands: usize,
    unasked: usize,
    last_db: usize,
}

impl Effects {
    /// True without effects.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A request begins.
    #[inline]
    pub fn begin(&mut self) -> Mark {
        self.told = false;
        self.mark()
    }

    /// How far it is.
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark {
            at: self.bytes.len(),
            commands: self.commands,
            unasked: self.unasked,
            last_db: self.last_db,
        }
    }

    /// Nothing is logged of what has been done since `mark`.
    #[cold]
    pub fn forget(&mut self, mark: Mark) {
        self.bytes.truncate(mark.at);
        self.commands = mark.commands;
        self.last_db = mark.last_db;
        self.unasked = mark.unasked;
        self.told = true;
    }

    /// The request that began at `mark` has ended; several effects of it become a group.
    #[inline]
    pub fn end(&mut self, mark: Mark) {
        if self.commands - mark.commands > 1 {
            self.wrap(mark);
        }
    }

    #[cold]
    fn wrap(&mut self, mark: Mark) {
        const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
        self.bytes.splice(mark.at..mark.at, MULTI.iter().copied());
        self.bytes.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
    }

    /// The request is not logged as it was sent.
    #[inline]
    pub fn tell(&mut self) {
        self.told = true;
    }

    /// True if the request has said by itself what it did.
    #[inline]
    pub fn has_told(&self) -> bool {
        self.told
    }

    /// Begins a command of `args` arguments in `db`, its name included; that many calls of `Effect::arg` and its kin follow.
    #[inline]
    pub fn command(&mut self, db: usize, args: usize) -> Effect<'_> {
        self.enter(db);
        count(&mut self.bytes, args);
        Effect {
            bytes: &mut self.bytes,
            left: args,
            hidden_from: None,
        }
    }

    /// Adds a request as it was sent.
    #[inline(never)]
    pub fn request(&mut self, db: usize, request: Request<'_>) {
        let Some(whole) = request.whole() else {
            let effect = self.command(db, request.len());
            return effect.args(request.iter()).end();
        };
        self.enter(db);
        self.bytes.extend_from_slice(whole);
    }

    /// Adds a request as it was sent but for argument `index`, in whose place `bulk` stands, an argument from its length to its line end. False,
    /// and nothing is added, if it was not sent as the log would have it.
    #[inline]
    pub fn request_but(
        &mut self,
        db: usize,
        request: Request<'_>,
        index: usize,
        bulk: &[u8],
    ) -> bool {
        let Some((before, behind)) = request.around(index) else {
            return false;
        };
        self.enter(db);
        let bytes = &mut self.bytes;
        bytes.reserve(before.len() + bulk.len() + behind.len());
        bytes.extend_from_slice(before);
        bytes.extend_from_slice(bulk);
        bytes.extend_from_slice(behind);
        true
    }

    /// The same as `command` for a command that no Redis knows.
    pub fn hidden(&mut self, moment: Option<Moment>, db: usize, args: usize) -> Effect<'_> {
        self.enter(db);
        if let Some(moment) = moment {
            self.moment(moment);
        }
        let hidden_from = Some(self.bytes.len());
        count(&mut self.bytes, args);
        Effect {
            bytes: &mut self.bytes,
            left: args,
            hidden_from,
        }
    }

    /// The same as `command` for a command that only Redis is to obey.
    pub fn for_redis(&mut self, db: usize, args: usize) -> Effect<'_> {
        self.enter(db);
        self.bytes.extend_from_slice(FOR_REDIS);
        self.bytes.extend_from_slice(b"\r\n");
        count(&mut self.bytes, args);
        Effect {
            bytes: &mut self.bytes,
            left: args,
            hidden_from: None,
        }
    }

    /// The same as `command`, executed at `moment`, which replaying it needs to know.
    pub fn command_at(&mut self, moment: Moment, db: usize, args: usize) -> Effect<'_> {
        self.enter(db);
        self.moment(moment);
        count(&mut self.bytes, args);
        Effect {
            bytes: &mut self.bytes,
            left: args,
            hidden_from: None,
        }
    }

    fn moment(&mut self, moment: Moment) {
        self.bytes.extend_from_slice(MOMENT);
        self.bytes
            .extend_from_slice(itoa::Buffer::new().format(moment.unix_ms).as_bytes());
        if moment.again {
            self.bytes.extend_from_slice(AGAIN);
        }
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// A key is removed although no client asked for it: its time was up, or memory was short.
    pub fn unasked_removal(&mut self, db: usize, key: &[u8]) {
        self.unasked += 1;
        self.command(db, 2).arg(b"DEL").arg(key).end();
    }

    /// Fields of a hash are removed because their time was up.
    pub fn field_expiry(&mut self, db: usize, key: &[u8], names: &[Box<[u8]>]) {
        self.unasked += 1;
        let effect = self.command(db, 2 + names.len()).arg(b"HDEL").arg(key);
        effect.args(names.iter().map(|name| &**name)).end();
    }

    /// True if a client asked for some of it.
    pub(super) fn is_asked_for(&self) -> bool {
        self.commands > self.unasked
    }

    #[inline]
    fn enter(&mut self, db: usize) {
        if self.bytes.is_empty() {
            self.first_db = db;
        } else if self.last_db != db {
            select(&mut self.bytes, db);
        }
        self.last_db = db;
        self.commands += 1;
    }

    /// The effects, and the databases of the first and the last.
    pub(super) fn parts(&self) -> (&[u8], usize, usize) {
        (&self.bytes, self.first_db, self.last_db)
    }

    /// Forgets all effects; the buffer is kept within a bound.
    pub(super) fn clear(&mut self) {
        const KEPT_BYTES: usize = 256 * 1024;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.commands = 0;
        self.unasked = 0;
    }
}

/// A command being written.
#[derive(Debug)]
#[must_use]
pub struct Effect<'a> {
    bytes: &'a mut Vec<u8>,
    left: usize,
    /// Where it begins, if it is to be hidden.
    hidden_from: Option<usize>,
}

impl Effect<'_> {
    /// Writes an argument.
    #[inline]
    pub fn arg(mut self, arg: &[u8]) -> Self {
        self.push(arg);
        self
    }

    /// Writes a number as an argument.
    pub fn int(mut self, n: i64) -> Self {
        self.push(itoa::Buffer::new().format(n).as_bytes());
        self
    }

    /// Writes an unsigned number as an argument.
    pub fn uint(mut self, n: u64) -> Self {
        self.push(itoa::Buffer::new().format(n).as_bytes());
        self
    }

    /// Writes several arguments.
    #[inline]
    pub fn args<'b>(mut self, args: impl Iterator<Item = &'b [u8]>) -> Self {
        args.for_each(|arg| self.push(arg));
        self
    }

    /// Writes the arguments of `range` of a request, in one go if they arrived as the log has them.
    #[inline]
    pub fn request(mut self, request: Request<'_>, range: Range<usize>) -> Self {
        match request.framed(range.clone()) {
            Some(framed) => {
                self.left -= range.len();
                self.bytes.extend_from_slice(framed);
                self
            }
            None => {
                let args = request.args_from(range.start).take(range.len());
                self.args(args)
            }
        }
    }

    /// All arguments have been written.
    #[inline]
    pub fn end(self) {
        debug_assert_eq!(self.left, 0, "a command has as many arguments as it says");
        self.bytes.extend_from_slice(b"\r\n");
        if let Some(from) = self.hidden_from {
            hide(self.bytes, from);
        }
    }

    #[inline]
    fn push(&mut self, arg: &[u8]) {
        self.left -= 1;
        length(self.bytes, arg.len());
        self.bytes.extend_from_slice(arg);
    }
}

/// Puts the command that stands from `from` on into annotations.
fn hide(bytes: &mut Vec<u8>, from: usize) {
    let command = bytes.split_off(from);
    write_hidden(bytes, &command).expect("a buffer in memory takes everything");
}

/// Writes a command, whole, into annotations.
pub fn write_hidden(out: &mut dyn Write, command: &[u8]) -> io::Result<()> {
    let mut parts = command.chunks(HIDDEN_PART_BYTES).peekable();
    while let Some(part) = parts.next() {
        let begins = if parts.peek().is_some() {
            HIDDEN_PART
        } else {
            HIDDEN_END
        };
        out.write_all(begins)?;
        out.write_all(BASE64.encode(part).as_bytes())?;
        out.write_all(b"\r\n")?;
    }
    Ok(())
}

/// How many arguments follow, without the line's end: each argument ends the line before it, which spares a copy of two bytes.
#[inline]
fn count(bytes: &mut Vec<u8>, args: usize) {
    match args {
        0..10 => bytes.extend_from_slice(&[b'*', b'0' + args as u8]),
        _ => {
            bytes.push(b'*');
            bytes.extend_from_slice(itoa::Buffer::new().format(args).as_bytes());
        }
    }
}

/// Ends the line before, and says how long the argument is that follows.
#[inline]
fn length(bytes: &mut Vec<u8>, n: usize) {
    let digit = |n: usize| b'0' + n as u8;
    match n {
        0..10 => bytes.extend_from_slice(&[b'\r', b'\n', b'$', digit(n), b'\r', b'\n']),
        10..100 => {
            let (tens, ones) = (digit(n / 10), digit(n % 10));
            bytes.extend_from_slice(&[b'\r', b'\n', b'$', tens, ones, b'\r', b'\n']);
        }
        _ => {
            bytes.extend_from_slice(b"\r\n$");
            bytes.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::{Limits, Parsed, Parser};

    #[test]
    fn effects_of_one_request_become_a_group() {
        let mut effects = Effects::default();
        let mark = effects.begin();
        effects.command(3, 2).arg(b"DEL").arg(b"a").end();
        effects.end(mark);
        let mark = effects.begin();
        effects.command(3, 1).arg(b"X").end();
        let moment = Moment {
            unix_ms: 17,
            again: true,
        };
        assert_eq!(Moment::parse(b"#MS:17 again"), Some(moment));
        effects.command_at(moment, 4, 2).arg(b"Y").int(-5).end();
        effects.end(mark);
        let (bytes, first_db, last_db) = effects.parts();
        assert_eq!((first_db, last_db), (3, 4));
        assert_eq!(
            String::from_utf8_lossy(bytes),
            "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n*1\r\n$5\r\nMULTI\r\n*1\r\n$1\r\nX\r\n\
             *2\r\n$6\r\nSELECT\r\n$1\r\n4\r\n#MS:17 again\r\n*2\r\n$1\r\nY\r\n$2\r\n-5\r\n*1\r\n$4\r\nEXEC\r\n"
        );
    }

    #[test]
    fn what_is_forgotten_leaves_as_it_was_whether_anybody_asked() {
        let mut effects = Effects::default();
        effects.command(0, 2).arg(b"INCR").arg(b"a").end();
        let mark = effects.begin();
        effects.unasked_removal(0, b"b");
        effects.forget(mark);
        assert!(effects.is_asked_for());
        assert_eq!(effects.parts().0, b"*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
        effects.clear();
        let mark = effects.begin();
        effects.unasked_removal(0, b"b");
        effects.forget(mark);
        assert!(!effects.is_asked_for() && effects.is_empty());
    }

    #[test]
    fn a_hidden_command_stands_in_lines_that_a_redis_skips() {
        let mut effects = Effects::default();
        let value = vec![b'v'; 2000];
        effects.hidden(None, 0, 2).arg(b"X").arg(&value).end();
        effects.command(0, 1).arg(b"Y").end();
        let text = String::from_utf8_lossy(effects.parts().0).into_owned();
        let (hidden, rest) = text.split_at(text.find('*').unwrap());
        assert_eq!(rest, "*1\r\n$1\r\nY\r\n");
        let lines = hidden.lines().map(str::as_bytes);
        let (mut command, mut awaiting) = (Vec::new(), true);
        for line in lines {
            assert!(awaiting && line.len() < 1000 && line[0] == b'#');
            let annotation = Annotation::parse(line).unwrap();
            awaiting = annotation.is_awaiting();
            let Annotation::Hidden { bytes, .. } = annotation else {
                panic!("hidden")
            };
            command.extend(bytes);
        }
        assert!(!awaiting);
        let expected = [b"*2\r\n$1\r\nX\r\n$2000\r\n", &value[..], b"\r\n"].concat();
        assert_eq!(command, expected);
        assert!(Annotation::parse(b"#MX:*").is_err());
        assert_eq!(Annotation::parse(b"#TS:1"), Ok(Annotation::Other));
        assert_eq!(Annotation::parse(b"#MR"), Ok(Annotation::ForRedis));
    }

    #[test]
    fn a_request_is_logged_alike_however_it_arrived() {
        let whole: &[u8] = b"*4\r\n$5\r\nRPUSH\r\n$1\r\nk\r\n$0\r\n\r\n$12\r\nxxxxxxxxxxxx\r\n";
        // The second byte of a line's end may be any, and lines need not be framed at all.
        let ended_oddly: &[u8] = b"*4\r\n$5\r\nRPUSH\r.$1\r.k\r\n$0\r\n..$12\r\nxxxxxxxxxxxx\r\n";
        let ended_oddly_at_last = [whole.strip_suffix(b"\n").unwrap(), b"."].concat();
        let inline: &[u8] = b"RPUSH k '' xxxxxxxxxxxx\r\n";
        let long = [b"*2\r\n$4\r\nECHO\r\n$123\r\n", &[b'y'; 123][..], b"\r\n"].concat();
        for (input, logged) in [
            (whole, whole),
            (ended_oddly, whole),
            (&ended_oddly_at_last, whole),
            (inline, whole),
            (&long, &long),
        ] {
            let mut parser = Parser::default();
            let limits = Limits {
                bulk_bytes: 1000,
                authenticated: true,
            };
            let parsed = parser.parse(input, limits).expect("it is a request");
            assert!(matches!(parsed, Parsed::Request { .. }));
            let request = parser.request(input);
            let owned = request.to_owned();
            for request in [request, owned.as_request()] {
                for split in 0..=request.len() {
                    let mut effects = Effects::default();
                    effects
                        .command(0, request.len())
                        .request(request, 0..split)
                        .request(request, split..request.len())
                        .end();
                    assert_eq!(effects.parts().0, logged, "{split}");
                }
                let mut effects = Effects::default();
                effects.request(0, request);
                assert_eq!(effects.parts().0, logged);
                for (index, arg) in request.iter().enumerate() {
                    let mut effects = Effects::default();
                    let bulk = [format!("${}\r\n", arg.len()).as_bytes(), arg, b"\r\n"].concat();
                    let is_added = effects.request_but(0, request, index, &bulk);
                    assert_eq!(effects.parts().0, if is_added { logged } else { b"" });
                    assert_eq!(is_added, request.whole().is_some());
                }
            }
        }
    }

    #[test]
    fn long_arguments_say_their_length() {
        let mut effects = Effects::default();
        effects.command(0, 1).arg(&[b'x'; 12]).end();
        assert_eq!(effects.parts().0, b"*1\r\n$12\r\nxxxxxxxxxxxx\r\n");
    }
}
