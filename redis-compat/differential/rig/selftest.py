"""Proof that the rig can fail: a proxy in front of the oracle spoils replies, and each spoiling must be noticed.

The scripts and the random episode are first played without a spoiler, and must agree: a rig that always fails proves
as little as one that never does.
"""

import socket
import threading

from .compare import Comparison, Stage
from .episodes import Episode, Mismatch, make_episode
from .script import parse_script

SCRIPT = """
> XADD s 1-1 f v
> XADD s 2-1 f v
> GET none
> FOO
> XREAD STREAMS none 0
> XGROUP CREATE s g 0
> XREADGROUP GROUP g c COUNT 1 STREAMS s >
> XPENDING s g - + 10
> XRANGE s - +
> SET t v EX 100
> TTL t
a>> BLPOP k 0
> RPUSH k x
a<
b> SUBSCRIBE ch
> PUBLISH ch hello
b<
c raw "*1\\r\\n$4\\r\\nPING\\r\\n"
d raw "*x\\r\\n"
"""

# What a broken server might send for what the right one sends.
SPOILERS = {
    "a wrong integer": (b":1\r\n", b":2\r\n"),
    "a changed error text": (b"-ERR unknown command 'FOO'", b"-ERR unknown command `FOO`"),
    "the other kind of null": (b"$-1\r\n", b"*-1\r\n"),
    "a wrong value": (b"$1\r\nv\r\n", b"$1\r\nw\r\n"),
    "a wrong id": (b"$3\r\n2-1\r\n", b"$3\r\n2-2\r\n"),
    "a time to live far off": (b":100\r\n", b":300\r\n"),
    "a changed push": (b"hello", b"hallo"),
    "a length written otherwise": (b"$3\r\n1-1", b"$03\r\n1-1"),
    "a reply too many": (b"+PONG\r\n", b"+PONG\r\n+PONG\r\n"),
    "a reply too few": (b"+PONG\r\n", b""),
    "an early reply to a blocked client": (b"*2\r\n$1\r\nk\r\n$1\r\nx\r\n", b"*2\r\n$1\r\nk\r\n$1\r\ny\r\n"),
    "a changed protocol error": (b"-ERR Protocol error: invalid", b"-ERR Protocol error: unfit"),
}

# The same for a random episode, which speaks RESP3: what any episode surely holds.
EPISODE_SPOILERS = {
    "a wrong integer": (b":1\r\n", b":2\r\n"),
    "a wrong status": (b"+OK\r\n", b"+KO\r\n"),
}


class Proxy:
    """Forwards connections to a server, replacing bytes in what it answers."""

    def __init__(self, port, old, new):
        self.server_port, self.old, self.new = port, old, new
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server_port))
            self.forward(client, server, lambda data: data)
            self.forward(server, client, lambda data: data.replace(self.old, self.new))

    def forward(self, source, sink, change):
        def run():
            while True:
                try:
                    data = source.recv(65536)
                    if not data:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(change(data))
                except OSError:
                    return

        threading.Thread(target=run, daemon=True).start()


class Spoiled(Stage):
    """The oracle behind a spoiling proxy; its control connection is spared."""

    def __init__(self, kind, ports, old, new):
        super().__init__(kind, ports)
        self.old, self.new = old, new

    def start(self, more):
        server = super().start(more)
        server.port = Proxy(server.port, self.old, self.new).port
        return server


def self_test(oracle, ports):
    """0 when every spoiling is noticed and nothing else is."""
    script = parse_script("self-test", SCRIPT)
    stage, known, failed = Stage(oracle, ports), {}, 0
    try:
        failed += check("nothing", False, differs(stage, Stage(oracle, ports), script, known))
        for name, (old, new) in SPOILERS.items():
            failed += check(name, True, differs(stage, Spoiled(oracle, ports, old, new), script, known))
        for name, (old, new) in EPISODE_SPOILERS.items():
            spoiled = Spoiled(oracle, ports, old, new)
            failed += check(name + ", in a random episode", True, episode_differs(stage, spoiled))
        failed += check("nothing, in a random episode", False, episode_differs(stage, Stage(oracle, ports)))
    finally:
        stage.stop()
    print(f"{len(SPOILERS) + len(EPISODE_SPOILERS) + 2 - failed} passed, {failed} failed")
    return 1 if failed else 0


def check(name, expected, noticed):
    print(f"{name}: {'noticed' if noticed else 'the same'}{'' if noticed == expected else ' - WRONG'}", flush=True)
    return noticed != expected


def differs(stage, subject, script, known):
    try:
        return any(Comparison(stage, subject).differences(script, protocol, known) for protocol in (2, 3))
    finally:
        subject.stop()


def episode_differs(stage, subject):
    try:
        Episode(stage.ready(), subject.ready(), 3, True).play(make_episode(1, 1500))
        return False
    except Mismatch:
        return True
    finally:
        subject.stop()
