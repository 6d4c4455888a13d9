"""The commands: a task's name and nothing else on stdout, one sentence on what is wrong."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from dashboard.errors import NotFound, UnknownOutcome, Unreachable
from dashboard.models import SentTask
from tests.dashboard.conftest import DEFAULT, PARENT, make_queue, make_sent

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_enqueue_sends_exactly_what_it_is_told_and_prints_the_name(cloud):
    soon = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    printed = run(
        "enqueue",
        "--queue=emails",
        "--location=europe-west1",
        "--url=http://localhost:8080/receive",
        "--method=put",
        "--header=X-One: 1",
        "--header=X-Two: a: b",
        "--body-content=a\r\nb",
        f"--schedule-time={soon.isoformat()}",
        "--name=my-task",
        "--oidc-service-account-email=a@demo.iam.gserviceaccount.com",
        "--oidc-token-audience=https://aud.example",
    )
    name = "projects/demo/locations/europe-west1/queues/emails/tasks/my-task"
    assert printed == f"{name}\n"
    (draft,), options = cloud.create_task.call_args
    assert (draft.name, draft.method, draft.body) == (name, "PUT", b"a\r\nb")
    assert draft.headers == [("X-One", "1"), ("X-Two", "a: b")]
    assert draft.schedule_time == soon
    assert (draft.account, draft.audience) == (
        "a@demo.iam.gserviceaccount.com",
        "https://aud.example",
    )
    assert options["random_name"] is False
    assert SentTask.objects.get().answer == "created"


def test_a_task_for_the_receiver_carries_its_token_unless_told_otherwise(cloud):
    run("enqueue")
    run("enqueue", "--oidc-service-account-email=")
    run("enqueue", "--url=http://elsewhere.example/")
    accounts = [call.args[0].account for call in cloud.create_task.call_args_list]
    assert accounts == ["tasks@demo.iam.gserviceaccount.com", "", ""]
    assert cloud.create_task.call_args_list[0].args[0].audience == "http://localhost:8080"
    assert cloud.create_task.call_args_list[0].kwargs["random_name"] is True


def test_a_body_file_is_sent_byte_for_byte(cloud, tmp_path):
    file = tmp_path / "body"
    file.write_bytes(bytes(range(256)))
    run("enqueue", f"--body-file={file}")
    assert cloud.create_task.call_args.args[0].body == bytes(range(256))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--url=ftp://x"], "--url: The URL must start with http"),
        (["--queue=a_b"], "--queue: A queue's name"),
        (["--method=BREW"], "--method: A task's method"),
        (["--header=Host: x"], "--header: Line 1: Host is set by Cloud Tasks"),
        (["--header=A: b\nC: d"], "--header: A header is one line"),
        (["--method=GET", "--body-content=x"], "--body-content: A GET has no body"),
        (["--schedule-time=later"], "--schedule-time: Write a time"),
        (["--schedule-time=0001-01-01T00:00:00+14:00"], "--schedule-time: No such time"),
        (["--location=../x"], "--queue: A location has"),
        (["--location=\udcff"], "--queue: A location has"),
        (["--url=http://localhost/\udcff"], "--url: Not valid UTF-8"),
        (["--header=A: \udcff"], "--header: Not valid UTF-8"),
        (["--oidc-token-audience=\udcff"], "--oidc-token-audience: Not valid UTF-8"),
        (["--oidc-token-audience=a b"], "An audience has only ASCII"),
        (["--oidc-token-audience=" + "x" * 2084], "2,084 characters; an audience"),
        (["--name=a b"], "--name: A task's name"),
        (["--oidc-service-account-email=x"], "--oidc-service-account-email: A service account"),
        (["--body-file=/nowhere/x"], "/nowhere/x cannot be read: No such file"),
        (["--jsonl=/nowhere/x"], "/nowhere/x cannot be read: No such file"),
    ],
)
def test_a_wrong_option_is_one_sentence_that_names_it(cloud, options, why):
    with pytest.raises(CommandError) as caught:
        run("enqueue", *options)
    assert str(caught.value).startswith(why)
    assert "\n" not in str(caught.value)
    assert not cloud.create_task.called


@pytest.mark.parametrize(
    "error",
    [NotFound("NOT_FOUND: Queue does not exist."), Unreachable("It does not answer.")],
)
def test_what_cloud_tasks_says_is_said(cloud, error):
    cloud.create_task.side_effect = error
    with pytest.raises(CommandError, match=str(error)):
        run("enqueue")


def test_a_lost_answer_names_the_task_that_may_exist(cloud):
    cloud.create_task.side_effect = UnknownOutcome("Nobody knows.")
    with pytest.raises(CommandError, match=f"{DEFAULT}/tasks/a may exist: Nobody knows."):
        run("enqueue", "--name=a")


# Many -------------------------------------------------------------------------------------
def test_a_file_of_tasks_is_sent_line_by_line_over_the_options(cloud, tmp_path):
    lines = [
        {"name": "a", "body_content": "one"},
        {"name": "b", "body": {"two": "ü"}, "headers": {"X-A": "1"}, "url": "http://x.example/"},
        {"name": "c", "header": ["X-B: 2"], "oidc-service-account-email": "", "method": "PATCH"},
    ]
    file = tmp_path / "tasks.jsonl"
    file.write_text("\n\n".join(json.dumps(line) for line in lines))
    printed = run("enqueue", f"--jsonl={file}", "--queue=emails", "--body-content=default")
    queue = f"{PARENT}/queues/emails"
    assert printed.splitlines() == [f"{queue}/tasks/{name}" for name in "abc"]
    sent = [call.args[0] for call in cloud.create_task.call_args_list]
    assert [draft.body for draft in sent] == [b"one", '{"two": "ü"}'.encode(), b"default"]
    assert [draft.headers for draft in sent] == [[], [("X-A", "1")], [("X-B", "2")]]
    assert [bool(draft.account) for draft in sent] == [True, False, False]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "Line 2: Not JSON"),
        ("[]", "Line 2: Not a JSON object."),
        ('{"colour": "red"}', "Line 2: Unknown key 'colour'."),
        ('{"name": 7}', "Line 2: name is not text."),
        ('{"headers": [1]}', "Line 2: headers is not text."),
        ('{"url": "http://x/\\ud83d"}', "Line 2: --url: Not valid"),
        ('{"body": "\\ud83d"}', "Line 2: --body-content: Half a"),
        ('{"body": {"a": "\\ud83d"}}', "Line 2: --body-content: Half a"),
        ('{"headers": {"A": "\\ud83d"}}', "Line 2: --header: Not valid"),
        ('{"audience": "\\ud83d"}', "Line 2: --oidc-token-audience: Not valid"),
        ('{"name": "\\ud83d"}', "Line 2: --name: Not valid"),
        ('{"url": "x"}', "Line 2: --url: The URL must start"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_sent(cloud, tmp_path, line, why):
    file = tmp_path / "tasks.jsonl"
    file.write_text(f'{{"name": "good"}}\n{line}\n')
    with pytest.raises(CommandError) as caught:
        run("enqueue", f"--jsonl={file}")
    assert str(caught.value).startswith(why)
    assert not cloud.create_task.called


# Queues and states ------------------------------------------------------------------------
def test_a_queue_is_created_with_its_limits(cloud):
    cloud.create_queue.return_value = make_queue("slow")
    printed = run(
        "create_queue",
        "slow",
        "--max-dispatches-per-second=0.5",
        "--max-attempts=unlimited",
        "--min-backoff=2s",
    )
    assert printed == f"{PARENT}/queues/slow\n"
    limits = {"max_dispatches_per_second": 0.5, "max_attempts": -1, "min_backoff": 2.0}
    assert cloud.create_queue.call_args.args == (f"{PARENT}/queues/slow", limits)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["my_queue"], "A queue's name"),
        (["q1", "--location=\udcff"], "A location has"),
        (["q", "--max-attempts=some"], "--max-attempts: Enter a whole number."),
        (["q", "--min-backoff=9", "--max-backoff=1"], "--min-backoff: Longer than"),
    ],
)
def test_a_wrong_queue_is_one_sentence(cloud, arguments, why):
    with pytest.raises(CommandError) as caught:
        run("create_queue", *arguments)
    assert str(caught.value).startswith(why)
    assert not cloud.create_queue.called


def test_refresh_tasks_asks_about_every_unfinished_task(cloud):
    cloud.get_task.side_effect = NotFound("gone")
    for n in range(120):
        make_sent(f"t{n}")
    make_sent("done", state="done", ended_at=datetime.now(UTC))
    assert run("refresh_tasks") == "120 asked about, 120 of them finished.\n"
    assert cloud.get_task.call_count == 120
    assert run("refresh_tasks") == "0 asked about, 0 of them finished.\n"


def test_refresh_tasks_says_what_keeps_it(cloud):
    make_sent()
    cloud.get_task.side_effect = Unreachable("It does not answer.")
    with pytest.raises(CommandError, match="It does not answer"):
        run("refresh_tasks")
