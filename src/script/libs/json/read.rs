//! Reading JSON, as leniently as the library does: numbers as C reads them, and `nan` and `inf` where they are allowed.

use super::{MAX_DEPTH, Settings};
use crate::script::failure::message_here;
use crate::script::state::Unbounded;
use mlua::{Lua, Table, Value};

/// The value that `input` says.
pub fn read(lua: &Lua, settings: &Settings, input: &[u8]) -> mlua::Result<Value> {
    /// Bytes that a value takes at most for each byte of its text.
    const GROWTH: usize = 48;
    let mut reader = Reader {
        lua,
        settings,
        input,
        at: 0,
    };
    if input.len() >= 2 && (input[0] == 0 || input[1] == 0) {
        let text = "JSON parser does not support UTF-16 or UTF-32";
        return Err(message_here(lua, text));
    }
    let _unbounded = Unbounded::lift(lua, input.len().saturating_mul(GROWTH))?;
    let token = reader.token();
    let value = reader.value(token, 0)?;
    match reader.token() {
        (_, Token::End) => Ok(value),
        found => Err(reader.unexpected("the end", found)),
    }
}

/// A piece of JSON.
#[derive(Debug)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Text(Vec<u8>),
    Number(f64),
    Truth(bool),
    Null,
    Colon,
    Comma,
    End,
    Wrong(&'static str),
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::Text(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Truth(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Wrong(why) => why,
        }
    }
}

/// Where a token begins, and what it is.
type Found = (usize, Token);

