"""The command line of `model`."""

import argparse
import pathlib
import random
import time

from .chance import Chance
from .player import Differs, Player
from .scripts import show
from .server import ROOT, Broken, Server
from .shrink import SHRINK_SECONDS, shrink
from .wire import Gone

SCRIPT_STEPS = 400
MOST_FAILURES = 10
SHRINK_PATIENCE_SECONDS = 0.25


def main():
    parser = argparse.ArgumentParser(prog="redis-compat/queues/model", description="Hold a server against a model of its queues.")
    parser.add_argument("--millstream", type=pathlib.Path, metavar="PATH", default=ROOT / "target/release/millstream")
    parser.add_argument("--control", type=pathlib.Path, metavar="REDIS", help="a Redis of at least 8.8 instead, with what Redis knows")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--without", default="", metavar="WHAT,...", help="leave out kinds of steps, as chance.py names them")
    parser.add_argument("--keep-going", action="store_true", help=f"look for up to {MOST_FAILURES} kinds of failures")
    parser.add_argument("--shrink", type=int, default=SHRINK_SECONDS, metavar="SECONDS")
    parser.add_argument("--self-test", action="store_true", help="show that spoiled replies and effects are noticed")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    run = Run(args)
    try:
        return run.self_test() if args.self_test else run.all()
    except Broken as broken:
        print(f"WRONG: {broken}\n0 passed, 1 failed")
        return 1
    finally:
        run.server.discard()


class Run:
    def __init__(self, args):
        self.args = args
        plain = args.control is not None
        options = ["--enable-debug-command", "yes", "--appendonly", "yes", "--appendfsync", "no" if plain else "always"]
        options += [] if plain else ["--threads", args.threads]
        self.plain, self.without = plain, set(args.without.split(","))
        self.server = Server(args.control or args.millstream, options)
        self.player = None

    def connect(self):
        if self.player:
            self.player.wire.close()
            self.server.end()
        self.player = Player(self.server, self.server.start(), knows_schedules=not self.plain and "schedule" not in self.without, knows_queues=not self.plain)

    def all(self):
        self.connect()
        began, done, passed, kinds = time.monotonic(), 0, 0, []
        while done < self.args.steps:
            number = passed + len(kinds)
            steps, differs = self.script(random.Random(f"{self.args.seed}.{number}"), min(SCRIPT_STEPS, self.args.steps - done))
            done += len(steps)
            if differs is None:
                passed += 1
                continue
            kinds.append(differs.kind)
            self.report(number, steps, differs, kinds)
            if not self.args.keep_going or len(kinds) == MOST_FAILURES:
                break
        seconds = time.monotonic() - began
        print(f"{done} steps in {seconds:.0f} s, {done / seconds:.0f} a second")
        print(f"{passed} passed, {len(kinds)} failed")
        return 1 if kinds else 0

    def script(self, chance, length):
        """Plays a random script; gives its steps and, if there is one, the difference that ended it."""
        self.player.begin()
        source, steps = Chance(chance, self.player, self.plain, self.without), []
        opening = list(source.opening())
        try:
            for number in range(length):
                steps.append(opening[number] if number < len(opening) else source.step())
                self.player.play(steps[-1])
            self.player.compare()
        except Differs as differs:
            return steps, differs
        except Gone as gone:
            return steps, self.ended(gone)
        return steps, None

    def ended(self, gone):
        time.sleep(0.3)
        code = self.server.process.poll()
        panics = [line for line in self.server.log.read_text(errors="replace").splitlines() if "panicked" in line or "assert" in line]
        if panics:
            return Differs("the server panicked: " + " / ".join(panics[-3:]), "end")
        return Differs(f"the server ended by itself ({code}): {self.server.tail()}" if code is not None else f"{gone!r}", "end")

    def fails(self, steps, kind):
        """The difference in which these steps end, if it is of that kind."""
        try:
            if self.server.process.poll() is not None:
                self.connect()
            self.player.begin()
            for step in steps:
                self.player.play(step)
            self.player.compare()
        except Differs as differs:
            return differs if differs.kind == kind else None
        except Gone as gone:
            return self.ended(gone) if kind == "end" else None
        return None

    def report(self, number, steps, differs, kinds):
        print(f"WRONG: script {number} of seed {self.args.seed}, after {len(steps)} steps: {differs}", flush=True)
        if kinds.count(differs.kind) > 2:
            self.connect()
            return
        self.player.patience = SHRINK_PATIENCE_SECONDS
        short = shrink(steps, lambda some: self.fails(some, differs.kind), self.args.shrink)
        last = self.fails(short, differs.kind)
        print(f"  in short ({len(short)} steps{'' if last else ', which do not always fail'}):")
        print("\n".join(map(show, short)))
        print(f"  {last or differs}", flush=True)
        self.connect()

    # Self-test

    def self_test(self):
        """Whatever is spoiled between server and model must be noticed, and nothing where nothing is spoiled."""
        self.connect()
        failed = 0
        for name, spoil in [("nothing", None), *SPOILED.items()]:
            self.player.spoil = Spoiler(*spoil) if spoil else None
            _, differs = self.script(random.Random(f"{self.args.seed}.self-test"), 1500)
            used = spoil is None or self.player.spoil.used
            right = used and (differs is not None) == (spoil is not None)
            failed += not right
            seen = str(differs).replace("\n", " ")[:110] if differs else "not seen"
            print(f"{name}: {seen}{'' if right else ' - WRONG' if used else ' - never came to pass'}", flush=True)
            self.connect()
        print(f"{1 + len(SPOILED) - failed} passed, {failed} failed")
        return 1 if failed else 0


class Spoiler:
    """Changes one reply, the first that can be."""

    def __init__(self, name, change):
        self.name, self.change, self.used = name, change, False

    def __call__(self, commands, replies):
        replies = list(replies)
        for at, words in enumerate(commands):
            if not self.used and words[0] == self.name:
                changed = self.change(words, replies[at])
                self.used = changed is not None
                replies[at] = changed if self.used else replies[at]
        return replies


def more(_, reply):
    return reply + 1 if isinstance(reply, int) and reply else None


def swapped(_, reply):
    """Two entries of one stream change places."""
    if isinstance(reply, list) and len(reply) == 1 and len(reply[0][1]) > 1:
        key, (first, *middle, last) = reply[0]
        return [[key, [last, *middle, first]]]


def one_lost(_, reply):
    if isinstance(reply, list) and reply and reply[0][1]:
        return [[reply[0][0], reply[0][1][:-1]], *reply[1:]]


def idle_later(words, reply):
    if len(words) > 3 and isinstance(reply, list) and reply:
        return [[*reply[0][:2], reply[0][2] + 1000, reply[0][3]], *reply[1:]]


def another_id(_, reply):
    ms, _, sequence = str(reply).partition("-")
    return f"{int(ms) + 1}-{sequence}" if sequence.isdigit() else None


SPOILED = {
    "an acknowledgement counts twice": ("XACK", more),
    "two entries come in another order": ("XREADGROUP", swapped),
    "a delivered entry is not told": ("XREADGROUP", one_lost),
    "an idle time is a second off": ("XPENDING", idle_later),
    "an entry has another id": ("XADD", another_id),
    "a nack counts twice": ("XNACK", more),
    "a deletion counts twice": ("XDEL", more),
}

