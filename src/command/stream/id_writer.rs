//! Writes ids as replies and the log have them, a bulk string each: `$<length>` CR LF `<ms>-<seq>` CR LF.
//!
//! The ids that XADD gives come in runs of one millisecond: the half they share is formatted once, and of the next in sequence mostly only the
//! last digit changes.

use crate::data::stream::{Id, MAX_ID_BYTES};

/// Where the text stands, behind `$`, a length of two digits and a line end; a length of one digit leaves the first byte unused.
const TEXT_AT: usize = 5;
const LINE_END: &[u8; 2] = b"\r\n";
const MAX_BULK_BYTES: usize = TEXT_AT + MAX_ID_BYTES + LINE_END.len();

/// See the module's description.
#[derive(Clone, Copy, Debug)]
pub struct IdWriter {
    /// The id that `bytes` says.
    id: Id,
    bytes: [u8; MAX_BULK_BYTES],
    /// Where the bulk string begins.
    begin: usize,
    /// Where the sequence number stands.
    seq_at: usize,
    /// Where the text ends.
    end: usize,
}

impl Default for IdWriter {
    fn default() -> Self {
        let mut bytes = [0; MAX_BULK_BYTES];
        bytes[1..10].copy_from_slice(b"$3\r\n0-0\r\n");
        IdWriter {
            id: Id::MIN,
            bytes,
            begin: 1,
            seq_at: TEXT_AT + 2,
            end: TEXT_AT + 3,
        }
    }
}

impl IdWriter {
    /// `id` as a bulk string.
    #[inline(always)]
    pub fn bulk(&mut self, id: Id) -> &[u8] {
        let last_digit = &mut self.bytes[self.end - 1];
        let is_next = id.ms == self.id.ms && id.seq.checked_sub(self.id.seq) == Some(1);
        if is_next && *last_digit < b'9' {
            *last_digit += 1;
            self.id = id;
        } else {
            self.turn_to(id);
        }
        &self.bytes[self.begin..self.end + LINE_END.len()]
    }

    /// The text of the id that was written last.
    pub fn text(&self) -> &[u8] {
        &self.bytes[TEXT_AT..self.end]
    }

    #[inline(never)]
    fn turn_to(&mut self, id: Id) {
        let mut digits = itoa::Buffer::new();
        if id.ms != self.id.ms {
            let ms = digits.format(id.ms).as_bytes();
            self.seq_at = TEXT_AT + ms.len() + 1;
            self.bytes[TEXT_AT..][..ms.len()].copy_from_slice(ms);
            self.bytes[self.seq_at - 1] = b'-';
        }
        let seq = digits.format(id.seq).as_bytes();
        self.end = self.seq_at + seq.len();
        self.bytes[self.seq_at..self.end].copy_from_slice(seq);
        self.bytes[self.end..][..LINE_END.len()].copy_from_slice(LINE_END);
        self.id = id;
        self.write_head();
    }

    fn write_head(&mut self) {
        let length = self.end - TEXT_AT;
        let digit = |n: usize| b'0' + n as u8;
        let head = [b'$', digit(length / 10), digit(length % 10), b'\r', b'\n'];
        self.bytes[..TEXT_AT].copy_from_slice(&head);
        self.begin = usize::from(length < 10);
        self.bytes[self.begin] = b'$';
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Reply;

    #[test]
    fn ids_are_written_as_replies_have_them() {
        let mut writer = IdWriter::default();
        let parts = [
            0,
            1,
            2,
            8,
            9,
            10,
            11,
            99,
            100,
            101,
            999_999,
            1_000_000,
            1_700_000_000_000,
            u64::MAX - 1,
            u64::MAX,
        ];
        for ms in parts {
            // Behind the greatest number comes none, not 0.
            for seq in parts.into_iter().chain([0]) {
                let id = Id::new(ms, seq);
                let mut reply = Reply::default();
                reply.bulk(&id.text());
                assert_eq!(Some(writer.bulk(id)), reply.single_slice());
                assert_eq!(writer.text(), &*id.text());
            }
        }
    }
}
