"""A ledger for each test, and workers that end with it."""

import pytest

from rig import Ledger, Workers


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def workers(ledger):
    crew = Workers(ledger)
    yield crew
    crew.end()
