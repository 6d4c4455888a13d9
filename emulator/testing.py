"""An emulator for tests, in a process of its own: nothing of the caller's Django is touched.

`with EmulatorForTests(folder) as cloud_tasks:`, or the fixture `cloud_tasks` of `pytest_plugin`.
"""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from .deliveries import Deliveries, delivery
from .names import full_queue_name

YEAR = 366 * 86400
PROJECT, LOCATION = "demo", "us-central1"
# Whatever proxy the environment names, this machine is reached without it.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_READY = re.compile(r"Emulator ready: gRPC (\S+), HTTP (\S+)")


class EmulatorForTests:
    """A local Cloud Tasks on free ports with a database in `folder`, gone with the block.

    `endpoint` is its gRPC address, `http_url` its HTTP port. Queues go by short id or full name.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.endpoint = self.http_url = ""
        self._process: subprocess.Popen[str]
        self._client: Any = None

    def __enter__(self) -> Self:
        ports = ["--port", "0", "--http-port", "0"]
        keep = ["--keep-ended", str(10 * YEAR)]  # a turned clock must not forget deliveries
        self._process = subprocess.Popen(
            [sys.executable, "-m", "django", "runemulator", *ports, *keep, *self.options],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._wait_until_ready()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._client is not None:
            self._client.transport.close()
        self._process.terminate()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _environment(self) -> dict[str, str]:
        path = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        ours = {
            "DJANGO_SETTINGS_MODULE": f"{__package__}.alone",
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "VAR_DIR": str(self.folder),
            "EMULATOR_SYNCHRONOUS": "OFF",
            "EMULATOR_HOST": "127.0.0.1",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "CLOUD_TASKS_LOCATION": LOCATION,
            "OIDC_ISSUER": "",
        }
        return os.environ | ours

    def _wait_until_ready(self) -> None:
        for line in self._process.stdout or ():
            if match := _READY.match(line):
                self.endpoint, self.http_url = match[1], match[2]
                return
        self.__exit__()
        raise RuntimeError("The emulator did not start; on stderr it said why.")

    def client(self) -> Any:
        """Return the official client, connected; always the same one."""
        import grpc
        from google.cloud import tasks_v2
        from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

        if self._client is None:
            channel = grpc.insecure_channel(self.endpoint)
            transport = CloudTasksGrpcTransport(channel=channel)
            self._client = tasks_v2.CloudTasksClient(transport=transport)
        return self._client

    def create_queue(self, queue: str = "default", **settings: Any) -> str:
        """Create a queue with settings in the API's words, and return its full name."""
        name = full_name(queue)
        parent = name.rpartition("/queues/")[0]
        return self.client().create_queue(parent=parent, queue={"name": name, **settings}).name

    def wait_idle(self, queue: str = "", *, scheduled: bool = False, timeout: float = 10) -> None:
        """Return when nothing is due or under way; AssertionError with what is left otherwise.

        `scheduled` waits for what is due later, too: retries and schedules.
        """
        query = {"queue": full_name(queue) if queue else "", "timeout": timeout}
        status, answer = self.ask("idle", query | {"scheduled": int(scheduled)})
        if status == 408:
            raise AssertionError(f"Not idle after {timeout:g} s: {answer['left']}")
        _check(status, answer)

    def advance(self, seconds: float) -> None:
        """Turn the clock ahead; what is due by then is sent."""
        self._post("clock", {"advance": seconds})

    def advance_to(self, instant: datetime) -> None:
        """Turn the clock to an aware datetime that lies ahead."""
        self._post("clock", {"to": instant.isoformat()})

    def advance_to_next(self) -> None:
        """Turn the clock to when the next task is due."""
        self._post("clock", {"next": True})

    def now(self) -> datetime:
        """Return the emulator's time."""
        return datetime.fromisoformat(self._get("clock")["now"])

    def reset(self, *, queues: bool = False) -> None:
        """Forget every task and every resting name, with `queues` also those; clock back."""
        self._post("reset", {}, {"queues": int(queues)})

    def redeliver(self, task: str) -> None:
        """Send a task's request once more, as a duplicate; `task` is the full name."""
        self._post("tasks/redeliver", {"name": task})

    def hold(self, queue: str) -> None:
        """Let a queue collect what is due."""
        self._post("hold", {"queue": full_name(queue)})

    def release(self, queue: str, order: str | list[str] | None = None) -> None:
        """Deliver what was held; with `order` ("reverse", "random", task ids) one by one."""
        chosen = {} if order is None else {"order": order}
        self._post("release", {"queue": full_name(queue), **chosen})

    @property
    def deliveries(self) -> Deliveries:
        """Every attempt that was sent, the oldest first, of the newest 2000."""
        rows: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 200}
        while len(rows) < 2000:
            page = self._get("tasks/attempts", query)
            rows += page["attempts"]
            if page["before"] is None:
                break
            query["before"] = page["before"]
        return Deliveries(delivery(row) for row in reversed(rows))

    def _get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        return _check(*self.ask(path, query))

    def _post(self, path: str, body: Any, query: dict[str, Any] | None = None) -> Any:
        return _check(*self.ask(path, query, body))

    def ask(self, path: str, query: Any = None, body: Any = None) -> tuple[int, Any]:
        """GET, or POST a body to, `/emulator/` and `path`; returns the status and the answer."""
        url = f"{self.http_url}/emulator/{path}?{urllib.parse.urlencode(query or {})}"
        data = None if body is None else json.dumps(body).encode()
        try:
            with _opener.open(url, data) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


def full_name(queue: str) -> str:
    """Complete a queue's short id; a full name is returned as it is."""
    return full_queue_name(queue, PROJECT, LOCATION)


def _check(status: int, answer: Any) -> Any:
    if status != 200:
        raise ValueError(answer["error"]["message"])
    return answer
