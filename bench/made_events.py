"""Events as a few busy queues would leave them, as many as wanted, written as fast as can be."""

import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import pi, sin
from pathlib import Path
from typing import Any

import psycopg

DAYS = 7.0
# Queue, its share, its failures in a thousand, its usual handler time in ms.
QUEUES = [
    ("default", 40, 12, 3),
    ("emails", 25, 30, 9),
    ("billing-webhooks", 18, 90, 40),
    ("image-resize", 12, 4, 220),
    ("nightly-reports", 5, 15, 900),
]
WORDS = [
    "order",
    "paid",
    "invoice",
    "shipped",
    "refund",
    "user",
    "created",
    "export",
    "naïve",
    "retry",
    "thumbnail",
    "report",
]
HEADERS = json.dumps(
    [
        ["Host", "tasks.example.com"],
        ["User-Agent", "Google-Cloud-Tasks"],
        ["Content-Type", "application/json"],
        ["Accept-Encoding", "gzip, deflate, br"],
        ["Authorization", "Bearer [masked]"],
    ]
)
COLUMNS = (
    *("received_at", "source", "queue", "task", "retry_count", "execution_count", "eta"),
    *("previous_response", "retry_reason", "method", "path", "query", "headers", "content_type"),
    *("body", "body_size", "preview", "caller_account", "caller_audience", "caller_check"),
    *("status", "outcome", "took_us", "trace", "reply_name"),
)


def fill(url: str, count: int, days: float = DAYS, seed: int = 1) -> None:
    """Write so many events, received over the last days, into a database's table of events."""
    if url.startswith("postgres"):
        _copy(url, events(count, days, seed))
    else:
        _insert(Path(url.removeprefix("sqlite:///")), events(count, days, seed))


def events(count: int, days: float, seed: int) -> Iterator[tuple[Any, ...]]:
    """Make the rows, oldest first, in the order of COLUMNS; the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311  no secret
    begin, step = datetime.now(UTC) - timedelta(days=days), days / count
    weights = [share for _, share, _, _ in QUEUES]
    notes = [" ".join(chance.choices(WORDS, k=120)) for _ in range(500)]
    for n in range(count):
        # Twice a day it is busy and calm: the same time holds more or fewer of them.
        day = step * (n + 1)
        at = begin + timedelta(days=day - sin(4 * pi * day) / 20 + sin(4 * pi * days) / 20)
        queue, _, failing, usual = chance.choices(QUEUES, weights)[0]
        failed = chance.randrange(1000) < failing
        status = chance.choice((500, 503, 429)) if failed else 200
        took = int(1000 * usual * chance.lognormvariate(0, 0.8))
        yield _row(n, at, queue, status, took, _body(n, chance.choice(notes)))


def _body(n: int, note: str) -> bytes:
    return f'{{"id": {n}, "customer": {n % 9973}, "note": "{note}"}}'.encode()


def _row(n: int, at: datetime, queue: str, status: int, took: int, body: bytes) -> tuple[Any, ...]:
    task, retry = f"{queue}-{n // 2:09}", n % 2
    headers = f'{HEADERS[:-1]}, ["X-CloudTasks-QueueName", "{queue}"]]'
    outcome = "succeeded" if status == 200 else "failed"
    return (
        *(at, "cloud-tasks", queue, task, retry, retry, at - timedelta(seconds=1)),
        *(500 if retry else None, "", "POST", f"/receive/{queue}", "", headers),
        *("application/json", body, len(body), body[:120].decode(errors="replace")),
        *("tasks@demo.iam.gserviceaccount.com", "https://tasks.example.com", "verified"),
        *(status, outcome, took, "", ""),
    )


def _insert(file: Path, rows: Iterator[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(COLUMNS))
    sql = f"INSERT INTO receiver_event ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608
    instants = [n for n, name in enumerate(COLUMNS) if name in ("received_at", "eta")]

    def texts() -> Iterator[list[Any]]:
        for row in rows:
            values = list(row)
            for n in instants:
                values[n] = str(values[n].replace(tzinfo=None))  # as Django writes it
            yield values

    connection = sqlite3.connect(file, timeout=60)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        with connection:
            connection.executemany(sql, texts())
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _copy(url: str, rows: Iterator[tuple[Any, ...]]) -> None:
    with psycopg.connect(url) as connection:
        copied = f"COPY receiver_event ({', '.join(COLUMNS)}) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(copied) as copy:
            for row in rows:
                copy.write_row(row)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE receiver_event")
