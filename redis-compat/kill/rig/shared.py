"""Writers that share keys: many hands on one stream, one group, one queue, and transactions over several stripes.

Every value is a token that says who wrote it and as which of his, so that a value lost, doubled or half there can be told from the
outside, whatever the order in which the hands came.
"""

import time

from .client import Gone, Refused
from .model import observe, parse_id

CLAIM_EVERY = 12
READ_COUNT = 4


class Sent:
    """What one writer sent: tokens numbered from `first`, and when each was answered."""

    def __init__(self, name):
        self.name, self.first, self.next, self.answered_at = name, 1, 1, []

    def token(self):
        self.next += 1
        return f"{self.name}.{self.next - 1}"

    def answered(self):
        self.answered_at.append(time.monotonic())

    def sure(self, until):
        return self.first + sum(1 for moment in self.answered_at if moment <= until)

    def check(self, numbers, until):
        """Compares with the numbers that are there, in order: they must be a beginning of what was sent."""
        faults = []
        if numbers != sorted(set(numbers)):
            faults.append(f"{self.name}: doubled or out of order: {unlike(numbers)}")
        end = max(numbers, default=0) + 1
        holes = set(range(1, end)) - set(numbers)
        if holes:
            faults.append(f"{self.name}: holes at {sorted(holes)[:5]} though {end - 1} is there")
        if end < self.sure(until):
            faults.append(f"{self.name}: {end} to {self.sure(until) - 1} are lost")
        if end > self.next:
            faults.append(f"{self.name}: {end - 1} is there and was never sent")
        answered = self.first + len(self.answered_at)
        missing = max(0, answered - end)
        oldest = self.answered_at[max(0, end - self.first)] if missing and self.answered_at else None
        self.first = self.next = end
        self.answered_at = []
        return faults, missing, oldest


def unlike(numbers):
    return [(a, b) for a, b in zip(numbers, numbers[1:]) if a >= b][:5]


class Hand:
    """A thread's work: `act` until the server is gone."""

    def run(self, client, stopped):
        try:
            while not stopped.is_set():
                complaint = self.act(client)
                if complaint:
                    return complaint
        except Gone:
            return None
        except Refused as error:
            return f"{type(self).__name__}: {error}"


class Shared:
    """Several hands and what must hold of their keys."""

    def flush(self, client):
        """Begins anew, with no keys."""
        client.call("DEL", *self.keys)
        self.begin()

    def numbers(self, tokens):
        """What is there of each writer."""
        found = {}
        for token in tokens:
            name, _, number = token.partition(".")
            found.setdefault(name, []).append(int(number))
        return found

    def check_writers(self, writers, tokens, until):
        faults, missing, oldest = [], 0, []
        found = self.numbers(tokens)
        strangers = set(found) - {writer.sent.name for writer in writers}
        if strangers:
            faults.append(f"values of nobody: {strangers}")
        for writer in writers:
            more, lost, since = writer.sent.check(found.get(writer.sent.name, []), until)
            faults += more
            missing += lost
            oldest += [since] if since else []
        return faults, missing, min(oldest, default=None)


class Transactions(Shared):
    """MULTI over three keys in three stripes: the keys hold the same tokens in the same order, always."""

    keys = ("t:a", "t:b", "t:s", "t:n")

    def __init__(self, writers, random):
        self.hands = [Transacting(f"t{i}") for i in range(writers)]

    def begin(self):
        for hand in self.hands:
            hand.sent = Sent(hand.sent.name)

    def check(self, client, until):
        model = observe(client, self.keys).keys
        a, b = model.get("t:a", []), list(reversed(model.get("t:b", [])))
        s = [value for _, value in model["t:s"].entries.values()] if "t:s" in model else []
        counted = int(model.get("t:n", "0"))
        faults, missing, oldest = self.check_writers(self.hands, a, until)
        if not a == b == s or counted != len(a):
            faults.append(f"transactions are half there: {len(a)}, {len(b)}, {len(s)}, counted {counted}; "
                          f"different: {sorted(set(a) ^ set(b) | set(a) ^ set(s))[:6]}")
        return faults, missing, oldest


