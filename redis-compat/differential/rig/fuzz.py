"""Broken input: pipelines with bytes changed, cut, doubled and split anywhere, on two servers.

Each case is a byte string made from one seed. It is sent in pieces and its end announced, so that a server answers all
it can and closes; everything it sent until then is compared. That it still serves others, the next case shows.
"""

import random
import socket
import time

from . import resp
from .connection import Connection

END_SECONDS = 5

COMMANDS = [
    [b"PING"], [b"PING", b"x"], [b"ECHO", b"world"], [b"SET", b"k", b"v"], [b"GET", b"k"], [b"GET", b"none"],
    [b"RPUSH", b"l", b"a", b"b"], [b"LRANGE", b"l", b"0", b"-1"], [b"DEL", b"l", b"k"],
    [b"XADD", b"s", b"MAXLEN", b"5", b"1-*", b"f", b"v"],
    [b"XRANGE", b"s", b"-", b"+"], [b"MULTI"], [b"EXEC"], [b"UNWATCH"], [b"INCR", b"n"],
    [b"TYPE", b"k"], [b"SELECT", b"x"],
    [b"SUBSCRIBE", b"c"], [b"UNSUBSCRIBE", b"c"], [b"CLIENT", b"GETNAME"], [b"RESET"], [b"FOO", b"bar"], [b"GET"],
    [b"", b"x"],
]  # fmt: skip
INLINE = [
    b"PING\r\n", b"\r\n", b"GET k\n", b"ECHO 'a b'\r\n", b'SET k "x\\x41\\n"\r\n', b'ECHO "open\r\n',
    b"  GET  k  \r\n",
    b"LRANGE l 0 -1\r\n", b"\t\r\n", b"MULTI\r\n", b"EXEC\r\n", b"*\r\n", b"$3\r\n", b"ECHO 'a'b\r\n",
]  # fmt: skip
PIECES = [
    b"\r\n", b"\n", b"\r", b"*", b"$", b"*0\r\n", b"*-1\r\n", b"$-1\r\n", b"*2\r\n", b"$0\r\n\r\n",
    b"*1048577\r\n", b"$536870913\r\n",
    b"\x00", b"\xff", b'"', b"'", b" ", b"-", b"9", b"*3\r\n$3\r\n",
    b"$99999999999999999999\r\n", b":1\r\n", b"+OK\r\n",
]  # fmt: skip

# A changed letter could make a command of one that Millstream does not have, which would say nothing about its parser.
NOT_LETTERS = [byte for byte in range(256) if not bytes([byte]).isalpha()]


def make_case(seed):
    """A byte string and where it is split."""
    chooser = random.Random(seed)
    data = bytearray()
    for _ in range(chooser.randint(1, 6)):
        data += chooser.choice(INLINE) if chooser.random() < 0.3 else resp.encode_command(chooser.choice(COMMANDS))
    for _ in range(chooser.choice([0, 1, 1, 1, 2, 3])):
        spoil(chooser, data)
    splits = sorted(chooser.randrange(len(data) + 1) for _ in range(chooser.choice([0, 0, 1, 3])))
    return bytes(data), splits


def spoil(chooser, data):
    at, form = chooser.randrange(len(data) + 1), chooser.randrange(6)
    if form == 0:
        data[at:at] = chooser.choice(PIECES)
    elif form == 1:
        del data[at : at + chooser.randint(1, 4)]
    elif form == 2 and at < len(data):
        data[at] = chooser.choice(NOT_LETTERS)
    elif form == 3:
        del data[at:]
    elif form == 4:
        data[at : at + 1] = chooser.choice(PIECES)
    else:
        data[at:at] = data[at : at + chooser.randint(1, 20)]
    if not data:
        data += b"PING\r\n"


def answer(server, data, splits):
    """All that a server sends back to these bytes."""
    connection = Connection(server.port)
    try:
        for start, end in zip([0, *splits], [*splits, len(data)]):
            connection.send(data[start:end])
            if splits:
                time.sleep(0.001)
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        seen = connection.until_quiet(END_SECONDS, END_SECONDS)
        return seen + (b"" if connection.ended else b"(not closed)")
    finally:
        connection.close()


def run_fuzz(oracle, subject, cases, seed):
    """Plays broken inputs on both; (passed, failed)."""
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    failed = 0
    begun = time.monotonic()
    for number in range(seed, seed + cases):
        failed += not same_answer(oracle, subject, number)
        if failed == 10:
            break
    seconds = time.monotonic() - begun
    print(f"{subject.kind.name}: {cases} broken inputs from seed {seed}: {failed} failed, {seconds:.0f} s", flush=True)
    return cases - failed, failed


def same_answer(oracle, subject, seed):
    data, splits = make_case(seed)
    for _ in range(2):
        expected, got = (answer(stage.ready(), data, splits) for stage in (oracle, subject))
        if expected == got:
            return True
    print(f"FAIL broken input, seed {seed} on {subject.kind.name}: {resp.printable(data)} split at {splits}")
    print(f"  expected  {resp.printable(expected)[:600]}\n  got       {resp.printable(got)[:600]}", flush=True)
    return False
