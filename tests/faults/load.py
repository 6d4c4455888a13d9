"""Clients that post bodies of their own under load and keep what they were answered."""

import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from tests.faults.receiving import digest
from tests.processes import eventually

SIZES = (0, 100, 1000, 5000)  # bytes beside the number, as they come at random
PAUSE = 0.005  # after a connection that broke


@dataclass
class Answer:
    """One answer that came whole: its status, when it came, and how many seconds it took."""

    status: int
    at: float
    seconds: float
    retry_after: str | None


@dataclass
class Load:
    """`with Load(receiver) as load:` posts numbered bodies, never one twice.

    Only a complete 200, read to its end, counts as acknowledged.
    """

    receiver: object
    clients: int = 4
    sizes: tuple = SIZES
    timeout: float = 20
    pause: float = 0
    sent: set = field(default_factory=set)
    acknowledged: set = field(default_factory=set)
    answers: list = field(default_factory=list)
    broken: int = 0  # connections
    stored: int = 0  # rows, once the faults have been looked for

    def __enter__(self):
        self.after = self.receiver.last_id()
        self.over = threading.Event()
        self.token = self.receiver.token()
        self.mark = uuid.uuid4().hex
        self._threads = [threading.Thread(target=self._work, args=[n]) for n in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number):
        chance, count = random.Random(number), 0  # noqa: S311
        connection = HTTPConnection(*self.receiver.address, timeout=self.timeout)
        while not self.over.wait(self.pause):
            body = f"{self.mark}-{number}-{count}:".encode() + chance.randbytes(
                chance.choice(self.sizes)
            )
            count += 1
            try:
                self._post(connection, body)
            except (OSError, HTTPException):
                self.broken += 1
                connection.close()
                time.sleep(PAUSE)
        connection.close()

    def _post(self, connection, body):
        name, started = digest(body), time.monotonic()
        self.sent.add(name)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/binary"}
        connection.request("POST", "/receive", body, headers)
        with connection.getresponse() as answer:
            answer.read()
            now = time.monotonic()
            again = answer.getheader("Retry-After")
            self.answers.append(Answer(answer.status, now, now - started, again))
            if answer.status == 200:
                self.acknowledged.add(name)

    def wait_for_answers(self, count=1, seconds=15):
        """Wait until so many more requests have been acknowledged."""
        wanted = len(self.acknowledged) + count
        eventually(lambda: len(self.acknowledged) >= wanted, seconds)

    @property
    def statuses(self):
        return {answer.status for answer in self.answers}

    def faults(self):
        """Return one sentence for each thing that must never be, by the rows as they are now."""
        stored = self.receiver.digests(self.after)
        self.stored = len(stored)
        found = {
            "acknowledged but lost": len(self.acknowledged.difference(stored)),
            "stored but never sent like this": len(set(stored) - self.sent),
            "stored twice": len(stored) - len(set(stored)),
            "stored without their headers": self.receiver.bare(self.after),
        }
        sentences = [f"{count} {what}" for what, count in found.items() if count]
        if not self.receiver.store_is_sound():
            sentences.append("the database's own check fails")
        return sentences
