#!/usr/bin/env python3
"""Data directories with what no Redis has, or only the newest: policies, entries that nobody has, scheduled entries.

    additions.py [--millstream PATH] [--seed N] [--rounds N] [--first-port N]

- From Millstream into itself everything is there again: DEBUG DIGEST is the same, `--check` counts what waits, and what is dumped on one
  server is restored on another.
- What becomes of references by commands that only newer servers know is told in words that all know: who has what is the same everywhere.
- A real Redis or Valkey that starts on what Millstream left has the streams, the groups and all that is pending. What is nobody's it sees as
  the entries of a consumer with an empty name, and claims it. The tools that check files have nothing against them.
- Millstream that starts on what a Redis 8.10 left finds nobody's what XNACK gave back there, from a snapshot and from a log.
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))

from check import Failure, caller, difference, programs  # noqa: E402
from move import COMMANDS, LOG, NO_AUTOMATIC, NO_LOG, await_rewrite, complaints_of_tools  # noqa: E402
from rig.servers import Ports, Server  # noqa: E402

# name: (directives of who writes, of who reads, whether it rewrites its log at the end)
WAYS = {
    "snapshot": (NO_LOG, NO_LOG, False),
    "log": (LOG, LOG, False),
    "rewritten log": (LOG, LOG, True),
    "rewritten log of commands": ([*LOG, *COMMANDS], LOG, True),
}
KEYS = 12
# Times that do not come while this runs.
LATER_MS = 10**9
ALL = ["-", "+", 100_000]
MODES = ["SILENT", "FAIL", "FATAL"]
REFERENCES = ["KEEPREF", "DELREF", "ACKED"]
# Of streams with these nothing is hidden.
OPEN = b"open:"


def fill(call, seed, own):
    """Streams with groups; with `own`, what only Millstream has."""
    source = random.Random(seed)
    for number in range(KEYS):
        key = b"queue:%d" % number
        ids = [call("XADD", key, b"%d-0" % at, "f", b"class %d" % (at % 4), "v", source.randbytes(source.choice([1, 20, 300])))
               for at in range(1, source.choice([2, 20, 80]))]
        for group in range(source.randrange(4)):
            group_of(call, source, key, b"group:%d" % group, ids, own)
        if own:
            scheduled(call, source, key)
            stream_policy(call, source, key)
            references(call, source, OPEN + b"%d" % number)
        # A deleted entry that nobody has is let go of when it is looked at, which a start does.
        keep = {id_ for group in groups_shown(call, key).values() for id_, (owner, _) in group["pending"].items() if owner is None}
        call("XDEL", key, "0-1", *[id_ for id_ in source.sample(ids, min(len(ids), source.randrange(1, 4))) if not own or id_ not in keep])


def references(call, source, key):
    """Entries that go with what groups have of them, or only once none needs them."""
    ids = [call("XADD", key, b"%d-0" % at, "f", "v") for at in range(1, 60)]
    groups = [b"g", b"h"]
    for group in groups:
        call("XGROUP", "CREATE", key, group, "0")
        for consumer in [b"c", b"d"]:
            call("XREADGROUP", "GROUP", group, consumer, "COUNT", source.randrange(1, 30), "STREAMS", key, ">")
        call("XACK", key, group, *source.sample(ids, 20))
    for at in range(60, 70):
        few, mode = source.sample(ids, 5), source.choice(REFERENCES)
        trim = source.choice([["MAXLEN", source.randrange(30, 60)], ["MINID", source.randrange(20)]])
        call(*source.choice([
            ["XDELEX", key, mode, "IDS", len(few), *few],
            ["XACKDEL", key, source.choice(groups), mode, "IDS", len(few), *few],
            ["XTRIM", key, *trim, mode],
            ["XADD", key, *trim, mode, b"%d-0" % at, "f", "v"],
        ]))


def group_of(call, source, key, group, ids, own):
    call("XGROUP", "CREATE", key, group, "0")
    if own and source.random() < 0.7:
        group_policy(call, source, key, group)
    for _ in range(source.randrange(5)):
        consumer = source.choice([b"", b"consumer:1", b"consumer:2", b"consumer:3"])
        call("XREADGROUP", "GROUP", group, consumer, "COUNT", source.randrange(1, 20), "STREAMS", key, ">")
        few = source.sample(ids, min(len(ids), source.randrange(1, 12)))
        give_back(call, source, key, group, few, own)
        call("XACK", key, group, *source.sample(ids, min(len(ids), 2)))


def give_back(call, source, key, group, ids, own):
    words = ["IDS", len(ids), *ids]
    if source.random() < 0.3:
        words += ["RETRYCOUNT", source.randrange(4)]
    if source.random() < 0.3:
        words += ["FORCE"]
    if own and source.random() < 0.3:
        words += ["DELAY", source.choice([0, LATER_MS])]
    call("XNACK", key, group, source.choice(MODES), *words)


def some(source, options):
    return [word for option in options if source.random() < 0.5 for word in option]


def group_policy(call, source, key, group):
    options = [
        ["ACKWAIT", LATER_MS],
        ["BACKOFF", LATER_MS, 2 * LATER_MS],
        ["MAXDELIVER", source.randrange(1, 4)],
        ["DEADLETTER", b"dead"],
        ["MAXPENDING", 60],
        ["ORDER", source.choice(["f", "*"])],
    ]
    call("XCFGSET", key, "GROUP", group, *some(source, options) or options[0])


def stream_policy(call, source, key):
    options = [
        ["MAXLEN", 10**6],
        ["MAXAGE", 10**15],
        ["MAXBYTES", 10**9],
        [source.choice(REFERENCES)],
        ["OVERFLOW", source.choice(["TRIM", "REJECT"])],
        ["ONACK", source.choice(["KEEP", "DELETE"])],
    ]
    if source.random() < 0.7:
        call("XCFGSET", key, *some(source, options) or options[0])


def scheduled(call, source, key):
    ids = [call("XADD", key, b"+%d" % (LATER_MS + source.randrange(5)), "job", source.randbytes(source.choice([0, 9, 2000])), "", b"x")
           for _ in range(source.choice([0, 3, 40]))]
    if ids:
        call("XDEL", key, *source.sample(ids, 2))


def shown(call):
    """The streams of a server, and their groups with all that is pending."""
    return {key: {"entries": call("XRANGE", key, "-", "+"), "groups": groups_shown(call, key)} for key in sorted(call("KEYS", "*"))}


def groups_shown(call, key):
    seen = {}
    for info in call("XINFO", "GROUPS", key):
        info = dict(zip(info[::2], info[1::2]))
        group = info[b"name"]
        pending = {
            id_: (owner if idle >= 0 else None, count)
            for id_, owner, idle, count in call("XPENDING", key, group, *ALL)
        }
        consumers = [consumer[1] for consumer in call("XINFO", "CONSUMERS", key, group)]
        seen[group] = {"last id": info[b"last-delivered-id"], "pending": pending, "consumers": sorted(consumers)}
    return seen


def as_a_redis_sees_it(state):
    """What is nobody's has an owner there, whom no other is called."""
    for stream in state.values():
        for group in stream["groups"].values():
            nobody = b""
            while nobody in group["consumers"]:
                nobody += b"-"
            pending = group["pending"]
            if any(owner is None for owner, _ in pending.values()):
                group["consumers"] = sorted([*group["consumers"], nobody])
            group["pending"] = {id_: (nobody if owner is None else owner, count) for id_, (owner, count) in pending.items()}
    return state


