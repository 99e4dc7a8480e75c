"""redis-benchmark's own tests, as far as they use strings, lists and streams. What counts here is that each runs to its end
with every reply in order and without an error; the speeds it prints are no measurement."""

import csv
import io
import subprocess

import pytest
import redis

from harness import PORT

TIMEOUT_S = 60
LEFT_BEHIND = ("key:*", "mylist", "mystream", "counter:*", "compat:benchmark*")


@pytest.fixture(autouse=True)
def clean():
    yield
    with redis.Redis(port=PORT) as db:
        for pattern in LEFT_BEHIND:
            for key in db.scan_iter(pattern, count=1000):
                db.unlink(key)


def benchmark(*words):
    """Runs redis-benchmark; returns requests a second by test name."""
    done = subprocess.run(["redis-benchmark", "-p", str(PORT), "--csv", *words], capture_output=True, timeout=TIMEOUT_S)
    shown = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0 and "rror" not in shown and "Could not fetch server CONFIG" not in shown, shown
    return {row["test"]: float(row["rps"]) for row in csv.DictReader(io.StringIO(done.stdout.decode()))}


@pytest.mark.parametrize("pipeline", ["1", "16"])
@pytest.mark.parametrize(
    "name, titles",
    [
        ("ping_inline", ["PING_INLINE"]),
        ("ping_mbulk", ["PING_MBULK"]),
        ("set", ["SET"]),
        ("get", ["GET"]),
        ("incr", ["INCR"]),
        ("lpush", ["LPUSH"]),
        ("rpush", ["RPUSH"]),
        ("lpop", ["LPOP"]),
        ("rpop", ["RPOP"]),
        ("mset", ["MSET (10 keys)"]),
    ],
)
def test_its_own(name, titles, pipeline):
    speeds = benchmark("-t", name, "-n", "20000", "-P", pipeline)
    assert list(speeds) == titles and all(rps > 0 for rps in speeds.values())


def test_ranges_of_a_list():
    speeds = benchmark("-t", "lrange", "-n", "4000", "-P", "16")
    ranges = [title for title in speeds if title.startswith("LRANGE_")]
    assert [title.split()[0] for title in ranges] == ["LRANGE_100", "LRANGE_300", "LRANGE_500", "LRANGE_600"]


@pytest.mark.parametrize("options", [["-r", "10000"], ["-3"], ["--threads", "2"], ["-c", "500"], ["-d", "10000"], ["-k", "0", "-n", "2000"]])
def test_its_options(options):
    assert set(benchmark("-t", "set,get", "-n", "20000", "-P", "1", *options)) == {"SET", "GET"}


@pytest.mark.parametrize("pipeline", ["1", "32"])
def test_adding_to_a_stream(pipeline):
    benchmark("-n", "20000", "-P", pipeline, "XADD", "mystream", "*", "field", "0123456789abcdef0123456789abcdef")
    with redis.Redis(port=PORT) as db:
        assert db.xlen("mystream") >= 20000


def test_moving_through_lists():
    with redis.Redis(port=PORT) as db:
        db.rpush("compat:benchmark:from", *range(20000))
        benchmark("-n", "20000", "-P", "16", "LMOVE", "compat:benchmark:from", "compat:benchmark:to", "LEFT", "RIGHT")
        assert db.exists("compat:benchmark:from") == 0 and db.llen("compat:benchmark:to") == 20000
