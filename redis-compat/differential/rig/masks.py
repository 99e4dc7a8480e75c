"""What must differ between two servers that behave the same, made equal. Each mask is named and narrow.

A mask replaces one value by a line `<name>` or `<name:rounded>`, and only where that value has the type and the
range it must have: an idle time of the wrong type, or a year long, stays and shows as a difference.

    ids      a stream id whose time is within an hour of now: `<id1>`, in order of first appearance
    clients  client ids and addresses: `<client:a>`
    about    an age or a time to live, rounded to 10 s, or to ten days if it is longer; negative values stay
    near     an absolute time within ten days of now, as its rounded distance; others stay
    order    members of replies that have no order, sorted
    text     prose, which is each project's own: summaries and notes of commands, texts for people
    any      a number or text that says nothing about behaviour (memory, counters of the machine)
"""

import re
import time

from . import resp

HOUR_MS = 3_600_000
NEAR_MS = 240 * HOUR_MS
STEP_MS = 10_000
GENERATED_ID = re.compile(rb"(\d{13})-\d+")
INTEGER = re.compile(rb"-?\d+")


class Context:
    """What masks know of one play of one script on one server."""

    def __init__(self):
        self.generated = {}
        self.clients = {}
        self.addresses = {}

    def name_client(self, name, client_id, connection):
        self.clients[client_id] = name.encode()
        self.addresses[connection.local.encode()] = name.encode()

    def symbol(self, text):
        """`<idN>` for a generated stream id, otherwise the text itself."""
        match = GENERATED_ID.fullmatch(text)
        if not match or abs(int(match[1]) - now_ms()) > HOUR_MS:
            return text
        return self.generated.setdefault(text, b"<id%d>" % (len(self.generated) + 1))


def now_ms():
    return int(time.time() * 1000)


EXCEPTIONS = None


def mask(args, frame, context):
    """The reply to a command with everything masked that must differ."""
    if args and frame[0] != "-":
        for rule in rules_of(args):
            frame = rule(args, frame, context)
        if EXCEPTIONS:
            frame = EXCEPTIONS.apply(args, frame)
    return symbols(frame, context)


def rules_of(args):
    """The masks for a command, by its name or its name and subcommand."""
    name = args[0].upper().decode("latin-1")
    for key in (name, name + " " + args[1].upper().decode("latin-1") if len(args) > 1 else ""):
        if key in RULES:
            yield RULES[key]


def symbols(frame, context):
    kind, value = frame
    if isinstance(value, list):
        return kind, [symbols(item, context) for item in value]
    if kind in "$+" and value:
        return kind, context.symbol(value)
    return frame


def number(frame):
    return int(frame[1]) if frame[0] == ":" and INTEGER.fullmatch(frame[1]) else None


def about(frame, unit_ms=1):
    """An age or a time to live, rounded; a long one, which ends at a time that somebody named, so that the moment of the play makes no difference."""
    value = number(frame)
    if value is None or value < 0:
        return frame
    step_ms = STEP_MS if value * unit_ms <= NEAR_MS else NEAR_MS
    return ":", b"<about:%d>" % round(value * unit_ms / step_ms)


def near(frame, unit_ms=1):
    """An absolute time as a rounded distance from now."""
    value = number(frame)
    distance = None if value is None else value * unit_ms - now_ms()
    if distance is None or abs(distance) > NEAR_MS:
        return frame
    return ":", b"<near:%d>" % round(distance / STEP_MS)


def anything(frame, least=0):
    """A number that says nothing about behaviour."""
    value = number(frame)
    return frame if value is None or value < least else (":", b"<any>")


def sort(frame):
    kind, value = frame
    return (kind, sorted(value, key=resp.encode)) if isinstance(value, list) else frame


def sort_pairs(frame):
    """Sorts the pairs of a map, or of the flat array that RESP2 makes of it."""
    kind, value = frame
    if not isinstance(value, list) or len(value) % 2:
        return frame
    pairs = sorted(zip(value[::2], value[1::2]), key=lambda pair: resp.encode(pair[0]))
    return kind, [item for pair in pairs for item in pair]


def rows(frame, change):
    """Changes each row of a table."""
    kind, value = frame
    return (kind, [change(row) for row in value]) if isinstance(value, list) else frame


def column(index, change):
    """Changes one element of a row."""

    def at(row):
        kind, value = row
        if not isinstance(value, list) or len(value) <= index:
            return row
        return kind, value[:index] + [change(value[index])] + value[index + 1 :]

    return at


