"""taskiq: the list broker and the stream broker, each with workers of which one is killed; retries, results, pub/sub,
schedules. The module is the workers' application too."""

import asyncio
from datetime import datetime, timedelta, timezone

import redis
from taskiq import SimpleRetryMiddleware, TaskiqScheduler
from taskiq_redis import ListQueueBroker, ListRedisScheduleSource, PubSubBroker, RedisAsyncResultBackend, RedisStreamBroker

import rig
from rig import until

lists = ListQueueBroker(rig.url(), queue_name="lists")
streams = RedisStreamBroker(
    rig.url(),
    queue_name="streams",
    consumer_id="0",
    # Short, so that what a killed worker held is soon claimed.
    idle_timeout=1000,
    unacknowledged_lock_timeout=1,
    xread_block=100,
    xread_count=10,
)
shouts = PubSubBroker(rig.url(), queue_name="shouts")
BROKERS = {"lists": lists, "streams": streams, "shouts": shouts}
schedules = ListRedisScheduleSource(rig.url(), prefix="schedules")
scheduler = TaskiqScheduler(lists, [schedules])


async def add(x, y):
    return x + y


async def noted(n):
    rig.worker_ledger().note(n=n)
    return n


async def flaky(n):
    """Works the third time."""
    book = rig.worker_ledger()
    book.note(flaky=n)
    if len(book.notes(flaky=n)) < 3:
        raise ConnectionError(f"not yet {n}")
    return n


async def hopeless(n):
    raise ZeroDivisionError(f"never {n}")


async def held(n):
    """Is being worked on when its first worker dies."""
    book = rig.worker_ledger()
    book.note(held=n)
    if len(book.notes(held=n)) == 1:
        await asyncio.sleep(rig.HELD_S)
    return n


TASKS = {}
for kind, broker in BROKERS.items():
    broker.with_result_backend(RedisAsyncResultBackend(rig.url(1), result_ex_time=60))
    broker.add_middlewares(SimpleRetryMiddleware(default_retry_count=3))
    for name, task in {"add": add, "noted": noted, "flaky": flaky, "hopeless": hopeless, "held": held}.items():
        TASKS[kind, name] = broker.register_task(task, task_name=f"{kind}.{name}", retry_on_error=name == "flaky")


def work(workers, kind):
    return workers.python("taskiq", "worker", f"test_taskiq:{kind}", "--workers", "1", "--log-level", "ERROR")


def running(kind, scenario):
    """Runs it with a broker that has started, on an empty database. What it gets names the tasks."""

    async def run():
        with redis.Redis(port=rig.PORT) as db:
            db.flushall()
        broker = BROKERS[kind]
        await broker.startup()
        try:
            await scenario(lambda name, *args: TASKS[kind, name].kiq(*args))
        finally:
            await broker.shutdown()

    asyncio.run(asyncio.wait_for(run(), 2 * rig.WAIT_S))


async def outcome(task):
    return await task.wait_result(timeout=rig.WAIT_S, check_interval=0.02)


async def values(tasks):
    return [(await outcome(task)).return_value for task in tasks]


async def check_mixed(kick, ledger):
    plain = [await kick("add", n, n) for n in range(40)]
    retried = [await kick("flaky", n) for n in range(4)]
    lost = [await kick("hopeless", n) for n in range(3)]
    assert await values(plain) == [2 * n for n in range(40)]
    assert await values(retried) == [0, 1, 2, 3]
    assert [len(ledger.notes(flaky=n)) for n in range(4)] == [3] * 4
    for n, task in enumerate(lost):
        result = await outcome(task)
        assert result.is_err and f"never {n}" in str(result.error)


def test_list_broker(workers, ledger):
    async def scenario(kick):
        victim = work(workers, "lists")
        await kick("held", 0)
        until("the first worker is at work", lambda: ledger.notes(held=0))
        workers.kill(victim)
        waiting = [await kick("noted", n) for n in range(3)]
        work(workers, "lists"), work(workers, "lists")
        assert await values(waiting) == [0, 1, 2]
        await check_mixed(kick, ledger)
        assert len(ledger.notes(held=0)) == 1, "taken off the list, it is not seen again"

    running("lists", scenario)


def test_stream_broker(workers, ledger):
    async def scenario(kick):
        victim = work(workers, "streams")
        stuck = [await kick("held", n) for n in range(2)]
        until("the first worker is at work", lambda: ledger.notes(held=0) and ledger.notes(held=1))
        workers.kill(victim)
        work(workers, "streams"), work(workers, "streams")
        await check_mixed(kick, ledger)
        with redis.Redis(port=rig.PORT) as db:
            while db.xpending("streams", "taskiq")["pending"]:
                # A worker looks for what others left after it has read something.
                await outcome(await kick("add", 1, 1))
                await asyncio.sleep(0.2)
            assert await values(stuck) == [0, 1]
            assert db.xinfo_groups("streams")[0]["lag"] == 0

    running("streams", scenario)


def test_pubsub_broker_reaches_every_worker(workers, ledger):
    async def scenario(kick):
        work(workers, "shouts"), work(workers, "shouts")
        with redis.Redis(port=rig.PORT) as db:
            until("both listen", lambda: db.pubsub_numsub("shouts")[0][1] == 2)
        await kick("noted", 7)
        until("both have heard it", lambda: len(ledger.notes(n=7)) == 2)
        assert len({note["pid"] for note in ledger.notes(n=7)}) == 2

    running("shouts", scenario)


def test_schedules(workers, ledger):
    async def scenario(_):
        await schedules.startup()
        due = datetime.now(timezone.utc) + timedelta(seconds=1)
        task = TASKS["lists", "noted"]
        await task.schedule_by_time(schedules, due, "once")
        await task.schedule_by_interval(schedules, timedelta(seconds=1), "each second")
        await task.schedule_by_cron(schedules, "0 0 1 1 *", "new year")
        assert len(await schedules.get_schedules()) >= 2
        work(workers, "lists")
        workers.python(
            "taskiq",
            "scheduler",
            "test_taskiq:scheduler",
            "--log-level",
            "ERROR",
            "--update-interval",
            "1",
            "--loop-interval",
            "1",
        )
        until("it came", lambda: ledger.notes(n="once"))
        assert ledger.notes(n="once")[0]["at"] >= due.timestamp() - 0.01
        until("the other came twice", lambda: len(ledger.notes(n="each second")) >= 2)
        assert len(ledger.notes(n="once")) == 1 and not ledger.notes(n="new year")
        await schedules.shutdown()

    running("lists", scenario)
