"""Random episodes: two servers are told the same, batch by batch, and must answer the same.

An episode is a list of `Batch`es made from one seed. Workers send pipelines and read their replies; waiters send a
command that may block, and are left waiting. After each batch the set of waiters still blocked and the replies of
those served must be the same on both servers, and every so often the whole state. In some episodes a listener has
subscribed to all keyspace notifications, and these must be the same too.

SWAPDB and waiters do not meet in one episode: in which order Redis serves several keys that a swap made ready depends
on the seed of its hash table.
"""

import dataclasses
import random
import time

from . import masks, resp, shrink
from .connection import Closed, Connection
from .newer import IDMP_STREAMS, NewerVocabulary
from .transaction import Transaction
from .vocabulary import GROUPS, KEYS, TABLES, Vocabulary

EPISODE_COMMANDS = 2_000
BATCH_MAX = 24
WORKERS = 3
WAITERS = 4
STATE_EVERY = 25
SWAPPING_EVERY = 5
REPLY_SECONDS = 8
SETTLE_SECONDS = 3
SHRINKING_SECONDS = 0.4
NO_REPLY = b"(no reply)"


@dataclasses.dataclass
class Batch:
    """What one client sends at once. `wait`: the first command may block. `hang_up`: the client closes instead."""

    client: str
    commands: list
    wait: bool = False
    hang_up: bool = False

    def last(self):
        return self.commands[-1] if self.commands else []


class Mismatch(Exception):
    """The servers differ: to which command, and how. `at` is the number of the batch after which it showed."""

    at = 0

    def __init__(self, client, args, expected, got):
        self.client, self.args, self.expected, self.got = client, args, expected, got

    def show(self):
        text = " ".join(resp.printable(arg) for arg in self.args)
        at = len(shrink.common_prefix(self.expected, self.got))
        start = max(0, at - 100)
        expected, got = (resp.printable(side[start : at + 300]) for side in (self.expected, self.got))
        return f"  {self.client}> {text[:300]}\n  expected  {expected}\n  got       {got}"


class Unanswerable(Exception):
    """The oracle itself does not answer: a command that blocks lost the MULTI around it while shrinking."""


class Context(masks.Context):
    """Generated ids are all alike here: which one it is follows from its place."""

    def symbol(self, text):
        return b"<id>" if super().symbol(text) != text else text


def make_episode(seed, commands, newer=False):
    """The batches of an episode; `newer` ones also say what Redis 8.2 does not know."""
    chooser = random.Random(seed)
    swapping = seed % SWAPPING_EVERY == 0
    vocabulary = (NewerVocabulary if newer else Vocabulary)(chooser, swapping)
    batches, count = [], 0
    while count < commands:
        roll = chooser.random()
        if roll < 0.12 and not swapping:
            batch = Batch(f"w{chooser.randrange(WAITERS)}", [vocabulary.bytes(vocabulary.blocking())], wait=True)
            if chooser.random() < 0.2:
                batch.commands += [[b"PING"], [b"ECHO", b"after"]]
        elif roll < 0.13:
            batch = Batch(f"w{chooser.randrange(WAITERS)}", [], hang_up=True)
        elif 0.13 <= roll < 0.15:
            batch = Batch("p0", [[b"CLIENT", b"UNBLOCK", b"$client(w%d)" % chooser.randrange(WAITERS)]])
        else:
            batch = Batch(f"p{chooser.randrange(WORKERS)}", pipeline(chooser, vocabulary))
        batches.append(batch)
        count += max(len(batch.commands), 1)
    return batches


def pipeline(chooser, vocabulary):
    commands = []
    for _ in range(chooser.randint(1, BATCH_MAX)):
        commands += vocabulary.transaction() if chooser.random() < 0.06 else [vocabulary.command()]
    return commands


