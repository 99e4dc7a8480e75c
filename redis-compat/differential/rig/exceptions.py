"""The known, deliberate differences between Millstream and Redis, as `exceptions.toml` lists them.

An exception names a command (and, if it must, one script) and says how its reply is to be read: `fields` are keys of
a map, or `name:` lines of a text, whose values are not compared; `missing` are fields, or patterns of lines, that one
of them lacks; `unused` are groups of fields that either may leave out where all have these values; `members` are elements of a list that one of them lacks; `newer_than` leaves arguments and lines of history out of
documentation that a later version of Redis brought; `reply = "help"` compares only that the reply is an array of lines. Every exception
carries its reason.
"""

import fnmatch
import pathlib
import tomllib

from . import masks

IGNORED = ("+", b"<differs by design>")


class Exceptions:
    def __init__(self, path):
        self.rows = tomllib.loads(pathlib.Path(path).read_text()).get("exception", [])
        for row in self.rows:
            assert row["command"] and row["reason"], f"an exception without command or reason: {row}"

    def apply(self, args, frame):
        """The reply with everything made equal that an exception names."""
        for row in self.rows:
            words = row["command"].upper().encode().split()
            if [arg.upper() for arg in args[: len(words)]] == words and frame[0] != "-":
                frame = apply_one(row, frame)
        return frame


def apply_one(row, frame):
    if row.get("reply") == "help":
        return IGNORED if frame[0] == "*" and all(line[0] == "+" for line in frame[1]) else frame
    names = {name.encode() for name in row.get("fields", [])}
    kind, value = frame
    if isinstance(value, list):
        members = [name.encode() for name in row.get("members", [])]
        frame = kind, [item for item in value if item[1] not in members]
        if "newer_than" in row:
            frame = without_newer(frame, version(row["newer_than"]))
        frame = masks.fields({name: lambda _: IGNORED for name in names})(frame)
        frame = without_unused(frame, row.get("unused", []))
        return without(frame, {name.encode() for name in row.get("missing", [])})
    if kind in "$=" and value:
        missing = row.get("missing", [])
        lines = [line for line in value.split(b"\n") if not is_named(line, missing)]
        return kind, b"\n".join(shown_line(line, names) for line in lines)
    return frame


def is_named(line, patterns):
    name = line.partition(b":")[0].strip().decode("latin-1")
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def shown_line(line, names):
    key, colon, _ = line.partition(b":")
    return key + colon + b"<differs by design>\r" if key in names else line


def without(frame, names):
    """A map, or the flat array RESP2 makes of it, without some of its fields, also those of maps within it."""
    kind, value = frame
    if not names or not isinstance(value, list):
        return frame
    pairs = list(zip(value[::2], value[1::2])) if len(value) % 2 == 0 else []
    if any(key[1] in names for key, _ in pairs if not isinstance(key[1], list)):
        value = [item for pair in pairs if pair[0][1] not in names for item in pair]
    return kind, [without(item, names) for item in value]


def without_unused(frame, groups):
    """A map without those groups of fields that all have the values given, also those of maps within it."""
    kind, value = frame
    if not groups or not isinstance(value, list):
        return frame
    pairs = list(zip(value[::2], value[1::2])) if len(value) % 2 == 0 else []
    found = {key[1]: item for key, item in pairs if isinstance(key[1], bytes)}
    for group in groups:
        wanted = {name.encode(): number for name, number in group.items()}
        if all(name in found and masks.number(found[name]) == number for name, number in wanted.items()):
            value = [item for pair in zip(value[::2], value[1::2]) if pair[0][1] not in wanted for item in pair]
    return kind, [without_unused(item, groups) for item in value]


def without_newer(frame, newest):
    """Documentation without the arguments and lines of history that came after a version."""
    kind, value = frame
    if not isinstance(value, list):
        return frame
    items = [without_newer(item, newest) for item in value]
    if len(items) % 2 or not all(isinstance(key[1], bytes) for key in items[::2]):
        return kind, items
    kept = []
    for key, item in zip(items[::2], items[1::2]):
        if key[1] in (b"arguments", b"history"):
            item = item[0], [part for part in item[1] if since(part) <= newest]
        if item[1] != []:
            kept += [key, item]
    return kind, kept


def since(part):
    """The version that brought an argument or a line of history."""
    _, value = part
    if len(value) == 2:
        return version(value[0][1].decode())
    fields = dict(zip((key[1] for key in value[::2]), value[1::2]))
    return version(fields[b"since"][1].decode()) if b"since" in fields else (0,)


def version(text):
    return tuple(map(int, text.split(".")[:2]))
