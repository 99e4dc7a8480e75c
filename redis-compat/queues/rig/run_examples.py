"""Plays the examples of pages against a server that is started for it."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

from .page import Ids, blocks_of, steps_of
from .server import ROOT, Broken, Server
from .wire import is_error

PORTS = range(24500, 24700)
COMMAND_SECONDS = 60
# What the examples call redis-cli and python.
STAND_INS = {"redis-cli": '{cli} --no-raw -p {port} "$@"', "python": '{python} -u "$@"'}
SYNTAX_WORD = re.compile(r"[A-Z][A-Z-]+")


def main():
    parser = argparse.ArgumentParser(description="Runs the examples of docs/queues.md.")
    parser.add_argument("--millstream", default=ROOT / "target/release/millstream", metavar="PATH")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    page, readme = (ROOT / "docs/queues.md").read_text(), (ROOT / "README.md").read_text()
    if args.self_test:
        return self_test(args, page)
    passed, failed = 0, 0
    for name, blocks in [("docs/queues.md", blocks_of(page)), ("README.md", tour(readme))]:
        good, bad = Player(args, name).play(blocks)
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def tour(readme):
    """The README's terminals that need redis-cli and nothing else: no second terminal, no server of their own."""
    blocks = [block for block in blocks_of(readme) if not block.kind and "$ redis-cli" in block.text]
    return [block for block in blocks if "# in" not in block.text and not re.search(r"cargo|kill -9", block.text)]


def self_test(args, page):
    """Each way of spoiling the page must fail, and fail only where it was spoiled."""
    begin = page.index("```\n$ ")
    first = page[begin : page.index("\n```\n", begin) + 5]
    spoiled = {
        "another reply": first.replace("OK", "KO", 1),
        "another id": re.sub(r"\d{13}-0(?=[\s\S]*\d{13}-0)", "1700000000000-9", first, count=1),
        "a line too many": first.replace("\n```\n", "\nmore\n```\n"),
        "a block that nothing checks": first.replace("```\n", "```ruby\n", 1),
    }
    results = []
    for name, text in spoiled.items():
        _, failed = Player(args, name, quiet=True).play(blocks_of(text))
        results.append(text != first and failed == 1)
        print(f"{name}: {'noticed' if results[-1] else 'NOT NOTICED'}")
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


class Player:
    def __init__(self, args, name, quiet=False):
        self.args, self.name, self.quiet = args, name, quiet
        self.ids = Ids()
        self.skipped = 0

    def play(self, blocks):
        """How many blocks passed, and how many failed."""
        self.server = Server(self.args.millstream, ports=PORTS)
        try:
            self.wire = self.server.start()
            blocks = [block for block in blocks if self.can(block)]
            self.configure(blocks)
            complaints = [self.complaint(block) for block in blocks]
            self.server.check()
        finally:
            self.server.discard()
        for block, complaint in zip(blocks, complaints):
            if complaint and not self.quiet:
                print(f"--- {self.name}, line {block.line}\n{complaint}\n")
        failed = sum(1 for complaint in complaints if complaint)
        self.tell(f"{self.name}: {len(blocks) - failed} blocks as shown, {failed} not, {self.skipped} skipped")
        return len(blocks) - failed, failed

    def tell(self, text):
        if not self.quiet:
            print(text, flush=True)

    def can(self, block):
        """Whether the server has what the block needs."""
        need = block.needs
        if not need or self.wire.call("COMMAND", "INFO", need) != [None] or self.wire.call("CONFIG", "GET", need):
            return True
        self.skipped += 1
        self.tell(f"{self.name}, line {block.line}: skipped, this server has no {need}")
        return False

    def configure(self, blocks):
        """Starts the server again with the configuration that the page gives."""
        lines = [block.text for block in blocks if block.kind == "conf"]
        if lines:
            self.server.config = self.server.dir / "page.conf"
            self.server.config.write_text("".join(lines))
            self.server.terminate()
            self.wire = self.server.start()

    def complaint(self, block):
        """What is wrong with a block; None if nothing is."""
        try:
            match block.kind:
                case "":
                    return self.terminal(block)
                case "python":
                    return self.file(block)
                case "conf":
                    return None  # The server took it: `configure`.
                case "syntax":
                    return self.syntax(block)
        except (ValueError, Broken) as error:
            return str(error)
        return f"nothing checks blocks of the kind '{block.kind}'"

    def file(self, block):
        name = block.lines[0].removeprefix("# ")
        if not re.fullmatch(r"\w+\.py", name):
            return "its first line does not name a file, as `# name.py`"
        (self.server.dir / name).write_text(block.text.replace("redis.Redis(", f"redis.Redis(port={self.server.port}, "))
        return None

    def terminal(self, block):
        for step in steps_of(block):
            printed = self.run(step)
            if self.args.verbose:
                self.tell(f"$ {step.command}\n" + "\n".join([*step.typed, *printed]))
            shown = step.expected
            if len(shown) != len(printed) or not all(map(self.ids.same, shown, printed)):
                lines = [f"$ {step.command}", "shown:", *shown, "printed:", *printed]
                return "\n".join(lines)
        return None

    def run(self, step):
        words = ["bash", "-c", self.ids.replace(step.command)]
        environment = {**os.environ, "PATH": f"{self.stand_ins()}:{os.environ['PATH']}"}
        typed = self.ids.replace("".join(line + "\n" for line in step.typed))
        options = {"capture_output": True, "text": True, "env": environment, "cwd": self.server.dir}
        try:
            done = subprocess.run(words, input=typed, timeout=COMMAND_SECONDS, **options)
        except subprocess.TimeoutExpired as late:
            raise ValueError(self.unended(step, late)) from None
        lines = (done.stdout + done.stderr).splitlines()
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def unended(self, step, late):
        """What can be told of a command that did not end: what it printed, and what the server says of its clients."""
        printed = [text.decode() if isinstance(text, bytes) else str(text) for text in (late.stdout, late.stderr) if text]
        clients = self.wire.call("CLIENT", "LIST")
        return "\n".join([f"$ {step.command}", f"no end after {COMMAND_SECONDS} s; printed:", *printed, "clients:", clients])

    def stand_ins(self):
        folder = self.server.dir / "bin"
        if not folder.exists():
            folder.mkdir()
            words = {"cli": shutil.which("redis-cli"), "python": sys.executable, "port": self.server.port}
            for name, script in STAND_INS.items():
                (folder / name).write_text("#!/bin/sh\nexec " + script.format(**words) + "\n")
                (folder / name).chmod(0o755)
        return folder

    def syntax(self, block):
        for line in block.lines:
            name = line.split()[0].lower()
            subcommand = line.split()[1] if name in ("xinfo", "xgroup") else ""
            docs = self.wire.call("COMMAND", "DOCS", f"{name}|{subcommand.lower()}" if subcommand else name)
            if is_error(docs) or not docs:
                return f"no command {name} {subcommand}"
            known = set(SYNTAX_WORD.findall(repr(docs)))
            words = set(SYNTAX_WORD.findall(line)) - {name.upper(), subcommand}
            if words - known:
                return f"COMMAND DOCS of {name} {subcommand} has no {', '.join(sorted(words - known))}"
        return None
