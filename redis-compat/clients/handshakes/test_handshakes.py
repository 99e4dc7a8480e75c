"""What client libraries send when they connect, byte for byte and pipelined as they do, for those that run on a platform
this suite does not install: go-redis, Jedis, Lettuce, StackExchange.Redis, redis-client (Sidekiq), redis_exporter."""

import pytest

from wire import Error, Push, Wire


@pytest.fixture
def wire():
    with Wire() as wire:
        yield wire


@pytest.fixture(params=[False, True], ids=["at-once", "byte-by-byte"])
def bytewise(request):
    return request.param


HELLO_FIELDS = {"server", "version", "proto", "id", "mode", "role", "modules"}


def assert_hello(reply, protocol):
    fields = reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))
    assert set(fields) == HELLO_FIELDS
    assert fields["server"] == "redis" and fields["proto"] == protocol
    assert fields["mode"] == "standalone" and fields["role"] == "master"
    assert isinstance(fields["id"], int) and isinstance(fields["modules"], list)
    assert tuple(map(int, fields["version"].split("."))) >= (7, 4, 0)


def client_info(line):
    return dict(field.split("=", 1) for field in line.strip().split(" "))


def test_go_redis(wire, bytewise):
    wire.send("hello 3", bytewise=bytewise)
    assert_hello(wire.read(), 3)
    wire.send(
        "select 2",
        "client setname go-worker",
        "client maint_notifications on moving-endpoint-type internal-ip",
        "client setinfo LIB-NAME go-redis(,go1.24)",
        "client setinfo LIB-VER 9.14.0",
        bytewise=bytewise,
    )
    selected, named, maintenance, lib_name, lib_version = wire.read_many(5)
    assert selected == named == lib_name == lib_version == "OK"
    assert isinstance(maintenance, Error) and maintenance.startswith("ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP.")
    wire.send("client info")
    me = client_info(wire.read())
    assert (me["name"], me["db"], me["resp"]) == ("go-worker", "2", "3")
    assert (me["lib-name"], me["lib-ver"]) == ("go-redis(,go1.24)", "9.14.0")


def test_go_redis_with_a_password(password, wire):
    wire.send(f"hello 3 auth default {password}")
    assert_hello(wire.read(), 3)
    wire.send("ping")
    assert wire.read() == "PONG"


def test_go_redis_with_a_wrong_password_may_try_again(password, wire):
    wire.send("hello 3 auth default wrong", "ping", f"hello 3 auth default {password} setname again")
    wrong, ping, hello = wire.read_many(3)
    assert wrong == Error("WRONGPASS invalid username-password pair or user is disabled.")
    assert ping == Error("NOAUTH Authentication required.")
    assert_hello(hello, 3)


def test_jedis_resp2(wire, bytewise):
    wire.send("CLIENT SETNAME jedis", "CLIENT SETINFO lib-name jedis", "CLIENT SETINFO lib-ver 6.2.0", "SELECT 1", bytewise=bytewise)
    assert wire.read_many(4) == ["OK"] * 4
    wire.send("CLIENT INFO")
    me = client_info(wire.read())
    assert (me["name"], me["db"], me["resp"], me["lib-name"], me["lib-ver"]) == ("jedis", "1", "2", "jedis", "6.2.0")


def test_jedis_resp3(wire, bytewise):
    wire.send("HELLO 3 SETNAME jedis", bytewise=bytewise)
    assert_hello(wire.read(), 3)
    wire.send("CLIENT SETINFO lib-name jedis", "CLIENT SETINFO lib-ver 6.2.0", "SELECT 0", bytewise=bytewise)
    assert wire.read_many(3) == ["OK"] * 3


def test_jedis_asks_a_server_that_wants_a_password(password, wire):
    wire.send("HELLO 3", "CLIENT SETNAME jedis")
    hello, named = wire.read_many(2)
    assert hello == Error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> "
        "option can be used to authenticate the client and select the RESP protocol version at the same time"
    )
    assert named == Error("NOAUTH Authentication required.")
    wire.send(f"AUTH {password}", "HELLO 3")
    assert wire.read() == "OK"
    assert_hello(wire.read(), 3)


