"""Django's cache and sessions, and channels-redis with both of its layers: processes that listen, of which one is killed.
Run as a program it is one of them."""

import asyncio
import sys
import threading

import django
import pytest
import redis
from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from channels.layers import channel_layers
from django.conf import settings
from django.core.cache import cache, caches

import rig
from rig import until

HOSTS = {"hosts": [rig.url(2)]}
settings.configure(
    SECRET_KEY="secret",
    USE_TZ=True,
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    CACHES={
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": rig.url(0), "KEY_PREFIX": "site"},
        "other": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": rig.url(1)},
    },
    CHANNEL_LAYERS={
        "lists": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {**HOSTS, "capacity": 5, "expiry": 30}},
        "pubsub": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": HOSTS},
    },
)
django.setup()


@pytest.fixture(autouse=True)
def db():
    with redis.Redis(port=rig.PORT) as client:
        client.flushall()
        yield client


def test_cache(db):
    cache.set("object", {"n": [1, 2.5, "three", None]})
    assert cache.get("object") == {"n": [1, 2.5, "three", None]}
    assert cache.get("nothing", "default") == "default"
    assert cache.add("count", 1) and not cache.add("count", 9)
    assert (cache.incr("count"), cache.incr("count", 10), cache.decr("count", 2)) == (2, 12, 10)
    with pytest.raises(ValueError, match="not found"):
        cache.incr("nothing")
    cache.set_many({f"many{n}": n for n in range(50)}, timeout=60)
    assert cache.get_many([f"many{n}" for n in range(51)]) == {f"many{n}": n for n in range(50)}
    assert 0 < db.ttl("site:1:many7") <= 60
    assert cache.touch("many7", 600) and db.ttl("site:1:many7") > 60
    assert cache.touch("many7", None) and db.ttl("site:1:many7") == -1
    assert not cache.touch("nothing")
    cache.delete_many(["many1", "many2"])
    assert cache.has_key("many3") and not cache.has_key("many1")
    cache.set("many3", "newer", version=2)
    assert (cache.get("many3"), cache.get("many3", version=2)) == (3, "newer")
    cache.set("soon", 1, timeout=0.001)
    assert cache.get("soon") is None
    assert cache.get_or_set("made", lambda: "made once") == cache.get_or_set("made", "not again") == "made once"
    caches["other"].set("object", "mine")
    cache.clear()
    assert cache.get("object") is None and caches["other"].get("object") == "mine"


def test_counters_of_many_threads():
    cache.set("hits", 0)
    threads = [threading.Thread(target=lambda: [cache.incr("hits") for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("hits") == 400


def test_sessions():
    from django.contrib.sessions.backends.cache import SessionStore

    session = SessionStore()
    session["basket"] = ["apples"]
    session.set_expiry(60)
    session.save()
    again = SessionStore(session.session_key)
    assert again["basket"] == ["apples"] and again.exists(session.session_key)
    again.cycle_key()
    assert again["basket"] == ["apples"] and not SessionStore().exists(session.session_key)
    again.flush()
    assert not SessionStore().exists(again.session_key)


def listen(kind, name):
    """Joins the hall and notes what it hears there, and on a channel of its own."""

    async def run():
        layer, book = channel_layers[kind], rig.worker_ledger()
        mine = await layer.new_channel()
        await layer.group_add("hall", mine)
        book.note(ready=name, channel=mine)
        while True:
            message = await layer.receive(mine)
            if message["type"] == "leave":
                await layer.group_discard("hall", mine)
            book.note(name=name, **message)

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["lists", "pubsub"])
def test_groups_and_channels(kind, workers, ledger):
    crew = {name: workers.start(sys.executable, __file__, kind, name) for name in ("one", "two", "three")}
    until("all have joined", lambda: len([note for note in ledger.notes() if "ready" in note]) == 3)
    channels = {note["ready"]: note["channel"] for note in ledger.notes() if "ready" in note}

    async def say(*messages):
        layer = channel_layers[kind]
        for text, channel in messages:
            message = {"type": "leave" if text == "leave" else "chat", "text": text}
            await (layer.send(channel, message) if channel else layer.group_send("hall", message))

    async_to_sync(say)(("hello", None), ("psst", channels["two"]))
    until("the hall heard", lambda: len(ledger.notes(text="hello")) == 3)
    until("one alone heard", lambda: ledger.notes(text="psst"))
    assert [note["name"] for note in ledger.notes(text="psst")] == ["two"]
    workers.kill(crew["one"])
    async_to_sync(say)(("leave", channels["three"]))
    until("it left", lambda: ledger.notes(name="three", text="leave"))
    async_to_sync(say)(*((f"more {n}", None) for n in range(4)))
    until("who is left heard all", lambda: all(ledger.notes(name="two", text=f"more {n}") for n in range(4)))
    assert [note["text"] for note in ledger.notes(name="two")] == ["hello", "psst", *(f"more {n}" for n in range(4))]
    assert not ledger.notes(name="three", text="more 0")


def test_a_channel_has_a_capacity_and_an_order():
    async def scenario():
        layer = channel_layers["lists"]
        for n in range(5):
            await layer.send("narrow", {"type": "n", "n": n})
        with pytest.raises(ChannelFull):
            await layer.send("narrow", {"type": "n", "n": 5})
        heard = [(await layer.receive("narrow"))["n"] for _ in range(5)]
        waiting = asyncio.create_task(layer.receive("narrow"))
        await layer.send("narrow", {"type": "n", "n": "woken", "bytes": b"\x00\xff"})
        last = await asyncio.wait_for(waiting, rig.WAIT_S)
        await layer.close_pools()
        return [*heard, last["n"], last["bytes"]]

    assert async_to_sync(scenario)() == [0, 1, 2, 3, 4, "woken", b"\x00\xff"]


if __name__ == "__main__":
    listen(*sys.argv[1:])
