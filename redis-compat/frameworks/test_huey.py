"""Huey: consumers of which one is killed; retries, schedules, priorities, pipelines, chords, locks, rate limits, revoking,
periodic tasks, and results that expire. The module is the consumers' application too."""

import time
from datetime import datetime, timedelta

import pytest
from huey import PriorityRedisExpireHuey, PriorityRedisHuey, RedisHuey, chord, crontab, group
from huey.exceptions import RateLimitExceeded, TaskException, TaskLockedException

import rig
from rig import until

plain = RedisHuey("plain", url=rig.url(), notify_result=True, store_intermediate_errors=False)
priority = PriorityRedisHuey("priority", url=rig.url())
expiring = PriorityRedisExpireHuey("expiring", url=rig.url(), expire_time=60)


@plain.task()
def add(x, y):
    return x + y


@plain.task()
def total(numbers):
    return sum(numbers)


@plain.task()
def noted(n):
    rig.worker_ledger().note(n=n)
    return n


@plain.task(retries=3, retry_delay=0)
def flaky(n):
    """Works the third time."""
    book = rig.worker_ledger()
    book.note(flaky=n)
    if len(book.notes(flaky=n)) < 3:
        raise ConnectionError(f"not yet {n}")
    return n


@plain.task(retries=1)
def hopeless(n):
    raise ZeroDivisionError(f"never {n}")


@plain.task()
def held(n):
    """Is being worked on when its consumer dies: Huey takes a task off its queue for good."""
    rig.worker_ledger().note(held=n)
    time.sleep(rig.HELD_S)


@plain.task(retries=10_000, retry_delay=0)
@plain.lock_task("alone")
def alone(n):
    rig.worker_ledger().note(begin=n)
    time.sleep(0.02)
    rig.worker_ledger().note(end=n)


@plain.periodic_task(crontab(minute="*"))
def every_minute():
    rig.worker_ledger().note(periodic=True)


@priority.task()
def ranked(n):
    rig.worker_ledger().note(n=n)


@expiring.task()
def square(n):
    return n * n


def consume(workers, name, *words):
    return workers.python("huey.bin.huey_consumer", f"test_huey.{name}", "--quiet", "--delay", "0.05", *words)


def test_mixed_tasks_end_as_they_must_although_a_consumer_dies(workers, ledger):
    victim = consume(workers, "plain")
    held(0)
    until("the first consumer is at work", lambda: ledger.notes(held=0))
    sums = [add(n, n) for n in range(40)]
    retried = [flaky(n) for n in range(5)]
    lost = [hopeless(n) for n in range(3)]
    due = datetime.now() + timedelta(seconds=1.2)
    later = [noted.schedule((n,), eta=due) for n in range(4)]
    revoked = add(1, 1)
    revoked.revoke()
    workers.kill(victim)
    consume(workers, "plain", "--workers", "4")

    assert [task.get(blocking=True, timeout=rig.WAIT_S) for task in sums] == [2 * n for n in range(40)]
    assert [task.get(blocking=True, timeout=rig.WAIT_S) for task in retried] == [0, 1, 2, 3, 4]
    for n, task in enumerate(lost):
        with pytest.raises(TaskException, match=f"never {n}"):
            task.get(blocking=True, timeout=rig.WAIT_S)
    assert [task.get(blocking=True, timeout=rig.WAIT_S) for task in later] == [0, 1, 2, 3]
    assert min(note["at"] for note in ledger.notes() if "n" in note) >= due.timestamp()
    assert revoked.get() is None
    until("nothing is left", lambda: not (plain.pending_count() or plain.scheduled_count()))
    assert len(ledger.notes(held=0)) == 1, "taken off the queue, it is not seen again"


def test_pipelines_groups_and_chords(workers):
    consume(workers, "plain", "--workers", "4")
    piped = plain.enqueue(add.s(1, 2).then(add, 3).then(add, 4))
    assert [step.get(blocking=True, timeout=rig.WAIT_S) for step in piped] == [3, 6, 10]
    mapped = add.map([(n, n) for n in range(10)])
    assert mapped.get(blocking=True, timeout=rig.WAIT_S) == [2 * n for n in range(10)]
    grouped = plain.enqueue(group([add.s(n, 1) for n in range(3)]))
    assert grouped.get(blocking=True, timeout=rig.WAIT_S) == [1, 2, 3]
    gathered = plain.enqueue(chord([add.s(n, n) for n in range(10)], total.s()))
    assert gathered.callback.get(blocking=True, timeout=rig.WAIT_S) == 90


def test_locks_rate_limits_and_periods(workers, ledger):
    for n in range(3):
        alone(n)
    consume(workers, "plain", "--workers", "4", "--scheduler-interval", "1")
    until("all have run", lambda: sum("end" in note for note in ledger.notes()) == 3)
    steps = [note for note in ledger.notes() if "begin" in note or "end" in note]
    assert ["begin" in note for note in steps] == [True, False] * 3, "one at a time"
    with plain.lock_task("mine", ttl=60):
        assert plain.is_locked("mine")
        with pytest.raises(TaskLockedException), plain.lock_task("mine"):
            pass
    assert plain.storage.conn.hlen("huey.results.plain") == len(plain.all_results())
    limiter = plain.rate_limit("api", limit=3, per=3600, retry=False)
    for _ in range(3):
        limiter.acquire()
    with pytest.raises(RateLimitExceeded):
        limiter.acquire()
    until("the scheduler looked at its periodic tasks", lambda: ledger.notes(periodic=True))


def test_priorities_and_results_that_expire(workers, ledger):
    for n, rank in enumerate([1, 9, 5, 9, None]):
        ranked(n, priority=rank)
    consume(workers, "priority")
    until("all have run", lambda: len(ledger.notes()) == 5)
    assert [note["n"] for note in ledger.notes()] == [1, 3, 2, 0, 4]
    squares = [square(n, priority=n) for n in range(5)]
    assert expiring.pending_count() == 5
    consume(workers, "expiring")
    assert [task.get(blocking=True, timeout=rig.WAIT_S) for task in squares] == [0, 1, 4, 9, 16]
    assert expiring.result_count() == 5
    assert 0 < expiring.storage.conn.ttl(f"huey.r.expiring.{squares[0].id}") <= 60