def test_lettuce(wire, bytewise):
    wire.send("HELLO 3 SETNAME lettuce", bytewise=bytewise)
    assert_hello(wire.read(), 3)
    wire.send("CLIENT SETINFO lib-name Lettuce", "CLIENT SETINFO lib-ver 6.8.0.RELEASE/a1b2c3d", "SELECT 4", "PING", bytewise=bytewise)
    assert wire.read_many(4) == ["OK", "OK", "OK", "PONG"]
    wire.send("CLIENT INFO")
    me = client_info(wire.read())
    assert (me["name"], me["db"], me["resp"], me["lib-ver"]) == ("lettuce", "4", "3", "6.8.0.RELEASE/a1b2c3d")


def test_lettuce_shares_one_connection(wire):
    """All threads of an application write to one connection; a blocked command holds up what follows it."""
    wire.send("HELLO 3")
    wire.read()
    wire.send("BLPOP compat:none 0.05", "PING", "CLIENT GETNAME", "ECHO last")
    assert wire.read_many(4) == [None, "PONG", None, "last"]


STACK_EXCHANGE = [
    "CLIENT SETNAME BUILD-7(SE.Redis-v2.9.25)",
    "CLIENT SETINFO lib-name SE.Redis",
    "CLIENT SETINFO lib-ver 2.9.25.12345",
    "CLIENT ID",
    "CONFIG GET replica-read-only",
    "CONFIG GET timeout",
    "CONFIG GET databases",
    "SENTINEL MASTERS",
    "INFO replication",
    "INFO server",
    "CLUSTER NODES",
    "GET __Booksleeve_TieBreak",
    ["ECHO", bytes(range(240, 256))],
]


@pytest.mark.parametrize("protocol", [2, 3])
def test_stack_exchange(wire, protocol, bytewise):
    wire.send(f"HELLO {protocol}", *STACK_EXCHANGE, bytewise=bytewise)
    assert_hello(wire.read(), protocol)
    *set_up, id, read_only, timeout, databases, sentinel, replication, server, cluster, tie_break, echo = wire.read_many(13)
    assert set_up == ["OK"] * 3 and isinstance(id, int)

    def pairs(reply):
        return reply if protocol == 3 else dict(zip(reply[::2], reply[1::2]))

    assert pairs(read_only) == {"replica-read-only": "yes"}
    assert pairs(timeout) == {"timeout": "0"}
    assert pairs(databases) == {"databases": "16"}
    assert isinstance(sentinel, Error) and sentinel.startswith("ERR unknown command 'SENTINEL', with args beginning with: 'MASTERS'")
    assert "role:master\r\n" in replication and "\r\nredis_version:" in server and "redis_mode:standalone\r\n" in server
    assert cluster == Error("ERR This instance has cluster support disabled")
    assert tie_break is None and echo == bytes(range(240, 256))


def test_stack_exchange_listens_on_a_second_connection(wire):
    wire.send("CLIENT SETNAME BUILD-7(SE.Redis-v2.9.25)", "SUBSCRIBE __Booksleeve_MasterChanged", "PING", "UNSUBSCRIBE __Booksleeve_MasterChanged", "PING")
    assert wire.read_many(5) == [
        "OK",
        ["subscribe", "__Booksleeve_MasterChanged", 1],
        ["pong", ""],
        ["unsubscribe", "__Booksleeve_MasterChanged", 0],
        "PONG",
    ]


def test_sidekiq(wire, bytewise):
    """redis-client, Sidekiq's own client: RESP3 only, everything in one write."""
    wire.send("HELLO 3", "CLIENT SETINFO LIB-NAME redis-client(sidekiq_v8)", "CLIENT SETINFO LIB-VER 0.26.0", bytewise=bytewise)
    assert_hello(wire.read(), 3)
    assert wire.read_many(2) == ["OK", "OK"]
    wire.send("INFO")
    info = dict(line.split(":", 1) for line in wire.read().split("\r\n") if ":" in line)
    assert int(info["redis_version"].split(".")[0]) >= 7
    assert {"uptime_in_days", "connected_clients", "used_memory_human", "used_memory_peak_human"} <= set(info)


