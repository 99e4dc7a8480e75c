"""redis-cli: one-shot commands, its key and latency modes, mass insertion, and the interactive prompt with its hints."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pytest
import redis

from harness import PORT

TIMEOUT_S = 20


def cli(*words, stdin=b"", timeout=TIMEOUT_S):
    """Runs redis-cli to its end; returns what it printed."""
    done = subprocess.run(["redis-cli", "-p", str(PORT), *words], input=stdin, capture_output=True, timeout=timeout)
    return (done.stdout + done.stderr).decode(errors="replace")


def cli_for(seconds, *words):
    """Runs a redis-cli that does not end by itself, for a while; returns what it printed on a terminal."""
    with Terminal(*words) as terminal:
        return terminal.read(settle_s=seconds, at_most_s=seconds)


class Terminal:
    """redis-cli on a pseudo-terminal, as in front of a person."""

    def __init__(self, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
            os.environ.update(TERM="xterm-256color", REDISCLI_HISTFILE="/dev/null")
            os.execvp("redis-cli", ["redis-cli", "-p", str(PORT), *words])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, settle_s=0.3, at_most_s=5):
        """What it shows until nothing more comes for `settle_s`, without escape sequences."""
        shown, deadline = b"", time.monotonic() + at_most_s
        while (left := deadline - time.monotonic()) > 0 and select.select([self.fd], [], [], min(settle_s, left))[0]:
            try:
                shown += os.read(self.fd, 65536)
            except OSError:
                break
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown.decode(errors="replace"))

    def read_until(self, text, timeout_s=10):
        shown, deadline = "", time.monotonic() + timeout_s
        while text not in shown:
            assert time.monotonic() < deadline, f"no {text!r} in {shown!r}"
            shown += self.read(settle_s=0.1)
        return shown


@pytest.fixture
def db():
    with redis.Redis(port=PORT, decode_responses=True) as db:
        yield db


def test_one_command_at_a_time(key):
    assert cli("SET", key(), "hello") == "OK\n"
    assert cli("GET", key()) == "hello\n"
    assert cli("--no-raw", "GET", key()) == '"hello"\n'
    assert cli("-n", "3", "GET", key()) == "\n"
    assert cli("INCR", key()).strip() == "ERR value is not an integer or out of range"
    assert cli("-e", "NOSUCH", "x").strip() == "ERR unknown command 'NOSUCH', with args beginning with: 'x'"
    assert cli("-x", "SET", key(), stdin=b"from stdin") == "OK\n"
    assert cli("--json", "GET", key()).strip() == '"from stdin"'
    assert cli("-r", "3", "RPUSH", key("l"), "x") == "1\n2\n3\n"
    assert cli("--csv", "LRANGE", key("l"), "0", "-1").strip() == '"x","x","x"'


def test_a_password(password):
    assert cli("PING").strip() == "NOAUTH Authentication required."
    assert cli("-a", password, "--no-auth-warning", "PING") == "PONG\n"
    assert "WRONGPASS" in cli("-a", "wrong", "--no-auth-warning", "PING")
    assert cli("--user", "default", "--pass", password, "--no-auth-warning", "PING") == "PONG\n"


def test_resp3(key):
    assert cli("-3", "CLIENT", "TRACKINGINFO").splitlines()[:2] == ["flags off", "redirect -1"]
    assert '3# "proto" => (integer) 3' in cli("-3", "--no-raw", "HELLO")
    assert cli("-3", "--no-raw", "CONFIG", "GET", "databases").startswith('1# "databases" => "')
    cli("XADD", key(), "1-1", "a", "1")
    assert cli("-3", "--no-raw", "XREAD", "STREAMS", key(), "0").startswith(f'1# "{key()}" => \n   1) 1) "1-1"')
    assert "txt:" not in cli("-3", "INFO", "server") and "redis_version:" in cli("-3", "INFO", "server")


def test_mass_insertion(db, key):
    commands = b"".join(
        b"*3\r\n$5\r\nRPUSH\r\n$%d\r\n%s\r\n$%d\r\n%d\r\n" % (len(key()), key().encode(), len(str(n)), n) for n in range(20_000)
    )
    shown = cli("--pipe", stdin=commands)
    assert "errors: 0, replies: 20000" in shown
    assert db.llen(key()) == 20_000 and db.lindex(key(), -1) == "19999"


def test_mass_insertion_counts_errors(key):
    shown = cli("--pipe", stdin=f"SET {key()} text\r\nINCR {key()}\r\nGET {key()}\r\n".encode())
    assert "ERR value is not an integer or out of range" in shown and "errors: 1, replies: 3" in shown


def test_scan(db, key):
    names = {key(f"n{n}") for n in range(1000)}
    db.mset(dict.fromkeys(names, "x"))
    assert set(cli("--scan", "--pattern", key("n*")).split()) == names


def test_big_keys(db, key):
    db.set(key("string"), "x" * 3_000_000)
    db.rpush(key("list"), *range(40_000))
    pipe = db.pipeline()
    for n in range(5000):
        pipe.xadd(key("stream"), {"n": n})
    pipe.execute()
    shown = cli("--bigkeys")
    assert f'Biggest string found "{key("string")}" has 3000000 bytes' in unquoted(shown)
    assert f'Biggest   list found "{key("list")}" has 40000 items' in unquoted(shown)
    assert f'Biggest stream found "{key("stream")}" has 5000 entries' in unquoted(shown)


def test_keys_by_memory(db, key):
    db.set(key("string"), "x" * 3_000_000)
    db.rpush(key("list"), *range(40_000))
    shown = unquoted(cli("--memkeys"))
    found = re.search(rf'Biggest string found "{key("string")}" has (\d+) bytes', shown)
    assert found and 3_000_000 < int(found[1]) < 4_500_000
    assert f'Biggest   list found "{key("list")}" has ' in shown
    assert f'Biggest   list found "{key("list")}" has ' in unquoted(cli("--memkeys-samples", "10"))


def unquoted(shown):
    """redis-cli escapes names it prints; newer ones put them in quotes of their own."""
    return shown.replace("'\"", '"').replace("\"'", '"')


def test_rolling_statistics():
    shown = cli_for(2.5, "--stat", "-i", "0.5")
    assert re.search(r"keys\s+mem\s+clients\s+blocked\s+requests\s+connections", shown)
    rows = [line for line in shown.splitlines() if re.match(r"\d+\s+\d+(\.\d+)?[BKMG]\s+\d+\s+\d+\s+\d+ \(\+\d+\)\s+\d+", line.strip())]
    assert len(rows) >= 3, shown


def test_latency():
    low, high, average, samples = map(float, cli("--latency", "-i", "1", "--raw").split()[:4])
    assert 0 <= low <= average <= high and samples > 20


def test_latency_history():
    shown = cli_for(2.6, "--latency-history", "-i", "1")
    assert len(re.findall(r"min: \d+, max: \d+, avg: \d+\.\d+ \(\d+ samples\) -- 1\.\d\d seconds range", shown)) >= 2, shown


def test_the_prompt_hints_at_arguments(db):
    with Terminal() as terminal:
        terminal.read_until(f"127.0.0.1:{PORT}> ")
        terminal.type("xadd ")
        hint = terminal.read()
        # KEEPREF came with 8.2: these hints are the server's, not what this redis-cli brought along.
        assert "key [NOMKSTREAM] [KEEPREF" in hint or "key [NOMKSTREAM] [<KEEPREF" in hint, hint
        terminal.type("\x15xreadgroup ")
        assert "GROUP group consumer [COUNT count]" in terminal.read()
        terminal.type("\x15client kill ")
        assert "ID" in terminal.read()
        terminal.type("\x15blmo\t")
        assert "BLMOVE" in terminal.read().upper()


def test_the_prompt_gives_help():
    with Terminal() as terminal:
        terminal.read_until(f"127.0.0.1:{PORT}> ")
        terminal.type("help xautoclaim\r")
        shown = terminal.read_until("since:")
        assert "XAUTOCLAIM key group consumer min-idle-time start" in shown
        assert "summary: " in shown and "6.2.0" in shown + terminal.read()
        terminal.type("help @stream\r")
        assert "XGROUP CREATE" in terminal.read_until("XINFO")


def test_the_prompt_shows_database_and_transaction(key):
    with Terminal() as terminal:
        terminal.read_until(f"127.0.0.1:{PORT}> ")
        terminal.type("select 4\r")
        terminal.read_until(f"127.0.0.1:{PORT}[4]> ")
        terminal.type("multi\r")
        terminal.read_until(f"127.0.0.1:{PORT}[4](TX)> ")
        terminal.type("ping\r")
        terminal.read_until("QUEUED")
        terminal.type("exec\r")
        assert "1) PONG" in terminal.read_until(f"127.0.0.1:{PORT}[4]> ")


def test_the_prompt_listens(db, key):
    with Terminal("-3") as terminal:
        terminal.read_until(f"127.0.0.1:{PORT}> ")
        terminal.type(f"subscribe {key()}\r")
        terminal.read_until('1) "subscribe"')
        assert db.publish(key(), "hello there") == 1
        assert '"message"' in terminal.read_until('"hello there"')


def test_subscribing_and_monitoring_without_a_prompt(db, key):
    for words, wanted in ((["SUBSCRIBE", key()], "hello"), (["PSUBSCRIBE", key("*")], "hello"), (["MONITOR"], '"PUBLISH"')):
        with Terminal(*words) as terminal:
            terminal.read_until("OK" if words == ["MONITOR"] else "subscribe")
            db.publish(key(), "hello")
            terminal.read_until(wanted)
