"""redis-py, the synchronous client, in RESP2 and RESP3."""

import threading
import time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness import later

MEGABYTE = 1024 * 1024
AT_ONCE = Retry(NoBackoff(), 0)  # fails at once instead of trying again


# Connecting


def test_a_connection_is_set_up_as_asked(connect, protocol):
    me = connect(client_name="worker-7", db=3).client_info()
    assert me["name"] == "worker-7"
    assert me["db"] == 3
    assert me["resp"] == str(protocol)
    assert me["lib-name"] == "redis-py"
    assert me["lib-ver"] == redis.__version__
    assert me["user"] == "default"


def test_databases_are_apart(connect, key):
    connect(db=1).set(key(), "one")
    assert connect(db=2).get(key()) is None
    assert connect(db=1).get(key()) == "one"
    connect(db=1).delete(key())


def test_a_database_that_does_not_exist_is_refused(connect):
    with pytest.raises(redis.ResponseError, match="DB index is out of range"):
        connect(db=9999).ping()


def test_a_password_is_asked_for(connect, password):
    with pytest.raises(redis.AuthenticationError):
        connect(retry=AT_ONCE).ping()
    with pytest.raises(redis.AuthenticationError, match="invalid username-password pair or user is disabled"):
        connect(password="wrong", retry=AT_ONCE).ping()
    with pytest.raises(redis.AuthenticationError):
        connect(username="nobody", password=password, retry=AT_ONCE).ping()
    assert connect(password=password).ping()
    assert connect(username="default", password=password).ping()


def test_a_password_that_nobody_asked_for_is_refused(connect):
    with pytest.raises(redis.AuthenticationError, match="called without any password configured"):
        connect(password="needless", protocol=2, retry=AT_ONCE).ping()


def test_a_unix_second_is_a_second(db):
    seconds, micros = db.time()
    assert abs(seconds - time.time()) < 5 and 0 <= micros < 1_000_000


# Values


def test_keys_and_values_are_bytes(connect, key):
    db = connect(decode_responses=False)
    name = key().encode() + bytes(range(256))
    value = bytes(reversed(range(256))) + b"\r\n$-1\r\n\x00"
    assert db.set(name, value)
    assert db.get(name) == value
    assert db.exists(name) == 1
    assert db.randomkey() is not None
    assert name in list(db.scan_iter(match=key().encode() + b"*", count=100))
    assert db.rpush(name + b"list", value, b"", b"\r\n") == 3
    assert db.lrange(name + b"list", 0, -1) == [value, b"", b"\r\n"]
    id = db.xadd(name + b"stream", {value: name, b"": b""})
    assert db.xrange(name + b"stream") == [(id, {value: name, b"": b""})]
    db.delete(name, name + b"list", name + b"stream")


