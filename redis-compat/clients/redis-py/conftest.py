"""Clients in both protocols. Every client of a test is closed with it."""

import pytest
import redis

from harness import PORT


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def protocol(request):
    return request.param


@pytest.fixture
def connect(protocol):
    opened = []

    def connect(**options):
        options = {"port": PORT, "protocol": protocol, "decode_responses": True, **options}
        opened.append(redis.Redis(**options))
        return opened[-1]

    yield connect
    for client in opened:
        client.close()


@pytest.fixture
def db(connect):
    return connect()
