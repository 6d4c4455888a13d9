"""Two runs side by side fail if either does, and nothing that they print is lost."""

import sys
from subprocess import run

import pytest

from tests.processes import ROOT


def both(first, second):
    """Return what two commands that print and exit come to together."""
    script = "import sys; from tests.on_both import together; sys.exit(together(*{}))"
    commands = [[sys.executable, "-c", code] for code in (first, second)]
    return run(
        [sys.executable, "-c", script.format(commands)], cwd=ROOT, capture_output=True, text=True
    )


def test_both_are_shown_one_after_the_other_and_see_no_database(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/")
    look = "import os; print('DATABASE_URL' in os.environ, {})"
    done = both(look.format(1), look.format(2))
    assert (done.returncode, done.stdout.splitlines()) == (0, ["False 1", "False 2"])


@pytest.mark.parametrize(("first", "second", "code"), [(3, 0, 3), (0, 4, 4), (5, 6, 5)])
def test_it_fails_where_either_does(first, second, code):
    assert both(f"raise SystemExit({first})", f"raise SystemExit({second})").returncode == code
