"""Makes a failing episode small: delta debugging on its commands."""

import os
import time

from .script import quote

SHRINK_SECONDS = 40


def common_prefix(left, right):
    return os.path.commonprefix([left, right])


def shrink(batches, play, mismatch):
    """A small list of batches that still fails, and how it fails."""
    deadline = time.monotonic() + SHRINK_SECONDS
    kept, best = batches, mismatch
    for cut in (whole_batches, single_commands):
        chunks = max(len(cut(kept)) // 2, 1)
        while chunks >= 1 and time.monotonic() < deadline:
            smaller, found = without_chunks(kept, cut, chunks, play, deadline)
            if found:
                kept, best = smaller, found
            elif chunks == 1:
                break
            chunks = max(min(chunks // 2, len(cut(kept)) // 2), 1)
    return kept, best


def whole_batches(batches):
    """The pieces to leave out: batches."""
    return batches


def single_commands(batches):
    """The pieces to leave out: single commands. What follows a command that waits stays with it."""
    return [piece for batch in batches for piece in ([batch] if batch.wait or batch.hang_up else singles(batch))]


def singles(batch):
    return [type(batch)(batch.client, [args]) for args in batch.commands]


def without_chunks(batches, cut, size, play, deadline):
    """Leaves out each run of `size` pieces for which the rest still fails."""
    pieces, at, best = cut(batches), 0, None
    while at < len(pieces) and time.monotonic() < deadline:
        rest = pieces[:at] + pieces[at + size :]
        mismatch = play(rest) if rest else None
        if mismatch:
            pieces, best = rest, mismatch
        else:
            at += size
    return pieces, best


def as_script(batches):
    """The batches in the script format."""
    lines = []
    for batch in batches:
        if batch.hang_up:
            lines.append(f"    {batch.client} close")
        for number, args in enumerate(batch.commands):
            arrow = (">>" if number == 0 else ">~") if batch.wait else ">"
            words = " ".join(arg.decode() if arg.startswith(b"$client(") else quote(arg) for arg in args)
            lines.append(f"    {batch.client}{arrow} {words}")
    return "\n".join(lines)
