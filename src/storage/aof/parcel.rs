//! How a file of the log is laid out where it is filled ahead, which `appendfsync always` does: a sync takes less time if the file neither
//! grows nor gets new blocks.
//!
//! ```text
//!   *3..SET.. *2..DEL..                       plain commands, in lines of their own lengths
//!   #MF#####                                  here begin lines of 64 bytes
//!   #MP:<length>,<checksum>####               a parcel: its header,
//!   *5..XADD.. *5..XADD.. *5..XADD..            and so many bytes of commands, which end where a line of 64 bytes does
//!   #MP:<length>,<checksum>#####
//!   *5..XADD..
//!   #######...                                filler, which later parcels are written over
//!   #######...
//!   #ME####...                                the end of all that
//! ```
//!
//! A file that goes on plain, or is closed, ends so instead, with the filler cut off:
//!
//! ```text
//!   *5..XADD..
//!   #MEE###...                                the end, when all before was durable; whatever follows is plain again
//! ```
//!
//! Length and checksum are 16 digits in hexadecimal; the checksum is a CRC-64 of where the header stands in the file (eight bytes, the lowest first)
//! and of the commands. A Redis skips all lines that begin with `#`, and whatever it appends begins a line.
//!
//! What is written over reaches the disk in any order, so a parcel that was being written when the machine died may hold filler anywhere, its
//! header included. Hence the rules:
//!
//! - A parcel is applied after its checksum was compared, as a whole or not at all.
//! - A parcel stands right behind the one before. One that does not, or is not whole, was being written last, or the log is
//!   damaged: the difference is whether a whole parcel follows.
//! - One parcel is written at a time, over filler that is durable, and is durable before the next.
//! - A parcel that is not whole, with the mark behind it that all was durable, was not being written: the log is damaged.
//! - Plain commands follow only behind a mark of the end. It is moved on by writing filler over it, which is durable before any parcel
//!   comes near; and what is written plain is written when the mark stands there and nothing behind it, durably.
//! - What could be taken for a line of this layout by a reader to whom the header is lost is not written as a parcel: a value is anything that a
//!   client may have made up.
//!
//! Knows lines and checksums; neither files nor commands.

use crate::base::crc64;

/// Filler comes in lines of this length, and parcels end where one does.
pub const LINE_BYTES: u64 = 64;
/// No line of a header is longer.
pub const MAX_HEADER_BYTES: usize = 128;
/// More commands than these are not made a parcel: a reader holds one in memory, and so much is not dearer to write at the end of a file.
pub const MAX_PARCEL_BYTES: usize = 1024 * 1024;

/// What all lines begin with but filler.
const MARK: [u8; 2] = *b"#M";
const HEADER: &[u8] = b"#MP:";
const BEGIN: &[u8] = b"#MF";
const END: &[u8] = b"#ME";
const CLOSED: &[u8] = b"#MEE";
const DIGITS: usize = 16;
/// What filler, the marks around it, and blocks that were never written consist of. No command can be written with these.
const GROUND: &[u8] = b"#\nMEF\0";

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Length of its commands.
    pub bytes: usize,
    checksum: u64,
}

