"""Asks the dashboard for pages inside its own process: `python -m bench.pages`.

The database and Cloud Tasks are those of the environment. A time is the server's alone: by
Django's test client, without a socket. What is kept for some seconds is forgotten first.
"""

import os
import time
from resource import RUSAGE_SELF, getrusage
from typing import Any

import django

from bench.worker import answer, messages


def main() -> None:
    """Answer the bench until it has ended."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    client = _logged_in()
    for job in messages():
        answer(_asked(client, **job))


def _logged_in() -> Any:
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("bench"))
    return client


def _asked(
    client: Any, path: str, poll: bool = False, text: bool = False, stranger: bool = False
) -> dict[str, Any]:
    """Ask for a page once; returns its status, bytes, wall and CPU time in ms.

    `grown` is by how many MB it made the process larger than it ever was. A `stranger` comes
    without the cookie of who was let in to a poll lately.
    """
    from dashboard import cache, let_in

    cache.clear()
    if stranger:
        client.cookies.pop(let_in.COOKIE, None)
    headers = {"HX-Request": "true"} if poll else {}
    before = getrusage(RUSAGE_SELF).ru_maxrss
    began, used = time.perf_counter(), time.process_time()
    got = client.get(path, headers=headers)
    pieces = got.streaming_content if got.streaming else [got.content]
    kept, size = [], 0
    for piece in pieces:
        size += len(piece)
        if text:
            kept.append(piece)
    return {
        "ms": 1000 * (time.perf_counter() - began),
        "cpu": 1000 * (time.process_time() - used),
        "grown": (getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024,
        "status": got.status_code,
        "bytes": size,
        "text": b"".join(kept).decode() if text else "",
    }


if __name__ == "__main__":
    main()
