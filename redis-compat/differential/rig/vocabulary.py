"""Random commands over a small key space: mostly right, now and then wrong.

`Vocabulary` is seeded and knows no server. With `swapping` it also says SWAPDB. It remembers only how far the ids of
each stream have come, so that most of what it says has an effect. In some episodes one stream grows long, so that it
has several nodes. In some, sorted sets grow large, where Redis leaves it to chance what a range of members has if scores differ; so ranges
have no bounds there. XGROUP DESTROY and the mode ACKED do not meet in one episode (`exceptions.toml` says why).
"""

from rig.masks import RULES

MASKED = {name.split()[0] for name in RULES}
# Where a word less would ask for a choice that each server makes by itself.
CHOOSING = {"SCAN", "SPOP", "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER"}
SPOILED_PART = 0.04
WRONG_KEY_PART = 0.03
SCRIPTED_PART = 0.04
LONG_STREAMS_PART = 0.3

STRINGS = ["a", "b", "n"]
LISTS = ["l1", "l2", "l3"]
SETS = ["t1", "t2", "t3"]
STREAMS = ["s1", "s2", "s3"]
HASHES = ["h1", "h2"]
# A hash that is a table has no order; it keeps its name, by which `masks.py` knows it.
TABLES = ["big1"]
ZSETS = ["z1", "z2", "z3"]
KEYS = STRINGS + LISTS + SETS + STREAMS + HASHES + ZSETS
GROUPS = ["g1", "g2"]
CONSUMERS = ["c1", "c2", "c3"]
MODES = ["KEEPREF", "DELREF", "ACKED"]
GARBAGE = ["", "x", "-1", "9223372036854775808", "-9223372036854775809", "\x00\r\n", "18446744073709551615"]
WORDS = ["v", "value", "", "5", "-17", "3.25", "x" * 70, "9223372036854775807", "a b", "\xff\x00"]
ID_MAX = "18446744073709551615-18446744073709551615"


