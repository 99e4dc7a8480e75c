"""The processes of the replay. Each is an ordinary redis-py client; all of them but the producers crash on purpose.

    producer    XADD flights:<origin>                     one for each airport, in time order
    consumer    XREADGROUP ... XACK                       groups `carriers`, `delays` and `dispatch`
    worker      BLMOVE flights:rebook -> own list, LREM   fed by group `dispatch`
    subscriber  SUBSCRIBE flights:days

Delivery is at least once, so work must be harmless to repeat. Each process notes what it did in a ledger, keyed by the
entry's id, before it acknowledges; whoever reads the ledgers counts an id once.
"""

import os
import random
import signal
from itertools import groupby

import redis

from table import ORIGINS, trouble

STREAMS = {origin: f"flights:{origin}" for origin in ORIGINS}
ALL_ADDED = "flights:all-added"
ALL_DISPATCHED = "flights:all-dispatched"
REBOOK = "flights:rebook"
DAYS = "flights:days"

BATCH = 200
BLOCK_MS = 250
CLAIM_AFTER_MS = 500
CLAIM_PER_READ = 1 / 20
CRASH_PER_BATCH = 1 / 150
CRASH_PER_JOB = 1 / 2500


class Ledger:
    """An append-only file of lines `origin/entry-id;what was found`. A line survives the death of its writer."""

    def __init__(self, folder, name):
        self.file = open(folder / name, "ab", buffering=0)

    def note(self, lines):
        if lines:
            self.file.write("".join(f"{line}\n" for line in lines).encode())


def connect(run, name):
    return redis.Redis(port=run.port, client_name=name, decode_responses=True)


def crash(chance):
    """Now and then, dies as a process does when the machine takes it: no goodbye, mid-work, connection open."""
    if random.random() < chance:
        os.kill(os.getpid(), signal.SIGKILL)


def produce(run, name, origin, flights):
    """Adds one airport's flights, a day in one pipeline, and announces a day once all airports are through with it."""
    db = connect(run, name)
    for day, of_day in groupby(flights, key=lambda flight: flight.day):
        pipe = db.pipeline(transaction=False)
        for f in of_day:
            fields = {
                "carrier": f.carrier,
                "flight": f.number,
                "tail": f.tail,
                "dest": f.dest,
                "dep_delay": f.dep_delay,
                "arr_delay": f.arr_delay,
            }
            # The id is the hour of departure, so the server itself refuses a flight that is out of order.
            pipe.xadd(STREAMS[origin], fields, id=f"{f.departs_ms}-*")
        pipe.incr(f"flights:airports-done:{day}")
        if pipe.execute()[-1] == len(ORIGINS):
            db.publish(DAYS, day)


def consume(run, name, group, settle, _predecessor):
    """Reads as one consumer of `group` until every entry is acknowledged; `settle` does the work of a batch. What a
    crashed consumer left is for whoever claims it first."""
    db = connect(run, name)
    ledger = Ledger(run.folder, name)
    idle = False
    while True:
        all_added = idle and db.exists(ALL_ADDED)
        fresh = db.xreadgroup(group, name, {key: ">" for key in STREAMS.values()}, count=BATCH, block=BLOCK_MS)
        idle = not fresh
        for key, entries in batches(fresh):
            crash(CRASH_PER_BATCH)
            settle(db, ledger, key, entries)
        if idle or random.random() < CLAIM_PER_READ:
            for key in STREAMS.values():
                claim(db, ledger, key, group, name, settle)
        if idle and all_added and nothing_pending(db, group):
            return


def batches(reply):
    """The (key, entries) pairs of an XREADGROUP reply, whether it came as a RESP3 map or as RESP2 pairs."""
    if isinstance(reply, dict):
        return [(key, entries) for key, chunks in reply.items() for entries in chunks]
    return reply or []


def claim(db, ledger, key, group, name, settle):
    """Takes over what crashed consumers left pending."""
    cursor = "0-0"
    while True:
        cursor, entries, _ = db.xautoclaim(key, group, name, CLAIM_AFTER_MS, cursor, count=BATCH)
        if entries:
            db.incrby(f"flights:claimed:{group}", len(entries))
            settle(db, ledger, key, entries)
        if cursor == "0-0":
            return


def nothing_pending(db, group):
    return all(db.xpending(key, group)["pending"] == 0 for key in STREAMS.values())


def settle_carriers(db, ledger, key, entries):
    origin = key.removeprefix("flights:")
    ledger.note(f"{origin}/{id};{fields['carrier']}" for id, fields in entries)
    crash(CRASH_PER_BATCH)
    db.xack(key, "carriers", *(id for id, _ in entries))


def settle_delays(db, ledger, key, entries):
    origin = key.removeprefix("flights:")
    ledger.note(f"{origin}/{id};{fields['arr_delay']}" for id, fields in entries)
    crash(CRASH_PER_BATCH)
    db.xack(key, "delays", *(id for id, _ in entries))


def settle_dispatch(db, _ledger, key, entries):
    """Queues a job for each flight in trouble; jobs and acknowledgement go in as one transaction or not at all."""
    origin = key.removeprefix("flights:")
    jobs = [
        f"{origin}/{id};{reason} {fields['carrier']}"
        for id, fields in entries
        if (reason := trouble(fields["dep_delay"], fields["arr_delay"]))
    ]
    pipe = db.pipeline(transaction=True)
    if jobs:
        pipe.rpush(REBOOK, *jobs)
    pipe.xack(key, "dispatch", *(id for id, _ in entries))
    crash(CRASH_PER_BATCH)
    pipe.execute()


def work(run, name, predecessor):
    """Takes jobs one by one; a job stays in the worker's own list until it is done, so a crash loses none."""
    db = connect(run, name)
    ledger = Ledger(run.folder, name)
    if predecessor:
        while db.lmove(f"{REBOOK}:{predecessor}", REBOOK, "RIGHT", "LEFT"):
            db.incr("flights:claimed:workers")
    processing = f"{REBOOK}:{name}"
    while True:
        all_dispatched = db.exists(ALL_DISPATCHED)
        job = db.blmove(REBOOK, processing, BLOCK_MS / 1000, "LEFT", "RIGHT")
        if job:
            crash(CRASH_PER_JOB)
            ledger.note([job])
            crash(CRASH_PER_JOB)
            db.lrem(processing, 1, job)
        elif all_dispatched:
            return


def subscribe(run, name):
    """Writes down each day announced, until told that there will be no more."""
    ledger = Ledger(run.folder, name)
    channel = connect(run, name).pubsub(ignore_subscribe_messages=True)
    channel.subscribe(DAYS)
    for message in channel.listen():
        if message["data"] == "end":
            return
        ledger.note([message["data"]])
