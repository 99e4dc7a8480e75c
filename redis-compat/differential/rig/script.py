r"""The script format: one step a line.

    # a comment
    > XADD s 1-1 field value       the default client sends a command and reads its reply
    a> GET k                       client `a` does; a client connects where it is first named
    a>> BLPOP k 0                  sends; notes either the reply or that the client is blocked
    a>~ SET k v                    sends and looks at nothing
    a<                             reads one frame (`a< 3`: three)
    a<none                         notes whether nothing comes
    a<all                          reads until it is quiet, and notes whether the connection was closed
    a raw "*1\r\n" "$4\r\nPING\r\n"  sends bytes as they are, a string at a time, then does `a<all`
    a connect [2|3]                (re)connects, with another protocol than the script's if asked
    a close                        closes the connection
    a scan SCAN {} MATCH x*        repeats the command with the cursor it returned, until that is 0
    sleep 20ms

Arguments are split as redis-cli splits them: `"..."` knows \n \r \t \xHH, `'...'` is taken as it stands. Inside
an argument `$id1` is the first generated stream id that was seen, `$client(a)`, `$addr(a)` and `$laddr(a)` belong
to client `a`, `$now_ms+1000`, `$now_s-5` are times, and `$1000(ab)` is `ab` a thousand times.

Before the first step, `proto 2` limits the script to one protocol (otherwise it is played in 2 and in 3),
`fresh --maxclients 2 ...` gives it a server of its own with these arguments, and `hello off` leaves
out the HELLO that opens connections in RESP3.

    for X in LPUSH RPUSH "SET k"   the lines up to the matching `end`, with ${X} replaced, once each;
    end                            `for I in 1..200` counts
"""

import dataclasses
import re


@dataclasses.dataclass
class Step:
    """One line of a script. `kind`: send, block, post, read, none, all, raw, connect, close, scan, sleep."""

    number: int
    line: int
    text: str
    kind: str
    client: str = ""
    args: list = dataclasses.field(default_factory=list)
    count: int = 1


@dataclasses.dataclass
class Script:
    name: str
    steps: list
    protocols: tuple = (2, 3)
    fresh: list | None = None
    hello: bool = True


class ScriptError(Exception):
    """The script itself is wrong."""


DEFAULT_CLIENT = "main"
ARROW = re.compile(r"(\w*)(>>|>~|>|<none|<all|<)\s*(.*)$", re.S)
VERB = re.compile(r"(\w+) (raw|connect|close|scan)\b\s*(.*)$", re.S)
ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b"}
ARROW_KINDS = {">": "send", ">>": "block", ">~": "post", "<": "read", "<none": "none", "<all": "all"}


def parse_script(name, text):
    script = Script(name, [])
    for number, line in expand(list(enumerate(text.splitlines(), 1)), {}):
        try:
            parse_line(script, number, line)
        except (ScriptError, ValueError, IndexError) as error:
            raise ScriptError(f"{name}:{number}: {error}: {line}") from None
    return script


def expand(lines, values):
    """The lines with every loop unrolled and every ${X} replaced."""
    at = 0
    while at < len(lines):
        number, line = lines[at]
        line = replace_variables(line, values).strip()
        at += 1
        if line.startswith("for "):
            body, at = loop_body(lines, at)
            _, variable, _, items = line.split(None, 3)
            for item in loop_items(items):
                yield from expand(body, values | {variable: item})
        elif line and not line.startswith("#"):
            yield number, line


def replace_variables(line, values):
    for variable, value in values.items():
        line = line.replace("${" + variable + "}", value)
    return line


def loop_body(lines, at):
    depth = 1
    for end in range(at, len(lines)):
        word = lines[end][1].strip()
        depth += word.startswith("for ") - (word == "end")
        if depth == 0:
            return lines[at:end], end + 1
    raise ScriptError(f"line {lines[at - 1][0]}: `for` without `end`")


def loop_items(text):
    counted = re.fullmatch(r"(\d+)\.\.(\d+)", text.strip())
    if counted:
        return [str(n) for n in range(int(counted[1]), int(counted[2]) + 1)]
    return [item.decode("latin-1") for item in split(text)]


def parse_line(script, line_number, line):
    number = len(script.steps) + 1
    word, _, rest = line.partition(" ")
    if word == "proto":
        script.protocols = tuple(map(int, rest.split()))
    elif word == "fresh":
        script.fresh = [argument.decode() for argument in split(rest)]
    elif line == "hello off":
        script.hello = False
    elif word == "sleep":
        script.steps.append(Step(number, line_number, line, "sleep", count=int(rest.removesuffix("ms"))))
    elif match := VERB.match(line):
        client, verb, rest = match.groups()
        script.steps.append(Step(number, line_number, line, verb, client, split(rest)))
    elif match := ARROW.match(line):
        script.steps.append(parse_arrow((number, line_number, line), *match.groups()))
    else:
        raise ScriptError("what is this?")


def parse_arrow(place, client, arrow, rest):
    kind, client = ARROW_KINDS[arrow], client or DEFAULT_CLIENT
    if kind == "read":
        return Step(*place, kind, client, count=int(rest or 1))
    return Step(*place, kind, client, split(rest))


def split(text):
    """Splits a line into arguments."""
    arguments, at = [], 0
    while True:
        while at < len(text) and text[at] == " ":
            at += 1
        if at == len(text):
            return arguments
        if text[at] == '"':
            argument, at = split_quoted(text, at + 1)
        elif text[at] == "'":
            end = text.index("'", at + 1)
            argument, at = text[at + 1 : end].encode(), end + 1
        else:
            end = text.find(" ", at)
            end = len(text) if end < 0 else end
            argument, at = text[at:end].encode(), end
        arguments.append(argument)


def split_quoted(text, at):
    out = bytearray()
    while text[at] != '"':
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
        elif text[at + 1] == "x":
            out.append(int(text[at + 2 : at + 4], 16))
            at += 4
        else:
            out += ESCAPES.get(text[at + 1], text[at + 1].encode())
            at += 2
    return bytes(out), at + 1


def quote(argument):
    """An argument as a script writes it: the inverse of `split`."""
    if argument and all(33 <= byte < 127 and byte not in b"\"'\\" for byte in argument):
        return argument.decode()
    out = ""
    for byte in argument:
        if byte in b'"\\':
            out += "\\" + chr(byte)
        else:
            out += chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}"
    return f'"{out}"'
