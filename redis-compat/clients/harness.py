"""Where the server under test is, and doing something a little later than now."""

import os
import threading
from contextlib import contextmanager

PORT = int(os.environ.get("SERVER_PORT", "6379"))


@contextmanager
def later(seconds, action):
    """Runs `action` in a thread of its own after a while; leaves only when it has run."""
    timer = threading.Timer(seconds, action)
    timer.start()
    try:
        yield
    finally:
        timer.join()
