"""Operations that share a commit, and what becomes of them when one fails."""

import asyncio

import pytest
from django.db import IntegrityError, OperationalError, connections, transaction
from django.utils import timezone

from emulator import errors
from emulator.committer import Committer
from emulator.models import Queue, database
from emulator.owner import AlreadyOwned
from emulator.together import commit_together

pytestmark = pytest.mark.django_db(databases=["default", "emulator"], transaction=True)


def create(name):
    def operation(work):
        Queue.objects.create(name=name, parent="p", created_at=work.now)
        work.altered.add(1)
        return name

    return operation


def refuse(work):
    raise errors.not_found()


def names():
    return sorted(Queue.objects.values_list("name", flat=True))


def test_operations_share_one_commit_and_each_gets_its_answer(monkeypatch):
    commits = []
    real = transaction.Atomic.__exit__
    monkeypatch.setattr(
        transaction.Atomic,
        "__exit__",
        lambda self, *exc: (
            commits.append(1) if len(connections["emulator"].atomic_blocks) == 1 else None,
            real(self, *exc),
        )[1],
    )
    outcomes = commit_together([create("a"), create("b"), create("c")])
    assert [outcome.result for outcome in outcomes] == ["a", "b", "c"]
    assert [outcome.work.altered for outcome in outcomes] == [{1}, {1}, {1}]
    assert names() == ["a", "b", "c"]
    assert commits == [1]


def test_a_refusal_leaves_its_neighbours_alone():
    runs = []
    first = create("a")
    before, refused, after = commit_together(
        [lambda work: runs.append(1) or first(work), refuse, create("b")]
    )
    assert runs == [1]  # nothing was undone and run again
    assert (before.result, after.result) == ("a", "b")
    assert refused.error.message == "Requested entity was not found."
    assert refused.work is None
    assert names() == ["a", "b"]


def test_an_operation_that_breaks_fails_alone():
    first, twin, last = commit_together([create("a"), create("a"), create("b")])
    assert (first.result, last.result) == ("a", "b")
    assert isinstance(twin.error, IntegrityError)
    assert twin.work is None
    assert names() == ["a", "b"]


def test_work_of_a_batch_that_was_undone_is_not_followed_twice():
    outcomes = commit_together([create("a"), create("a")])
    assert [outcome.work and outcome.work.altered for outcome in outcomes] == [{1}, None]


def test_a_lost_connection_is_made_anew():
    lost = []

    def lose(work):
        if not lost:
            lost.append(True)
            raise OperationalError("server closed the connection unexpectedly")
        return "made up for"

    outcomes = commit_together([create("a"), lose])
    assert [outcome.result for outcome in outcomes] == ["a", "made up for"]
    assert names() == ["a"]


def test_without_a_database_all_fail_at_once(monkeypatch):
    def down():
        raise OperationalError("connection refused")

    monkeypatch.setattr(connections[database()], "ensure_connection", down)
    monkeypatch.setattr("emulator.together.transaction.atomic", lambda using: down())
    outcomes = commit_together([create("a")] * 50)
    assert {str(outcome.error) for outcome in outcomes} == {"connection refused"}


def test_a_lock_is_waited_for_once(monkeypatch):
    waits = []

    def locked(using):
        waits.append(1)
        raise OperationalError("database is locked")

    monkeypatch.setattr("emulator.together.transaction.atomic", locked)
    outcomes = commit_together([create("a")] * 3)
    assert {str(outcome.error) for outcome in outcomes} == {"database is locked"}
    assert waits == [1]


@pytest.mark.parametrize("error", [OperationalError("gone"), AlreadyOwned("x")])
def test_it_is_not_well_until_the_database_serves_again(error):
    def away(work):
        raise error

    async def scenario(committer):
        seen = [committer.well]
        for operation in (away, refuse, away, create("a")):
            await asyncio.gather(committer.run(operation), return_exceptions=True)
            seen.append(committer.well)
        return seen

    assert run_committer(scenario)[0] == [True, False, True, False, True]


def run_committer(scenario):
    """Run `scenario(committer)` on a loop; return its result and the work that was followed."""
    followed = []

    async def main():
        committer = Committer(followed.append)
        try:
            return await scenario(committer)
        finally:
            await committer.close(10)

    return asyncio.run(main()), followed


def test_the_thread_answers_coroutines_in_order():
    async def scenario(committer):
        marks = []
        await asyncio.gather(
            *(committer.run(lambda work, i=i: marks.append(i)) for i in range(500))
        )
        return marks

    marks, followed = run_committer(scenario)
    assert marks == list(range(500))
    assert len(followed) == 500


def test_a_caller_gets_what_its_operation_raised():
    async def scenario(committer):
        with pytest.raises(errors.Refused, match="Requested entity was not found"):
            await committer.run(refuse)
        with pytest.raises(ZeroDivisionError):
            await committer.run(lambda work: 1 / 0)
        return await committer.run(lambda work: "alive")

    result, followed = run_committer(scenario)
    assert result == "alive"
    assert len(followed) == 1


def test_what_a_cancelled_caller_committed_is_followed_all_the_same():
    async def scenario(committer):
        call = asyncio.create_task(committer.run(lambda work: work.expect(7, timezone.now())))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await committer.run(lambda work: None)
        return call.cancelled()

    cancelled, followed = run_committer(scenario)
    assert cancelled
    assert 7 in followed[0].due