impl Parcel {
    /// A parcel of the commands of `parts` whose header stands at `at`.
    pub fn of<'a>(at: u64, parts: impl Iterator<Item = &'a [u8]>) -> Parcel {
        let mut parcel = Parcel {
            bytes: 0,
            checksum: crc64::update(0, &at.to_le_bytes()),
        };
        for part in parts {
            parcel.bytes += part.len();
            parcel.checksum = crc64::update(parcel.checksum, part);
        }
        parcel
    }

    /// True if these are its commands, and its header stands at `at`.
    pub fn holds(self, at: u64, commands: &[u8]) -> bool {
        Parcel::of(at, std::iter::once(commands)) == self
    }

    /// The header, which stands at `at` and is as long as it takes for the commands to end where they have to.
    pub fn header(self, at: u64) -> Vec<u8> {
        let mut line = HEADER.to_vec();
        line.extend(format!("{:016x},{:016x}", self.bytes, self.checksum).into_bytes());
        let end = at + (line.len() + 1 + self.bytes) as u64;
        let gap = end.next_multiple_of(LINE_BYTES) - end;
        line.resize(line.len() + gap as usize, b'#');
        line.push(b'\n');
        line
    }

    fn parse(line: &[u8]) -> Option<Parcel> {
        let (bytes, rest) = line.strip_prefix(HEADER)?.split_at_checked(DIGITS)?;
        let (checksum, padding) = rest.strip_prefix(b",")?.split_at_checked(DIGITS)?;
        let bytes = usize::try_from(hexadecimal(bytes)?).ok()?;
        let is_parcel = is_padding(padding) && (1..=MAX_PARCEL_BYTES).contains(&bytes);
        is_parcel.then_some(Parcel {
            bytes,
            checksum: hexadecimal(checksum)?,
        })
    }
}

/// A line where a file is filled ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The beginning, which is as long as it takes to end where lines do.
    Begin,
    /// The header of a parcel.
    Header(Parcel),
    /// Filler.
    Filler,
    /// The end of the filler.
    End,
    /// The end, written when all before was durable.
    Closed,
}

impl Line {
    /// Reads a line, its end included, which ends at `end` of the file. None for any other.
    pub fn parse(line: &[u8], end: u64) -> Option<Line> {
        let is_line = end.is_multiple_of(LINE_BYTES) && line.len() as u64 == LINE_BYTES;
        let line = line.strip_suffix(b"\n")?;
        if let Some(parcel) = Parcel::parse(line) {
            let ends_well = (end + parcel.bytes as u64).is_multiple_of(LINE_BYTES);
            return ends_well.then_some(Line::Header(parcel));
        }
        let padded = |mark: &[u8]| line.strip_prefix(mark).is_some_and(is_padding);
        match line {
            _ if padded(BEGIN) => end.is_multiple_of(LINE_BYTES).then_some(Line::Begin),
            _ if padded(END) => is_line.then_some(Line::End),
            _ if padded(CLOSED) => is_line.then_some(Line::Closed),
            _ => (is_line && is_padding(line)).then_some(Line::Filler),
        }
    }
}

/// The line that marks the beginning, if it stands at `at`.
pub fn begin(at: u64) -> Vec<u8> {
    let shortest = at + BEGIN.len() as u64 + 1;
    padded(BEGIN, shortest.next_multiple_of(LINE_BYTES) - at)
}

/// The line that marks the end of the filler.
pub fn end() -> Vec<u8> {
    padded(END, LINE_BYTES)
}

/// The line that says that all before it is durable.
pub fn closed() -> Vec<u8> {
    padded(CLOSED, LINE_BYTES)
}

/// So many lines of filler.
pub fn filler(lines: u64) -> Vec<u8> {
    padded(b"", LINE_BYTES).repeat(lines as usize)
}

fn padded(mark: &[u8], bytes: u64) -> Vec<u8> {
    let mut line = mark.to_vec();
    line.resize(bytes as usize - 1, b'#');
    line.push(b'\n');
    line
}

/// True if a reader who has lost the header could take a part of these commands, the first of which stands at `at`, for a line.
pub fn is_misleading<'a>(mut at: u64, parts: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut is_begun = false;
    for part in parts {
        if std::mem::take(&mut is_begun) && part.first() == Some(&MARK[1]) {
            return true;
        }
        let before_line = (at.next_multiple_of(LINE_BYTES) - at) as usize;
        let lines = part.get(before_line..).unwrap_or_default();
        for line in lines.chunks(LINE_BYTES as usize) {
            match line {
                [first] => is_begun = *first == MARK[0],
                _ if line.starts_with(&MARK) => return true,
                _ => {}
            }
        }
        at += part.len() as u64;
    }
    false
}

