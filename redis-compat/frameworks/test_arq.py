"""arq: workers of which one is killed over its jobs; retries, deferred jobs, unique ids, aborting, timeouts, cron, results.
The module is the workers' settings too."""

import asyncio
import time

import pytest
from arq import Retry, create_pool, cron, func
from arq.connections import RedisSettings
from arq.jobs import JobStatus

import rig
from rig import until

settings = RedisSettings(port=rig.PORT)


async def add(ctx, x, y):
    return x + y


async def noted(ctx, n):
    rig.worker_ledger().note(n=n)
    return n


async def flaky(ctx, n):
    """Works the third time."""
    if ctx["job_try"] < 3:
        raise Retry(defer=0.1)
    return n, ctx["job_try"]


async def stubborn(ctx, n):
    raise Retry


async def hopeless(ctx, n):
    raise ZeroDivisionError(f"never {n}")


async def held(ctx, n):
    """Is being worked on when its first worker dies."""
    rig.worker_ledger().note(held=n)
    if ctx["job_try"] == 1:
        await asyncio.sleep(rig.HELD_S)
    return n, ctx["job_try"]


async def slow(ctx, seconds):
    rig.worker_ledger().note(slow=seconds)
    await asyncio.sleep(seconds)


async def tick(ctx):
    rig.worker_ledger().note(tick=True)


class WorkerSettings:
    # A job counts as in progress for its timeout and ten seconds more, also when its worker is dead.
    functions = [add, noted, flaky, func(stubborn, max_tries=2), hopeless, func(held, timeout=0.5), slow]
    cron_jobs = [cron(tick, second=set(range(60)), microsecond=0)]
    redis_settings = settings
    job_timeout = 0.5
    poll_delay = 0.05
    allow_abort_jobs = True
    health_check_interval = 1


class PatientSettings:
    """For jobs that outlive the test."""

    functions = [held, slow]
    redis_settings = settings
    queue_name = "patient"
    job_timeout = rig.HELD_S * 2
    poll_delay = 0.05
    allow_abort_jobs = True
    health_check_interval = 1


def work(workers, name="WorkerSettings"):
    return workers.python("arq", f"test_arq.{name}")


def running(scenario):
    """Runs it with a pool of connections on an empty database."""

    async def run():
        async with await create_pool(settings) as pool:
            await pool.flushdb()
            await scenario(pool)

    asyncio.run(run())


def results(jobs):
    return asyncio.gather(*(job.result(timeout=rig.WAIT_S, poll_delay=0.02) for job in jobs))


def test_mixed_jobs_end_as_they_must_although_a_worker_dies(workers, ledger):
    async def scenario(pool):
        victim = work(workers)
        stuck = [await pool.enqueue_job("held", n) for n in range(2)]
        until("the first worker is at work", lambda: ledger.notes(held=0) and ledger.notes(held=1))
        workers.kill(victim)
        work(workers), work(workers)
        plain = [await pool.enqueue_job("add", n, n) for n in range(40)]
        retried = [await pool.enqueue_job("flaky", n) for n in range(5)]
        lost = [await pool.enqueue_job("hopeless", n) for n in range(3)]
        given_up = await pool.enqueue_job("stubborn", 1)
        late = await pool.enqueue_job("slow", 30)
        sent = time.time()
        deferred = [await pool.enqueue_job("noted", n, _defer_by=0.5) for n in range(4)]

        assert await results(plain) == [2 * n for n in range(40)]
        assert await results(retried) == [(n, 3) for n in range(5)]
        for n, job in enumerate(lost):
            with pytest.raises(ZeroDivisionError, match=f"never {n}"):
                await results([job])
        assert await results(deferred) == [0, 1, 2, 3]
        assert min(note["at"] for note in ledger.notes() if "n" in note) >= sent + 0.45, "not before their time"
        with pytest.raises(asyncio.TimeoutError):
            await results([late])
        with pytest.raises(Exception, match="max 2 retries exceeded"):
            await results([given_up])
        assert await results(stuck) == [(0, 2), (1, 2)]
        assert await pool.zcard("arq:queue") == 0 or all(job.function == "cron:tick" for job in await pool.queued_jobs())
        assert {result.function for result in await pool.all_job_results()} >= {"add", "flaky", "hopeless", "held"}
        until("the cron job has run twice", lambda: len(ledger.notes(tick=True)) >= 2)
        seconds = [int(note["at"]) for note in ledger.notes(tick=True)]
        assert len(seconds) == len(set(seconds)), "once each, although there are two workers"

    running(scenario)


def test_ids_are_unique_and_jobs_are_aborted(workers, ledger):
    async def scenario(pool):
        first = await pool.enqueue_job("slow", 31, _job_id="mine", _queue_name="patient")
        assert await pool.enqueue_job("slow", 31, _job_id="mine", _queue_name="patient") is None
        far = await pool.enqueue_job("slow", 32, _defer_by=3600, _queue_name="patient")
        assert (await first.status(), await far.status()) == (JobStatus.queued, JobStatus.deferred)
        worker = work(workers, "PatientSettings")
        until("it runs", lambda: ledger.notes(slow=31))
        assert await first.status() == JobStatus.in_progress
        assert await first.abort(timeout=rig.WAIT_S)
        assert await far.abort(timeout=rig.WAIT_S)
        assert await first.status() == JobStatus.complete
        assert not ledger.notes(slow=32)
        health = await pool.get("patient:health-check")
        assert b"j_complete=" in health
        given_back = await pool.enqueue_job("held", 9, _queue_name="patient")
        until("it is at work", lambda: ledger.notes(held=9))
        workers.stop(worker)
        work(workers, "PatientSettings")
        assert await results([given_back]) == [(9, 2)], "a worker that is stopped gives back what it has"

    running(scenario)
