"""A connection that sends a batch of commands in one write and reads as many replies."""

import socket

import hiredis

REPLY_SECONDS = 30
Gone = (OSError, EOFError)


class Wire:
    def __init__(self, port, timeout=REPLY_SECONDS):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = hiredis.Reader(encoding="utf-8", errors="replace")

    def batch(self, commands):
        """The replies; errors are `hiredis.ReplyError` among them."""
        self.socket.sendall(b"".join(map(pack, commands)))
        return [self.receive() for _ in commands]

    def call(self, *words):
        return self.batch([words])[0]

    def receive(self):
        while (reply := self.reader.gets()) is False:
            received = self.socket.recv(1 << 16)
            if not received:
                raise EOFError("the server closed the connection")
            self.reader.feed(received)
        return reply

    def close(self):
        self.socket.close()


def pack(words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


def is_error(reply):
    return isinstance(reply, hiredis.ReplyError)
