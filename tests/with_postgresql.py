"""Runs a command on a PostgreSQL of its own: `python -m tests.with_postgresql COMMAND...`.

The cluster lives in a temporary folder, listens on a unix socket there and is gone afterwards.
"""

import os
import subprocess
import sys

from tests.cluster import Cluster, programs

DATABASES = {"DATABASE_URL": "tasks", "EMULATOR_DATABASE_URL": "emulator"}


def run(command: list[str]) -> int:
    """Start a cluster, run the command with both database URLs set, stop the cluster."""
    if programs() is None:
        print("=" * 88)
        print("NOT RUN on PostgreSQL: no initdb here (Debian: apt install postgresql)")
        return 1 if os.environ.get("CI") == "true" else 0
    with Cluster() as cluster:
        urls = {variable: cluster.create(name) for variable, name in DATABASES.items()}
        return subprocess.run(command, env=os.environ | urls).returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
