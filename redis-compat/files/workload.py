"""Random data of the types that Millstream has, and what a server shows of it."""

import random

# Texts that encodings treat differently: integers of every width, lengths around every border, compressible and not.
INTEGERS = [0, 7, -1, 127, 128, -128, -129, 4095, 4096, -4096, 32767, -32769, 8388607, -8388609, 2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63)]
NEARLY = ["00", "-0", "+1", " 1", "1.0", "9223372036854775808", ""]
LENGTHS = [0, 1, 10, 20, 21, 44, 45, 63, 64, 127, 300, 4095, 4096, 9000, 17000]


class Texts:
    def __init__(self, source):
        self.random = source

    def text(self):
        kind = self.random.random()
        if kind < 0.3:
            return str(self.random.choice(INTEGERS)).encode()
        if kind < 0.4:
            return self.random.choice(NEARLY).encode()
        length = self.random.choice(LENGTHS[:10] if kind < 0.9 else LENGTHS)
        if kind < 0.7:
            return (b"%d-abc" % self.random.randrange(100) * length)[:length]
        return self.random.randbytes(length)

    def name(self):
        return self.random.choice([b"f", b"name", b"7", b"a longer name of a field", b"x" * 70])


def fill(call, seed, keys=60, fields_expire=False):
    """Gives a server `keys` random keys by `call(*words)`; fields of hashes expire only if asked, since not every server can read that."""
    source = random.Random(seed)
    texts = Texts(source)
    knows_messages = call("COMMAND", "INFO", "XIDMPRECORD") != [None]
    for number in range(keys):
        key = b"key:%d" % number if number % 7 else b"a long and compressible key " * 3 + b"%d" % number
        make = source.choice([string, list_, list_, hash_, hash_, stream, stream, stream])
        make(call, source, texts, key)
        if make is hash_ and fields_expire and source.random() < 0.6:
            expire_fields(call, source, key)
        if make is stream and knows_messages:
            messages(call, source, key)
        if source.random() < 0.3:
            call("PEXPIRE", key, source.randrange(10**7, 10**12))


def string(call, source, texts, key):
    call("SET", key, texts.text())
    if source.random() < 0.2:
        call("APPEND", key, texts.text())


def list_(call, source, texts, key):
    for _ in range(source.choice([1, 3, 40, 400])):
        call(source.choice(["RPUSH", "LPUSH"]), key, *[texts.text() for _ in range(source.randrange(1, 5))])
    if source.random() < 0.3:
        call("LTRIM", key, source.randrange(3), -1 - source.randrange(3))


def hash_(call, source, texts, key):
    short = source.random() < 0.5
    for _ in range(source.choice([1, 3, 40, 300])):
        words = [texts.text() for _ in range(2 * source.randrange(1, 5))]
        call("HSET", key, *[word[:60] for word in words] if short else words)
    names = call("HKEYS", key)
    call("HDEL", key, *source.sample(names, min(len(names) - 1, 2)), "none")


def expire_fields(call, source, key):
    for name in call("HKEYS", key):
        if source.random() < 0.3:
            call("HPEXPIREAT", key, 33177117420000 + source.randrange(3), "FIELDS", 1, name)


def stream(call, source, texts, key):
    fields = [texts.name() for _ in range(source.randrange(1, 5))]
    ms, ids = source.choice([1, 10**12]), []
    for _ in range(source.choice([0, 1, 20, 350])):
        ms += source.choice([0, 0, 1, 1000])
        names = fields if source.random() < 0.9 else [texts.name() for _ in range(source.randrange(1, 4))]
        words = [word for name in names for word in (name, texts.text())]
        ids.append(call("XADD", key, b"%d-*" % ms, *words))
    if not ids:
        call("XGROUP", "CREATE", key, "g", "0", "MKSTREAM")
    for group in range(source.randrange(3)):
        group_of(call, source, key, b"group:%d" % group, ids)
    for _ in range(source.randrange(4) if ids else 0):
        call("XDEL", key, *source.sample(ids, source.randrange(1, 1 + min(len(ids), 30))))
    if source.random() < 0.2:
        call("XTRIM", key, "MAXLEN", source.randrange(100))
    if source.random() < 0.1:
        call("XSETID", key, "9999999999999-5", "ENTRIESADDED", 100000, "MAXDELETEDID", "5-5")


