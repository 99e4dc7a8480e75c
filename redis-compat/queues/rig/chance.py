"""Random steps, chosen with an eye on what the model has, so that most of them mean something."""

from .scripts import At, Beyond, Made, Moment
from .spec import Stream

KEYS = ("q1", "q2")
DEAD = "dead"
GROUPS = ("g", "h")
CONSUMERS = ("a", "b", "c")
KINDS = ("x", "y", "z")
IDLES = ("0", "0", "5000", "20000", "100000000")
PLAIN_IDLES = ("0", "0", "100000000")
MOST_ENTRIES = 60


class Chance:
    def __init__(self, random, player, plain=False, without=()):
        self.random, self.player, self.plain = random, player, plain
        self.number = 0
        self.idles = PLAIN_IDLES if plain else IDLES
        steps = [(name, weight) for name, weight in (PLAIN if plain else STEPS) if name not in without]
        self.choices, self.weights = zip(*steps)

    def opening(self):
        """What a script begins with."""
        for key in KEYS:
            for group in GROUPS:
                yield ("run", ["XGROUP", "CREATE", key, group, "0", "MKSTREAM"])
        if not self.plain:
            for key in KEYS:
                for group in GROUPS:
                    yield ("run", self.policy(key, group, full=True))

    def step(self):
        choice = self.random.choices(self.choices, self.weights)[0]
        if choice == "multi":
            return ("multi", [self.command() for _ in range(self.random.randrange(1, 5))])
        if choice == "pass":
            return ("pass", self.random.choice((3, 40, 700, 2000, 5000, 9000, 11000, 15000, 25000, 45000, 130000)))
        if choice == "step":
            return ("step", self.random.choice((-3600000, -5000, 5000, 60000, 3600000)))
        if choice == "restart":
            return ("restart", self.random.choice(("reload", "reload", "kill", "term")))
        return ("run", getattr(self, choice)())

    def command(self):
        while (choice := self.random.choices(self.choices, self.weights)[0]) in ("multi", "pass", "step", "restart"):
            pass
        return getattr(self, choice)()

    # What there is

    def stream(self, key):
        found = self.player.model.keys.get(key)
        return found if isinstance(found, Stream) else Stream()

    def place(self):
        return self.random.choice(KEYS), self.random.choice(GROUPS)

    def name(self, key, id):
        number = self.player.names.get((key, id))
        if number is not None:
            return Made(number)
        ids = sorted(self.stream(key).entries)
        return At(key, ids.index(id) if id in ids else 0)

    def some(self, key, ids, most=3):
        ids = list(ids)
        chosen = self.random.sample(ids, min(len(ids), self.random.randrange(1, most + 1)))
        return [self.name(key, id) for id in chosen] or [self.random.choice(("1-1", At(key, 0)))]

    def pending(self, key, name, most=3):
        """Mostly pending ids; sometimes any, in any order."""
        stream = self.stream(key)
        group = stream.groups.get(name)
        if group and group.pending and self.random.random() < 0.92:
            return self.some(key, group.pending, most)
        return self.some(key, stream.entries, most)

    # Commands

    def add(self):
        key = self.random.choice(KEYS)
        if len(self.stream(key).entries) > MOST_ENTRIES:
            return ["XTRIM", key, "MAXLEN", "=", str(self.random.choice((0, 10, 30)))]
        return ["XADD", key, "*", *self.fields()]

    def fields(self):
        self.number += 1
        kind = ["k", self.random.choice(KINDS)] if self.random.random() < 0.75 else []
        return [*kind, "n", str(self.number)]

    def add_oddly(self):
        key, options = self.random.choice(KEYS), []
        if self.random.random() < 0.2:
            options += ["NOMKSTREAM"]
        if self.random.random() < 0.3:
            options += ["MAXLEN", "=", str(self.random.choice((5, 20, 40)))]
        id = self.random.choice(("*", "*", "1-1", Beyond(key, 1)))
        return ["XADD", key, *options, id, *self.fields()]

    def schedule(self):
        key = self.random.choice(KEYS)
        if len(self.stream(key).schedule) > 15:
            return ["XSCHEDULED", key]
        when = f"+{self.random.choice((0, 10000, 20000, 20000, 50000))}"
        if self.random.random() < 0.4:
            when = Moment(self.random.choice((-5000, 10000, 30000, 30000)))
        return ["XADD", key, when, *self.fields()]

    def read(self):
        key, group = self.place()
        words = ["XREADGROUP", "GROUP", group, self.random.choice(CONSUMERS)]
        if self.random.random() < 0.85:
            words += ["COUNT", str(self.random.choice((1, 1, 2, 3, 5, 8)))]
        if self.random.random() < 0.15:
            words += ["CLAIM", self.random.choice(self.idles)]
        if self.random.random() < 0.06:
            words += ["NOACK"]
        if self.random.random() < 0.08:
            return [*words, "STREAMS", *KEYS, ">", ">"]
        return [*words, "STREAMS", key, ">" if self.random.random() < 0.93 else "0"]

    def ack(self):
        key, group = self.place()
        return ["XACK", key, group, *self.pending(key, group, 4)]

    def nack(self):
        key, group = self.place()
        ids = self.pending(key, group)
        words = ["XNACK", key, group, self.random.choice(("SILENT", "FAIL", "FAIL", "FAIL", "FATAL")), "IDS", str(len(ids)), *ids]
        if not self.plain and self.random.random() < 0.25:
            words += ["DELAY", self.random.choice(("0", "10000", "30000"))]
        if self.random.random() < 0.15:
            words += ["RETRYCOUNT", self.random.choice(("0", "1", "2", "7"))]
        if self.random.random() < 0.2:
            words += ["FORCE"]
        return words

    def touch(self):
        key, group = self.place()
        ids = self.pending(key, group)
        return ["XTOUCH", key, group, self.random.choice(CONSUMERS), "IDS", str(len(ids)), *ids]

    def claim(self):
        key, group = self.place()
        words = ["XCLAIM", key, group, self.random.choice(CONSUMERS), self.random.choice(self.idles), *self.pending(key, group)]
        for option, chance in ((["JUSTID"], 0.3), (["FORCE"], 0.2), (["RETRYCOUNT", "2"], 0.1), (["IDLE", "5000"], 0.1)):
            words += option if self.random.random() < chance else []
        return words

    def autoclaim(self):
        key, group = self.place()
        words = ["XAUTOCLAIM", key, group, self.random.choice(CONSUMERS), self.random.choice(self.idles), "0"]
        words += ["COUNT", str(self.random.choice((1, 2, 5)))] if self.random.random() < 0.7 else []
        return words + (["JUSTID"] if self.random.random() < 0.3 else [])

    def delete(self):
        key = self.random.choice(KEYS)
        stream = self.stream(key)
        ids = list(stream.entries)
        if stream.schedule and self.random.random() < 0.4:
            named = [id for id in stream.schedule if (key, id) in self.player.names]
            ids = named or ids
        return ["XDEL", key, *self.some(key, ids, 2)]

    def trim(self):
        mode = [] if self.random.random() < 0.4 else [self.random.choice(("KEEPREF", "DELREF", "ACKED"))]
        return ["XTRIM", self.random.choice(KEYS), "MAXLEN", "=", str(self.random.choice((0, 3, 10, 30))), *mode]

    def group(self):
        key, group = self.place()
        stream = self.stream(key)
        what = self.random.random()
        if what < 0.35:
            ids = sorted(stream.entries)
            id = self.random.choice(("0", "$", self.name(key, self.random.choice(ids)) if ids else "0"))
            return ["XGROUP", "SETID", key, group, id]
        if what < 0.6:
            return ["XGROUP", "DELCONSUMER", key, group, self.random.choice(CONSUMERS)]
        if what < 0.75:
            return ["XGROUP", "CREATECONSUMER", key, group, self.random.choice(CONSUMERS)]
        if what < 0.85 and group in stream.groups:
            return ["XGROUP", "DESTROY", key, group]
        return ["XGROUP", "CREATE", key, group, self.random.choice(("0", "$")), "MKSTREAM"]

    def look(self):
        key, group = self.place()
        return self.random.choice((
            ["XLEN", key],
            ["XRANGE", key, "-", "+", "COUNT", "5"],
            ["XPENDING", key, group],
            ["XPENDING", key, group, "-", "+", "5"],
            ["XPENDING", key, group, "-", "+", "5", self.random.choice(CONSUMERS)],
            ["XPENDING", key, group, "IDLE", self.random.choice(self.idles), "-", "+", "9"],
        ))

    def look_ahead(self):
        return ["XSCHEDULED", self.random.choice(KEYS), "-", "+", "COUNT", "3"]

    def policy(self, key=None, group=None, full=False):
        if key is None:
            key, group = self.place()
        pick = self.random.choice
        options = [
            ["ACKWAIT", pick(("0", "10000", "30000", "30000", "60000"))],
            pick((["BACKOFF", "0", "0"], ["BACKOFF", "10000", "40000"], ["BACKOFF", "20000", "20000"])),
            # An entry that grows too old and runs out of attempts at the same moment may end either way: a stream has one or the other.
            ["MAXDELIVER", pick(("0", "0", "1", "2", "3")) if key == KEYS[0] else "0"],
            ["DEADLETTER", pick(("", DEAD, DEAD, KEYS[key == KEYS[0]]))],
            ["MAXPENDING", pick(("0", "0", "3", "8"))],
            ["ORDER", pick(("", "", "k", "k", "*"))],
        ]
        stream = self.stream(key)
        if group in stream.groups and stream.groups[group].pending:
            # What is held by several when it comes to be ordered is nobody's fault.
            options = [option for option in options if option[0] != "ORDER"]
        if not full:
            options = self.random.sample(options, self.random.randrange(1, 4))
        return ["XCFGSET", key, "GROUP", group, *(word for option in options for word in option)]

    def retention(self):
        pick, key = self.random.choice, self.random.choice((*KEYS, *KEYS, DEAD))
        options = [
            ["MAXLEN", pick(("0", "0", "10", "30"))],
            ["MAXAGE", pick(("0", "0", "60000", "200000")) if key != KEYS[0] else "0"],
            ["OVERFLOW", pick(("TRIM", "REJECT"))],
            ["ONACK", pick(("KEEP", "DELETE"))],
            [pick(("KEEPREF", "DELREF", "ACKED"))],
        ]
        return ["XCFGSET", key, *(word for option in self.random.sample(options, self.random.randrange(1, 4)) for word in option)]

    def redrive(self):
        ids = sorted(self.stream(DEAD).entries)
        what = self.random.random()
        words = ["XREDRIVE", DEAD]
        if self.random.random() < 0.2:
            words += ["TO", self.random.choice(KEYS)]
        if what < 0.5 and ids:
            chosen = self.random.sample(range(len(ids)), min(len(ids), 2))
            return words + ["IDS", str(len(chosen)), *(At(DEAD, place) for place in chosen)]
        return words + (["COUNT", str(self.random.choice((1, 3)))] if what < 0.8 else [])

    def dead(self):
        """The dead-letter stream goes, or cannot be one."""
        return self.random.choice((["DEL", DEAD], ["SET", DEAD, "string"], ["XTRIM", DEAD, "MAXLEN", "=", "5"]))


# What is done how often.
PLAIN = [
    ("add", 20), ("add_oddly", 2), ("read", 24), ("ack", 10), ("nack", 8), ("claim", 5), ("autoclaim", 3), ("delete", 2), ("trim", 1),
    ("group", 2), ("look", 4), ("multi", 3),
]
STEPS = [*PLAIN, ("schedule", 4), ("touch", 4), ("look_ahead", 1), ("policy", 2), ("retention", 1), ("redrive", 2), ("dead", 0.3),
         ("pass", 9), ("step", 0.4), ("restart", 0.06)]
