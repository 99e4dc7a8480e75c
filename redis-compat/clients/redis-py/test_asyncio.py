"""redis-py, the asyncio client, in RESP2 and RESP3."""

import asyncio
from contextlib import AsyncExitStack

import pytest
import redis
import redis.asyncio

from harness import PORT


@pytest.fixture
def run(protocol):
    """Runs a test's coroutine with a `connect` of its own; every client is closed with it."""

    def run(test):
        async def body():
            async with AsyncExitStack() as opened:

                async def connect(**options):
                    client = redis.asyncio.Redis(**{"port": PORT, "protocol": protocol, "decode_responses": True, **options})
                    return await opened.enter_async_context(client)

                await asyncio.wait_for(test(connect), timeout=30)

        asyncio.run(body())

    return run


async def after(seconds, awaitable):
    await asyncio.sleep(seconds)
    return await awaitable


def test_connecting(run, protocol):
    async def test(connect):
        db = await connect(client_name="async", db=2)
        me = await db.client_info()
        assert (me["name"], me["db"], me["resp"]) == ("async", 2, str(protocol))

    run(test)


def test_a_wrong_password(run, password):
    async def test(connect):
        with pytest.raises(redis.AuthenticationError):
            await (await connect(password="wrong", retry=None)).ping()
        assert await (await connect(password=password)).ping()

    run(test)


def test_a_pipeline_and_a_transaction(run, key):
    async def test(connect):
        db = await connect()
        async with db.pipeline(transaction=False) as pipe:
            for n in range(500):
                pipe.rpush(key("l"), n)
            assert await pipe.execute() == list(range(1, 501))
        async with db.pipeline(transaction=True) as pipe:
            assert await pipe.set(key(), 1).incr(key()).lpop(key("l"), 3).execute() == [True, 2, ["0", "1", "2"]]
        other = await connect()
        async with db.pipeline() as pipe:
            await pipe.watch(key())
            await other.incr(key())
            pipe.multi()
            pipe.set(key(), 9)
            with pytest.raises(redis.WatchError):
                await pipe.execute()
        assert await db.get(key()) == "3"

    run(test)


def test_many_commands_at_once(run, key):
    async def test(connect):
        db = await connect()
        await asyncio.gather(*(db.incr(key()) for _ in range(80)))
        assert await db.get(key()) == "80"

    run(test)


def test_a_value_of_20_megabytes(run, key):
    async def test(connect):
        db = await connect(decode_responses=False)
        value = bytes(range(256)) * 81920
        await db.set(key(), value)
        assert await db.get(key()) == value

    run(test)


def test_consumers_of_a_group_share_the_work(run, key):
    async def test(connect):
        db = await connect()
        await db.xgroup_create(key(), "g", id="0", mkstream=True)
        taken = {"a": [], "b": [], "c": []}

        async def consumer(name):
            mine = await connect()
            while reply := await mine.xreadgroup("g", name, {key(): ">"}, count=7, block=300):
                chunks = reply[key()] if isinstance(reply, dict) else [dict(reply)[key()]]
                for id, _ in (entry for chunk in chunks for entry in chunk):
                    taken[name].append(id)
                    assert await mine.xack(key(), "g", id) == 1

        async def producer():
            return [await db.xadd(key(), {"n": n}) for n in range(200)]

        *_, ids = await asyncio.gather(*(consumer(name) for name in taken), producer())
        assert sorted(sum(taken.values(), [])) == sorted(ids)
        assert (await db.xpending(key(), "g"))["pending"] == 0

    run(test)


def test_blocking_reads_wake_up_and_time_out(run, key):
    async def test(connect):
        db, other = await connect(), await connect()
        assert await db.blpop(key(), 0.05) is None
        popped, _ = await asyncio.gather(db.blpop(key(), 5), after(0.05, other.rpush(key(), "x")))
        assert tuple(popped) == (key(), "x")
        moved, _ = await asyncio.gather(db.blmove(key(), key("to"), 5), after(0.05, other.rpush(key(), "y")))
        assert moved == "y"
        read, id = await asyncio.gather(db.xread({key("s"): "$"}, block=5000), after(0.05, other.xadd(key("s"), {"a": 1})))
        assert id in str(read)

    run(test)


def test_a_cancelled_blocked_read_takes_nothing(run, key):
    async def test(connect):
        db, other = await connect(), await connect()
        waiting = asyncio.create_task(db.blpop(key(), 10))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(0.05)
        assert await other.rpush(key(), "kept") == 1
        assert await other.lrange(key(), 0, -1) == ["kept"]

    run(test)


def test_pubsub(run, key):
    async def test(connect):
        db = await connect()
        async with (await connect()).pubsub(ignore_subscribe_messages=True) as listener:
            await listener.subscribe(key("a"))
            await listener.psubscribe(key("*"))
            while await db.pubsub_numsub(key("a")) != [(key("a"), 1)] or not await db.pubsub_numpat():
                await listener.get_message(timeout=0.01)
            assert await db.publish(key("a"), "hello") == 2
            got = []
            async for message in listener.listen():
                got.append((message["type"], message["channel"], message["data"]))
                if len(got) == 2:
                    break
            assert got == [("message", key("a"), "hello"), ("pmessage", key("a"), "hello")]

    run(test)


def test_a_killed_client_reconnects(run, key):
    async def test(connect):
        db, other = await connect(single_connection_client=True), await connect()
        old = await db.client_id()
        assert await other.client_kill_filter(_id=old) == 1
        assert await db.set(key(), "alive")
        assert await db.client_id() != old

    run(test)
