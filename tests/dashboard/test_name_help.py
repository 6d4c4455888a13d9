"""The name helper: free, taken or resting, and what to use instead; it never creates anything."""

import doctest
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from dashboard import gateway, name_help
from dashboard.drafts import Draft
from dashboard.errors import NotFound, Unreachable
from tests.dashboard.conftest import DEFAULT, allow, make_sent

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
RECENTLY = NotFound("NOT_FOUND: ... a task with this name existed recently. ...", "NOT_FOUND")
NEVER = NotFound("NOT_FOUND: Requested entity was not found.", "NOT_FOUND")
ENDED = timedelta(minutes=20)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(name_help).failed == 0


@pytest.mark.parametrize(
    ("answer", "ended", "state", "sentence"),
    [
        (None, None, "taken", "A task of this name is there now"),
        (NEVER, None, "free", "This name is free."),
        (NEVER, ENDED, "free", "Google may let a name rest"),
        (NEVER, timedelta(days=2), "free", "This name is free."),
        (RECENTLY, None, "resting", "about an hour, at Google for up to 24"),
        (RECENTLY, ENDED, "resting", "About 40 min are left."),
        (RECENTLY, timedelta(hours=2), "resting", "up to 24 hours"),
        (Unreachable("It is away."), None, "unknown", "not known: It is away."),
    ],
)
def test_what_is_known_of_a_name(cloud, answer, ended, state, sentence):
    sent = make_sent("abc", ended_at=timezone.now() - ended) if ended else None
    if answer:
        cloud.get_task.side_effect = answer
    found = name_help.look(f"{DEFAULT}/tasks/abc")
    assert (found.state, found.sent) == (state, sent)
    assert sentence in found.sentence
    assert not cloud.create_task.called


def test_the_real_one_s_words_are_understood(real_cloud):
    draft = Draft(name=f"{DEFAULT}/tasks/helped-name", queue=DEFAULT, url="http://localhost:1/")
    assert name_help.look(draft.name).state == "free"
    later = datetime.now(UTC) + timedelta(hours=1)
    gateway.create_task(Draft(**vars(draft) | {"schedule_time": later}), random_name=False)
    assert name_help.look(draft.name).state == "taken"
    gateway._client().delete_task(name=draft.name)
    gateway.cache.clear()
    assert name_help.look(draft.name).state == "resting"


@pytest.mark.parametrize(
    ("task_id", "free", "names"),
    [
        ("", True, ["2cf24dba5fb0a30e", "20261124-120000"]),
        ("order", True, ["2cf24dba5fb0a30e-order", "order-20261124-120000"]),
        ("order", False, ["order-2", "2cf24dba5fb0a30e-order", "order-20261124-120000"]),
        ("x" * 490, False, ["x" * 490 + "-2"]),
    ],
)
def test_names_that_would_do(task_id, free, names):
    offers = name_help.offers(task_id, b"hello", NOW, free=free)
    assert [name for _, name in offers] == names


def test_the_form_says_it_while_typing_and_links_the_earlier_task(client, newcomer, cloud):
    allow(newcomer, "dashboard.add_senttask")
    sent = make_sent("abc")
    typed = {"queue": "default", "name": "abc"}
    page = client.post("/enqueue/code/", typed).content.decode()
    assert "A task of this name is there now" in page
    assert 'data-value="abc-2"' in page
    assert f'href="/tasks/{sent.pk}/"' not in page
    allow(newcomer, "dashboard.view_senttask")
    assert f'href="/tasks/{sent.pk}/"' in client.post("/enqueue/code/", typed).content.decode()
    cloud.get_task.reset_mock()
    assert "used once" in client.post("/enqueue/code/", {"name": "a b"}).content.decode()
    assert not cloud.get_task.called
