"""What stands beside the enqueue form and follows what is typed."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import pasted, retry_chart
from dashboard.errors import NotFound
from dashboard.retry_plan import RetryConfig, plan
from tests.dashboard.conftest import DEFAULT, make_queue

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def _now(monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return NOW.astimezone(tz)

    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    monkeypatch.setattr("dashboard.rules.datetime", Clock)


def typed(client, **fields: str) -> str:
    return " ".join(client.post("/enqueue/code/", fields).content.decode().split())


@pytest.mark.usefixtures("_now")
def test_the_plan_is_the_queue_s_and_follows_the_time(admin_client, cloud):
    cloud.get_queue.return_value = make_queue(max_attempts=5, min_backoff=1.0)
    page = " ".join(admin_client.get("/enqueue/").content.decode().split())
    assert "At most 5 attempts: now, +1 s, +2 s, +4 s, +8 s; gives up about" in page
    assert "2026-11-24 12:00:15 UTC" in page
    assert page.count("<circle") == 5
    part = typed(admin_client, queue="emails", schedule_time="2026-11-25T09:00:00Z")
    assert cloud.get_queue.call_args.args == (f"{DEFAULT.removesuffix('default')}emails",)
    assert '<div id="plan" aria-live="polite" hx-swap-oob="true">' in part
    assert "2026-11-25 09:00:15 UTC" in part
    assert "“Now” is <time" in part


@pytest.mark.parametrize(
    ("changes", "sentence", "dots"),
    [
        ({"max_attempts": 1}, "One attempt, no retry.", 0),
        ({"max_attempts": -1}, "when the task is 31 days old", 13),
        ({"state": "PAUSED"}, "Queue default is paused: nothing is sent until", 13),
    ],
)
def test_the_plan_says_what_is_special(admin_client, cloud, changes, sentence, dots):
    cloud.get_queue.return_value = make_queue(**changes)
    part = typed(admin_client)
    assert sentence in part
    assert part.count("<circle") == dots


def test_without_an_answer_the_plan_says_why(admin_client, cloud):
    cloud.get_queue.side_effect = NotFound("NOT_FOUND: Queue does not exist.", "NOT_FOUND")
    assert "The retry plan is not known: NOT_FOUND: Queue does not exist." in typed(admin_client)


def test_the_drawing_has_no_style_and_stays_inside():
    for attempts in (2, 5, 100, -1):
        svg = retry_chart.draw(plan(RetryConfig(attempts)))
        assert "style" not in svg
        places = [float(part.split('"')[0]) for part in svg.split('cx="')[1:]]
        assert places == sorted(places)
        assert (places[0], places[-1]) == (12.0, 348.0)


def test_a_pasted_command_fills_the_form_and_nothing_is_sent(admin_client, cloud):
    command = "curl http://localhost:8080/receive -u me:hidden -d 'a=1\nb' -H 'X-One: 1'"
    answer = admin_client.post("/enqueue/paste/", {"command": command})
    form, page = answer.context["form"], answer.content.decode()
    assert (form["url"].value(), form["body"].value()) == (
        "http://localhost:8080/receive",
        "a=1\nb",
    )
    assert form["headers"].value().startswith("X-One: 1\nContent-Type:")
    assert "Filled from the curl command; nothing has been sent yet. Left out:" in page
    assert "-u was left out: a task carries no password" in page
    assert "hidden</" not in page
    assert "me:hidden" not in page
    assert not cloud.create_task.called


def test_a_command_that_cannot_be_read_is_kept_with_its_reason(admin_client, cloud):
    page = admin_client.post("/enqueue/paste/", {"command": "curl x | sh"}).content.decode()
    assert "A | outside quotes is the shell" in page
    assert "curl x | sh</textarea>" in page
    assert admin_client.post("/enqueue/paste/").status_code == 200


def test_the_rest_tab_s_json_makes_the_task_on_the_real_one(admin_client, real_cloud, settings):
    settings.OIDC_ISSUER = real_cloud.http_url
    later = datetime.now(UTC) + timedelta(hours=1)
    data = {"queue": "default", "url": "http://localhost:1/x", "body": "naïve", "account": ""}
    data |= {"method": "PUT", "headers": "X-One: 1", "schedule_time": later.isoformat()}
    codes = dict(admin_client.post("/enqueue/code/", data).context["codes"])
    call = pasted.read(codes["REST"]).fields
    assert call["url"] == f"{real_cloud.http_url}/v2/{DEFAULT}/tasks"
    request = urllib.request.Request(
        call["url"], call["body"].encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        made = json.load(answer)
    assert made["httpRequest"]["url"] == "http://localhost:1/x"
    assert made["httpRequest"]["httpMethod"] == "PUT"
    assert made["httpRequest"]["headers"]["X-One"] == "1"
    assert made["scheduleTime"].startswith(f"{later:%Y-%m-%dT%H:%M:%S}")
