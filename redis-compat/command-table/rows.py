#!/usr/bin/env python3
"""Writes the rows of commands for src/command/table/rows/ from what Redis says of them.

    rows.py [--oracle PORT | --oracle-binary PATH] NAME...

The facts are Redis's; the words are ours: summary, complexity, notes and history come out as "..." and are to be
written, as are the handler's path and, for flags that vary, the option that they vary with. What the table derives is left out; a fact that it would derive wrongly is reported as an
error, and then the derivation in src/command/table/ needs an exception. Run rustfmt over the result.
"""

import argparse
import re
import sys

from oracle import Connection, add_arguments, oracle

WIDTH = 98

# The category that each group has unless a row says otherwise, as in table/mod.rs.
CATEGORY_OF_GROUP = {
    "generic": "keyspace",
    "string": "string",
    "list": "list",
    "hash": "hash",
    "set": "set",
    "sorted-set": "sortedset",
    "bitmap": "bitmap",
    "hyperloglog": "hyperloglog",
    "geo": "geo",
    "stream": "stream",
    "transactions": "transaction",
    "connection": "connection",
    "scripting": "scripting",
}
CATEGORIES_OF_FLAG = {
    "write": {"write"},
    "readonly": {"read"},
    "admin": {"admin", "dangerous"},
    "pubsub": {"pubsub"},
    "blocking": {"blocking"},
    "fast": {"fast"},
}
KEY_FLAGS = {"variable_flags": "VARIABLE"}


def plain(reply):
    """A typed reply as dicts, lists, numbers and text."""
    kind, value = reply
    if kind == "%":
        return {plain(name): plain(value) for name, value in value}
    if isinstance(value, list):
        return [plain(element) for element in value]
    return int(value) if kind == ":" else value.decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("name", nargs="+")
    args = parser.parse_args()
    with oracle(args) as port:
        redis = Connection(port, 3)
        infos = plain(redis.call("COMMAND", "INFO", *args.name))
        docs = plain(redis.call("COMMAND", "DOCS", *args.name))
    for info in infos:
        print(f"{row(info, docs[info[0]])},")


def row(info, docs, group=None, indent=4):
    """The row of a command, or of a subcommand within `group`."""
    name, arity, flags, first, last, step, categories, tips, specs, subcommands = info
    is_container = bool(subcommands) and arity != -1
    short = name.split("|")[-1]
    head = f'container("{short}", {arity})' if is_container else f'row("{short}", {arity}, {handler(name)})'
    chain = [head]
    own_flags = [flag.upper() for flag in flags if flag != "movablekeys"]
    if own_flags:
        chain.append(f".flags({' | '.join(own_flags)})")
    if specs:
        chain.append(f".keys(&[{', '.join(map(key_spec, specs))}])")
    check_derived(name, specs, flags, (first, last, step))
    chain += acl(flags, categories, None if is_container else docs["group"])
    if tips:
        chain.append(f".tips(&[{', '.join(map(quoted, tips))}])")
    chain.append(f'.since("{docs["since"]}")')
    if group is None:
        chain.append(f".group(Group::{docs['group'].title().replace('-', '')})")
    chain += described(docs, is_container, indent + 4)
    if subcommands:
        rows = [row(sub, docs["subcommands"][sub[0]], docs["group"], indent + 8) for sub in sorted(subcommands)]
        chain.append(".subcommands(&[\n" + ",\n".join(rows) + ",\n" + " " * (indent + 4) + "])")
    return ("\n" + " " * (indent + 4)).join([" " * indent + chain[0], *chain[1:]])


def described(docs, is_container, indent):
    chain = ['.complexity("...")'] if "complexity" in docs and not is_container else []
    chain.append('.summary("...")')
    if "history" in docs:
        changes = [f'({quoted(version)}, "...")' for version, _ in docs["history"]]
        chain.append(f".history(&[{', '.join(changes)}])")
    if "deprecated_since" in docs:
        chain.append(f".deprecated({quoted(docs['deprecated_since'])}, {quoted(docs['replaced_by'])})")
    if "syscmd" in docs.get("doc_flags", []):
        chain.append(".internal()")
    if docs.get("arguments"):
        chain.append(syntax(docs["arguments"], indent))
    return chain


def handler(name):
    container, _, sub = name.partition("|")
    return f"{container}::{sub.replace('-', '_') or 'run'}"


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def acl(flags, categories, group):
    """Nothing, or the categories that neither flags nor group imply."""
    implied = set().union(*(CATEGORIES_OF_FLAG.get(flag, set()) for flag in flags))
    implied |= set() if "fast" in flags else {"slow"}
    actual = {category.removeprefix("@") for category in categories}
    if actual == implied | {CATEGORY_OF_GROUP.get(group)} - {None}:
        return []
    if not implied <= actual:
        sys.exit(f"not in these categories, though its flags imply them: {implied - actual}")
    return [f".acl({' | '.join(f'acl::{category.upper()}' for category in sorted(actual - implied)) or '0'})"]


