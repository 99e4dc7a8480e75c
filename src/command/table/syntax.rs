//! The notation in which a row writes its command's arguments, and its parser.
//!
//! It reads like a manual page and holds all that COMMAND DOCS tells of an argument:
//!
//! ```text
//! field                        an argument, a string
//! count:integer                ... of another type; `key` and `pattern` alone have the type of that name
//! addr(ip:port)                ... shown to readers under another name
//! NOMKSTREAM                   a token: the word itself, named in lower case
//! auto-id='*'                  a token with a name of its own
//! LIMIT count:integer          an argument behind a token
//! strategy:<MAXLEN | MINID>    one of several
//! data:{field value}           several together
//! id...                        once or more
//! [COUNT count:integer]        may be left out
//! [GET pattern]...             any number of times, the token each time
//! MINID@6.2.0                  since that version of Redis
//! old-format!2.8.12            deprecated since that version
//! destination:key#2            the key that the spec with index 2 finds; unless said, the first argument of type key
//!                              belongs to spec 0, the second to spec 1, and so on
//! ```
//!
//! The marks behind an argument come in the order `#`, `...`, `@`, `!`; brackets enclose them all. An upper-case word
//! is the token of the argument after it; before a bracket, a bar or an end it is an argument of its own.

use std::borrow::Cow;

/// One argument, or a group of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: Cow<'static, str>,
    /// The name that readers see, where it differs.
    pub display: Option<&'static str>,
    /// What it is.
    pub kind: Kind,
    /// The key spec that finds it.
    pub key_spec: Option<u8>,
    /// The word that goes before it, or that it is.
    pub token: Option<&'static str>,
    /// The version of Redis that had it first, if later than the command.
    pub since: Option<&'static str>,
    /// The version of Redis that deprecated it.
    pub deprecated_since: Option<&'static str>,
    /// It may be left out.
    pub is_optional: bool,
    /// It may come more than once.
    pub is_multiple: bool,
    /// Its token comes with it each time.
    pub repeats_token: bool,
}

/// What an argument is.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value; the type's name is what COMMAND DOCS calls it.
    Value(&'static str),
    /// Its token alone.
    PureToken,
    /// One of several.
    OneOf(Vec<Argument>),
    /// Several together.
    Block(Vec<Argument>),
}

impl Kind {
    /// The name that COMMAND DOCS gives it.
    pub fn text(&self) -> &'static str {
        match self {
            Kind::Value(name) => name,
            Kind::PureToken => "pure-token",
            Kind::OneOf(_) => "oneof",
            Kind::Block(_) => "block",
        }
    }

    /// What it is made of.
    pub fn parts(&self) -> &[Argument] {
        match self {
            Kind::Value(_) | Kind::PureToken => &[],
            Kind::OneOf(parts) | Kind::Block(parts) => parts,
        }
    }
}

/// The types of values.
const VALUE_TYPES: [&str; 6] = ["string", "integer", "double", "key", "pattern", "unix-time"];

/// What is wrong with a row's syntax, and where it is: the text from there on.
#[derive(Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What should stand there.
    pub expected: &'static str,
    /// The rest of the text.
    pub rest: &'static str,
}

type Parsed<T> = Result<T, SyntaxError>;

/// The arguments that `text` writes down.
pub fn parse(text: &'static str) -> Parsed<Vec<Argument>> {
    let mut cursor = Cursor {
        rest: text,
        keys: 0,
    };
    let arguments = cursor.sequence()?;
    if cursor.rest.is_empty() {
        Ok(arguments)
    } else {
        cursor.expected("an argument or the end")
    }
}

struct Cursor {
    rest: &'static str,
    /// Arguments of type key so far.
    keys: u8,
}

impl Cursor {
    /// Arguments up to a closing sign, a bar or the end.
    fn sequence(&mut self) -> Parsed<Vec<Argument>> {
        let mut arguments = Vec::new();
        while !self.at_end_of_argument() {
            arguments.push(self.item()?);
            self.eat(" ");
        }
        Ok(arguments)
    }

    fn alternatives(&mut self) -> Parsed<Vec<Argument>> {
        let mut arguments = vec![self.item()?];
        while self.eat(" | ") {
            arguments.push(self.item()?);
        }
        Ok(arguments)
    }

    fn item(&mut self) -> Parsed<Argument> {
        if !self.eat("[") {
            return self.argument();
        }
        let mut argument = self.argument()?;
        self.require("]", "]")?;
        argument.is_optional = true;
        if self.eat("...") {
            (argument.is_multiple, argument.repeats_token) = (true, true);
        }
        Ok(argument)
    }

