"""One round: start the server on what the last one left, check the ledgers, write, kill."""

import threading
import time

from .client import Client, Gone, Refused
from .private import Private
from .server import Broken
from .shared import Group, Queue, Transactions

# What `everysec` promises to lose at most, and what we grant it beyond for a busy machine. `always` and an orderly stop lose nothing.
EVERYSEC_SECONDS = 1.0
MARGIN_SECONDS = 0.5
WRITE_SECONDS = (0.15, 0.9)
FLUSH_EVERY = 12
BALLAST_KEYS, BALLAST_ENTRIES, BALLAST_BYTES = 6, 4000, 300

# What happens when the kill comes. `stop` is an orderly end instead.
KINDS = ("plain", "plain", "BGSAVE", "BGREWRITEAOF", "BGREWRITEAOF", "loading", "loading", "stop")


class Rounds:
    def __init__(self, server, random, doctor=None):
        self.server, self.random = server, random
        self.private = [Private(f"w{i}", random) for i in range(5)]
        self.shared = [Transactions(3, random), Queue(2, random), Group(2, random)]
        self.ballast = {}
        self.killed_at, self.policy, self.orderly = 0.0, "always", True
        self.steps = 0

    def play(self, number, kind, policy, threads):
        """Returns what is wrong with what the round before left, and notes of what this one saw."""
        options = ["--appendonly", "yes", "--appendfsync", policy, *threads]
        self.server.spawn(options)
        if kind == "loading":
            self.kill_while_it_loads(options)
        began = time.monotonic()
        client = self.server.await_ready()
        ready_ms = (time.monotonic() - began) * 1000
        faults, missing, window = self.check(client)
        note = f"ready in {ready_ms:4.0f} ms, {self.steps:6d} answered before, {missing} of them missing"
        if missing:
            note += f", the last {window * 1000:.0f} ms"
        if faults:
            return faults, note
        self.prepare(client, number)
        complaints = self.write_and_kill(client, kind)
        self.policy = policy
        return complaints, note

    def kill_while_it_loads(self, options):
        for _ in range(self.random.randrange(1, 4)):
            time.sleep(self.random.random() ** 2 * 0.25)
            self.server.kill()
            self.server.spawn(options)

    def check(self, client):
        """Compares all ledgers with what is there; sums up what is wrong and what is missing."""
        lenient = self.policy == "everysec" and not self.orderly
        until = self.killed_at - (EVERYSEC_SECONDS + MARGIN_SECONDS if lenient else 0)
        faults, missing, oldest = [], 0, []
        self.steps = sum(len(p.answered_at) for p in self.private) + sum(
            len(hand.sent.answered_at) for s in self.shared for hand in s.hands if hasattr(hand, "sent")
        )
        for checked in [*self.private, *self.shared]:
            if self.killed_at == 0.0 and isinstance(checked, Group):
                continue
            more, lost, since = checked.check(client, until if lenient else float("inf"))
            faults += more
            missing += lost
            oldest += [since] if since else []
        for key, (length, first, last) in self.ballast.items():
            ends = client.call("XRANGE", key, "-", "+", "COUNT", 1), client.call("XREVRANGE", key, "+", "-", "COUNT", 1)
            if (client.call("XLEN", key), *ends) != (length, first, last):
                faults.append(f"{key} is not what it was")
        return faults, missing, self.killed_at - min(oldest) if oldest else 0.0

    def prepare(self, client, number):
        if not self.ballast:
            self.load_ballast(client)
        if number % FLUSH_EVERY == FLUSH_EVERY - 1:
            for shared in self.shared:
                shared.flush(client)
        self.shared[-1].prepare(client)

    def load_ballast(self, client):
        """What makes loading and snapshots take their time."""
        for i in range(BALLAST_KEYS):
            key = f"ballast:{i}"
            for start in range(0, BALLAST_ENTRIES, 500):
                client.send([("XADD", key, f"{n + 1}-0", "f", f"{n}" + "y" * BALLAST_BYTES) for n in range(start, start + 500)])
                for _ in range(500):
                    client.receive()
            ends = client.call("XRANGE", key, "-", "+", "COUNT", 1), client.call("XREVRANGE", key, "+", "-", "COUNT", 1)
            self.ballast[key] = (BALLAST_ENTRIES, *ends)

    def write_and_kill(self, client, kind):
        complaints, stopped = [], threading.Event()

        def work(hand):
            try:
                complaint = hand.run(Client(self.server.port), stopped)
            except Gone as error:
                complaint = f"cannot connect: {error}"
            if complaint:
                complaints.append(complaint)

        hands = [*self.private, *(hand for shared in self.shared for hand in shared.hands)]
        threads = [threading.Thread(target=work, args=(hand,)) for hand in hands]
        for thread in threads:
            thread.start()
        try:
            time.sleep(self.random.uniform(*WRITE_SECONDS))
            if kind in ("BGSAVE", "BGREWRITEAOF"):
                self.order(client, kind)
            if kind == "quiet":
                stopped.set()
                for thread in threads:
                    thread.join()
            self.orderly = kind == "stop"
            self.killed_at = self.server.terminate() if self.orderly else self.server.kill()
        finally:
            stopped.set()
            for thread in threads:
                thread.join()
        return complaints

    def order(self, client, kind):
        """Begins a snapshot or rewrite, and waits for a part of its time."""
        try:
            client.call(kind)
        except Refused as error:
            if "in progress" not in str(error):
                raise Broken(f"{kind}: {error}") from None
        except Gone:
            raise Broken(f"{kind}: no reply") from None
        time.sleep(self.random.random() ** 2 * 0.3)
