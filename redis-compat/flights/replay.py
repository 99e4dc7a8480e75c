"""Replays a year of real flights through a server and checks every total against the table. See `crew.py` for who does
what; here are the supervision (whoever crashes is replaced) and the report."""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import redis

import crew
from table import ORIGINS, Totals, load

GROUPS = {"carriers": crew.settle_carriers, "delays": crew.settle_delays, "dispatch": crew.settle_dispatch}
CONSUMERS_PER_GROUP = 3
WORKERS = 3
START_TIMEOUT_S = 10
REPLAY_TIMEOUT_S = 240

# Fork, so that a successor starts in milliseconds and shares the table with everyone.
processes = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Run:
    """Where a replay happens: the server's port, and the folder of its ledgers."""

    port: int
    folder: Path


@dataclass(frozen=True)
class Member:
    """A process of the crew: `target` of `crew.py` with its arguments. One that is replaced is told whom it succeeds."""

    process: processes.Process
    role: str
    target: Callable
    args: tuple
    replaced: bool


class Supervisor:
    """Keeps a crew of processes going: one that was killed is followed by a successor."""

    def __init__(self, run, seed):
        self.run = run
        self.random = random.Random(seed)
        self.running = {}
        self.crashes = Counter()
        self.deadline = time.monotonic() + REPLAY_TIMEOUT_S

    def start(self, role, target, *args, replaced=True, predecessor=None):
        seed = self.random.random()
        name = f"{role}-{self.random.getrandbits(32):08x}"

        def body():
            random.seed(seed)
            target(self.run, name, *args, *([predecessor] if replaced else []))

        process = processes.Process(target=body, name=name, daemon=True)
        process.start()
        self.running[process.sentinel] = Member(process, role, target, args, replaced)

    def join(self, *roles):
        """Waits until all processes of these roles have ended well."""
        while any(member.role in roles for member in self.running.values()):
            ended = wait(list(self.running), max(0, self.deadline - time.monotonic()))
            if not ended:
                sys.exit(f"not done after {REPLAY_TIMEOUT_S} s: {', '.join(m.process.name for m in self.running.values())}")
            for sentinel in ended:
                self.bury(self.running.pop(sentinel))

    def bury(self, member):
        member.process.join()
        code = member.process.exitcode
        if code > 0 or (code < 0 and not member.replaced):
            sys.exit(f"{member.process.name} ended with {code}")
        if code < 0:
            self.crashes[member.role] += 1
            self.start(member.role, member.target, *member.args, predecessor=member.process.name)


def prepare(db):
    """Removes what an earlier replay left, and makes the groups."""
    for key in db.scan_iter("flights:*", count=1000):
        db.unlink(key)
    for stream in crew.STREAMS.values():
        for group in GROUPS:
            db.xgroup_create(stream, group, id="0", mkstream=True)


def replay(db, run, flights, seed):
    """Runs all crews to the end. Returns seconds to the last XADD, seconds in all, and crashes per role."""
    supervisor = Supervisor(run, seed)
    supervisor.start("subscriber", crew.subscribe, replaced=False)
    deadline = time.monotonic() + START_TIMEOUT_S
    while db.pubsub_numsub(crew.DAYS)[0][1] == 0:
        if time.monotonic() > deadline:
            sys.exit("the subscriber did not get through")
        time.sleep(0.01)

    began = time.monotonic()
    for origin in ORIGINS:
        supervisor.start("producers", crew.produce, origin, [f for f in flights if f.origin == origin], replaced=False)
    for group, settle in GROUPS.items():
        for _ in range(CONSUMERS_PER_GROUP):
            supervisor.start(group, crew.consume, group, settle)
    for _ in range(WORKERS):
        supervisor.start("workers", crew.work)

    supervisor.join("producers")
    added = time.monotonic()
    db.set(crew.ALL_ADDED, 1)
    supervisor.join(*GROUPS)
    db.set(crew.ALL_DISPATCHED, 1)
    supervisor.join("workers")
    ended = time.monotonic()
    db.publish(crew.DAYS, "end")
    supervisor.join("subscriber")
    return added - began, ended - began, supervisor.crashes


def ledgers(run, role):
    """What a role noted down: a map from entry id to finding, and how many notes repeated an id."""
    found, repeats = {}, 0
    for path in run.folder.glob(f"{role}-*"):
        for line in path.read_text().splitlines():
            id, _, finding = line.partition(";")
            repeats += id in found
            found[id] = finding
    return found, repeats


