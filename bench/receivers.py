"""The receivers that are measured, and the rows that they must have kept."""

import http.client
import os
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.first_task import free_ports
from bench.issuer import ACCOUNT, AUDIENCE
from bench.servers import START_SECONDS, Server

ROOT = Path(__file__).resolve().parent.parent
PREPARE = "import django; django.setup(); from config.prepare import prepare; prepare()"
PLAIN = {"DJANGO_SETTINGS_MODULE": "bench.plain_settings"}


@dataclass(frozen=True)
class Contender:
    """A server's name, its gunicorn arguments, and the Python and settings that it runs with."""

    name: str
    arguments: list[str]
    python: str = str(ROOT / ".venv" / "bin" / "python")
    environment: dict[str, str] = field(default_factory=dict)
    keeps: bool = True


OURS = Contender("ours", ["-c", "config/gunicorn.py", "config.asgi"])
PLAIN_VIEW = Contender(
    "view",
    ["-k", "gthread", "--threads", "16", "--no-control-socket", "config.wsgi"],
    environment=PLAIN,
)


def flask() -> Contender | None:
    """Return the tutorial's event display, where BENCH_FLASK names a Python that has it."""
    python = os.environ.get("BENCH_FLASK", "")
    arguments = ["-k", "sync", "--no-control-socket", "bench.event_display:app"]
    return Contender("flask", arguments, python, keeps=False) if python else None


class ReceiverServer(Server):
    """A contender on a database of its own, in a folder or on the server of DATABASE_URL."""

    def __init__(
        self, contender: Contender, folder: Path, issuer: str, slow_disk: Path | None = None
    ) -> None:
        self.receiver, self.folder = contender, folder
        self._issuer, self._slow_disk = issuer, slow_disk
        self._database = f"bench_{uuid.uuid4().hex[:12]}"
        self._given = os.environ.get("DATABASE_URL", "")

    def __enter__(self) -> Self:
        if self._given:
            self._administer("CREATE DATABASE {}")
        environment = self.environment() | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        command = [str(ROOT / ".venv/bin/python"), "-c", PREPARE]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        self.start()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.stop()
        if self._given:
            self._administer("DROP DATABASE {} WITH (FORCE)")

    @property
    def url(self) -> str:
        """Its database."""
        kept = f"sqlite:///{self.folder}/db.sqlite3"
        return self._named(self._database) if self._given else kept

    def start(self) -> None:
        """Start it on a free port and wait for its first answer."""
        (self.port,) = free_ports(1)
        environment = self.environment()
        if self._slow_disk:
            environment |= {"LD_PRELOAD": str(self._slow_disk)}
        gunicorn = [self.receiver.python, "-m", "gunicorn", "-w", "1"]
        command = [*gunicorn, "-b", f"127.0.0.1:{self.port}", *self.receiver.arguments]
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._until(self._answers)

    def stop(self) -> None:
        """Ask it to end, then insist."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(12)
        self._kill()

    def rows(self) -> int:
        """Return how many events there are."""
        return int(self._query("SELECT count(*) FROM receiver_event"))

    def fill(self, rows: int) -> None:
        """Copy the newest event until there are so many; all is on the disk afterwards."""
        columns = self._query(_COLUMNS[bool(self._given)])
        for _ in range(64):
            missing = rows - self.rows()
            if missing <= 0:
                os.sync()  # else the disk is still at it while deliveries are timed
                return
            self._query(
                f"INSERT INTO receiver_event ({columns})"  # noqa: S608  names of our own table
                f" SELECT {columns} FROM receiver_event ORDER BY id LIMIT {missing}"
            )

    def environment(self) -> dict[str, str]:
        """Return the variables that it runs with."""
        given = {"DATABASE_URL": self._named(self._database)} if self._given else {}
        return os.environ | {
            "VAR_DIR": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
            "RECEIVER_URL": AUDIENCE,
            "OIDC_SERVICE_ACCOUNT": ACCOUNT,
            "OIDC_ISSUER": self._issuer,
            "OIDC_CERTS_URL": self._issuer,
            **given,
            **self.receiver.environment,
        }

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health")
            return connection.getresponse().status in {200, 405}
        return False

    def _until(self, check: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not check():
            if self._process.poll() is not None or time.monotonic() > deadline:
                output = (self.folder / "output").read_text(errors="replace")
                raise SystemExit(f"{self.receiver.name} did not start:\n{output[-2000:]}")
            time.sleep(0.02)

    def _query(self, sql: str) -> Any:
        if self._given:
            with psycopg.connect(self._named(self._database)) as connection:
                cursor = connection.execute(sql)
                found = cursor.fetchone() if cursor.description else None
                return found[0] if found else None
        file = sqlite3.connect(self.folder / "db.sqlite3", timeout=30)
        try:
            with file:
                found = file.execute(sql).fetchone()
                return found[0] if found else None
        finally:
            file.close()

    def _named(self, name: str) -> str:
        return urlunsplit(urlsplit(self._given)._replace(path=f"/{name}"))

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self._named("postgres"), autocommit=True) as connection:
            connection.execute(statement.format(f'"{self._database}"'))


_COLUMNS = {
    False: "SELECT group_concat(name) FROM pragma_table_info('receiver_event') WHERE name <> 'id'",
    True: "SELECT string_agg(quote_ident(column_name::text), ',') FROM information_schema.columns"
    " WHERE table_name = 'receiver_event' AND column_name <> 'id'",
}
