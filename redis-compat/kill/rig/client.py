"""A connection that never sends anything twice: what was sent and not answered stays unknown."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

REPLY_SECONDS = 30

Gone = (redis.ConnectionError, redis.TimeoutError, OSError)
Refused = redis.ResponseError


class Client:
    def __init__(self, port):
        self.connection = redis.Connection(
            port=port,
            protocol=2,
            socket_timeout=REPLY_SECONDS,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
        )
        self.connection.connect()

    def send(self, commands):
        packed = b"".join(part for command in commands for part in self.connection.pack_command(*command))
        self.connection.send_packed_command([packed], check_health=False)

    def receive(self):
        """The next reply; an error reply is raised as `Refused`, the end of the connection as one of `Gone`."""
        return self.connection.read_response()

    def call(self, *command):
        self.send([command])
        return self.receive()

    def close(self):
        self.connection.disconnect()

