"""The tasks' list: filters in the URL, counts that stay cheap, live rows, acts on many."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core import signing

from dashboard import cache, many, task_filters
from dashboard.errors import NotFound, Refused, Unreachable
from dashboard.models import Batch, SentTask
from tests.dashboard.conftest import DEFAULT, allow, make_sent, make_task

pytestmark = pytest.mark.django_db
GONE = NotFound("NOT_FOUND: The task no longer exists", "NOT_FOUND")
NOW = datetime.now(UTC)


def done(task_id: str, **changes) -> SentTask:
    return make_sent(task_id, **({"state": "done", "ended_at": NOW} | changes))


def listed(client, query: str) -> list[str]:
    page = client.get(f"/tasks/?{query}").content.decode()
    return re.findall(r'<a class="mono clip" href="/tasks/\d+/">([^<]+)</a>', page)


@pytest.fixture
def _rows(admin_user):
    done("one", queue=f"{DEFAULT[:-7]}emails", name=f"{DEFAULT[:-7]}emails/tasks/one")
    done("two", url="https://shop.example/Hook", created_by=admin_user)
    done("old", created_at=NOW - timedelta(days=3), state="gave up")
    make_sent("no", answer="refused", state="", ended_at=NOW)
    Batch.objects.create(id=7, submission="7", source="copies").tasks.add(SentTask.objects.first())


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["no", "old", "two", "one"]),
        ("state=gave+up", ["old"]),
        ("state=not+created", ["no"]),
        ("queue=emails", ["one"]),
        (f"queue={DEFAULT}", ["no", "old", "two"]),
        ("q=HOOK", ["two"]),
        ("q=asks/on", ["one"]),
        ("q=100%25", []),
        ("by=admin", ["two"]),
        ("by=-", ["no", "old", "one"]),
        ("batch=7", ["no"]),
        ("batch=7&state=done", []),
        ("batch=8", []),
        ("batch=x", ["no", "old", "two", "one"]),
        ("period=24h", ["no", "two", "one"]),
        (f"to={(NOW - timedelta(days=1)):%Y-%m-%dT%H:%M}", ["old"]),
        (f"from={(NOW - timedelta(days=1)):%Y-%m-%dT%H:%M}&q=localhost&by=-", ["no", "one"]),
    ],
)
def test_what_was_sent_is_narrowed_by_the_url(admin_client, cloud, query, expected):
    assert listed(admin_client, query) == expected


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("queue=a_b", "A queue&#x27;s name has 1 to 100 letters"),
        ("from=yesterday", "yesterday is no time."),
        ("to=2026-99-99T00:00", "2026-99-99T00:00 is no time."),
    ],
)
def test_a_filter_that_cannot_be_read_is_said_and_kept(admin_client, cloud, query, said):
    done("one")
    page = admin_client.get(f"/tasks/?{query}").content.decode()
    assert said in page
    assert "until the filter can be read" in page
    assert ">one</a>" not in page


def test_the_tabs_have_counts_that_stop_and_keep_the_other_filters(
    admin_client, cloud, monkeypatch
):
    monkeypatch.setattr(task_filters, "CAP", 2)
    for n in range(4):
        done(f"t{n}")
    make_sent("bad", state="gave up", ended_at=NOW)
    page = admin_client.get("/tasks/").content.decode()
    assert re.search(r"Done <em>2\+</em>", page)
    assert re.search(r"Gave up <em>1</em>", page)
    page = admin_client.get("/tasks/?queue=default").content.decode()
    assert "<em>" not in page
    assert 'href="/tasks/?state=done&amp;queue=default"' in page


def test_the_rows_are_live_and_a_poll_with_nothing_new_is_empty(admin_client, cloud):
    cloud.get_task.side_effect = lambda name: make_task(name, create_time=NOW)
    make_sent("first", created_at=NOW)
    page = admin_client.get("/tasks/?queue=default").content.decode()
    poll = re.search(r'hx-get="(/tasks/\?queue=default&amp;seen=\w+)"', page)[1]
    poll = poll.replace("&amp;", "&")
    assert admin_client.get(poll, headers={"HX-Request": "true"}).status_code == 204
    make_sent("second")
    answer = admin_client.get(poll, headers={"HX-Request": "true"})
    assert ">second</a>" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_older_pages_keep_the_filter(admin_client, cloud):
    for n in range(60):
        done(f"t{n}")
        done(f"o{n}", queue=f"{DEFAULT[:-7]}emails")
    page = admin_client.get("/tasks/?queue=emails").content.decode()
    older = re.search(r'id="older" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert listed(admin_client, older[1:]) == [f"o{n}" for n in range(9, -1, -1)]


# Acts on many -------------------------------------------------------------------------------
def order(answer) -> str:
    return re.search(r'name="order" value="([^"]+)"', answer.content.decode())[1]


def ask(client, act: str, query: str = "", **chosen) -> str:
    answer = client.post(f"/tasks/many/{query}", {"act": act, **chosen})
    assert answer.status_code == 200
    return order(answer)


def logged() -> list[tuple[str, str]]:
    return list(LogEntry.objects.order_by("id").values_list("object_repr", "change_message"))


def test_all_that_match_are_counted_asked_and_cancelled(admin_client, cloud):
    mine = [make_sent(f"t{n}", created_at=NOW) for n in range(3)]
    make_sent("other", queue=f"{DEFAULT[:-7]}emails")
    done("ended")
    answer = admin_client.post("/tasks/many/?queue=default", {"act": "cancel", "scope": "all"})
    page = answer.content.decode()
    assert "<b>3</b> of all that match can be cancelled." in page
    assert "<li>Queue: default</li>" in page
    assert "<li>t2</li>" in page
    assert not cloud.delete_task.called
    page = admin_client.post("/tasks/many/?queue=default", {"order": order(answer)})
    assert "<b>3</b> of 3 cancelled. That is all." in page.content.decode()
    assert [call.args[0] for call in cloud.delete_task.call_args_list] == [t.name for t in mine]
    assert logged() == [(f"t{n}", "Cancelled, with many.") for n in range(3)]
    for sent in mine:
        sent.refresh_from_db()
        assert (sent.state, bool(sent.ended_at)) == ("cancelled", True)


def test_the_ticked_alone_are_run_and_what_failed_is_told(admin_client, cloud):
    rows = [make_sent(f"t{n}") for n in range(4)]
    cloud.run_task.side_effect = lambda name: (_ for _ in ()).throw(GONE) if "t1" in name else None
    signed = ask(admin_client, "run", pk=[rows[0].pk, rows[1].pk, "x"])
    page = admin_client.post("/tasks/many/", {"order": signed}).content.decode()
    assert "<b>1</b> of 2 run now, <b>1</b> not." in page
    assert '<span class="mono">t1</span>: NOT_FOUND' in page
    assert cloud.run_task.call_count == 2


def test_tasks_are_sent_again_once_though_the_order_comes_twice(admin_client, cloud):
    make_sent("t1", body=b"\xff")
    signed = ask(admin_client, "again", scope="all")
    for _ in range(2):
        admin_client.post("/tasks/many/", {"order": signed})
    assert cloud.create_task.call_count == 1
    assert cloud.create_task.call_args.args[0].body == b"\xff"
    assert SentTask.objects.count() == 2


def test_a_number_that_changed_is_asked_about_again(admin_client, cloud):
    make_sent("t1")
    signed = ask(admin_client, "run", scope="all")
    make_sent("t2")
    answer = admin_client.post("/tasks/many/", {"order": signed})
    assert "It was 1 when you were asked; now it is 2." in answer.content.decode()
    assert not cloud.run_task.called
    page = admin_client.post("/tasks/many/", {"order": order(answer)}).content.decode()
    assert "<b>2</b> of 2 run now" in page


def test_many_are_done_in_slices_and_a_slice_sent_twice_is_done_once(
    admin_client, cloud, monkeypatch
):
    monkeypatch.setattr(many, "SLICE", 0)
    for n in range(3):
        make_sent(f"t{n}")
    first = admin_client.post("/tasks/many/", {"order": ask(admin_client, "run", scope="all")})
    assert "<b>1</b> of 3 run now" in first.content.decode()
    assert 'hx-trigger="load delay:100ms"' in first.content.decode()
    monkeypatch.setattr(many, "SLICE", 60)
    rest = admin_client.post("/tasks/many/", {"order": order(first)})
    assert "<b>3</b> of 3 run now. That is all." in rest.content.decode()
    again = admin_client.post("/tasks/many/", {"order": order(first)})
    assert "sent twice" in again.content.decode()
    assert [call.args[0][-2:] for call in cloud.run_task.call_args_list] == ["t0", "t1", "t2"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unreachable("Nobody there."), "Nobody there."),
        (Refused("RESOURCE_EXHAUSTED: quota", "RESOURCE_EXHAUSTED"), "wants it slower"),
    ],
)
def test_what_keeps_all_of_them_stops_and_can_go_on(admin_client, cloud, error, said):
    make_sent("t1")
    cloud.run_task.side_effect = error
    answer = admin_client.post("/tasks/many/", {"order": ask(admin_client, "run", scope="all")})
    assert said in answer.content.decode()
    assert "hx-trigger" not in answer.content.decode().partition('id="many"')[2].partition(">")[0]
    cloud.run_task.side_effect = None
    page = admin_client.post("/tasks/many/", {"order": order(answer)}).content.decode()
    assert "<b>1</b> of 1 run now. That is all." in page


def test_too_many_are_refused(admin_client, cloud, monkeypatch):
    monkeypatch.setattr("dashboard.many.MOST", 1)
    monkeypatch.setattr("dashboard.views.many.MOST", 1)
    for n in range(3):
        make_sent(f"t{n}")
    answer = admin_client.post("/tasks/many/", {"act": "run", "scope": "all"})
    assert "More than 1 match." in answer.content.decode()
    assert "Run now: " not in answer.content.decode()
    answer = admin_client.post("/tasks/many/", {"order": order(answer)})
    assert not cloud.run_task.called


@pytest.mark.parametrize("text", ["x", signing.dumps({"act": "run"}, salt="another")])
def test_an_order_of_somebody_else_s_making_does_nothing(admin_client, cloud, text):
    page = admin_client.post("/tasks/many/", {"order": text}, follow=True).content.decode()
    assert "asked too long ago" in page


def test_no_row_and_no_act_lead_back(admin_client, cloud):
    page = admin_client.post("/tasks/many/", {"act": "run"}, follow=True).content.decode()
    assert "Tick the rows that are meant" in page
    assert admin_client.post("/tasks/many/", {"act": "burn"})["Location"] == "/tasks/"


@pytest.mark.parametrize(
    ("act", "permission"),
    [
        ("run", "dashboard.change_senttask"),
        ("cancel", "dashboard.delete_senttask"),
        ("again", "dashboard.add_senttask"),
    ],
)
def test_each_act_on_many_has_its_permission_also_when_it_is_confirmed(
    client, clerk, cloud, act, permission
):
    make_sent("t1")
    page = client.get("/tasks/").content.decode()
    assert 'name="act"' not in page
    assert 'name="pk"' not in page
    assert client.post("/tasks/many/", {"act": act, "scope": "all"}).status_code == 403
    allow(clerk, permission)
    assert f'name="act" value="{act}"' in client.get("/tasks/").content.decode()
    signed = ask(client, act, scope="all")
    clerk.user_permissions.remove(clerk.user_permissions.get(codename=permission.partition(".")[2]))
    assert client.post("/tasks/many/", {"order": signed}).status_code == 403
    assert logged() == []
    cache.clear()
