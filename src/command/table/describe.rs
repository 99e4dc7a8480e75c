//! What COMMAND INFO and COMMAND DOCS say of a row, as a tree of replies.
//!
//! Refuses to know the protocol version: a [`Tree`] has sets and maps, which the reply writer flattens for RESP2.

use std::borrow::Cow;

use super::keys::{Begin, Find, KeySpec};
use super::syntax::{self, Argument};
use super::words::{access, acl, flag};
use super::{Group, Spec};
use crate::resp::Reply;

/// A nested reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// A number.
    Int(i64),
    /// A simple string.
    Status(Cow<'static, str>),
    /// A bulk string.
    Bulk(Cow<'static, str>),
    /// In order.
    Array(Vec<Tree>),
    /// In any order.
    Set(Vec<Tree>),
    /// By name.
    Map(Vec<(Cow<'static, str>, Tree)>),
}

impl Tree {
    fn bulk(text: impl Into<Cow<'static, str>>) -> Tree {
        Tree::Bulk(text.into())
    }

    /// Writes it out.
    pub fn write(&self, reply: &mut Reply) {
        match self {
            Tree::Int(n) => reply.int(*n),
            Tree::Status(text) => reply.simple(text),
            Tree::Bulk(text) => reply.bulk(text.as_bytes()),
            Tree::Array(trees) => {
                reply.array(trees.len());
                trees.iter().for_each(|tree| tree.write(reply));
            }
            Tree::Set(trees) => {
                reply.set(trees.len());
                trees.iter().for_each(|tree| tree.write(reply));
            }
            Tree::Map(pairs) => {
                reply.map(pairs.len());
                for (name, tree) in pairs {
                    reply.bulk(name.as_bytes());
                    tree.write(reply);
                }
            }
        }
    }

    fn statuses(texts: impl Iterator<Item = &'static str>) -> Tree {
        Tree::Set(texts.map(|text| Tree::Status(text.into())).collect())
    }
}

/// A row under the name and in the group that clients know it by.
#[derive(Clone)]
struct Subject {
    name: Cow<'static, str>,
    group: Group,
    spec: &'static Spec,
}

/// The element of COMMAND INFO's reply for a row, subcommands included. A subcommand's full name is `xgroup|create`,
/// and its group is its container's.
pub fn info(full_name: &'static str, group: Group, spec: &'static Spec) -> Tree {
    Subject::new(full_name, group, spec).info()
}

/// What COMMAND DOCS says of a row, subcommands included.
pub fn docs(full_name: &'static str, group: Group, spec: &'static Spec) -> Tree {
    Subject::new(full_name, group, spec).docs()
}

impl Subject {
    fn new(name: &'static str, group: Group, spec: &'static Spec) -> Subject {
        Subject {
            name: name.into(),
            group,
            spec,
        }
    }

    fn subcommands(&self) -> impl Iterator<Item = Subject> {
        self.spec.subcommands.iter().map(|spec| Subject {
            name: format!("{}|{}", self.name, spec.name).into(),
            group: self.group,
            spec,
        })
    }

    fn info(&self) -> Tree {
        let spec = self.spec;
        let (first, last, step) = legacy_range(spec.keys);
        let categories = acl::texts(spec.categories(self.group))
            .map(|text| Tree::Status(format!("@{text}").into()));
        Tree::Array(vec![
            Tree::Bulk(self.name.clone()),
            Tree::Int(spec.arity.into()),
            Tree::statuses(flag::texts(spec.all_flags())),
            Tree::Int(first),
            Tree::Int(last),
            Tree::Int(step),
            Tree::Set(categories.collect()),
            Tree::Set(spec.tips.iter().copied().map(Tree::bulk).collect()),
            Tree::Set(spec.keys.iter().map(key_spec).collect()),
            self.subcommands_info(),
        ])
    }

    /// None are an empty set, some are an array: so clients know it.
    fn subcommands_info(&self) -> Tree {
        match self.spec.subcommands {
            [] => Tree::Set(vec![]),
            _ => Tree::Array(self.subcommands().map(|sub| sub.info()).collect()),
        }
    }

    fn docs(&self) -> Tree {
        let docs = &self.spec.docs;
        let mut map = Map::default();
        map.text("summary", docs.summary);
        map.text("since", docs.since);
        map.text("group", self.group.text());
        map.text("complexity", docs.complexity);
        if docs.is_internal {
            map.put("doc_flags", Tree::statuses(["syscmd"].into_iter()));
        }
        if let Some((since, instead)) = docs.deprecated {
            map.put("doc_flags", Tree::statuses(["deprecated"].into_iter()));
            map.text("deprecated_since", since);
            map.text("replaced_by", instead);
        }
        if !docs.history.is_empty() {
            map.put(
                "history",
                Tree::Set(docs.history.iter().map(change).collect()),
            );
        }
        if !docs.syntax.is_empty() {
            let arguments = syntax::parse(docs.syntax).expect("a test parses every row's syntax");
            map.put("arguments", arguments_tree(&arguments));
        }
        if !self.spec.subcommands.is_empty() {
            let subcommands = self.subcommands().map(|sub| (sub.name.clone(), sub.docs()));
            map.put("subcommands", Tree::Map(subcommands.collect()));
        }
        Tree::Map(map.0)
    }
}

/// A map under construction, which leaves out what is empty.
#[derive(Default)]
struct Map(Vec<(Cow<'static, str>, Tree)>);

impl Map {
    fn put(&mut self, name: &'static str, value: Tree) {
        self.0.push((name.into(), value));
    }

    fn text(&mut self, name: &'static str, text: impl Into<Cow<'static, str>>) {
        let text = text.into();
        if !text.is_empty() {
            self.put(name, Tree::Bulk(text));
        }
    }
}

fn change((version, what): &(&'static str, &'static str)) -> Tree {
    Tree::Array(vec![Tree::bulk(*version), Tree::bulk(*what)])
}

/// First key, last key and step, which is all that clients older than key specs understand: the first plain range,
/// and what adjoins it.
fn legacy_range(specs: &[KeySpec]) -> (i64, i64, i64) {
    let mut range = None;
    for spec in specs {
        let (Begin::Index(begin), Find::Range { last, step, .. }) = (spec.begin, spec.find) else {
            continue;
        };
        let begin = i64::from(begin);
        let end = if last < 0 {
            last.into()
        } else {
            begin + i64::from(last)
        };
        range = match range {
            None => Some((begin, end, i64::from(step))),
            Some((first, last, 1)) if last >= 0 && begin == last + 1 => Some((first, end, 1)),
            other => other,
        };
    }
    range.unwrap_or_default()
}

fn key_spec(spec: &KeySpec) -> Tree {
    let mut map = Map::default();
    map.text("notes", spec.note);
    map.put("flags", Tree::statuses(access::texts(spec.flags)));
    map.put("begin_search", begin_search(spec.begin));
    let find = match spec.begin {
        Begin::Last(_) => Find::Unknown,
        _ => spec.find,
    };
    map.put("find_keys", find_keys(find));
    Tree::Map(map.0)
}

fn begin_search(begin: Begin) -> Tree {
    match begin {
        Begin::Index(index) => step("index", vec![("index".into(), Tree::Int(index.into()))]),
        Begin::Keyword(keyword, from) => step(
            "keyword",
            vec![
                ("keyword".into(), Tree::bulk(keyword)),
                ("startfrom".into(), Tree::Int(from.into())),
            ],
        ),
        Begin::Last(_) | Begin::Unknown => step("unknown", vec![]),
    }
}

fn find_keys(find: Find) -> Tree {
    match find {
        Find::Range {
            last,
            step: keystep,
            limit,
        } => step(
            "range",
            vec![
                ("lastkey".into(), Tree::Int(last.into())),
                ("keystep".into(), Tree::Int(keystep.into())),
                ("limit".into(), Tree::Int(limit.into())),
            ],
        ),
        Find::Counted { step: keystep } => step(
            "keynum",
            vec![
                ("keynumidx".into(), Tree::Int(0)),
                ("firstkey".into(), Tree::Int(1)),
                ("keystep".into(), Tree::Int(keystep.into())),
            ],
        ),
        Find::Unknown => step("unknown", vec![]),
    }
}

fn step(kind: &'static str, spec: Vec<(Cow<'static, str>, Tree)>) -> Tree {
    Tree::Map(vec![
        ("type".into(), Tree::bulk(kind)),
        ("spec".into(), Tree::Map(spec)),
    ])
}

fn arguments_tree(arguments: &[Argument]) -> Tree {
    Tree::Array(arguments.iter().map(argument).collect())
}

fn argument(argument: &Argument) -> Tree {
    let mut map = Map::default();
    let parts = argument.kind.parts();
    map.text("name", argument.name.clone());
    map.text("type", argument.kind.text());
    if parts.is_empty() {
        map.text(
            "display_text",
            argument.display.map_or(argument.name.clone(), Cow::from),
        );
    }
    if let Some(index) = argument.key_spec {
        map.put("key_spec_index", Tree::Int(index.into()));
    }
    if let Some(token) = argument.token {
        map.put("token", Tree::bulk(token));
    }
    map.text("since", argument.since.unwrap_or_default());
    map.text(
        "deprecated_since",
        argument.deprecated_since.unwrap_or_default(),
    );
    let marks = [
        (argument.is_optional, "optional"),
        (argument.is_multiple, "multiple"),
        (argument.repeats_token, "multiple_token"),
    ];
    if marks.iter().any(|(applies, _)| *applies) {
        map.put(
            "flags",
            Tree::statuses(
                marks
                    .iter()
                    .filter(|(applies, _)| *applies)
                    .map(|(_, text)| *text),
            ),
        );
    }
    if !parts.is_empty() {
        map.put("arguments", arguments_tree(parts));
    }
    Tree::Map(map.0)
}

#[cfg(test)]
mod tests {
    use super::super::keys::{after, at, unknown};
    use super::super::words::access::{RO, RW};
    use super::super::words::flag::{FAST, READONLY};
    use super::super::{container, row};
    use super::*;
    use crate::command::ctx::DONE;
    use crate::resp::Version;

    static BOX: Spec = container("box", -2)
        .group(Group::List)
        .since("1.0.0")
        .subcommands(&[row("open", -3, |_, _| DONE)
            .flags(READONLY | FAST)
            .keys(&[at(2, RO).note("n")])
            .tips(&["t"])
            .since("2.0.0")
            .summary("s")
            .history(&[("3.0.0", "h")])
            .deprecated("4.0.0", "`SHUT`")
            .syntax("key [WITH x:<a='*' | n(num):integer>...@3.0.0]")]);

    /// A short picture of a tree: sets in braces, statuses with a plus.
    fn picture(tree: &Tree) -> String {
        let list = |trees: &[Tree]| trees.iter().map(picture).collect::<Vec<_>>().join(" ");
        match tree {
            Tree::Int(n) => n.to_string(),
            Tree::Status(text) => format!("+{text}"),
            Tree::Bulk(text) => text.to_string(),
            Tree::Array(trees) => format!("[{}]", list(trees)),
            Tree::Set(trees) => format!("{{{}}}", list(trees)),
            Tree::Map(pairs) => {
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(name, value)| format!("{name}={}", picture(value)))
                    .collect();
                format!("({})", pairs.join(" "))
            }
        }
    }

    #[test]
    fn info_tells_what_is_derived_and_names_subcommands_in_full() {
        let keys = "{(notes=n flags={+RO} begin_search=(type=index spec=(index=2)) \
                    find_keys=(type=range spec=(lastkey=0 keystep=1 limit=0)))}";
        let open = format!(
            "[box|open -3 {{+readonly +fast}} 2 2 1 {{+@read +@list +@fast}} {{t}} {keys} {{}}]"
        );
        assert_eq!(
            picture(&info("box", Group::List, &BOX)),
            format!("[box -2 {{}} 0 0 0 {{+@slow}} {{}} {{}} [{open}]]")
        );
        assert_eq!(
            picture(&info("box|open", Group::List, &BOX.subcommands[0])),
            open
        );
    }

    #[test]
    fn docs_hold_the_arguments_as_a_tree() {
        let tree = docs("box|open", Group::List, &BOX.subcommands[0]);
        assert_eq!(
            picture(&tree),
            "(summary=s since=2.0.0 group=list doc_flags={+deprecated} deprecated_since=4.0.0 replaced_by=`SHUT` \
             history={[3.0.0 h]} arguments=[(name=key type=key display_text=key key_spec_index=0) \
             (name=x type=oneof token=WITH since=3.0.0 flags={+optional +multiple} arguments=[\
             (name=a type=pure-token display_text=a token=*) (name=n type=integer display_text=num)])])"
        );
        let tree = docs("box", Group::List, &BOX);
        assert!(picture(&tree).starts_with(
            "(since=1.0.0 group=list complexity=That of the subcommand subcommands=(box|open=("
        ));
    }

    #[test]
    fn adjoining_keys_are_one_range_to_old_clients() {
        assert_eq!(legacy_range(&[]), (0, 0, 0));
        assert_eq!(legacy_range(&[at(1, RO), at(2, RW)]), (1, 2, 1));
        assert_eq!(legacy_range(&[at(1, RO).to(-1).step(2)]), (1, -1, 2));
        assert_eq!(legacy_range(&[at(1, RO), at(3, RO)]), (1, 1, 1));
        assert_eq!(
            legacy_range(&[after("K", 1, RO), unknown(RO), at(2, RO).counted()]),
            (0, 0, 0)
        );
    }

    #[test]
    fn trees_are_written_as_the_protocol_version_has_them() {
        let tree = Tree::Array(vec![
            Tree::Int(1),
            Tree::Set(vec![Tree::Status("s".into())]),
            Tree::Map(vec![("n".into(), Tree::bulk("b"))]),
        ]);
        let written = |version| {
            let mut reply = Reply::new(version);
            let start = reply.mark();
            tree.write(&mut reply);
            String::from_utf8_lossy(reply.since(start)).replace("\r\n", " ")
        };
        assert_eq!(written(Version::Resp2), "*3 :1 *1 +s *2 $1 n $1 b ");
        assert_eq!(written(Version::Resp3), "*3 :1 ~1 +s %1 $1 n $1 b ");
    }
}
