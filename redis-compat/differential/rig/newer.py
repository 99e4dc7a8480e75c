"""Random commands with what came after Redis 8.2.

Messages of producers go to streams of their own, since they get generated ids. They are remembered for so long that none is forgotten while an
episode is played. Left out is what Redis 8.10 does otherwise than 8.2: approximate trims, which drop whole nodes by other rules, and
commands that there are not, whose error it words otherwise.
"""

from .vocabulary import Vocabulary

IDMP_STREAMS = ["i1", "i2"]
PRODUCERS = ["p1", "p2", "p3"]
IDMP_WEIGHT = 14
MANY_PART = 0.15


class NewerVocabulary(Vocabulary):
    def __init__(self, random, swapping):
        super().__init__(random, swapping)
        # What is wrong with a command on one of these types newer versions say in other words; 8.2 is what they are compared with.
        of_types = (self.hash, self.set, self.zset)
        self.weights = [0 if family in of_types else weight for family, weight in zip(self.families, self.weights)]
        self.families.append(self.idmp)
        self.weights.append(IDMP_WEIGHT)

    def blocking(self):
        if not self.chance(MANY_PART):
            return super().blocking()
        return ["BLMOVEM", self.list_key(), self.list_key(), self.side(), self.side(), "0", *self.how_many()]

    def list(self):
        if not self.chance(MANY_PART):
            return super().list()
        keys = [self.list_key(), self.list_key(), self.side(), self.side()]
        if self.chance(0.1):
            return ["BLMOVEM", *keys, "0.001", *self.how_many()]
        return ["LMOVEM", *keys, *self.how_many()]

    def how_many(self):
        return self.maybe(self.pick("COUNT", "EXACTLY"), self.small(1), self.pick("OBO", "BULK"), part=0.9)

    def reading(self):
        bounds = [
            *self.maybe("MAXCOUNT", self.pick(1, 3, 10, 100), part=0.2),
            *self.maybe("MAXSIZE", self.pick(1, 40, 90, 150, 400, 2000), part=0.2),
        ]
        return [*bounds, *self.count()] if self.chance(0.5) else [*self.count(), *bounds]

    def string(self):
        # How long a text of a key that expires may be and still be kept beside it differs between versions.
        words = super().string()
        return words if words[0] != "INCRBYFLOAT" else ["GET", words[1]]

    def trim(self):
        return [word for word in super().trim() if word != "~"]

    def spoil(self, words):
        spoiled = super().spoil(words)
        return spoiled if spoiled[0].upper() == words[0] else words

    def idmp(self):
        key = self.pick(*IDMP_STREAMS)
        message = self.pick(
            ["IDMP", self.pick(*PRODUCERS), f"m{self.random.randrange(30)}"],
            ["IDMPAUTO", self.pick(*PRODUCERS)],
        )
        limits = self.trim() if self.chance(0.15) else []
        add = ["XADD", key, *self.maybe("NOMKSTREAM", part=0.05), *message, *limits, "*", *self.fields()]
        return self.random.choices(
            [
                add,
                ["XADD", key, "*", *self.fields()],
                ["XCFGSET", key, *self.idmp_limits()],
                ["XIDMPRECORD", key, self.pick(*PRODUCERS), "m1", self.id()],
                ["XINFO", "STREAM", key, *self.maybe("FULL", "COUNT", "0")],
                ["XTRIM", key, "MAXLEN", self.small(0)],
                ["COPY", key, self.pick(*IDMP_STREAMS), "REPLACE"],
                ["RENAME", key, self.pick(*IDMP_STREAMS)],
                ["DEL", key],
            ],
            [40, 3, 3, 1, 4, 2, 2, 1, 0.5],
        )[0]

    def idmp_limits(self):
        duration = ["IDMP-DURATION", self.pick(100, 100, 1000, 86400, 86401)]
        size = ["IDMP-MAXSIZE", self.pick(100, 1, 2, 5, 10, 0)]
        return self.pick(duration, size, [*duration, *size])
