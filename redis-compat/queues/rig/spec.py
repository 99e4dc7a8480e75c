"""What streams do, written down: a model of entries, groups, leases, policies and schedules, to be read as a specification.

The model is told what time it is (`tick`), is given commands (`run`) and says what the server has to answer. It knows nothing of
connections, files or blocking. Where the specification leaves something open, the answer that the server gave decides (`hint`): the order of
entries that are due at the same moment, and how far XTRIM ACKED looks. Everything else must be as the model says.

Times are milliseconds: *wall* is what ids are made from, *steady* what leases and delays are told in; what is scheduled, and what grows too
old, is told in the later of the two.
"""

MAX_COUNT = 2**63 - 1
FULL_SCAN = 10
# Moments that lie closer together than this are one moment to the model.
SAME_MOMENT_MS = 25
# What steady time, which nobody can ask for, is known to.
CLOCKS_APART_MS = 5


class Error:
    """An error reply; what matters is how it begins."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return f"Error({self.text!r})"


class About:
    """A number that time decides, within what a busy machine needs."""

    def __init__(self, value, tolerance=150):
        self.value, self.tolerance = value, tolerance

    def __eq__(self, other):
        return isinstance(other, int) and abs(other - self.value) <= self.tolerance

    def __repr__(self):
        return f"about {self.value}"


class Whatever:
    """An answer about which the specification says nothing."""

    def __eq__(self, other):
        return True

    def __repr__(self):
        return "whatever"


def text(id):
    return f"{id[0]}-{id[1]}"


def parse(text, sequence=0):
    if text == "-":
        return (0, 0)
    if text == "+":
        return (2**64 - 1, 2**64 - 1)
    ms, dash, rest = text.partition("-")
    return (int(ms), int(rest) if dash else sequence)


def after(id):
    return (id[0], id[1] + 1)


class Pending:
    """A lease, or the wait for the next one. Owned, `time` is when it was delivered; else when it is due, 0 being at once."""

    def __init__(self, owner, time, count, kind=None):
        self.owner, self.time, self.count, self.kind = owner, time, count, kind
        self.parked = False


class Policy:
    def __init__(self):
        self.ack_wait = 0
        self.backoff = None
        self.max_deliver = 0
        self.dead_letter = ""
        self.max_pending = 0
        self.order = ""

    def is_off(self):
        return not (self.ack_wait or self.backoff or self.max_deliver or self.dead_letter or self.max_pending or self.order)

    def spent(self, count):
        return self.max_deliver > 0 and count >= self.max_deliver

    def rest(self, attempt):
        if not self.backoff:
            return 0
        least, most = self.backoff
        return min(least * 2 ** min(max(attempt - 1, 0), 64), most)


class Group:
    def __init__(self, last_id):
        self.last_id = last_id
        self.consumers = set()
        self.pending = {}
        self.policy = Policy()
        self.totals = dict.fromkeys(("delivered", "redelivered", "acked", "nacked", "dead-lettered"), 0)

    def ids(self):
        return sorted(self.pending)

    def held_by(self, consumer):
        return [id for id in self.ids() if self.pending[id].owner == consumer]

    def kind_of(self, fields):
        """The class that an entry is ordered in; None for those that are free."""
        if self.policy.order == "*":
            return ("whole",)
        if not self.policy.order:
            return None
        for name, value in fields:
            if name == self.policy.order:
                return ("value", value)
        return None

    def before(self, id):
        """The unsettled entries of its class that come before it."""
        kind = self.pending[id].kind
        return [other for other in self.ids() if other < id and self.pending[other].kind == kind] if kind else []

    def runs_out(self, pending):
        return pending.time + self.policy.ack_wait

    def has_run_out(self, pending, now):
        return bool(pending.owner is not None and self.policy.ack_wait and self.runs_out(pending) <= now)

    def leases_of(self, kind):
        """What of a class is held by somebody."""
        return [id for id in self.ids() if kind and self.pending[id].kind == kind and self.pending[id].owner is not None]

    def is_blocked(self, id):
        """Whether it waits for others of its class: for those before it, and for whoever holds any of it."""
        pending = self.pending[id]
        return pending.owner is None and not pending.parked and bool(self.before(id) or self.leases_of(pending.kind))

    def held_up(self, now):
        """Leases that ran out while an earlier entry of their class waits for them."""
        for id in self.ids():
            if self.has_run_out(self.pending[id], now) and any(not self.pending[other].parked and self.pending[other].owner is None
                                                               for other in self.before(id)[:1]):
                yield id

    def room(self):
        return MAX_COUNT if not self.policy.max_pending else max(0, self.policy.max_pending - len(self.pending))


class Stream:
    def __init__(self):
        self.entries = {}
        self.last_id = (0, 0)
        self.groups = {}
        self.schedule = {}
        self.max_len = 0
        self.max_age = 0
        self.rejects = False
        self.deletes_acked = False
        self.mode = "KEEPREF"
        self.rejected = 0
        self.loose = set()

    def next_id(self, wall):
        """The id that an entry gets now. One that was promised to a scheduled entry is given to no other."""
        id = (wall, 0) if wall > self.last_id[0] else after(self.last_id)
        return self.free_id(id[0]) if id in self.schedule else id

    def free_id(self, ms):
        """The first id of a millisecond that is beyond all entries, there or scheduled, that have it."""
        taken = [id for id in (*self.schedule, *self.entries, self.last_id) if id[0] == ms]
        return after(max(taken)) if taken else (ms, 0)

    def add(self, id, fields):
        self.entries[id] = fields
        self.last_id = id

    def needed(self, id):
        """Whether a group has yet to read or to acknowledge it."""
        return any(id > group.last_id or id in group.pending for group in self.groups.values())

    def forget_settled(self, id):
        """An entry that is done with in one group goes if no other needs it, where the stream's policy says so."""
        if self.deletes_acked and id in self.entries and not self.needed(id):
            del self.entries[id]

    def is_full(self):
        return self.holds_limit(len(self.entries))

    def is_promised_full(self):
        return self.holds_limit(len(self.entries) + len(self.schedule))

    def holds_limit(self, length):
        return self.rejects and self.max_len > 0 and length >= self.max_len

    def drop(self, ids, mode):
        for id in ids:
            if mode == "ACKED" and self.needed(id):
                continue
            del self.entries[id]
            if mode == "DELREF":
                for group in self.groups.values():
                    group.totals["acked"] += group.pending.pop(id, None) is not None

    def trim(self, length, mode):
        if mode != "ACKED":
            return self.drop(sorted(self.entries)[: max(0, len(self.entries) - length)], mode)
        for id in sorted(self.entries):
            if len(self.entries) <= length:
                return
            self.drop([id], mode)

    def trim_acked(self, length, hint):
        """Looks at what is too much, and goes on behind it as far as the storage holds it together, which the answer tells."""
        excess = max(0, len(self.entries) - length)
        settled = [id for id in sorted(self.entries) if not self.needed(id)][:excess]
        least = sum(not self.needed(id) for id in sorted(self.entries)[:excess])
        count = hint if isinstance(hint, int) and least <= hint <= len(settled) else len(settled)
        self.drop(settled[:count], "ACKED")

    def retain(self):
        if self.max_len and not self.rejects:
            self.trim(self.max_len, self.mode)

    def expire(self, now):
        if self.max_age:
            self.drop([id for id in sorted(self.entries) if id[0] + self.max_age < now], self.mode)

    def is_restless(self, now):
        """Whether something is to go by itself, which happens within a second where groups needed it before."""
        old = [id for id in self.entries if self.max_age and id[0] + self.max_age < now]
        much = list(self.entries) if self.max_len and not self.rejects and len(self.entries) > self.max_len else []
        return any(self.mode != "ACKED" or not self.needed(id) for id in (*old, *much))


