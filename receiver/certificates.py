"""The issuer's certificates, kept: strangers must not turn each request into an outbound one."""

import json
import re
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urlsplit

from google.auth import crypt

TIMEOUT = 3.0
# An unknown key id asks the issuer again at most this often (seconds).
UNKNOWN_EVERY = 30.0
# After a failure nobody asks for so long: a dead endpoint must not hold every thread in turn.
FAILED_PAUSE = 5.0
# Bounds and default of the life of what was fetched (seconds), around Cache-Control's max-age.
LEAST, MOST, USUAL = 60.0, 86400.0, 300.0
_BYTES = 1024 * 1024
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Unreachable(Exception):
    """The issuer's certificates could not be fetched and none are kept that would do."""


@dataclass(frozen=True)
class _Kept:
    """What is known of one URL: swapped as a whole, so that readers need no lock."""

    url: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    fresh_until: float = 0.0
    asked_at: float = float("-inf")
    failed: bool = False

    def usable(self, kid: str, now: float) -> str | None:
        """The key, where no question to the issuer is due."""
        return self.keys.get(kid) if now < self.fresh_until else None

    def may_ask(self, kid: str, now: float) -> bool:
        """Whether a question is due: outdated or never fetched, or an unknown key id."""
        if now >= self.fresh_until:
            return not self.failed or now >= self.asked_at + FAILED_PAUSE
        return kid not in self.keys and now >= self.asked_at + UNKNOWN_EVERY


class Certificates:
    """Certificates by key id, of one URL at a time; safe to use from many threads."""

    def __init__(self) -> None:
        self._kept = _Kept()
        self._asking = threading.Lock()

    def get(self, url: str, kid: str) -> str | None:
        """Return the PEM of a key id, None for an unknown one.

        Raises Unreachable where the issuer cannot be asked; a key that is kept is served then
        even past its age. Waits at most for one fetch.
        """
        kept = self._of(url)
        if pem := kept.usable(kid, time.monotonic()):
            return pem
        if pem := kept.keys.get(kid):
            # Outdated but known: one thread renews, the others need not wait for it.
            if self._asking.acquire(blocking=False):
                try:
                    pem = self._renewed(url, kid).keys.get(kid)
                finally:
                    self._asking.release()
            return pem
        with self._asking:
            kept = self._renewed(url, kid)
        if kid not in kept.keys and kept.failed:
            raise Unreachable
        return kept.keys.get(kid)

    def current(self, url: str, kid: str) -> str | None:
        """Return the PEM of a key id that needs no question to the issuer, else None."""
        return self._of(url).usable(kid, time.monotonic())

    def would_ask(self, url: str, kid: str) -> bool:
        """Tell whether `get` would ask the issuer now, or wait for one who does."""
        kept, now = self._of(url), time.monotonic()
        return kept.usable(kid, now) is None and kept.may_ask(kid, now)

    def _of(self, url: str) -> _Kept:
        kept = self._kept
        return kept if kept.url == url else _Kept(url)

    def _renewed(self, url: str, kid: str) -> _Kept:
        """Ask the issuer if a question is due (the lock is held) and return what is known."""
        kept, now = self._of(url), time.monotonic()
        if kept.may_ask(kid, now):
            try:
                keys, life = fetch(url)
                kept = _Kept(url, keys, time.monotonic() + life, now)
            except (OSError, HTTPException, ValueError, RecursionError):
                kept = _Kept(url, kept.keys, kept.fresh_until, time.monotonic(), failed=True)
            self._kept = kept
        return kept


def fetch(url: str) -> tuple[dict[str, str], float]:
    """Return the certificates at a URL by key id, and for how many seconds they hold.

    Raises OSError, HTTPException or ValueError where there is no `{key id: PEM}` to be had.
    """
    # S310: the opener knows no other scheme than http and https, and follows no redirect.
    with _opener(url).open(url, timeout=TIMEOUT) as answer:
        found = json.loads(answer.read(_BYTES))
        life = _life(answer.headers.get("Cache-Control", ""))
    keys = {}
    if isinstance(found, dict):
        keys = {kid: pem for kid, pem in found.items() if _is_key(pem)}
    if not keys:
        raise ValueError("no certificates")
    return keys, life


def _opener(url: str) -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    handlers = [
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ]
    if urlsplit(url).hostname not in _LOOPBACK:
        handlers.append(urllib.request.ProxyHandler())
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def _life(cache_control: str) -> float:
    found = re.search(r"max-age=(\d{1,9})", cache_control)
    return min(max(float(found[1]), LEAST), MOST) if found else USUAL


def _is_key(pem: object) -> bool:
    try:
        crypt.RSAVerifier.from_string(pem)
    except Exception:  # whatever is wrong with it, it is not a key
        return False
    return True
