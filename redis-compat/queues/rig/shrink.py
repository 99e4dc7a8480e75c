"""Makes a script that fails as short as it can be, by leaving parts out."""

import time

SHRINK_SECONDS = 60


def shrink(steps, fails, seconds=SHRINK_SECONDS):
    """The shortest script found. `fails` plays one and says whether it fails as the whole one did."""
    deadline = time.monotonic() + seconds
    size = max(1, len(steps) // 2)
    while time.monotonic() < deadline:
        at, shorter = 0, False
        while at < len(steps) and time.monotonic() < deadline:
            rest = steps[:at] + steps[at + size :]
            if rest and fails(rest):
                steps, shorter = rest, True
            else:
                at += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return steps
