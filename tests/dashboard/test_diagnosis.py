"""Why a task has not arrived: the rule as a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.diagnosis import Facts, reasons
from receiver.models import Refusal
from tests.dashboard.conftest import make_queue

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
BASE = Facts(NOW, "default", "http://localhost:8080/x", ours=True, queue=make_queue())
AWAY = {"url": "https://shop.example/hook", "ours": False}
TRIED = {"dispatch_count": 2, "due": LATER}
REFUSAL = Refusal(reason="audience", minute=NOW, count=1)


@pytest.mark.parametrize(
    ("known", "expected", "words"),
    [
        ({}, ["Behind others"], "At most 500 a second, 1,000 at a time."),
        ({"queue": None}, ["Due"], "waits to be dispatched"),
        ({"queue": make_queue(state="PAUSED")}, ["Queue paused"], "nothing is dispatched"),
        ({"queue": make_queue(state="DISABLED")}, ["Queue disabled"], "is disabled"),
        ({"queue": None, "queue_gone": True}, ["Queue deleted"], "does not exist any more"),
        ({"due": LATER}, ["Scheduled"], "Scheduled for later"),
        ({"exists": None}, ["Not known"], "could not be asked"),
        ({"under_way_since": NOW, "dispatch_count": 1}, ["Under way"], "waits for its answer"),
        (TRIED, ["No answer", "In backoff"], "nothing listens there"),
        (
            TRIED | {"local_error": "Could not connect: refused."},
            ["No answer", "In backoff"],
            "ref",
        ),
        (TRIED | {"refusals": [REFUSAL]}, ["Refused", "In backoff"], "Token for another audience"),
        (TRIED | {"arrived": 1}, ["Failing", "In backoff"], "not answered with 2xx"),
        (TRIED | {"response_count": 2}, ["Not the receiver", "In backoff"], "the right URL?"),
        (
            TRIED | AWAY | {"response_count": 2, "last_text": "HTTP status code 500"},
            ["Target elsewhere", "In backoff"],
            "shop.example, not this receiver: what arrives there is not seen. HTTP status code 500",
        ),
        (TRIED | AWAY, ["No answer", "Target elsewhere", "In backoff"], "shop.example: nothing"),
        ({"exists": False}, ["Gone"], "nothing of it was stored here"),
        ({"exists": False, "dispatch_count": 2}, ["Gone"], "Tried twice. The task is gone"),
        ({"exists": False, "arrived": 3}, ["Gave up"], "never answered with 2xx"),
        ({"exists": False} | AWAY, ["Target elsewhere"], "not this receiver"),
        ({"exists": False, "refusals": [REFUSAL]}, ["Refused"], "turned it away"),
        ({"exists": False, "answer": "unknown"}, ["Answer lost"], "perhaps it was never made"),
        ({"answer": "refused", "answer_text": "INVALID"}, ["Not created"], "INVALID"),
        (
            {"answer": "refused", "answer_text": "ALREADY_EXISTS: existed too recently"},
            ["Name resting"],
            "the name rests",
        ),
        (
            {"answer": "refused", "answer_text": "ALREADY_EXISTS: Requested entity already exists"},
            ["Name taken"],
            "the name is taken",
        ),
    ],
)
def test_each_state_has_its_reasons_in_words(known, expected, words):
    found = reasons(replace(BASE, **known))
    assert [reason.word for reason in found] == expected
    assert words in found[0].text


def test_a_refusal_says_what_mends_it_and_backoff_until_when():
    refused, backoff = reasons(replace(BASE, **TRIED, refusals=[REFUSAL]))
    assert "--oidc-token-audience=" in refused.command
    assert backoff.at == LATER
    assert "Tried twice" in backoff.text


def test_a_paused_queue_is_said_beside_what_else_is_wrong():
    found = reasons(replace(BASE, **TRIED, queue=make_queue(state="PAUSED"), refusals=[REFUSAL]))
    assert [reason.word for reason in found] == ["Queue paused", "Refused", "In backoff"]
    assert found[0].queue == "default"
