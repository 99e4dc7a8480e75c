"""What the Python frameworks share: where the server is, waiting for what must come, workers in processes of their own, and
a ledger of what they did, which is kept outside of the server so that it can contradict it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import redis

PORT = int(os.environ.get("SERVER_PORT", "6379"))
HERE = Path(__file__).resolve().parent
WAIT_S = 20
STOP_S = 10
POLL_S = 0.02
# Works in progress when its worker is killed: for longer than any test lasts.
HELD_S = 60
ESTABLISHED = "01"


def url(db=0):
    return f"redis://127.0.0.1:{PORT}/{db}"


def until(what, probe, within=WAIT_S):
    """Waits until `probe` gives something true, and returns that."""
    deadline = time.monotonic() + within
    while not (found := probe()):
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(POLL_S)
    return found


def knows_its_clients():
    """True if every client that the server knows of has a socket that is open. That of a process that was killed is known for a
    moment more, and what is pushed then may still go there."""
    with redis.Redis(port=PORT) as db:
        ports = {int(client["addr"].split(":")[1]) for client in db.client_list()}
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return ports <= {int(local.split(":")[1], 16) for _, local, _, state, *_ in sockets if state == ESTABLISHED}


class Ledger:
    """A file to which every process of a test appends what it did, a line each time."""

    def __init__(self, path):
        self.path = Path(path)
        self.path.touch()

    def note(self, **note):
        line = json.dumps({"at": time.time(), "pid": os.getpid(), **note}) + "\n"
        with open(self.path, "ab", buffering=0) as file:
            file.write(line.encode())

    def notes(self, **match):
        notes = map(json.loads, self.path.read_text().splitlines())
        return [note for note in notes if match.items() <= note.items()]


def worker_ledger():
    """The ledger of the test that started this process."""
    return Ledger(os.environ["LEDGER"])


class Workers:
    """Processes that work for a test, each the leader of its own group."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.started = []

    def start(self, *words, **environment):
        known = {"PYTHONPATH": str(HERE), "PYTHONUNBUFFERED": "1", "LEDGER": str(self.ledger.path), "SERVER_PORT": str(PORT)}
        command = [str(word) for word in words]
        process = subprocess.Popen(command, env={**os.environ, **known, **environment}, cwd=HERE, start_new_session=True)
        self.started.append(process)
        return process

    def python(self, module, *words, **environment):
        return self.start(sys.executable, "-m", module, *words, **environment)

    def kill(self, process):
        """SIGKILL to all of it: no goodbye to the server, nothing given back. Returns when the server has noticed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.started.remove(process)
        until("the server has noticed", knows_its_clients)

    def stop(self, process):
        """SIGTERM, as a service manager would; it must end by itself."""
        process.terminate()
        process.wait(STOP_S)

    def end(self):
        for process in list(self.started):
            self.kill(process)
