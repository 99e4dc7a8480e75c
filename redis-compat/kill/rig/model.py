"""What a Redis holds after given commands: a model of the few that the private writers use, with explicit ids only.

A model is applied to commands one by one and compared with what the server has. It says what survives a restart: entries,
counters, groups, who holds what how often delivered. It does not know moments.
"""

import copy


class Stream:
    def __init__(self):
        self.entries = {}
        self.last = (0, 0)
        self.added = 0
        self.deleted = (0, 0)
        self.groups = {}

    def trim(self, length):
        for id in list(self.entries)[: max(0, len(self.entries) - length)]:
            del self.entries[id]

    def summary(self):
        groups = {name: (g.last, len(g.pending)) for name, g in self.groups.items()}
        return len(self.entries), self.last, self.added, self.deleted, groups

    def whole(self):
        groups = {name: (g.last, {id: tuple(p) for id, p in g.pending.items()}) for name, g in self.groups.items()}
        return self.entries, self.last, self.added, self.deleted, groups


class Group:
    def __init__(self):
        self.last = (0, 0)
        self.pending = {}


class Model:
    """Keys of one writer. Values are lists, strings (bytes) or streams."""

    def __init__(self):
        self.keys = {}
        self.deadlines = {}

    def copy(self):
        return copy.deepcopy(self)

    def apply(self, command):
        getattr(self, "do_" + command[0].lower())(*command[1:])

    def list(self, key):
        return self.keys.setdefault(key, [])

    def tidy(self, key):
        if self.keys.get(key) == []:
            del self.keys[key]

    def do_rpush(self, key, *values):
        self.list(key).extend(values)

    def do_lpush(self, key, *values):
        self.list(key)[:0] = reversed(values)

    def do_lpop(self, key, count):
        del self.keys[key][:count]
        self.tidy(key)

    def do_ltrim(self, key, start, stop):
        self.keys[key] = self.keys[key][start : stop + 1]
        self.tidy(key)

    def do_lrem(self, key, count, value):
        self.keys[key].remove(value)
        self.tidy(key)

    def do_linsert(self, key, where, pivot, value):
        values = self.keys[key]
        values.insert(values.index(pivot) + (where == "AFTER"), value)

    def do_lset(self, key, index, value):
        self.keys[key][index] = value

    def do_blmove(self, source, destination, pop, push, _timeout=0):
        value = self.keys[source].pop(0 if pop == "LEFT" else -1)
        self.list(destination).insert(0 if push == "LEFT" else len(self.list(destination)), value)
        self.tidy(source)

    do_lmove = do_blmove

    def do_set(self, key, value):
        self.keys[key] = value
        self.deadlines.pop(key, None)

    def do_append(self, key, value):
        self.keys[key] = self.keys.get(key, "") + value

    def do_incrby(self, key, by):
        self.keys[key] = str(int(self.keys.get(key, "0")) + by)

    def do_pexpireat(self, key, ms):
        self.deadlines[key] = ms

    def do_persist(self, key):
        self.deadlines.pop(key, None)

    def do_del(self, *keys):
        for key in keys:
            self.keys.pop(key, None)
            self.deadlines.pop(key, None)

    def do_rename(self, old, new):
        self.do_del(new)
        self.keys[new] = self.keys.pop(old)
        if old in self.deadlines:
            self.deadlines[new] = self.deadlines.pop(old)

    def do_xadd(self, key, *words):
        stream = self.keys.setdefault(key, Stream())
        *options, id, field, value = words
        stream.last = parse_id(id)
        stream.entries[stream.last] = (field, value)
        stream.added += 1
        if options:
            stream.trim(int(options[-1]))

    def do_xdel(self, key, *ids):
        stream = self.keys[key]
        for id in map(parse_id, ids):
            if stream.entries.pop(id, None):
                stream.deleted = max(stream.deleted, id)

    def do_xtrim(self, key, _maxlen, _exactly, length):
        self.keys[key].trim(length)

    def do_xgroup(self, _create, key, group, id, _mkstream):
        stream = self.keys.setdefault(key, Stream())
        stream.groups[group] = Group()
        stream.groups[group].last = parse_id(id)

    def do_xreadgroup(self, _group, name, consumer, _count, count, _streams, key, _new):
        stream = self.keys[key]
        group = stream.groups[name]
        for id in [id for id in stream.entries if id > group.last][:count]:
            group.last = id
            group.pending[id] = [consumer, 1]

    def do_xack(self, key, name, *ids):
        for id in map(parse_id, ids):
            self.keys[key].groups[name].pending.pop(id, None)

    def do_xclaim(self, key, name, consumer, _idle, *ids):
        stream = self.keys[key]
        for id in map(parse_id, ids):
            self.claim(stream, stream.groups[name], consumer, id)

    def do_xautoclaim(self, key, name, consumer, _idle, _start, _count, count):
        stream = self.keys[key]
        group = stream.groups[name]
        for id in sorted(group.pending)[:count]:
            self.claim(stream, group, consumer, id)

    def claim(self, stream, group, consumer, id):
        if id not in group.pending:
            return
        if id in stream.entries:
            group.pending[id] = [consumer, group.pending[id][1] + 1]
        else:
            del group.pending[id]

    def summary(self):
        """What is cheap to compare."""
        sizes = {key: value.summary() if isinstance(value, Stream) else len(value) for key, value in self.keys.items()}
        return sizes, self.deadlines

    def whole(self):
        return {key: value.whole() if isinstance(value, Stream) else value for key, value in self.keys.items()}, self.deadlines


def parse_id(text):
    ms, _, sequence = (text.decode() if isinstance(text, bytes) else str(text)).partition("-")
    return int(ms), int(sequence or 0)


def observe(client, keys):
    """The model of what the server has under these keys."""
    model = Model()
    client.send([("TYPE", key) for key in keys])
    kinds = {key: client.receive().decode() for key in keys}
    readers = {"list": read_list, "string": read_string, "stream": read_stream}
    for key in keys:
        if kinds[key] == "none":
            continue
        model.keys[key] = readers[kinds[key]](client, key)
        deadline = client.call("PEXPIRETIME", key)
        if deadline >= 0:
            model.deadlines[key] = deadline
    return model


def read_list(client, key):
    return [value.decode() for value in client.call("LRANGE", key, 0, -1)]


def read_string(client, key):
    return client.call("GET", key).decode()


def read_stream(client, key):
    info = pairs(client.call("XINFO", "STREAM", key, "FULL", "COUNT", 0))
    stream = Stream()
    stream.last = parse_id(info["last-generated-id"])
    stream.added = info["entries-added"]
    stream.deleted = parse_id(info["max-deleted-entry-id"])
    for id, fields in info["entries"]:
        stream.entries[parse_id(id)] = tuple(field.decode() for field in fields)
    for group in map(pairs, info["groups"]):
        stream.groups[group["name"].decode()] = read_group(group)
    return stream


def read_group(info):
    group = Group()
    group.last = parse_id(info["last-delivered-id"])
    for id, consumer, _, delivered in info["pending"]:
        group.pending[parse_id(id)] = [consumer.decode(), delivered]
    held = {}
    for consumer in map(pairs, info["consumers"]):
        for id, *_ in consumer["pending"]:
            held[parse_id(id)] = consumer["name"].decode()
    if held != {id: consumer for id, (consumer, _) in group.pending.items()}:
        group.pending["what consumers hold"] = [str(held), 0]
    return group


def pairs(flat):
    return {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}
