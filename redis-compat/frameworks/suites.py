"""The frameworks that are run: by which file, what each needs, and which version of it is there. Installs what is missing,
by name."""

import importlib.metadata
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "frameworks"
NODE = CACHE / "node"
NODE_MODULES = NODE / "node_modules"
# A venv for each set of packages that agree on their versions, and what is to be in it.
VENVS = {"python": "requirements.txt", "python-arq": "requirements-arq.txt"}


@dataclass(frozen=True)
class Framework:
    file: str
    needs: tuple[str, ...]
    """Packages, the framework first."""
    does: str
    venv: str = "python"
    debian: bool = False

    @property
    def on_node(self):
        return self.file.endswith(".js")

    @property
    def python(self):
        return CACHE / self.venv / "bin" / "python"


# In order of importance.
FRAMEWORKS = {
    "bullmq": Framework(
        "bullmq.test.js",
        ("bullmq", "ioredis"),
        "retries, delays, priorities, flows, schedulers, rate limits, stalled jobs, deduplication, events",
    ),
    "celery": Framework(
        "test_celery.py",
        ("celery", "kombu", "redis"),
        "retries, ETA, priorities, chains, groups, chords, visibility timeout, results, revoking, events, beat",
    ),
    "locks": Framework(
        "test_locks.py",
        ("redis", "redlock-py"),
        "redis-py's Lock and asyncio Lock, redlock-py: exclusion, ownership, extension, a dead holder; RESP2 and RESP3",
    ),
    "redlock": Framework("redlock.test.js", ("redlock", "redlock5", "ioredis"), "exclusion, majority, extension, a dead holder"),
    "rq": Framework(
        "test_rq.py",
        ("rq", "redis"),
        "retries, schedules, repeats, dependencies, groups, rate limits, callbacks, dead work horses, commands, cron",
    ),
    "dramatiq": Framework(
        "test_dramatiq.py",
        ("dramatiq", "redis"),
        "retries, delays, dead letters, pipelines, groups, results, rate limits, barriers, a dead worker's messages",
    ),
    "arq": Framework(
        "test_arq.py",
        ("arq", "redis"),
        "retries, deferred and unique jobs, aborting, timeouts, cron, results, a dead worker's jobs",
        venv="python-arq",
    ),
    "huey": Framework(
        "test_huey.py",
        ("huey", "redis"),
        "retries, schedules, priorities, pipelines, chords, locks, rate limits, revoking, results that expire",
    ),
    "taskiq": Framework(
        "test_taskiq.py",
        ("taskiq", "taskiq-redis", "redis"),
        "list, stream and pub/sub brokers: retries, results, schedules, what a dead worker left in a stream",
    ),
    "faststream": Framework(
        "test_faststream.py",
        ("faststream", "redis"),
        "channels, patterns, lists, batches, requests and answers, streams in groups, claiming from a dead worker",
    ),
    "bull": Framework(
        "bull.test.js",
        ("bull",),
        "retries, delays, priorities, repeatable jobs, rate limits, stalled jobs, events, pausing, cleaning",
    ),
    "socketio": Framework(
        "socketio.test.js",
        ("socket.io", "@socket.io/redis-adapter", "@socket.io/redis-streams-adapter", "ioredis", "redis"),
        "pub/sub, sharded pub/sub and streams adapters: rooms, acknowledgements, a dead server, sessions taken up by another",
    ),
    "django": Framework(
        "test_django.py",
        ("django", "channels", "channels-redis", "redis"),
        "cache and sessions; channel layers on lists and on pub/sub: groups, capacity, a dead listener",
    ),
    "sidekiq": Framework(
        "test_sidekiq.py",
        ("ruby-sidekiq", "ruby-redis"),
        "retries, the dead set, schedules, queues by importance, bulk pushes, a killed and a stopped process",
        debian=True,
    ),
    "exporter": Framework(
        "test_exporter.py",
        ("prometheus-redis-exporter",),
        "what dashboards show: INFO, keys, streams, groups of keys by script, latencies, configuration",
        debian=True,
    ),
}


def command(name, node):
    """What runs it, and for pytest with its own packages."""
    framework = FRAMEWORKS[name]
    file = HERE / framework.file
    if framework.on_node:
        return [node, "--test-force-exit", "--test-reporter=spec", file]
    return [framework.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", file]


def versions(name):
    """`bullmq 6.7.0, ioredis 6.0.0`: what is installed of what it needs."""
    framework = FRAMEWORKS[name]
    return ", ".join(version(framework, package) for package in framework.needs)


def version(framework, package):
    if framework.debian:
        said = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=True)
        number = said.stdout.split("+")[0].split("-")[0]
        return f"{'redis-rb' if package == 'ruby-redis' else package.removeprefix('ruby-')} {number}"
    if framework.on_node:
        manifest = json.loads((NODE_MODULES / package / "package.json").read_text())
        return f"{'node-redis' if package == 'redis' else manifest['name']} {manifest['version'].removeprefix('v')}"
    places = map(str, (CACHE / framework.venv).glob("lib/python3*/site-packages"))
    found = next(importlib.metadata.distributions(name=package, path=list(places)))
    return f"{'redis-py' if package == 'redis' else package} {found.version}"


def sources(names):
    """Folders to install into, each with the file that says what is to be in it."""
    chosen = [FRAMEWORKS[name] for name in names]
    if any(framework.on_node for framework in chosen):
        yield NODE, HERE / "package.json"
    for venv in sorted({framework.venv for framework in chosen if not framework.on_node}):
        yield CACHE / venv, HERE / VENVS[venv]


def missing_debian(names):
    """Debian's packages that these frameworks need and the system lacks."""
    needed = [package for name in names if FRAMEWORKS[name].debian for package in FRAMEWORKS[name].needs]
    return [package for package in needed if subprocess.run(["dpkg-query", "-W", package], capture_output=True).returncode]
