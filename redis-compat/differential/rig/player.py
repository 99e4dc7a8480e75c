"""Plays a script on a server and writes down what each client saw."""

import dataclasses
import itertools
import re
import time

from . import masks, resp
from .connection import Closed, Connection
from .transaction import Transaction

REPLY_SECONDS = 3
SILENT_SECONDS = 0.02
PUSH_SECONDS = 1
BLOCK_SECONDS = 0.4
QUIET_SECONDS = 0.04
REST_SECONDS = 0.02

SUBSCRIBING = {b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"}
UNSUBSCRIBING = {b"UNSUBSCRIBE", b"PUNSUBSCRIBE", b"SUNSUBSCRIBE"}
SUBSCRIPTION_REPLIES = tuple(name.lower() for name in SUBSCRIBING | UNSUBSCRIBING)
VARIABLE = re.compile(rb"\$(?:id(\d+)|(client|addr|laddr)\((\w+)\)|now_(ms|s)([+-]\d+)?|(\d+)\((.+?)\))", re.S)


@dataclasses.dataclass(frozen=True)
class Event:
    """Something a client saw: the step it was looking for it in, and the masked bytes."""

    step: int
    client: str
    seen: bytes


def is_subscription_reply(frame):
    kind, value = frame
    return kind in ">*" and value and len(value) == 3 and value[0][1] in SUBSCRIPTION_REPLIES and value[2][0] == ":"


class Client:
    """A client of the script: its connection, and what its transaction has queued.

    `silent` is a client that once waited for a reply in vain; it is not waited for as long again.
    """

    def __init__(self, name, connection, client_id):
        self.name, self.connection, self.id = name, connection, client_id
        self.transaction = Transaction()
        self.awaited = []
        self.subscriber = self.monitor = False
        self.silent = False


class Player:
    """One play of one script. `patience` multiplies every time it waits to see that nothing happens."""

    def __init__(self, server, script, protocol, patience=1):
        self.server, self.script, self.protocol, self.patience = server, script, protocol, patience
        self.clients, self.events, self.context = {}, [], masks.Context()

    def play(self):
        try:
            for step in self.script.steps:
                self.take(step)
            for client in list(self.clients.values()):
                self.finish(client)
        finally:
            for client in self.clients.values():
                client.connection.close()
        return sort_patterns(self.events)

    def take(self, step):
        getattr(self, "do_" + step.kind)(step)

    def note(self, step, client, seen):
        self.events.append(Event(step.number if step else 0, client, seen))

    def client(self, name, protocol=None):
        if name not in self.clients:
            self.clients[name] = self.connect(name, protocol or self.protocol)
        return self.clients[name]

    def connect(self, name, protocol):
        connection = Connection(self.server.port)
        client_id = None
        if self.script.hello:
            if protocol == 3:
                connection.command("HELLO", "3")
            kind, value = connection.command("CLIENT", "ID")
            client_id = int(value) if kind == ":" else None
            self.context.name_client(name, client_id, connection)
        return Client(name, connection, client_id)

    def do_connect(self, step):
        if step.client in self.clients:
            self.finish(self.clients.pop(step.client))
        self.client(step.client, int(step.args[0]) if step.args else None)

    def do_close(self, step):
        self.client(step.client).connection.close()
        del self.clients[step.client]
        time.sleep(REST_SECONDS)

    def do_sleep(self, step):
        time.sleep(step.count / 1000)

    def post(self, step):
        """Sends the step's command."""
        client = self.client(step.client)
        args = [VARIABLE.sub(self.variable, arg) for arg in step.args]
        if b"*" in args or args[:1] == [b"EXEC"]:
            begin_millisecond()
        client.connection.send(resp.encode_command(args))
        client.awaited.append(args)
        return client, args

    def variable(self, match):
        if match[1]:
            wanted = b"<id%b>" % match[1]
            return next((text for text, name in self.context.generated.items() if name == wanted), b"0-0")
        if match[2]:
            client = self.client(match[3].decode())
            connection = client.connection
            shown = {b"client": str(client.id), b"addr": connection.local, b"laddr": connection.remote}
            return shown[match[2]].encode()
        if match[6]:
            return match[7] * int(match[6])
        unit = 1 if match[4] == b"ms" else 1000
        return b"%d" % (masks.now_ms() // unit + int(match[5] or 0))

    def do_post(self, step):
        self.post(step)

    def do_send(self, step):
        client, args = self.post(step)
        name = args[0].upper() if args else b""
        if name in SUBSCRIBING or name in UNSUBSCRIBING:
            return self.read_subscription(step, client, args)
        while True:
            frame = self.read(step, client, REPLY_SECONDS)
            if frame is None or not resp.is_push(frame, client.subscriber):
                return None

    def read_subscription(self, step, client, args):
        client.subscriber = self.protocol == 2 or client.subscriber
        frames = 0
        while frames < max(len(args) - 1, 1):
            frame = self.read(step, client, REPLY_SECONDS)
            if frame is None or frame[0] in "-+":
                return
            frames += 1
        while len(args) == 1:
            if not client.connection.data and not client.connection.receive(QUIET_SECONDS * self.patience):
                return
            self.read(step, client, REPLY_SECONDS)

    def do_block(self, step):
        client, _ = self.post(step)
        deadline = time.monotonic() + BLOCK_SECONDS * self.patience
        while time.monotonic() < deadline:
            if client.connection.data or client.connection.receive(0.001):
                return self.read(step, client, REPLY_SECONDS)
            if client.id and self.server.blocked(client.id):
                break
        self.note(step, client.name, b"(no reply)" if not client.connection.receive(0) else b"(late reply)")

    def do_read(self, step):
        client = self.client(step.client)
        for _ in range(step.count):
            self.read(step, client, PUSH_SECONDS * self.patience)

    def do_none(self, step):
        self.read(step, self.client(step.client), QUIET_SECONDS * self.patience)

    def do_scan(self, step):
        client, cursor, found = self.client(step.client), b"0", set()
        for _ in range(10_000):
            args = [cursor if arg == b"{}" else arg for arg in step.args]
            kind, value = client.connection.command(*args)
            if kind != "*":
                return self.note(step, client.name, resp.encode((kind, value)))
            cursor, items = value[0][1], value[1][1]
            found |= {resp.encode(item) for item in items}
            if cursor == b"0":
                return self.note(step, client.name, b"".join(sorted(found)))
        self.note(step, client.name, b"(endless)")

    def do_raw(self, step):
        client = self.client(step.client)
        for part in step.args:
            client.connection.send(VARIABLE.sub(self.variable, part))
            if len(step.args) > 1:
                time.sleep(0.003)
        self.do_all(step)

    def do_all(self, step):
        """Notes all that comes, frame by frame; after broken input the rest need not be a frame."""
        client = self.client(step.client)
        connection = client.connection
        rest = connection.until_quiet(QUIET_SECONDS * self.patience, REPLY_SECONDS)
        while rest:
            try:
                frame, end = resp.parse(rest)
            except (resp.Incomplete, resp.ProtocolError):
                break
            rest = rest[end:]
            self.note(step, client.name, resp.encode(self.masked(client, frame)))
        self.note(step, client.name, rest + (b"(closed)" if connection.ended else b"(quiet)"))

    def read(self, step, client, seconds):
        """Notes the next frame, and returns it."""
        try:
            frame = client.connection.frame(min(seconds, SILENT_SECONDS) if client.silent else seconds)
        except Closed:
            return self.note(step, client.name, b"(closed)")
        except resp.ProtocolError as error:
            data, client.connection.data = client.connection.data, bytearray()
            return self.note(step, client.name, b"(%b) " % str(error).encode() + bytes(data[:200]))
        if frame is None:
            client.silent = client.silent or seconds == REPLY_SECONDS
            return self.note(step, client.name, b"(nothing)")
        self.note(step, client.name, resp.encode(self.masked(client, frame)))
        return frame

    def masked(self, client, frame):
        """The frame as a comparison may see it."""
        if client.monitor and frame[0] == "+":
            return masks.mask_monitor(frame, self.context)
        if is_subscription_reply(frame):
            if client.awaited and client.awaited[0][0].upper() in SUBSCRIBING | UNSUBSCRIBING:
                client.awaited.pop(0)
            return masks.symbols(frame, self.context)
        if resp.is_push(frame, client.subscriber):
            return masks.symbols(frame, self.context)
        args = client.awaited.pop(0) if client.awaited else []
        return self.masked_reply(client, args, frame)

    def masked_reply(self, client, args, frame):
        name = args[0].upper() if args else b""
        if name == b"MONITOR" and frame[0] == "+":
            client.monitor = True
        if name == b"RESET":
            client.subscriber = client.monitor = False
        return client.transaction.mask(args, frame, self.context)

    def finish(self, client):
        """Notes what a client has not read: nothing may be left over, or it must be left over everywhere."""
        connection = client.connection
        if connection.ended:
            return
        rest = connection.until_quiet(REST_SECONDS * self.patience, REPLY_SECONDS)
        connection.data = bytearray(rest)
        while connection.data:
            before = len(connection.data)
            self.read(None, client, 0)
            if len(connection.data) == before:
                break
        connection.close()


def begin_millisecond():
    """Waits until the clock goes on, so that ids made before and after it differ whichever streams they are in."""
    began_ms = masks.now_ms()
    while masks.now_ms() == began_ms:
        time.sleep(0.0002)


def sort_patterns(events):
    """A message that matches several patterns of one client reaches it once for each, in no order."""
    sorted_events = []
    for _, run in itertools.groupby(events, message_by_pattern):
        run = list(run)
        sorted_events += sorted(run, key=lambda event: event.seen) if message_by_pattern(run[0]) else run
    return sorted_events


def message_by_pattern(event):
    """Which message a `pmessage` brought; a falsehood for all else."""
    if not event.seen[:1] in (b"*", b">") or b"$8\r\npmessage\r\n" not in event.seen[:20]:
        return None
    _, value = resp.parse(event.seen)[0]
    return event.step, event.client, value[2][1], value[3][1]
