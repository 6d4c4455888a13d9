"""A process that is forked into senders of batches, so that each starts at once.

It takes lines on its standard input and answers each with one: `make ROWS KEY` with the batch's id,
`send FAULT BATCH` with the sender's pid, `kill PID` once it is dead, `wait PID` with its exit code.
"""

import os
import signal
import subprocess
import sys
from datetime import timedelta

from tests.processes import ROOT

LEASE = timedelta(seconds=1)  # the shorter, the sooner a dead sender's rows are taken over


class Senders:
    """`with Senders(environment) as senders:` has such a process."""

    def __init__(self, environment):
        self.environment = environment

    def __enter__(self):
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.batch_senders"],
            cwd=ROOT,
            env=os.environ | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *exc):
        self._popen.stdin.close()
        self._popen.wait(30)
        self._popen.stdout.close()

    def __call__(self, *words):
        print(*words, file=self._popen.stdin, flush=True)
        return int(self._popen.stdout.readline())


def make(rows, key):
    """Make a batch for a queue of its own, which is paused so that its tasks can be counted."""
    from dashboard import gateway
    from dashboard.names import queue_name
    from tests.dashboard.batches import begun

    gateway.create_queue(queue_name(key), {})
    gateway.pause_queue(queue_name(key))
    print(begun(count=rows, submission=key, queue=key).pk, flush=True)


def send(fault, batch):
    """Send it as the command does, to its end."""
    from django.core.management import call_command

    from dashboard.models import batch_row
    from tests.faults.batch_mutants import FAULTS

    batch_row.LEASE = LEASE
    FAULTS[fault]()
    with open(os.devnull, "w") as nowhere:
        call_command("send_batch", batch, stdout=nowhere)


def fork(work, *values):
    """Return the pid of a child that does this work."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        sys.stdin.close()
        work(*values)
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def serve():
    """Do what the lines say, until there is no more."""
    import google.cloud.tasks_v2  # noqa: F401  once, before any child needs it

    for line in sys.stdin:
        word, *values = line.split()
        if word == "make":
            os.waitpid(fork(make, *values), 0)
        elif word == "send":
            print(fork(send, *values), flush=True)
        else:
            pid = int(values[0])
            if word == "kill":
                os.kill(pid, signal.SIGKILL)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    import django

    django.setup()
    serve()
