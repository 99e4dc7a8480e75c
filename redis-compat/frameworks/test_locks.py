"""Locks: redis-py's Lock, synchronous and asyncio, and redlock-py over three databases. Several processes count up one
counter, reading and writing it in two steps, and one of them is killed while it has the lock. Run as a program it is one of
them."""

import asyncio
import sys
import time

import pytest
import redis
import redis.asyncio
from redis.exceptions import LockError, LockNotOwnedError
from redlock import Redlock

import rig
from rig import until

ROUNDS = 30
LOCK_S = 1.5


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def db(request):
    with redis.Redis(port=rig.PORT, protocol=request.param) as client:
        client.flushdb()
        yield client


def managers():
    """A Redlock that believes in three servers."""
    return Redlock([{"host": "127.0.0.1", "port": rig.PORT, "db": db} for db in (3, 4, 5)], retry_count=2000, retry_delay=0.01)


def step(client):
    """Counts in two steps, between which nobody else may count."""
    count = int(client.get("count") or 0)
    time.sleep(0.001)
    client.set("count", count + 1)


def count_up(kind, ledger):
    redlock = managers()
    with redis.Redis(port=rig.PORT) as client:
        ledger.note(event="ready")
        until("the start", lambda: client.exists("start"))
        for _ in range(ROUNDS):
            if kind == "lock":
                with client.lock("the-lock", timeout=LOCK_S, sleep=0.005):
                    step(client)
            else:
                lock = redlock.lock("the-redlock", int(LOCK_S * 1000))
                step(client)
                redlock.unlock(lock)
    ledger.note(event="done")


def hold(kind, ledger):
    """Takes the lock and never gives it back."""
    with redis.Redis(port=rig.PORT) as client:
        taken = (
            client.lock("the-lock", timeout=LOCK_S).acquire()
            if kind == "lock"
            else managers().lock("the-redlock", int(LOCK_S * 1000))
        )
        ledger.note(event="held", taken=bool(taken))
        time.sleep(rig.HELD_S)


@pytest.mark.parametrize("kind", ["lock", "redlock"])
def test_processes_exclude_each_other_although_the_holder_dies(kind, db, workers, ledger):
    holder = workers.start(sys.executable, __file__, "hold", kind)
    until("the lock is held", lambda: ledger.notes(event="held", taken=True))
    held_at = time.monotonic()
    for _ in range(4):
        workers.start(sys.executable, __file__, "count_up", kind)
    until("all are ready", lambda: len(ledger.notes(event="ready")) == 4)
    workers.kill(holder)
    db.set("start", 1)
    until("somebody counts", lambda: db.exists("count"))
    assert time.monotonic() - held_at >= LOCK_S - 0.1, "not before the dead one's time is over"
    until("all are done", lambda: len(ledger.notes(event="done")) == 4)
    assert int(db.get("count")) == 4 * ROUNDS
    assert not db.exists("the-lock")


def test_what_a_lock_promises(db):
    mine, other = (db.lock("mine", timeout=10) for _ in range(2))
    assert mine.acquire() and mine.locked() and mine.owned() and not other.owned()
    assert not other.acquire(blocking=False)
    began = time.monotonic()
    assert not other.acquire(blocking_timeout=0.2)
    assert 0.1 <= time.monotonic() - began < 5
    assert mine.extend(10) and 10_000 < db.pttl("mine") <= 20_000
    assert mine.extend(5, replace_ttl=True) and db.pttl("mine") <= 5000
    assert mine.reacquire() and 5000 < db.pttl("mine") <= 10_000
    with pytest.raises(LockError):
        other.release()
    db.set("mine", "somebody else's")
    for act in (mine.reacquire, lambda: mine.extend(1), mine.release):
        with pytest.raises(LockNotOwnedError):
            act()
    assert db.get("mine") == b"somebody else's"


def test_a_lock_ends_with_its_time(db):
    lost = db.lock("lost", timeout=0.1)
    assert lost.acquire()
    assert db.lock("lost", timeout=10).acquire(blocking_timeout=5)
    with pytest.raises(LockNotOwnedError):
        lost.release()
    assert db.exists("lost")


def test_asyncio_locks(db):
    async def count_up(client):
        for _ in range(ROUNDS):
            async with client.lock("async-lock", timeout=5, sleep=0.001):
                count = int(await client.get("async-count") or 0)
                await asyncio.sleep(0)
                await client.set("async-count", count + 1)

    async def all_of_them():
        async with redis.asyncio.Redis(port=rig.PORT) as client:
            await asyncio.gather(*(count_up(client) for _ in range(5)))

    asyncio.run(all_of_them())
    assert int(db.get("async-count")) == 5 * ROUNDS


def test_redlock_wants_a_majority(db):
    with redis.Redis(port=rig.PORT, db=3) as third, redis.Redis(port=rig.PORT, db=4) as fourth:
        hasty = Redlock([{"host": "127.0.0.1", "port": rig.PORT, "db": db} for db in (3, 4, 5)], retry_count=1, retry_delay=0.01)
        third.set("r", "somebody else's")
        lock = hasty.lock("r", 5000)
        assert lock.resource == "r" and 0 < lock.validity < 5000
        hasty.unlock(lock)
        fourth.set("r", "somebody else's")
        assert hasty.lock("r", 5000) is False
        with redis.Redis(port=rig.PORT, db=5) as fifth:
            assert not fifth.exists("r"), "what it got of a minority is given back"
        third.delete("r"), fourth.delete("r")


if __name__ == "__main__":
    {"hold": hold, "count_up": count_up}[sys.argv[1]](sys.argv[2], rig.worker_ledger())
