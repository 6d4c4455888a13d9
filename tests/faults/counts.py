"""How often a fault is tried: a few times in `make test`, in full where FAULTS=full."""

import os

FULL = os.environ.get("FAULTS") == "full"
ON_POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgres")


def times(few, full):
    """Return the count for this run."""
    return full if FULL else few
