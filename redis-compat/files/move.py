#!/usr/bin/env python3
"""Whole data directories move in and out: what one server leaves behind, another starts on, and must show the same.

    move.py [--millstream PATH] [--seed N] [--rounds N] [--first-port N]

Every way in which a server can leave its data (a snapshot; a log, with and without rewrites, its base an RDB file or commands) goes
from each real server into Millstream, from Millstream into each real server, and from Millstream into itself. What Millstream
wrote must also pass redis-check-rdb and redis-check-aof of those servers.

A log that Millstream has filled ahead (`appendfsync always`) moves as it is copied from under a running server, and back again with what the other has
appended to it.

What a real server's files hold is what that server itself shows when it starts on them: its log forgets some consumers, and, rewritten
as commands, what is pending of deleted entries. Moments of last activity are compared only where the files have them.
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))

import workload  # noqa: E402
from check import Failure, caller, difference, masked, programs  # noqa: E402
from rig.servers import Ports, Server  # noqa: E402

LOG, NO_LOG = ["--appendonly", "yes"], ["--appendonly", "no"]
COMMANDS = ["--aof-use-rdb-preamble", "no"]
REWRITE_SECONDS = 30
# The size at which a log rewrites itself is out of reach: when to rewrite is said by the way.
NO_AUTOMATIC = ["--auto-aof-rewrite-percentage", "0"]

# name: (directives of who writes, of who reads, whether it rewrites its log half way)
WAYS = {
    "snapshot": (NO_LOG, NO_LOG, False),
    "snapshot, not compressed": ([*NO_LOG, "--rdbcompression", "no", "--rdbchecksum", "no"], NO_LOG, False),
    "log": (LOG, LOG, False),
    "log of commands alone": ([*LOG, *COMMANDS], LOG, False),
    "rewritten log": (LOG, LOG, True),
    "rewritten log of commands": ([*LOG, *COMMANDS], [*LOG, *COMMANDS], True),
    "log with times": ([*LOG, "--aof-timestamp-enabled", "yes"], LOG, True),
}
# Only Millstream takes a snapshot over into a log.
MOVING_IN = {"snapshot into a log": (NO_LOG, LOG, False)}
ALWAYS = [*LOG, "--appendfsync", "always"]
# Only Millstream fills a file ahead; the directory is copied while it runs.
FILLED = {"filled log": (ALWAYS, LOG, False), "rewritten filled log": (ALWAYS, LOG, True)}
# Databases that are filled; the second one after the rewrite.
FIRST_DB, SECOND_DB = 0, 3
KEYS = 30


def leave(name, program, way, seed, port, folder):
    """Fills a server and stops it; what it showed, by database."""
    writes, _, rewrites = way
    server = Server(name, program, port, [*writes, *NO_AUTOMATIC], folder)
    try:
        call = caller(server)
        workload.fill(call, seed, KEYS)
        if rewrites:
            call("BGREWRITEAOF")
            await_rewrite(call)
        call("SELECT", SECOND_DB)
        workload.fill(call, seed + 1, KEYS)
        call("SELECT", FIRST_DB)
        change(call, seed)
        if writes[:2] == NO_LOG:
            call("SAVE")
        if way in FILLED.values():
            shutil.copytree(folder, live_copy(folder))
        return states(call)
    finally:
        server.stop()


def live_copy(folder):
    """Where a directory is copied to from under a running server."""
    return folder.with_name(folder.name + "-copied")


def take_copy(folder):
    """What was copied takes the place of what the server left in the end."""
    shutil.rmtree(folder)
    live_copy(folder).rename(folder)
    if not any(b"\n##########" in file.read_bytes()[-1000:] for file in folder.rglob("*.incr.aof")):
        raise Failure("the log is not filled ahead")


def goes_back(target, found, way, seed, ports, folder):
    """What differs if the other server goes on with the log, and Millstream after it."""
    server = Server(target, found[target], ports.take(), [*way[1], *NO_AUTOMATIC], folder)
    try:
        call = caller(server)
        call("SELECT", SECOND_DB)
        change(call, seed)
    finally:
        server.stop()
    before = found_again(target, found[target], way, ports.take(), folder)
    there = find("millstream", found["millstream"], (ALWAYS, ALWAYS, False), ports.take(), folder)
    # What only Millstream reads is still there, and the other server has shown nothing of it.
    before, there = (without(seen, workload.MESSAGES) for seen in (before, there))
    return compare(before, there, target, "millstream", way)


def change(call, seed):
    """What a log holds beyond what makes keys: renames, moves, removals, counters, transactions."""
    source = random.Random(seed)
    keys = sorted(call("KEYS", "*"))
    gone, renamed, copied, moved = source.sample(keys, 4)
    call("DEL", gone)
    call("RENAME", renamed, b"renamed")
    call("COPY", copied, b"copied")
    call("MOVE", moved, 5)
    call("MULTI")
    call("RPUSH", "transaction:list", "a", "b")
    call("INCRBY", "transaction:counter", 7)
    call("XADD", "transaction:stream", "*", "f", "v")
    call("EXEC")
    call("LMOVE", "transaction:list", "other:list", "LEFT", "RIGHT")
    if call("COMMAND", "INFO", "XSCHEDULED") != [None]:
        change_by_newer_words(call)


def change_by_newer_words(call):
    """What Millstream takes of servers that came after Redis 7.0, and tells in words that this one knows."""
    call("MSET", "bits:a", "abc", "bits:b", "cb")
    call("SET", "bits:diff", "old", "EX", 10**6)
    for operation in ["DIFF", "DIFF1", "ANDOR", "ONE"]:
        call("BITOP", operation, b"bits:" + operation.lower().encode(), "bits:a", "bits:b")
    call("BITOP", "DIFF", "bits:b", "none", "none")
    # A text, as a later version than any of the others says it.
    version, no_checksum = b"\x0d\x00", bytes(8)
    for ttl in [0, 10**9]:
        call("RESTORE", b"restored:%d" % ttl, ttl, b"\x00\x05value" + version + no_checksum)


def await_rewrite(call):
    deadline = time.monotonic() + REWRITE_SECONDS
    while time.monotonic() < deadline:
        text = call("INFO", "persistence")
        if b"aof_rewrite_in_progress:0" in text and b"aof_rewrite_scheduled:0" in text:
            if b"aof_last_bgrewrite_status:ok" not in text:
                raise Failure("the rewrite failed")
            return
        time.sleep(0.01)
    raise Failure("the rewrite does not end")


def states(call):
    seen = {}
    for db in range(8):
        call("SELECT", db)
        seen[db] = workload.state(call)
    call("SELECT", 0)
    return seen


def find(name, program, way, port, folder):
    """What a server shows that starts on the directory."""
    server = Server(name, program, port, [*way[1], *NO_AUTOMATIC], folder)
    try:
        return states(caller(server))
    finally:
        server.stop()


def found_again(name, program, way, port, folder):
    """What the server that wrote the files shows when it starts on a copy of them."""
    with tempfile.TemporaryDirectory(prefix="millstream-files-") as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        return find(name, program, (way[0], way[0], False), port, copy)


def without(seen, drop):
    if isinstance(seen, dict):
        return {name: without(inner, drop) for name, inner in seen.items() if name not in drop}
    return [without(inner, drop) for inner in seen] if isinstance(seen, list) else seen


def compare(before, there, source, target, way):
    before, there = masked(before, source, target), masked(there, source, target)
    drop = set()
    if way[0][:2] != NO_LOG:
        # A log does not tell of asking in vain; a Redis's log tells no moments at all.
        drop |= {b"seen-time"} if source == target else {b"seen-time", b"active-time"}
    if way[0][:2] != NO_LOG and {source, target} - {"millstream", "redis-8.2.3"}:
        # Older servers take any number that XGROUP SETID is given, newer ones one that can be.
        drop.add(b"entries-read")
    before, there = without(before, drop), without(there, drop)
    if way[0][:2] != NO_LOG and "redis-7.0" in (source, target):
        before, there = without_idle(before), without_idle(there)
    return difference(before, there)


def without_idle(seen):
    """Without consumers that have nothing pending: an XCLAIM that claims nothing makes one in newer servers, and none in 7.0."""
    if isinstance(seen, dict):
        return {name: without_idle(inner) for name, inner in seen.items()}
    if isinstance(seen, list):
        idle = lambda inner: isinstance(inner, dict) and inner.get(b"pel-count") == 0 and b"pending" in inner and b"name" in inner and b"consumers" not in inner
        return [without_idle(inner) for inner in seen if not idle(inner)]
    return seen


def complaints_of_tools(server_program, folder):
    """What redis-check-rdb and redis-check-aof of that server say against the files."""
    faults = []
    for file in sorted(folder.rglob("*.rdb")):
        faults += complaint(server_program, "redis-check-rdb", file)
    for file in sorted(folder.rglob("*.manifest")):
        faults += complaint(server_program, "redis-check-aof", file)
    return faults


def complaint(server_program, tool, file):
    """A redis-server that is called by a tool's name is that tool; Valkey's names are others."""
    if "valkey" in os.path.basename(server_program):
        tool = tool.replace("redis", "valkey")
    ran = subprocess.run([tool, str(file)], executable=server_program, capture_output=True, text=True)
    return [] if ran.returncode == 0 else [f"{tool} {file.name}: {ran.stdout[-600:]}{ran.stderr[-200:]}"]


def move(found, source, target, name, way, seed, ports):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="millstream-files-"))
    try:
        before = leave(source, found[source], way, seed, ports.take(), folder)
        if way in FILLED.values():
            take_copy(folder)
        if source != "millstream":
            before = found_again(source, found[source], way, ports.take(), folder)
        faults = complaints_of_tools(found[target], folder) if source == "millstream" != target else []
        there = find(target, found[target], way, ports.take(), folder)
        different = compare(before, there, source, target, way)
        faults += [different] if different else []
        if way in FILLED.values() and target != "millstream" and not faults:
            different = goes_back(target, found, way, seed, ports, folder)
            faults += [f"back again: {different}"] if different else []
    except (Failure, RuntimeError) as error:
        faults = [str(error)]
    if faults:
        print(f"{source} -> {target}, {name}, seed {seed}: " + "; ".join(faults) + f"\n  the files are in {folder}", flush=True)
    else:
        shutil.rmtree(folder)
    return not faults


def moves(found):
    """Every way between Millstream and another, and from Millstream to itself."""
    for other in found:
        for name, way in FILLED.items():
            yield "millstream", other, name, way
        for name, way in {**WAYS, **MOVING_IN}.items():
            yield other, "millstream", name, way
            if other != "millstream" and name in WAYS:
                yield "millstream", other, name, way


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", type=pathlib.Path, default=HERE.parent.parent / "target/release/millstream")
    parser.add_argument("--oracle", help="the redis-server 8.2.3")
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--first-port", type=int, default=20900)
    args = parser.parse_args()
    found, ports = programs(args), Ports(args.first_port)
    passed = failed = 0
    for round_ in range(args.rounds):
        for source, target, name, way in moves(found):
            good = move(found, source, target, name, way, args.seed + round_, ports)
            passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