def fields(changes):
    """Changes the values of a map, or of the flat array that RESP2 makes of it, by key."""

    def apply(frame):
        kind, value = frame
        if not isinstance(value, list) or len(value) % 2:
            return frame
        out = list(value)
        for at in range(0, len(out), 2):
            change = changes.get(out[at][1]) if not isinstance(out[at][1], list) else None
            if change:
                out[at + 1] = change(out[at + 1])
        return kind, out

    return apply


def mask_xpending(args, frame, context):
    return rows(frame, column(2, about)) if len(args) > 3 else frame


def mask_claimed(args, frame, context):
    """How long a claimed entry has been idle; what was given back, since 1970."""
    idle = column(2, lambda idle: about(near(idle)))
    stream = lambda entries: rows(entries, idle)
    kind, value = frame
    if kind == "%":
        return kind, [stream(item) if at % 2 else item for at, item in enumerate(value)]
    return rows(frame, column(1, stream))


def mask_xinfo_consumers(args, frame, context):
    return rows(frame, fields({b"idle": about, b"inactive": about}))


CONSUMER_FULL = fields(
    {b"seen-time": near, b"active-time": near, b"pending": lambda pel: rows(pel, column(1, near))}
)
GROUP_FULL = fields(
    {
        b"pending": lambda pel: rows(pel, column(2, near)),
        b"consumers": lambda consumers: rows(consumers, CONSUMER_FULL),
    }
)


def mask_xinfo_stream(args, frame, context):
    if len(args) < 4:
        return frame
    return fields({b"groups": lambda groups: rows(groups, GROUP_FULL)})(frame)


def mask_scan(args, frame, context):
    return column(1, sort)(frame)


def mask_time(args, frame, context):
    kind, value = frame
    if len(value) == 2 and all(item[0] == "$" and INTEGER.fullmatch(item[1]) for item in value):
        if abs(int(value[0][1]) * 1000 - now_ms()) < HOUR_MS and len(value[1][1]) <= 6:
            return kind, [(":", b"<now>"), (":", b"<microseconds>")]
    return frame


def mask_config_get(args, frame, context):
    paths = {name: (lambda text: ("$", b"<path>") if text[1] else text) for name in (b"dir", b"pidfile", b"logfile")}
    return sort_pairs(fields(paths | {b"port": lambda text: ("$", b"<port>")})(frame))


def mask_hello(args, frame, context):
    return fields({b"id": lambda value: client_number(value, context)})(frame)


def client_number(frame, context):
    name = context.clients.get(number(frame), b"?")
    return frame if number(frame) is None else (":", b"<client:%b>" % name)


def mask_client_id(args, frame, context):
    return client_number(frame, context)


CLIENT_NUMBERS = (
    b"fd age idle qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll omem tot-mem "
    b"tot-net-in tot-net-out tot-cmds io-thread watch-mem"
).split()


def mask_client_line(line, context):
    parts = []
    for part in line.split(b" "):
        key, _, value = part.partition(b"=")
        if key == b"id" and value.isdigit():
            value = b"<client:%b>" % context.clients.get(int(value), b"?")
        elif key == b"addr" and value:
            value = b"<client:%b>" % context.addresses.get(value, b"?")
        elif key == b"laddr" and value:
            value = b"<server>"
        elif key in CLIENT_NUMBERS and INTEGER.fullmatch(value):
            value = b"<any>"
        parts.append(key + b"=" + value)
    return b" ".join(parts)


def mask_client_list(args, frame, context):
    kind, text = frame
    if kind not in "$=" or text is None:
        return frame
    head, text = (b"txt:", text[4:]) if kind == "=" and text.startswith(b"txt:") else (b"", text)
    lines = [mask_client_line(line, context) for line in text.split(b"\n")]
    named = sorted(line for line in lines[:-1] if b"<client:?>" not in line)
    return kind, head + b"\n".join(named + lines[-1:])


def mask_acl_log(args, frame, context):
    def age(frame):
        kind, text = frame
        return (kind, b"<age>") if kind in "$," and re.fullmatch(rb"\d{1,2}(\.\d+)?", text) else frame

    def client(frame):
        kind, text = frame
        return (kind, mask_client_line(text, context)) if kind == "$" and text else frame

    changes = {b"age-seconds": age, b"client-info": client, b"timestamp-created": near, b"timestamp-last-updated": near}
    return rows(frame, fields(changes))


