"""What the fault tests share: the line that each of them prints, and an issuer of tokens."""

import time

import pytest

from tests.faults.counts import ON_POSTGRESQL
from tests.receiver.issuer import Issuer


@pytest.fixture
def tell(capsys):
    """Print one line past pytest's capture, with the database and the seconds it took."""
    started = time.monotonic()

    def line(text):
        database = "PostgreSQL" if ON_POSTGRESQL else "SQLite"
        with capsys.disabled():
            print(f"\n{text}; {database}, {time.monotonic() - started:.0f} s")

    return line


@pytest.fixture(scope="session")
def token_issuer():
    """An issuer of tokens for every receiver of the fault tests."""
    found = Issuer()
    yield found
    found.stop()