    fn argument(&mut self) -> Parsed<Argument> {
        let word = self.word()?;
        if !word.starts_with(|c: char| c.is_ascii_uppercase()) {
            return self.named(word);
        }
        let after_blank = self.rest.strip_prefix(' ').unwrap_or_default();
        if after_blank.is_empty() || after_blank.starts_with(['[', '|']) {
            let argument = Argument::new(word.to_ascii_lowercase().into(), Kind::PureToken);
            return self.marks(Argument {
                token: Some(word),
                ..argument
            });
        }
        self.eat(" ");
        let name = self.word()?;
        Ok(Argument {
            token: Some(word),
            ..self.named(name)?
        })
    }

    /// What follows the name of an argument that has a name of its own.
    fn named(&mut self, name: &'static str) -> Parsed<Argument> {
        if self.eat("='") {
            let token = self.up_to('\'', "a token and its closing quote")?;
            let argument = Argument::new(name.into(), Kind::PureToken);
            return self.marks(Argument {
                token: Some(token),
                ..argument
            });
        }
        let display = if self.eat("(") {
            Some(self.up_to(')', "a name and )")?)
        } else {
            None
        };
        let kind = self.kind(name)?;
        let mut argument = Argument {
            display,
            ..Argument::new(name.into(), kind)
        };
        if argument.kind == Kind::Value("key") {
            argument.key_spec = Some(self.keys);
            self.keys += 1;
        }
        self.marks(argument)
    }

    fn kind(&mut self, name: &str) -> Parsed<Kind> {
        if self.eat(":<") {
            let parts = self.alternatives()?;
            self.require(">", "| or >")?;
            return Ok(Kind::OneOf(parts));
        }
        if self.eat(":{") {
            let parts = self.sequence()?;
            self.require("}", "an argument or }")?;
            return Ok(Kind::Block(parts));
        }
        if self.eat(":") {
            let known = |text: &&&str| self.rest.starts_with(**text);
            let Some(text) = VALUE_TYPES.iter().find(known) else {
                return self.expected("a type");
            };
            self.eat(text);
            return Ok(Kind::Value(text));
        }
        Ok(Kind::Value(match name {
            "key" => "key",
            "pattern" => "pattern",
            _ => "string",
        }))
    }

    fn marks(&mut self, mut argument: Argument) -> Parsed<Argument> {
        if self.eat("#") {
            let digits = self.take_while(|c| c.is_ascii_digit());
            let Ok(index) = digits.parse() else {
                return self.expected("the index of a key spec");
            };
            argument.key_spec = Some(index);
        }
        argument.is_multiple = self.eat("...");
        argument.since = self.version("@")?;
        argument.deprecated_since = self.version("!")?;
        Ok(argument)
    }

    fn version(&mut self, mark: &str) -> Parsed<Option<&'static str>> {
        if !self.eat(mark) {
            return Ok(None);
        }
        match self.take_while(|c| c.is_ascii_digit() || c == '.') {
            "" => self.expected("a version"),
            version => Ok(Some(version)),
        }
    }

    fn word(&mut self) -> Parsed<&'static str> {
        match self.take_while(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            "" => self.expected("a word"),
            word => Ok(word),
        }
    }

    fn at_end_of_argument(&self) -> bool {
        self.rest.is_empty() || self.rest.starts_with(['}', '>', ']', '|'])
    }

    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn require(&mut self, text: &str, expected: &'static str) -> Parsed<()> {
        if self.eat(text) {
            Ok(())
        } else {
            self.expected(expected)
        }
    }

    fn up_to(&mut self, end: char, expected: &'static str) -> Parsed<&'static str> {
        let Some((text, rest)) = self.rest.split_once(end) else {
            return self.expected(expected);
        };
        self.rest = rest;
        Ok(text)
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'static str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        text
    }

    fn expected<T>(&self, expected: &'static str) -> Parsed<T> {
        Err(SyntaxError {
            expected,
            rest: self.rest,
        })
    }
}

/// The arguments as HELP shows them: `key <id | $> [MKSTREAM] [COUNT count] id [id ...]`.
pub fn usage(arguments: &[Argument]) -> String {
    let words: Vec<_> = arguments.iter().map(Argument::usage).collect();
    words.join(" ")
}

