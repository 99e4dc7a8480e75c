"""A bare RESP connection: bytes out, parsed replies in, nothing done on one's behalf."""

import socket

from harness import PORT

READ_TIMEOUT_S = 5


class Error(str):
    """An error reply: its text."""


class Push(tuple):
    """A RESP3 push frame."""


class Wire:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), READ_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.replies.close()
        self.socket.close()

    def send(self, *commands, bytewise=False):
        """Writes commands (each a line of words, or a list where a word holds blanks) in one go, or byte by byte."""
        request = b"".join(encode(c.split(" ") if isinstance(c, str) else c) for c in commands)
        self.send_raw(request, bytewise)

    def send_raw(self, request, bytewise=False):
        if not bytewise:
            return self.socket.sendall(request)
        for n in range(len(request)):
            self.socket.sendall(request[n : n + 1])

    def read(self):
        """The next reply. A map is a dict, a push a Push, a null None, an error an Error, a closed connection EOFError."""
        line = self.replies.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        match kind:
            case b"+":
                return rest.decode()
            case b"-":
                return Error(rest.decode())
            case b":":
                return int(rest)
            case b",":
                return float(rest)
            case b"#":
                return rest == b"t"
            case b"_":
                return None
            case b"$":
                return None if rest == b"-1" else self.blob(int(rest))
            case b"=":
                return self.blob(int(rest))[4:]
            case b"*":
                return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
            case b">":
                return Push(self.read() for _ in range(int(rest)))
            case b"%":
                return {self.read(): self.read() for _ in range(int(rest))}
            case b"~":
                return {self.read() for _ in range(int(rest))}
        raise ValueError(f"not RESP: {line!r}")

    def blob(self, length):
        data = self.replies.read(length + 2)[:-2]
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data

    def read_many(self, count):
        return [self.read() for _ in range(count)]

    def silent(self):
        """True if nothing arrives for a moment."""
        self.socket.settimeout(0.1)
        try:
            return not self.socket.recv(1)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(READ_TIMEOUT_S)

    def closed(self):
        """True if the server has closed the connection and sent nothing more."""
        return self.replies.read(1) == b""


def encode(words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
