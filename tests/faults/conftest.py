"""What the fault tests share: the line that each of them prints, and the ground."""

import time

import pytest

from tests.faults.counts import ON_POSTGRESQL
from tests.faults.ground import Ground


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
def ground(tmp_path_factory):
    """What every receiver stands on."""
    with Ground(tmp_path_factory.mktemp("ground")) as found:
        yield found
