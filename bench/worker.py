"""A helper process of the bench: one line of JSON in, one line of JSON out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent


class Worker:
    """`python -m bench.MODULE`, ended when the block is left; it ends itself once stdin closes."""

    def __init__(self, module: str, environment: Mapping[str, str] | None = None) -> None:
        self.module = module
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", f"bench.{module}"],
            cwd=ROOT,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        if exc[0]:
            self._process.kill()
        self._process.communicate()

    def tell(self, message: Any) -> None:
        """Send it a message."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")

    def hear(self) -> Any:
        """Wait for its next answer; it has none once it died, and what it printed says why."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"bench.{self.module} ended with {self._process.wait()}.")
        return json.loads(line)

    def ask(self, message: Any) -> Any:
        """Send it a message and wait for the answer."""
        self.tell(message)
        return self.hear()


def messages() -> Iterator[Any]:
    """Yield what the bench tells this process, until the bench has ended."""
    for line in sys.stdin:
        yield json.loads(line)


def answer(message: Any) -> None:
    """Say something to the bench."""
    print(json.dumps(message), flush=True)
