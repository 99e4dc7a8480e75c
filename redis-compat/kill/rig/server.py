"""The server under the hammer: started, killed, started again on what it left."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .client import Client, Gone, Refused

START_SECONDS = 60
STOP_SECONDS = 30


class Broken(Exception):
    """The server does what a server may not: it does not start, or ends by itself."""


class Server:
    """A program and its data directory; at most one process of it runs at a time."""

    def __init__(self, program, port, arguments=()):
        self.program, self.port, self.arguments = program, port, list(arguments)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="millstream-kill-"))
        self.log = self.dir.with_suffix(".log")
        self.process = None

    def spawn(self, more):
        command = [self.program, "--port", self.port, "--bind", "127.0.0.1", "--dir", self.dir / "data"]
        (self.dir / "data").mkdir(exist_ok=True)
        with open(self.log, "ab") as output:
            words = [str(word) for word in [*command, *self.arguments, *more]]
            self.process = subprocess.Popen(words, stdout=output, stderr=output)

    def await_ready(self):
        """Waits until the data are loaded; returns a client."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Broken(f"the server ended by itself ({self.process.returncode}):\n{self.tail()}")
            with contextlib.suppress(Refused, *Gone):
                client = Client(self.port)
                client.call("GET", "anything")
                return client
            time.sleep(0.005)
        raise Broken(f"the server is not ready after {START_SECONDS} s:\n{self.tail()}")

    def kill(self):
        """SIGKILL; the moment just before it."""
        if self.process.poll() is not None:
            raise Broken(f"the server ended by itself ({self.process.returncode}):\n{self.tail()}")
        moment = time.monotonic()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return moment

    def terminate(self):
        """SIGTERM, which must end it in order; the moment of it."""
        moment = time.monotonic()
        self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Broken(f"the server does not stop on SIGTERM:\n{self.tail()}") from None
        if code != 0:
            raise Broken(f"exit code {code} on SIGTERM:\n{self.tail()}")
        return moment

    def tail(self):
        return self.log.read_text(errors="replace")[-4000:]

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def discard(self):
        self.end()
        shutil.rmtree(self.dir, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.remove(self.log)


def free_port(ports):
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise Broken(f"no free port from {ports.start} to {ports.stop - 1}")
