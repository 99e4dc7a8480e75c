"""Pages of examples, read: their blocks, and whether what was printed is what a page shows.

The word behind a block's fence says what it is:

    (none)    a terminal: `$ ` before a command, below it what it prints; `127.0.0.1:6379> ` before what is typed into redis-cli
    python    a file, whose name stands in its first line as a comment; terminals run it
    conf      lines of the configuration file that the server is started with
    syntax    a command's arguments; COMMAND DOCS must know every word in capitals

`<!-- needs NAME -->` in the line before a block names a command or a directive: a server without it skips the block.

Each id on the page stands for one that the server gave, always the same, and is replaced by it in commands. Any Unix time in milliseconds is as
good as any other. An integer of two digits or more that does not end in 0 is a time that was measured: it may be some seconds off, on its own
side of zero. Everything else must be as shown.
"""

import re
from dataclasses import dataclass, field

FENCE = re.compile(r"^```(\w*)$")
NEEDS = re.compile(r"^<!-- needs (\S+) -->$")
PROMPT = re.compile(r"^127\.0\.0\.1:6379(?:\(TX\))?> (.*)$")
# An id, a Unix time, or an integer that redis-cli shows.
VARIES = re.compile(r"(?<!\d)\d{13}-\d+(?!\d)|(?<![\d-])\d{13}(?![\d-])|(?<=\(integer\) )-?\d+")
OFF_BY_MS = 5000
MEASURED_DIGITS = range(2, 13)


@dataclass
class Block:
    kind: str
    line: int
    needs: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


@dataclass
class Step:
    """A command, what is typed into it, and what it should print."""

    line: int
    command: str
    typed: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)


def blocks_of(text):
    found, block, needs = [], None, ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if block is not None and line == "```":
            found.append(block)
            block = None
        elif block is not None:
            block.lines.append(line)
        elif fence:
            block, needs = Block(fence[1], number, needs), ""
        else:
            marker = NEEDS.match(line)
            needs = marker[1] if marker else ""
    if block is not None:
        raise ValueError(f"line {block.line}: a block without an end")
    return found


def steps_of(block):
    """The commands of a terminal; raises ValueError if it does not begin with one."""
    steps = []
    for number, line in enumerate(block.lines, block.line + 1):
        typed = PROMPT.match(line)
        if line.startswith("$ "):
            steps.append(Step(number, line[2:]))
        elif not steps:
            raise ValueError(f"line {number}: no command before what is printed")
        elif typed:
            steps[-1].typed.append(typed[1])
        else:
            steps[-1].expected.append(line)
    return steps


class Ids:
    """Which id of the server each id of the page stands for."""

    def __init__(self):
        self.real = {}

    def replace(self, text):
        return VARIES.sub(lambda match: self.real.get(match[0], match[0]), text)

    def same(self, shown, printed):
        """True if a line that is shown says what the printed one does."""
        if VARIES.sub("_", shown) != VARIES.sub("_", printed):
            return False
        return all(self.stands_for(*pair) for pair in zip(VARIES.findall(shown), VARIES.findall(printed)))

    def stands_for(self, shown, printed):
        if "-" in shown[1:]:
            if "-" not in printed[1:]:
                return False
            known = self.real.get(shown)
            if known is None and printed not in self.real.values():
                self.real[shown] = known = printed
            return known == printed
        if len(shown) == len(printed) == 13:
            return True
        number, other = int(shown), int(printed)
        if len(shown.lstrip("-")) in MEASURED_DIGITS and number % 10:
            return (number < 0) == (other < 0) and abs(number - other) <= OFF_BY_MS
        return number == other
