"""Plays scripts on two servers and compares what was seen."""

import dataclasses
import os

from . import resp
from .connection import Closed
from .player import Player
from .servers import Server

PATIENT = 6


@dataclasses.dataclass
class Kind:
    """How to start one of the servers: its name in reports, its program, its arguments."""

    name: str
    program: str
    arguments: list


@dataclasses.dataclass
class Difference:
    """The first step where two servers were not the same."""

    script: str
    protocol: int
    line: int
    text: str
    expected: list
    got: list

    def show(self):
        left, right = shown_lines(self.expected, self.got)
        cut = common_length(left, right)
        lines = [f"FAIL {self.script} (RESP{self.protocol}) line {self.line}: {self.text[:LONGEST_SHOWN]}"]
        lines += ["  expected  " + excerpt(text, cut) for text in left] or ["  expected  nothing more"]
        lines += ["  got       " + excerpt(text, cut) for text in right] or ["  got       nothing more"]
        return "\n".join(lines)


LONGEST_SHOWN = 400


def shown(event):
    return f"{event.client}: {resp.printable(event.seen)}"


def shown_lines(expected, got):
    """The events as text; of two texts of many lines, only the lines that differ."""
    if len(expected) == len(got) == 1 and b"\n" in expected[0].seen[20:-2] and expected[0].seen[:1] in b"$=":
        left, right = (event.seen.split(b"\n") for event in (expected[0], got[0]))
        only_left = [resp.printable(line) for line in left[1:] if line not in right]
        only_right = [resp.printable(line) for line in right[1:] if line not in left]
        if only_left or only_right:
            return only_left, only_right
    return [shown(event) for event in expected], [shown(event) for event in got]


def common_length(left, right):
    """How far two single replies are the same."""
    return len(os.path.commonprefix([left[0], right[0]])) if len(left) == len(right) == 1 else 0


def excerpt(text, cut):
    start = max(0, cut - 80)
    end = start + LONGEST_SHOWN
    return ("..." if start else "") + text[start:end] + ("..." if end < len(text) else "")


class Stage:
    """A running server of a kind, restarted when a script has broken it; `fresh` scripts get one of their own."""

    def __init__(self, kind, ports):
        self.kind, self.ports = kind, ports
        self.server = None

    def play(self, script, protocol, patience=1):
        if script.fresh is not None:
            server = self.start(script.fresh)
            try:
                return Player(server, script, protocol, patience).play()
            finally:
                server.stop()
        self.ready()
        return Player(self.server, script, protocol, patience).play()

    def ready(self):
        """The common server, running and empty."""
        try:
            if self.server is None or not self.server.alive():
                raise ConnectionError
            self.server.reset()
        except (OSError, Closed):
            self.stop()
            self.server = self.start([])
        return self.server

    def start(self, more):
        return Server(self.kind.name, self.kind.program, self.ports.take(), self.kind.arguments + more)

    def stop(self):
        if self.server:
            self.server.stop()
            self.server = None


class Comparison:
    """Compares a subject with the oracle, script by script; the oracle plays each script only once."""

    def __init__(self, oracle, subject):
        self.oracle, self.subject = oracle, subject

    def differences(self, script, protocol, known):
        """All differing steps. A difference counts only if it stands when both are played again, patiently."""
        key = (script.name, protocol)
        if key not in known:
            known[key] = self.oracle.play(script, protocol)
        if not diff(script, protocol, known[key], self.played(script, protocol, 1)):
            return []
        known[key] = self.oracle.play(script, protocol, PATIENT)
        return diff(script, protocol, known[key], self.played(script, protocol, PATIENT))

    def played(self, script, protocol, patience):
        """What the subject's clients saw; a subject that dies or hangs is one more thing seen."""
        try:
            return self.subject.play(script, protocol, patience)
        except Exception as error:  # noqa: BLE001 - whatever a broken server causes is a finding, not a crash
            if self.subject.server:
                log = self.subject.server.log()
                self.subject.stop()
            else:
                log = ""
            return [Broken(f"{type(error).__name__}: {error}\n{log}")]


class Broken:
    """Stands for the rest of a play that a broken server cut short."""

    step, client = -1, "server"

    def __init__(self, text):
        self.seen = text.encode()


def diff(script, protocol, expected, got):
    """The differing steps, in order."""
    if got and isinstance(got[0], Broken):
        return [Difference(script.name, protocol, 0, "the server broke", [], got)]
    steps = {step.number: step for step in script.steps}
    found = []
    for number in dict.fromkeys([event.step for event in expected] + [event.step for event in got]):
        left = [event for event in expected if event.step == number]
        right = [event for event in got if event.step == number]
        if left != right:
            line, text = (steps[number].line, steps[number].text) if number else (0, "left over at the end")
            found.append(Difference(script.name, protocol, line, text, left, right))
    return found