def mask_acl_genpass(args, frame, context):
    kind, text = frame
    if kind != "$" or not re.fullmatch(rb"[0-9a-f]+", text or b""):
        return frame
    return kind, b"<password:%d>" % len(text)


INFO_EXACT = (
    b"acl_access_denied_auth acl_access_denied_cmd acl_access_denied_key acl_access_denied_channel "
    b"redis_mode role connected_slaves master_failover_state cluster_enabled loading async_loading "
    b"blocked_clients pubsub_channels pubsub_patterns pubsubshard_channels expired_keys evicted_keys "
    b"keyspace_hits keyspace_misses total_error_replies unexpected_error_replies watching_clients "
    b"clients_in_timeout_table total_watched_keys total_blocking_keys total_blocking_keys_on_nokey maxmemory_policy "
    b"aof_enabled redis_version tracking_clients"
).split()
STATISTICS = re.compile(rb"(usec|usec_per_call|p50|p99|p99\.9|avg_ttl)=[\d.]+")


def mask_info(args, frame, context):
    kind, text = frame
    if kind not in "$=" or text is None:
        return frame
    lines = list(map(mask_info_line, text.split(b"\r\n")))
    return kind, b"\r\n".join(sorted_statistics(lines))


def sorted_statistics(lines):
    """The lines of INFO with those of each command, which have no order, sorted."""
    unordered = (b"cmdstat_", b"latency_percentiles_")
    ordered = iter(sorted(line for line in lines if line.startswith(unordered)))
    return [next(ordered) if line.startswith(unordered) else line for line in lines]


def mask_info_line(line):
    key, colon, value = line.partition(b":")
    if key.startswith((b"errorstat_", b"cmdstat_", b"latency_percentiles_", b"db")):
        return key + colon + STATISTICS.sub(rb"\1=<any>", value)
    if not colon or key in INFO_EXACT or line.startswith(b"txt"):
        return line
    return key + colon + b"<any>"


def mask_slowlog(args, frame, context):
    def row(entry):
        kind, value = entry
        if not isinstance(value, list) or len(value) != 6:
            return entry
        name = context.addresses.get(value[4][1], b"?")
        shown = [anything(value[0]), near(value[1], 1000), anything(value[2])]
        return kind, shown + [value[3], ("$", b"<client:%b>" % name), value[5]]

    return rows(frame, row)


def mask_latency(args, frame, context):
    return rows(frame, lambda row: column(1, lambda at: near(at, 1000))(column(2, anything)(column(3, anything)(row))))


def mask_latency_history(args, frame, context):
    return rows(frame, lambda row: column(0, lambda at: near(at, 1000))(column(1, anything)(row)))


def prose(frame):
    """A text for people: only that it is one."""
    return (frame[0], b"<text>") if frame[0] in "$=+" and frame[1] else frame


def shape(frame):
    """Names and values in turn: the names as they are, of the values what they are, not how much."""
    kind, value = frame
    if kind not in "*%" or not value:
        return kind, b"<any>"
    return kind, [shape(item) if at % 2 else item for at, item in enumerate(value)]


def mask_histogram(args, frame, context):
    """Commands with their calls; how many of them took how long depends on the machine."""

    def of_command(reply):
        names, values = reply[1][::2], reply[1][1::2]
        masked = [value if name[1] == b"calls" else ("$", b"<times>") for name, value in zip(names, values)]
        return reply[0], [item for pair in zip(names, masked) for item in pair]

    kind, value = frame
    if kind not in "*%" or not value:
        return frame
    return kind, [of_command(item) if at % 2 else item for at, item in enumerate(value)]


DOCUMENTATION = fields(
    {
        b"summary": prose,
        b"complexity": prose,
        b"history": lambda history: rows(history, column(1, prose)),
    }
)


def mask_command_docs(args, frame, context):
    kind, value = frame
    if not isinstance(value, list):
        return frame
    return sort_pairs((kind, [documentation(item) if at % 2 else item for at, item in enumerate(value)]))


def documentation(frame):
    kind, value = DOCUMENTATION(frame)
    out = list(value) if isinstance(value, list) else []
    for at in range(0, len(out) - 1, 2):
        if out[at][1] == b"subcommands":
            out[at + 1] = mask_command_docs([], out[at + 1], None)
    return kind, out


def mask_command_info(args, frame, context):
    return rows(frame, command_row)


