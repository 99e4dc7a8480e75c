"""Dramatiq: workers, of which one is killed over its messages; retries, delays, dead letters, pipelines, groups, results,
rate limits, barriers. The module is the workers' application too."""

import time

import dramatiq
import pytest
from dramatiq import group, pipeline
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits import Barrier, BucketRateLimiter, ConcurrentRateLimiter, WindowRateLimiter
from dramatiq.rate_limits.backends import RedisBackend as RateLimits
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend as ResultsInRedis
from dramatiq.results.errors import ResultFailure

import rig
from rig import until

limits = RateLimits(url=rig.url(2))
# Short, and looked at by every command, so that what a killed worker held is soon given to another.
broker = RedisBroker(url=rig.url(), heartbeat_timeout=1500, maintenance_chance=1_000_000)
broker.add_middleware(Results(backend=ResultsInRedis(url=rig.url(1))))
broker.add_middleware(GroupCallbacks(limits))
dramatiq.set_broker(broker)
DAY_MS = 86_400_000
quick = {"min_backoff": 50, "max_backoff": 100}


@dramatiq.actor(store_results=True)
def add(x, y):
    return x + y


@dramatiq.actor(store_results=True)
def total(numbers):
    return sum(numbers)


@dramatiq.actor(queue_name="later")
def noted(n):
    rig.worker_ledger().note(n=n)


@dramatiq.actor(store_results=True, max_retries=3, **quick)
def flaky(n):
    """Works the third time."""
    book = rig.worker_ledger()
    book.note(flaky=n)
    if len(book.notes(flaky=n)) < 3:
        raise ConnectionError(f"not yet {n}")
    return n


@dramatiq.actor(store_results=True, max_retries=1, **quick)
def hopeless(n):
    raise ZeroDivisionError(f"never {n}")


@dramatiq.actor(store_results=True)
def held(n):
    """Is being worked on when its first worker dies."""
    book = rig.worker_ledger()
    book.note(held=n)
    if len(book.notes(held=n)) == 1:
        time.sleep(rig.HELD_S)
    return n


@dramatiq.actor(max_retries=100, **quick)
def alone(n):
    with ConcurrentRateLimiter(limits, "alone", limit=1, ttl=10_000).acquire():
        rig.worker_ledger().note(begin=n)
        time.sleep(0.05)
        rig.worker_ledger().note(end=n)


def work(workers, *words):
    return workers.python("dramatiq", "test_dramatiq", "--processes", "1", "--threads", "4", "--skip-logging", *words)


def results(messages):
    return [message.get_result(block=True, timeout=rig.WAIT_S * 1000) for message in messages]


def test_mixed_messages_end_as_they_must_although_a_worker_dies(workers, ledger):
    victim = work(workers)
    stuck = [held.send(n) for n in range(2)]
    until("the first worker is at work", lambda: ledger.notes(held=0) and ledger.notes(held=1))
    work(workers)
    plain = [add.send(n, n) for n in range(40)]
    retried = [flaky.send(n) for n in range(5)]
    lost = [hopeless.send(n) for n in range(3)]
    sent = time.time()
    delayed = [noted.send_with_options(args=(f"later {n}",), delay=500) for n in range(4)]
    workers.kill(victim)

    assert results(plain) == [2 * n for n in range(40)]
    assert results(stuck) == [0, 1]
    assert results(retried) == [0, 1, 2, 3, 4]
    assert [len(ledger.notes(flaky=n)) for n in range(5)] == [3] * 5
    for n, message in enumerate(lost):
        with pytest.raises(ResultFailure, match=f"never {n}"):
            results([message])
    until("the delayed have run", lambda: all(ledger.notes(n=f"later {n}") for n in range(4)))
    assert min(note["at"] for note in ledger.notes() if "n" in note) >= sent + 0.45, "not before their time"
    for queue in ("default", "later"):
        broker.join(queue, timeout=rig.WAIT_S * 1000)
    dead = broker.client.zcard("dramatiq:default.XQ")
    assert dead == len(lost) == broker.client.hlen("dramatiq:default.XQ.msgs")
    assert len(delayed) == len([note for note in ledger.notes() if "n" in note])


def test_pipelines_and_groups(workers, ledger):
    work(workers)
    piped = pipeline([add.message(1, 2), add.message(3), add.message(4)]).run()
    assert piped.get_result(block=True, timeout=rig.WAIT_S * 1000) == 10
    grouped = group([add.message(n, n) for n in range(10)])
    grouped.add_completion_callback(noted.message("complete"))
    grouped.run()
    assert list(grouped.get_results(block=True, timeout=rig.WAIT_S * 1000)) == [2 * n for n in range(10)]
    assert grouped.completed_count == 10
    until("the group's end was told", lambda: ledger.notes(n="complete"))
    assert len(ledger.notes(n="complete")) == 1


def test_rate_limits_and_barriers(workers, ledger):
    for _ in range(2):
        work(workers)
    for n in range(6):
        alone.send(n)
    until("all have run", lambda: sum("end" in note for note in ledger.notes()) == 6)
    assert ["begin" in note for note in ledger.notes()] == [True, False] * 6, "one at a time"
    bucket = BucketRateLimiter(limits, "bucket", limit=3, bucket=DAY_MS)
    window = WindowRateLimiter(limits, "window", limit=3, window=60)
    for limiter in (bucket, window):
        taken = 0
        for _ in range(6):
            with limiter.acquire(raise_on_failure=False) as got:
                taken += got
        assert taken == 3
    barrier = Barrier(limits, "barrier", ttl=10_000)
    assert barrier.create(parties=2)
    assert not barrier.wait(block=False)
    assert barrier.wait(block=False)
    assert barrier.wait(block=True, timeout=1000)
