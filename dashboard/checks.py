"""Checks of the dashboard's own settings; each names what to change."""

import ipaddress
import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from .names import LOCATION, PROJECT, QUEUE

_IDS = (
    ("dashboard.E002", "GOOGLE_CLOUD_PROJECT", PROJECT, "a project id, such as demo"),
    ("dashboard.E003", "CLOUD_TASKS_LOCATION", LOCATION, "a location, such as us-central1"),
    ("dashboard.E004", "CLOUD_TASKS_QUEUE", QUEUE, "a queue's short id: letters, digits, hyphens"),
)


@register
def where_tasks_go(**kwargs: Any) -> list[CheckMessage]:
    """Check that the settings can make a queue's full name."""
    return [
        Error(f"{name} is {getattr(settings, name)!r}.", hint=f"Set it to {hint}.", id=check_id)
        for check_id, name, pattern, hint in _IDS
        if not re.fullmatch(pattern, getattr(settings, name))
    ]


@register
def endpoint(**kwargs: Any) -> list[CheckMessage]:
    """Check CLOUD_TASKS_ENDPOINT: host and port, and never this machine in the cloud."""
    value = settings.CLOUD_TASKS_ENDPOINT
    if not value:
        return []
    host, _, port = value.rpartition(":")
    if not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9a-f:]+\]", host) or not _is_port(port):
        return [
            Error(
                f"CLOUD_TASKS_ENDPOINT is {value!r}.",
                hint="Write host:port without a scheme, as 127.0.0.1:8123; empty means Google.",
                id="dashboard.E005",
            )
        ]
    if settings.IN_CLOUD and _is_loopback(host):
        return [
            Error(
                f"CLOUD_TASKS_ENDPOINT is {value}, this very machine, in the cloud.",
                hint="Leave CLOUD_TASKS_ENDPOINT empty there, so that tasks go to Google.",
                id="dashboard.E001",
            )
        ]
    if settings.IN_CLOUD:
        return [
            Warning(
                f"Tasks go to {value}, without TLS and without Google's checks, in the cloud.",
                hint="Leave CLOUD_TASKS_ENDPOINT empty there, so that tasks go to Google.",
                id="dashboard.W007",
            )
        ]
    return []


@register
def a_project_of_its_own(**kwargs: Any) -> list[CheckMessage]:
    """Check that the cloud does not ask for the laptop's queues; no project at Google is `demo`."""
    google = settings.IN_CLOUD and not settings.CLOUD_TASKS_ENDPOINT
    if not google or settings.GOOGLE_CLOUD_PROJECT != "demo":
        return []
    return [
        Error(
            "GOOGLE_CLOUD_PROJECT is left out: the queues of `demo` are nobody's at Google.",
            hint="Set GOOGLE_CLOUD_PROJECT to the id of your project, which logs name as well.",
            id="dashboard.E006",
        )
    ]


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 65536


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
