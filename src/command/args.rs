//! A cursor over a request's arguments: each call takes the next one as what it must be, or says what is wrong.

use super::error::{
    Error, NOT_A_FLOAT, NOT_AN_INTEGER, SYNTAX, TIMEOUT_NEGATIVE, TIMEOUT_NOT_A_FLOAT,
    TIMEOUT_OUT_OF_RANGE,
};
use crate::base::clock::Now;
use crate::base::longdouble::LongDouble;
use crate::base::{Blob, float, num};
use crate::keyspace::NEVER;
use crate::resp::Request;
use bytes::Bytes;

/// See the module's description.
#[derive(Clone, Debug)]
pub struct Args<'a> {
    request: &'a Request<'a>,
    at: usize,
}

impl<'a> Args<'a> {
    /// The arguments after the command's name (and its subcommand's, when `skip` is 2).
    pub fn new(request: &'a Request<'a>, skip: usize) -> Self {
        Args { request, at: skip }
    }

    /// The whole request.
    pub fn request(&self) -> Request<'a> {
        *self.request
    }

    /// Index in the request of the next argument.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Number of arguments left.
    pub fn len(&self) -> usize {
        self.request.len() - self.at
    }

    /// True when none is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next argument without taking it.
    #[inline(always)]
    pub fn peek(&self) -> Option<&'a [u8]> {
        (!self.is_empty()).then(|| self.request.arg(self.at))
    }

    /// Takes the next argument; a syntax error when there is none.
    #[inline(always)]
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let arg = self.peek().ok_or(SYNTAX)?;
        self.at += 1;
        Ok(arg)
    }

    /// Takes the next argument as an owned buffer, without copying when it is large.
    pub fn shared(&mut self) -> Result<Bytes, Error> {
        self.bytes()?;
        Ok(self.request.shared(self.at - 1))
    }

    /// Takes the next argument as what a value is made from, without copying it when it is large.
    pub fn blob(&mut self) -> Result<Blob<'a>, Error> {
        self.bytes()?;
        Ok(self.request.blob(self.at - 1))
    }

    /// The arguments left, leaving them, as what values are made from.
    pub fn blobs(&self) -> impl Iterator<Item = Blob<'a>> + Clone + use<'a> {
        let (request, at) = (self.request, self.at);
        (at..request.len()).map(move |index| request.blob(index))
    }

    /// Takes the next argument if it is `keyword`, in upper or lower case.
    pub fn keyword(&mut self, keyword: &str) -> bool {
        let found = self
            .peek()
            .is_some_and(|arg| arg.eq_ignore_ascii_case(keyword.as_bytes()));
        self.at += usize::from(found);
        found
    }

    /// Takes the next argument if it is exactly `text`.
    #[inline(always)]
    pub fn exactly(&mut self, text: &[u8]) -> bool {
        let found = self.peek() == Some(text);
        self.at += usize::from(found);
        found
    }

    /// Takes the next argument as a signed number.
    pub fn int(&mut self) -> Result<i64, Error> {
        num::parse_i64(self.bytes()?).ok_or(NOT_AN_INTEGER)
    }

    /// Takes the next argument as a floating-point number.
    pub fn float(&mut self) -> Result<f64, Error> {
        float::parse_f64(self.bytes()?).ok_or(NOT_A_FLOAT)
    }

    /// Takes `count` arguments without looking.
    pub fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.request.len());
    }

    /// The arguments left, leaving them.
    pub fn rest(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        self.request.args_from(self.at)
    }

    /// When a wait of `seconds` from now ends, steady milliseconds; 0 waits for ever.
    pub fn deadline_ms(seconds: &[u8], now: Now) -> Result<i64, Error> {
        let seconds = LongDouble::parse(seconds).ok_or(TIMEOUT_NOT_A_FLOAT)?;
        match seconds.checked_mul_ceil(1000) {
            Some(0) => Ok(NEVER),
            Some(ms @ 1..) => ms.checked_add(now.steady_ms).ok_or(TIMEOUT_OUT_OF_RANGE),
            Some(_) => Err(TIMEOUT_NEGATIVE),
            None if seconds.is_negative() => Err(TIMEOUT_NEGATIVE),
            None => Err(TIMEOUT_OUT_OF_RANGE),
        }
    }

    /// Asserts the end; a syntax error when arguments are left.
    pub fn end(&self) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(SYNTAX) }
    }
}