def test_a_value_of_20_megabytes(connect, key):
    db = connect(decode_responses=False)
    value = bytes(range(256)) * (20 * MEGABYTE // 256)
    assert db.set(key(), value)
    assert db.strlen(key()) == len(value)
    assert db.get(key()) == value
    assert db.getrange(key(), 19 * MEGABYTE, 19 * MEGABYTE + 3) == b"\x00\x01\x02\x03"
    assert db.lpush(key("list"), value) == 1
    assert db.lindex(key("list"), 0) == value
    id = db.xadd(key("stream"), {"blob": value})
    assert entries_of(db.xread({key("stream"): "0"}), key("stream").encode()) == [(id, {b"blob": value})]
    assert db.xrange(key("stream")) == [(id, {b"blob": value})]


def test_strings(db, key):
    assert db.set(key(), "1", nx=True) and db.set(key(), "2", nx=True) is None
    assert db.set(key(), "2", xx=True, get=True) == "1"
    assert db.incr(key(), 40) == 42 and db.decrby(key(), 2) == 40
    assert db.incrbyfloat(key(), 0.5) == 40.5
    assert db.append(key(), "kg") == 6 and db.setrange(key(), 1, "9") == 6
    assert db.getdel(key()) == "49.5kg" and db.get(key()) is None
    assert db.mset({key("a"): "x", key("b"): "y"}) and db.msetnx({key("b"): "z", key("c"): "z"}) is False
    assert db.mget(key("a"), key("none"), key("b")) == ["x", None, "y"]
    with pytest.raises(redis.ResponseError, match="value is not an integer or out of range"):
        db.incr(key("a"))


def test_expiry(db, key):
    db.set(key(), "soon gone", px=80)
    assert 0 < db.pttl(key()) <= 80
    assert db.getex(key(), ex=100) and 98 < db.ttl(key()) <= 100
    assert db.persist(key()) and db.ttl(key()) == -1
    assert db.expire(key(), 10, gt=True) is False and db.pexpire(key(), 40, nx=True) is True
    time.sleep(0.06)
    assert db.exists(key()) == 0 and db.ttl(key()) == -2


def test_generic_keys(db, key):
    db.rpush(key(), "a", "b")
    assert db.type(key()) == "list" and db.object("encoding", key()) == "listpack"
    assert db.rename(key(), key("new")) and db.renamenx(key("new"), key("new")) is False
    assert db.copy(key("new"), key("copy")) and db.lrange(key("copy"), 0, -1) == ["a", "b"]
    assert db.touch(key("new"), key("copy"), key("none")) == 2
    assert db.unlink(key("new"), key("copy")) == 2
    with pytest.raises(redis.ResponseError, match="no such key"):
        db.rename(key("new"), key())


def test_a_scan_meets_every_key(db, key):
    names = {key(f"n{n}") for n in range(500)}
    db.mset(dict.fromkeys(names, "x"))
    db.lpush(key("list"), "x")
    assert set(db.scan_iter(match=key("n*"), count=50)) == names
    assert list(db.scan_iter(match=key("*"), _type="list")) == [key("list")]


# Pipelines and transactions


def test_a_pipeline_answers_in_order_and_past_errors(db, key):
    pipe = db.pipeline(transaction=False)
    for n in range(1000):
        pipe.rpush(key("list"), n)
    pipe.incr(key("list")).llen(key("list")).lrange(key("list"), 0, -1)
    *pushed, error, length, everything = pipe.execute(raise_on_error=False)
    assert pushed == list(range(1, 1001))
    assert isinstance(error, redis.ResponseError)
    assert str(error).endswith("Operation against a key holding the wrong kind of value")
    assert length == 1000 and everything == [str(n) for n in range(1000)]


def test_a_transaction_is_all_or_nothing(db, key):
    pipe = db.pipeline()
    pipe.set(key(), "1").incr(key()).xadd(key("s"), {"n": 1}, id="1-1").rpush(key("l"), "a", "b")
    assert pipe.execute() == [True, 2, "1-1", 2]
    pipe.incr(key()).execute_command("INCR")
    with pytest.raises(redis.ResponseError, match="wrong number of arguments for 'incr' command"):
        pipe.execute()
    assert db.get(key()) == "2"


def test_an_error_inside_a_transaction_stops_nothing(db, key):
    pipe = db.pipeline()
    pipe.set(key(), "text").incr(key()).set(key("after"), "done")
    first, error, last = pipe.execute(raise_on_error=False)
    assert first is True and isinstance(error, redis.ResponseError) and last is True
    assert db.get(key("after")) == "done"


def test_a_watched_key_that_changed_fails_the_transaction(db, connect, key):
    other = connect()
    db.set(key(), "1")
    with db.pipeline() as pipe:
        pipe.watch(key())
        assert pipe.get(key()) == "1"
        other.set(key(), "2")
        pipe.multi()
        pipe.set(key(), "3")
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert db.get(key()) == "2"


def test_optimistic_locking_gets_through_in_the_end(db, connect, key):
    other, attempts = connect(), []
    db.set(key(), "10")

    def double(pipe):
        value = int(pipe.get(key()))
        attempts.append(value)
        if len(attempts) < 3:
            other.incr(key())
        pipe.multi()
        pipe.set(key(), value * 2)

    assert db.transaction(double, key()) == [True]
    assert attempts == [10, 11, 12] and db.get(key()) == "24"


# Streams


def entries_of(reply, stream):
    """The entries of one stream in the reply of XREAD or XREADGROUP, whichever way redis-py gives it."""
    if isinstance(reply, dict):
        return [entry for chunk in reply[stream] for entry in chunk]
    return dict(reply)[stream]


def test_streams(db, key):
    assert db.xadd(key(), {"a": "1"}, id="1-1") == "1-1"
    assert db.xadd(key(), {"a": "2", "b": "3"}, id="1-*") == "1-2"
    assert db.xadd(key(), {"a": "4"}, id="2", maxlen=100, approximate=True) == "2-0"
    assert db.xadd(key("none"), {"a": "1"}, nomkstream=True) is None
    with pytest.raises(redis.ResponseError, match="equal or smaller than the target stream top item"):
        db.xadd(key(), {"a": "5"}, id="1-9")
    assert db.xlen(key()) == 3
    assert db.xrange(key(), "1", "1") == [("1-1", {"a": "1"}), ("1-2", {"a": "2", "b": "3"})]
    assert db.xrange(key(), "(1-1", "+", count=1) == [("1-2", {"a": "2", "b": "3"})]
    assert db.xrevrange(key(), count=1) == [("2-0", {"a": "4"})]
    assert entries_of(db.xread({key(): "1-2"}), key()) == [("2-0", {"a": "4"})]
    assert entries_of(db.xread({key(): "+"}), key()) == [("2-0", {"a": "4"})]
    assert db.xdel(key(), "1-2", "9-9") == 1
    assert db.xtrim(key(), maxlen=1, approximate=False) == 1
    info = db.xinfo_stream(key())
    assert (info["length"], info["last-generated-id"], info["entries-added"]) == (1, "2-0", 3)
    assert info["max-deleted-entry-id"] == "1-2" and info["recorded-first-entry-id"] == "2-0"
    assert info["first-entry"] == info["last-entry"] == ("2-0", {"a": "4"})
    assert db.xdelex(key(), "2-0", "9-9") == [1, -1]


def test_a_group_reads_acknowledges_and_takes_over(db, key):
    ids = [db.xadd(key(), {"n": n}) for n in range(10)]
    assert db.xgroup_create(key(), "workers", id="0")
    with pytest.raises(redis.ResponseError, match="BUSYGROUP Consumer Group name already exists"):
        db.xgroup_create(key(), "workers")
    alice = entries_of(db.xreadgroup("workers", "alice", {key(): ">"}, count=6), key())
    bob = entries_of(db.xreadgroup("workers", "bob", {key(): ">"}, count=6), key())
    assert [id for id, _ in alice + bob] == ids
    assert not db.xreadgroup("workers", "bob", {key(): ">"})
    assert db.xack(key(), "workers", *ids[:2], "9-9") == 2
    assert db.xpending(key(), "workers") == {
        "pending": 8,
        "min": ids[2],
        "max": ids[9],
        "consumers": [{"name": "alice", "pending": 4}, {"name": "bob", "pending": 4}],
    }
    (first, *_) = db.xpending_range(key(), "workers", "-", "+", 10, consumername="bob")
    assert (first["message_id"], first["consumer"], first["times_delivered"]) == (ids[6], "bob", 1)

    # alice dies: bob claims one entry by name, carol all that is left, and one of those was deleted meanwhile.
    assert db.xclaim(key(), "workers", "bob", 0, [ids[2]]) == [(ids[2], {"n": "2"})]
    assert db.xclaim(key(), "workers", "bob", 0, [ids[3]], justid=True) == [ids[3]]
    db.xdel(key(), ids[4])
    cursor, claimed, deleted = db.xautoclaim(key(), "workers", "carol", 0, "0-0", count=100)
    assert (cursor, deleted) == ("0-0", [ids[4]])
    assert [id for id, _ in claimed] == [ids[2], ids[3], *ids[5:]]
    again = entries_of(db.xreadgroup("workers", "carol", {key(): "0"}), key())
    assert again == claimed
    assert db.xackdel(key(), "workers", ids[2], "9-9") == [1, -1]
    assert db.xack(key(), "workers", *ids) == 6

    (group,) = db.xinfo_groups(key())
    assert group == {
        "name": "workers",
        "consumers": 3,
        "pending": 0,
        "last-delivered-id": ids[9],
        "entries-read": 10,
        "lag": 0,
    }
    assert {c["name"]: c["pending"] for c in db.xinfo_consumers(key(), "workers")} == {"alice": 0, "bob": 0, "carol": 0}
    assert db.xgroup_delconsumer(key(), "workers", "alice") == 0
    assert db.xgroup_setid(key(), "workers", "0") and db.xinfo_groups(key())[0]["last-delivered-id"] == "0-0"
    full = db.xinfo_stream(key(), full=True)
    assert full["length"] == 8 and [g["name"] for g in full["groups"]] == ["workers"]
    assert db.xgroup_destroy(key(), "workers") == 1


def test_a_missing_group_is_said_so(db, key):
    with pytest.raises(redis.ResponseError, match=f"NOGROUP No such key '{key()}' or consumer group 'g' in XREADGROUP with GROUP option"):
        db.xreadgroup("g", "c", {key(): ">"})


# Lists


def test_lists(db, key):
    assert db.rpush(key(), *"abcabc") == 6
    assert db.lpos(key(), "b", rank=-1) == 4 and db.lpos(key(), "c", count=0) == [2, 5]
    assert db.lset(key(), 0, "A") and db.linsert(key(), "before", "b", "x") == 7
    assert db.lrem(key(), -1, "c") == 1 and db.ltrim(key(), 0, 3)
    assert db.lrange(key(), 0, -1) == ["A", "x", "b", "c"]
    assert db.lmove(key(), key("other"), "LEFT", "RIGHT") == "A"
    assert db.rpoplpush(key(), key("other")) == "c"
    assert db.lmpop(2, key("none"), key("other"), direction="LEFT", count=5) == [key("other"), ["c", "A"]]
    assert db.lpop(key(), 5) == ["x", "b"] and db.lpop(key()) is None and db.exists(key()) == 0


# Blocking


@pytest.mark.parametrize("timeout", [0.05, 1])
def test_a_blocking_pop_gives_up_in_time(db, key, timeout):
    began = time.monotonic()
    assert db.blpop([key("a"), key("b")], timeout) is None
    assert timeout - 0.005 <= time.monotonic() - began < timeout + 0.5


def test_blocked_clients_wake_up(db, connect, key):
    other = connect()
    with later(0.05, lambda: other.rpush(key("b"), "x", "y")):
        assert tuple(db.blpop([key("a"), key("b")], 5)) == (key("b"), "x")
    assert tuple(db.brpop(key("b"), 5)) == (key("b"), "y")
    with later(0.05, lambda: other.rpush(key("a"), "x", "y", "z")):
        assert db.blmove(key("a"), key("done"), 5, "LEFT", "RIGHT") == "x"
    assert db.blmpop(5, 2, key("none"), key("a"), direction="RIGHT", count=10) == [key("a"), ["z", "y"]]
    with later(0.05, lambda: other.lpush(key("a"), "w")):
        assert db.brpoplpush(key("a"), key("done"), 5) == "w"
    assert db.lrange(key("done"), 0, -1) == ["w", "x"]


def test_blocked_stream_readers_wake_up(db, connect, key):
    other = connect()
    began = time.monotonic()
    assert not db.xread({key(): "$"}, block=60)
    assert 0.055 <= time.monotonic() - began < 0.5
    with later(0.05, lambda: other.xadd(key(), {"n": 1}, id="1-1")):
        assert entries_of(db.xread({key(): "$"}, block=5000), key()) == [("1-1", {"n": "1"})]
    db.xgroup_create(key(), "g", id="$")
    with later(0.05, lambda: other.xadd(key(), {"n": 2}, id="1-2")):
        assert entries_of(db.xreadgroup("g", "c", {key(): ">"}, block=5000), key()) == [("1-2", {"n": "2"})]
    with later(0.05, lambda: other.xgroup_destroy(key(), "g")):
        with pytest.raises(redis.ResponseError, match="NOGROUP"):
            db.xreadgroup("g", "c", {key(): ">"}, block=5000)


def test_a_blocked_client_can_be_unblocked(connect, key):
    other, db = connect(), connect(single_connection_client=True)
    me = db.client_id()
    with later(0.05, lambda: other.client_unblock(me)):
        assert db.blpop(key(), 5) is None
    with later(0.05, lambda: other.client_unblock(me, error=True)):
        with pytest.raises(redis.ResponseError, match="UNBLOCKED client unblocked via CLIENT UNBLOCK"):
            db.blpop(key(), 5)


def test_the_longest_waiting_is_served_first(connect, key):
    served, threads = [], []
    for n in range(5):
        waiter = connect()
        waiter.ping()
        threads.append(threading.Thread(target=lambda w=waiter, n=n: served.append((w.blpop(key(), 5)[1], n))))
        threads[-1].start()
        time.sleep(0.03)
    connect().rpush(key(), *range(5))
    for thread in threads:
        thread.join()
    assert sorted(served) == [(str(n), n) for n in range(5)]


# Pub/sub


def messages(pubsub, count, timeout=5):
    """The next `count` messages, each as (type, pattern, channel, data)."""
    got = []
    deadline = time.monotonic() + timeout
    while len(got) < count and time.monotonic() < deadline:
        if message := pubsub.get_message(timeout=0.1):
            got.append((message["type"], message["pattern"], message["channel"], message["data"]))
    return got


def test_channels_and_patterns(db, connect, key):
    with connect().pubsub() as listener:
        listener.subscribe(key("a"), key("b"))
        listener.psubscribe(key("*"))
        assert messages(listener, 3) == [
            ("subscribe", None, key("a"), 1),
            ("subscribe", None, key("b"), 2),
            ("psubscribe", None, key("*"), 3),
        ]
        assert db.publish(key("a"), "hello") == 2
        assert db.publish(key("c"), "there") == 1
        assert messages(listener, 3) == [
            ("message", None, key("a"), "hello"),
            ("pmessage", key("*"), key("a"), "hello"),
            ("pmessage", key("*"), key("c"), "there"),
        ]
        assert sorted(db.pubsub_channels(key("*"))) == [key("a"), key("b")]
        assert db.pubsub_numsub(key("a"), key("c")) == [(key("a"), 1), (key("c"), 0)]
        assert db.pubsub_numpat() >= 1
        listener.unsubscribe(key("a"))
        listener.punsubscribe()
        assert messages(listener, 2) == [("unsubscribe", None, key("a"), 2), ("punsubscribe", None, key("*"), 1)]
        assert db.publish(key("a"), "nobody") == 0


def test_shard_channels(db, connect, key):
    with connect().pubsub() as listener:
        listener.ssubscribe(key("s"))
        assert messages(listener, 1) == [("ssubscribe", None, key("s"), 1)]
        assert db.execute_command("SPUBLISH", key("s"), "hello") == 1
        assert db.publish(key("s"), "another space") == 0
        assert db.pubsub_shardchannels(key("*")) == [key("s")]
        assert db.pubsub_shardnumsub(key("s")) == [(key("s"), 1)]
        assert messages(listener, 1) == [("smessage", None, key("s"), "hello")]


def test_a_subscriber_can_be_pinged(connect, key, protocol):
    with connect().pubsub() as listener:
        listener.subscribe(key())
        assert messages(listener, 1) == [("subscribe", None, key(), 1)]
        listener.ping("still there")
        answer = listener.parse_response(timeout=5)
        # RESP2 has a subscriber answered as if with a message; in RESP3 it is an ordinary reply.
        assert answer == (["pong", "still there"] if protocol == 2 else "still there")


def test_a_thousand_messages_arrive_in_order(db, connect, key):
    with connect().pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(key())
        while not db.pubsub_numsub(key())[0][1]:
            time.sleep(0.005)
        pipe = db.pipeline(transaction=False)
        for n in range(1000):
            pipe.publish(key(), n)
        assert pipe.execute() == [1] * 1000
        assert [m[3] for m in messages(listener, 1000)] == [str(n) for n in range(1000)]


def test_keyspace_notifications(db, connect, key):
    before = db.config_get("notify-keyspace-events")["notify-keyspace-events"]
    db.config_set("notify-keyspace-events", "KEA")
    try:
        with connect().pubsub(ignore_subscribe_messages=True) as listener:
            listener.psubscribe(f"__keyspace@0__:{key('*')}")
            listener.get_message(timeout=1)
            db.set(key(), "x", px=30)
            db.xadd(key("s"), {"a": 1})
            assert [(m[2].removeprefix("__keyspace@0__:"), m[3]) for m in messages(listener, 4)] == [
                (key(), "set"),
                (key(), "expire"),
                (key("s"), "xadd"),
                (key(), "expired"),
            ]
    finally:
        db.config_set("notify-keyspace-events", before)


# Connections that end


def test_a_killed_client_reconnects(connect, db, key):
    victim = connect(client_name="victim", single_connection_client=True)
    old = victim.client_id()
    assert db.client_kill_filter(_id=old) == 1
    assert victim.set(key(), "alive")
    assert victim.client_id() != old
    assert victim.client_getname() == "victim"


def test_a_killed_subscriber_reconnects_and_subscribes_again(connect, db, key):
    with connect().pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(key())
        listener.get_message(timeout=1)
        assert db.client_kill_filter(_type="pubsub") >= 1
        deadline = time.monotonic() + 5
        # The core that serves the victim carries it out, a moment after the reply.
        while time.monotonic() < deadline and db.pubsub_numsub(key())[0][1]:
            time.sleep(0.001)
        while time.monotonic() < deadline and not db.pubsub_numsub(key())[0][1]:
            try:
                listener.get_message(timeout=0.05)
            except redis.ConnectionError:
                pass
        assert db.publish(key(), "again") == 1
        assert messages(listener, 1) == [("message", None, key(), "again")]


def test_a_killed_blocked_client_is_no_waiter_any_more(connect, db, key):
    victim = connect(single_connection_client=True, retry=AT_ONCE)
    me = victim.client_id()
    with later(0.05, lambda: db.client_kill_filter(_id=me)):
        with pytest.raises(redis.ConnectionError):
            victim.blpop(key(), 5)
    assert db.rpush(key(), "kept") == 1
    assert db.lrange(key(), 0, -1) == ["kept"]


# Looking in


def test_the_list_of_clients_parses(connect, db):
    named = connect(client_name="listed", single_connection_client=True)
    me = named.client_id()
    (entry,) = [c for c in db.client_list() if c["id"] == str(me)]
    assert entry["name"] == "listed" and entry["addr"].startswith("127.0.0.1:")
    assert {"age", "idle", "flags", "db", "sub", "psub", "multi", "qbuf", "cmd", "user", "resp"} <= set(entry)
    assert entry["cmd"] == "client|id"
    assert [c["id"] for c in db.client_list(client_id=[me])] == [str(me)]


def test_info_parses(db):
    info = db.info()
    assert info["redis_version"] and info["redis_mode"] == "standalone"
    assert tuple(map(int, info["redis_version"].split("."))) >= (7, 4, 0)
    assert {"connected_clients", "blocked_clients", "used_memory", "used_memory_human", "maxmemory_policy", "uptime_in_seconds",
            "uptime_in_days", "total_connections_received", "total_commands_processed", "loading", "role", "process_id",
            "tcp_port", "used_cpu_sys", "instantaneous_ops_per_sec", "pubsub_channels", "expired_keys"} <= set(info)  # fmt: skip
    assert info["role"] == "master" and info["loading"] == 0
    assert "cmdstat_info" in db.info("commandstats") and db.info("commandstats")["cmdstat_info"]["calls"] >= 1
    assert set(db.info("clients")) >= {"connected_clients", "maxclients", "blocked_clients"}
    db.set("compat:keyspace", 1, ex=100)
    assert db.info("keyspace")["db0"]["keys"] >= 1 and db.info("keyspace")["db0"]["expires"] >= 1
    db.delete("compat:keyspace")


def test_commands_are_described(db):
    commands = db.command()
    assert db.command_count() == len(commands) > 100
    assert commands["xadd"]["arity"] == -5 and "write" in commands["xadd"]["flags"]
    assert db.command_getkeys("XREAD", "STREAMS", "a", "b", "0", "0") == ["a", "b"]
    assert "xreadgroup" in db.command_list()


def test_configuration_is_read_and_set(db):
    assert db.config_get("maxclients", "time*")["maxclients"].isdigit()
    before = db.config_get("slowlog-max-len")["slowlog-max-len"]
    assert db.config_set("slowlog-max-len", "17")
    assert db.config_get("slowlog-max-len") == {"slowlog-max-len": "17"}
    assert db.config_set("slowlog-max-len", before)
    with pytest.raises(redis.ResponseError, match="Unknown option or number of arguments for CONFIG SET"):
        db.config_set("no-such-directive", "1")


def test_the_slow_log_parses(db):
    before = db.config_get("slowlog-log-slower-than")["slowlog-log-slower-than"]
    db.config_set("slowlog-log-slower-than", 0)
    try:
        db.ping()
        (entry, *_) = db.slowlog_get(10)
        assert entry["id"] >= 0 and entry["duration"] >= 0 and entry["command"]
        assert db.slowlog_len() >= 1 and db.slowlog_reset()
    finally:
        db.config_set("slowlog-log-slower-than", before)


def test_monitor_shows_what_others_do(db, connect, key):
    with connect().monitor() as monitor:
        db.set(key(), "x y")
        for seen in monitor.listen():
            if key() in seen["command"]:
                assert seen["command"].upper().startswith("SET ")
                assert (seen["db"], seen["client_type"]) == (0, "tcp")
                return


def test_memory_is_told(db, key):
    db.set(key(), "x" * 1000)
    assert 1000 < db.memory_usage(key()) < 2000
    assert db.memory_usage(key("none")) is None
