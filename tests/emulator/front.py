"""An emulator behind TLS on one address, as Google's service stands: h2 is gRPC, the rest REST."""

import asyncio
import json
import ssl
import threading
from urllib.parse import urlsplit

from tests.emulator.tls import certificate_pem, new_key, private_pem


class Front:
    """`with Front(emulator, folder) as front:` and `front.environment` leads every client there.

    Credentials and certificate are made for the occasion; the clients use them as in the cloud.
    """

    def __init__(self, emulator, folder):
        self._ports = {"h2": _port(emulator.endpoint), None: _port(emulator.http_url)}
        key = new_key()
        self._loop = asyncio.new_event_loop()
        certificate, account = folder / "front.pem", folder / "account.json"
        certificate.write_bytes(certificate_pem(key) + private_pem(key))
        account.write_text(json.dumps(_account(key)))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._tls.set_alpn_protocols(["h2", "http/1.1"])
        self.environment = {
            "GOOGLE_APPLICATION_CREDENTIALS": str(account),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(certificate),
            "REQUESTS_CA_BUNDLE": str(certificate),
        }

    def __enter__(self):
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,))
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *exc):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, started):
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started):
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=self._tls)
        port = server.sockets[0].getsockname()[1]
        self.environment["CONTRACT_ENDPOINT"] = f"127.0.0.1:{port}"
        started.set()
        await self._stop.wait()
        server.close()

    async def _pass_on(self, reader, writer):
        protocol = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        port = self._ports["h2" if protocol == "h2" else None]
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(reader, writer):
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except OSError:
        pass  # the other side has gone
    finally:
        writer.close()


def _port(address):
    return urlsplit(address if "//" in address else f"//{address}").port


def _account(key):
    """A service account: its clients sign their tokens themselves and ask nobody."""
    return {
        "type": "service_account",
        "client_email": "contract@demo.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": private_pem(key).decode(),
        "token_uri": "http://127.0.0.1:9/",
    }
