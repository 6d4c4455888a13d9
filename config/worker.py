"""gunicorn's worker: uvicorn on uvloop, with the limits of gunicorn's configuration."""

import gc
import logging
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from uvicorn_worker import UvicornWorker

from config.protocol import Protocol
from config.wire import Limits


class Worker(UvicornWorker):
    """The worker class for gunicorn's configuration."""

    CONFIG_KWARGS = {
        "loop": "uvloop",
        "interface": "asgi3",
        "lifespan": "on",
        "ws": "none",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_notify": 1,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cfg = self.cfg
        limits = Limits(
            cfg.limit_request_line, cfg.limit_request_fields, cfg.limit_request_field_size
        )
        protocol: Any = partial(Protocol, limits)
        self.config.http = protocol
        self.config.timeout_graceful_shutdown = cfg.graceful_timeout - 1
        # Each malformed request of a stranger would be a line.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)

    def init_process(self) -> None:
        """Spare the process what costs a delivery a sixth of its time: all of it was measured."""
        # What was loaded stays; what a request leaves is mostly gone without a collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        # No line names its thread; gunicorn's own lines name the process.
        logging.logThreads = logging.logMultiprocessing = False
        # Python runs on one core at a time; on two its threads pass the turn at twice the cost.
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            with suppress(OSError):
                os.sched_setaffinity(0, {cores[self.age % len(cores)]})
        # A delivery waits so long for each page that computes, several times until its answer.
        sys.setswitchinterval(0.0005)
        super().init_process()

    async def callback_notify(self) -> None:
        """Tell gunicorn once a second that this process is well; end when gunicorn is gone."""
        await super().callback_notify()
        if os.getppid() != self.ppid:
            signal.raise_signal(signal.SIGTERM)