class Peer:
    """One server's side of an episode: its connections, by the names of the clients."""

    def __init__(self, server, protocol, listening):
        server.reset()
        self.server, self.protocol = server, protocol
        self.connections, self.ids, self.transactions = {}, {}, {}
        self.context = Context()
        self.listening = listening
        server.control.command("CONFIG", "SET", "notify-keyspace-events", "KEA" if listening else "")
        if listening:
            self.send("listener", [[b"PSUBSCRIBE", b"__key*__:*"], [b"SUBSCRIBE", b"fence"]])
            for _ in range(2):
                self.connections["listener"].frame(REPLY_SECONDS)

    def connection(self, name):
        if name not in self.connections:
            connection = Connection(self.server.port)
            if self.protocol == 3:
                connection.command("HELLO", "3")
            self.ids[name] = int(connection.command("CLIENT", "ID")[1])
            self.connections[name], self.transactions[name] = connection, Transaction()
        return self.connections[name]

    def send(self, name, commands):
        connection = self.connection(name)
        connection.send(b"".join(resp.encode_command([self.argument(arg) for arg in args]) for args in commands))

    def argument(self, arg):
        if arg.startswith(b"$client("):
            self.connection(arg[8:-1].decode())
            return b"%d" % self.ids[arg[8:-1].decode()]
        return arg

    def reply(self, name, args, seconds):
        """The next reply of a client, masked, as bytes."""
        try:
            frame = self.connections[name].frame(seconds)
        except Closed:
            return self.obituary("closed")
        except resp.ProtocolError as error:
            return b"(%b) " % str(error).encode() + bytes(self.connections[name].data[:100])
        if frame is None:
            return NO_REPLY
        return resp.encode(self.transactions[name].mask(args, frame, self.context))

    def obituary(self, error):
        """How a connection ended, and what the server said if it died of it."""
        time.sleep(0.05)
        return f"({error}) {'' if self.server.alive() else self.server.log()}".encode()

    def notifications(self, mark):
        """What the listener heard before the mark."""
        self.server.control.command("PUBLISH", "fence", mark)
        heard, deadline = [], time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            frame = self.connections["listener"].frame(SETTLE_SECONDS)
            if frame is None or frame[1][-1][1] == mark:
                break
            heard.append(resp.encode(frame))
        return heard

    def close(self):
        for connection in self.connections.values():
            connection.close()


class Episode:
    """Plays batches on two servers in step."""

    def __init__(self, oracle, subject, protocol, listening, patience_seconds=REPLY_SECONDS):
        self.patience_seconds = patience_seconds
        self.peers = []
        for server in (oracle, subject):
            self.peers.append(Peer(server, protocol, listening))
        self.oracle, self.subject = self.peers
        self.waiting = {}
        self.listening = listening

    def play(self, batches, state_every=STATE_EVERY):
        """Raises Mismatch at the first difference."""
        number = 0
        try:
            for number, batch in enumerate(batches, 1):
                self.step(number, batch)
                if number % state_every == 0 or number == len(batches):
                    self.compare_state()
        except Mismatch as mismatch:
            mismatch.at = number
            raise
        except (OSError, Closed) as error:
            raise Mismatch(batch.client, batch.last(), b"", self.subject.obituary(error)) from error
        finally:
            for peer in self.peers:
                peer.close()

    def step(self, number, batch):
        if batch.hang_up:
            self.hang_up(batch)
        elif batch.wait:
            self.wait(batch)
        else:
            self.exchange(batch)
        if self.waiting:
            self.settle(batch)
        if self.listening:
            self.compare_notifications(number, batch)

    def exchange(self, batch):
        for peer in self.peers:
            peer.send(batch.client, batch.commands)
        for args in batch.commands:
            self.compare(batch.client, args)

    def compare(self, client, args):
        expected = self.oracle.reply(client, args, self.patience_seconds)
        if expected == NO_REPLY:
            raise Unanswerable
        got = self.subject.reply(client, args, REPLY_SECONDS)
        if expected != got:
            raise Mismatch(client, args, expected, got)

    def wait(self, batch):
        """Sends a command that may block, unless its client waits already."""
        if batch.client in self.waiting:
            return
        for peer in self.peers:
            peer.send(batch.client, batch.commands)
        self.waiting[batch.client] = batch.commands
        connection = self.oracle.connections[batch.client]
        while not connection.data and not connection.receive(0.0005):
            if self.oracle.ids[batch.client] in self.oracle.server.blocked_ids():
                break

    def hang_up(self, batch):
        """Closes a client's connections, and goes on when both servers have noticed."""
        self.waiting.pop(batch.client, None)
        deadline = time.monotonic() + SETTLE_SECONDS
        for peer in self.peers:
            if batch.client in peer.connections:
                peer.connections.pop(batch.client).close()
                while peer.ids[batch.client] in peer.server.blocked_ids() and time.monotonic() < deadline:
                    time.sleep(0.001)

    def settle(self, batch):
        """Waits until both servers agree on who is still blocked, and compares the replies of the others."""
        still = self.blocked(self.oracle)
        deadline = time.monotonic() + SETTLE_SECONDS
        while (got := self.blocked(self.subject)) != still and time.monotonic() < deadline:
            time.sleep(0.002)
        if got != still:
            what = (b"(blocked: %b)" % " ".join(sorted(names)).encode() for names in (still, got))
            raise Mismatch(batch.client, batch.last(), *what)
        for client in [name for name in self.waiting if name not in still]:
            for args in self.waiting.pop(client):
                self.compare(client, args)

    def blocked(self, peer):
        ids = peer.server.blocked_ids()
        return {name for name in self.waiting if peer.ids[name] in ids and not peer.connections[name].data}

    def compare_notifications(self, number, batch):
        expected, got = (peer.notifications(b"mark%d" % number) for peer in self.peers)
        if expected != got:
            raise Mismatch("listener", batch.last(), b"".join(expected), b"".join(got))

    def compare_state(self):
        commands = [command for database in (b"0", b"1") for command in state_commands(database)]
        self.exchange(Batch("state", commands))


