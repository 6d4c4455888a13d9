"""The project under exactly the variables that the steps set: the two cannot drift apart."""

import base64
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, urlencode

import dj_database_url
import pytest

from tests.cluster import children
from tests.deploy.cloud import ROOT, service_environment, variables
from tests.processes import FreshDatabase, eventually
from tests.stack import PASSWORD, WebProcess

RECEIVER = "https://tasks-receiver-123456789012.us-central1.run.app"
DASHBOARD = "https://tasks-dashboard-123456789012.us-central1.run.app"
TASKS_ACCOUNT = "tasks-caller@my-project.iam.gserviceaccount.com"

needs_postgresql = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"),
    reason="needs PostgreSQL: python -m tests.with_postgresql pytest",
)


def manage(environment: dict[str, str], tmp_path, *arguments: str) -> subprocess.CompletedProcess:
    """Run a management command with these variables and no other."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
    )


@contextmanager
def service(story, name: str, folder):
    """The service as Cloud Run starts it, on a PostgreSQL of its own."""
    environment = service_environment(story.cloud, name)
    for ours in ("PORT", "DATABASE_URL"):
        del environment[ours]
    with WebProcess(folder, **environment) as web:
        yield web


def ask(web: WebProcess, base: str, method: str, path: str, body: str = "", **headers: str):
    """Send a request as Cloud Run hands it on: its host, TLS already taken off."""
    sent = {"Host": base.removeprefix("https://"), "X-Forwarded-Proto": "https"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(*web.address, timeout=20)
    try:
        connection.request(method, path, body or None, sent)
        answer = connection.getresponse()
        return answer, answer.read().decode()
    finally:
        connection.close()


def token(**changed: object) -> str:
    """Return a token of Google's as a private service sees it: its signature has been removed."""
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": RECEIVER,
        "email": TASKS_ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    }
    parts = [{"alg": "RS256", "kid": "1", "typ": "JWT"}, claims | changed]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*coded, b"SIGNATURE_REMOVED_BY_GOOGLE"]).decode()


