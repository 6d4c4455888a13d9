"""Signs the tokens of the deliveries, and serves the certificate to those who check them."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

ACCOUNT = "tasks@demo.iam.gserviceaccount.com"
AUDIENCE = "http://localhost:8080"


class Issuer:
    """An issuer on a free port, until the block is left."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public = key.public_key().public_bytes(serialization.Encoding.PEM, form)
        self._signer = crypt.RSASigner.from_string(private, key_id="bench")
        self._answer = json.dumps({"bench": public.decode()}).encode()

    def __enter__(self) -> Self:
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    def tokens(self, count: int) -> list[str]:
        """Return so many different tokens, valid for an hour."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True}
        claims |= {"iat": now, "exp": now + 3600, "sub": "1" * 21}
        return [
            jwt.encode(self._signer, claims | {"azp": f"{number:021}"}).decode()
            for number in range(count)
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        content = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