def state_commands(database):
    """Commands that tell all about the keys of a database."""
    yield [b"SELECT", database]
    yield [b"KEYS", b"*"]
    for key in map(str.encode, [*KEYS, *TABLES, "auto", *IDMP_STREAMS]):
        for words in (
            b"TYPE %b", b"OBJECT ENCODING %b", b"PTTL %b", b"GET %b", b"LRANGE %b 0 -1",
            b"HGETALL %b", b"HPEXPIRETIME %b FIELDS 9 f0 f1 f2 f3 f4 f5 f6 f7 f8", b"XINFO STREAM %b FULL COUNT 0",
        ):  # fmt: skip
            yield (words % key).split()
        for group in map(str.encode, GROUPS):
            yield [b"XPENDING", key, group]


def run_episodes(oracle, subject, commands, seed, newer):
    """Plays about `commands` random commands; (episodes passed, failed)."""
    seed = first = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    passed = failed = played = 0
    begun = time.monotonic()
    while played < commands:
        size = min(EPISODE_COMMANDS, commands - played)
        good = run_episode(oracle, subject, seed, size, newer)
        passed, failed = passed + good, failed + (not good)
        played, seed = played + size, seed + 1
        if failed == 5:
            print("  five episodes failed, the rest is left out")
            break
    seconds = time.monotonic() - begun
    counts = f"{passed} episodes passed, {failed} failed"
    print(f"{subject.kind.name}: {played} random commands from seed {first}: {counts}, {seconds:.0f} s", flush=True)
    return passed, failed


def run_episode(oracle, subject, seed, commands, newer):
    batches = make_episode(seed, commands, newer)
    protocol, listening = 2 + seed % 2, seed % 3 == 0

    def play(batches, state_every=len(batches), patience_seconds=SHRINKING_SECONDS):
        """The mismatch these batches lead to, or None."""
        try:
            episode = Episode(oracle.ready(), subject.ready(), protocol, listening, patience_seconds)
            episode.play(batches, state_every)
        except Mismatch as mismatch:
            return mismatch
        except Unanswerable:
            assert patience_seconds < REPLY_SECONDS, "the oracle does not answer a whole episode"
        return None

    mismatch = play(batches, STATE_EVERY, REPLY_SECONDS)
    if mismatch is None:
        return True
    print(f"FAIL random --seed {seed} --random {commands} on {subject.kind.name} (RESP{protocol})")
    print(mismatch.show(), flush=True)
    smallest, mismatch = shrink.shrink(batches[: mismatch.at or len(batches)], play, mismatch)
    print(mismatch.show())
    print("  as a script:\n" + shrink.as_script(smallest), flush=True)
    return False