@pytest.mark.parametrize("name", ["tasks-receiver", "tasks-dashboard"])
def test_django_finds_nothing_wrong_with_a_service_s_variables(story, tmp_path, name):
    environment = service_environment(story.cloud, name)
    done = manage(environment, tmp_path, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_the_database_s_url_names_the_socket_that_cloud_run_mounts(story):
    found = dj_database_url.parse(
        service_environment(story.cloud, "tasks-receiver")["DATABASE_URL"]
    )
    flag = next(call for call in story.first if call.command == "run deploy").flags
    assert found["HOST"] == f"/cloudsql/{flag['--set-cloudsql-instances']}"
    assert (found["USER"], found["NAME"], found["PORT"]) == ("tasks", "tasks", "")


@needs_postgresql
def test_a_socket_with_a_name_like_cloud_sql_s_is_connected_to(story, tmp_path):
    # A socket's path is 107 bytes at most: pytest's folders are too deep.
    with FreshDatabase("DATABASE_URL") as database, TemporaryDirectory() as folder:
        here = dj_database_url.parse(database.url)
        mounted = Path(folder) / "my-project:us-central1:tasks"
        mounted.symlink_to(here["HOST"])
        socket = quote(str(mounted), safe="")  # as deploy/02-database writes it
        url = f"postgresql://{here['USER']}@{socket}/{here['NAME']}"
        environment = service_environment(story.cloud, "tasks-receiver") | {"DATABASE_URL": url}
        look = "from django.db import connection as c; c.ensure_connection(); "
        look += "print(c.connection.info.host)"
        done = manage(environment, tmp_path, "shell", "-v", "0", "-c", look)
    assert done.stdout.strip() == str(mounted), done.stderr


@needs_postgresql
def test_the_job_makes_tables_and_user_and_may_run_again(story, tmp_path):
    call = next(call for call in story.first if call.command == "run jobs deploy")
    program = call.flags["--args"].split(",")
    assert (call.flags["--command"], program[0]) == ("python", "manage.py")
    with FreshDatabase("DATABASE_URL") as database:
        environment = variables(story.cloud, call) | database.environment
        for _ in range(2):
            done = manage(environment, tmp_path, *program[1:])
            assert done.returncode == 0, done.stderr
            assert "Log in as admin, with the password in DJANGO_SUPERUSER_PASSWORD" in done.stdout
        password = environment["DJANGO_SUPERUSER_PASSWORD"]
        look = "from django.contrib.auth import authenticate as a; "
        look += f"print(a(username='admin', password='{password}').is_superuser)"
        done = manage(environment, tmp_path, "shell", "-c", look)
        assert "True" in done.stdout, done.stderr


@needs_postgresql
def test_the_receiver_takes_what_cloud_tasks_sends_through_cloud_run(story, tmp_path):
    with service(story, "tasks-receiver", tmp_path) as web:
        delivery = {
            "Authorization": f"Bearer {token()}",
            "X_CloudTasks_QueueName": "my-queue",
            "X_CloudTasks_TaskName": "1",
        }
        answer, _ = ask(web, RECEIVER, "POST", "/", "Hello World from Cloud Tasks", **delivery)
        assert answer.status == 200
        assert [
            (bytes(body), queue, account)
            for body, queue, account in web.rows(
                "SELECT body, queue, caller_account FROM receiver_event"
            )
        ] == [(b"Hello World from Cloud Tasks", "my-queue", TASKS_ACCOUNT)]
        line = eventually(
            lambda: [one for one in web.process.output.splitlines() if "Hello World" in one]
        )[0]
        assert json.loads(line)["message"] == (
            "Event Display received event: Hello World from Cloud Tasks"
        )
        refused = [
            {},
            {"Authorization": f"Bearer {token(email='tasks-receiver@x.iam.gserviceaccount.com')}"},
            {"Authorization": f"Bearer {token(aud=DASHBOARD)}"},
        ]
        for headers in refused:
            assert ask(web, RECEIVER, "POST", "/", "no", **headers)[0].status in {401, 403}
        assert ask(web, RECEIVER, "GET", "/admin/login/")[0].status == 404
        assert ask(web, RECEIVER, "GET", "/ready")[0].status == 200
        for reason in ("missing", "account", "audience"):
            web.process.wait_for_line(f'"reason": "{reason}"')
        entries = check_log(web)
        assert entries[0]["httpRequest"]["requestUrl"] == f"{RECEIVER}/"


def check_log(web: WebProcess) -> list[dict]:
    """Kill a worker, which gunicorn complains of; return every line, each an object of its own."""
    (worker,) = children(web.process.pid)
    os.kill(worker, signal.SIGKILL)
    web.process.wait_for_line('"logger": "gunicorn.error"')
    entries = [json.loads(line) for line in web.process.output.splitlines()]
    assert all(entry["severity"] and entry["message"] for entry in entries)
    return entries


@needs_postgresql
def test_a_person_logs_in_to_the_dashboard_as_through_the_proxy(story, tmp_path):
    """gcloud's proxy sets Host and Authorization and leaves the browser's Origin as it is."""
    proxied = {"Authorization": f"Bearer {token(aud=DASHBOARD)}"}
    with service(story, "tasks-dashboard", tmp_path) as web:
        answer, page = ask(web, DASHBOARD, "GET", "/admin/login/?next=/events/", **proxied)
        assert answer.status == 200
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        fields = {"username": "admin", "password": PASSWORD, "next": "/events/"}
        form = urlencode(fields | {"csrfmiddlewaretoken": csrf})
        posted = proxied | {
            "Origin": "http://localhost:8080",
            "Cookie": cookie,
            "Content_Type": "application/x-www-form-urlencoded",
        }
        answer, page = ask(web, DASHBOARD, "POST", "/admin/login/", form, **posted)
        assert (answer.status, answer.headers["Location"]) == (302, "/events/"), page
        cookies = [value.partition(";")[0] for value in answer.headers.get_all("Set-Cookie") or []]
        answer, page = ask(web, DASHBOARD, "GET", "/events/", Cookie="; ".join(cookies), **proxied)
        assert answer.status == 200
        assert ask(web, "https://other.run.app", "GET", "/events/")[0].status == 400
        assert ask(web, DASHBOARD, "POST", "/receive", "no", **proxied)[0].status == 404
