"""gunicorn for laptop, container and Cloud Run: `gunicorn -c config/gunicorn.py config.asgi`."""

import os
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from config import limits

bind = f"0.0.0.0:{os.environ.get('PORT') or 8080}"
# One process: it commits for all of its requests at once, and long log lines cannot interleave.
worker_class = "config.worker.Worker"
workers = 1
preload_app = True
timeout = 60
# Cloud Run kills 10 seconds after SIGTERM.
graceful_timeout = 8
keepalive = 75
limit_request_line = limits.REQUEST_LINE_BYTES
limit_request_fields = limits.HEADER_FIELDS
limit_request_field_size = limits.HEADER_FIELD_BYTES
control_socket_disable = True
accesslog = None
loglevel = "warning"
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
proc_name = "tasks-dashboard"
if os.environ.get("K_SERVICE"):
    # gunicorn's own troubles too are one JSON object a line.
    logconfig_dict = {
        "root": {"handlers": []},
        "formatters": {"line": {"()": "config.logs.JsonFormatter"}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://sys.stdout",
            }
        },
        "loggers": {"gunicorn.error": {"handlers": ["stdout"], "propagate": False}},
    }


def on_starting(server: Any) -> None:
    """Refuse to start on a set-up error; on SQLite, migrate and make the admin user first.

    The launcher has prepared already, and says so by `--env`.
    """
    from django.conf import settings

    from config.checks import errors_found

    errors = _apart(errors_found)
    if errors:
        sys.exit("Not started:\n" + "\n".join(errors))
    laptop = not settings.IN_CLOUD and settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if laptop and "PREPARED" not in server.cfg.env:
        from config.prepare import prepare

        log_in, news = _apart(prepare)
        if news:
            sys.stdout.write(f"Log in as {log_in}\n")
            sys.stdout.flush()


def _apart(work: Callable[[], Any]) -> Any:
    """Do something in a process of its own: else a worker inherits what it leaves.

    Checks leave 4 MB, the pages' code among them, which a worker loads with its first page;
    migrations 9. The process ends by itself, whatever becomes of this one.
    """
    fork = get_context("fork")
    result, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=lambda: sender.send(work()))
    child.start()
    sender.close()
    try:
        return result.recv()
    except EOFError:
        sys.exit(1)  # it has said why
    finally:
        child.join()