def without_hidden(state):
    """What a log tells a Redis that knows nothing of what is hidden there: who has what is another matter."""
    for key, stream in state.items():
        for group in stream["groups"].values():
            if not key.startswith(OPEN):
                del group["pending"], group["consumers"]
    return state


def leave(name, program, way, seed, port, folder):
    """Fills a server and stops it: what it showed, and its digest."""
    writes, _, rewrites = way
    server = Server(name, program, port, [*writes, *NO_AUTOMATIC], folder)
    try:
        call = caller(server)
        fill(call, seed, own=name == "millstream")
        if rewrites:
            call("BGREWRITEAOF")
            await_rewrite(call)
        if writes[:2] == NO_LOG:
            call("SAVE")
        return shown(call), call("DEBUG", "DIGEST")
    finally:
        server.stop()


def into_itself(found, way, seed, ports, folder):
    program = found["millstream"]
    before, digest = leave("millstream", program, way, seed, ports.take(), folder)
    checked = subprocess.run([program, "--check", str(folder)], capture_output=True, text=True)
    owners = [owner for stream in before.values() for group in stream["groups"].values() for owner, _ in group["pending"].values()]
    if checked.returncode or " scheduled" not in checked.stdout or ("no consumer's" in checked.stdout) != (None in owners):
        raise Failure(f"--check: {checked.stdout}{checked.stderr}")
    server = Server("millstream", program, ports.take(), [*way[1], *NO_AUTOMATIC], folder)
    other = Server("millstream", program, ports.take())
    try:
        call = caller(server)
        there, again = shown(call), call("DEBUG", "DIGEST")
        different = difference(before, there)
        if different or again != digest:
            raise Failure(f"{different}; digest {digest} before, {again} there")
        restore(call, caller(other))
        if caller(other)("DEBUG", "DIGEST") != digest:
            raise Failure("what was dumped is not the same where it is restored")
    finally:
        server.stop()
        other.stop()