class Transacting(Hand):
    def __init__(self, name):
        self.sent = Sent(name)

    def act(self, client):
        token = self.sent.token()
        client.send([("MULTI",), ("RPUSH", "t:a", token), ("LPUSH", "t:b", token), ("XADD", "t:s", "*", "f", token), ("INCR", "t:n"), ("EXEC",)])
        for _ in range(6):
            reply = client.receive()
        if any(isinstance(r, Exception) for r in reply):
            return f"EXEC: {reply}"
        self.sent.answered()


class Queue(Shared):
    """LPUSH at one end, BLMOVE at the other: no token lost between the lists, none in both, each writer's in his order."""

    keys = ("q:source", "q:done")

    def __init__(self, writers, random):
        self.writers = [Pushing(f"p{i}") for i in range(writers)]
        self.movers = [Moving() for _ in range(writers)]
        self.hands = self.writers + self.movers

    def begin(self):
        for writer in self.writers:
            writer.sent = Sent(writer.sent.name)
        for mover in self.movers:
            mover.moved = []

    def check(self, client, until):
        model = observe(client, self.keys).keys
        done = list(reversed(model.get("q:done", [])))
        source = list(reversed(model.get("q:source", [])))
        faults, missing, oldest = self.check_writers(self.writers, done + source, until)
        back = set(source)
        for mover in self.movers:
            undone = [(token, moment) for token, moment in mover.moved if token in back]
            faults += [f"the move of {token} is undone" for token, moment in undone if moment <= until][:3]
            missing += len(undone)
            mover.moved = []
        return faults, missing, oldest


class Pushing(Hand):
    def __init__(self, name):
        self.sent = Sent(name)

    def act(self, client):
        client.call("LPUSH", "q:source", self.sent.token())
        self.sent.answered()


class Moving(Hand):
    def __init__(self):
        self.moved = []

    def act(self, client):
        token = client.call("BLMOVE", "q:source", "q:done", "RIGHT", "LEFT", 0.2)
        if token:
            self.moved.append((token.decode(), time.monotonic()))


class Group(Shared):
    """XADD with generated ids by several, read by consumers of a group who acknowledge and claim from each other."""

    keys = ("g:s",)

    def __init__(self, writers, random):
        self.writers = [Adding(f"a{i}") for i in range(writers)]
        self.consumers = [Consuming(f"c{i}", writers + 1, random) for i in range(writers + 1)]
        self.hands = self.writers + self.consumers

        self.settled = (0, 0)

    def begin(self):
        self.settled = (0, 0)
        for writer in self.writers:
            writer.sent = Sent(writer.sent.name)
        for consumer in self.consumers:
            consumer.begin()

    def prepare(self, client):
        """The group must be there before the hands are."""
        try:
            client.call("XGROUP", "CREATE", "g:s", "g", "0", "MKSTREAM")
        except Refused as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def check(self, client, until):
        stream = observe(client, self.keys).keys.get("g:s")
        if stream is None or "g" not in stream.groups:
            return ["the stream g:s or its group is lost"], 0, None
        tokens = [value for _, value in stream.entries.values()]
        faults, missing, oldest = self.check_writers(self.writers, tokens, until)
        answered = {id: token for writer in self.writers for id, token in writer.ids.items()}
        for id, (_, token) in stream.entries.items():
            if answered.get(id, token) != token:
                faults.append(f"entry {id} is {token}, was {answered[id]}")
        for writer in self.writers:
            writer.ids = {}
        more, lost = self.check_group(stream, stream.groups["g"], until)
        return faults + more, missing + lost, oldest

    def check_group(self, stream, group, until):
        """Of the entries up to the last delivered, each is pending or acknowledged; beyond it, neither."""
        faults = []
        delivered, acked, attempted = {}, {}, set()
        for consumer in self.consumers:
            for id, moment in consumer.delivered:
                if id in delivered or id <= self.settled:
                    faults.append(f"{id} was delivered as new twice")
                delivered[id] = moment
            acked.update(consumer.acked)
            attempted |= consumer.attempted
        lost = [id for id in delivered if id > group.last]
        faults += [f"the delivery of {id} is lost" for id in lost if delivered[id] <= until][:3]
        undone = [id for id in acked if id in group.pending or id > group.last]
        faults += [f"the acknowledgement of {id} is lost" for id in undone if acked[id] <= until][:3]
        for id in stream.entries:
            if id > group.last:
                break
            if id not in group.pending and id not in attempted:
                faults.append(f"{id} was delivered, not acknowledged, and is not pending")
                break
        if any(id > group.last or id not in stream.entries for id in group.pending):
            faults.append("entries are pending that were not delivered, or are not there")
        holders = {consumer.name for consumer in self.consumers}
        faults += [f"{id} is pending with {name}" for id, (name, _) in group.pending.items() if name not in holders]
        for consumer in self.consumers:
            faults += consumer.check_order(undone)
            consumer.rebase(group, stream)
        self.settled = group.last
        return faults, len(lost) + len(undone)


