"""Celery: two workers, of which one is killed over its tasks; retries, times, priorities, chains, groups, chords, results,
remote control, events and beat, with Redis as broker and as result backend. The module is the workers' application too."""

import time
from datetime import datetime, timedelta, timezone

import pytest
from celery import Celery, chain, chord, group
from celery.exceptions import TaskRevokedError

import rig
from rig import until

app = Celery("test_celery", broker=rig.url(0), backend=rig.url(1))
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=True,
    task_track_started=True,
    broker_connection_retry_on_startup=True,
    # Short, so that what a killed worker held is soon seen again.
    broker_transport_options={
        "visibility_timeout": 2,
        "unacked_restore_interval": 0.5,
        "unacked_restore_throttle": 1,
        "priority_steps": list(range(10)),
        "queue_order_strategy": "priority",
    },
    beat_max_loop_interval=0.1,
    beat_schedule={"tick": {"task": "tick", "schedule": 0.3, "options": {"queue": "beat"}}},
)


@app.task(name="add")
def add(x, y):
    return x + y


@app.task(name="total")
def total(numbers):
    return sum(numbers)


@app.task(name="tick")
def tick():
    rig.worker_ledger().note(task="tick")


@app.task(name="noted")
def noted(n):
    rig.worker_ledger().note(task="noted", n=n)
    return n


@app.task(name="held", bind=True)
def held(self, n):
    """Is being worked on when its first worker dies."""
    book = rig.worker_ledger()
    book.note(task="held", n=n)
    if not self.request.delivery_info.get("redelivered"):
        time.sleep(rig.HELD_S)
    return n


@app.task(name="flaky", autoretry_for=(ConnectionError,), retry_kwargs={"max_retries": 3, "countdown": 0.05}, bind=True)
def flaky(self, n):
    if self.request.retries < 2:
        raise ConnectionError(f"attempt {self.request.retries}")
    return n, self.request.retries


@app.task(name="hopeless", bind=True, max_retries=1, default_retry_delay=0.05)
def hopeless(self, n):
    raise self.retry(exc=ZeroDivisionError(f"never {n}"))


@app.task(name="failed")
def failed(request, error, _traceback):
    rig.worker_ledger().note(task="failed", error=str(error))


def work(workers, queue, *words):
    return workers.python("celery", "-A", "test_celery", "worker", "-Q", queue, "-l", "WARNING", "-c", "2", *words)


def ready(results):
    return until("all results", lambda: all(result.ready() for result in results)) and results


def test_mixed_tasks_end_as_they_must_although_a_worker_dies(workers, ledger):
    victim = work(workers, "mixed")
    stuck = [held.apply_async([n], queue="mixed") for n in range(2)]
    until("the first worker is at work", lambda: len(ledger.notes(task="held")) == 2)
    work(workers, "mixed")
    plain = [add.apply_async([n, n], queue="mixed", priority=n % 10) for n in range(40)]
    retried = [flaky.apply_async([n], queue="mixed") for n in range(6)]
    lost = [hopeless.apply_async([n], queue="mixed", link_error=failed.s().set(queue="mixed")) for n in range(4)]
    later = [noted.apply_async([n], queue="mixed", countdown=0.5) for n in range(4)]
    published = time.time()
    workers.kill(victim)

    ready([*stuck, *plain, *retried, *lost, *later])
    assert [task.get() for task in plain] == [2 * n for n in range(40)]
    assert [task.get() for task in stuck] == [0, 1]
    assert [task.get() for task in retried] == [[n, 2] for n in range(6)]
    assert [(task.state, str(task.result)) for task in lost] == [("FAILURE", f"never {n}") for n in range(4)]
    assert [task.get() for task in later] == [0, 1, 2, 3]
    assert min(note["at"] for note in ledger.notes(task="noted")) >= published + 0.4, "not before their time"
    until("errors were handed on", lambda: len(ledger.notes(task="failed")) == 4)
    client = app.backend.client
    broker = app.connection_for_read().default_channel.client
    until("nothing is unacknowledged", lambda: not broker.exists("unacked", "unacked_index"))
    assert client.ttl(f"celery-task-meta-{plain[0].id}") > 0


def test_priorities(workers, ledger):
    for n, priority in enumerate([5, 9, 0, 3, 5, 0]):
        noted.apply_async([n], queue="priorities", priority=priority)
    work(workers, "priorities", "-P", "solo")
    until("all have run", lambda: len(ledger.notes()) == 6)
    assert [note["n"] for note in ledger.notes()] == [2, 5, 3, 0, 4, 1]


def test_chains_groups_and_chords(workers):
    work(workers, "celery")
    chained = chain(add.s(1, 2), add.s(3), add.s(4))
    grouped = group(add.s(n, n) for n in range(10))
    gathered = chord((add.s(n, n) for n in range(10)), total.s())
    nested = chain(add.s(1, 1), group(add.s(n) for n in range(3)), total.s())
    broken = chord([add.s(1, 1), add.s(1, None)], total.s())
    mapped = add.starmap([(n, n) for n in range(5)])
    results = [signature.apply_async() for signature in (chained, grouped, gathered, nested, mapped)]
    assert [result.get(timeout=rig.WAIT_S) for result in results] == [10, [2 * n for n in range(10)], 90, 9, [0, 2, 4, 6, 8]]
    error = broken.apply_async().get(timeout=rig.WAIT_S, propagate=False)
    assert "TypeError" in str(error)


def test_results_times_and_remote_control(workers, ledger):
    work(workers, "celery")
    until("the worker answers", lambda: app.control.ping(timeout=0.5))
    due = datetime.now(timezone.utc) + timedelta(seconds=0.7)
    timed = noted.apply_async([1], eta=due)
    revoked = noted.apply_async([2], countdown=1.5)
    expired = noted.apply_async([3], expires=-1)
    revoked.revoke()
    assert timed.get(timeout=rig.WAIT_S) == 1
    assert ledger.notes(n=1)[0]["at"] >= due.timestamp()
    for task in (revoked, expired):
        with pytest.raises(TaskRevokedError):
            task.get(timeout=rig.WAIT_S)
    assert not ledger.notes(n=2) and not ledger.notes(n=3)
    big = add.apply_async(["x" * 1_000_000, "y"])
    assert len(big.get(timeout=rig.WAIT_S)) == 1_000_001
    big.forget()
    assert big.state == "PENDING"


def test_events_and_beat(workers, ledger):
    work(workers, "beat")
    workers.python("celery", "-A", "test_celery", "beat", "-s", ledger.path.with_name("beat"), "-l", "WARNING")
    seen = []
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"task-succeeded": seen.append})
        until("events of three ticks", lambda: list(receiver.itercapture(limit=5, timeout=5)) and len(seen) >= 3)
    assert len(ledger.notes(task="tick")) >= 3
