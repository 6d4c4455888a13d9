"""A queue's http_target: what it may be, and what it makes of a task's request. Pure rules."""

import re
from typing import Any, NamedTuple

from . import headers
from .errors import invalid
from .google_types import tasks_v2

UriOverride: Any = tasks_v2.UriOverride.pb()
_HTTP = int(tasks_v2.UriOverride.Scheme.HTTP)
_IF_NOT_EXISTS = int(tasks_v2.UriOverride.UriOverrideEnforceMode.IF_NOT_EXISTS)
_METHODS = set(tasks_v2.HttpMethod.__members__.values())
_LARGEST_PORT = 65535
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]\\]+")
# RFC 3986, appendix B: it splits every string, and CreateTask lets every string after http:// in.
_URI = re.compile(
    r"(?:(?P<scheme>[^:/?#]+):)?(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?:.*@)?(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?", re.DOTALL)


class Parts(NamedTuple):
    """A URL in pieces; an empty piece is not there."""

    scheme: str
    host: str
    port: str
    path: str
    query: str

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self.host}{port}{self.path}{query}"


def check_http_target(target: Any) -> None:
    """Raise Refused for what an http_target may not hold (our texts)."""
    if target.HasField("uri_override"):
        _check_override(target.uri_override)
    if target.http_method and target.http_method not in _METHODS:
        raise invalid("HttpTarget.httpMethod is not a known method.")
    for kind in ("oidc_token", "oauth_token"):
        if target.HasField(kind) and not getattr(target, kind).service_account_email:
            raise invalid("HttpTarget.authorization_header needs a service_account_email.")
    headers.check(_given_headers(target), "HttpTarget.headerOverrides")


def _check_override(override: Any) -> None:
    if not override.host:
        raise invalid("UriOverride.host cannot be empty.")
    if not _HOST.fullmatch(override.host):
        raise invalid("UriOverride.host must be a host name or an address, without a port.")
    if override.port < 0:
        raise invalid("UriOverride.port must be positive; 0 clears the port.")
    if override.port > _LARGEST_PORT:
        raise invalid(f"UriOverride.port must be at most {_LARGEST_PORT}.")


def tidy(queue: Any) -> None:
    """Bring a Queue message's http_target to its stored form: no reserved headers, never empty."""
    target = queue.http_target
    kept = [each for each in target.header_overrides if not headers.is_reserved(each.header.key)]
    if len(kept) < len(target.header_overrides):
        del target.header_overrides[:]
        target.header_overrides.extend(kept)
    if not target.ByteSize():
        queue.ClearField("http_target")


def overridden(request: Any, target: Any) -> Any:
    """Return an HttpRequest as a queue's http_target makes it; its body is the caller's to drop."""
    result = type(request)()
    result.CopyFrom(request)
    if target.HasField("uri_override"):
        result.url = overridden_url(request.url, target.uri_override)
    if target.http_method:
        result.http_method = target.http_method
    for name, value in _given_headers(target).items():
        _set_header(result.headers, name, value)
    for kind in ("oidc_token", "oauth_token"):
        if target.HasField(kind):
            getattr(result, kind).CopyFrom(getattr(target, kind))
    return result


def overridden_url(url: str, override: Any) -> str:
    """Return the URL a request goes to; "" gives the one that the override alone means.

    With IF_NOT_EXISTS a piece of the override counts only where the URL has none of its own.
    """
    own, wanted = split(url), _wanted(override)
    if override.uri_override_enforce_mode == _IF_NOT_EXISTS:
        own = own._replace(path="" if own.path == "/" else own.path)
        return str(Parts(*(mine or new or "" for mine, new in zip(own, wanted, strict=True))))
    return str(
        Parts(*(mine if new is None else new for mine, new in zip(own, wanted, strict=True)))
    )


def _wanted(override: Any) -> list[str | None]:
    """Return scheme, host, port, path and query as the override has them; None leaves a piece."""
    path = query = None
    if override.HasField("path_override"):
        path = override.path_override.path
        path = f"/{path}" if path and not path.startswith("/") else path
    if override.HasField("query_override"):
        query = override.query_override.query_params.removeprefix("?")
    port = (str(override.port) if override.port else "") if override.HasField("port") else None
    scheme = "http" if override.scheme == _HTTP else "https"
    return [scheme, override.host or None, port, path, query]


def split(url: str) -> Parts:
    """Split any string as RFC 3986 does; user names and fragments are left out."""
    parts = _URI.fullmatch(url)
    if parts is None:  # the expression matches every string
        return Parts("", "", "", url, "")
    authority = _AUTHORITY.fullmatch(parts["authority"] or "")
    host, port = (authority["host"], authority["port"]) if authority else ("", "")
    return Parts(parts["scheme"] or "", host, port or "", parts["path"], parts["query"] or "")


def _given_headers(target: Any) -> dict[str, str]:
    return {each.header.key: each.header.value for each in target.header_overrides}


def _set_header(into: Any, name: str, value: str) -> None:
    for old in [each for each in into if each.lower() == name.lower()]:
        del into[old]
    into[name] = value
