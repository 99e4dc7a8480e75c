"""What a script or a random episode leaves behind must survive: restarted from its log, from its rewritten log and from a snapshot, the
server has the same state, told by DEBUG DIGEST. Nothing is compared with a real Redis here; what the clients see is the other stages'.
"""

import time

from .connection import Closed
from .episodes import EPISODE_COMMANDS, Episode, Mismatch, make_episode
from .player import Player
from .servers import Server

REWRITE_SECONDS = 30
# Keys that die earlier than this could die between two looks; they are made to stay.
SOON_MS = 120_000
LOG, SNAPSHOT = ["--appendonly", "yes"], ["--appendonly", "no"]


class Lost(Exception):
    """The state did not survive."""


class Survivor:
    """The server whose data is to survive. It keeps its directory through restarts."""

    def __init__(self, kind, ports):
        self.kind, self.ports = kind, ports
        self.server = self.start(LOG, None)

    def start(self, way, directory):
        return Server(self.kind.name, self.kind.program, self.ports.take(), self.kind.arguments + way, directory)

    def ready(self):
        """The server, running and empty."""
        try:
            if not self.server.alive():
                raise ConnectionError
            self.server.reset()
        except (OSError, Closed):
            self.server.stop()
            self.server = self.start(LOG, None)
        return self.server

    def restart(self, way):
        """The same data in another process."""
        self.server.end()
        if self.server.process.returncode != 0:
            raise Lost(f"exit code {self.server.process.returncode} on SIGTERM\n{self.server.log()}")
        self.server = self.start(way, self.server.directory)

    def survive(self):
        """Raises Lost unless the state is the same after each way of coming back; False if the server cannot be asked."""
        try:
            self.settle()
            before = self.digest()
        except (OSError, Closed):
            # The script ended with everybody made to wait, say.
            self.server.stop()
            self.server = self.start(LOG, None)
            return False
        for name, prepare, way in (
            ("the log", None, LOG),
            ("the rewritten log", self.rewrite, LOG),
            ("a snapshot", self.save, SNAPSHOT),
        ):
            if prepare:
                prepare()
            try:
                self.restart(way)
            except RuntimeError as error:
                raise Lost(f"{name}: {error}") from None
            if self.digest() != before:
                raise Lost(f"the state is not the same after a restart from {name}")
        self.restart(LOG)
        return True

    def call(self, *words):
        kind, value = self.server.control.command(*words)
        if kind == "-":
            raise Lost(f"{words}: {value.decode()}")
        return value

    def digest(self):
        return self.call("DEBUG", "DIGEST")

    def settle(self):
        """Lets no key die soon, and no field."""
        for line in self.call("INFO", "keyspace").split():
            if line.startswith(b"db") and not (b"expires=0," in line and line.endswith(b"subexpiry=0")):
                self.call("SELECT", line[2 : line.index(b":")])
                for _, key in self.call("KEYS", "*"):
                    if 0 <= int(self.call("PTTL", key)) < SOON_MS:
                        self.call("PERSIST", key)
                    if self.call("TYPE", key) == b"hash":
                        self.settle_fields(key)
        self.call("SELECT", "0")

    def settle_fields(self, key):
        """Lets no field of a hash die soon."""
        for _, field in self.call("HKEYS", key):
            ((_, left),) = self.call("HPTTL", key, "FIELDS", "1", field)
            if 0 <= int(left) < SOON_MS:
                self.call("HPERSIST", key, "FIELDS", "1", field)

    def rewrite(self):
        self.call("BGREWRITEAOF")
        deadline = time.monotonic() + REWRITE_SECONDS
        while time.monotonic() < deadline:
            text = self.call("INFO", "persistence")
            if b"aof_rewrite_in_progress:0" in text and b"aof_rewrite_scheduled:0" in text:
                if b"aof_last_bgrewrite_status:ok" not in text:
                    raise Lost("the rewrite failed")
                return
            time.sleep(0.005)
        raise Lost("the rewrite does not end")

    def save(self):
        self.call("SAVE")

    def stop(self):
        self.server.stop()


def run_survival(scripts, oracle, kind, ports, commands, seed, newer):
    """Plays all scripts, and random episodes of so many commands; (passed, failed)."""
    survivor, begun = Survivor(kind, ports), time.monotonic()
    outcomes = []

    def note(name, play):
        try:
            play()
            if survivor.survive():
                outcomes.append(True)
            else:
                print(f"{name}: its server does not answer at its end", flush=True)
        except Lost as lost:
            print(f"FAIL {name}: {lost}\n  the data was in {survivor.server.directory}", flush=True)
            outcomes.append(False)
            survivor.server.given = True
            survivor.server.stop()
            survivor.server = survivor.start(LOG, None)

    try:
        for script in scripts:
            if script.fresh is None:
                protocol = script.protocols[0]
                note(script.name, lambda: Player(survivor.ready(), script, protocol, 1).play())
        for number in range(commands // EPISODE_COMMANDS):
            note(f"random --seed {seed + number}", lambda: play_episode(oracle, survivor, seed + number, newer))
    finally:
        survivor.stop()
    passed = sum(outcomes)
    print(f"{kind.name}: survival: {passed} passed, {len(outcomes) - passed} failed, {time.monotonic() - begun:.0f} s", flush=True)
    return passed, len(outcomes) - passed


def play_episode(oracle, survivor, seed, newer):
    """A difference to the oracle is for the other stages to find; what both did up to there survives or not."""
    try:
        Episode(oracle.ready(), survivor.ready(), 2 + seed % 2, False).play(make_episode(seed, EPISODE_COMMANDS, newer))
    except Mismatch:
        pass
