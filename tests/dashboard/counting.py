"""Writers and readers on a database of its own: `python -m tests.dashboard.counting`.

A process of its own, since the tests' SQLite in memory knows no waiting. Prints what it found.
"""

import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta

import django

WRITERS, READERS, TIMES, TOGETHER = 4, 3, 40, 8


def main() -> None:
    """Write and count at the same time, then hold the figures against the rows."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        # Nobody here rests between two writes, and SQLite is not fair.
        settings.DATABASES["default"]["OPTIONS"]["timeout"] = 60

    call_command("migrate", verbosity=0, database="default")
    from dashboard import cache, figures, rollup
    from dashboard.models import Tally, TallyMark
    from receiver.models import Event

    rollup.SLICE, rollup.FEW, rollup.PATIENCE_MS = 50, 0, 2000
    errors, seen, ended = [], [], threading.Event()

    def let_them_read() -> None:
        """Give way until each reader could have looked: a busy machine starves them."""
        before, end = len(seen), time.monotonic() + 10
        while len(seen) < before + READERS and time.monotonic() < end:
            ended.wait(0.01)

    def write() -> None:
        for n in range(TIMES):
            if n % (TIMES // 4) == 0:
                let_them_read()
            Event.objects.bulk_create(
                Event(
                    received_at=datetime.now(UTC) - timedelta(seconds=40 * (n % 5)),
                    queue=f"q{n % 3}",
                    outcome=("succeeded", "failed")[one % 2],
                    took_us=one * 1000,
                )
                for one in range(TOGETHER)
            )

    def count() -> None:
        before = 0
        while not ended.is_set():
            rollup.catch_up(0.05)
            cache.clear()
            found = figures.look_back("24h").total("events")
            if found < before:
                errors.append(f"{found} after {before}")
            seen.append(found)
            before = found

    threads = [threading.Thread(target=_caught, args=[write, errors]) for _ in range(WRITERS)]
    readers = [threading.Thread(target=_caught, args=[count, errors]) for _ in range(READERS)]
    for thread in threads + readers:
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    for thread in readers:
        thread.join()
    cache.clear()
    while (last := figures.look_back("24h")).to_go:  # the page says so, and asks again
        cache.clear()
    shown = last.total("events")
    while rollup.advance():
        pass
    tallied = sum(Tally.objects.filter(seconds=60).values_list("count", flat=True))
    print(
        json.dumps(
            {
                "errors": errors,
                "while they wrote": len(
                    {one for one in seen if 0 < one < WRITERS * TIMES * TOGETHER}
                ),
                "slices": TallyMark.now().version,
                "stored": Event.objects.count(),
                "figures": shown,
                "tallied": tallied,
            }
        )
    )


def _caught(work, errors: list[str]) -> None:
    from django.db import connection

    try:
        work()
    except Exception as error:
        errors.append(repr(error))
    finally:
        connection.close()


if __name__ == "__main__":
    main()
