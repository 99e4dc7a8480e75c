#!/usr/bin/env python3
"""Every command under every kind of rule for users, on Redis 8.2.3 and on Millstream: both must allow and refuse the same, in the same words.

    check.py [--millstream PATH] [--first-port N] [--self-test]

For each command and subcommand that both have, a call is made of Redis's own key specs. ACL DRYRUN of it is compared for users who
may do all but this, only this, all but one category, only one category, and for rules about keys and channels. What Redis refuses in a dry
run is then sent by that user in earnest, by itself and within MULTI.
"""

import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))

from rig import resp  # noqa: E402
from rig.connection import Connection  # noqa: E402
from rig.servers import Ports, Server, find_oracle  # noqa: E402

BATCH = 500
SHOWN = 20

# What the self-test adds to the rules of every user on one of two servers: each must be noticed.
SPOILS = ["-xadd", "%W~k0", "&c1"]

# Rules about keys and channels, for a user who may run everything. Calls use the keys k0, k1, ... and the channels c0, c1.
KEY_RULES = [
    "allchannels",
    "allchannels ~k0",
    "allchannels ~k*",
    "allchannels %R~*",
    "allchannels %W~*",
    "allchannels %RW~*",
    "allchannels %R~k0 %W~k1",
    "allchannels %W~k0 %R~k1",
    "allchannels %R~k? ~other",
    "allchannels %R~k0 (%W~k1 +@all)",
    "allchannels ~k0 (~k1 +@all)",
    "allchannels (~* -@all +@read)",
    "allchannels -@all (%R~* +@all) (%W~* +@all)",
]
CHANNEL_RULES = [f"allkeys resetchannels {rule}" for rule in ("", "&c0", "&c*", "&c?", "&other", "(&c0 &c1 +@all)")]

# What Redis keeps in a category and Millstream does not have, or the other way round, is told by the command table's check.
NOT_CALLED = {"exec", "reset", "quit", "multi", "discard"}


class Sides:
    """The same requests to both servers."""

    def __init__(self, servers, spoil=None):
        self.servers, self.spoil = servers, spoil
        self.connections = [Connection(server.port) for server in servers]
        self.compared = 0
        self.differing = []

    def ask(self, requests):
        """The replies of both, a pair for each request."""
        pairs = []
        for at in range(0, len(requests), BATCH):
            batch = requests[at : at + BATCH]
            data = b"".join(resp.encode_command([word.encode() for word in request]) for request in batch)
            for connection in self.connections:
                connection.send(data)
            pairs += [tuple(connection.frame(20) for connection in self.connections) for _ in batch]
        return pairs

    def compare(self, requests, about=""):
        """Both must answer the same. Gives the replies of Redis."""
        pairs = self.ask(requests)
        for request, (theirs, ours) in zip(requests, pairs):
            self.compared += 1
            if theirs != ours:
                self.differing.append(f"{about}{' '.join(request)}\n  redis      {theirs}\n  millstream {ours}")
        return [theirs for theirs, _ in pairs]


def text(frame):
    return frame[1].decode()


def pairs_of(frame):
    """A map of RESP2 as a dictionary."""
    values = frame[1]
    return {text(name): value for name, value in zip(values[::2], values[1::2])}


def rows(connection):
    """Every command and subcommand: its words, arity and key specs."""
    found = {}

    def take(row):
        name, arity, specs, subcommands = text(row[1][0]), int(row[1][1][1]), row[1][8][1], row[1][9][1]
        for subcommand in subcommands:
            take(subcommand)
        if not subcommands:
            found[name] = (name.split("|"), arity, [pairs_of(spec) for spec in specs])

    for row in connection.command("COMMAND")[1]:
        take(row)
    return found


def call_of(words, arity, specs, is_pubsub):
    """A call with keys where the specs say."""
    args = list(words) + ["1"] * (abs(arity) - len(words))
    if is_pubsub:
        args[1:] = ["c0", "c1"][: max(1, abs(arity) - 1)] if arity > 0 else ["c0", "c1"]
    keys = (f"k{number}" for number in range(99))
    for spec in specs:
        place_keys(args, spec, arity, keys)
    return args


def place_keys(args, spec, arity, keys):
    begin, find = pairs_of(spec["begin_search"]), pairs_of(spec["find_keys"])
    where, how = pairs_of(begin["spec"]), pairs_of(find["spec"])
    if text(begin["type"]) == "index":
        start = int(where["index"][1])
    elif text(begin["type"]) == "keyword":
        args.append(text(where["keyword"]))
        start = len(args)
        args.append("1")
    else:
        return
    if text(find["type"]) == "keynum":
        first, step = start + int(how["firstkey"][1]), int(how["keystep"][1])
        extend(args, first + 2 * step)
        args[start + int(how["keynumidx"][1])] = "2"
        put(args, range(first, first + 2 * step, step), keys)
    elif text(find["type"]) == "range":
        last, step, limit = int(how["lastkey"][1]), int(how["keystep"][1]), int(how["limit"][1])
        if last >= 0:
            extend(args, start + last + 1)
            return put(args, range(start, start + last + 1, step), keys)
        if arity < 0:
            extend(args, max(len(args), start + 2 * step * max(limit, 1) - last - 1))
        behind = start + (len(args) - start) // limit if limit > 1 else len(args) + last + 1
        put(args, range(start, behind, step), keys)


