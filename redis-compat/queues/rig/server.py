"""The server: started on a data directory, stopped, killed, started again on what it left."""

import contextlib
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .wire import Gone, Wire, is_error

ROOT = pathlib.Path(__file__).resolve().parents[3]
PORTS = range(24100, 24400)
START_SECONDS, STOP_SECONDS = 60, 30


class Broken(Exception):
    """The server does what a server may not: it does not start, or ends by itself."""


class Server:
    def __init__(self, program, arguments=(), ports=PORTS, config=None):
        self.program, self.arguments = pathlib.Path(program).resolve(), [str(word) for word in arguments]
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="millstream-queues-"))
        self.log = self.dir / "log"
        self.port, self.config = free_port(ports), config
        self.process = None

    def start(self):
        """Starts it and waits until the data are loaded; returns a connection."""
        (self.dir / "data").mkdir(exist_ok=True)
        words = [self.config] if self.config else []
        words += ["--port", self.port, "--bind", "127.0.0.1", "--dir", self.dir / "data", "--save", "", *self.arguments]
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen([self.program, *map(str, words)], stdout=output, stderr=output)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(*Gone):
                wire = Wire(self.port)
                if not is_error(wire.call("GET", "anything")):
                    return wire
            time.sleep(0.005)
        raise Broken(f"the server is not ready after {START_SECONDS} s:\n{self.tail()}")

    def check(self):
        if self.process.poll() is not None:
            raise Broken(f"the server ended by itself ({self.process.returncode}):\n{self.tail()}")

    def kill(self):
        self.check()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self):
        self.check()
        self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Broken(f"the server does not stop on SIGTERM:\n{self.tail()}") from None
        if code != 0:
            raise Broken(f"exit code {code} on SIGTERM:\n{self.tail()}")

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def discard(self):
        self.end()
        shutil.rmtree(self.dir, ignore_errors=True)


def free_port(ports):
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise Broken(f"no free port from {ports.start} to {ports.stop - 1}")
