"""Plays steps against the server and the model side by side, and compares replies and state."""

import time

from .match import mismatch
from .scripts import resolve
from .spec import Error, Model, Refused, Stream, parse
from .wire import is_error

# No step is played this shortly before a moment at which something comes to be due: it is let pass first.
MARGIN_MS = 1500
# How long the server may take for what it does by a timer.
TIMER_SECONDS = 2.0
COMPARE_EVERY = 8
PEND = 10_000


# What XINFO STREAM says of the messages that a stream remembers, where it never had any.
UNUSED = {"idmp-duration": 100, "idmp-maxsize": 100, "pids-tracked": 0, "iids-tracked": 0}


class Differs(Exception):
    """Server and model do not agree."""

    def __init__(self, what, kind):
        super().__init__(what)
        self.kind = kind


class Player:
    def __init__(self, server, wire, knows_schedules=True, knows_queues=True):
        self.server, self.wire = server, wire
        self.knows_schedules, self.knows_queues = knows_schedules, knows_queues
        self.patience = TIMER_SECONDS
        # Changes replies, for the self-test.
        self.spoil = None
        self.stepped = 0
        self.played = 0
        self.begin()

    def begin(self):
        """A new script: nothing is there, and no time is remembered."""
        self.model = Model()
        self.made, self.names = {}, {}
        self.passed = self.quiet_until = 0
        self.log = []
        self.wire.call("FLUSHALL")
        self.read_clock()

    # Time

    def read_clock(self):
        self.tick(self.ms(self.wire.call("TIME")))

    @staticmethod
    def ms(told):
        return int(told[0]) * 1000 + int(told[1]) // 1000

    def tick(self, wall):
        self.model.tick(wall, wall - self.stepped)
        self.read_at = time.monotonic()

    def steady(self):
        return self.model.steady + int((time.monotonic() - self.read_at) * 1000)

    def avoid(self):
        """Lets pass what would come to be due while the next steps are played."""
        now = self.steady()
        if now < self.quiet_until:
            return
        for _ in range(100):
            known = self.model.steady
            due = [at for at in self.model.deadlines() if known < at < now + 2 * MARGIN_MS]
            if not due:
                self.quiet_until = now + MARGIN_MS
                return
            self.pass_ms(max(due) - now + 300)
            now = self.steady()
        raise AssertionError("always something comes to be due")

    def pass_ms(self, ms):
        replies = self.wire.batch([("DEBUG", "CLOCK", "PASS", ms)])
        if is_error(replies[0]):
            raise Differs(f"DEBUG CLOCK PASS: {replies[0]}", "clock")
        self.passed += ms
        self.quiet_until = 0
        self.model.stirred = False
        self.read_clock()
        if self.model.stirred:
            self.settle()

    # Steps

    def play(self, step):
        kind, what = step
        self.played += 1
        if kind == "pass":
            self.pass_ms(what)
        elif kind == "step":
            self.wire.call("DEBUG", "CLOCK", "STEP", what)
            self.stepped += what
            self.quiet_until = 0
            self.read_clock()
            self.settle()
        elif kind == "restart":
            self.restart(what)
        else:
            self.avoid()
            self.run([what] if kind == "run" else what, kind == "multi")
        if self.played % COMPARE_EVERY == 0:
            self.compare()

    def run(self, commands, together):
        commands = [resolve(words, self) for words in commands]
        while any(self.is_close(words) for words in commands):
            self.pass_ms(700)
        batch = [("MULTI",), *commands, ("EXEC",)] if together else commands
        before, *replies, later = self.wire.batch([("TIME",), *map(split, batch), ("TIME",)])
        replies = replies[-1] if together else replies
        if is_error(replies):
            raise Differs(f"EXEC: {replies}", "EXEC")
        if self.spoil:
            replies = self.spoil(commands, replies)
        begun, ended = self.ms(before), self.ms(later)
        self.tick(self.moment(commands, replies, begun, ended))
        self.model.stirred = False
        for words, reply in zip(commands, replies):
            self.agree(words, reply)
        self.model.settle_time()
        if any(words[0] in ("XCFGSET", "XCLAIM", "XNACK") for words in commands):
            self.quiet_until = 0
        if self.model.stirred or begun != ended or self.loose():
            self.settle()
        if self.model.is_restless():
            self.pass_ms(1500)

    def moment(self, commands, replies, begun, ended):
        """When it was: between two readings of the clock, which an id made at the time tells more closely."""
        for words, reply in zip(commands, replies):
            if begun != ended and words[0] == "XADD" and isinstance(reply, str):
                spec = next(word for word in words[2:] if word == "*" or word[0] == "+" or "-" in word or word[0] == "@")
                ms = parse(reply)[0] - (int(spec[1:]) if spec[0] == "+" else 0)
                if spec[0] in "*+" and begun <= ms <= ended:
                    return ms
        return begun

    def agree(self, words, reply):
        try:
            expected = self.model.run(words, reply)
        except Refused as refused:
            expected = Error(str(refused))
        if found := mismatch(expected, reply):
            raise Differs(f"{' '.join(words)}\n    {found}", words[0])
        if isinstance(reply, str) and words[0] == "XADD" and words[-2] == "n":
            self.made[int(words[-1])] = reply
            self.names[words[1], parse(reply)] = int(words[-1])

    def is_close(self, words):
        """Whether a condition on idle times could be decided by a moment more or less."""
        name, key, group = [*words, "", ""][:3]
        if name == "XREADGROUP" and "CLAIM" in words:
            least, group = int(words[words.index("CLAIM") + 1]), words[2]
            keys = words[words.index("STREAMS") + 1 :]
        elif name in ("XCLAIM", "XAUTOCLAIM"):
            least, keys = int(words[4]), [key]
        elif name == "XPENDING" and "IDLE" in words:
            least, keys = int(words[4]), [key]
        else:
            return False
        for key in keys:
            stream = self.model.keys.get(key)
            if least and isinstance(stream, Stream) and group in stream.groups:
                pending = stream.groups[group].pending.values()
                if any(p.owner is not None and abs(self.steady() - p.time - least) < 350 for p in pending):
                    return True
        return False

    # State

    def loose(self):
        return any(isinstance(stream, Stream) and stream.loose for stream in self.model.keys.values())

    def settle(self):
        """The server has done, or does soon, what happened by itself."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return self.compare()
            except Differs:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.003)

    def looks(self):
        for key in sorted(self.model.keys):
            if not isinstance(self.model.keys[key], Stream):
                continue
            yield ["XRANGE", key, "-", "+"]
            if self.knows_schedules:
                yield ["XSCHEDULED", key]
            yield ["XINFO GROUPS", key]
            for name in sorted(self.model.keys[key].groups):
                yield ["XPENDING", key, name, "-", "+", str(PEND)]
                yield ["XINFO CONSUMERS", key, name]
            if self.knows_queues:
                yield ["XINFO QUEUE", key]

    def compare(self):
        looks = list(self.looks())
        before, *replies, later = self.wire.batch([("TIME",), *map(split, looks), ("TIME",)])
        begun, ended = self.ms(before), self.ms(later)
        self.tick(begun)
        for words, reply in zip(looks, replies):
            if words[0] == "XRANGE" and isinstance(reply, list):
                self.name_loose(words[1], reply)
            expected = self.model.run(words, reply)
            if words[0] == "XINFO QUEUE":
                found = self.queue_mismatch(expected, reply)
            else:
                found = mismatch(expected, reply)
            if found:
                detail = found.split(": the")[0].split(" ")[-1] if words[0] == "XINFO QUEUE" else ""
                raise Differs(f"state by {' '.join(words)}\n    {found}", f"state {words[0]} {detail}")
            if words[0] == "XPENDING" and begun == ended:
                self.adopt(self.model.keys[words[1]].groups[words[2]], reply)
        for stream in self.model.keys.values():
            if isinstance(stream, Stream):
                stream.loose.clear()

    @staticmethod
    def queue_mismatch(expected, reply):
        if is_error(reply):
            return str(reply)
        told = pairs(reply)
        told["groups"] = [pairs(group) for group in told["groups"]]
        for name, value in expected.items():
            if name != "groups" and (found := mismatch(value, told.get(name), name)):
                return found
        for facts, group in zip(expected["groups"], told["groups"]):
            for name, value in facts.items():
                if found := mismatch(value, group.get(name), f"{facts['name']}: {name}"):
                    return found
        return None

    def adopt(self, group, rows):
        """Times are the server's, to the millisecond."""
        for id, owner, idle, _ in rows:
            pending = group.pending[parse(id)]
            # A lease from the future, where the clock was put back, is idle for 0 ms.
            if idle > 0 or idle < -1:
                pending.time = self.model.steady - idle

    def name_loose(self, key, rows):
        """Dead letters that were made by a timer have the server's ids and times, if those are about right."""
        stream = self.model.keys[key]
        stream.loose &= set(stream.entries)
        if not stream.loose:
            return
        wanted = {}
        for id in sorted(stream.loose):
            wanted.setdefault(signature(stream.entries[id]), []).append(stream.entries.pop(id))
        for row in rows:
            id, fields = parse(row[0]), list(zip(row[1][::2], row[1][1::2]))
            ours = wanted.get(signature(fields))
            if id not in stream.entries and ours and is_like(fields, ours[0]):
                ours.pop(0)
                stream.entries[id] = fields
        missing = [fields for ours in wanted.values() for fields in ours]
        stream.loose.clear()
        for at, fields in enumerate(missing):
            # Not there yet: it stands behind what is, until the next look.
            id = (2**63, at)
            stream.entries[id] = fields
            stream.loose.add(id)
        if not missing:
            stream.last_id = max([*stream.entries, *(parse(row[0]) for row in rows)], default=stream.last_id)

    # Restarts

    def raw(self):
        """What is to survive, as it stands in the server."""
        facts = {}
        streams = [key for key in sorted(self.model.keys) if isinstance(self.model.keys[key], Stream)]
        for key in streams:
            full, *scheduled = self.wire.batch([("XINFO", "STREAM", key, "FULL", "COUNT", 0)] + [("XSCHEDULED", key)] * self.knows_schedules)
            if is_error(full):
                raise Differs(f"XINFO STREAM {key} FULL: {full}", "restart")
            full = pairs(full)
            for name in ("radix-tree-keys", "radix-tree-nodes", "iids-added", "iids-duplicates"):
                full.pop(name, None)
            # They are left out where they say nothing, which what does not survive may have been.
            if all(full.get(name, number) == number for name, number in UNUSED.items()):
                full = {name: value for name, value in full.items() if name not in UNUSED}
            for group in full.pop("groups"):
                group = pairs(group)
                group["consumers"] = [without(pairs(consumer), "seen-time", "active-time", "pending") for consumer in group["consumers"]]
                facts[key, group["name"]] = group
            facts[key] = (full, scheduled)
        return facts

    def restart(self, how):
        self.settle()
        before, steady = self.raw(), self.model.steady
        if how == "reload":
            reply = self.wire.call("DEBUG", "RELOAD")
            if reply != "OK":
                raise Differs(f"DEBUG RELOAD: {reply}", "restart")
        else:
            self.wire.close()
            self.server.kill() if how == "kill" else self.server.terminate()
            self.wire = self.server.start()
            self.stepped = 0
        self.read_clock_only()
        self.same(before, self.raw(), how)
        if how != "reload":
            self.begin_leases()
            self.pass_back(steady)
        self.model.judge_anew(forget_gone=how == "reload")
        self.quiet_until = 0
        self.read_clock()
        self.settle()

    def read_clock_only(self):
        wall = self.ms(self.wire.call("TIME"))
        self.model.wall, self.model.steady = wall, wall - self.stepped
        self.read_at = time.monotonic()

    def pass_back(self, steady):
        """The clock that a restart put back is where it was."""
        ms = max(0, steady - self.model.steady) + 1000
        self.wire.call("DEBUG", "CLOCK", "PASS", ms)

    def same(self, before, now, how):
        for what in sorted(set(before) | set(now), key=str):
            one, other = before.get(what), now.get(what)
            if isinstance(what, tuple) and one and other:
                # Leases that begin in the future, as the clock tells it, begin now; those of what has no entry any more, with every restart.
                may_begin = lambda row: row[2] > self.model.steady or parse(row[0]) not in self.model.keys[what[0]].entries
                one = {**one, "pending": [[*row[:2], None if may_begin(row) else row[2], row[3]] for row in one["pending"]]}
                kept = {row[0]: row[2] for row in one["pending"]}
                other = {**other, "pending": [[*row[:2], row[2] if kept.get(row[0], 0) is not None else None, row[3]] for row in other["pending"]]}
            if one != other:
                raise Differs(f"{what} after a restart ({how})\n    before {one}\n    after  {other}", "restart")

    def begin_leases(self):
        """Leases given in the future begin now where they run out at all."""
        deadline = time.monotonic() + self.patience
        while True:
            facts, late = self.raw(), []
            for (key, name), full in ((what, full) for what, full in facts.items() if isinstance(what, tuple)):
                group = self.model.keys[key].groups[name]
                for id, owner, at, _ in full["pending"]:
                    if owner and at != group.pending[parse(id)].time and group.policy.ack_wait:
                        if at <= self.steady() + 50:
                            group.pending[parse(id)].time = at
                    if owner and group.policy.ack_wait and at > self.steady() + 50:
                        late.append((key, name, id, at))
            if not late:
                return
            if time.monotonic() > deadline:
                raise Differs(f"leases from the future do not begin: {late[:3]}, now {self.steady()}", "restart")
            time.sleep(0.005)


def split(words):
    """`XINFO GROUPS` is two words to the server."""
    return [*words[0].split(" "), *words[1:]]


def signature(fields):
    """What a dead letter tells, but for when, and whose it was, which may be forgotten."""
    return tuple(field for field in fields if field[0] not in ("dead-time", "dead-consumer"))


def is_like(letter, ours):
    letter, ours = dict(letter), dict(ours)
    at_the_time = abs(int(letter["dead-time"]) - int(ours["dead-time"])) <= 1000 * TIMER_SECONDS
    return at_the_time and letter["dead-consumer"] in (ours["dead-consumer"], "")


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def without(found, *names):
    return {name: value for name, value in found.items() if name not in names}
