"""Sidekiq: processes of which one is killed and one is stopped over its jobs; retries, the dead set, schedules, queues by
order of importance, bulk pushes, statistics. Its jobs are in sidekiq_jobs.rb."""

import json
import os
import subprocess
import time

import pytest
import redis

import rig
from rig import until

APP = rig.HERE / "sidekiq_jobs.rb"


@pytest.fixture(autouse=True)
def db():
    with redis.Redis(port=rig.PORT) as client:
        client.flushdb()
        yield client


@pytest.fixture
def tell(ledger):
    """Has the application do something; returns what Sidekiq says of itself."""

    def tell(*words):
        environment = {**os.environ, "REDIS_URL": rig.url(), "LEDGER": str(ledger.path)}
        done = subprocess.run(["ruby", APP, *words], env=environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    return tell


def work(workers, *words):
    return workers.start("sidekiq", "-r", APP, "-c", "2", *words, REDIS_URL=rig.url())


def test_mixed_jobs_end_as_they_must_although_a_process_dies(workers, ledger, tell):
    victim = work(workers)
    tell("held", "lost")
    until("the first process is at work", lambda: ledger.notes(held="lost"))
    workers.kill(victim)
    sent = time.time()
    tell("mixed")
    work(workers, "-q", "urgent", "-q", "default"), work(workers, "-q", "urgent", "-q", "default")
    processed = 40 + 3 + 4 * 3 + 3 + 4
    until("all is done, and tried again", lambda: tell("hurry")["processed"] == processed)
    assert {tell()[left] for left in ("enqueued", "scheduled", "retry")} == {0}
    assert len([note for note in ledger.notes() if "death" in note]) == 3
    assert all(len(ledger.notes(plain=n)) == 1 for n in range(40))
    assert all(len(ledger.notes(urgent=n)) == 1 for n in range(3))
    assert all(len(ledger.notes(flaky=n)) == 3 for n in range(4))
    assert all(len(ledger.notes(exhausted=n)) == 1 for n in range(3))
    later = [note["at"] for note in ledger.notes() if str(note.get("plain")).startswith("later")]
    assert len(later) == 4 and min(later) >= sent + 0.9, "not before their time"
    assert not ledger.notes(plain="deleted")
    assert len(ledger.notes(held="lost")) == 1, "taken off its queue by a process that died, it is not seen again"
    state = tell()
    assert (state["failed"], state["dead"]) == (4 * 2 + 3, 3)
    assert state["errors"] == ["never 0", "never 1", "never 2"]
    tell("revive")
    until("the dead have died again", lambda: len([note for note in ledger.notes() if "death" in note]) == 6)


def test_a_process_that_is_stopped_gives_back_its_job(workers, ledger, tell):
    worker = work(workers)
    tell("held", "kept")
    until("it is at work", lambda: ledger.notes(held="kept"))
    until("it says so", lambda: tell()["busy"] == 1)
    workers.stop(worker)
    assert (tell()["enqueued"], tell()["processes"]) == (1, 0)
    work(workers)
    until("another has done it", lambda: ledger.notes(released="kept"))


def test_queues_by_importance(workers, ledger, tell):
    assert tell("urgent")["queues"] == {"default": 5, "urgent": 5}
    work(workers, "-q", "urgent", "-q", "default", "-c", "1")
    until("all have run", lambda: len(ledger.notes()) == 10)
    assert ["urgent" in note for note in ledger.notes()] == [True] * 5 + [False] * 5