def extend(args, length):
    args += ["1"] * (length - len(args))


def put(args, places, keys):
    for place in places:
        args[place] = next(keys)


def set_user(sides, name, rules):
    request = ["ACL", "SETUSER", name, "reset", "on", "nopass", *split_rules(rules)]
    for theirs, ours in sides.ask([request]):
        assert theirs == ours == ("+", b"OK"), f"{rules}: {theirs} {ours}"
    if sides.spoil:
        sides.connections[1].command("ACL", "SETUSER", name, sides.spoil)


def split_rules(rules):
    """Rules are split at blanks, but a selector is one word."""
    words, depth = [], 0
    for word in rules.split():
        if depth:
            words[-1] += " " + word
        else:
            words.append(word)
        depth += word.count("(") - word.count(")")
    return words


def check_rules(sides, rules, calls):
    """A user with these rules and every call: in a dry run, and what Redis refuses in earnest."""
    set_user(sides, "somebody", rules)
    dry = [["ACL", "DRYRUN", "somebody", *call] for call in calls]
    answers = sides.compare(dry, f"[{rules}] ")
    refused = [call for call, answer in zip(calls, answers) if answer[0] == "$" and b"no permission" in answer[1].lower()]
    refused = [call for call in refused if call[0] not in NOT_CALLED]
    if not refused:
        return
    as_somebody = Sides(sides.servers)
    as_somebody.ask([["AUTH", "somebody", "any"]])
    as_somebody.compare(refused, f"[{rules}] sent: ")
    as_somebody.compare([word for call in refused for word in ([["MULTI"], call, ["DISCARD"]] if may_multi(call) else [])], f"[{rules}] in MULTI: ")
    for connection in as_somebody.connections:
        connection.close()
    sides.compared += as_somebody.compared
    sides.differing += as_somebody.differing


def may_multi(call):
    return call[0] not in ("watch", "subscribe")


def check(sides):
    known = [rows(connection) for connection in sides.connections]
    names = sorted(set(known[0]) & set(known[1]))
    pubsub = {text(name) for name in sides.connections[0].command("ACL", "CAT", "pubsub")[1]}
    channels = {"publish", "spublish", "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"} & pubsub
    calls = {name: call_of(*known[0][name], name in channels) for name in names}
    everything = list(calls.values())
    categories = sorted(text(name) for name in sides.connections[0].command("ACL", "CAT")[1])
    check_categories(sides, categories, {name.split("|")[0] for name in names} | set(names))
    sides.compare([["COMMAND", "GETKEYSANDFLAGS", *call] for call in everything])
    for name in names:
        for rules in (f"+@all -{name}", f"-@all +{name}"):
            check_rules(sides, f"allkeys allchannels {rules}", [calls[name]])
    for category in categories:
        for rules in (f"+@all -@{category}", f"-@all +@{category}"):
            check_rules(sides, f"allkeys allchannels {rules}", everything)
    for rules in KEY_RULES + CHANNEL_RULES:
        check_rules(sides, f"+@all {rules}", everything)
    return len(names)


def check_categories(sides, categories, names):
    """What stands in each category, of what both servers have."""
    for theirs, ours in sides.ask([["ACL", "CAT"]]):
        sides.compared += 1
        if sorted(theirs[1]) != sorted(ours[1]):
            sides.differing.append(f"ACL CAT: {theirs} {ours}")
    for category, pair in zip(categories, sides.ask([["ACL", "CAT", category] for category in categories])):
        theirs, ours = ({text(name) for name in frame[1]} & names for frame in pair)
        sides.compared += 1
        if theirs != ours:
            sides.differing.append(f"ACL CAT {category}: only redis {sorted(theirs - ours)}, only millstream {sorted(ours - theirs)}")


def self_test(servers):
    """Redis against itself agrees, and whatever is spoiled is noticed."""
    unnoticed = []
    for spoil in [None, *SPOILS]:
        sides = Sides(servers, spoil)
        check(sides)
        if bool(sides.differing) != bool(spoil):
            unnoticed.append(spoil)
    print(f"{len(SPOILS) + 1} passes, wrong: {unnoticed}")
    return 1 if unnoticed else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millstream", metavar="PATH", default=str(HERE.parents[1] / "target/release/millstream"))
    parser.add_argument("--first-port", type=int, default=22900)
    parser.add_argument("--self-test", action="store_true", help="prove that a right which differs is noticed")
    return parser.parse_args()


def main():
    options = arguments()
    ports, servers = Ports(options.first_port), []
    try:
        servers.append(Server("redis", find_oracle(), ports.take()))
        if options.self_test:
            servers.append(Server("spoiled", find_oracle(), ports.take()))
        else:
            servers.append(Server("millstream", options.millstream, ports.take(), ["--threads", "2"]))
        if options.self_test:
            return self_test(servers)
        sides = Sides(servers)
        count = check(sides)
    finally:
        for server in servers:
            server.stop()
    for difference in sides.differing[:SHOWN]:
        print(difference)
    print(f"{count} commands, {sides.compared} answers compared, {len(sides.differing)} differ")
    return 1 if sides.differing else 0


if __name__ == "__main__":
    sys.exit(main())
