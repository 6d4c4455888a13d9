"""The emulator as one object: `with Emulator() as emulator:` and it listens at `.endpoint`.

Everything runs on one event loop in a thread of its own, with the committer's thread beside it.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

import grpc.aio
from aiohttp import web
from django.conf import settings

from . import upkeep
from .clock import Clock
from .committer import Committer
from .control_http import Control
from .dispatcher import Dispatcher, every
from .health import health_handlers
from .http import application
from .methods import SERVICE, Windows, methods
from .metrics import Metrics
from .owner import AlreadyOwned, Owner, make_folder, migrate
from .ports import StartFailed, bind_grpc, open_socket, url_host
from .queues import ensure_queue
from .sender import Sender
from .service import OPTIONS, handlers
from .show_http import Window
from .targets import Targets
from .tokens import Minter, SigningKey

logger = logging.getLogger("emulator")

UPKEEP_SECONDS = 60.0


@dataclass
class Options:
    """How an emulator is to run; ports of 0 are any free ones, times are seconds."""

    host: str = "127.0.0.1"
    port: int = 0
    http_port: int = 0
    queues: Sequence[str] = ()
    issuer: str = ""  # "" is the HTTP port's own address
    windows: Windows = field(default_factory=Windows)
    keep_ended: timedelta = timedelta(hours=24)
    grace: float = 5.0  # for requests on their way when it stops


class Emulator:
    """A local Cloud Tasks. Raises StartFailed from `start` with a sentence that says why.

    `on_end` is called, on the emulator's thread, when it has ended for whatever reason.
    """

    def __init__(self, options: Options | None = None, on_end: Callable[[], None] | None = None):
        self.options = options or Options()
        self.endpoint = ""
        self.http_url = ""
        self.clock = Clock()
        self._metrics = Metrics()
        self._on_end = on_end
        self._owner = Owner()
        self._thread: threading.Thread | None = None
        self._ended = False
        self._ready: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Say whether it runs."""
        return self._thread is not None and self._thread.is_alive() and not self._ended

    def start(self) -> None:
        """Return when it listens."""
        self._thread = threading.Thread(target=self._main, name="emulator", daemon=True)
        self._thread.start()
        try:
            self._ready.result()
        except BaseException:
            self._thread.join()
            raise

    def stop(self) -> None:
        """Return when the requests on their way have ended or their grace is over."""
        if self._thread is None or self._loop is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                logger.exception("The emulator failed")
            else:
                self._ready.set_exception(error)
        finally:
            self._ended = True
            self._owner.release()
            if self._on_end:
                self._on_end()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            dispatcher = Dispatcher(self.clock, self._metrics)
            committer = Committer(dispatcher.follow, self._owner.hold, self.clock, self._metrics)
            stack.push_async_callback(committer.close)
            await self._open_database(committer)
            server = await self._listen(stack, committer, dispatcher)
            await committer.run(upkeep.recover)
            await committer.run(upkeep.clamp_retries)
            await dispatcher.start(committer, self._sender)
            stack.push_async_callback(dispatcher.stop, self.options.grace)
            for name in self.options.queues:
                await committer.run(partial(ensure_queue, name=name))
            _run_beside(stack, dispatcher.watch_clock())
            _run_beside(stack, every(UPKEEP_SECONDS, partial(self._tidy, committer)))
            await server.start()
            stack.push_async_callback(server.stop, 1.0)
            self._ready.set_result(None)
            await self._stop.wait()

    async def _open_database(self, committer: Committer) -> None:
        try:
            await asyncio.to_thread(make_folder)
            await committer.run(lambda work: None)  # takes the lock
            await asyncio.to_thread(migrate)
        except AlreadyOwned as owned:
            raise StartFailed(f"Another emulator is using {owned}.") from None
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise StartFailed(f"The emulator's database cannot be used: {reason}") from error

    async def _listen(
        self, stack: AsyncExitStack, committer: Committer, dispatcher: Dispatcher
    ) -> grpc.aio.Server:
        """Open both ports; the gRPC server is not started yet."""
        options = self.options
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers((handlers(methods(options.windows), committer),))
        server.add_generic_rpc_handlers((health_handlers([SERVICE], lambda: committer.alive),))
        host = url_host(options.host)
        self.endpoint = f"{host}:{bind_grpc(server, options.host, options.port)}"
        # The issuer holds the real port, and the documents hold the issuer: bind, then build.
        socket = open_socket(options.host, options.http_port, "--http-port")
        self.http_url = f"http://{host}:{socket.getsockname()[1]}"
        issuer = options.issuer or self.http_url
        key = _signing_key(settings.VAR_DIR / "emulator-key.pem")
        self._sender = Sender(Targets(settings.EMULATOR_TARGETS), Minter(key, issuer))
        stack.push_async_callback(self._sender.close)
        app = application(key, issuer)
        Control(committer, dispatcher, self.clock).add_to(app)
        Window(committer, self.clock, self._metrics).add_to(app)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, socket).start()
        return server

    async def _tidy(self, committer: Committer) -> None:
        await committer.run(upkeep.end_outlived)
        keep = max(self.options.keep_ended, self.options.windows.task_tombstone)
        while await committer.run(partial(upkeep.forget_ended, keep=keep)):
            pass
        rest = max(keep, self.options.windows.queue_cooldown)
        await committer.run(partial(upkeep.forget_queues, rest=rest))


def _signing_key(path: Path) -> SigningKey:
    try:
        return SigningKey.kept(path)
    except (OSError, ValueError) as error:
        raise StartFailed(
            f"The signing key {path} cannot be used ({error}); without the file a new one is made."
        ) from None


def _run_beside(stack: AsyncExitStack, coroutine: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(coroutine)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)