def command_row(row):
    """A row of COMMAND INFO: flags, categories and tips are sets; subcommands have no order."""
    kind, value = row
    if not isinstance(value, list) or len(value) != 10:
        return row
    out = list(value)
    out[2], out[6], out[7] = sort(out[2]), sort(out[6]), sort(out[7])
    out[8] = rows(out[8], fields({b"notes": prose}))
    out[9] = sort(rows(out[9], command_row))
    return kind, out


def random_fields(frame):
    """What was picked at random: only how much of it."""
    kind, value = frame
    if isinstance(value, list):
        return kind, [random_fields(item) for item in value]
    return kind, b"<random>"


def in_table(change):
    """For keys that are named `big`: large enough to be a hash table, whose order is no order. For keys that are named `rnd` nothing but the form."""

    def rule(args, frame, context):
        key = args[1] if len(args) > 1 else b""
        if key.startswith(b"rnd"):
            return random_fields(frame)
        return change(frame) if any(arg.startswith(b"big") for arg in args[1:]) else frame

    return rule


def simply(change):
    return lambda args, frame, context: change(frame)


RULES = {
    "ACL CAT": lambda args, frame, context: sort(frame) if len(args) > 2 else frame,
    "ACL GENPASS": mask_acl_genpass,
    "ACL LOG": mask_acl_log,
    "CLIENT ID": mask_client_id,
    "CLIENT INFO": mask_client_list,
    "CLIENT LIST": mask_client_list,
    "COMMAND DOCS": mask_command_docs,
    "COMMAND INFO": mask_command_info,
    "COMMAND LIST": simply(sort),
    "CONFIG GET": mask_config_get,
    "DEBUG OBJECT": simply(prose),
    "EXPIRETIME": simply(lambda frame: near(frame, 1000)),
    "HELLO": mask_hello,
    "HEXPIRETIME": simply(lambda frame: rows(frame, lambda time: near(time, 1000))),
    "HGETALL": in_table(sort_pairs),
    "HKEYS": in_table(sort),
    "HPEXPIRETIME": simply(lambda frame: rows(frame, near)),
    "HPTTL": simply(lambda frame: rows(frame, about)),
    "HRANDFIELD": in_table(sort),
    "HSCAN": in_table(column(1, sort)),
    "HTTL": simply(lambda frame: rows(frame, lambda time: about(time, 1000))),
    "HVALS": in_table(sort),
    "INFO": mask_info,
    "KEYS": simply(sort),
    "LASTSAVE": simply(lambda frame: anything(frame, 1)),
    "LATENCY DOCTOR": simply(prose),
    "LATENCY GRAPH": simply(prose),
    "LATENCY HISTOGRAM": mask_histogram,
    "LATENCY HISTORY": mask_latency_history,
    "LATENCY LATEST": mask_latency,
    "LOLWUT": simply(prose),
    "MEMORY DOCTOR": simply(prose),
    "MEMORY STATS": simply(shape),
    "MEMORY USAGE": simply(lambda frame: anything(frame, 1)),
    "OBJECT IDLETIME": simply(lambda frame: about(frame, 1000)),
    "PEXPIRETIME": simply(near),
    "PTTL": simply(about),
    "PUBSUB CHANNELS": simply(sort),
    "PUBSUB SHARDCHANNELS": simply(sort),
    "SCAN": mask_scan,
    "SDIFF": simply(sort),
    "SINTER": in_table(sort),
    "SLOWLOG GET": mask_slowlog,
    "SMEMBERS": in_table(sort),
    "SORT": in_table(sort),
    "SORT_RO": in_table(sort),
    "SPOP": lambda args, frame, context: sort(in_table(sort)(args, frame, context)),
    "SRANDMEMBER": in_table(sort),
    "SSCAN": in_table(column(1, sort)),
    "SUNION": simply(sort),
    "TIME": mask_time,
    "TTL": simply(lambda frame: about(frame, 1000)),
    "XINFO CONSUMERS": mask_xinfo_consumers,
    "XINFO STREAM": mask_xinfo_stream,
    "XPENDING": mask_xpending,
    "XREADGROUP": mask_claimed,
}

MONITOR_LINE = re.compile(rb"\d{10}\.\d{6} \[(\d+) ([^\]]*)\]")


def mask_monitor(frame, context):
    """A line of MONITOR: time and address."""

    def shown(match):
        return b"<now> [%b <client:%b>]" % (match[1], context.addresses.get(match[2], b"?"))

    kind, value = frame
    return (kind, MONITOR_LINE.sub(shown, value)) if kind == "+" else frame
