"""Ledgers: what each process saw and did, written line by line before anything else happens, so that a kill loses nothing.

A line is `[moment, what, {facts}]`; moments are those of the machine's monotonic clock, which all processes share.
"""

import json
import os
import time


class Ledger:
    def __init__(self, folder, name):
        self.name = name
        self.file = os.open(folder / f"{name}.ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, what, **facts):
        moment = time.monotonic()
        os.write(self.file, json.dumps([moment, what, facts]).encode() + b"\n")
        return moment


def read(folder):
    """All lines of all ledgers by name of the ledger. A line that a kill cut is left out."""
    found = {}
    for path in sorted(folder.glob("*.ledger")):
        lines = path.read_bytes().split(b"\n")
        found[path.stem] = [json.loads(line) for line in lines if line.endswith(b"}]")]
    return found
