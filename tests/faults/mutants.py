"""Emulators with one fault each: `python -m tests.faults.mutants MUTANT runemulator ...`.

A test of durability that does not notice these would notice nothing.
"""

import sys
import time

from django.core.management import execute_from_command_line


def in_memory():
    """Tasks are gone with the process, as in a store that has no file."""
    from emulator import upkeep
    from emulator.models import Attempt, Task

    real = upkeep.recover

    def forget(work):
        Attempt.objects.all().delete()
        Task.objects.all().delete()
        return real(work)

    upkeep.recover = forget


def delete_first():
    """A task is ended when it is sent, not when it has been answered."""
    from emulator import claims, creating
    from emulator.models import Task

    real = claims.orders_for

    def orders_for(leased, now):
        orders = real(leased, now)
        Task.objects.filter(pk__in=[task.pk for _, task in leased]).end(Task.Outcome.DONE, now)
        return orders

    claims.orders_for = creating.orders_for = orders_for


def answer_first():
    """CreateTask is answered before its commit."""
    from django.db import transaction

    from emulator import committer, creating, together
    from emulator.models import database

    def work(self):
        while batch := self._batches.get():
            with transaction.atomic(using=database()):
                outcomes = together._run([job.operation for job in batch], self._clock)
                self._loop.call_soon_threadsafe(self._settle, batch, outcomes)
                if any(isinstance(job.operation, creating.Create) for job in batch):
                    time.sleep(0.03)  # a disk's time for a commit

    committer.Committer._work = work


MUTANTS = {mutant.__name__: mutant for mutant in (in_memory, delete_first, answer_first)}


if __name__ == "__main__":
    import django

    django.setup()
    MUTANTS[sys.argv[1]]()
    execute_from_command_line(["manage.py", *sys.argv[2:]])
