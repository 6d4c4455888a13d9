"""A token issuer on a real loopback socket: its certificates, its signatures, its failures."""

import base64
import json
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ACCOUNT = "tasks@demo.iam.gserviceaccount.com"
AUDIENCE = "http://localhost:8080"


@cache
def key(name):
    """One key a name for the whole run: making them is the slow part."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(name):
    public = key(name).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


def part(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Serves `{key id: PEM}` at /certs on port 0 and signs tokens with the same keys."""

    def __init__(self):
        self.fetches = 0
        self.certificates = {"kid-1": pem("one")}
        self.answer = None  # (status, bytes) in place of the certificates
        self.max_age = 3600
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _handler(issuer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with issuer.lock:
                    issuer.fetches += 1
                status, body = issuer.answer or (200, json.dumps(issuer.certificates).encode())
                self.send_response(status)
                self.send_header("Cache-Control", f"public, max-age={issuer.max_age}")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        return Handler

    def claims(self, **changes):
        now = int(time.time())
        claims = {
            "aud": AUDIENCE,
            "azp": "1" * 21,
            "email": ACCOUNT,
            "email_verified": True,
            "exp": now + 3600,
            "iat": now,
            "iss": self.url,
            "sub": "1" * 21,
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, header=None, signed_by="one", **changes):
        """A valid token, apart from what is asked otherwise; None leaves a claim out."""
        names = {"alg": "RS256", "kid": "kid-1", "typ": "JWT"} | (header or {})
        names = {name: value for name, value in names.items() if value is not None}
        said = f"{part(names)}.{part(self.claims(**changes))}"
        signature = key(signed_by).sign(said.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{said}.{part(signature)}"
