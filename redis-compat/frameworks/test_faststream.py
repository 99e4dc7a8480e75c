"""FastStream: channels, patterns, lists, streams with groups, answers to requests, publishers in a chain; of two workers on
a stream one is killed, and another claims what it left. The module is the workers' application too."""

import asyncio
import os
import time

import pytest
import redis
from faststream import AckPolicy, FastStream, Path
from faststream.redis import ListSub, PubSub, RedisBroker, RedisMessage, StreamSub

import rig
from rig import until

broker = RedisBroker(rig.url(), logger=None)
app = FastStream(broker)
ME = os.environ.get("CONSUMER", "driver")


@broker.subscriber("channel")
async def on_channel(n: int):
    rig.worker_ledger().note(channel=n)


@broker.subscriber(channel=PubSub("rooms.{room}", pattern=True))
async def on_pattern(text: str, room: str = Path()):
    rig.worker_ledger().note(room=room, text=text)


@broker.subscriber("double")
async def double(n: int):
    return 2 * n


@broker.subscriber(list="items")
@broker.publisher(list="squares")
async def square(n: int):
    return n * n


@broker.subscriber(list=ListSub("squares", batch=True, max_records=5))
async def on_squares(numbers: list[int]):
    rig.worker_ledger().note(batch=numbers)


@broker.subscriber(
    stream=StreamSub("work", group="crew", consumer=ME, last_id=">", max_records=2), ack_policy=AckPolicy.NACK_ON_ERROR
)
async def on_work(n: int, message: RedisMessage):
    """Keeps what it is given if it is the victim, and fails the first time at multiples of seven."""
    book = rig.worker_ledger()
    book.note(work=n, by=ME)
    if ME == "victim":
        time.sleep(rig.HELD_S)
    if n % 7 == 0 and len(book.notes(work=n)) == 1:
        raise ConnectionError(f"not yet {n}")
    book.note(done=n, by=ME)


@broker.subscriber(stream=StreamSub("work", group="crew", consumer=f"{ME}-claimer", min_idle_time=1000, polling_interval=100))
async def on_left_behind(n: int, message: RedisMessage):
    if ME != "victim":
        rig.worker_ledger().note(done=n, by=f"{ME}-claimer")


@pytest.fixture
def db():
    with redis.Redis(port=rig.PORT) as client:
        client.flushdb()
        client.xgroup_create("work", "crew", "0", mkstream=True)
        yield client


def work(workers, name):
    return workers.python("faststream", "run", "test_faststream:app", "--log-level", "critical", CONSUMER=name)


def publishing(scenario):
    async def run():
        async with RedisBroker(rig.url(), logger=None) as publisher:
            return await scenario(publisher)

    return asyncio.run(asyncio.wait_for(run(), rig.WAIT_S))


def test_channels_patterns_and_answers(db, workers, ledger):
    work(workers, "one"), work(workers, "two")
    until("both listen to a pattern", lambda: sum(int(client["psub"]) for client in db.client_list()) == 2)
    until("both listen to channels", lambda: all(count == 2 for _, count in db.pubsub_numsub("channel", "double")))

    async def scenario(publisher):
        await publisher.publish(1, "channel")
        await publisher.publish("hello", "rooms.kitchen")
        answers = [await publisher.request(n, "double", timeout=10.0) for n in range(5)]
        return [await answer.decode() for answer in answers]

    assert publishing(scenario) == [0, 2, 4, 6, 8]
    until(
        "both workers heard both",
        lambda: len(ledger.notes(channel=1)) == 2 and len(ledger.notes(room="kitchen", text="hello")) == 2,
    )


def test_lists_and_batches(db, workers, ledger):
    work(workers, "one")

    async def scenario(publisher):
        for n in range(5):
            await publisher.publish(n, list="items")
        await publisher.publish_batch(*range(5, 20), list="items")

    publishing(scenario)

    def done():
        return sorted(n for note in ledger.notes() for n in note.get("batch", []))

    until("all are squared", lambda: len(done()) == 20)
    assert done() == [n * n for n in range(20)]
    assert all(len(note["batch"]) <= 5 for note in ledger.notes())


def test_stream_of_a_worker_that_dies(db, workers, ledger):
    async def scenario(publisher):
        for n in range(1, 31):
            await publisher.publish(n, stream="work", maxlen=1000)

    publishing(scenario)
    victim = work(workers, "victim")
    until("the victim is at work", lambda: ledger.notes(by="victim"))
    held = {entry["message_id"] for entry in db.xpending_range("work", "crew", "-", "+", 100, consumername="victim")}
    assert held
    workers.kill(victim)
    work(workers, "one"), work(workers, "two")
    until("all is done", lambda: {note["done"] for note in ledger.notes() if "done" in note} == set(range(1, 31)))
    until("nothing is pending", lambda: db.xpending("work", "crew")["pending"] == 0)
    failed_first = [n for n in range(7, 31, 7) if ledger.notes(work=n)]
    claimed = {note["done"] for note in ledger.notes() if note["by"].endswith("-claimer") and "done" in note}
    assert set(failed_first) <= claimed, "what failed stays pending until it is claimed"
    assert len(claimed) >= len(held)
    assert db.xinfo_groups("work")[0]["lag"] == 0
