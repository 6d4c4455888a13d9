"""The HTTP port: who signs the tokens, which names it answers to, and that errors are JSON."""

import socket
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from django.conf import settings

from . import refusals
from .answers import Handler, in_json, refusal
from .hosts import is_ours
from .rest import LARGEST_BODY
from .tokens import SigningKey


def application(key: SigningKey, issuer: str) -> web.Application:
    """Return the web application; `issuer` is what the tokens name as theirs."""
    documents: dict[str, Callable[[], Any]] = {
        "/certs": key.certs,
        "/jwks": key.jwks,
        "/.well-known/openid-configuration": partial(_discovery, issuer),
    }
    listed = [*settings.EMULATOR_ALLOWED_HOSTS, settings.EMULATOR_HOST, socket.gethostname()]
    asked = _asked_by_name([*listed, urlsplit(issuer).hostname or ""], {*documents, "/health"})
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[in_json, asked])
    for path, document in documents.items():
        app.router.add_get(path, _document(document))
    return app


def _asked_by_name(listed: list[str], public: set[str]) -> Any:
    """Return what refuses every other Host; what is `public` is read by targets and probes."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host")
        if request.path in public or is_ours(host, listed):
            return await handler(request)
        return refusal(refusals.host_unknown(str(host)))

    return check


def _discovery(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["aud", "azp", "email", "email_verified", "exp", "iat", "iss", "sub"],
    }


def _document(document: Callable[[], Any]) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(document(), headers={"Cache-Control": "public, max-age=3600"})

    return answer
