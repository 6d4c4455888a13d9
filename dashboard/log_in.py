"""The log-in form with a limit: tries of one account at one address, and of all at one address.

Each try is counted before the password is looked at, so that many at once gain nothing. An account
alone has no limit: else strangers anywhere could lock its owner out for as long as they like.
"""

from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from .models import LogInTry

AT_ADDRESS, ADDRESS = 5, 50  # tries in 15 minutes
SENTENCE = "Too many tries to log in. Wait 15 minutes, then try again."


def address_of(request: HttpRequest) -> str:
    """Return who calls: in the cloud the last of X-Forwarded-For, which Google's front end adds.

    Of IPv6 the network of /64, of which one machine has every address.
    """
    text = str(request.META.get("REMOTE_ADDR", ""))
    if settings.IN_CLOUD:
        text = request.headers.get("X-Forwarded-For", text).rsplit(",", 1)[-1].strip()
    try:
        address = ip_address(text)
    except ValueError:
        return text[:64]
    return str(ip_network(f"{address}/64", strict=False)) if address.version == 6 else str(address)


class LogInForm(AdminAuthenticationForm):
    """The admin's log-in form; too many tries are refused with a sentence."""

    def clean(self) -> dict[str, Any]:
        account, password = map(self.cleaned_data.get, ("username", "password"))
        if not account or not password or self.request is None:
            return super().clean()
        address = address_of(self.request)
        limits = {f"{address} {account.casefold()}": AT_ADDRESS, address: ADDRESS}
        if not all(LogInTry.objects.take(key, most) for key, most in limits.items()):
            raise ValidationError(SENTENCE, code="limited")
        data = super().clean()  # raises where the password is wrong
        LogInTry.objects.forget(*limits)
        return data
