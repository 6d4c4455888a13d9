"""Checks of settings as a whole: each has an id and a hint that names the mend."""

import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, Tags, Warning, register, run_checks

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@register(Tags.security)
def no_debug_in_the_cloud(**kwargs: Any) -> list[CheckMessage]:
    """Django's debug pages show settings and cookies to whoever causes an error."""
    if not (settings.DEBUG and settings.IN_CLOUD):
        return []
    return [
        Error(
            "DEBUG is on where K_SERVICE is set.",
            hint="Remove DEBUG from the service's environment.",
            id="config.E001",
        )
    ]


@register(Tags.security)
def a_key_of_its_own_in_the_cloud(**kwargs: Any) -> list[CheckMessage]:
    """Whoever guesses the key can make themselves a session."""
    key = settings.SECRET_KEY
    known = key.startswith("django-insecure-")  # a new project's, out of its repository
    if not settings.IN_CLOUD or (len(key) >= 32 and len(set(key)) >= 8 and not known):
        return []
    return [
        Error(
            "SECRET_KEY can be guessed: it is short, of few different characters, or an example's.",
            hint="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(50))'",
            id="config.E002",
        )
    ]


@register(Tags.security)
def names_of_its_own_in_the_cloud(**kwargs: Any) -> list[CheckMessage]:
    """A wildcard answers to names that are other people's services."""
    wide = [host for host in settings.ALLOWED_HOSTS if host == "*" or host.startswith(".")]
    if not settings.IN_CLOUD or not wide:
        return []
    return [
        Error(
            f"ALLOWED_HOSTS admits any name under {', '.join(wide)}.",
            hint="Write out the service's names, comma-separated.",
            id="config.E003",
        )
    ]


@register(Tags.security)
def no_faked_front(**kwargs: Any) -> list[CheckMessage]:
    """What a proxy says in headers may be believed only where a proxy always says it."""
    if not settings.USE_X_FORWARDED_HOST and (
        settings.IN_CLOUD or not settings.SECURE_PROXY_SSL_HEADER
    ):
        return []
    return [
        Error(
            "Any client can choose the Host or fake TLS: forwarded headers are believed.",
            hint="Leave USE_X_FORWARDED_HOST out, and set SECURE_PROXY_SSL_HEADER only where "
            "K_SERVICE is set: Cloud Run alone sets that header on each request.",
            id="config.E004",
        )
    ]


@register(Tags.security)
def the_dashboard_has_a_name(**kwargs: Any) -> list[CheckMessage]:
    """A dashboard beside the receiver is not reached under the receiver's name."""
    named = os.environ.get("ALLOWED_HOSTS", "").strip()
    if not settings.IN_CLOUD or "receiver" in settings.SURFACES or named:
        return []
    return [
        Warning(
            "ALLOWED_HOSTS is left out: every page of this dashboard would be answered 400.",
            hint="Set ALLOWED_HOSTS to the host of this service's own URL.",
            id="config.W005",
        )
    ]


@register(Tags.security)
def the_receiver_answers_to_its_name(**kwargs: Any) -> list[CheckMessage]:
    """Tasks are sent to RECEIVER_URL, whose host must be admitted."""
    host = (urlsplit(settings.RECEIVER_URL).hostname or "").rstrip(".")
    admitted = {name.strip("[]").lower() for name in settings.ALLOWED_HOSTS}
    wide = any(name == "*" or name.startswith(".") for name in settings.ALLOWED_HOSTS)
    if "receiver" not in settings.SURFACES or wide or host in admitted:
        return []
    return [
        Warning(
            f"ALLOWED_HOSTS lacks {host}, so that tasks sent to RECEIVER_URL are answered 400.",
            hint="Add the host of RECEIVER_URL to ALLOWED_HOSTS, unless a proxy changes it.",
            id="config.W006",
        )
    ]


@register(Tags.security)
def origins_have_tls(**kwargs: Any) -> list[CheckMessage]:
    """A page that came without TLS may have been written by anybody on its way."""
    plain = [
        origin
        for origin in settings.CSRF_TRUSTED_ORIGINS
        if origin.startswith("http://") and urlsplit(origin).hostname not in LOOPBACK
    ]
    if not settings.IN_CLOUD or not plain:
        return []
    return [
        Warning(
            f"CSRF_TRUSTED_ORIGINS admits forms of pages without TLS: {', '.join(plain)}.",
            hint="Write https://; http is for this machine, as gcloud run services proxy has it.",
            id="config.W007",
        )
    ]


@register(Tags.security)
def metrics_have_a_door(**kwargs: Any) -> list[CheckMessage]:
    """Figures of the traffic are nobody else's business; a private service has a door already."""
    private = settings.RECEIVER_AUTH == "iam"
    if not settings.IN_CLOUD or not settings.METRICS or settings.METRICS_TOKEN or private:
        return []
    return [
        Warning(
            "METRICS is on without METRICS_TOKEN: whoever reaches this service reads them.",
            hint="Set METRICS_TOKEN, and give it to the scraper as its bearer token.",
            id="config.W008",
        )
    ]


def errors_found() -> list[str]:
    """Return what stops a start, in words and each with its hint."""
    return [str(found) for found in run_checks() if found.level >= ERROR]
