"""The HTTP port: who signs the tokens."""

from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web

from .rest import LARGEST_BODY
from .tokens import SigningKey


def application(key: SigningKey, issuer: str) -> web.Application:
    """Return the web application; `issuer` is what the tokens name as theirs."""
    documents: dict[str, Callable[[], Any]] = {
        "/certs": key.certs,
        "/jwks": key.jwks,
        "/.well-known/openid-configuration": partial(_discovery, issuer),
    }
    app = web.Application(client_max_size=LARGEST_BODY)
    for path, document in documents.items():
        app.router.add_get(path, _document(document))
    return app


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
