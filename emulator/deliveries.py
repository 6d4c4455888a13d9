"""What was sent, in the form in which a test asserts on it."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Delivery:
    """One attempt: the request as sent, and what came back (`status` is None without an answer)."""

    task: str
    queue: str
    attempt: int
    method: str
    url: str
    status: int | None
    error: str = ""
    duplicate: bool = False
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    response_body: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Say whether the target answered 2xx, which ends a task."""
        return self.status is not None and 200 <= self.status <= 299

    @property
    def json(self) -> Any:
        """The request's body, read as JSON; raises ValueError where it is none."""
        return json.loads(self.body)


class Deliveries(list[Delivery]):
    """A list that can be narrowed down and asserted on."""

    def of(self, task: str) -> "Deliveries":
        """Return those of a task: its full name or its id."""
        return Deliveries(each for each in self if task in (each.task, _id(each.task)))

    def to(self, url: str) -> "Deliveries":
        """Return those to a URL, or to every URL that ends so."""
        return Deliveries(each for each in self if each.url.endswith(url))

    @property
    def statuses(self) -> list[int | None]:
        """What came back, one after the other."""
        return [each.status for each in self]

    def assert_once(self) -> Delivery:
        """Return the only delivery, which succeeded; AssertionError with all of them otherwise."""
        assert len(self) == 1, f"{len(self)} deliveries, not one:{self._shown()}"  # noqa: S101
        assert self[0].ok, f"It failed:{self._shown()}"  # noqa: S101
        return self[0]

    def assert_none(self) -> None:
        """AssertionError with the deliveries, if there are any."""
        assert not self, f"{len(self)} deliveries, not none:{self._shown()}"  # noqa: S101

    def _shown(self) -> str:
        return "".join(f"\n  {each}" for each in self)


def _id(task: str) -> str:
    return task.rpartition("/")[2]


def delivery(row: dict[str, Any]) -> Delivery:
    """Return an attempt as the emulator shows it."""
    request, response = row["request"], row["response"]
    return Delivery(
        task=row["task"],
        queue=row["task"].rpartition("/tasks/")[0],
        attempt=row["number"],
        method=request["method"],
        url=request["url"],
        status=row["status"],
        error=row["error"],
        duplicate=row["extra"],
        headers=dict(request["headers"]),
        body=base64.b64decode(request["body_base64"]),
        response_body=base64.b64decode(response["body_base64"]),
    )
