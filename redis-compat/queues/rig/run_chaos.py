"""The command line of `chaos`."""

import argparse
import pathlib
import random
import shutil
import tempfile

from . import ledger
from .crew import Crew, is_parked
from .server import ROOT, Broken, Server
from .spoil import SPOILERS
from .stations import CONFIG, STATIONS, STREAMS
from .verdict import Record, Verdict
from .wire import Wire

SHOWN = 12


def main():
    parser = argparse.ArgumentParser(prog="redis-compat/queues/chaos", description="Workers that crash, a server that is killed: what becomes of the work.")
    parser.add_argument("--millstream", type=pathlib.Path, metavar="PATH", default=ROOT / "target/release/millstream")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--server-kills", type=int, default=2)
    parser.add_argument("--slack", type=float, default=50.0, metavar="MS", help="how late something may come while a worker is free")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--self-test", action="store_true", help="show that spoiled ledgers are noticed")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="millstream-chaos-"))
    config = folder / "millstream.conf"
    config.write_text(CONFIG)
    words = ["--appendonly", "yes", "--appendfsync", "always", "--threads", args.threads]
    server = Server(args.millstream, words, config=config)
    crew = Crew(server, args.seed, folder)
    try:
        ledgers, final, left, kills = live(server, crew, args)
    except Broken as broken:
        print(f"WRONG: {broken}\n0 passed, 1 failed")
        return 1
    finally:
        crew.dismiss()
        server.end()
    print(f"{kills} workers and {args.server_kills} times the server killed in {args.seconds:.0f} s")
    outcome = self_test(ledgers, final, args) if args.self_test else judge(ledgers, final, left, args)
    if outcome:
        print(f"the ledgers are left in {folder}, the server's directory in {server.dir}")
    else:
        shutil.rmtree(folder)
        server.discard()
    return outcome


def live(server, crew, args):
    wire = server.start()
    crew.begin(wire)
    wire.close()
    kills = crew.disturb(args.seconds, args.server_kills)
    left = crew.drain()
    final = observe(Wire(server.port))
    return ledger.read(crew.folder), final, left, kills


def observe(wire):
    """What the server has in the end."""
    entries = {stream: ranged(wire, stream) for stream in STREAMS}
    dead = {station.dead: ranged(wire, station.dead) for station in STATIONS if station.dead}
    pending = {}
    for station in STATIONS:
        rows = wire.call("XPENDING", station.stream, station.group, "-", "+", 100_000)
        pending[station.name] = {row[0]: [*row[1:], is_parked(station, row)] for row in rows}
    return {"entries": entries, "dead": dead, "pending": pending}


def ranged(wire, key):
    return {id: dict(zip(words[::2], words[1::2])) for id, words in wire.call("XRANGE", key, "-", "+")}


def judge(ledgers, final, left, args):
    verdict = Verdict(Record(ledgers, final), args.slack)
    faults = verdict.judge()
    if left:
        faults.insert(0, f"not drained: {left}")
    print(", ".join(f"{count} {what}" for what, count in sorted(verdict.counts.items())))
    print(", ".join(f"{what}: {value}" for what, value in sorted(verdict.worst.items())) + f" (slack {args.slack:.0f})")
    for fault in faults[:SHOWN]:
        print(f"WRONG: {fault}")
    if len(faults) > SHOWN:
        print(f"... and {len(faults) - SHOWN} more")
    print(f"{0 if faults else 1} passed, {1 if faults else 0} failed")
    return 1 if faults else 0


def self_test(ledgers, final, args):
    failed = 0
    for name, (spoil, wanted) in [("nothing", (None, None)), *SPOILERS.items()]:
        record = Record(ledgers, final)
        used = spoil is None or spoil(record)
        faults = Verdict(record, args.slack).judge() if used else []
        seen = [fault for fault in faults if wanted is None or wanted in fault]
        right = used and bool(seen) == (spoil is not None)
        failed += not right
        print(f"{name}: {seen[0][:120] if seen else 'not seen' if used else 'never came to pass'}{'' if right else ' - WRONG'}")
    print(f"{1 + len(SPOILERS) - failed} passed, {failed} failed")
    return 1 if failed else 0
