"""RQ: workers of which one is killed and one loses its work horse; retries, schedules, repeats, dependencies, groups, rate
limits, callbacks, remote commands, cron."""

import os
import signal
import time
from datetime import timedelta

import pytest
import redis
from rq import Callback, Queue, Repeat, Retry
from rq.command import send_shutdown_command, send_stop_job_command
from rq.exceptions import DuplicateJobError
from rq.group import Group
from rq.rate_limit import RateLimit, RateLimitRegistry
from rq.registry import StartedJobRegistry
from rq.worker import Worker

import rig
from rig import until


def add(x, y):
    return x + y


def noted(n):
    rig.worker_ledger().note(n=n)
    return n


def flaky(n):
    """Works the third time."""
    book = rig.worker_ledger()
    book.note(flaky=n)
    if len(book.notes(flaky=n)) < 3:
        raise ConnectionError(f"not yet {n}")
    return n


def hopeless(n):
    raise ZeroDivisionError(f"never {n}")


def held(n):
    """Is being worked on when its first worker dies."""
    book = rig.worker_ledger()
    book.note(held=n)
    if len(book.notes(held=n)) == 1:
        time.sleep(rig.HELD_S)
    return n


def alone(n):
    rig.worker_ledger().note(begin=n)
    time.sleep(0.1)
    rig.worker_ledger().note(end=n)


def succeeded(job, connection, result):
    rig.worker_ledger().note(succeeded=result)


def was_stopped(job, connection):
    rig.worker_ledger().note(stopped=job.id)


@pytest.fixture
def db():
    with redis.Redis(port=rig.PORT) as client:
        client.flushdb()
        yield client


def work(workers, *words):
    # Named as its configuration, this module is imported once and not by each work horse.
    return workers.python("rq.cli", "worker", "-u", rig.url(), "-c", "test_rq", "--quiet", *words)


def ended(*jobs):
    done = {"finished", "failed", "stopped", "canceled"}
    until("all jobs have ended", lambda: all(job.get_status() in done for job in jobs))
    for job in jobs:
        job.refresh()


def test_mixed_jobs_end_as_they_must_although_a_worker_dies(db, workers, ledger):
    queue, urgent = Queue("mixed", connection=db), Queue("urgent", connection=db)
    victim = work(workers, "mixed", "--name", "victim")
    stuck = queue.enqueue(held, 0, retry=Retry(max=1), result_ttl=60)
    until("the first worker is at work", lambda: ledger.notes(held=0))
    work(workers, "urgent", "mixed", "--name", "survivor", "--with-scheduler", "--job-monitoring-interval", "1")
    plain = [queue.enqueue(add, n, n, result_ttl=60, on_success=Callback(succeeded)) for n in range(20)]
    first = queue.enqueue(noted, "at front", at_front=True)
    hurried = [urgent.enqueue(noted, n) for n in range(3)]
    retried = [queue.enqueue(flaky, n, retry=Retry(max=3)) for n in range(4)]
    lost = [queue.enqueue(hopeless, n, retry=Retry(max=1)) for n in range(3)]
    later = queue.enqueue_in(timedelta(seconds=1), noted, "later")
    asked = time.time()
    workers.kill(victim)
    # What a dead worker held counts as abandoned when its heartbeat, a minute long, has ended.
    StartedJobRegistry(queue=queue).cleanup(timestamp=time.time() + 300)

    jobs = [stuck, *plain, first, *hurried, *retried, *lost, later]
    ended(*jobs)
    assert [job.return_value() for job in plain] == [2 * n for n in range(20)]
    assert sorted(note["succeeded"] for note in ledger.notes() if "succeeded" in note) == [2 * n for n in range(20)]
    assert stuck.return_value() == 0 and len(ledger.notes(held=0)) == 2
    assert [len(ledger.notes(flaky=n)) for n in range(4)] == [3, 3, 3, 3]
    assert [job.get_status() for job in lost] == ["failed"] * 3
    assert all("ZeroDivisionError: never" in job.latest_result().exc_string for job in lost)
    assert set(queue.failed_job_registry.get_job_ids()) == {job.id for job in lost}
    assert ledger.notes(n="later")[0]["at"] >= int(asked + 1), "not before its time"
    assert set(queue.finished_job_registry.get_job_ids()) == {job.id for job in jobs if job.origin == "mixed"} - {
        job.id for job in lost
    }
    until("nothing is left to do", lambda: not (queue.count or urgent.count or StartedJobRegistry(queue=queue).count))
    queue.failed_job_registry.requeue(lost[0].id)
    ended(lost[0])
    assert db.ttl(plain[0].key) > 0


