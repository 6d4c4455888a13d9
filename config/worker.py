"""gunicorn's worker: uvicorn on uvloop, with the limits of gunicorn's configuration."""

import logging
import os
import signal
from functools import partial
from typing import Any

from uvicorn_worker import UvicornWorker

from config.protocol import Limits, Protocol


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

    async def callback_notify(self) -> None:
        """Tell gunicorn once a second that this process is well; end when gunicorn is gone."""
        await super().callback_notify()
        if os.getppid() != self.ppid:
            signal.raise_signal(signal.SIGTERM)