struct Reader<'r> {
    lua: &'r Lua,
    settings: &'r Settings,
    input: &'r [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, (at, token): Found, depth: usize) -> mlua::Result<Value> {
        Ok(match token {
            Token::Text(text) => Value::String(self.lua.create_string(text)?),
            Token::Number(number) => Value::Number(number),
            Token::Truth(truth) => Value::Boolean(truth),
            Token::Null => Value::NULL,
            Token::ObjectBegin => Value::Table(self.object(depth + 1)?),
            Token::ArrayBegin => Value::Table(self.array(depth + 1)?),
            token => return Err(self.unexpected("value", (at, token))),
        })
    }

    fn unexpected(&self, expected: &str, (at, token): Found) -> mlua::Error {
        let found = token.name();
        let place = at + 1;
        let text = format!("Expected {expected} but found {found} at character {place}");
        message_here(self.lua, text)
    }

    fn check_depth(&self, depth: usize) -> mlua::Result<()> {
        if depth as i64 <= self.settings.decode_max_depth.min(MAX_DEPTH as i64) {
            return Ok(());
        }
        let text = format!(
            "Found too many nested data structures ({depth}) at character {}",
            self.at
        );
        Err(message_here(self.lua, text))
    }

    fn object(&mut self, depth: usize) -> mlua::Result<Table> {
        self.check_depth(depth)?;
        let table = self.lua.create_table()?;
        let mut token = self.token();
        if matches!(token.1, Token::ObjectEnd) {
            return Ok(table);
        }
        loop {
            let key = match token {
                (_, Token::Text(key)) => self.lua.create_string(key)?,
                found => return Err(self.unexpected("object key string", found)),
            };
            match self.token() {
                (_, Token::Colon) => {}
                found => return Err(self.unexpected("colon", found)),
            }
            let found = self.token();
            table.raw_set(key, self.value(found, depth)?)?;
            match self.token() {
                (_, Token::ObjectEnd) => return Ok(table),
                (_, Token::Comma) => token = self.token(),
                found => return Err(self.unexpected("comma or object end", found)),
            }
        }
    }

    fn array(&mut self, depth: usize) -> mlua::Result<Table> {
        self.check_depth(depth)?;
        let table = self.lua.create_table()?;
        let mut token = self.token();
        if matches!(token.1, Token::ArrayEnd) {
            return Ok(table);
        }
        for index in 1usize.. {
            table.raw_set(index, self.value(token, depth)?)?;
            match self.token() {
                (_, Token::ArrayEnd) => break,
                (_, Token::Comma) => token = self.token(),
                found => return Err(self.unexpected("comma or array end", found)),
            }
        }
        Ok(table)
    }

    fn peek(&self) -> u8 {
        self.input.get(self.at).copied().unwrap_or(0)
    }

    fn token(&mut self) -> Found {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let begin = self.at;
        let one = match self.peek() {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b':' => Token::Colon,
            b',' => Token::Comma,
            0 => return (begin, Token::End),
            b'"' => return self.text(),
            b'-' | b'+' | b'0'..=b'9' => return (begin, self.number()),
            _ => return (begin, self.word()),
        };
        self.at += 1;
        (begin, one)
    }

    fn word(&mut self) -> Token {
        let words = [
            (&b"true"[..], Token::Truth(true)),
            (b"false", Token::Truth(false)),
            (b"null", Token::Null),
        ];
        for (word, token) in words {
            if self.input[self.at..].starts_with(word) {
                self.at += word.len();
                return token;
            }
        }
        match self.odd_number() {
            Some(number) => Token::Number(number),
            None => Token::Wrong("invalid token"),
        }
    }

    /// `inf`, `infinity` and `nan` in any case, where they are allowed.
    fn odd_number(&mut self) -> Option<f64> {
        if !self.settings.decode_invalid {
            return None;
        }
        let rest = &self.input[self.at..];
        let odd = [
            (&b"infinity"[..], f64::INFINITY),
            (b"inf", f64::INFINITY),
            (b"nan", f64::NAN),
        ];
        let (word, number) = odd.into_iter().find(|(word, _)| {
            rest.get(..word.len())
                .is_some_and(|text| text.eq_ignore_ascii_case(word))
        })?;
        self.at += word.len();
        Some(number)
    }

    fn number(&mut self) -> Token {
        const WRONG: Token = Token::Wrong("invalid number");
        let sign = match self.peek() {
            b'-' => -1.0,
            _ => 1.0,
        };
        let begin = self.at;
        self.at += usize::from(matches!(self.peek(), b'-' | b'+'));
        let is_hexadecimal =
            self.peek() == b'0' && matches!(self.input.get(self.at + 1), Some(b'x' | b'X'));
        let is_octal =
            self.peek() == b'0' && matches!(self.input.get(self.at + 1), Some(b'0'..=b'9'));
        if (is_hexadecimal || is_octal) && !self.settings.decode_invalid {
            self.at = begin;
            return WRONG;
        }
        if is_hexadecimal {
            self.at += 2;
            return self.hexadecimal(sign);
        }
        match self.peek() {
            b'0'..=b'9' | b'.' => {}
            _ => match self.odd_number() {
                Some(number) => return Token::Number(sign * number),
                None => {
                    self.at = begin;
                    return WRONG;
                }
            },
        }
        let from = self.at;
        self.skip_decimal();
        let digits = std::str::from_utf8(&self.input[from..self.at]).unwrap_or_default();
        match digits.parse::<f64>() {
            Ok(number) => Token::Number(sign * number),
            Err(_) => {
                self.at = begin;
                WRONG
            }
        }
    }

    fn hexadecimal(&mut self, sign: f64) -> Token {
        let mut number = 0.0;
        while let Some(digit) = (self.peek() as char).to_digit(16) {
            number = number * 16.0 + f64::from(digit);
            self.at += 1;
        }
        Token::Number(sign * number)
    }

    /// Steps over digits, a fraction and an exponent.
    fn skip_decimal(&mut self) {
        self.skip_digits();
        if self.peek() == b'.' {
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.peek(), b'e' | b'E') {
            let before = self.at;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'-' | b'+'));
            let digits = self.at;
            self.skip_digits();
            if self.at == digits {
                self.at = before;
            }
        }
    }

    fn skip_digits(&mut self) {
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
    }

    /// A string; what is wrong with one is said to be at the escape, or behind the end.
    fn text(&mut self) -> Found {
        let begin = self.at;
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.input.get(self.at) {
                None => return (self.at, Token::Wrong("unexpected end of string")),
                Some(b'"') => break,
                Some(b'\\') => {
                    if let Err(why) = self.escape(&mut text) {
                        return (self.at, Token::Wrong(why));
                    }
                }
                Some(&byte) => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        (begin, Token::Text(text))
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), &'static str> {
        let byte = match self.input.get(self.at + 1) {
            Some(b'u') => return self.code_point(text),
            Some(&byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'f') => 12,
            Some(b'r') => b'\r',
            _ => return Err("invalid escape code"),
        };
        text.push(byte);
        self.at += 2;
        Ok(())
    }

    fn code_point(&mut self, text: &mut Vec<u8>) -> Result<(), &'static str> {
        const WRONG: &str = "invalid unicode escape code";
        let first = self.four_digits(self.at).ok_or(WRONG)?;
        let (code, len) = match first {
            0xDC00..0xE000 => return Err(WRONG),
            0xD800..0xDC00 => match self.four_digits(self.at + 6) {
                Some(second @ 0xDC00..0xE000) => {
                    (0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF), 12)
                }
                _ => return Err(WRONG),
            },
            code => (code, 6),
        };
        let character = char::from_u32(code).ok_or(WRONG)?;
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += len;
        Ok(())
    }

    /// The code of the escape at `at`.
    fn four_digits(&self, at: usize) -> Option<u32> {
        let digits = self.input.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let digits = std::str::from_utf8(digits).ok()?;
        u32::from_str_radix(digits, 16).ok()
    }
}
