"""Writers with keys of their own, whose exact content after every step is known.

A step is one command, or a transaction over keys in several stripes. All is deterministic, so a ledger is the list of steps and how
many of them were answered. After a restart the keys must be what they were after some step: not before the last one that had to
survive, not after the last one that was sent. A content between two steps is a half-applied one; a hole is none of the states.
"""

import time

from .client import Gone, Refused
from .model import Model, Stream, observe

ENTRIES, ELEMENTS = 60, 40
PIPELINE = 8
FAR_MS = 4102444800000


class Private:
    def __init__(self, name, random):
        self.name, self.random = name, random
        self.streams = [f"{name}:s{i}" for i in range(2)]
        self.lists = [f"{name}:l{i}" for i in range(3)]
        self.strings = [f"{name}:v{i}" for i in range(2)]
        self.counter = f"{name}:n"
        self.keys = [*self.streams, *self.lists, *self.strings, self.counter]
        self.serial = 0
        self.base = Model()
        self.model = self.base.copy()
        self.steps, self.answered_at = [], []

    def run(self, client, stopped):
        """Writes until the server is gone; returns a complaint or None."""
        while not stopped.is_set():
            batch = [self.step() for _ in range(self.random.choice((1, 1, 1, 2, PIPELINE)))]
            self.steps += batch
            commands = [command for step in batch for command in wrapped(step)]
            try:
                client.send(commands)
                for step in batch:
                    for _ in wrapped(step):
                        reply = client.receive()
                        if isinstance(reply, list) and any(isinstance(r, Exception) for r in reply):
                            return f"{step} in a transaction: {reply}"
                    self.answered_at.append(time.monotonic())
            except Gone:
                return None
            except Refused as error:
                return f"{batch}: {error}"

    def step(self):
        """The next step, a list of commands that are applied together."""
        size = self.random.choice((1, 1, 1, 1, 3, 5))
        step = []
        for _ in range(size):
            command = self.command()
            self.model.apply(command)
            step.append(command)
        return step

    def token(self):
        self.serial += 1
        return f"{self.name}.{self.serial}" + "x" * self.random.choice((0, 0, 10, 200))

    def command(self):
        kind = self.random.choice((self.on_stream, self.on_stream, self.on_group, self.on_group, self.on_list, self.on_list, self.on_string))
        return kind()

    def on_stream(self):
        key = self.random.choice(self.streams)
        stream = self.model.keys.get(key)
        choice = self.random.randrange(12)
        if isinstance(stream, Stream) and stream.entries:
            if choice == 0:
                return ("XDEL", key, *self.some_ids(stream.entries, 3))
            if choice == 1:
                return ("XTRIM", key, "MAXLEN", "=", self.random.randrange(len(stream.entries) + 1))
            if choice == 2 and len(stream.groups) > 2:
                return ("DEL", key)
        self.serial += 1
        bound = ("MAXLEN", "=", ENTRIES) if choice > 8 or stream and len(stream.entries) > 2 * ENTRIES else ()
        return ("XADD", key, *bound, f"{self.serial}-{self.random.randrange(3)}", "f", self.token())

    def on_group(self):
        key = self.random.choice(self.streams)
        stream = self.model.keys.get(key)
        if stream is None or not stream.groups or (len(stream.groups) < 3 and self.random.randrange(30) == 0):
            self.serial += 1
            return ("XGROUP", "CREATE", key, f"g{self.serial}", "0", "MKSTREAM")
        name = self.random.choice(list(stream.groups))
        pending = stream.groups[name].pending
        consumer = f"c{self.random.randrange(3)}"
        choice = self.random.randrange(8)
        if pending and (choice < 3 or len(pending) > ENTRIES):
            return ("XACK", key, name, *self.some_ids(pending, 5))
        if pending and choice == 3:
            return ("XCLAIM", key, name, consumer, 0, *self.some_ids(pending, 3))
        if pending and choice == 4:
            return ("XAUTOCLAIM", key, name, consumer, 0, "0-0", "COUNT", self.random.randrange(1, 5))
        if not any(id > stream.groups[name].last for id in stream.entries):
            return self.on_stream()
        return ("XREADGROUP", "GROUP", name, consumer, "COUNT", self.random.randrange(1, 6), "STREAMS", key, ">")

    def on_list(self):
        key, other = self.random.choice(self.lists), self.random.choice(self.lists)
        values = self.model.keys.get(key, [])
        choice = self.random.randrange(14)
        if len(values) > ELEMENTS:
            return ("LTRIM", key, 0, ELEMENTS // 2)
        if values:
            if choice < 2:
                return ("LPOP", key, self.random.randrange(1, 4))
            if choice < 5:
                ends = self.random.choice(("LEFT", "RIGHT")), self.random.choice(("LEFT", "RIGHT"))
                return ("BLMOVE", key, other, *ends, 1) if choice == 3 else ("LMOVE", key, other, *ends)
            if choice == 5:
                return ("LREM", key, 1, self.random.choice(values))
            if choice == 6:
                return ("LINSERT", key, self.random.choice(("BEFORE", "AFTER")), self.random.choice(values), self.token())
            if choice == 7:
                return ("LSET", key, self.random.randrange(len(values)), self.token())
            if choice == 8:
                return ("RENAME", key, other) if key != other else ("DEL", key)
        return (self.random.choice(("RPUSH", "LPUSH")), key, *(self.token() for _ in range(self.random.randrange(1, 4))))

    def on_string(self):
        key = self.random.choice(self.strings)
        choice = self.random.randrange(8)
        value = self.model.keys.get(key)
        if value is not None and choice == 0:
            return ("PEXPIREAT", key, FAR_MS + self.random.randrange(10**6))
        if key in self.model.deadlines and choice == 1:
            return ("PERSIST", key)
        if choice < 4:
            return ("INCRBY", self.counter, self.random.randrange(1, 9))
        if choice == 4 and value is not None and len(value) < 1000:
            return ("APPEND", key, self.token())
        return ("SET", key, self.token())

    def some_ids(self, ids, most):
        ids = list(ids)
        chosen = self.random.sample(ids, min(len(ids), self.random.randrange(1, most + 1)))
        return [f"{ms}-{sequence}" for ms, sequence in chosen]

    def check(self, client, sure_until):
        """What is wrong, as sentences; and how many answered steps are missing. What the server has is the new base."""
        sure = sum(1 for moment in self.answered_at if moment <= sure_until)
        found = observe(client, self.keys)
        survived = self.survived(found)
        faults = []
        if survived is None:
            faults.append(f"{self.name}: its keys are in no state that they ever were in (of {len(self.steps)} steps, {sure} are sure)"
                          + self.nearest(found))
        elif survived < sure:
            faults.append(f"{self.name}: {sure - survived} of {sure} steps that had to survive are lost, first {self.steps[survived]}")
        missing = 0 if survived is None else max(0, len(self.answered_at) - survived)
        oldest = self.answered_at[survived] if missing else None
        self.base, self.model = found.copy(), found
        self.steps, self.answered_at = [], []
        return faults, missing, oldest

    def survived(self, found):
        """After how many steps the keys were as found: the latest if there are several."""
        model, wanted, last = self.base.copy(), found.summary(), None
        whole = found.whole()
        for count in range(len(self.steps) + 1):
            if model.summary() == wanted and model.whole() == whole:
                last = count
            if count < len(self.steps):
                for command in self.steps[count]:
                    model.apply(command)
        return last

    def nearest(self, found):
        """For each key the steps after which it alone was as found."""
        model, notes = self.base.copy(), []
        matches = {key: [] for key in self.keys}
        there = found.whole()[0]
        for count in range(len(self.steps) + 1):
            have = model.whole()[0]
            for key in self.keys:
                if have.get(key) == there.get(key):
                    matches[key].append(count)
            if count < len(self.steps):
                for command in self.steps[count]:
                    model.apply(command)
        for key, counts in matches.items():
            notes.append(f"{key} as after {counts[0]}..{counts[-1]}" if counts else f"{key} as never: {there.get(key)}")
        return ": " + "; ".join(notes)


def wrapped(step):
    return step if len(step) == 1 else [("MULTI",), *step, ("EXEC",)]
