"""The parts of an emulator on its event loop, started in the order in which they need others."""

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

from aiohttp import web
from django.conf import settings

from . import firebase, rest, upkeep
from .app_engine import listed
from .batches import forget_operations
from .beside import Beside
from .clock import Clock
from .committer import Committer
from .control_http import Control
from .dispatcher import Dispatcher, every
from .health import Health
from .http import application
from .http2 import Server
from .metrics import Metrics
from .models import Queue
from .options import Options
from .owner import AlreadyOwned, Owner, make_folder, migrate
from .ports import StartFailed, loopback, open_socket, url_host
from .queue_watch import declare_at_start, watch
from .sender import Sender
from .service import handlers
from .services import services
from .show_http import Window
from .targets import Targets
from .together import NOT_SERVED
from .tokens import Minter, SigningKey

UPKEEP_SECONDS = 60.0
LAST_WORDS_SECONDS = 1.0  # for requests that are being answered when it stops
PROBE_SECONDS = 1.0


class Parts:
    """Everything that runs; what is started here is ended by the stack. To be made on the loop."""

    def __init__(self, options: Options, owner: Owner, clock: Clock, stack: AsyncExitStack) -> None:
        self._options = options
        self._clock = clock
        self._stack = stack
        self._metrics = Metrics()
        self._beside = Beside()
        self._dispatcher = Dispatcher(clock, self._metrics)
        self._committer = Committer(self._dispatcher.follow, owner.hold, clock, self._metrics)
        self._table = services(options.windows, options.switches, self._dispatcher.permit)

    @property
    def well(self) -> bool:
        """Say whether every part works and the database serves."""
        return self._committer.well and self._beside.alive

    async def start(self) -> tuple[str, str]:
        """Start all, and return the gRPC endpoint and the URL of the HTTP port."""
        options, committer, stack = self._options, self._committer, self._stack
        stack.push_async_callback(committer.close, options.grace)
        await self._open_database()
        grpc_socket = open_socket(options.host, options.port, "--port")
        stack.callback(grpc_socket.close)
        http_url, sender = await self._http()
        await committer.run(upkeep.recover)
        await committer.run(upkeep.clamp_retries)
        await self._dispatcher.start(committer, sender)
        stack.push_async_callback(self._dispatcher.stop, options.grace)
        await declare_at_start(committer, options.queues, options.declared, options.queue_file)
        self._run_beside()
        server = self._grpc()
        await server.start(grpc_socket)
        stack.push_async_callback(server.stop, LAST_WORDS_SECONDS)
        return f"{url_host(options.host)}:{grpc_socket.getsockname()[1]}", http_url

    async def _open_database(self) -> None:
        try:
            await asyncio.to_thread(make_folder)
            await self._committer.run(lambda work: None)  # takes the lock
            await asyncio.to_thread(migrate)
        except AlreadyOwned as owned:
            raise StartFailed(f"Another emulator is using {owned}.") from None
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise StartFailed(f"The emulator's database cannot be used: {reason}") from error

    def _grpc(self) -> Server:
        strict = self._options.switches.strict_routing_header
        served = Health(self._table, lambda: self.well).handlers
        for each in self._table.items():
            served |= handlers(*each, self._committer, strict)
        return Server(served)

    async def _http(self) -> tuple[str, Sender]:
        """Serve the HTTP port; the sender mints tokens in the name of its issuer."""
        # The issuer holds the real port, and the documents hold the issuer: bind, then build.
        options = self._options
        socket = open_socket(options.host, options.http_port, "--http-port")
        port = socket.getsockname()[1]
        issuer = options.issuer or f"http://{loopback(options.host)}:{port}"
        key = _signing_key(settings.VAR_DIR / "emulator-key.pem")
        targets = Targets([*settings.EMULATOR_TARGETS, *listed(options.sending.app_engine)])
        sender = Sender(targets, Minter(key, issuer), options.sending)
        self._stack.push_async_callback(sender.close)
        runner = web.AppRunner(
            self._application(key, issuer), access_log=None, shutdown_timeout=LAST_WORDS_SECONDS
        )
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, socket).start()
        return f"http://{url_host(options.host)}:{port}", sender

    def _application(self, key: SigningKey, issuer: str) -> web.Application:
        options, committer = self._options, self._committer
        app = application(key, issuer)
        rest.serve(app, self._table, committer, options.windows)
        firebase.serve(app, committer, options.windows, options.switches)
        Control(committer, self._dispatcher, self._clock).add_to(app)
        Window(committer, self._clock, self._metrics, lambda: self.well).add_to(app)
        return app

    def _run_beside(self) -> None:
        self._stack.push_async_callback(self._beside.stop)
        if self._options.queue_file is not None:
            self._beside.start(watch(self._options.queue_file, self._committer))
        self._beside.start(self._dispatcher.watch_clock())
        self._beside.start(every(UPKEEP_SECONDS, self._tidy))
        self._beside.start(every(PROBE_SECONDS, self._probe))

    async def _probe(self) -> None:
        """Ask a database that failed whether it is back, for nobody else may call for a while."""
        if self._committer.alive and not self._committer.well:
            with suppress(*NOT_SERVED):
                await self._committer.run(lambda work: Queue.objects.first())

    async def _tidy(self) -> None:
        run, windows = self._committer.run, self._options.windows
        await run(partial(upkeep.release_lapsed, in_flight=self._dispatcher.in_flight))
        await run(upkeep.end_outlived)
        keep = max(self._options.keep_ended, windows.task_tombstone)
        while await run(partial(upkeep.forget_ended, keep=keep)):
            pass
        await run(partial(forget_operations, keep=keep))
        rests = max(keep, windows.queue_cooldown)
        await run(partial(upkeep.forget_queues, rest=rests))


def _signing_key(path: Path) -> SigningKey:
    try:
        return SigningKey.kept(path)
    except (OSError, ValueError) as error:
        raise StartFailed(
            f"The signing key {path} cannot be used ({error}); without the file a new one is made."
        ) from None
