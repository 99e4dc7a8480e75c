"""redis-cli, redis-benchmark and redis-py through TLS, beside plain clients of the same server."""

import asyncio
import os
import random
import select
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
import redis
import redis.asyncio

from harness import PORT

TLS_PORT = int(os.environ["TLS_PORT"])
FILES = Path(os.environ["TLS_FILES"])
TIMEOUT_S = 60
SHOWING = ["--cert", FILES / "client.crt", "--key", FILES / "client.key"]
OPTIONS = {
    "host": "localhost",
    "port": TLS_PORT,
    "ssl": True,
    "ssl_ca_certs": str(FILES / "ca.crt"),
    "ssl_certfile": str(FILES / "client.crt"),
    "ssl_keyfile": str(FILES / "client.key"),
    "decode_responses": True,
}


def run(program, *words, stdin=b""):
    """Runs a client to its end; returns what it printed."""
    where = ["-h", "localhost", "-p", TLS_PORT, "--tls", "--cacert", FILES / "ca.crt"]
    done = subprocess.run(list(map(str, [program, *where, *words])), input=stdin, capture_output=True, timeout=TIMEOUT_S)
    return (done.stdout + done.stderr).decode(errors="replace")


def cli(*words, **options):
    return run("redis-cli", *SHOWING, *words, **options)


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def db(request):
    with redis.Redis(**OPTIONS, protocol=request.param) as db:
        yield db


def test_cli(key):
    assert cli("PING") == "PONG\n"
    assert cli("SET", key(), "hello") == "OK\n"
    assert cli("-3", "GET", key()) == "hello\n"
    assert cli("-x", "SET", key(), stdin=b"v" * 1_000_000) == "OK\n"
    assert cli("STRLEN", key()) == "1000000\n" and len(cli("GET", key())) == 1_000_001
    assert cli("--tls-ciphersuites", "TLS_AES_128_GCM_SHA256", "PING") == "PONG\n"


def test_cli_without_a_certificate():
    assert "PONG" not in run("redis-cli", "PING")


def test_cli_mass_insertion(key):
    commands = b"".join(b"RPUSH %s %d\r\n" % (key().encode(), n) for n in range(20_000))
    assert "errors: 0, replies: 20000" in cli("--pipe", stdin=commands)
    assert cli("LINDEX", key(), "-1") == "19999\n"


def test_benchmark():
    shown = run("redis-benchmark", *SHOWING, "-t", "set,get,lpush", "-n", "20000", "-c", "20", "-P", "4", "-q")
    assert shown.count("requests per second") == 3, shown


def test_large_values(db, key):
    value = "v" * 20_000_000
    assert db.set(key(), value) and db.get(key()) == value


def test_pipelines_and_transactions(db, key):
    pipe = db.pipeline(transaction=False)
    for n in range(10_000):
        pipe.rpush(key(), n)
    assert pipe.execute() == list(range(1, 10_001))
    with db.pipeline() as transaction:
        assert transaction.incr(key("n")).incr(key("n")).execute() == [1, 2]


def test_messages(db, key):
    with db.pubsub() as listener, redis.Redis(port=PORT) as plain:
        listener.subscribe(key())
        assert listener.get_message(timeout=5)["type"] == "subscribe"
        for n in range(1000):
            assert plain.publish(key(), n) == 1
        assert [listener.get_message(timeout=5)["data"] for _ in range(1000)] == [str(n) for n in range(1000)]


def test_blocking(db, key):
    with redis.Redis(port=PORT) as plain:
        timer = threading.Timer(0.2, lambda: plain.rpush(key(), "element"))
        timer.start()
        assert list(db.blpop([key()], timeout=10)) == [key(), "element"]
        timer.join()


def test_groups(db, key):
    db.xgroup_create(key(), "g", mkstream=True)
    ids = [db.xadd(key(), {"n": n}) for n in range(100)]
    entries = db.xreadgroup("g", "c", {key(): ">"}, count=100)
    found = entries[key()][0] if isinstance(entries, dict) else entries[0][1]
    assert [entry[0] for entry in found] == ids and db.xack(key(), "g", *ids) == 100


def test_asyncio(key):
    async def work():
        async with redis.asyncio.Redis(**OPTIONS) as db:
            await asyncio.gather(*(db.incr(key()) for _ in range(50)))
            return await db.get(key())

    assert asyncio.run(work()) == "50"


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


def context_of(version):
    context = ssl.create_default_context(cafile=FILES / "ca.crt")
    context.load_cert_chain(FILES / "client.crt", FILES / "client.key")
    context.minimum_version = context.maximum_version = version
    return context


@VERSIONS
def test_versions(version):
    with context_of(version).wrap_socket(socket.create_connection(("localhost", TLS_PORT)), server_hostname="localhost") as tls:
        tls.sendall(b"PING\r\nQUIT\r\n")
        assert tls.recv(100) + tls.recv(100) + tls.recv(100) == b"+PONG\r\n+OK\r\n"
        assert tls.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]


def test_without_a_certificate():
    options = {**OPTIONS, "ssl_certfile": None, "ssl_keyfile": None}
    with redis.Redis(**options, retry=None) as db, pytest.raises(redis.exceptions.ConnectionError):
        db.ping()


def test_the_wrong_authority():
    with redis.Redis(**{**OPTIONS, "ssl_ca_certs": str(FILES / "client.crt")}) as db:
        with pytest.raises(redis.exceptions.ConnectionError):
            db.ping()


def test_plain_text_is_refused():
    with redis.Redis(port=TLS_PORT, retry=None) as db, pytest.raises(redis.exceptions.RedisError):
        db.ping()


@VERSIONS
@pytest.mark.parametrize("seed", range(6))
def test_records_cut_anywhere(version, seed):
    """Requests and replies of all sizes cross; records are sent in pieces that begin and end anywhere, and read slowly."""
    choose = random.Random(seed)
    requests, replies = bytearray(), bytearray()
    for _ in range(500):
        size = choose.choice([0, 1, 100, 16_383, 16_384, 16_385, choose.randint(0, 3000), choose.randint(0, 200_000)])
        data = choose.randbytes(size)
        requests += b"*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n" % (size, data)
        replies += b"$%d\r\n%s\r\n" % (size, data)
    with socket.create_connection(("localhost", TLS_PORT)) as wire:
        assert exchange(wire, context_of(version), requests, len(replies), choose) == replies


def exchange(wire, context, requests, expected, choose):
    """Sends all requests while it receives as many bytes of replies as are expected."""
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(came, goes, server_hostname="localhost")
    while not shakes(tls):
        wire.sendall(goes.read())
        came.write(wire.recv(65_536))
    unsent, at, received = goes.read(), 0, bytearray()
    wire.setblocking(False)
    while len(received) < expected:
        if not unsent and at < len(requests):
            at += tls.write(bytes(requests[at : at + choose.choice([1, 100, 5000, 70_000, 300_000])]))
            unsent = goes.read()
        readable, writable, _ = select.select([wire], [wire] if unsent else [], [], TIMEOUT_S)
        assert readable or writable, f"{len(received)} of {expected} bytes came"
        if writable:
            unsent = unsent[wire.send(unsent[: choose.randint(1, len(unsent))]) :]
        if readable and (not writable or choose.random() < 0.3):
            came.write(wire.recv(choose.choice([1, 50, 1000, 65_536])))
            received += plaintext(tls)
    return received


def shakes(tls):
    """True once the handshake is over."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def plaintext(tls):
    found = bytearray()
    while True:
        try:
            found += tls.read(65_536)
        except ssl.SSLWantReadError:
            return found
