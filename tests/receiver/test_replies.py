"""Rules answer, are counted exactly, and the request is stored all the same."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from receiver import replies
from receiver.caller import Caller
from receiver.delivery import Delivery
from receiver.models import Event, Reply
from receiver.recipes import RECIPES
from receiver.store import store

pytestmark = pytest.mark.django_db
active = Reply.objects.active


def rule(**fields):
    return Reply.objects.create(**({"name": "rule"} | fields))


def delivery(**labels):
    """Return one on its way, with these X-CloudTasks labels."""
    environ = {f"HTTP_X_CLOUDTASKS_{name.upper()}": value for name, value in labels.items()}
    environ |= {"REQUEST_METHOD": "POST", "PATH_INFO": "/receive"}
    return Delivery(environ, b"body", Caller(), timezone.now())


def arrive(count=1, **fields):
    """Store so many events of one batch, as the receiver does."""
    deliveries = [delivery(**fields) for _ in range(count)]
    store(deliveries)
    assert [one.error for one in deliveries] == [None] * count
    return [one.event for one in deliveries]


def test_a_delivery_is_answered_by_a_rule_and_stored_with_it(deliver, caplog):
    caplog.set_level("INFO", "receiver")
    reply = rule(
        name="Too many",
        queue="default",
        path="/receive/*",
        status=429,
        body="later, schön",
        headers="Retry-After: 5\nX-Shard: 7",
        times=2,
    )
    labels = {"X-CloudTasks-QueueName": "default", "X-CloudTasks-TaskName": "t"}
    answer = deliver("/receive/orders", b"exact", **labels)
    assert (answer.status_code, answer.content.decode()) == (429, "later, schön")
    assert (answer["Retry-After"], answer["X-Shard"]) == ("5", "7")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    event = Event.objects.get()
    assert bytes(event.body) == b"exact"
    assert (event.reply, event.reply_name) == (reply, "Too many")
    assert (event.status, event.outcome) == (429, Event.Outcome.FAILED)
    reply.refresh_from_db()
    assert (reply.hits, reply.left) == (1, 1)
    assert reply.last_hit_at - timezone.now() < timedelta(seconds=10)
    (line,) = [record for record in caplog.records if record.name == "receiver.events"]
    assert line.getMessage() == "Event Display received event: exact"
    assert (line.fields["reply"], line.fields["status"]) == ("Too many", 429)


def test_a_reply_s_delay_is_part_of_how_long_the_request_took():
    one, other = delivery(taskname="slow"), delivery(taskname="quick")
    rule(task="slow", delay=20)
    store([one, other])
    took = [Event.objects.get(task=task).took_us for task in ("slow", "quick")]
    assert 20_000_000 <= took[0] < 30_000_000
    assert 0 <= took[1] < 10_000_000


def test_fail_3_times_then_work(deliver):
    Reply.objects.from_recipe("fail-3-times", task="t").save()
    answers = [deliver(**{"X-CloudTasks-TaskName": "t"}).status_code for _ in range(4)]
    assert answers == [503, 503, 503, 200]
    marked = list(Event.objects.order_by("id").values_list("outcome", "reply_name"))
    assert marked == [("failed", "Fail 3 times with 503, then work")] * 3 + [("succeeded", "")]
    assert deliver().status_code == 200


@pytest.mark.parametrize("key", RECIPES)
def test_a_recipe_is_a_rule_for_what_it_is_given(key):
    reply = Reply.objects.from_recipe(key, queue="default", name="mine")
    assert (reply.pk, reply.queue, reply.name) == (None, "default", "mine")
    reply.full_clean()


def test_a_recipe_that_there_is_not():
    with pytest.raises(KeyError):
        Reply.objects.from_recipe("no-such")


def test_a_rule_may_answer_a_success_of_its_own(deliver):
    rule(status=202, body="taken", headers="Content-Type: application/json")
    answer = deliver()
    assert (answer.status_code, answer["Content-Type"]) == (202, "application/json")
    event = Event.objects.get()
    assert (event.status, event.outcome) == (202, Event.Outcome.SUCCEEDED)


def test_a_dropped_connection_is_an_event_that_failed_without_a_status():
    rule(drop=True, status=200)
    arrive()
    event = Event.objects.get()
    assert (event.status, event.outcome) == (0, Event.Outcome.FAILED)


@pytest.mark.parametrize(
    ("fields", "answers"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"until": timedelta(minutes=1)}, True),
        ({"until": timedelta(minutes=-1)}, False),
        ({"times": 1}, True),
        ({"times": 1, "hits": 1}, False),
    ],
)
def test_how_long_a_rule_lives(fields, answers):
    if "until" in fields:
        fields = fields | {"until": timezone.now() + fields["until"]}
    reply = rule(**fields)
    assert (reply.state(timezone.now()) == "on") is answers
    assert Reply.objects.any_active(timezone.now()) is answers
    assert active(timezone.now()).exists() is answers
    (event,) = arrive()
    assert bool(event.reply) is answers


def test_the_lowest_order_answers_the_older_one_where_they_are_equal():
    rule(name="third"), rule(name="fourth"), rule(name="second", order=50)
    rule(name="first", order=1, times=1)
    assert [event.reply_name for event in arrive(3)] == ["first", "second", "second"]
    Reply.objects.filter(name="second").delete()
    assert arrive()[0].reply_name == "third"


def test_a_chance_answers_about_its_share():
    rule(percent=50)
    answered = sum(bool(event.reply) for event in arrive(1000))
    assert 400 < answered < 600  # 6 standard deviations
    assert Reply.objects.get().hits == answered


def test_one_batch_never_takes_more_hits_than_there_are():
    rule(name="a", times=3), rule(name="b", times=2, order=200)
    found = Counter(event.reply_name for event in arrive(10))
    assert found == {"a": 3, "b": 2, "": 5}
    assert list(Reply.objects.order_by("name").values_list("hits", flat=True)) == [3, 2]


def test_without_rules_one_query_looks_for_them(django_assert_num_queries):
    rule(enabled=False), rule(times=1, hits=1)
    with django_assert_num_queries(1):
        replies.assign([delivery() for _ in range(50)])


def test_rules_that_are_meant_for_others_are_read_and_no_more(django_assert_num_queries):
    rule(queue="other")
    with django_assert_num_queries(1):
        replies.assign([delivery(queuename="default") for _ in range(50)])


@pytest.mark.parametrize("quick", [True, False])
def test_rules_are_looked_for_by_an_index(quick):
    with CaptureQueriesContext(connection) as queries:
        list(active(timezone.now()))
    sql = Reply.objects.ANY_ACTIVE if quick else queries[0]["sql"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
        plan = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{plan} {sql}", [timezone.now()] if quick else None)
        assert "reply_enabled" in str(cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = on")


def test_whether_there_is_a_rule_to_ask(settings):
    assert not replies.any_to_ask()
    rule(enabled=False)
    rule(until=timezone.now())
    rule(times=1, hits=1)
    assert not replies.any_to_ask()
    rule(times=2, hits=1, until=timezone.now() + timedelta(minutes=1))
    assert replies.any_to_ask()
    settings.REPLIES = False
    assert not replies.any_to_ask()


def test_where_replies_are_off_nothing_is_asked(deliver, settings, django_assert_num_queries):
    settings.REPLIES = False
    reply = rule()
    with django_assert_num_queries(0):
        replies.assign([delivery()])
    assert deliver().status_code == 200
    reply.refresh_from_db()
    assert reply.hits == 0


def test_a_hit_of_an_event_that_is_not_stored_is_not_counted():
    rule(times=1)
    with transaction.atomic():
        replies.assign([delivery()])
        transaction.set_rollback(True)
    assert Reply.objects.get().hits == 0


@pytest.mark.django_db(transaction=True)
def test_an_event_is_stored_where_the_rules_fail_and_answered_as_usual(deliver, monkeypatch):
    assign = replies.assign

    def fail(deliveries):
        assign(deliveries)
        if deliveries:
            raise ZeroDivisionError

    reply = rule()
    monkeypatch.setattr(replies, "assign", fail)
    assert deliver(body=b"kept").status_code == 200
    event = Event.objects.get()
    assert (bytes(event.body), event.reply, event.status) == (b"kept", None, 200)
    reply.refresh_from_db()
    assert reply.hits == 0


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_is_tried_again_counts_each_hit_once(monkeypatch):
    """One poisoned event breaks the transaction: the rest is stored one by one."""
    reply = rule(times=4)
    batch = [delivery() for _ in range(6)]
    batch[2].event.trace = "\ud800"  # neither database takes it
    store(batch)
    reply.refresh_from_db()
    answered = [one.reply().status for one in batch]
    assert answered == [500, 500, 200, 500, 500, 200]
    assert reply.hits == 4
    stored = Event.objects.order_by("id").values_list("status", "reply_name")
    assert list(stored) == [(status, "rule" if status == 500 else "") for status in answered]


def test_the_name_of_a_rule_outlives_it():
    reply = rule(name="Gone soon")
    arrive()
    reply.delete()
    event = Event.objects.get()
    assert (event.reply, event.reply_name, event.status) == (None, "Gone soon", 500)


@pytest.mark.parametrize("fields", [{"status": 100}, {"status": 600}, {"delay": 3600}])
def test_the_database_refuses_what_could_not_be_answered(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        rule(**fields)


def test_a_refused_request_meets_no_rule(client, issuer):
    reply = rule(status=200)
    assert client.post("/receive", b"", content_type="").status_code == 401
    reply.refresh_from_db()
    assert reply.hits == 0


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="one writer at a time: test_replies_wire.py has processes"
)
@pytest.mark.django_db(transaction=True)
def test_deliveries_at_once_never_take_more_hits_than_there_are():
    """Threads with connections of their own, on rules locked in either order."""
    first = rule(name="first", times=30, task="a")
    second = rule(name="second", times=30, task="b")
    barrier, failures = threading.Barrier(8), []

    def work(number):
        try:
            barrier.wait(10)
            for _ in range(10):
                tasks = ("a", "b") if number % 2 else ("b", "a")
                store([delivery(taskname=task) for task in tasks])
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    answered = Counter(Event.objects.values_list("reply_name", flat=True))
    assert answered == {"first": 30, "second": 30, "": 100}
    for reply in (first, second):
        reply.refresh_from_db()
        assert reply.hits == 30