def restore(call, take):
    for key in call("KEYS", "*"):
        take("RESTORE", key, 0, call("DUMP", key))


def into_a_redis(found, target, way, seed, ports, folder):
    before, _ = leave("millstream", found["millstream"], way, seed, ports.take(), folder)
    faults = complaints_of_tools(found[target], folder)
    if faults:
        raise Failure("; ".join(faults))
    server = Server(target, found[target], ports.take(), [*way[1], *NO_AUTOMATIC], folder)
    try:
        call = caller(server)
        there = shown(call)
        both = as_a_redis_sees_it(before), there
        if way[1] == LOG and not way[2]:
            both = without_hidden(before), without_hidden(there)
        different = difference(*both)
        if different:
            raise Failure(different)
        rescue(call)
        call("SAVE")
    finally:
        server.stop()


def rescue(call):
    """One consumer claims all that is pending."""
    for key, stream in shown(call).items():
        left = {id_ for id_, _ in stream["entries"]}
        for name, group in stream["groups"].items():
            start = b"0-0"
            while start := call("XAUTOCLAIM", key, name, "rescuer", 0, start, "COUNT", 1000, "JUSTID")[0]:
                if start == b"0-0":
                    break
            pending = groups_shown(call, key)[name]["pending"]
            expected = {id_ for id_ in group["pending"] if id_ in left}
            if set(pending) != expected or {owner for owner, _ in pending.values()} - {b"rescuer"}:
                raise Failure(f"{key} {name}: not all that was pending could be claimed")


def from_the_newest(found, source, way, seed, ports, folder):
    leave(source, found[source], way, seed, ports.take(), folder)
    with tempfile.TemporaryDirectory(prefix="millstream-additions-") as copy:
        # Its log, rewritten as commands, forgets what is pending of deleted entries.
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        before = found_there(source, found[source], way, ports.take(), copy)
    there = found_there("millstream", found["millstream"], way, ports.take(), folder)
    different = difference(without_idle_consumers(before), without_idle_consumers(there))
    if different:
        raise Failure(different)


def found_there(name, program, way, port, folder):
    """What a server shows that starts on the directory."""
    server = Server(name, program, port, [*way[1], *NO_AUTOMATIC], folder)
    try:
        return shown(caller(server))
    finally:
        server.stop()


def without_idle_consumers(state):
    """The log of a Redis does not tell of consumers that have nothing."""
    for stream in state.values():
        for group in stream["groups"].values():
            owners = {owner for owner, _ in group["pending"].values()}
            group["consumers"] = [name for name in group["consumers"] if name in owners]
    return state


def moves(found):
    """What is tried, with its name."""
    for name, way in WAYS.items():
        yield f"millstream -> millstream, {name}", way, into_itself, ()
        for other in found:
            if other != "millstream":
                yield f"millstream -> {other}, {name}", way, into_a_redis, (other,)
        if "redis-8.10" in found:
            yield f"redis-8.10 -> millstream, {name}", way, from_the_newest, ("redis-8.10",)


def attempt(found, name, way, move, whose, seed, ports):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="millstream-additions-"))
    try:
        move(found, *whose, way, seed, ports, folder)
    except (Failure, RuntimeError) as error:
        print(f"{name}, seed {seed}: {error}\n  the files are in {folder}", flush=True)
        return False
    shutil.rmtree(folder)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", type=pathlib.Path, default=HERE.parent.parent / "target/release/millstream")
    parser.add_argument("--oracle", help="the redis-server 8.2.3")
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--first-port", type=int, default=21100)
    args = parser.parse_args()
    found, ports = programs(args), Ports(args.first_port)
    passed = failed = 0
    for round_ in range(args.rounds):
        for name, way, move, whose in moves(found):
            good = attempt(found, name, way, move, whose, args.seed + round_, ports)
            passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
