"""The whole thing as users run it: a real gunicorn, and with it a real emulator, on free ports."""

import os
import shlex
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.processes import ROOT, EmulatorProcess, FreshDatabase, Process

PASSWORD = "correct horse battery"
# How gunicorn is started is said once, in the Procfile.
GUNICORN = shlex.split((ROOT / "Procfile").read_text().partition("web: ")[2].splitlines()[0])
PREPARE = "import django; django.setup(); from config.prepare import prepare; prepare()"


class WebProcess:
    """gunicorn with the project's own configuration, a folder and a database of its own.

    It listens on a socket that the test opened, so that no other program can take the port.
    """

    program: Sequence[str] = [sys.executable, "-m", *GUNICORN]

    def __init__(
        self,
        folder: Path,
        *options: str,
        database: FreshDatabase | None = None,
        **environment: str,
    ) -> None:
        self.folder = folder
        self.options = options
        self.database = database or FreshDatabase("DATABASE_URL")
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()
        self.url = f"http://localhost:{self.address[1]}"
        self.environment = {
            "VAR_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "RECEIVER_URL": self.url,
            **self.database.environment,
            **environment,
        }
        self.process: Process

    def __enter__(self) -> "WebProcess":
        self.database.__enter__()
        self.prepare()
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.end()
        self.listening.close()
        self.database.__exit__()

    def prepare(self) -> None:
        """Make the tables and the admin user."""
        self.run(sys.executable, "-c", PREPARE)

    def start(self) -> None:
        """Start it and wait until it answers."""
        descriptor = self.listening.fileno()
        command = [*self.program, "--bind", f"fd://{descriptor}", *self.options]
        self.process = Process(command, pass_fds=[descriptor], **self.environment)
        deadline = time.monotonic() + 60
        while not self.answers():
            assert self.process.running, self.process.output
            assert time.monotonic() < deadline, self.process.output
            time.sleep(0.02)

    def answers(self) -> bool:
        """Say whether `/health` is answered."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def run(self, *command: str) -> str:
        """Run a command in this environment to its end and return what it printed."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            pytest.fail(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def manage(self, *arguments: str) -> str:
        """Run a management command in this environment and return what it printed."""
        return self.run(sys.executable, "manage.py", *arguments)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple]:
        """Return the rows of a query, by a connection that is not the server's."""
        if self.database.url:
            with psycopg.connect(self.database.url) as connection:
                return connection.execute(sql.replace("?", "%s"), parameters).fetchall()
        connection = sqlite3.connect(self.folder / "db.sqlite3", timeout=10)
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()


class Stack:
    """An emulator and a web process that belong together."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = environment
        self._parts = ExitStack()
        self.emulator: EmulatorProcess
        self.web: WebProcess

    def __enter__(self) -> "Stack":
        with ExitStack() as parts:
            options = ["--queue", "default", "-v", "2"]
            emulator = EmulatorProcess(self.folder, *options, **self.environment)
            self.emulator = parts.enter_context(emulator)
            environment = {
                "CLOUD_TASKS_ENDPOINT": self.emulator.endpoint,
                "OIDC_ISSUER": self.emulator.http_url,
                **self.emulator.database.environment,
                **self.environment,
            }
            self.web = parts.enter_context(WebProcess(self.folder, **environment))
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._parts.close()
