"""Spoils what a killed server left, to prove that the checker sees it: an effect lost, doubled, half done, a hole."""

import pathlib


def newest_increment(data):
    """The last increment that has effects in it."""
    files = pathlib.Path(data, "appendonlydir").glob("*.incr.aof")
    numbered = sorted((file for file in files if file.stat().st_size), key=lambda file: int(file.name.split(".")[-3]))
    return numbered[-1]


def frames(content):
    """(start, end, words) of each command, up to one that the kill has torn; annotations stand alone with no words."""
    at = 0
    while at < len(content):
        if content[at : at + 1] == b"#":
            start, at = at, content.find(b"\n", at) + 1 or len(content)
            yield start, at, []
            continue
        try:
            words, end = command(content, at)
        except ValueError:
            return
        yield at, end, words
        at = end


def command(content, at):
    """The words of a whole command and where it ends; ValueError if it is none."""
    count, at = number(content, at, b"*")
    words = []
    for _ in range(count):
        length, at = number(content, at, b"$")
        words.append(content[at : at + length])
        at += length + 2
        if content[at - 2 : at] != b"\r\n":
            raise ValueError
    return words, at


def number(content, at, mark):
    """The number on a line that begins with the mark, and where the next line begins."""
    end = content.index(b"\r\n", at)
    if content[at : at + 1] != mark:
        raise ValueError
    return int(content[at + 1 : end]), end + 2


def plain(content):
    """Without filler and checksums, which would tell that somebody was at it."""
    ours = (b"#MP:", b"#MF", b"#ME", b"##")
    return b"".join(content[start:end] for start, end, words in frames(content) if words or not content.startswith(ours, start))


def find(content, name, key, part):
    """A command by name and key: the one at that part of all of them, 0 the first, 0.5 the middle one."""
    found = [(start, end) for start, end, words in frames(content) if words[:2] == [name, key]]
    if not found:
        raise LookupError(f"no {name} {key} in the log")
    return found[int(len(found) * part)]


def without(name, key, part=0.5):
    def spoil(content):
        start, end = find(content, name, key, part)
        return content[:start] + content[end:]

    return spoil


def twice(name, key):
    def spoil(content):
        start, end = find(content, name, key, 0.5)
        return content[:end] + content[start:end] + content[end:]

    return spoil


def without_the_last(count):
    """As if the last commands had not been written; a transaction counts as one, and is never cut in two."""

    def spoil(content):
        depth, ends = 0, []
        for _, end, words in frames(content):
            depth += {b"MULTI": 1, b"EXEC": -1}.get(words[0].upper() if words else b"", 0)
            if depth == 0:
                ends.append(end)
        return content[: ends[-count - 1]]

    return spoil


# What is done to the log, and whether it is within what `everysec` may lose. Each spoils what is seen whatever the writers chose to
# do: an effect that others of the same writer follow (without them it could be the one that was not written any more), and an
# acknowledgement of the first round, which the second found there (of those after it, `everysec` promises none yet).
SPOILERS = {
    "an effect is lost": (without(b"LPUSH", b"q:source"), False),
    "a late effect is lost": (without(b"INCRBY", b"w0:n", part=0.9), False),
    "an acknowledgement is lost": (without(b"XACK", b"g:s", part=0), False),
    "an effect is doubled": (twice(b"LPUSH", b"q:source"), False),
    "a counter is doubled": (twice(b"INCR", b"t:n"), False),
    "a transaction is half done": (without(b"INCR", b"t:n"), False),
    "another half is lost": (without(b"RPUSH", b"t:a", part=0.9), False),
    "the end is lost": (without_the_last(60), True),
}


def apply(spoil, data):
    file = newest_increment(data)
    file.write_bytes(spoil(plain(file.read_bytes())))
