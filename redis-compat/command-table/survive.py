#!/usr/bin/env python3
"""Sends the server random commands made of its own command table, and looks whether it lives.

    survive.py [--port PORT] [--seed N] [--lines N] [--clients N]

Every line is a command with arguments as COMMAND DOCS describes them, over few keys and with odd values; now and then a
word too few, a word too many, or options in another order. Clients send at the same time, each with its own seed
(printed), in pipelines. Each line must get one well-formed reply, and at the end the server must still answer.
"""

import argparse
import os
import random
import sys
import threading
import time

from oracle import Connection

PIPELINE = 50

# They end the connection or the server, turn replies off or into a stream, or hold everybody up.
LEFT_OUT = {
    *("shutdown", "quit", "reset", "hello", "auth", "monitor", "debug", "replicaof", "slaveof", "wait", "waitaof"),
    *("acl|setuser", "acl|deluser", "sync", "psync", "failover", "migrate", "save", "bgsave", "bgrewriteaof"),
    *("subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"),
    *("script|debug", "client|tracking", "client|reply", "client|kill", "client|pause", "config|set", "config|rewrite"),
}

KEYS = ["a", "b", "c", "{a}1", "{a}2", "STREAMS", "COUNT", "1"]
IDS = ["*", ">", "$", "-", "+", "0", "1-1", "2-2", "5", "5-*", "0-0", "(1-1", f"{2**64 - 1}-{2**64 - 1}"]
WORDS = ["STREAMS", "COUNT", "GROUP", "IDS", "LEFT", "x", "", "*", "0", "-1", "1e5", "nan", f"{2**63}", f"{-2**63}"]
INTEGERS = [0, 1, 2, 3, 3, -1, 10, 100_000, 2**63 - 1, -(2**63)]
DOUBLES = ["1.5", "0", "-3", "1e400", "inf"]
TIMES = ["1", "2000000000", "2000000000000", "-5", f"{2**63 - 1}"]
PATTERNS = ["*", "a*", "?", "[a-", "\\"]
SHORTEST_WAIT = "0.001"


def plain(reply):
    """A typed reply as dicts, lists and text."""
    kind, value = reply
    if kind == "%":
        return {plain(name): plain(value) for name, value in value}
    return [plain(element) for element in value] if isinstance(value, list) else value.decode()


def calls(docs):
    """(names, arguments) of everything that can be called."""
    for name, facts in docs.items():
        for sub, more in facts.get("subcommands", {}).items():
            yield sub.split("|"), more.get("arguments", [])
        if "subcommands" not in facts or name == "command":
            yield [name], facts.get("arguments", [])


class Lines:
    """Random lines, the same for the same seed."""

    def __init__(self, docs, seed):
        self.random = random.Random(seed)
        left_in = [call for call in calls(docs) if not {call[0][0], "|".join(call[0])} & LEFT_OUT]
        self.calls = left_in

    def line(self):
        names, arguments = self.random.choice(self.calls)
        parts = [self.words(argument) for argument in arguments]
        if any(argument["name"] == "timeout" for argument in arguments):
            return [*names, *sum(parts, [])]  # as it should be, or it might wait for ever
        if self.random.random() < 0.15:
            self.random.shuffle(parts)
        line = [*names, *sum(parts, [])]
        if self.random.random() < 0.05 and len(line) > len(names):
            del line[self.random.randrange(len(names), len(line))]
        if self.random.random() < 0.05:
            line.insert(self.random.randint(len(names), len(line)), self.random.choice(WORDS))
        return line

    def words(self, argument):
        flags = argument.get("flags", [])
        if argument.get("token") == "BLOCK" or "optional" in flags and self.random.random() < 0.6:
            return []
        words = []
        for time_ in range(self.random.choice([1, 1, 2, 3]) if "multiple" in flags else 1):
            if "token" in argument and (time_ == 0 or "multiple_token" in flags):
                words.append(argument["token"])
            words += self.value(argument)
        return words

    def value(self, argument):
        kind, name = argument["type"], argument["name"]
        if kind == "pure-token":
            return []
        if kind == "oneof":
            return self.words(self.random.choice(argument["arguments"]))
        if kind == "block":
            return sum((self.words(part) for part in argument["arguments"]), [])
        if name == "timeout":
            return [SHORTEST_WAIT]
        if self.random.random() < 0.04:
            return [self.random.choice(WORDS)]
        return [str(self.random.choice(self.choices(kind, name)))]

    def choices(self, kind, name):
        by_kind = {"key": KEYS, "integer": INTEGERS, "double": DOUBLES, "unix-time": TIMES, "pattern": PATTERNS}
        if kind in by_kind:
            return by_kind[kind]
        if "group" in name or "consumer" in name:
            return ["g", "h", "STREAMS"]
        if "id" in name or name in ("start", "end", "threshold"):
            return IDS
        return ["v", "w", "1", "", "a longer value", "x" * 100]


def run(port, docs, seed, lines, failures):
    """One client's share."""
    source = Lines(docs, seed)
    connection = Connection(port, 2 + seed % 2)
    sent = []
    try:
        for _ in range(lines // PIPELINE):
            sent = [source.line() for _ in range(PIPELINE)]
            connection.send(sent)
            for _ in sent:
                connection.reply()
    except (OSError, ValueError, EOFError) as error:
        failures.append(f"seed {seed}: {error!r}; the last lines sent:\n" + "\n".join(map(repr, sent)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=int(os.environ.get("SERVER_PORT", "6379")))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--lines", type=int, default=100_000, help="of all clients together")
    parser.add_argument("--clients", type=int, default=4)
    args = parser.parse_args()
    docs = plain(Connection(args.port, 3).call("COMMAND", "DOCS"))
    print(f"seeds {args.seed} to {args.seed + args.clients - 1}")
    failures = []
    share = args.lines // args.clients
    seeds = range(args.seed, args.seed + args.clients)
    clients = [threading.Thread(target=run, args=(args.port, docs, seed, share, failures)) for seed in seeds]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    try:
        answer = Connection(args.port, 2).call("PING")
    except OSError as error:
        answer = error
    if answer != ("+", b"PONG"):
        failures.append(f"the server does not answer any more: {answer!r}")
    print(*failures, sep="\n", end="\n" if failures else "")
    print(f"{1 + len(clients) - len(failures)} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