class Vocabulary:
    def __init__(self, random, swapping):
        self.random = random
        self.swapping = swapping
        self.tops = dict.fromkeys(STREAMS, 0)
        self.spans_s = 1000
        self.destroying = random.random() < 0.5
        self.long = random.random() < LONG_STREAMS_PART
        self.large = random.random() < 0.5
        self.lengths = [0, 10, 100, 150, 320] if self.long else [0, 1, 5, 20, 60]
        weights = {
            self.stream: 30, self.group: 34, self.list: 20, self.string: 14, self.bits: 6, self.set: 16,
            self.hash: 18, self.zset: 20, self.generic: 14, self.expiry: 5,
        }  # fmt: skip
        self.families, self.weights = list(weights), list(weights.values())

    # The whole

    def command(self):
        """One command, as a list of byte strings."""
        family = self.random.choices(self.families, self.weights)[0]
        words = self.spoil([str(word) for word in family()])
        if words and words[0].upper() not in MASKED and self.chance(SCRIPTED_PART):
            words = self.scripted(words)
        return self.bytes(words)

    def scripted(self, words):
        """The same command, called by a script. What is masked by the command's name is not: its replies could not be compared."""
        call = self.pick(
            "return redis.call(unpack(ARGV))",
            "return redis.pcall(unpack(ARGV))",
            "redis.setresp(3) return redis.call(unpack(ARGV))",
            "return {1, redis.pcall(unpack(ARGV)), 'end'}",
        )
        return ["EVAL", call, "0", *words]

    def transaction(self):
        """MULTI, some commands, and its end."""
        body = [self.command() for _ in range(self.random.randint(0, 6))]
        if self.chance(0.15):
            body.insert(self.random.randint(0, len(body)), self.bytes(self.blocking()))
        end = "DISCARD" if self.chance(0.08) else "EXEC"
        return [[b"MULTI"], *body, [end.encode()]]

    def blocking(self):
        """A command that may block, without a timeout."""
        kind = self.random.randrange(10)
        if kind <= 1:
            return [self.pick("BLPOP", "BRPOP"), *self.some(LISTS), "0"]
        if kind == 2:
            return ["BLMOVE", self.list_key(), self.list_key(), self.side(), self.side(), "0"]
        if kind == 3:
            return ["BRPOPLPUSH", self.list_key(), self.list_key(), "0"]
        if kind == 4:
            keys = self.some(LISTS)
            return ["BLMPOP", "0", len(keys), *keys, self.side(), *self.maybe("COUNT", self.small(1))]
        if kind == 8:
            return [self.pick("BZPOPMIN", "BZPOPMAX"), *self.some(ZSETS), "0"]
        if kind == 9:
            keys = self.some(ZSETS)
            return ["BZMPOP", "0", len(keys), *keys, self.end(), *self.maybe("COUNT", self.small(1))]
        streams = self.some(STREAMS)
        if kind == 5:
            return ["XREAD", *self.reading(), "BLOCK", "0", "STREAMS", *streams, *["$" for _ in streams]]
        noack = ["NOACK"] if self.chance(0.1) else []
        reader = ["XREADGROUP", "GROUP", self.pick(*GROUPS), self.pick(*CONSUMERS)]
        return [*reader, *self.reading(), "BLOCK", "0", *noack, "STREAMS", *streams, *[">" for _ in streams]]

    # Pieces

    def chance(self, part):
        return self.random.random() < part

    def pick(self, *items):
        return self.random.choice(items)

    def some(self, items):
        return self.random.sample(items, self.random.choices([1, 2, 3], [6, 2, 1])[0])

    def maybe(self, *words, part=0.5):
        return words if self.chance(part) else ()

    def small(self, least=-1):
        return self.random.choices([least, 0, 1, 2, 3, 5, 10, 100], [1, 1, 6, 6, 5, 4, 2, 1])[0]

    def index(self):
        return self.random.randint(-6, 8)

    def side(self):
        return self.pick("LEFT", "RIGHT")

    def value(self):
        return self.pick(*WORDS) if self.chance(0.5) else f"v{self.random.randrange(6)}"

    def key(self, keys):
        return self.pick(*(KEYS if self.chance(WRONG_KEY_PART) else keys))

    def list_key(self):
        return self.key(LISTS)

    def stream_key(self):
        return "s1" if self.long and self.chance(0.8) else self.key(STREAMS)

    def count(self):
        return self.maybe("COUNT", self.small(1))

    def reading(self):
        """How much XREAD and XREADGROUP are to tell."""
        return self.count()

    def id(self, key=None):
        """An id that may exist."""
        top = self.tops.get(key, 10)
        form = self.random.randrange(12)
        ms = self.random.randint(max(0, top - 15), top + 1)
        if form == 0:
            return str(ms)
        if form == 1:
            return self.pick("0", "0-0", ID_MAX, "0-1")
        return f"{ms}-{self.random.choices([0, 1, 2], [8, 2, 1])[0]}"

    def ids(self, key):
        return [self.id(key) for _ in range(self.random.choices([1, 2, 3, 6], [6, 3, 2, 1])[0])]

    def bound(self, key, end):
        form = self.random.randrange(6)
        return end if form < 2 else "(" + self.id(key) if form == 2 else self.id(key)

    def fields(self):
        count = self.random.choices([1, 2, 3, 8], [8, 3, 1, 1])[0]
        return [word for n in range(count) for word in (f"f{n}", self.value())]

    def trim(self):
        exact = self.pick([], [], ["="], ["~"], ["~"])
        if self.chance(0.7):
            return ["MAXLEN", *exact, self.random.choices(self.lengths, [1, 2, 4, 6, 8])[0]]
        return ["MINID", *exact, self.id("s1")]

    def mode(self, part=0.3):
        return self.maybe(self.pick(*MODES[: 2 if self.destroying else 3]), part=part)

    # Families

    def stream(self):
        key = self.stream_key()
        return self.random.choices(
            [self.xadd, self.range, self.read, self.remove, self.stream_rest], [14, 6, 3, 5, 2]
        )[0](key)

    def xadd(self, key):
        if self.chance(0.05):
            new = self.id(key)
        else:
            self.tops[key] = self.tops.get(key, 0) + self.random.choices([0, 1, 2, 7], [1, 10, 3, 1])[0]
            new = f"{self.tops[key]}-{self.pick('0', '0', '0', '1', '*', '*', '2')}"
        limits = [*self.maybe("NOMKSTREAM", part=0.05), *(self.trim() if self.chance(0.25) else []), *self.mode(0.1)]
        return ["XADD", key, *limits, new, *self.fields()]

    def range(self, key):
        if self.chance(0.5):
            return ["XRANGE", key, self.bound(key, "-"), self.bound(key, "+"), *self.count()]
        return ["XREVRANGE", key, self.bound(key, "+"), self.bound(key, "-"), *self.count()]

    def read(self, key):
        keys = [key, *self.some(STREAMS)][: self.random.randint(1, 3)]
        return ["XREAD", *self.reading(), "STREAMS", *keys, *[self.pick("0", "$", "+", self.id(k)) for k in keys]]

    def remove(self, key):
        form = self.random.randrange(4)
        if form <= 1:
            return ["XDEL", key, *self.ids(key)]
        if form == 2:
            ids = self.ids(key)
            return ["XDELEX", key, *self.mode(0.7), "IDS", len(ids), *ids]
        return ["XTRIM", key, *self.trim(), *self.mode()]

    def stream_rest(self, key):
        form = self.random.randrange(5)
        if form == 0:
            extra = ["ENTRIESADDED", self.random.randrange(80), "MAXDELETEDID", self.id(key)]
            return ["XSETID", key, self.id(key), *(extra if self.chance(0.5) else [])]
        if form == 1:
            return ["XINFO", "STREAM", key, *self.maybe("FULL"), *self.maybe("COUNT", 3, part=0.1)]
        return ["XLEN", key] if form < 4 else ["XINFO", "GROUPS", key]

    def group(self):
        key, group, consumer = self.stream_key(), self.pick(*GROUPS), self.pick(*CONSUMERS)
        choose = [self.readgroup, self.xgroup, self.xack, self.xclaim, self.xautoclaim, self.pending]
        return self.random.choices(choose, [14, 5, 8, 4, 3, 4])[0](key, group, consumer)

    def readgroup(self, key, group, consumer):
        keys = [key, *self.some(STREAMS)][: self.random.choices([1, 2], [5, 1])[0]]
        ids = [">" if self.chance(0.75) else self.pick("0", self.id(k)) for k in keys]
        options = [*self.reading(), *self.maybe("NOACK", part=0.1)]
        return ["XREADGROUP", "GROUP", group, consumer, *options, "STREAMS", *keys, *ids]

    def xgroup(self, key, group, consumer):
        start = self.pick("0", "$", "0", self.id(key))
        read = self.maybe("ENTRIESREAD", self.random.randint(-1, 30), part=0.3)
        return self.random.choices(
            [
                ["XGROUP", "CREATE", key, group, start, *self.maybe("MKSTREAM"), *read],
                ["XGROUP", "SETID", key, group, start, *read],
                ["XGROUP", "DESTROY", key, group] if self.destroying else ["XINFO", "CONSUMERS", key, group],
                ["XGROUP", "CREATECONSUMER", key, group, consumer],
                ["XGROUP", "DELCONSUMER", key, group, consumer],
            ],
            [10, 4, 2, 2, 3],
        )[0]

    def xack(self, key, group, consumer):
        ids = self.ids(key)
        if self.chance(0.65):
            return ["XACK", key, group, *ids]
        return ["XACKDEL", key, group, *self.mode(0.7), "IDS", len(ids), *ids]

    def xclaim(self, key, group, consumer):
        options = [
            *self.maybe(self.pick("IDLE", "IDLE", "TIME"), self.pick("0", "1000", "50000", "100000000"), part=0.3),
            *self.maybe("RETRYCOUNT", self.random.randrange(9), part=0.2),
            *self.maybe("FORCE", part=0.3),
            *self.maybe("JUSTID", part=0.3),
            *self.maybe("LASTID", self.id(key), part=0.1),
        ]
        return ["XCLAIM", key, group, consumer, self.idle(), *self.ids(key), *options]

    def xautoclaim(self, key, group, consumer):
        start = self.pick("-", "0", self.bound(key, "-"))
        return ["XAUTOCLAIM", key, group, consumer, self.idle(), start, *self.count(), *self.maybe("JUSTID", part=0.3)]

    def idle(self):
        return self.pick("0", "0", "0", "40000", "90000000")

    def pending(self, key, group, consumer):
        if self.chance(0.4):
            return ["XPENDING", key, group]
        idle = self.maybe("IDLE", self.idle(), part=0.2)
        span = [self.bound(key, "-"), self.bound(key, "+"), self.small()]
        return ["XPENDING", key, group, *idle, *span, *self.maybe(consumer, part=0.4)]

    def list(self):
        key = self.list_key()
        values = [self.value() for _ in range(self.random.choices([1, 2, 3, 12], [6, 3, 2, 1])[0])]
        return self.random.choices(
            [
                [self.pick("LPUSH", "RPUSH"), key, *values],
                [self.pick("LPUSHX", "RPUSHX"), key, *values],
                [self.pick("LPOP", "RPOP"), key, *self.maybe(self.small(0), part=0.4)],
                ["LRANGE", key, self.index(), self.index()],
                ["LTRIM", key, self.pick(0, 0, 1, self.index()), self.pick(-1, -1, -2, 30, self.index())],
                ["LINDEX", key, self.index()],
                ["LSET", key, self.index(), self.value()],
                ["LINSERT", key, self.pick("BEFORE", "AFTER"), self.value(), self.value()],
                ["LREM", key, self.random.randint(-2, 2), self.value()],
                ["LPOS", key, self.value(), *self.lpos_options()],
                ["LMOVE", key, self.list_key(), self.side(), self.side()],
                ["RPOPLPUSH", key, self.list_key()],
                ["LMPOP", "2", key, self.list_key(), self.side(), *self.count()],
                ["LLEN", key],
                [self.pick("BLPOP", "BRPOP"), key, self.list_key(), "0.001"],
            ],
            [16, 2, 8, 5, 2, 3, 4, 4, 4, 4, 6, 2, 3, 1, 1],
        )[0]

    def lpos_options(self):
        rank = self.maybe("RANK", self.pick(1, 2, -1, -2, 0), part=0.4)
        return [*rank, *self.maybe("COUNT", self.small(0), part=0.4), *self.maybe("MAXLEN", self.small(0), part=0.2)]

    def zset(self):
        key, other = self.key(ZSETS), self.key(ZSETS)
        store = self.pick(*ZSETS)
        return self.random.choices(
            [
                ["ZADD", key, *self.zadd_options(), *self.scored()],
                ["ZADD", key, *self.scored()],
                ["ZADD", key, *self.maybe(self.pick("NX", "XX", "GT", "LT"), part=0.4), "INCR", self.score(), self.member()],
                ["ZINCRBY", key, self.score(), self.member()],
                ["ZREM", key, self.member(), *self.maybe(self.member())],
                [self.pick("ZSCORE", "ZRANK", "ZREVRANK"), key, self.member()],
                [self.pick("ZRANK", "ZREVRANK"), key, self.member(), "WITHSCORE"],
                ["ZMSCORE", key, self.member(), self.member()],
                ["ZCARD", key],
                ["ZRANGE", key, *self.stretch(), *self.maybe("WITHSCORES")],
                ["ZRANGESTORE", store, key, *self.stretch()],
                [self.pick("ZRANGEBYSCORE", "ZREVRANGEBYSCORE"), key, *self.scores(), *self.maybe("WITHSCORES"), *self.limit()],
                [self.pick("ZRANGEBYLEX", "ZREVRANGEBYLEX"), key, *self.lexes(), *self.lex_limit()],
                ["ZREVRANGE", key, self.index(), self.index(), *self.maybe("WITHSCORES")],
                ["ZCOUNT", key, *self.scores()],
                ["ZLEXCOUNT", key, *self.lexes()],
                ["ZREMRANGEBYRANK", key, self.index(), self.index()],
                ["ZREMRANGEBYSCORE", key, *self.scores()],
                ["ZREMRANGEBYLEX", key, *self.lexes()],
                [self.pick("ZPOPMIN", "ZPOPMAX"), key, *self.maybe(self.small(0), part=0.4)],
                ["ZMPOP", "2", key, other, self.end(), *self.count()],
                [self.pick("BZPOPMIN", "BZPOPMAX"), key, other, "0.001"],
                [self.pick("ZUNION", "ZINTER"), *self.combined(key, other), *self.maybe("WITHSCORES")],
                [self.pick("ZUNIONSTORE", "ZINTERSTORE"), store, *self.combined(key, other)],
                ["ZDIFF", "2", key, other, *self.maybe("WITHSCORES")],
                ["ZDIFFSTORE", store, "2", key, other],
                ["ZINTERCARD", "2", key, other, *self.maybe("LIMIT", self.small(0), part=0.4)],
                ["ZCARD", key] if self.large else ["ZSCAN", key, "0", "COUNT", "1000"],
            ],
            [8, 12, 3, 4, 4, 3, 1, 1, 1, 5, 2, 3, 2, 1, 2, 1, 1, 1, 1, 3, 2, 1, 3, 2, 1, 1, 1, 1],
        )[0]

    def end(self):
        return self.pick("MIN", "MAX")

    def score(self):
        return self.pick("0", "1", "1", "2", "-3", "0.1", "2.5", "1e20", "inf", "-inf", "-0", "17179869184.5")

    def member(self):
        # A long one makes a set large.
        return self.pick("m1", "m2", "m3", "m4", "m5", "m6", "7", "-8", "", "x" * (70 if self.large else 7))

    def scored(self):
        count = self.random.choices([1, 2, 4, 8], [6, 3, 2, 1])[0]
        return [word for _ in range(count) for word in (self.score(), self.member())]

    def zadd_options(self):
        condition = self.maybe(self.pick("NX", "XX", "GT", "LT", "GT", "LT"), part=0.7)
        return [*condition, *self.maybe("XX", part=0.1), *self.maybe("CH")]

    def limit(self):
        return self.maybe("LIMIT", self.small(0), self.small(), part=0.4)

    def lex_limit(self):
        """Where scores differ, Redis's offset passes over what is not in the range, too, so there is none."""
        return self.maybe("LIMIT", "0", self.small(), part=0.4)

    def scores(self):
        bound = lambda: self.pick("", "", "(") + self.score()
        return self.pick((bound(), bound()), ("-inf", bound()), (bound(), "+inf"), ("-inf", "+inf"))

    def lexes(self):
        if self.large:
            return self.pick(("-", "+"), ("+", "-"), ("-", "-"))
        bound = lambda: self.pick("[", "(") + self.member()
        return self.pick((bound(), bound()), ("-", bound()), (bound(), "+"), ("-", "+"), ("+", "-"))

    def stretch(self):
        reverse = self.maybe("REV", part=0.3)
        return self.pick(
            [self.index(), self.index(), *reverse],
            [*self.scores(), "BYSCORE", *reverse, *self.limit()],
            [*self.lexes(), "BYLEX", *reverse, *self.lex_limit()],
        )

    def combined(self, key, other):
        weights = self.maybe("WEIGHTS", self.pick("1", "2", "0"), self.pick("1", "-1", "0.5"), part=0.3)
        return ["2", key, other, *weights, *self.maybe("AGGREGATE", self.pick("SUM", "MIN", "MAX"), part=0.4)]

    def string(self):
        key = self.key(STRINGS)
        conditions = [*self.maybe(self.pick("NX", "XX"), part=0.3), *self.maybe("GET", part=0.2)]
        expiry = self.pick(["EX", "1000"], ["PX", "1000000"], ["KEEPTTL"], ["PXAT", "33177117420000"], [])
        return self.random.choices(
            [
                ["SET", key, self.value(), *conditions, *expiry],
                ["GET", key],
                [self.pick("INCR", "DECR"), "n"],
                [self.pick("INCRBY", "DECRBY"), self.key(["n"]), self.pick(1, 7, -3, 2**62, -(2**62))],
                ["INCRBYFLOAT", self.key(["n"]), self.pick("0.1", "-2.5", "1e3", "3", "1e-9")],
                ["APPEND", key, self.value()],
                ["GETRANGE", key, self.index(), self.index()],
                ["SETRANGE", key, self.random.randrange(12), self.value()],
                ["STRLEN", key],
                ["GETDEL", key],
                ["GETSET", key, self.value()],
                ["GETEX", key, *self.pick(["EX", "1000"], ["PERSIST"], [], ["PXAT", "33177117420000"])],
                ["MSET", key, self.value(), self.key(STRINGS), self.value()],
                ["MSETNX", key, self.value(), self.key(STRINGS), self.value()],
                ["MGET", *KEYS],
                ["SETNX", key, self.value()],
                ["SETEX", key, "1000", self.value()],
                ["LCS", key, self.key(STRINGS), *self.maybe("LEN", part=0.3)],
            ],
            [10, 4, 4, 3, 3, 4, 3, 3, 1, 2, 2, 3, 2, 2, 1, 1, 1, 1],
        )[0]

    def bits(self):
        key = self.key(STRINGS)
        offset, bit = self.random.randrange(70), self.pick(0, 1)
        span = [self.index(), self.index(), *self.maybe(self.pick("BYTE", "BIT"))]
        operation = self.pick("AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "ONE")
        sources = [self.key(STRINGS) for _ in range(1 if operation == "NOT" else self.random.randint(1, 3))]
        return self.random.choices(
            [
                ["SETBIT", key, offset, bit],
                ["GETBIT", key, offset],
                ["BITCOUNT", key, *self.pick([], span)],
                ["BITPOS", key, bit, *span[: self.random.randint(0, 3)]],
                ["BITOP", operation, self.key(STRINGS), *sources],
                ["BITFIELD", key, *self.bit_field(), *self.bit_field()],
            ],
            [5, 2, 2, 2, 3, 4],
        )[0]

    def bit_field(self):
        field, offset = self.pick("u8", "i5", "i64", "u63", "u1"), self.pick(0, 3, "#1", 17)
        over = self.maybe("OVERFLOW", self.pick("WRAP", "SAT", "FAIL"), part=0.3)
        number = self.pick(1, -1, 100, 2**62, -(2**62))
        return self.pick(["GET", field, offset], [*over, self.pick("SET", "INCRBY"), field, offset, number])

    def member(self):
        """Short and not of many kinds: small sets show their order."""
        return self.pick("", "a b", "5", "-17", "70000", "9223372036854775807", "3.25", f"v{self.random.randrange(6)}")

    def number(self):
        return str(self.random.choice([1, 1, 1, 5000, 10**12]) * self.random.randint(-9, 9))

    def set(self):
        key = self.key(SETS)
        form = self.number if self.chance(0.5) else self.member
        members = [form() for _ in range(self.random.choices([1, 2, 3, 8], [6, 3, 2, 1])[0])]
        keys = [self.key(SETS) for _ in range(self.random.choices([1, 2, 3], [2, 4, 1])[0])]
        operation = self.pick("SINTER", "SUNION", "SDIFF")
        return self.random.choices(
            [
                ["SADD", key, *members],
                ["SREM", key, *members],
                ["SMEMBERS", key],
                ["SISMEMBER", key, self.member()],
                ["SMISMEMBER", key, *members],
                ["SCARD", key],
                ["SPOP", key, 100],
                ["SRANDMEMBER", key, 100],
                ["SMOVE", key, self.key(SETS), self.member()],
                [operation, *keys],
                [operation + "STORE", key, *keys],
                ["SINTERCARD", len(keys), *keys, *self.maybe("LIMIT", self.small(0), part=0.3)],
                ["SSCAN", key, "0", *self.maybe("MATCH", self.pick("v*", "[1-5]", "*"))],
                ["OBJECT", "ENCODING", key],
            ],
            [20, 5, 6, 2, 2, 1, 1, 1, 4, 5, 8, 2, 2, 3],
        )[0]

    def span_s(self):
        """Seconds until fields expire, never the same twice: a hash keeps fields in the order in which they do, which must not hang on milliseconds."""
        self.spans_s += 10
        return self.spans_s

    def hash(self):
        if self.chance(0.2):
            key, long = self.pick(*TABLES), "x" * 65
            value = self.pick(self.value(), long)
        else:
            key, value = self.key(HASHES), self.pick(*[word for word in WORDS if len(word) < 65], "v1", "v2")
        field, fields = self.field(), [self.field() for _ in range(self.random.choices([1, 2, 3, 6], [6, 3, 2, 1])[0])]
        pairs = [word for name in fields for word in (name, value)]
        named = ["FIELDS", len(fields), *fields]
        far = self.pick("33177117420000", "33177117430000", "33177117430000", "1")
        when = self.pick(["PXAT", far], ["PXAT", far], ["EX", self.span_s()], ["PX", 1000 * self.span_s()], [])
        condition = self.maybe(self.pick("NX", "XX", "GT", "LT"), part=0.4)
        return self.random.choices(
            [
                [self.pick("HSET", "HSET", "HMSET"), key, *pairs],
                ["HSETNX", key, field, value],
                ["HDEL", key, *fields],
                [self.pick("HGET", "HSTRLEN", "HEXISTS"), key, field],
                ["HMGET", key, *fields],
                [self.pick("HGETALL", "HKEYS", "HVALS", "HLEN"), key],
                ["HINCRBY", key, field, self.pick(1, -3, 2**62)],
                ["HINCRBYFLOAT", key, field, self.pick("0.1", "-2.5", "1e3", "3")],
                ["HRANDFIELD", key, "100", *self.maybe("WITHVALUES")],
                ["HSCAN", key, "0", "COUNT", "1000", *self.maybe("NOVALUES", part=0.3), *self.maybe("MATCH", "f[0-4]", part=0.3)],
                ["HPEXPIREAT", key, far, *condition, *named],
                ["HEXPIRE", key, self.pick("0", self.span_s()), *named],
                ["HEXPIREAT", key, self.pick("0", "33177117420"), *named],
                [self.pick("HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"), key, *named],
                ["HPERSIST", key, *named],
                ["HGETDEL", key, *named],
                ["HGETEX", key, *self.pick(when, ["PERSIST"]), *named],
                ["HSETEX", key, *self.maybe(self.pick("FNX", "FXX"), part=0.3), *self.pick(when, ["KEEPTTL"]), "FIELDS", len(fields), *pairs],
            ],
            [16, 2, 5, 4, 2, 5, 3, 2, 1, 1, 5, 1, 1, 3, 3, 2, 3, 4],
        )[0]

    def field(self):
        return f"f{self.random.randrange(9)}" if self.chance(0.8) else self.pick("", "7", "-1", "a b")

    def generic(self):
        key, other = self.pick(*KEYS), self.pick(*KEYS)
        return self.random.choices(
            [
                [self.pick("DEL", "UNLINK"), key, *self.maybe(other, part=0.2)],
                ["EXISTS", key, other, key],
                ["TYPE", key],
                ["RENAME", *self.same_kind()],
                ["RENAMENX", *self.same_kind()],
                ["COPY", *self.same_kind(), *self.maybe("DB", self.pick("0", "1"), part=0.2), *self.maybe("REPLACE")],
                ["MOVE", key, self.pick("0", "1")],
                ["OBJECT", "ENCODING", key],
                ["TOUCH", key, other],
                ["KEYS", self.pick("*", "s*", "?", "[a-l]*")],
                ["SCAN", "0", "COUNT", "1000", *self.maybe("TYPE", self.pick("string", "list", "stream", "hash", "zset"))],
                ["DBSIZE"],
                ["SELECT", self.pick("0", "0", "0", "1")],
                ["SWAPDB", "0", "1"] if self.swapping else ["PING"],
                ["WATCH", key, other],
                ["UNWATCH"],
                [self.pick("FLUSHDB", "FLUSHALL")],
                ["XADD", "auto", "MAXLEN", "3", "*", "f", "v"],
                ["PUBLISH", "channel", self.value()],
            ],
            [10, 4, 4, 4, 2, 5, 3, 3, 1, 1, 2, 1, 6, 1, 6, 1, 0.4, 2, 1],
        )[0]

    def same_kind(self):
        kind = self.pick(STRINGS, LISTS, STREAMS, HASHES, ZSETS)
        return self.pick(*kind), self.key(kind)

    def expiry(self):
        key = self.pick(*KEYS)
        when = self.pick("1000", "2000", "2000", "3000", "0", "-1")
        option = self.maybe(self.pick("NX", "XX"), part=0.3)
        # Which of two moments is the later one must not depend on when a server came to count them from now.
        compared = self.maybe(self.pick("NX", "XX", "GT", "LT"), part=0.4)
        far = self.pick("33177117420000", "33177117430000", "1")
        return self.random.choices(
            [
                ["EXPIRE", key, when, *option],
                ["PEXPIRE", key, when + "000" if when not in ("0", "-1") else when, *option],
                ["PEXPIREAT", key, far, *compared],
                ["TTL", key],
                ["PTTL", key],
                ["PEXPIRETIME", key],
                ["PERSIST", key],
            ],
            [6, 3, 3, 2, 2, 2, 3],
        )[0]

    # Spoiling

    def spoil(self, words):
        """Now and then a word is wrong, missing or too many. A cursor of SCAN means nothing to another server, nor do its choices at random."""
        if words[0] in CHOOSING or not self.chance(SPOILED_PART):
            return words
        words, at = list(words), self.random.randrange(len(words))
        form = self.random.randrange(6)
        if form == 0 and len(words) > 1:
            del words[at]
        elif form == 1:
            words.append("x")
        elif form == 2:
            words = [word.lower() for word in words]
        elif at > 0:
            words[at] = self.pick(*GARBAGE)
        return words

    def bytes(self, words):
        return [str(word).encode("latin-1") for word in words]
