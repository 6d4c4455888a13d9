"""What tests of several packages share."""

import pytest

from tests.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """The whole thing, running, for every test that only uses it."""
    with Stack(tmp_path_factory.mktemp("stack"), METRICS="1") as running:
        yield running
