"""A poll with nothing to say: one query, and nobody learns more by it than they were let in to."""

import pytest

from dashboard import let_in
from tests.dashboard.conftest import allow, make_event

pytestmark = pytest.mark.django_db
LIVE = {"HX-Request": "true"}


def path(event):
    return f"/events/rows/?after={event.pk - 1}&seen=1"


@pytest.fixture
def poll(clerk, client):
    """The path of a poll with nothing to say, which was let in once."""
    poll = path(make_event("first"))
    answer = client.get(poll, headers=LIVE)
    assert answer.status_code == 204
    kept = answer.cookies[let_in.COOKIE]
    assert (kept["path"], kept["max-age"], kept["samesite"]) == ("/events/rows/", 60, "Lax")
    assert kept["httponly"]
    return poll


def test_the_next_poll_is_one_query_and_what_is_new_is_seen(
    client, poll, django_assert_num_queries
):
    with django_assert_num_queries(1):
        answer = client.get(poll, headers=LIVE)
    assert answer.status_code == 204
    assert "no-store" in answer["Cache-Control"]
    new = make_event("second")
    answer = client.get(poll, headers=LIVE)
    assert f"/events/{new.pk}/" in answer.content.decode()


def test_a_minute_later_session_and_user_are_asked_again(
    client, poll, django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr(let_in, "SECONDS", -1)
    with django_assert_num_queries(5):  # with the permissions of the user and of their groups
        assert client.get(poll, headers=LIVE).status_code == 204


def test_a_log_out_ends_it(client, poll):
    kept = client.cookies[let_in.COOKIE].value
    client.logout()
    client.cookies[let_in.COOKIE] = kept
    assert client.get(poll, headers=LIVE)["HX-Refresh"] == "true"


def test_it_is_of_no_use_with_another_session(client, poll, django_user_model):
    kept = client.cookies[let_in.COOKIE].value
    client.force_login(django_user_model.objects.create_user("other", is_staff=True))
    client.cookies[let_in.COOKIE] = kept
    assert client.get(poll, headers=LIVE).status_code == 403


def test_who_was_shut_out_meanwhile_is_shown_nothing(client, clerk, poll):
    clerk.is_active = False
    clerk.save()
    make_event("second")
    answer = client.get(poll, headers=LIVE)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["HX-Refresh"] == "true"


def test_who_may_not_look_is_never_let_in(client, newcomer):
    allow(newcomer, "receiver.view_refusal")
    answer = client.get(path(make_event("first")), headers=LIVE)
    assert answer.status_code == 403
    assert let_in.COOKIE not in answer.cookies


@pytest.mark.parametrize("kept", ["", "/events/rows/", "/events/rows/:x:y"])
def test_what_is_not_signed_lets_nobody_in(client, poll, kept, django_user_model):
    client.force_login(django_user_model.objects.create_user("other", is_staff=True))
    client.cookies[let_in.COOKIE] = kept
    assert client.get(poll, headers=LIVE).status_code == 403


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_poll_is_a_get_let_in_or_not(client, poll, method):
    assert getattr(client, method)(poll).status_code == 405
    del client.cookies[let_in.COOKIE]
    assert getattr(client, method)(poll).status_code == 405