def messages(call, source, key):
    """What producers send, some of it twice, for a stream that remembers it a day."""
    if source.random() < 0.5:
        return
    call("XCFGSET", key, "IDMP-DURATION", 86400, "IDMP-MAXSIZE", source.choice([3, 100, 10000]))
    for _ in range(source.choice([1, 5, 60])):
        producer, number = b"producer:%d" % source.randrange(3), source.randrange(40)
        message = source.choice([["IDMP", producer, b"message:%d" % number], ["IDMPAUTO", producer]])
        call("XADD", key, *message, "*", "f", number)


def group_of(call, source, key, group, ids):
    call("XGROUP", "CREATE", key, group, source.choice(["0", "$"] + ids[:3]), "MKSTREAM")
    for _ in range(source.randrange(6)):
        consumer = b"consumer:%d" % source.randrange(4)
        call("XREADGROUP", "GROUP", group, consumer, "COUNT", source.randrange(1, 60), "STREAMS", key, ">")
    if source.random() < 0.4:
        call("XGROUP", "CREATECONSUMER", key, group, "idle")
    if ids:
        call("XACK", key, group, *source.sample(ids, min(len(ids), 20)))
        few = source.sample(ids, min(len(ids), 5))
        call("XCLAIM", key, group, "claimer", 0, *few, "RETRYCOUNT", source.randrange(200), "TIME", 10**12)
        call("XGROUP", "SETID", key, group, source.choice(ids), *source.choice([[], ["ENTRIESREAD", 3]]))


def state(call, db=0):
    """All keys of a server and what can be seen of them."""
    keys = sorted(call("KEYS", "*"))
    return {key: value(call, key) for key in keys}


def value(call, key):
    kind = call("TYPE", key)
    seen = {"type": kind, "expires": call("PEXPIRETIME", key)}
    if kind == b"string":
        # A number that was appended to is held as a text, until it is loaded.
        seen["value"] = call("GET", key)
    elif kind == b"list":
        seen["value"] = call("LRANGE", key, 0, -1)
        seen["encoding"] = call("OBJECT", "ENCODING", key)
    elif kind == b"hash":
        seen["value"] = fields(call, key)
    else:
        seen["value"] = call("XRANGE", key, "-", "+")
        seen["info"] = pairs(call("XINFO", "STREAM", key, "FULL", "COUNT", 0))
    return seen


def fields(call, key):
    """The fields of a hash, with when they expire where that can be asked."""
    words = call("HGETALL", key)
    found = dict(zip(words[::2], words[1::2]))
    if call("COMMAND", "INFO", "HPEXPIRETIME") != [None]:
        times = call("HPEXPIRETIME", key, "FIELDS", len(found), *found)
        found = {name: (found[name], time) if time > 0 else found[name] for name, time in zip(found, times)}
    return dict(sorted(found.items()))


def pairs(reply):
    """A reply of names and values as a dict, all the way down, without what is another matter from server to server."""
    if not isinstance(reply, list):
        return reply
    named = len(reply) % 2 == 0 and reply and all(isinstance(name, bytes) for name in reply[::2])
    if not named or reply[0] not in NAMES:
        return [pairs(element) for element in reply]
    found = {name: pairs(value) for name, value in zip(reply[::2], reply[1::2]) if name not in NOT_COMPARED}
    if all(found.get(name) == number for name, number in UNUSED.items()):
        found = {name: value for name, value in found.items() if name not in UNUSED}
    return found


# What a stream tells of the messages that it remembers, and in what it keeps them.
MESSAGES = {b"idmp-duration", b"idmp-maxsize", b"pids-tracked", b"iids-tracked", b"iids-added", b"iids-duplicates"}

# What Millstream leaves out where it says nothing.
UNUSED = dict.fromkeys(MESSAGES, 0) | {b"idmp-duration": 100, b"idmp-maxsize": 100}

# The first names of the maps in XINFO STREAM FULL.
NAMES = {b"length", b"name"}
# Layout of memory, what is compared apart, and what servers of one age alone have.
NOT_COMPARED = {b"radix-tree-keys", b"radix-tree-nodes", b"entries", b"nacked-count"}
