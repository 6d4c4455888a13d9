"""Tasks for App Engine: what they may be, how they are stored, where they go. Pure rules."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from . import headers
from .errors import invalid

DEADLINES = (timedelta(seconds=15), timedelta(hours=24, seconds=15))
LONGEST_URI = 2083
DEFAULT_SERVICE = "default"
_WITH_BODY = ("POST", "PUT")
_OPTION = re.compile(r"(?:(?P<service>[A-Za-z0-9-]+)=)?(?P<url>https?://[^/\s]+\S*)", re.I)


def check_request(request: Any, method: str) -> None:
    """Raise Refused for what an app_engine_http_request may not be (our texts)."""
    uri = request.relative_uri
    if uri and not uri.startswith("/"):
        raise invalid("AppEngineHttpRequest.relativeUri must begin with '/'.")
    if re.search(r"\s", uri):
        raise invalid("AppEngineHttpRequest.relativeUri must not contain spaces.")
    if len(uri) > LONGEST_URI:
        raise invalid(
            f"AppEngineHttpRequest.relativeUri must be no longer than {LONGEST_URI} characters."
        )
    if request.body and method not in _WITH_BODY:
        raise invalid("AppEngineHttpRequest.body is only allowed for POST and PUT.")
    headers.check(request.headers, "AppEngineHttpRequest.headers")


def fill_stored(stored: Any, request: Any) -> None:
    """Fill `stored` from a checked request, with the headers that the service adds (recorded)."""
    stored.CopyFrom(request)
    stored.relative_uri = request.relative_uri or "/"
    given = {k: v for k, v in request.headers.items() if not headers.is_reserved_for_app_engine(k)}
    agents = [value for key, value in given.items() if key.lower() == "user-agent"]
    given = headers.without(given, "user-agent")
    given["User-Agent"] = " ".join([*agents, headers.APP_ENGINE_USER_AGENT])
    if request.body:
        if not any(key.lower() == "content-type" for key in given):
            given["Content-Type"] = "application/octet-stream"
        given["Content-Length"] = str(len(request.body))
    stored.headers.clear()
    stored.headers.update(given)


def service_of(request: Any, queue: Any) -> str:
    """Return the service a task goes to; the queue's routing override goes before the task's own.

    `queue` is a Queue message. Versions and instances are one and the same here.
    """
    if queue.HasField("app_engine_routing_override"):
        return queue.app_engine_routing_override.service or DEFAULT_SERVICE
    return request.app_engine_routing.service or DEFAULT_SERVICE


def parse_host(option: str) -> tuple[str, str]:
    """Split `[SERVICE=]URL` into the service ("" for every other) and a URL without final slash.

    A URL without a scheme is taken for http. Raises ValueError with a sentence.
    """
    whole = option if "://" in option else re.sub("^([^=]*=)?", r"\1http://", option)
    match = _OPTION.fullmatch(whole)
    if match is None:
        raise ValueError(f"--app-engine-host takes [SERVICE=]URL, not {option!r}.")
    return match["service"] or "", match["url"].rstrip("/")


def address(hosts: Mapping[str, str], service: str, relative_uri: str) -> str:
    """Return the URL of a request to a service; raises LookupError with a sentence."""
    base = hosts.get(service) or hosts.get("")
    if not base:
        raise LookupError(
            f"No address is known for the App Engine service '{service}': start the emulator with "
            f"--app-engine-host {service}=URL."
        )
    return base + relative_uri


def listed(hosts: Mapping[str, str]) -> list[str]:
    """Return the hosts, with ports where given, that the base URLs name."""
    return [urlsplit(url).netloc for url in hosts.values()]
