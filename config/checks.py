"""Checks of settings as a whole: each has an id and a hint that names the mend."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


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
    if not settings.IN_CLOUD or (len(key) >= 32 and len(set(key)) >= 8):
        return []
    return [
        Error(
            "SECRET_KEY can be guessed: it is short, or of few different characters.",
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
