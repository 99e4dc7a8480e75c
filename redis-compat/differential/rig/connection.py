"""A client connection that hands out raw frames."""

import socket
import time

from . import resp

RECEIVE_BYTES = 1 << 18


class Closed(Exception):
    """The server closed the connection."""


class Connection:
    """One TCP connection. `data` holds what has arrived and is not taken yet."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local = "%s:%d" % self.socket.getsockname()
        self.remote = "%s:%d" % self.socket.getpeername()
        self.data = bytearray()
        self.ended = False

    def send(self, data):
        """Sends, ignoring a peer that has gone: its absence shows when a reply is read."""
        self.socket.settimeout(20)
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def command(self, *args):
        """Sends one command and returns its reply, past any pushes."""
        self.send(resp.encode_command([a if isinstance(a, bytes) else str(a).encode() for a in args]))
        while True:
            frame = self.frame(10)
            if frame is None:
                raise TimeoutError(f"no reply to {args}")
            if not resp.is_push(frame):
                return frame

    def frame(self, seconds):
        """The next frame, or None when none is complete in time. Raises Closed or resp.ProtocolError."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.data:
                    frame, end = resp.parse(self.data)
                    del self.data[:end]
                    return frame
            except resp.Incomplete:
                pass
            if self.ended:
                raise Closed
            if not self.receive(deadline - time.monotonic()):
                if time.monotonic() >= deadline:
                    return None

    def receive(self, seconds):
        """Takes in what arrives within the time; whether anything did."""
        if self.ended:
            return False
        self.socket.settimeout(max(seconds, 0.0005))
        try:
            chunk = self.socket.recv(RECEIVE_BYTES)
        except (TimeoutError, BlockingIOError):
            return False
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            self.ended = True
            return False
        self.data += chunk
        return True

    def until(self, ending, seconds):
        """All bytes up to the end of `ending`, which the caller knows to be the last reply."""
        deadline = time.monotonic() + seconds
        while not self.data.endswith(ending):
            left = deadline - time.monotonic()
            if self.ended or left <= 0:
                break
            self.receive(left)
        taken, self.data = bytes(self.data), bytearray()
        return taken

    def until_quiet(self, quiet_seconds, seconds):
        """All bytes until nothing comes for a while or the connection ends."""
        deadline = time.monotonic() + seconds
        while not self.ended and time.monotonic() < deadline:
            if not self.receive(quiet_seconds):
                break
        taken, self.data = bytes(self.data), bytearray()
        return taken

    def close(self):
        self.socket.close()
