"""Retention's page: by age and by number, "will delete N" first, then deleted and in the log."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from receiver.models import Event, Refusal
from tests.dashboard.conftest import allow, make_event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _rows():
    """Events and refusals of 1, 8, 29, 31 and 400 days ago."""
    now = timezone.now()
    for days in (400, 31, 29, 8, 1):
        make_event(f"d{days}", received_at=now - timedelta(days=days))
        Refusal.objects.create(reason="missing", minute=now - timedelta(days=days), task=f"d{days}")


def left() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("task", flat=True))


def planned(page: str) -> str:
    form = page.partition('method="post" action="?')[2]
    return " ".join(re.sub(r"<[^>]+>", "", form.partition("<p>")[2].partition("</p>")[0]).split())


@pytest.mark.parametrize(
    ("chosen", "events", "refusals", "stay"),
    [
        ("days=30", ["d400", "d31"], 2, ["d29", "d8", "d1"]),
        ("keep=1", ["d400", "d31", "d29", "d8"], 0, ["d1"]),
        ("days=7&keep=100", ["d400", "d31", "d29", "d8"], 4, ["d1"]),
        ("days=100&keep=2", ["d400", "d31", "d29"], 1, ["d8", "d1"]),
    ],
)
def test_it_says_what_will_go_and_then_deletes_it(admin_client, chosen, events, refusals, stay):
    page = admin_client.get(f"/events/retention/?{chosen}").content.decode()
    said = planned(page)
    assert said.startswith(f"Will delete {len(events)} events, received from ")
    assert f"{len(stay)} event" in said
    assert (f", and {refusals} refusal" in said) == bool(refusals)
    assert len(left()) == 5
    action = unescape(re.search(r'method="post" action="([?][^"]+)"', page)[1])
    where = f"/events/retention/{action}"
    asked = admin_client.post(where, {"act": "delete", "scope": "all"})
    assert f"<b>{len(events)}</b> of all that match can be deleted." in asked.content.decode()
    assert left() == [*events, *stay]
    make_event("new")
    signed = re.search(r'name="order" value="([^"]+)"', asked.content.decode())[1]
    for _ in range(2):
        done = admin_client.post(where, {"order": signed})
    assert left() == [*stay, "new"]
    assert Refusal.objects.count() == 5 - refusals
    entry = LogEntry.objects.get()
    assert entry.change_message.startswith(f"Retention: {len(events)} events. Events received")
    assert done.status_code == 200


@pytest.mark.parametrize(("chosen", "said"), [("days=1000", "all 5 events"), ("keep=5", "all 5")])
def test_nothing_to_delete_is_said(admin_client, chosen, said):
    page = admin_client.get(f"/events/retention/?{chosen}").content.decode()
    assert f"Nothing to delete: {said}" in planned(page)
    assert "Will delete" not in page


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "٣", "9" * 30])
@pytest.mark.parametrize("name", ["days", "keep"])
def test_a_bad_number_is_explained_beside_it_and_kept(admin_client, name, text):
    page = admin_client.get("/events/retention/", {name: text}).content.decode()
    assert f'id="{name if name == "days" else "keep"}-problem" role="alert">A whole number' in page
    assert f'value="{text[:20]}"' in page
    assert "Will delete" not in page


@pytest.mark.parametrize("query", ["", "?before=x", "?before=2020-01-01T00:00:00"])
def test_a_form_without_its_instant_deletes_nothing(admin_client, query):
    answer = admin_client.post(f"/events/retention/{query}", {"act": "delete", "scope": "all"})
    assert answer["Location"] == "/events/retention/?"
    assert len(left()) == 5


def test_each_permission_is_needed(client, newcomer):
    allow(newcomer, "receiver.view_event")
    assert "/events/retention/" not in client.get("/events/").content.decode()
    answer = client.get("/events/retention/")
    assert (answer.status_code, "receiver.delete_event" in answer.content.decode()) == (403, True)
    assert client.post("/events/retention/?before=2020-01-01T00:00:00Z").status_code == 403
    allow(newcomer, "receiver.delete_event")
    assert client.get("/events/retention/").status_code == 200
    assert 'href="/events/retention/"' in client.get("/events/").content.decode()
