"""Scripts: what a run consists of, so that it can be played again in parts.

A step is a tuple: `("run", words)`, `("multi", [words, ...])`, `("pass", ms)`, `("step", ms)`, `("restart", how)`. Where a word depends on
what the server answered before, it stands as an object that is resolved when the step is played: ids above all, which are never the same twice.
"""

from .spec import Stream, text

NOBODYS = "1-1"


class Made:
    """The id that the XADD with this number was answered with."""

    def __init__(self, number):
        self.number = number

    def resolve(self, player):
        return player.made.get(self.number, NOBODYS)

    def __repr__(self):
        return f"#{self.number}"


class At:
    """The id at a place of a stream."""

    def __init__(self, key, place):
        self.key, self.place = key, place

    def resolve(self, player):
        stream = player.model.keys.get(self.key)
        ids = sorted(stream.entries) if isinstance(stream, Stream) else []
        return text(ids[self.place]) if self.place < len(ids) else NOBODYS

    def __repr__(self):
        return f"{self.key}[{self.place}]"


class Beyond:
    """An id beyond the last one of a stream."""

    def __init__(self, key, ms):
        self.key, self.ms = key, ms

    def resolve(self, player):
        stream = player.model.keys.get(self.key)
        return f"{(stream.last_id[0] if isinstance(stream, Stream) else 0) + self.ms}-7"

    def __repr__(self):
        return f"last({self.key})+{self.ms}"


class Moment:
    """`@unix-ms`, so long from now."""

    def __init__(self, ms):
        self.ms = ms

    def resolve(self, player):
        return f"@{player.model.now + self.ms}"

    def __repr__(self):
        return f"@now{self.ms:+d}"


def resolve(words, player):
    return [word if isinstance(word, str) else word.resolve(player) for word in words]


def show(step):
    kind, what = step
    if kind == "run":
        return "    " + " ".join(map(spoken, what))
    if kind == "multi":
        return "\n".join(["    MULTI", *("      " + " ".join(map(spoken, words)) for words in what), "    EXEC"])
    if kind in ("pass", "step"):
        return f"    DEBUG CLOCK {kind.upper()} {what}"
    return f"    ({what})"


def spoken(word):
    return repr(word) if not isinstance(word, str) else word or '""'
