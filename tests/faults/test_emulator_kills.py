"""kill -9 of the emulator and of its receiver at random moments, under load: nothing is lost."""

import random
import socket
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError
from google.protobuf.duration_pb2 import Duration

from tests.emulator.conftest import PARENT, client_of
from tests.faults.counts import times
from tests.faults.mutants import MUTANTS
from tests.processes import EmulatorProcess, Process, eventually

KILLS = times(5, 200)
QUEUE = f"{PARENT}/queues/default"
ENQUEUERS = 3
MANY = 50  # kills, of which the share of duplicates says something
AT_ONCE = 10  # requests on their way, which a kill cuts off; fewer would fall behind the load
AHEAD = 0.3  # seconds; of every other task, so that some always wait when a kill comes
PAUSE = 0.01  # between two tasks of one enqueuer
RECEIVER = Path(__file__).parent / "receiver.py"


class MutantProcess(EmulatorProcess):
    """An emulator with a fault of that name in it; "" for none."""

    def __init__(self, folder, mutant):
        super().__init__(folder, "--queue", f"default,max_concurrent_dispatches={AT_ONCE}")
        self.mutant = mutant

    def __exit__(self, *exc):
        self.process.kill()  # the last one: stopping it gently shows nothing here
        super().__exit__(*exc)

    def launch(self, *options):
        if not self.mutant:
            return super().launch(*options)
        command = [sys.executable, "-m", "tests.faults.mutants", self.mutant, "runemulator"]
        return Process([*command, *self.options, *options], **self.environment)


class Receiver:
    """A process that records tasks in a file; its port outlives it."""

    def __init__(self, folder):
        self.file = folder / "received"
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.process.end()
        self.listening.close()

    def start(self):
        descriptor = self.listening.fileno()
        command = [sys.executable, RECEIVER, str(descriptor), str(self.file)]
        self.process = Process(command, pass_fds=[descriptor])
        self.process.wait_for_line("^ready$")

    @property
    def names(self):
        return self.file.read_text().split()


class Load:
    """Enqueuers who give up on no name: they ask again until a name is taken, by them."""

    def __init__(self, emulator, url):
        self.emulator, self.url = emulator, url
        self.accepted = set()
        self.done = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=[n]) for n in range(ENQUEUERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.done.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number):
        endpoint, client, count = None, None, 0
        while not self.done.wait(PAUSE):
            if endpoint != self.emulator.endpoint:
                if client is not None:
                    client.transport.close()
                endpoint = self.emulator.endpoint
                client = client_of(endpoint)
            name = f"e{number}-{count}"
            if self._create(client, name, wait=AHEAD * (count % 2)):
                self.accepted.add(name)
                count += 1
        client.transport.close()

    def _create(self, client, name, wait):
        task = {
            "name": f"{QUEUE}/tasks/{name}",
            "http_request": {"url": self.url},
            "dispatch_deadline": Duration(seconds=15),
            **({"schedule_time": datetime.now(UTC) + timedelta(seconds=wait)} if wait else {}),
        }
        try:
            client.create_task(parent=QUEUE, task=task, timeout=2)
        except AlreadyExists:
            return True
        except GoogleAPICallError:
            return False
        return True


class Story:
    """What a run of kills left behind."""

    def __init__(self, accepted, received):
        self.accepted = accepted
        self.lost = accepted - set(received)
        self.duplicates = len(received) - len(set(received))


def kill_at_random(folder, kills, mutant=""):
    """Kill 70 % emulators and 30 % receivers under load, wait for the rest, return the story."""
    chance = random.Random(random.getrandbits(32))  # noqa: S311
    emulators = round(kills * 0.7)
    victims = [True] * emulators + [False] * (kills - emulators)
    chance.shuffle(victims)
    with ExitStack() as running:
        emulator = running.enter_context(MutantProcess(folder, mutant))
        receiver = running.enter_context(Receiver(folder))
        with Load(emulator, receiver.url) as load:
            for is_emulator in victims:
                time.sleep(chance.uniform(0.2, 0.6))  # the moment of the kill is the test
                victim = emulator if is_emulator else receiver
                victim.process.kill()
                victim.start()
            time.sleep(0.2)
        client = client_of(emulator.endpoint)
        eventually(lambda: not list(client.list_tasks(parent=QUEUE)), seconds=60)
        client.transport.close()
        return Story(load.accepted, receiver.names)


def test_kills_lose_nothing(tmp_path, tell):
    story = kill_at_random(tmp_path, KILLS)
    tell(
        f"{KILLS} kills of the emulator and its receiver: {len(story.accepted)} accepted, "
        f"{len(story.lost)} lost, {story.duplicates} duplicates"
    )
    assert story.lost == set()
    assert len(story.accepted) >= 20 * KILLS
    # A kill cuts off what is on its way, and no more than that is sent again.
    assert story.duplicates <= AT_ONCE * KILLS
    if KILLS >= MANY:
        assert story.duplicates <= 0.05 * len(story.accepted)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_an_emulator_that_loses_tasks_is_found_out(tmp_path, mutant):
    runs = (kill_at_random(tmp_path / str(number), 2, mutant) for number in range(5))
    assert any(story.lost for story in runs), f"five times two kills do not show {mutant}"