class Adding(Hand):
    def __init__(self, name):
        self.sent, self.ids = Sent(name), {}

    def act(self, client):
        token = self.sent.token()
        id = client.call("XADD", "g:s", "*", "f", token)
        self.ids[parse_id(id)] = token
        self.sent.answered()


class Consuming(Hand):
    def __init__(self, name, peers, random):
        self.name, self.peers, self.random = name, peers, random
        self.begin()

    def begin(self):
        """`attempted`: ids whose acknowledgement was sent, answered or not, ever."""
        self.delivered, self.acked, self.in_order, self.attempted, self.own = [], {}, [], set(), []

    def act(self, client):
        if self.own and self.random.randrange(CLAIM_EVERY) == 0:
            other = f"c{self.random.randrange(self.peers)}"
            pending = client.call("XPENDING", "g:s", "g", "-", "+", 3, other)
            if pending:
                claimed = client.call("XCLAIM", "g:s", "g", self.name, 0, *(row[0] for row in pending), "JUSTID")
                self.own += [parse_id(id) for id in claimed]
        reply = client.call("XREADGROUP", "GROUP", "g", self.name, "COUNT", READ_COUNT, "BLOCK", 100, "STREAMS", "g:s", ">")
        moment = time.monotonic()
        for id, _ in reply[0][1] if reply else ():
            self.delivered.append((parse_id(id), moment))
            self.own.append(parse_id(id))
        if self.own:
            ids = [self.own.pop(self.random.randrange(len(self.own))) for _ in range(self.random.randrange(len(self.own) + 1))]
            self.acknowledge(client, ids)

    def acknowledge(self, client, ids):
        if not ids:
            return
        self.attempted |= set(ids)
        count = client.call("XACK", "g:s", "g", *(f"{ms}-{sequence}" for ms, sequence in ids))
        moment = time.monotonic()
        self.acked.update((id, moment) for id in ids)
        # Otherwise somebody else had claimed some of them and was first.
        if count == len(ids):
            self.in_order += ids

    def check_order(self, undone):
        """What is missing of the acknowledgements are the last ones."""
        kept = [id not in set(undone) for id in self.in_order]
        return [f"{self.name}: an acknowledgement is lost, a later one is there"] if kept != sorted(kept, reverse=True) else []

    def rebase(self, group, stream):
        """The entries handled so far are as they are; only what was sure to be acknowledged is remembered."""
        self.own = [id for id, (name, _) in group.pending.items() if name == self.name]
        self.attempted = {id for id in self.attempted if id <= group.last and id not in group.pending and id in stream.entries}
        self.acked = dict.fromkeys(self.attempted, 0.0)
        self.delivered, self.in_order = [], []
