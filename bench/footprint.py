"""Measures what PostgreSQL keeps, writes and works for an event: `python bench/footprint.py`.

By the statements that deliveries, searches and retention use, in the database that DATABASE_URL
names, which has to be empty. Sizes and WAL do not depend on the machine; CPU is the backend's,
user and system.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

EVENTS = 30_000
BATCHES = (1, 4, 16)


def made(count: int) -> Iterator[Any]:
    """Make so many events of some 1 KB, as a few busy queues would leave them."""
    from bench.made_events import COLUMNS, events
    from receiver.models import Event

    for row in events(count, 1.0, 1):
        values = dict(zip(COLUMNS, row, strict=True))
        values["headers"] = json.loads(values["headers"])
        yield Event.of(**values)


def asked(sql: str) -> Any:
    """Return the one value that a query gives."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def backend_cpu() -> float:
    """Return the seconds of CPU that this connection's process of the server has used."""
    fields = Path(f"/proc/{asked('SELECT pg_backend_pid()')}/stat").read_text().rpartition(")")[2]
    return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")


def cost(act: Callable[[], int]) -> dict[str, float]:
    """Do something to events; returns WAL bytes, backend CPU us and wall us for each of them."""
    wal, used, began = asked("SELECT pg_current_wal_lsn()"), backend_cpu(), time.monotonic()
    count = act()
    wall, used = time.monotonic() - began, backend_cpu() - used
    written = asked(f"SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '{wal}')")  # noqa: S608
    figures = {"WAL bytes": float(written), "backend CPU us": 1e6 * used, "wall us": 1e6 * wall}
    return {name: value / count for name, value in figures.items()}


def insert(events: Iterator[Any], count: int, batch: int) -> int:
    """Insert events, so many in a transaction, as a receiver commits them."""
    from django.db import transaction

    from receiver import rows

    for _ in range(count // batch):
        with transaction.atomic():
            rows.insert(list(islice(events, batch)))
    return count // batch * batch


def sizes(table: str) -> dict[str, int]:
    """Return the bytes of a table (what it keeps aside too), and of each of its indexes."""
    from django.db import connection

    found = {table: int(asked(f"SELECT pg_table_size('{table}')"))}  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid)"
            " FROM pg_index WHERE indrelid = %s::regclass ORDER BY 2 DESC",
            [table],
        )
        return found | dict(cursor.fetchall())


def show(title: str, figures: dict[str, float]) -> None:
    """Print one line of figures."""
    cells = ", ".join(f"{name} {value:,.0f}" for name, value in figures.items())
    print(f"{title}: {cells}", flush=True)


def measure(count: int) -> None:
    """Fill, index and prune, and print what each has cost for an event."""
    from django.utils import timezone

    from receiver.models import Event, SearchText
    from receiver.models.retention import older, prune

    events, total = made(count * len(BATCHES)), 0
    for batch in BATCHES:
        show(f"insert, {batch} a commit", cost(partial(insert, events, count, batch)))
        total += count // batch * batch
    for name, size in sizes("receiver_event").items():
        show(name, {"bytes an event": size / total})

    def index() -> int:
        while not SearchText.objects.catch_up(60, patient=True):
            pass
        return SearchText.objects.count()

    show("index for searches", cost(index))
    for name, size in sizes("receiver_searchtext").items():
        show(name, {"bytes an event": size / total})
    show("prune", cost(lambda: sum(prune(older(Event, "received_at", timezone.now())))))


def main() -> None:
    """Make the tables and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="for each size of commits")
    options = parser.parse_args()
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        sys.exit(
            "It measures PostgreSQL: python -m tests.with_postgresql python bench/footprint.py"
        )
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    print(asked("SHOW server_version").partition(" ")[0], f"load average {os.getloadavg()[0]:.1f}")
    measure(options.events)


if __name__ == "__main__":
    main()
