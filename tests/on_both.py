"""Runs pytest on SQLite and on PostgreSQL at once: `python -m tests.on_both [ARGUMENTS...]`.

Most tests wait for processes, so that two runs share two cores well. What the second run prints is
kept until the first has ended, and shown then.
"""

import os
import subprocess
import sys
import tempfile

PYTEST = [sys.executable, "-m", "pytest"]
ON_POSTGRESQL = [sys.executable, "-m", "tests.with_postgresql"]
VARIABLES = ("DATABASE_URL", "EMULATOR_DATABASE_URL")


def together(first: list[str], second: list[str]) -> int:
    """Run two commands side by side; returns 0 only if both do, else the first code that is not."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    with tempfile.TemporaryFile() as kept:
        other = subprocess.Popen(second, env=environment, stdout=kept, stderr=subprocess.STDOUT)
        try:
            code = subprocess.run(first, env=environment).returncode
        finally:
            other.wait()  # Ctrl-C reaches it too: it has a PostgreSQL to stop
            kept.seek(0)
            sys.stdout.buffer.write(kept.read())
            sys.stdout.flush()
    return code or other.returncode


if __name__ == "__main__":
    command = [*PYTEST, *sys.argv[1:]]
    sys.exit(together(command, [*ON_POSTGRESQL, *command]))
