"""What a live list knows, written into its next poll and read back."""

import pytest

from dashboard import cursor


@pytest.mark.parametrize(
    "known",
    [set(), {1}, {1, 2, 5}, {513}, {1000, 999, 489}, set(range(1, 513)), {2**62, 2**62 - 9}],
)
def test_a_cursor_is_read_back_as_it_was_written(known):
    written = cursor.write(known)
    assert cursor.read(int(written["after"]), str(written["seen"]))[1] == known


def test_what_is_further_back_than_a_list_shows_is_forgotten():
    written = cursor.write({1, 2, 3, 515})
    assert written["after"] == 3
    assert cursor.read(3, str(written["seen"])) == (3, {515})


@pytest.mark.parametrize("seen", ["", "g", "F", "-1", "0x1", "1 ", "f" * 129, "١"])
def test_what_is_no_cursor_knows_nothing(seen):
    assert cursor.read(None, seen) == (0, set())
