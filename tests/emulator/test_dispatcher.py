"""Which queues the dispatcher looks at, and when."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from emulator import runner
from emulator.committer import Committer
from emulator.dispatcher import Dispatcher
from emulator.models import Queue

pytestmark = pytest.mark.django_db(databases=["default", "emulator"], transaction=True)


@pytest.fixture
def claimed(monkeypatch):
    """The keys of the queues that have been looked at, in order."""
    found = []
    real = runner.claim_due

    def claim_due(work, *, queue_pk, allow):
        found.append(queue_pk)
        return real(work, queue_pk=queue_pk, allow=allow)

    monkeypatch.setattr(runner, "claim_due", claim_due)
    return found


def test_a_queue_is_looked_at_once_it_has_a_task(stored_queue, store_task, claimed):
    empty = Queue.objects.create(
        name=f"{stored_queue.name}-2", parent="p", created_at=timezone.now()
    )
    later = timezone.now() + timedelta(hours=1)
    store_task(due=later)

    async def main():
        dispatcher = Dispatcher()
        committer = Committer(dispatcher.follow)
        await dispatcher.start(committer, None)
        await asyncio.sleep(0)  # its runners begin
        await committer.run(lambda work: None)
        before = list(claimed)
        await committer.run(lambda work: work.expect(empty.pk, later))
        await asyncio.sleep(0)
        await committer.run(lambda work: None)
        await dispatcher.stop(1)
        await committer.close(10)
        return before

    assert asyncio.run(main()) == [stored_queue.pk]
    assert claimed == [stored_queue.pk, empty.pk]


def test_nothing_is_looked_at_before_the_start(stored_queue, claimed):
    async def main():
        dispatcher = Dispatcher()
        committer = Committer(dispatcher.follow)
        await committer.run(lambda work: work.expect(stored_queue.pk, timezone.now()))
        await asyncio.sleep(0)
        await committer.run(lambda work: None)
        await committer.close(10)

    asyncio.run(main())
    assert claimed == []