def test_a_work_horse_that_dies_and_commands_to_a_worker(db, workers, ledger):
    queue = Queue("horses", connection=db)
    horse = queue.enqueue(held, "shot", retry=Retry(max=1))
    worker = work(workers, "horses", "--name", "stable")
    pid = until("the horse runs", lambda: ledger.notes(held="shot"))[0]["pid"]
    os.kill(pid, signal.SIGKILL)
    ended(horse)
    assert horse.return_value() == "shot"
    stopped = queue.enqueue(held, "stopped", on_stopped=Callback(was_stopped))
    until("it runs", lambda: ledger.notes(held="stopped"))
    send_stop_job_command(db, stopped.id)
    ended(stopped)
    assert stopped.get_status() == "stopped"
    until("the callback ran", lambda: ledger.notes(stopped=stopped.id))
    assert [one.name for one in Worker.all(connection=db)] == ["stable"]
    send_shutdown_command(db, "stable")
    assert worker.wait(rig.STOP_S) == 0
    assert Worker.all(connection=db) == []


def test_dependencies_groups_and_duplicates(db, workers, ledger):
    queue = Queue("dependent", connection=db)
    first = queue.enqueue(noted, "first")
    failing = queue.enqueue(hopeless, 1)
    second = queue.enqueue(noted, "second", depends_on=first)
    both = queue.enqueue(noted, "both", depends_on=[first, second])
    never = queue.enqueue(noted, "never", depends_on=failing)
    group = Group.create(connection=db)
    group.enqueue_many(queue, [Queue.prepare_data(noted, (f"group {n}",)) for n in range(3)])
    unique = queue.enqueue(add, 1, 1, job_id="once", unique=True)
    with pytest.raises(DuplicateJobError):
        queue.enqueue(add, 1, 1, job_id="once", unique=True)
    cancelled = queue.enqueue(noted, "cancelled")
    cancelled.cancel()
    assert queue.deferred_job_registry.count == 3
    work(workers, "dependent")
    ended(first, second, both, failing, unique, *group.get_jobs())
    order = [note["n"] for note in ledger.notes()]
    assert order.index("first") < order.index("second") < order.index("both")
    assert never.get_status() == "deferred" and cancelled.get_status() == "canceled"
    assert {"never", "cancelled"}.isdisjoint(order)
    assert sorted(order)[:1] == ["both"] and sum(n.startswith("group") for n in order) == 3


def test_repeats_rate_limits_and_cron(db, workers, ledger, tmp_path):
    queue = Queue("again", connection=db)
    repeated = queue.enqueue(noted, "repeated", repeat=Repeat(times=2, interval=1))
    limited = [queue.enqueue(alone, n, rate_limit=RateLimit("one", concurrency=1)) for n in range(4)]
    assert RateLimitRegistry("one", db).get_rate_limited_job_count() == 3
    for _ in range(2):
        work(workers, "again", "ticks", "--with-scheduler")
    config = tmp_path / "crontab.py"
    config.write_text(
        "from rq import cron\nfrom test_rq import noted\ncron.register(noted, queue_name='ticks', args=('tick',), interval=1)\n"
    )
    workers.python("rq.cli", "cron", "-u", rig.url(), "--logging-level", "WARNING", config)
    ended(*limited)
    steps = [note for note in ledger.notes() if "begin" in note or "end" in note]
    assert ["begin" in step for step in steps] == [True, False] * 4, "one at a time"
    until("it has run three times", lambda: len(ledger.notes(n="repeated")) == 3)
    until("it has ticked twice", lambda: len(ledger.notes(n="tick")) >= 2)
    until("its repetitions are over", lambda: repeated.get_status() == "finished" and not queue.scheduled_job_registry.count)