def test_redis_exporter(wire):
    wire.send("CLIENT SETNAME redis_exporter", "CONFIG GET *", "INFO ALL", "LATENCY LATEST", "LATENCY HISTOGRAM", "SLOWLOG LEN", "SLOWLOG GET 1")
    named, config, info, latest, histogram, slow, slowest = wire.read_many(7)
    assert named == "OK"
    config = dict(zip(config[::2], config[1::2]))
    assert {"databases", "maxmemory", "maxclients"} <= set(config) and all(config[n].isdigit() for n in ("databases", "maxclients"))
    assert "# Commandstats\r\n" in info and "cmdstat_client|setname:calls=" in info and "# Keyspace\r\n" in info
    assert isinstance(latest, list) and isinstance(histogram, list) and isinstance(slow, int) and isinstance(slowest, list)


# What naive servers get wrong


def test_hello_alone_tells_and_changes_nothing(wire):
    wire.send("HELLO")
    reply = wire.read()
    assert reply[::2] == ["server", "version", "proto", "id", "mode", "role", "modules"]
    assert_hello(reply, 2)


@pytest.mark.parametrize("version", ["1", "4", "999"])
def test_an_unknown_protocol_version_leaves_the_connection_as_it_was(wire, version):
    wire.send(f"HELLO {version}", "PING")
    assert wire.read_many(2) == [Error("NOPROTO unsupported protocol version"), "PONG"]


def test_a_protocol_version_that_is_none(wire):
    wire.send("HELLO three", "PING")
    assert wire.read_many(2) == [Error("ERR Protocol version is not an integer or out of range"), "PONG"]


def test_hello_goes_back_and_forth(wire):
    wire.send("HELLO 3", "GET compat:none", "HELLO 2", "GET compat:none", "BLPOP compat:none 0.01")
    three = wire.read()
    assert isinstance(three, dict)
    assert wire.read() is None
    assert isinstance(wire.read(), list)
    assert wire.replies.readline() == b"$-1\r\n"
    assert wire.replies.readline() == b"*-1\r\n"


def test_nulls_of_resp3(wire):
    wire.send("HELLO 3")
    wire.read()
    for command in ["GET compat:none", "BLPOP compat:none 0.01", "XREAD BLOCK 10 STREAMS compat:none 0", "LPOP compat:none 3", "LPOS compat:none x"]:
        wire.send(command)
        assert wire.replies.readline() == b"_\r\n", command


def test_unknown_commands_and_subcommands_never_close_a_connection(wire):
    wire.send("CLIENT MAINT_NOTIFICATIONS ON", "NOSUCHCOMMAND a b", "CLIENT NO-SUCH", "PING")
    maintenance, command, subcommand, ping = wire.read_many(4)
    assert maintenance == Error("ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.")
    assert command == Error("ERR unknown command 'NOSUCHCOMMAND', with args beginning with: 'a' 'b' ")
    assert subcommand == Error("ERR unknown subcommand 'NO-SUCH'. Try CLIENT HELP.")
    assert ping == "PONG"


def test_a_needless_password(wire):
    wire.send("AUTH x")
    assert wire.read() == Error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
    )
    # In a write of its own: Redis 8.2.3 swallows this reply when the two arrive together.
    wire.send("AUTH nobody x", "AUTH default x")
    assert wire.read_many(2) == [Error("WRONGPASS invalid username-password pair or user is disabled."), "OK"]


def test_inline_commands(wire):
    wire.send_raw(b"\r\n\r\n\nPING\r\nECHO \"two words\\x21\"\n  echo   'it''s'  \r\nECHO \"unbalanced\r\n")
    assert wire.read_many(2) == ["PONG", "two words!"]
    assert wire.read() == Error("ERR Protocol error: unbalanced quotes in request")
    assert wire.closed()


def test_quit_says_goodbye(wire):
    wire.send("PING", "QUIT", "PING")
    assert wire.read_many(2) == ["PONG", "OK"]
    assert wire.closed()


