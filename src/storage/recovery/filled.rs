//! Reading where a file of the log was filled ahead: which commands may be applied, and where the filler begins.
//!
//! The layout, and why it tells what was torn, is in [`parcel`](crate::storage::aof::parcel).

use super::input::Input;
use crate::storage::aof::parcel::{Line, MAX_HEADER_BYTES, Parcel};
use std::io;

/// See the module's description.
#[derive(Debug)]
pub struct Filled {
    /// Where the commands of the last parcel end.
    parcel_end: u64,
    /// Where the filler begins, once it is seen.
    filler: Option<u64>,
}

/// What stands between two parcels.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The next one, which is whole; its commands are in view.
    Parcel,
    /// None: the end is marked, and something follows.
    Plain,
    /// None: the file ends.
    End {
        /// Where the next parcel would stand, unless the end is marked right there.
        open_at: Option<u64>,
    },
    /// Something else, which is in view.
    Broken,
}

impl Filled {
    /// Such a part of the file, if the `line`, which stands at `at`, its end included, begins one.
    pub fn begin(line: &[u8], at: u64) -> Option<Filled> {
        let parcel_end = at + line.len() as u64;
        (Line::parse(line, parcel_end)? == Line::Begin).then_some(Filled {
            parcel_end,
            filler: None,
        })
    }

    /// Where the commands of the last parcel end.
    pub fn parcel_end(&self) -> u64 {
        self.parcel_end
    }

    /// Reads on to the commands of the next parcel.
    pub fn next(&mut self, input: &mut Input) -> io::Result<Step> {
        loop {
            let at = input.offset();
            let Some((line, bytes)) = line_at(input)? else {
                let open_at = Some(self.filler.unwrap_or(at));
                return Ok(match input.view() {
                    [] => Step::End { open_at },
                    _ => Step::Broken,
                });
            };
            match (line, self.filler) {
                (Line::Header(parcel), None) => return self.enter(input, parcel, bytes),
                (Line::Header(_), Some(_)) => return Ok(Step::Broken),
                (Line::Begin, None) => input.consume(bytes),
                (Line::Begin, Some(_)) => return Ok(Step::Broken),
                (Line::Filler, _) => {
                    self.filler.get_or_insert(at);
                    input.consume(bytes);
                }
                (Line::End | Line::Closed, open_at) => {
                    input.consume(bytes);
                    return Ok(match input.fill(1)? {
                        true => Step::Plain,
                        false => Step::End { open_at },
                    });
                }
            }
        }
    }

    fn enter(&mut self, input: &mut Input, parcel: Parcel, bytes: usize) -> io::Result<Step> {
        if !is_whole(input, parcel, bytes)? {
            return Ok(Step::Broken);
        }
        input.consume(bytes);
        self.parcel_end = input.offset() + parcel.bytes as u64;
        Ok(Step::Parcel)
    }
}

/// The line of ours that stands where `input` does, and its length.
pub fn line_at(input: &mut Input) -> io::Result<Option<(Line, usize)>> {
    input.fill(MAX_HEADER_BYTES)?;
    let view = &input.view()[..input.view().len().min(MAX_HEADER_BYTES)];
    let line = memchr::memchr(b'\n', view).and_then(|end| {
        let bytes = end + 1;
        let line = Line::parse(&view[..bytes], input.offset() + bytes as u64)?;
        Some((line, bytes))
    });
    Ok(line)
}

/// True if the parcel whose header of `bytes` bytes stands where `input` does is all there.
pub fn is_whole(input: &mut Input, parcel: Parcel, bytes: usize) -> io::Result<bool> {
    let end = bytes + parcel.bytes;
    Ok(input.fill(end)? && parcel.holds(input.offset(), &input.view()[bytes..end]))
}
