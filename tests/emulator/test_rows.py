"""Many rows by one statement."""

import dataclasses
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from emulator.models import Attempt, NewAttempt, NewTask, Task
from emulator.rows import Insert, Save, parts
from tests.emulator.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default", "emulator"])

HOUR = timedelta(hours=1)


def unsaved(queue, count):
    return [
        Task(
            queue=queue,
            short_name=f"t{number}",
            method="POST",
            url="http://h/",
            create_time=NOW,
            schedule_time=NOW + HOUR * number,
            due_at=NOW,
            dispatch_deadline=timedelta(seconds=15 + number),
            spec=bytes([number]),
            body=b"\x00body",
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (3, [2, 1]), (32, [32]), (77, [32, 32, 8, 4, 1])],
)
def test_many_are_cut_into_few_sizes(count, sizes):
    cut = list(parts(range(count)))
    assert [len(part) for part in cut] == sizes
    assert [each for part in cut for each in part] == list(range(count))


def test_rows_are_stored_as_the_orm_would_and_get_their_keys(stored_queue):
    tasks = unsaved(stored_queue, 39)
    with CaptureQueriesContext(connections["emulator"]) as queries:
        Insert(Task)(tasks)
    assert len(queries) == 4  # 32, 4, 2, 1
    for task in tasks:
        stored = Task.objects.get(pk=task.pk)
        wanted, found = vars(task) | {"_state": None}, vars(stored) | {"_state": None}
        found |= {"body": bytes(stored.body), "spec": bytes(stored.spec)}
        assert found == {k: v for k, v in wanted.items() if k in found}


def test_a_save_changes_its_fields_of_its_rows_alone(stored_queue, store_task):
    one, other = store_task("one"), store_task("other")
    gone = Task(pk=other.pk + 1000, previous_response=None, last_response_time=NOW)
    one.previous_response, one.last_response_time = None, NOW
    one.url = "http://not-saved/"
    found = Save(Task, "previous_response", "last_response_time")([one, gone])
    assert found == {one.pk}
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.last_response_time, one.url) == (NOW, other.url)
    assert other.last_response_time is None


@pytest.mark.parametrize(("model", "lean"), [(Task, NewTask), (Attempt, NewAttempt)])
def test_a_lean_row_has_every_column_and_the_defaults_of_its_model(model, lean):
    fields = {each.name: each for each in dataclasses.fields(lean)}
    columns = {each.attname: each for each in model._meta.concrete_fields[1:]}
    assert set(fields) == {"pk", *columns}
    for name, column in columns.items():
        given = fields[name]
        made = given.default_factory is not dataclasses.MISSING
        default = given.default_factory() if made else given.default
        assert default in (dataclasses.MISSING, column.get_default())


@dataclass
class Given:
    pk: int
    response_count: int
    previous_response: int | None
    outcome: str = "done"


def test_a_save_adds_to_numbers_and_leaves_rows_that_are_filled_in(stored_queue, store_task):
    tasks = [store_task(name) for name in "abc"]
    Task.objects.filter(pk=tasks[0].pk).update(response_count=5)
    Task.objects.filter(pk=tasks[1].pk).update(outcome="deleted")
    save = Save(Task, "outcome", "previous_response", plus=("response_count",), blank="outcome")
    assert save([Given(task.pk, 2, None) for task in tasks]) == {tasks[0].pk, tasks[2].pk}
    rows = Task.objects.order_by("pk").values_list("outcome", "response_count", "previous_response")
    assert list(rows) == [("done", 7, None), ("deleted", 0, None), ("done", 2, None)]


def test_json_and_bytes_of_many_arrive(stored_queue, store_task):
    attempts = [
        NewAttempt(
            task_id=store_task(f"t{number}").pk,
            number=number,
            schedule_time=NOW,
            dispatch_time=NOW,
            request_headers=[("A", "é\n")],
            body=bytes([0, 255, number]),
        )
        for number in range(3)
    ]
    Attempt.store_all(attempts)
    for attempt in Attempt.objects.all():
        assert attempt.request_headers == [["A", "é\n"]]
        assert bytes(attempt.body) == bytes([0, 255, attempt.number])
