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