def check_derived(name, specs, flags, legacy):
    ranges = [spec for spec in specs if (spec["begin_search"]["type"], spec["find_keys"]["type"]) == ("index", "range")]
    movable = len(ranges) != len(specs) or any("incomplete" in spec["flags"] for spec in specs)
    if movable != ("movablekeys" in flags):
        sys.exit(f"{name}: movablekeys is not what its key specs say")
    derived = (0, 0, 0)
    for spec in ranges:
        begin, found = spec["begin_search"]["spec"]["index"], spec["find_keys"]["spec"]
        end = found["lastkey"] + (begin if found["lastkey"] >= 0 else 0)
        if derived == (0, 0, 0):
            derived = (begin, end, found["keystep"])
        elif derived[1] >= 0 and begin == derived[1] + 1 and derived[2] == 1:
            derived = (derived[0], end, 1)
    if derived != legacy:
        sys.exit(f"{name}: first, last and step are {legacy}; its key specs say {derived}")


def key_spec(spec):
    begin, found = spec["begin_search"], spec["find_keys"]
    flags = " | ".join(KEY_FLAGS.get(flag, flag.upper()) for flag in spec["flags"])
    match begin["type"]:
        case "index":
            text = f"at({begin['spec']['index']}, {flags})"
        case "keyword":
            text = f"after({quoted(begin['spec']['keyword'])}, {begin['spec']['startfrom']}, {flags})"
        case _:
            text = f"unknown({flags})"
    if found["type"] == "range":
        usual = {"lastkey": ("to", 0), "keystep": ("step", 1), "limit": ("limit", 0)}
        for field, (method, default) in usual.items():
            if found["spec"][field] != default:
                text += f".{method}({found['spec'][field]})"
    elif found["type"] == "keynum":
        if found["spec"] != {"keynumidx": 0, "firstkey": 1, "keystep": 1}:
            sys.exit(f"a new kind of key count: {found['spec']}")
        text += ".counted()"
    return text + ('.note("...")' if "notes" in spec else "")


class Notation:
    """Arguments in the notation of table/syntax.rs."""

    def __init__(self):
        self.keys = 0

    def sequence(self, arguments):
        following = [*arguments[1:], None]
        return [self.item(one, follower is None or "optional" in follower.get("flags", []))
                for one, follower in zip(arguments, following, strict=True)]

    def item(self, argument, stands_alone):
        """One argument; a bare token must stand alone, or it would become the next argument's."""
        flags = argument.get("flags", [])
        body = self.token(argument, stands_alone or "optional" in flags)
        if body is None:
            body = self.value(argument)
        if "multiple" in flags and "multiple_token" not in flags:
            body += "..."
        body += f"@{argument['since']}" if "since" in argument else ""
        body += f"!{argument['deprecated_since']}" if "deprecated_since" in argument else ""
        if "optional" in flags:
            body = f"[{body}]"
        return body + ("..." if "multiple_token" in flags else "")

    def token(self, argument, stands_alone):
        if argument["type"] != "pure-token":
            return None
        name, token = argument["name"], argument["token"]
        is_bare = stands_alone and re.fullmatch("[A-Z][A-Z0-9-]*", token) and token.lower() == name
        return token if is_bare else f"{name}='{token}'"

    def value(self, argument):
        name, kind = argument["name"], argument["type"]
        body = f"{argument['token']} {name}" if "token" in argument else name
        if argument.get("display_text", name) != name:
            body += f"({argument['display_text']})"
        if kind == "oneof":
            body += f":<{' | '.join(self.item(part, True) for part in argument['arguments'])}>"
        elif kind == "block":
            body += f":{{{' '.join(self.sequence(argument['arguments']))}}}"
        elif kind != (name if name in ("key", "pattern") else "string"):
            body += f":{kind}"
        expected = self.keys if kind == "key" else None
        if argument.get("key_spec_index") != expected:
            body += f"#{argument['key_spec_index']}"
        self.keys += kind == "key"
        return body


def syntax(arguments, indent):
    """The call, in one line or in several that break between arguments."""
    items = Notation().sequence(arguments)
    line = f".syntax({quoted(' '.join(items))})"
    if indent + len(line) <= WIDTH:
        return line
    room = WIDTH - indent - 8
    lines = [""]
    for piece in (piece for item in items for piece in ([item] if len(item) <= room else re.split(r" (?=\| |\[)", item))):
        if lines[-1] and len(lines[-1]) + 1 + len(piece) > room:
            lines.append(piece)
        else:
            lines[-1] = f"{lines[-1]} {piece}".strip()
    pad = " " * indent
    return f'.syntax(\n{pad}    "' + f" \\\n{pad}     ".join(lines) + f'",\n{pad})'


if __name__ == "__main__":
    main()