impl Argument {
    fn usage(&self) -> String {
        let value = match &self.kind {
            Kind::Value(_) => self.display.unwrap_or(&self.name).to_owned(),
            Kind::PureToken => String::new(),
            Kind::Block(parts) => usage(parts),
            Kind::OneOf(parts) => {
                let parts: Vec<_> = parts.iter().map(Argument::usage).collect();
                format!("<{}>", parts.join(" | "))
            }
        };
        let whole = match self.token {
            Some(token) if value.is_empty() => token.to_owned(),
            Some(token) => format!("{token} {value}"),
            None => value.clone(),
        };
        let all = match (self.is_multiple, self.repeats_token) {
            (false, _) => whole,
            (true, false) => format!("{whole} [{value} ...]"),
            (true, true) => format!("{whole} [{whole} ...]"),
        };
        if !self.is_optional {
            return all;
        }
        // Brackets say the same as the angles of a choice.
        let inner = all
            .strip_prefix('<')
            .and_then(|inner| inner.strip_suffix('>'));
        format!("[{}]", inner.filter(|_| !self.is_multiple).unwrap_or(&all))
    }

    fn new(name: Cow<'static, str>, kind: Kind) -> Argument {
        Argument {
            name,
            display: None,
            kind,
            key_spec: None,
            token: None,
            since: None,
            deprecated_since: None,
            is_optional: false,
            is_multiple: false,
            repeats_token: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &'static str, kind: &'static str) -> Argument {
        Argument::new(name.into(), Kind::Value(kind))
    }

    #[test]
    fn values_have_types_and_keys_have_specs() {
        let key = |name: &'static str, index| Argument {
            key_spec: Some(index),
            ..value(name, "key")
        };
        assert_eq!(
            parse("key destination:key by:key#0 count:integer pattern member"),
            Ok(vec![
                key("key", 0),
                key("destination", 1),
                key("by", 0),
                value("count", "integer"),
                value("pattern", "pattern"),
                value("member", "string"),
            ])
        );
    }

    #[test]
    fn an_upper_case_word_is_a_token_or_goes_before_an_argument() {
        let limit = Argument {
            token: Some("LIMIT"),
            ..value("count", "integer")
        };
        let token = |name: &'static str, token| Argument {
            token: Some(token),
            ..Argument::new(name.into(), Kind::PureToken)
        };
        let optional = Argument {
            is_optional: true,
            ..token("force", "FORCE")
        };
        assert_eq!(
            parse("LIMIT count:integer a='*' FULL [FORCE]"),
            Ok(vec![
                limit,
                token("a", "*"),
                token("full", "FULL"),
                optional
            ])
        );
    }

    #[test]
    fn groups_nest_and_marks_come_last() {
        let minid = Argument {
            token: Some("MINID"),
            since: Some("6.2.0"),
            ..Argument::new("minid".into(), Kind::PureToken)
        };
        let shown = Argument {
            display: Some("ip:port"),
            deprecated_since: Some("2.8.12"),
            ..value("old", "string")
        };
        let ids = Argument {
            is_multiple: true,
            ..value("id", "string")
        };
        let block = Argument::new("b".into(), Kind::Block(vec![ids]));
        let one = Argument {
            is_optional: true,
            is_multiple: true,
            since: Some("7.0.0"),
            ..Argument::new("x".into(), Kind::OneOf(vec![minid, shown, block]))
        };
        assert_eq!(
            parse("[x:<MINID@6.2.0 | old(ip:port)!2.8.12 | b:{id...}>...@7.0.0]"),
            Ok(vec![one])
        );
    }

    #[test]
    fn dots_behind_a_bracket_repeat_the_token() {
        let get = Argument {
            token: Some("GET"),
            is_optional: true,
            is_multiple: true,
            repeats_token: true,
            ..value("pattern", "pattern")
        };
        assert_eq!(parse("[GET pattern]..."), Ok(vec![get]));
    }

    #[test]
    fn usage_reads_like_a_manual() {
        let shown = |text| usage(&parse(text).expect("good syntax"));
        let text = "key [NOMKSTREAM@6.2.0] [o:<equal='=' | almost='~'>] [LIMIT count:integer] id... \
                    data:{field value}... [GET pattern]... addr(ip:port) by:<ID n:integer | NONE>";
        assert_eq!(
            shown(text),
            "key [NOMKSTREAM] [= | ~] [LIMIT count] id [id ...] field value [field value ...] \
             [GET pattern [GET pattern ...]] ip:port <ID n | NONE>"
        );
    }

    #[test]
    fn mistakes_are_pointed_at() {
        let error = |expected, rest| Err(SyntaxError { expected, rest });
        assert_eq!(parse("[key"), error("]", ""));
        assert_eq!(parse("key]"), error("an argument or the end", "]"));
        assert_eq!(parse("x:float"), error("a type", "float"));
        assert_eq!(parse("x:<A, B>"), error("| or >", ", B>"));
        assert_eq!(parse("a='*"), error("a token and its closing quote", "*"));
        assert_eq!(parse("a@"), error("a version", ""));
        assert_eq!(parse("a (b)"), error("a word", "(b)"));
    }
}
