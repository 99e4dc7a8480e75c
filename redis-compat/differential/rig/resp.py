"""RESP framing: just enough to cut a byte stream into frames and to look inside them.

A frame is a pair `(kind, value)`. `kind` is the type byte of the wire as a one-character string; `value` is

    + - : , # ( _      bytes, the rest of the line
    $ = !              bytes, or None for the null `$-1`
    * ~ >              list of frames, or None for the null `*-1`
    % |                list of frames, keys and values alternating

`parse` accepts only the one canonical spelling of every length, so `encode(parse(x)) == x`: comparing frames
is comparing bytes.
"""

LINES = "+-:,#(_"
BULKS = "$=!"
ARRAYS = "*~>"
MAPS = "%|"

DEPTH_MAX = 64


class Incomplete(Exception):
    """More bytes are needed before the frame ends."""


class ProtocolError(Exception):
    """The bytes are not RESP."""


def parse(data, at=0, depth=0):
    """The frame that starts at `at`, and the position after it."""
    end = data.find(b"\r\n", at)
    if end < 0:
        raise Incomplete
    kind, line, after = chr(data[at]), bytes(data[at + 1 : end]), end + 2
    if kind in LINES:
        return (kind, line), after
    if kind in BULKS:
        return parse_bulk(kind, line, data, after)
    if kind in ARRAYS or kind in MAPS:
        return parse_aggregate(kind, line, data, after, depth)
    raise ProtocolError(f"unknown type byte {kind!r}")


def parse_bulk(kind, line, data, at):
    length = parse_length(line)
    if length < 0:
        return (kind, None), at
    if len(data) < at + length + 2:
        raise Incomplete
    if data[at + length : at + length + 2] != b"\r\n":
        raise ProtocolError("a bulk string does not end where its length says")
    return (kind, bytes(data[at : at + length])), at + length + 2


def parse_aggregate(kind, line, data, at, depth):
    if depth == DEPTH_MAX:
        raise ProtocolError("nested too deeply")
    length = parse_length(line)
    if length < 0:
        return (kind, None), at
    items = []
    for _ in range(length * 2 if kind in MAPS else length):
        item, at = parse(data, at, depth + 1)
        items.append(item)
    return (kind, items), at


def parse_length(line):
    try:
        length = int(line)
    except ValueError:
        raise ProtocolError(f"bad length {line!r}") from None
    if str(length).encode() != line or length < -1:
        raise ProtocolError(f"bad length {line!r}")
    return length


def encode(frame):
    """The bytes of a frame."""
    kind, value = frame
    head = kind.encode()
    if kind in LINES:
        return head + value + b"\r\n"
    if value is None:
        return head + b"-1\r\n"
    if kind in BULKS:
        return b"%b%d\r\n%b\r\n" % (head, len(value), value)
    count = len(value) // 2 if kind in MAPS else len(value)
    return b"%b%d\r\n" % (head, count) + b"".join(map(encode, value))


def encode_command(args):
    """A request as clients send it: an array of bulk strings."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        parts.append(b"$%d\r\n%b\r\n" % (len(arg), arg))
    return b"".join(parts)


def is_push(frame, resp2_subscriber=False):
    """Whether the frame answers no command: a RESP3 push, or the array of a RESP2 subscriber's message."""
    kind, value = frame
    if kind == ">":
        return True
    return bool(resp2_subscriber and kind == "*" and value and value[0][1] in MESSAGES)


MESSAGES = (b"message", b"pmessage", b"smessage")


def printable(data):
    """Bytes as one readable line, ASCII only."""
    return repr(bytes(data))[2:-1].replace("\\'", "'").replace("\\r\\n", " ")
