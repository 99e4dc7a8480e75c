"""The processes of the chaos: producers, workers and who looks on. All speak to the server by an unmodified redis-py."""

import os
import random
import time

import redis

from .ledger import Ledger
from .stations import KINDS
from .wire import Wire, is_error

Gone = (redis.ConnectionError, redis.TimeoutError, OSError)
BLOCK_MS = 1000
HICCUP_SECONDS = 0.005


class Orders:
    """What the crew tells all hands, through a file that they look at between two steps: `work`, `calm` or `stop`."""

    def __init__(self, folder):
        self.path = folder / "orders"

    def give(self, word):
        fresh = self.path.with_suffix(".new")
        fresh.write_text(word)
        os.replace(fresh, self.path)

    def __call__(self):
        return self.path.read_text()


def produce(port, folder, name, stream, delays, pace):
    """Adds entries, some of them for later; notes each before it is sent and when it is answered."""
    chance, ledger, orders = random.Random(name), Ledger(folder, name), Orders(folder)
    client, number = redis.Redis(port=port, decode_responses=True, socket_timeout=30), 0
    while orders() == "work":
        number += 1
        delay = chance.choice(delays) if chance.random() < 0.15 else 0
        fields = {"k": chance.choice(KINDS), "uid": f"{name}.{number}"} if chance.random() < 0.9 else {"uid": f"{name}.{number}"}
        ledger.note("send", stream=stream, uid=fields["uid"], delay=delay)
        try:
            id = client.xadd(stream, fields, id=f"+{delay}" if delay else "*")
            ledger.note("added", stream=stream, id=id, uid=fields["uid"], delay=delay, k=fields.get("k"))
        except Gone:
            time.sleep(0.02)
        except redis.ResponseError as error:
            if not str(error).startswith("LOADING"):
                ledger.note("refused", error=str(error), command="XADD")
        time.sleep(chance.random() * pace)


class Worker:
    def __init__(self, port, folder, name, consumer, station, seed):
        self.port, self.station, self.consumer = port, station, consumer
        self.chance, self.ledger, self.orders = random.Random(seed), Ledger(folder, name), Orders(folder)
        self.client = redis.Redis(port=port, decode_responses=True)
        self.calm = False

    def run(self):
        while (order := self.orders()) != "stop":
            self.calm = order == "calm"
            try:
                self.turn()
            except Gone:
                self.ledger.note("gone")
                time.sleep(0.02)
            except redis.ResponseError as error:
                if not str(error).startswith(("LOADING", "NOGROUP")):
                    self.ledger.note("refused", error=str(error), command="worker")
                time.sleep(0.02)
        self.ledger.note("left")

    def turn(self):
        station = self.station
        self.ledger.note("wait")
        reply = self.client.xreadgroup(station.group, self.consumer, {station.stream: ">"}, count=station.batch, block=BLOCK_MS)
        entries = reply[0][1] if reply else []
        wall = int(time.time() * 1000)
        got = self.ledger.note("got", ids=[id for id, _ in entries], ks=[fields.get("k") for _, fields in entries], wall=wall)
        if entries and not self.calm and self.chance.random() < station.drops:
            self.ledger.note("dropped")
            self.client.connection_pool.disconnect()
            return
        self.work(entries, got)

    def work(self, entries, got):
        """Works on a batch, and stops with a class at its first failure. What cannot be begun while its lease runs is left alone."""
        station, spoiled = self.station, set()
        until = got + station.ack_wait / 1000 - 0.1
        touched = got
        for id, fields in entries:
            kind = "*" if station.order == "*" else fields.get("k")
            if station.order and kind in spoiled:
                continue
            if station.order and time.monotonic() > until:
                # Somebody else may have it by now, or soon.
                return
            if station.touches and time.monotonic() > touched + station.ack_wait / 4000:
                rest = [other for other, _ in entries if other >= id]
                sent = self.ledger.note("touch", ids=rest)
                held = self.client.execute_command("XTOUCH", station.stream, station.group, self.consumer, "IDS", len(rest), *rest)
                self.ledger.note("touched", ids=rest, held=held, sent=sent)
                if not all(held):
                    return
                touched = sent
                until = sent + station.ack_wait / 1000 - 0.1
            if not self.one(id):
                spoiled.add(kind)

    def one(self, id):
        """Works on one entry; says whether it was done with by this worker."""
        station, chance = self.station, self.chance
        self.ledger.note("begin", id=id)
        if not self.calm and chance.random() < station.overslow:
            time.sleep(station.ack_wait / 1000 * 1.5)
        else:
            time.sleep(chance.uniform(*station.work_ms) / 1000)
        if not self.calm:
            for mode, likely in station.fails.items():
                if chance.random() < likely:
                    return self.nack(id, mode)
        self.ledger.note("ack", id=id)
        acked = self.client.xack(station.stream, station.group, id)
        self.ledger.note("acked", id=id, count=acked)
        return acked == 1

    def nack(self, id, mode):
        station = self.station
        words = ["FAIL", "IDS", 1, id, "DELAY", 150] if mode == "DELAY" else [mode, "IDS", 1, id]
        self.ledger.note("nack", id=id, mode=mode)
        nacked = self.client.execute_command("XNACK", station.stream, station.group, *words)
        self.ledger.note("nacked", id=id, mode=mode, count=nacked)
        return False


def look_on(port, folder, stations):
    """Takes pictures of who holds what of each ordered group, in one instant each."""
    ledger, orders, wire = Ledger(folder, "look-on"), Orders(folder), None
    while orders() != "stop":
        try:
            wire = wire or Wire(port)
            for station in stations:
                rows = wire.call("XPENDING", station.stream, station.group, "-", "+", 1000)
                if not is_error(rows):
                    ledger.note("picture", station=station.name, rows=[row[:2] for row in rows])
        except (OSError, EOFError):
            wire = None
        time.sleep(0.05)


def feel(folder):
    """Notes when the machine lets nobody run: what a wait of some milliseconds took beyond them."""
    ledger, orders, asked = Ledger(folder, "hiccups"), Orders(folder), 0
    while True:
        before = time.monotonic()
        time.sleep(HICCUP_SECONDS)
        late = time.monotonic() - before - HICCUP_SECONDS
        if late > 0.008:
            ledger.note("hiccup", ms=round(late * 1000, 1))
        if before > asked + 0.2:
            asked = before
            if orders() == "stop":
                return