/// True if no part of a command can be in `bytes`: filler, and what was never written.
pub fn is_ground(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| GROUND.contains(byte))
}

fn is_padding(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == b'#')
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let is_ours = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    let digits = digits.iter().all(is_ours).then_some(digits)?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_ends_where_a_line_does_and_is_known_by_its_header() {
        for at in (0..130).chain([10_000, 4096]) {
            for bytes in (1..200).chain([MAX_PARCEL_BYTES]) {
                let commands = vec![b'c'; bytes];
                let (front, back) = commands.split_at(bytes / 2);
                let parcel = Parcel::of(at, [front, back].into_iter());
                let header = parcel.header(at);
                let end = at + header.len() as u64;
                assert!(header.len() < MAX_HEADER_BYTES);
                assert!((end + bytes as u64).is_multiple_of(LINE_BYTES));
                assert_eq!(Line::parse(&header, end), Some(Line::Header(parcel)));
                assert_eq!(Line::parse(&header, end + 1), None);
                assert!(parcel.holds(at, &commands) && !parcel.holds(at + 64, &commands));
            }
        }
        let large = Parcel::of(0, std::iter::once(&[0; MAX_PARCEL_BYTES + 1][..]));
        let header = large.header(0);
        assert_eq!(Line::parse(&header, header.len() as u64), None);
    }

    #[test]
    fn any_damage_to_a_header_is_noticed() {
        let commands = b"*1\r\n$4\r\nPING\r\n";
        let header = Parcel::of(64, std::iter::once(&commands[..])).header(64);
        for at in 0..header.len() {
            for byte in [b'#', b'\n', b'0', b'F', b'+', 0, 0xff] {
                let mut damaged = header.clone();
                damaged[at] = byte;
                if damaged != header
                    && let Some(Line::Header(parcel)) =
                        Line::parse(&damaged, 64 + header.len() as u64)
                {
                    assert!(!parcel.holds(64, commands), "{at}");
                }
            }
        }
    }

    #[test]
    fn what_looks_like_a_line_where_one_could_stand_is_misleading() {
        let mut commands = vec![b'v'; 300];
        commands[150..152].copy_from_slice(b"#M");
        for at in 0..200u64 {
            let is_misleading_at = (at + 150).is_multiple_of(LINE_BYTES);
            for split in 1..300 {
                let (front, back) = commands.split_at(split);
                let parts = [front, back].into_iter();
                assert_eq!(is_misleading(at, parts), is_misleading_at, "{at} {split}");
            }
        }
        assert!(!is_misleading(64, [&b"#"[..], b"#M"].into_iter()));
    }

    #[test]
    fn all_other_lines_are_ground() {
        for at in 0..200 {
            let line = begin(at);
            let end = at + line.len() as u64;
            assert!(line.len() < MAX_HEADER_BYTES && is_ground(&line));
            assert_eq!(Line::parse(&line, end), Some(Line::Begin));
            assert_eq!(Line::parse(&line, end + 1), None);
        }
        for (line, parsed) in [
            (end(), Line::End),
            (closed(), Line::Closed),
            (filler(1), Line::Filler),
        ] {
            assert!(line.len() == LINE_BYTES as usize && is_ground(&line));
            assert_eq!(Line::parse(&line, 640), Some(parsed));
            assert_eq!(Line::parse(&line, 641), None);
            assert_eq!(Line::parse(&line[1..], 640), None);
        }
        assert_eq!(filler(3), filler(1).repeat(3));
        assert!(!is_ground(b"#*") && is_ground(b"\0\0"));
    }

    #[test]
    fn other_lines_are_not_ours() {
        for line in [
            "",
            "\n",
            "#\n",
            "#MP:1\n",
            "#TS:1700000000\n",
            "*3\n",
            "#ME",
            "# note\n",
        ] {
            assert_eq!(Line::parse(line.as_bytes(), 64), None, "{line}");
        }
    }
}
