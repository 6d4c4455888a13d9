"""System checks of what a 200 promises: the store lasts, commits before the answer, and syncs."""

import re
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection

_SYNCS = re.compile(r"\bsynchronous\s*=\s*(FULL|EXTRA|2|3)\b", re.IGNORECASE)
_COMMITS = re.compile(r"\bsynchronous_commit\s*=\s*'?(\w+)", re.IGNORECASE)


@checks.register
def check_store(**kwargs: Any) -> list[checks.CheckMessage]:
    """Check that a 200 can be the truth: the store lasts and commits before the answer."""
    found: list[checks.CheckMessage] = []
    if settings.IN_CLOUD and connection.vendor != "postgresql":
        found.append(
            checks.Error(
                "Events would be lost with the container: its disk is not kept.",
                hint="Set DATABASE_URL to a PostgreSQL database.",
                id="receiver.E006",
            )
        )
    if connection.settings_dict["ATOMIC_REQUESTS"]:
        found.append(
            checks.Error(
                "ATOMIC_REQUESTS would commit an event only after its answer was made.",
                hint="Leave ATOMIC_REQUESTS out of the database `default`.",
                id="receiver.E008",
            )
        )
    return found


@checks.register
def check_sync(**kwargs: Any) -> list[checks.CheckMessage]:
    """Check that a commit is on disk: a power cut or crash must not take back a 200."""
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "postgresql":
        said = _COMMITS.findall(str(options.get("options", "")))
        if said and said[-1].lower() not in ("off", "false", "no", "0"):
            return []
        hint = "Add `-c synchronous_commit=on` to the `options` of DATABASE_URL, or leave them out."
    else:
        immediate = str(options.get("transaction_mode", "")).upper() in ("IMMEDIATE", "EXCLUSIVE")
        if immediate and _SYNCS.search(str(options.get("init_command", ""))):
            return []
        hint = (
            "Leave transaction_mode and init_command out of DATABASE_URL: they are IMMEDIATE, and "
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        )
    return [
        checks.Error(
            "A crash could lose events that were answered with 200, or a write fail at once.",
            hint=hint,
            id="receiver.E011",
        )
    ]


@checks.register
def check_redirects(**kwargs: Any) -> list[checks.CheckMessage]:
    """Check that no redirect stands before the receiver: a redirected POST loses its body."""
    exempt = [re.compile(pattern) for pattern in settings.SECURE_REDIRECT_EXEMPT]
    paths = ("", "receive", "receive/x")
    direct = all(any(pattern.search(path) for pattern in exempt) for path in paths)
    if not settings.PREPEND_WWW and (direct or not settings.SECURE_SSL_REDIRECT):
        return []
    return [
        checks.Error(
            "SECURE_SSL_REDIRECT or PREPEND_WWW would redirect deliveries, and a redirected POST "
            "has no body.",
            hint=r"Have ^$ and ^receive(/|$) in SECURE_REDIRECT_EXEMPT; leave PREPEND_WWW out.",
            id="receiver.E012",
        )
    ]
