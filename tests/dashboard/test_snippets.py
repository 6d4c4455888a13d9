"""The same task as code, whatever is in it."""

import ast
import shlex
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboard import inert, shell_words, snippets
from dashboard.drafts import Draft
from tests.dashboard.conftest import DEFAULT

DRAFT = Draft(
    name=f"{DEFAULT}/tasks/my-task",
    queue=DEFAULT,
    url="http://localhost:8080/?a=b&c='d'",
    headers=[("Content-Type", "application/json"), ("X-Odd", "$(rm -rf /) `id` \"'")],
    body=b'{"note": "it\'s $HOME; \\"x\\""}',
    schedule_time=datetime(2026, 11, 25, 9, tzinfo=UTC),
    account="tasks@demo.iam.gserviceaccount.com",
    audience="http://localhost:8080",
)


def options(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", " "))


def test_gcloud_says_everything_once_and_quoted():
    assert options(snippets.gcloud(DRAFT)) == [
        "gcloud",
        "tasks",
        "create-http-task",
        "my-task",
        "--queue=default",
        "--location=us-central1",
        "--project=demo",
        "--url=http://localhost:8080/?a=b&c='d'",
        "--method=POST",
        "--header=Content-Type: application/json",
        "--header=X-Odd: $(rm -rf /) `id` \"'",
        "--schedule-time=2026-11-25T09:00:00Z",
        '--body-content={"note": "it\'s $HOME; \\"x\\""}',
        "--oidc-service-account-email=tasks@demo.iam.gserviceaccount.com",
        "--oidc-token-audience=http://localhost:8080",
    ]


def test_our_own_command_names_the_task_by_an_option():
    words = options(snippets.manage(DRAFT))
    assert words[:3] == ["python", "manage.py", "enqueue"]
    assert "--name=my-task" in words
    assert "--project=demo" not in words


@pytest.mark.parametrize("body", [b"\xff\x00", b"a\0b", b"x" * 5000])
def test_a_body_that_no_command_line_carries_comes_from_a_file(body):
    words = options(snippets.gcloud(replace(DRAFT, body=body)))
    assert "--body-file=body.bin" in words
    assert not [word for word in words if word.startswith("--body-content")]


def test_hidden_characters_are_seen_in_a_command_and_a_shell_reads_them_as_they_were():
    body = "it's \\ \u202e\x1b[2J\r\n\x9b \u2066 a\u200bf \ufeff é ☕"
    for code in (snippets.gcloud, snippets.curl, snippets.manage):
        command = code(replace(DRAFT, body=body.encode()))
        assert inert.visible(command) == command
    shell = ["bash", "-c", f"printf %s {shell_words.quote(body)}"]
    assert subprocess.run(shell, capture_output=True, check=True).stdout == body.encode()
    assert shell_words.split(shell_words.quote(body)) == [body]


def test_a_random_name_is_left_out():
    bare = replace(DRAFT, name="")
    assert "my-task" not in "".join(code for _, code in snippets.all_of(bare))


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:8123"])
@pytest.mark.parametrize("body", [DRAFT.body, b"\xff\x00'\"", b"x" * 5000, b""])
def test_python_compiles_and_goes_where_the_dashboard_goes(settings, endpoint, body):
    settings.CLOUD_TASKS_ENDPOINT = endpoint
    code = snippets.python(replace(DRAFT, body=body))
    ast.parse(code)
    assert ("insecure_channel('127.0.0.1:8123')" in code) is bool(endpoint)