def test_reset_starts_over(wire):
    wire.send("HELLO 3 SETNAME me", "SELECT 5", "SUBSCRIBE compat:a", "MULTI", "SET compat:x 1", "RESET", "CLIENT GETNAME", "PING", "CLIENT INFO", "EXEC")
    hello, selected, subscribed, multi, queued, reset = wire.read_many(6)
    assert_hello(hello, 3)
    assert (selected, subscribed, multi, queued, reset) == ("OK", ("subscribe", "compat:a", 1), "OK", "QUEUED", "RESET")
    assert isinstance(subscribed, tuple)
    name, ping, info, exec_ = wire.read_many(4)
    assert name is None and ping == "PONG" and exec_ == Error("ERR EXEC without MULTI")
    me = client_info(info)
    assert (me["db"], me["resp"], me["sub"], me["multi"]) == ("0", "2", "0", "-1")


def test_a_resp2_subscriber_may_only_listen(wire):
    wire.send("SUBSCRIBE a", "PING", "PING hi", "GET x", "UNSUBSCRIBE", "UNSUBSCRIBE", "GET compat:none")
    assert wire.read_many(7) == [
        ["subscribe", "a", 1],
        ["pong", ""],
        ["pong", "hi"],
        Error("ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"),
        ["unsubscribe", "a", 0],
        ["unsubscribe", None, 0],
        None,
    ]


def test_a_resp3_subscriber_may_do_anything(wire):
    wire.send("HELLO 3")
    wire.read()
    wire.send("SUBSCRIBE compat:a", "PING", "GET compat:none", "PUBLISH compat:a me")
    replies = wire.read_many(5)
    assert replies[0] == Push(("subscribe", "compat:a", 1)) and replies[1:3] == ["PONG", None]
    assert sorted(map(str, replies[3:])) == sorted(["('message', 'compat:a', 'me')", "1"])


def test_blocking_timeouts_that_are_none(wire):
    wire.send("BLPOP compat:none -1", "BLPOP compat:none soon", "BLPOP compat:none 1e400", "XREAD BLOCK -1 STREAMS compat:none $", "PING")
    assert wire.read_many(5) == [
        Error("ERR timeout is negative"),
        Error("ERR timeout is not a float or out of range"),
        Error("ERR timeout is out of range"),
        Error("ERR timeout is negative"),
        "PONG",
    ]


def test_a_transaction_blocks_nobody(wire):
    wire.send("MULTI", "BLPOP compat:none 0", "XREAD BLOCK 0 STREAMS compat:none $", "EXEC", "MULTI", "NOSUCH", "PING", "EXEC", "EXEC")
    opened, *queued, executed, _, unknown, ping, aborted, without = wire.read_many(9)
    assert (opened, queued, executed) == ("OK", ["QUEUED"] * 2, [None, None])
    assert unknown.startswith("ERR unknown command 'NOSUCH'") and ping == "QUEUED"
    assert aborted == Error("EXECABORT Transaction discarded because of previous errors.")
    assert without == Error("ERR EXEC without MULTI")


def test_multi_and_watch_inside_a_transaction_spoil_nothing(wire):
    wire.send("MULTI", "MULTI", "WATCH x", "PING", "EXEC")
    assert wire.read_many(5) == [
        "OK",
        Error("ERR MULTI calls can not be nested"),
        Error("ERR WATCH inside MULTI is not allowed"),
        "QUEUED",
        ["PONG"],
    ]


@pytest.mark.parametrize(
    "request_bytes, error",
    [
        (b"*1\r\n+PING\r\n", "ERR Protocol error: expected '$', got '+'"),
        (b"*a\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"*2147483648\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$1073741824\r\n", "ERR Protocol error: invalid bulk length"),
        (b"*1\r\n$x\r\n", "ERR Protocol error: invalid bulk length"),
    ],
)
def test_a_request_that_is_none_ends_the_connection(wire, request_bytes, error):
    wire.send_raw(b"*1\r\n$4\r\nPING\r\n" + request_bytes)
    assert wire.read_many(2) == ["PONG", Error(error)]
    assert wire.closed()


def test_empty_requests_get_no_reply(wire):
    wire.send_raw(b"*0\r\n*-1\r\n\r\n*1\r\n$4\r\nPING\r\n")
    assert wire.read() == "PONG"
    assert wire.silent()