def totals_of(run):
    """The totals as the crews found them, and how often each role met an entry it had settled before."""
    totals, repeats = Totals(), {}
    carriers, repeats["carriers"] = ledgers(run, "carriers")
    delays, repeats["delays"] = ledgers(run, "delays")
    rebookings, repeats["workers"] = ledgers(run, "workers")
    days, _ = ledgers(run, "subscriber")
    totals.per_origin.update(id[:3] for id in carriers)
    totals.per_carrier.update(carriers.values())
    for id, delay in delays.items():
        if delay:
            totals.delays[id[:3], month_of(id)].append(int(delay))
    totals.rebookings.update(tuple(finding.split()) for finding in rebookings.values())
    totals.days.update(days)
    return totals, repeats


def month_of(id):
    return time.strftime("%Y-%m", time.gmtime(int(id[4:].split("-")[0]) / 1000))


def checks(db, run, flights, crashes):
    """Every comparison as (what, expected, found), and how often each role met an entry it had settled before."""
    truth = Totals.of(flights)
    found, repeats = totals_of(run)
    streams = list(crew.STREAMS.items())
    holiday = sum(f.day == "2013-07-04" for f in flights)
    day_start, day_end = 1372896000000, 1372982399999
    groups = [info for _, key in streams for info in db.xinfo_groups(key)]
    lists = db.keys(f"{crew.REBOOK}*")
    return repeats, [
        ("entries per airport (XLEN)", dict(truth.per_origin), {origin: db.xlen(key) for origin, key in streams}),
        ("flights of 4 July (XRANGE)", holiday, sum(len(db.xrange(key, day_start, day_end)) for _, key in streams)),
        ("flights per carrier", truth.per_carrier, found.per_carrier),
        ("flights per airport", truth.per_origin, found.per_origin),
        ("arrival delays by airport and month", truth.delay_statistics(), found.delay_statistics()),
        ("flights cancelled or an hour late, rebooked", truth.rebookings, found.rebookings),
        ("days announced", truth.days, found.days),
        ("entries pending in any group", 0, sum(info["pending"] for info in groups)),
        ("entries no group has read (lag)", 0, sum(info["lag"] for info in groups)),
        ("work lists left over", [], lists),
        ("crews that lost somebody on the way", len(GROUPS) + 1, sum(n > 0 for n in crashes.values())),
    ]


def read_by(db, key, group):
    return next(info["entries-read"] for info in db.xinfo_groups(key) if info["name"] == group)


def size(value):
    """One number to stand for a total in the report: counts add up, sets are counted."""
    if isinstance(value, (dict, Counter)):
        return sum(v[0] if isinstance(v, tuple) else v for v in value.values())
    return value if isinstance(value, int) else len(value)


def report(db, run, flights, seconds_adding, seconds, crashes):
    repeats, compared = checks(db, run, flights, crashes)
    claimed = {role: int(db.get(f"flights:claimed:{role}") or 0) for role in [*GROUPS, "workers"]}
    settled = {group: sum(read_by(db, key, group) for key in crew.STREAMS.values()) for group in GROUPS}
    settled["workers"] = len(ledgers(run, "workers")[0])

    print(f"  {'':<12}{'processes':>9} {'settled':>10} {'crashes':>8} {'taken over':>11} {'repeated':>9}")
    for role in [*GROUPS, "workers"]:
        count = WORKERS if role == "workers" else CONSUMERS_PER_GROUP
        print(f"  {role:<12}{count:>9} {settled[role]:>10,} {crashes[role]:>8} {claimed[role]:>11,} {repeats.get(role, 0):>9,}")
    deliveries = sum(settled.values()) + sum(claimed.values())
    print(f"\n  added      {len(flights):>9,} entries in {seconds_adding:5.1f} s  {len(flights) / seconds_adding:>9,.0f} a second")
    print(f"  delivered  {deliveries:>9,} times   in {seconds:5.1f} s  {deliveries / seconds:>9,.0f} a second\n")

    print(f"  {'':<45}{'the table':>10} {'the crews':>10}")
    failed = 0
    for what, expected, found in compared:
        same = expected == found
        failed += not same
        print(f"  {what:<45}{size(expected):>10,} {size(found):>10,}  {'same' if same else 'DIFFERENT'}")
    print(f"\n{len(compared) - failed} passed, {failed} failed")
    return failed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--seed", type=int, default=2013, help="of the crashes")
    args = parser.parse_args()

    flights = load()
    db = redis.Redis(port=args.port, decode_responses=True)
    server = db.info("server")
    name = f"Millstream {server['millstream_version']}" if "millstream_version" in server else f"Redis {server['redis_version']}"
    print(f"{len(flights):,} flights of 2013 out of {', '.join(ORIGINS)}, through {name} with redis-py {redis.__version__}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="flights-") as folder:
        run = Run(args.port, Path(folder))
        prepare(db)
        timing = replay(db, run, flights, args.seed)
        sys.exit(0 if report(db, run, flights, *timing) else 1)


if __name__ == "__main__":
    main()
