"""Many events, as a year of use would leave them, in whatever database is configured."""

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import transaction

from receiver import rows, text
from receiver.models import Event

CHUNK = 2000
QUEUES = ["default", *(f"queue-{n}" for n in range(1, 20))]
# The words of a body, the first ones far more often than the last.
_STEMS = [a + b for a in ("or", "in", "pay", "cus", "ship") for b in ("der", "vo", "ment", "tom")]
_ENDS = ("", "ed", "ing", "ice", "er", "able", "s", "ist", "ance", "ly")
WORDS = [stem + end for stem in _STEMS for end in _ENDS]
NEEDLE = "the needle in it"


def fill(count: int, needle_at: int | None = None) -> None:
    """Store `count` events, one a second until now; the body of one has the NEEDLE in it."""
    began = datetime.now(UTC) - timedelta(seconds=count)
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        with transaction.atomic():
            rows.insert([event(n, began, n == needle_at) for n in numbers])


def event(number: int, began: datetime, needle: bool = False) -> Event:
    """Return event `number`: 900 bytes of JSON, 12 headers; each 20th failed."""
    chance = random.Random(number)  # noqa: S311 the same events at every run
    queue = QUEUES[min(int(chance.expovariate(0.5)), len(QUEUES) - 1)]
    task = str(uuid.UUID(int=chance.getrandbits(128)))
    body = _body(number, chance, NEEDLE if needle else "")
    status = chance.choice((500, 503, 429)) if chance.random() < 0.05 else 200
    return Event.of(
        received_at=began + timedelta(seconds=number),
        headers=list(_headers(queue, task, len(body))),
        source=Event.Source.CLOUD_TASKS,
        queue=queue,
        task=task,
        retry_count=0,
        execution_count=0,
        method="POST",
        path=f"/receive/{queue}",
        content_type="application/json",
        body=body,
        body_size=len(body),
        preview=text.preview(body),
        caller_account="tasks@demo.iam.gserviceaccount.com",
        caller_check=Event.Check.VERIFIED,
        status=status,
        outcome="succeeded" if status == 200 else "failed",
        took_us=chance.randrange(1000, 9000),
    )


def _body(number: int, chance: random.Random, needle: str) -> bytes:
    places = (min(int(chance.expovariate(0.03)), len(WORDS) - 1) for _ in range(90))
    words = " ".join(WORDS[place] for place in places)
    key = str(uuid.UUID(int=chance.getrandbits(128)))
    return json.dumps({"number": number, "key": key, "note": needle, "text": words}).encode()


def _headers(queue: str, task: str, size: int) -> Iterator[list[str]]:
    yield from (["Host", "localhost:8080"], ["User-Agent", "Google-Cloud-Tasks"])
    yield from (["Content-Type", "application/json"], ["Content-Length", str(size)])
    yield from (["X-CloudTasks-QueueName", queue], ["X-CloudTasks-TaskName", task])
    for name in ("TaskRetryCount", "TaskExecutionCount"):
        yield [f"X-CloudTasks-{name}", "0"]
    yield ["Authorization", "Bearer <masked, sha256 01234567>"]
