"""What the Python suites share: keys of one's own, and a password for a while."""

import uuid

import pytest
import redis

from harness import PORT


@pytest.fixture(scope="session")
def port():
    return PORT


@pytest.fixture
def key():
    """Makes key names that no other test uses, and removes the keys afterwards. A server full of keys is left as it was."""
    prefix = f"compat:{uuid.uuid4().hex[:8]}:"
    yield lambda name="key": prefix + name
    with redis.Redis(port=PORT) as db:
        for used in list(db.scan_iter(f"{prefix}*")):
            db.unlink(used)


@pytest.fixture
def password():
    """Sets a password on the server for one test."""
    with redis.Redis(port=PORT) as db:
        db.config_set("requirepass", "s3cret")
        try:
            yield "s3cret"
        finally:
            db.config_set("requirepass", "")
