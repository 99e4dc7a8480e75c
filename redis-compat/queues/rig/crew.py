"""Hires the hands of the chaos, kills some of them and the server, and sees to it that work goes on."""

import os
import random
import signal
import sys
import time

from . import hands
from .ledger import Ledger
from .server import Broken
from .stations import STATIONS, STREAMS
from .wire import Gone, Wire, is_error

# Without anything becoming less, and in all.
DRAIN_SECONDS, MOST_DRAIN_SECONDS = 30, 600


class Crew:
    def __init__(self, server, seed, folder):
        self.server, self.chance, self.folder = server, random.Random(seed), folder
        self.ledger = Ledger(folder, "crew")
        self.orders = hands.Orders(folder)
        self.hired = 0
        self.workers, self.others = {}, {}

    def hire(self, role, *args):
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            role(*args)
            code = 0
        except BaseException as error:
            print(f"a hand broke: {role.__name__} {error!r}", file=sys.stderr, flush=True)
        os._exit(code)

    def hire_worker(self, station, place):
        """A new one; sometimes under the name of the one before."""
        self.hired += 1
        name = f"worker-{self.hired}"
        consumer = f"{station.group}-{place}" if self.chance.random() < 0.5 else name
        self.ledger.note("hired", worker=name, station=station.name, consumer=consumer)
        seed = self.chance.random()
        pid = self.hire(lambda: hands.Worker(self.server.port, self.folder, name, consumer, station, seed).run())
        self.workers[pid] = (station, place, name)

    def begin(self, wire):
        for station in STATIONS:
            wire.call("XGROUP", "CREATE", station.stream, station.group, "0", "MKSTREAM")
            if not station.by_config:
                words = ["ACKWAIT", station.ack_wait, *station.options]
                reply = wire.call("XCFGSET", station.stream, "GROUP", station.group, *words)
                if is_error(reply):
                    raise Broken(f"XCFGSET: {reply}")
        self.orders.give("work")
        self.others[self.hire(hands.feel, self.folder)] = "hiccups"
        for station in STATIONS:
            for place in range(station.workers):
                self.hire_worker(station, place)
        for at, stream in enumerate((*STREAMS, *STREAMS)):
            role = (self.server.port, self.folder, f"producer-{at}", stream, (20, 300, 300, 1500, 2500), 0.02)
            self.others[self.hire(hands.produce, *role)] = "producer"
        ordered = [station for station in STATIONS if station.order]
        self.others[self.hire(hands.look_on, self.server.port, self.folder, ordered)] = "look-on"

    def disturb(self, seconds, server_kills):
        """Kills workers every now and then, and the server so many times."""
        began = time.monotonic()
        moments = sorted(began + seconds * (0.1 + 0.8 * self.chance.random()) for _ in range(server_kills))
        kills = 0
        while (now := time.monotonic()) < began + seconds:
            if moments and now >= moments[0]:
                moments.pop(0)
                self.kill_server()
            else:
                self.kill_worker()
                kills += 1
            time.sleep(self.chance.uniform(0.05, 0.5))
            self.server.check()
        return kills

    def kill_worker(self):
        pid = self.chance.choice(list(self.workers))
        station, place, name = self.workers.pop(pid)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.ledger.note("killed", worker=name, station=station.name)
        self.hire_worker(station, place)

    def kill_server(self):
        self.ledger.note("server-killed")
        self.server.kill()
        self.ledger.note("server-gone")
        self.server.start().close()
        self.ledger.note("server-ready")

    def drain(self):
        """No more comes and nobody fails any more; waits until nothing is left to do, as long as it becomes less. Says what is left."""
        self.orders.give("calm")
        self.ledger.note("calm")
        began, left = time.monotonic(), "?"
        deadline = began + DRAIN_SECONDS
        while left and time.monotonic() < min(deadline, began + MOST_DRAIN_SECONDS):
            time.sleep(0.1)
            before, left = left, self.left()
            if left != before:
                deadline = time.monotonic() + DRAIN_SECONDS
        self.orders.give("stop")
        for pid in [*self.workers, *self.others]:
            os.waitpid(pid, 0)
        self.workers.clear()
        self.others.clear()
        return left

    def left(self):
        try:
            wire = Wire(self.server.port)
        except Gone:
            return "the server is gone"
        for station in STATIONS:
            if scheduled := wire.call("XSCHEDULED", station.stream):
                return f"{len(scheduled)} scheduled in {station.stream}"
            groups = [dict(zip(row[::2], row[1::2])) for row in wire.call("XINFO", "GROUPS", station.stream)]
            group = next(group for group in groups if group["name"] == station.group)
            if group["lag"] != 0:
                return f"{group['lag']} not read by {station.name}"
            rows = wire.call("XPENDING", station.stream, station.group, "-", "+", 10000)
            busy = [row for row in rows if not is_parked(station, row)]
            if busy:
                return f"{len(busy)} pending in {station.name}, like {busy[0]}"
        wire.close()
        return None

    def dismiss(self):
        """Ends what is left of the hands."""
        for pid in [*self.workers, *self.others]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def is_parked(station, row):
    return row[1] == "" and row[2] == -1 and 0 < station.max_deliver <= row[3]