class Model:
    """Streams by key. A key may also hold the string "string"."""

    def __init__(self):
        self.keys = {}
        self.wall = self.steady = 0
        # Something happened by itself, or may have: the server does it within a moment.
        self.stirred = False

    @property
    def now(self):
        """What schedules go by: nothing comes late because the wall clock was put back."""
        return max(self.wall, self.steady)

    @property
    def age_now(self):
        """What ages go by: nothing is too old because the wall clock was stepped."""
        return min(self.wall, self.steady)

    # Time

    def tick(self, wall, steady):
        """It is that time now; what is due by then happens."""
        self.wall, self.steady = wall, steady
        self.settle_time()

    def settle_time(self):
        streams = {key: stream for key, stream in self.keys.items() if isinstance(stream, Stream)}
        for stream in streams.values():
            self.promote(stream)
        for key, stream in streams.items():
            for name in list(stream.groups):
                self.judge(key, name)
        for stream in streams.values():
            before = len(stream.entries)
            stream.expire(self.age_now)
            if stream.mode == "ACKED":
                stream.retain()
            self.stirred |= before != len(stream.entries)

    def promote(self, stream):
        for id in sorted(stream.schedule):
            if id[0] > self.now:
                return
            fields = stream.schedule.pop(id)
            stream.add(id if id > stream.last_id else after(stream.last_id), fields)
            stream.retain()

    def judge(self, key, name):
        """Ends the attempts whose leases ran out at the limit, and whatever else is beyond it."""
        group = self.keys[key].groups[name]
        policy = group.policy
        if not policy.max_deliver:
            return
        while over := sorted(self.spent(group)):
            for _, id in over:
                self.release_followers(group, id, [other for other in group.pending if group.has_run_out(group.pending[other], self.steady)])
                self.bury(key, name, id, "maxdeliver")
            self.stirred = True

    def judge_anew(self, forget_gone):
        """After a restart, with all counts at 0. A snapshot does not know of which class it was what has no entry any more."""
        for stream in [stream for stream in self.keys.values() if isinstance(stream, Stream)]:
            stream.rejected = 0
            for group in stream.groups.values():
                group.totals = dict.fromkeys(group.totals, 0)
                for id, pending in group.pending.items():
                    pending.parked = False
                    if forget_gone and id not in stream.entries:
                        pending.kind = None

    def spent(self, group):
        """What is not to be delivered again though it is due, and since when."""
        for id, pending in group.pending.items():
            if pending.parked or not group.policy.spent(pending.count):
                continue
            if pending.owner is None and pending.time <= self.steady and not group.is_blocked(id):
                yield pending.time, id
            elif group.has_run_out(pending, self.steady):
                yield group.runs_out(pending), id

    def is_restless(self):
        return any(stream.is_restless(self.age_now) for stream in self.keys.values() if isinstance(stream, Stream))

    def deadlines(self):
        """Moments, in steady time, at which something comes to be due."""
        ahead, age_ahead = self.now - self.steady, self.age_now - self.steady
        for stream in self.keys.values():
            if not isinstance(stream, Stream):
                continue
            yield from (id[0] - ahead for id in stream.schedule)
            if stream.max_age:
                yield from (id[0] + stream.max_age - age_ahead for id in stream.entries)
            for group in stream.groups.values():
                for pending in group.pending.values():
                    if pending.owner is None:
                        yield pending.time
                    elif group.policy.ack_wait:
                        yield group.runs_out(pending)

    # Attempts that end

    def release(self, group, id, due, count):
        pending = group.pending[id]
        pending.owner, pending.time, pending.count, pending.parked = None, due, count, False

    def release_followers(self, group, id, spared=(), keeper=None):
        """Who loses an entry of a class, unless to itself, loses those behind it; an attempt whose lease still ran does not count."""
        kind = group.pending[id].kind
        if not kind:
            return
        for other in group.ids():
            pending = group.pending[other]
            if other > id and pending.kind == kind and pending.owner not in (None, keeper) and other not in spared:
                undone = 0 if group.has_run_out(pending, self.steady) else 1
                self.release(group, other, 0, max(0, pending.count - undone))

    def bury(self, key, name, id, reason):
        """Moves an entry to the dead-letter stream, or parks it."""
        stream = self.keys[key]
        group = stream.groups[name]
        pending = group.pending[id]
        if id not in stream.entries and pending.owner is not None:
            # Nothing is left of it that could be delivered. What was set aside before, and is judged again, stays so.
            del group.pending[id]
            group.totals["acked"] += 1
            return
        if group.policy.dead_letter and id in stream.entries:
            target = self.keys.setdefault(group.policy.dead_letter, Stream())
            if isinstance(target, Stream) and not target.is_full():
                told = [
                    ("dead-stream", key), ("dead-group", name), ("dead-id", text(id)), ("dead-count", str(pending.count)),
                    ("dead-reason", reason), ("dead-consumer", pending.owner or ""), ("dead-time", str(self.wall)),
                ]
                dead = target.next_id(self.wall)
                target.add(dead, list(stream.entries[id]) + told)
                target.loose.add(dead)
                target.retain()
                target.loose &= set(target.entries)
                del group.pending[id]
                group.totals["dead-lettered"] += 1
                stream.forget_settled(id)
                return
            if isinstance(target, Stream):
                target.rejected += 1
        pending.owner, pending.time, pending.parked = None, 0, True

    # Commands. Each gets its words and the server's answer.

    def run(self, words, hint=None):
        name = words[0].lower()
        handler = getattr(self, "do_" + name.replace(" ", "_"))
        return handler(words[1:], hint)

    def stream(self, key):
        found = self.keys.get(key)
        if found is not None and not isinstance(found, Stream):
            raise Refused("WRONGTYPE")
        return found

    def group(self, key, name):
        stream = self.stream(key)
        if stream is None or name not in stream.groups:
            raise Refused("NOGROUP")
        return stream, stream.groups[name]

    def do_set(self, words, hint):
        self.keys[words[0]] = "string"
        return "OK"

    def do_del(self, words, hint):
        return sum(self.keys.pop(key, None) is not None for key in words)

    def do_xlen(self, words, hint):
        stream = self.stream(words[0])
        return len(stream.entries) if stream else 0

    def do_xrange(self, words, hint):
        return self.range(words, lambda stream: stream.entries)

    def do_xscheduled(self, words, hint):
        return self.range(words, lambda stream: stream.schedule)

    def range(self, words, of):
        stream = self.stream(words[0])
        start, end = (parse(words[1]), parse(words[2], 2**64 - 1)) if len(words) > 1 else ((0, 0), parse("+"))
        count = int(words[4]) if len(words) > 3 else MAX_COUNT
        found = [id for id in sorted(of(stream)) if start <= id <= end] if stream else []
        return [entry(id, of(stream)[id]) for id in found[:count]]

    def do_xadd(self, words, hint):
        key, rest = words[0], list(words[1:])
        make, trim = True, None
        while True:
            if rest[0] == "NOMKSTREAM":
                make = False
                del rest[0]
            elif rest[0] == "MAXLEN":
                trim = int(rest[2])
                del rest[:3]
            else:
                break
        spec, fields = rest[0], list(zip(rest[1::2], rest[2::2]))
        stream = self.stream(key)
        if stream is None:
            if not make:
                return None
            stream = Stream()
        target = int(spec[1:]) if spec[0] in "+@" else None
        if spec[0] == "+":
            target += self.now
            if isinstance(hint, str) and abs(parse(hint)[0] - target) <= CLOCKS_APART_MS:
                target = parse(hint)[0]
        # What is to come at once does, though a millisecond may have gone by since the model was told the time.
        if target is not None and target > self.now and spec != "+0":
            return self.schedule(key, stream, target, fields, hint, trim)
        id = self.id_of(stream, spec, hint, target is not None)
        if stream.is_full():
            stream.rejected += 1
            raise Refused("FULL")
        self.keys[key] = stream
        stream.add(id, fields)
        if trim is not None:
            stream.trim(trim, "KEEPREF")
        stream.retain()
        if stream.mode != "ACKED":
            stream.expire(self.age_now)
        return text(id)

    def schedule(self, key, stream, target, fields, hint, trim):
        """Its id is the first that is free in its millisecond."""
        if stream.is_promised_full():
            stream.rejected += 1
            raise Refused("FULL")
        self.keys[key] = stream
        id = stream.free_id(target)
        stream.schedule[id] = fields
        if trim is not None:
            stream.trim(trim, "KEEPREF")
        return text(id)

    def id_of(self, stream, spec, hint, generated):
        if spec == "*" or generated:
            return stream.next_id(self.wall)
        id = parse(spec)
        if id == (0, 0):
            raise Refused("ERR The ID specified in XADD must be greater than 0-0")
        if id <= stream.last_id or id in stream.schedule:
            raise Refused("ERR The ID specified in XADD is equal or smaller")
        return id

    def do_xtrim(self, words, hint):
        stream = self.stream(words[0])
        if stream is None:
            return 0
        before, length, mode = len(stream.entries), int(words[3]), words[4] if len(words) > 4 else "KEEPREF"
        if mode == "ACKED":
            stream.trim_acked(length, hint)
        else:
            stream.trim(length, mode)
        return before - len(stream.entries)

    def do_xdel(self, words, hint):
        stream = self.stream(words[0])
        removed = 0
        for id in map(parse, words[1:]) if stream else ():
            removed += stream.entries.pop(id, None) is not None or stream.schedule.pop(id, None) is not None
        return removed

    def do_xack(self, words, hint):
        stream = self.stream(words[0])
        group = stream.groups.get(words[1]) if stream else None
        if group is None:
            return 0
        acked = 0
        for id in map(parse, words[2:]):
            if group.pending.pop(id, None) is None:
                continue
            acked += 1
            stream.forget_settled(id)
        group.totals["acked"] += acked
        return acked

    # Reading

    def do_xreadgroup(self, words, hint):
        name, consumer = words[1], words[2]
        count, claim, acks, at = MAX_COUNT, None, True, 3
        while words[at] != "STREAMS":
            if words[at] == "NOACK":
                acks = False
                at += 1
                continue
            if words[at] == "COUNT":
                count = int(words[at + 1])
            else:
                claim = int(words[at + 1])
            at += 2
        keys = words[at + 1 :]
        keys, ids = keys[: len(keys) // 2], keys[len(keys) // 2 :]
        for key in keys:
            self.group(key, name)
        answers = []
        for key, id in zip(keys, ids):
            stream, group = self.group(key, name)
            group.consumers.add(consumer)
            told = next((part[1] for part in hint if part[0] == key), []) if isinstance(hint, list) else []
            if id == ">":
                entries = Reader(self, key, name, consumer, told).read(count, claim, acks)
            else:
                entries = self.read_own(stream, group, consumer, parse(id), count)
            if entries or id != ">":
                answers.append([key, entries])
        return answers or None

    def read_own(self, stream, group, consumer, start, count):
        answer = []
        for id in [id for id in group.held_by(consumer) if id > start][:count]:
            pending = group.pending[id]
            if id not in stream.entries:
                answer.append([text(id), None])
                continue
            pending.time, pending.count = self.steady, min(pending.count + 1, MAX_COUNT)
            answer.append(entry(id, stream.entries[id]))
        return answer

    # Giving back, taking over

    def do_xnack(self, words, hint):
        key, name, mode = words[:3]
        stream, group = self.group(key, name)
        n = int(words[4])
        ids = [parse(id) for id in words[5 : 5 + n]]
        retry, force, delay, at = None, False, None, 5 + n
        while at < len(words):
            if words[at] == "FORCE":
                force = True
                at += 1
                continue
            if words[at] == "RETRYCOUNT":
                retry = int(words[at + 1])
            else:
                delay = int(words[at + 1])
            at += 2
        return sum(self.nack(key, name, id, mode, (retry, force, delay), ids) for id in ids)

    def nack(self, key, name, id, mode, options, ids):
        stream, (retry, force, delay) = self.keys[key], options
        group = stream.groups[name]
        if id not in group.pending:
            if not force or id not in stream.entries:
                return 0
            group.pending[id] = Pending(None, 0, 0, group.kind_of(stream.entries[id]))
        pending, policy = group.pending[id], group.policy
        count = pending.count
        group.totals["nacked"] += 1
        self.release_followers(group, id, ids)
        if mode == "FATAL" and policy.dead_letter:
            self.bury(key, name, id, "fatal")
            return 1
        count = {"SILENT": max(0, count - 1), "FAIL": count, "FATAL": MAX_COUNT}[mode]
        count = count if retry is None else retry
        if policy.spent(count):
            pending.count = count
            self.bury(key, name, id, "maxdeliver")
            return 1
        rest = policy.rest(count) if mode == "FAIL" else 0
        rest = rest if delay is None else delay
        self.release(group, id, self.steady + rest if rest else 0, count)
        return 1

    def do_xtouch(self, words, hint):
        key, name, consumer = words[:3]
        stream, group = self.group(key, name)
        return [self.touch(stream, group, consumer, parse(id)) for id in words[5:]]

    def touch(self, stream, group, consumer, id):
        pending = group.pending.get(id)
        if pending is None or pending.owner != consumer or group.has_run_out(pending, self.steady) or id not in stream.entries:
            return 0
        pending.time = self.steady
        return 1

    def may_take(self, group, id, consumer):
        return all(group.pending[other].owner == consumer for other in group.before(id))

    def is_idle(self, pending, least):
        return pending.time <= self.steady if pending.owner is None else self.steady - pending.time >= least

    def take(self, group, id, consumer, time, count, spared=()):
        pending = group.pending[id]
        self.release_followers(group, id, spared, consumer)
        pending.owner, pending.time, pending.count, pending.parked = consumer, time, min(count, MAX_COUNT), False

    def do_xclaim(self, words, hint):
        key, name, consumer, least = *words[:3], max(0, int(words[3]))
        stream, group = self.group(key, name)
        ids, at = [], 4
        while at < len(words) and words[at][0].isdigit():
            ids.append(parse(words[at]))
            at += 1
        just_id, force, retry, time = False, False, None, self.steady
        while at < len(words):
            option, at = words[at], at + 1
            just_id |= option == "JUSTID"
            force |= option == "FORCE"
            if option in ("RETRYCOUNT", "IDLE"):
                value, at = int(words[at]), at + 1
                retry, time = (value, time) if option == "RETRYCOUNT" else (retry, self.steady - value)
        group.consumers.add(consumer)
        answer = []
        for id in ids:
            if id not in stream.entries:
                group.totals["acked"] += group.pending.pop(id, None) is not None
                continue
            if id not in group.pending:
                if not force:
                    continue
                group.pending[id] = Pending(None, 0, 1, group.kind_of(stream.entries[id]))
                if not self.may_take(group, id, consumer):
                    del group.pending[id]
                    continue
            elif not self.is_idle(group.pending[id], least) or not self.may_take(group, id, consumer):
                continue
            count = retry if retry is not None else group.pending[id].count + (not just_id)
            self.take(group, id, consumer, time, count)
            answer.append(text(id) if just_id else entry(id, stream.entries[id]))
        return answer

    def do_xautoclaim(self, words, hint):
        key, name, consumer, least, start = *words[:3], max(0, int(words[3])), parse(words[4])
        count = int(words[6]) if len(words) > 6 and words[5] == "COUNT" else 100
        just_id = words[-1] == "JUSTID"
        stream, group = self.group(key, name)
        group.consumers.add(consumer)
        idle, gone = [], []
        waiting = [id for id in group.ids() if id >= start]
        for _ in range(count * FULL_SCAN):
            if len(idle) + len(gone) == count or not waiting:
                break
            id = waiting.pop(0)
            if id not in stream.entries:
                gone.append(id)
            elif self.is_idle(group.pending[id], least) and self.may_take(group, id, consumer):
                idle.append(id)
        for id in gone:
            del group.pending[id]
            group.totals["acked"] += 1
        for id in idle:
            self.take(group, id, consumer, self.steady, group.pending[id].count + (not just_id), idle)
        claimed = [text(id) if just_id else entry(id, stream.entries[id]) for id in idle]
        return [text(waiting[0]) if waiting else "0-0", claimed, [text(id) for id in gone]]

    # Looking

    def do_xpending(self, words, hint):
        _, group = self.group(*words[:2])
        if len(words) == 2:
            if not group.pending:
                return [0, None, None, None]
            owners = [(name, len(group.held_by(name))) for name in sorted(group.consumers)]
            ids = group.ids()
            return [len(ids), text(ids[0]), text(ids[-1]), [[name, str(held)] for name, held in owners if held]]
        rest, least = list(words[2:]), 0
        if rest[0] == "IDLE":
            least = int(rest[1])
            del rest[:2]
        start, end, count = parse(rest[0]), parse(rest[1], 2**64 - 1), int(rest[2])
        rows = []
        for id in group.ids():
            pending = group.pending[id]
            if not start <= id <= end or (len(rest) > 3 and pending.owner != rest[3]):
                continue
            if least and not self.is_idle(pending, least):
                continue
            rows.append([text(id), pending.owner or "", self.idle(pending), pending.count])
        return rows[:count]

    def idle(self, pending):
        if pending.owner is not None:
            return About(max(0, self.steady - pending.time))
        return -1 if pending.time <= self.steady else About(self.steady - pending.time)

    def do_xinfo_groups(self, words, hint):
        stream = self.stream(words[0])
        if stream is None:
            raise Refused("ERR no such key")
        rows = []
        for name in sorted(stream.groups):
            group = stream.groups[name]
            rows.append(["name", name, "consumers", len(group.consumers), "pending", len(group.pending),
                         "last-delivered-id", text(group.last_id), "entries-read", Whatever(), "lag", Whatever()])
        return rows

    def do_xinfo_consumers(self, words, hint):
        _, group = self.group(*words[:2])
        return [["name", name, "pending", len(group.held_by(name)), "idle", Whatever(), "inactive", Whatever()]
                for name in sorted(group.consumers)]

    def do_xinfo_queue(self, words, hint):
        """Facts by name; the order in which they are told is free."""
        stream = self.stream(words[0])
        if stream is None:
            raise Refused("ERR no such key")
        groups = [self.queue_of(stream, name) for name in sorted(stream.groups)]
        return {
            "maxlen": stream.max_len, "maxage": stream.max_age, "overflow": "REJECT" if stream.rejects else "TRIM",
            "onack": "DELETE" if stream.deletes_acked else "KEEP", "references": stream.mode, "length": len(stream.entries),
            "scheduled": len(stream.schedule), "rejected": stream.rejected, "groups": groups,
        }

    def queue_of(self, stream, name):
        group, policy = stream.groups[name], stream.groups[name].policy
        facts = {
            "name": name, "ackwait": policy.ack_wait, "backoff": list(policy.backoff or (0, 0)), "maxdeliver": policy.max_deliver,
            "deadletter": policy.dead_letter, "maxpending": policy.max_pending, "order": policy.order,
            "ready": 0, "leased": 0, "delayed": 0, "parked": 0, "blocked": 0, "scheduled": len(stream.schedule),
        }
        for id in group.pending:
            facts[self.sort(group, id)] += 1
        facts["lag"] = sum(id > group.last_id for id in stream.entries)
        facts["ready"] += facts["lag"]
        return {**facts, **group.totals}

    def sort(self, group, id):
        pending = group.pending[id]
        if pending.parked:
            return "parked"
        if pending.owner is not None:
            return "ready" if group.has_run_out(pending, self.steady) else "leased"
        if group.is_blocked(id):
            return "blocked"
        return "ready" if pending.time <= self.steady else "delayed"

    # Groups and policies

    def do_xgroup(self, words, hint):
        return getattr(self, "xgroup_" + words[0].lower())(words[1:])

    def xgroup_create(self, words):
        key, name, id = words[:3]
        stream = self.stream(key)
        if stream is None:
            if "MKSTREAM" not in words:
                raise Refused("ERR The XGROUP subcommand requires the key to exist")
            stream = self.keys[key] = Stream()
        if name in stream.groups:
            raise Refused("BUSYGROUP")
        stream.groups[name] = Group(stream.last_id if id == "$" else parse(id))
        return "OK"

    def own_group(self, key, name):
        if self.stream(key) is None:
            raise Refused("ERR The XGROUP subcommand requires the key to exist")
        return self.group(key, name)

    def xgroup_destroy(self, words):
        stream = self.stream(words[0])
        if stream is None:
            raise Refused("ERR The XGROUP subcommand requires the key to exist")
        return int(stream.groups.pop(words[1], None) is not None)

    def xgroup_setid(self, words):
        stream, group = self.own_group(*words[:2])
        group.last_id = stream.last_id if words[2] == "$" else parse(words[2])
        return "OK"

    def xgroup_createconsumer(self, words):
        _, group = self.own_group(*words[:2])
        created = words[2] not in group.consumers
        group.consumers.add(words[2])
        return int(created)

    def xgroup_delconsumer(self, words):
        _, group = self.own_group(*words[:2])
        ids = group.held_by(words[2])
        for id in ids:
            if group.policy.ack_wait:
                self.release(group, id, 0, group.pending[id].count)
            else:
                del group.pending[id]
        group.consumers.discard(words[2])
        return len(ids)

    def do_xcfgset(self, words, hint):
        key, rest = words[0], list(words[1:])
        stream = self.stream(key)
        if stream is None:
            raise Refused("ERR no such key")
        if rest[0] == "GROUP":
            return self.set_group_policy(key, rest[1], rest[2:])
        while rest:
            option = rest.pop(0)
            if option in ("KEEPREF", "DELREF", "ACKED"):
                stream.mode = option
                continue
            value = rest.pop(0)
            if option == "MAXLEN":
                stream.max_len = int(value)
            elif option == "MAXAGE":
                stream.max_age = int(value)
            elif option == "OVERFLOW":
                stream.rejects = value == "REJECT"
            elif option == "ONACK":
                stream.deletes_acked = value == "DELETE"
        stream.retain()
        stream.expire(self.age_now)
        self.stirred = True
        return "OK"

    def set_group_policy(self, key, name, rest):
        stream, group = self.group(key, name)
        policy, order = group.policy, group.policy.order
        rest = list(rest)
        if key == next((value for option, value in zip(rest, rest[1:]) if option == "DEADLETTER"), None):
            raise Refused("ERR")
        while rest:
            option, value = rest.pop(0), rest.pop(0)
            if option == "BACKOFF":
                least, most = int(value), int(rest.pop(0))
                policy.backoff = (least, most) if least else None
            elif option == "DEADLETTER":
                policy.dead_letter = value
            elif option == "ORDER":
                policy.order = value
            else:
                name_of = {"ACKWAIT": "ack_wait", "MAXDELIVER": "max_deliver", "MAXPENDING": "max_pending"}
                setattr(policy, name_of[option], int(value))
        if policy.order != order:
            for id, pending in group.pending.items():
                pending.kind = group.kind_of(stream.entries[id]) if id in stream.entries else None
        for pending in group.pending.values():
            pending.parked = False
        self.stirred = True
        return "OK"

    # Bringing back

    def do_xredrive(self, words, hint):
        key, rest = words[0], list(words[1:])
        dead = self.stream(key)
        to = ids = count = None
        while rest:
            option = rest.pop(0)
            if option == "TO":
                to = rest.pop(0)
            elif option == "COUNT":
                count = int(rest.pop(0))
            else:
                n = int(rest.pop(0))
                ids, rest = [parse(id) for id in rest[:n]], rest[n:]
        if dead is None:
            raise Refused("ERR no such key")
        if ids is None:
            ids = sorted(dead.entries)[: count or 100]
        return [self.redrive(key, dead, id, to) for id in ids]

    def redrive(self, source, dead, id, to):
        if id not in dead.entries:
            return -1
        fields = list(dead.entries[id])
        own, told = fields[:-7], dict(fields[-7:])
        if [name for name, _ in fields[-7:]] != DEAD_FIELDS:
            return -1
        key, name, original = told["dead-stream"], told["dead-group"], parse(told["dead-id"])
        if (to or key) == source:
            return -1
        home = self.keys.get(key)
        if to is None and isinstance(home, Stream) and name in home.groups and original in home.entries:
            group = home.groups[name]
            if original not in group.pending:
                group.pending[original] = Pending(None, 0, 0, group.kind_of(home.entries[original]))
            self.release(group, original, self.steady, 0)
            del dead.entries[id]
            return 1
        target = self.keys.setdefault(to or key, Stream())
        if not isinstance(target, Stream) or not own:
            return -1
        if target.is_full():
            target.rejected += 1
            return -1
        target.add(target.next_id(self.wall), own)
        target.retain()
        del dead.entries[id]
        return 2


DEAD_FIELDS = ["dead-stream", "dead-group", "dead-id", "dead-count", "dead-reason", "dead-consumer", "dead-time"]


class Refused(Exception):
    """The command is answered by an error that begins like this."""


def entry(id, fields):
    return [text(id), [word for field in fields for word in field]]


class Reader:
    """One XREADGROUP with `>` on one stream."""

    def __init__(self, model, key, name, consumer, told):
        self.model, self.stream = model, model.keys[key]
        self.group, self.consumer = self.stream.groups[name], consumer
        # What the server answered, which decides among what is due at one moment.
        self.told = [parse(row[0]) for row in told]
        self.given, self.answer, self.settled = [], [], []

    def read(self, count, claim, acks):
        self.count, self.acks, self.claims = count, acks, claim is not None
        if self.claims:
            self.release_held_up()
            waiting = {id: self.claim_rank(id) for id in self.group.ids() if self.may_claim(id, claim)}
            while self.has_room() and waiting:
                id = self.choose(waiting)
                del waiting[id]
                self.give_again(id)
        else:
            follower = None
            while self.has_room():
                due = {id: self.deadline(id) for id in self.group.ids() if self.is_due(id)}
                if follower is None and not due:
                    if self.release_held_up():
                        continue
                    break
                id = follower or self.choose(due)
                self.give_again(id)
                follower = self.follower(id)
        if self.has_room():
            self.read_new()
        for id in self.settled:
            self.stream.forget_settled(id)
        return self.answer

    def release_held_up(self):
        """A lease that has run out holds up an earlier entry of its class that is nobody's no longer. Whether there was one."""
        held_up = list(self.group.held_up(self.model.steady))
        for id in held_up:
            self.model.release(self.group, id, 0, self.group.pending[id].count)
        return bool(held_up)

    def has_room(self):
        return len(self.answer) < self.count

    def told_next(self):
        at = len(self.answer)
        return self.told[at] if at < len(self.told) else None

    def choose(self, due):
        """The entry that came to be due first; of those that came at one moment, the one that the server served."""
        order = sorted((moment, id) for id, moment in due.items())
        first, told = order[0], self.told_next()
        is_there = first[1] in self.stream.entries
        return told if is_there and told in due and due[told] - first[0] <= SAME_MOMENT_MS else first[1]

    def follower(self, id):
        """What comes along with an entry that was given: the next of its class, if it waited for nothing else."""
        pending = self.group.pending.get(id)
        if pending is None or pending.kind is None:
            return None
        behind = [other for other in self.group.ids() if other > id and self.group.pending[other].kind == pending.kind]
        if not behind:
            return None
        other = self.group.pending[behind[0]]
        waited = other.owner is None and not other.parked and not self.group.policy.spent(other.count)
        return behind[0] if waited and other.time <= self.model.steady else None

    def may_claim(self, id, least):
        pending = self.group.pending[id]
        spent = pending.parked or self.group.policy.spent(pending.count)
        blocked = self.group.is_blocked(id)
        return not spent and not blocked and id in self.stream.entries and self.model.is_idle(pending, least) and self.model.may_take(self.group, id, self.consumer)

    def claim_rank(self, id):
        """What is nobody's comes before what is somebody's."""
        pending = self.group.pending[id]
        return pending.time if pending.owner is not None else 0

    def deadline(self, id):
        pending = self.group.pending[id]
        return pending.time if pending.owner is None else self.group.runs_out(pending)

    def is_due(self, id):
        group, pending, now = self.group, self.group.pending[id], self.model.steady
        if pending.parked or id in self.given or group.before(id):
            return False
        if group.policy.spent(pending.count):
            # It is about to be judged.
            return False
        if pending.owner is not None:
            return group.has_run_out(pending, now)
        if group.leases_of(pending.kind):
            return False
        return pending.time <= now and (pending.time != 0 or not group.policy.is_off())

    def give_again(self, id):
        model, group, pending = self.model, self.group, self.group.pending[id]
        if id not in self.stream.entries:
            del group.pending[id]
            group.totals["acked"] += 1
            return
        idle, count = About(model.steady - pending.time), pending.count
        # Who claims what is its own loses nothing; whose lease has run out has lost what follows, too.
        model.release_followers(group, id, keeper=self.consumer if self.claims else None)
        pending.owner, pending.time, pending.count = self.consumer, model.steady, min(count + 1, MAX_COUNT)
        group.totals["redelivered" if count else "delivered"] += 1
        row = entry(id, self.stream.entries[id])
        self.answer.append([*row, idle, count] if self.claims else row)
        if self.acks or self.claims:
            self.given.append(id)
        else:
            del group.pending[id]
            group.totals["acked"] += 1
            self.settled.append(id)

    def holds_all(self, kind):
        """Whether nothing of the class is pending but what this consumer holds, some of it by this call."""
        held = {id for id, pending in self.group.pending.items() if pending.kind == kind}
        mine = all(self.group.pending[id].owner == self.consumer for id in held)
        return not held or (mine and any(id in held for id in self.given))

    def read_new(self):
        group, policy = self.group, self.group.policy
        for id in [id for id in sorted(self.stream.entries) if id > group.last_id]:
            if not self.has_room() or not group.room():
                return
            kind = group.kind_of(self.stream.entries[id])
            waits = kind and not self.holds_all(kind)
            if waits and policy.order == "*":
                return
            if id in group.pending and not policy.is_off():
                # It is served when it is due.
                group.last_id = id
                continue
            group.last_id = id
            if waits:
                group.pending[id] = Pending(None, 0, 0, kind)
                continue
            if self.acks:
                group.pending[id] = Pending(self.consumer, self.model.steady, 1, kind)
                self.given.append(id)
            group.totals["delivered"] += 1
            row = entry(id, self.stream.entries[id])
            self.answer.append([*row, 0, 0] if self.claims else row)
