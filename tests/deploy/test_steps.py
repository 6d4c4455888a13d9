"""The steps of deploy/ on a stub gcloud: what they make, that they repeat, how they stop."""

import re

import pytest

from tests.deploy.cloud import ROOT, STEPS, Cloud, changes

PROJECT = "my-project"
RECEIVER = "https://tasks-receiver-123456789012.us-central1.run.app"


def account(name: str) -> str:
    return f"{name}@{PROJECT}.iam.gserviceaccount.com"


def binding(role: str, name: str) -> str:
    return f"roles/{role},serviceAccount:{account(name)}"


def test_the_steps_make_everything_with_no_more_rights_than_needed(story):
    accounts = ["tasks-receiver", "tasks-dashboard", "tasks-migrate", "tasks-caller"]
    reader = "secretmanager.secretAccessor"
    state = {
        group: names for group, names in story.state.items() if not group.startswith("versions")
    }
    assert {group: sorted(names) for group, names in state.items()} == {
        "services": [
            f"{name}.googleapis.com"
            for name in (
                "artifactregistry",
                "cloudbuild",
                "cloudtasks",
                "iam",
                "logging",
                "run",
                "secretmanager",
                "sqladmin",
            )
        ],
        "secrets": ["tasks-admin-password", "tasks-database-url", "tasks-secret-key"],
        "sql instances": ["tasks"],
        "sql databases": ["tasks"],
        "sql users": ["tasks"],
        "iam service-accounts": sorted(account(name) for name in accounts),
        "artifacts repositories": ["tasks"],
        "artifacts docker tags": ["v1"],
        "run jobs": ["tasks-migrate"],
        "run services": ["tasks-dashboard", "tasks-receiver"],
        "tasks queues": ["my-queue"],
        "policy of secrets tasks-secret-key": [
            binding(reader, "tasks-dashboard"),
            binding(reader, "tasks-receiver"),
        ],
        "policy of secrets tasks-database-url": [
            binding(reader, "tasks-dashboard"),
            binding(reader, "tasks-migrate"),
            binding(reader, "tasks-receiver"),
        ],
        "policy of secrets tasks-admin-password": [binding(reader, "tasks-migrate")],
        "policy of projects my-project": [
            binding("cloudsql.client", "tasks-dashboard"),
            binding("cloudsql.client", "tasks-migrate"),
            binding("cloudsql.client", "tasks-receiver"),
            *(
                binding(f"cloudtasks.{role}", "tasks-dashboard")
                for role in ("enqueuer", "queueAdmin", "taskDeleter", "taskRunner", "viewer")
            ),
        ],
        f"policy of iam service-accounts {account('tasks-caller')}": [
            binding("iam.serviceAccountUser", "tasks-dashboard")
        ],
        "policy of run services tasks-receiver": [binding("run.invoker", "tasks-caller")],
    }


def test_a_second_run_makes_nothing_and_changes_nothing(story):
    assert changes(story.second) == [
        "run jobs deploy",
        "run deploy",
        "run deploy",
        "tasks queues update",
        "tasks create-http-task",
    ]
    assert story.second_state == story.state
    for command in ("run jobs deploy", "run deploy"):
        told = [[c for c in calls if c.command == command] for calls in (story.first, story.second)]
        assert told[0] == told[1]


def test_both_services_are_the_same_image_and_private(story):
    deploys = [call for call in story.first if call.command == "run deploy"]
    assert [call.names for call in deploys] == [["tasks-receiver"], ["tasks-dashboard"]]
    image = "us-central1-docker.pkg.dev/my-project/tasks/tasks:v1"
    for call in deploys:
        assert call.flags["--image"] == image
        assert "--no-allow-unauthenticated" in call.flags
        assert call.flags["--service-account"] == account(call.names[0])


def test_the_first_task_is_the_tutorial_s(story):
    call = next(call for call in story.first if call.command == "tasks create-http-task")
    assert call.flags == {
        "--queue": "my-queue",
        "--location": "us-central1",
        "--url": RECEIVER,
        "--body-content": "Hello World from Cloud Tasks",
        "--oidc-service-account-email": account("tasks-caller"),
        "--oidc-token-audience": RECEIVER,
        "--format": "value(name)",
    }


def test_the_queue_has_the_rates_and_retries_of_the_settings(story):
    call = next(call for call in story.first if call.command == "tasks queues create")
    assert call.names == ["my-queue"]
    assert call.flags == {
        "--location": "us-central1",
        "--max-dispatches-per-second": "50",
        "--max-concurrent-dispatches": "50",
        "--max-attempts": "100",
        "--min-backoff": "1s",
        "--max-backoff": "300s",
        "--max-doublings": "8",
    }


def test_secrets_are_on_no_command_line_and_in_no_output(story):
    secrets = [
        value
        for group, values in story.state.items()
        if group.startswith("versions")
        for value in values
    ]
    assert len(secrets) == 3
    url = story.state["versions of tasks-database-url"][0]
    secrets.append(url.split(":")[2].split("@")[0])
    lines = "\n".join(" ".join(record["words"]) for record in story.records)
    for secret in secrets:
        assert len(secret) >= 50
        assert secret not in lines
        assert secret not in story.said


def test_every_call_is_for_the_project_of_the_settings(story):
    assert {record["project"] for record in story.records} == {PROJECT}


def test_teardown_removes_what_was_made_and_may_be_repeated(deployed):
    cloud = deployed
    for _ in range(2):
        done = cloud.run("teardown", "--yes", "--with-database")
        assert done.returncode == 0, done.stderr
        assert list(cloud.state) == ["services"]


def test_teardown_keeps_the_database_unless_it_is_named(deployed):
    cloud = deployed
    done = cloud.run("teardown", stdin=f"{PROJECT}\n")
    assert done.returncode == 0, done.stderr
    assert "kept: the database" in done.stdout
    assert sorted(cloud.state) == [
        "policy of secrets tasks-database-url",
        "secrets",
        "services",
        "sql databases",
        "sql instances",
        "sql users",
        "versions of tasks-database-url",
    ]


def test_teardown_removes_nothing_unless_the_project_is_typed(tmp_path):
    cloud = Cloud(tmp_path)
    done = cloud.run("teardown", stdin="yes\n")
    assert "teardown stopped: nothing was removed." in done.stderr
    assert cloud.records == []


def test_the_url_of_any_postgresql_is_kept_as_it_was_pasted(tmp_path):
    cloud = Cloud(tmp_path, DATABASE="url")
    url = "postgresql://someone:pass%40word@db.example.com/tasks?sslmode=require"
    done = cloud.run("02-database", stdin=f"{url}\n")
    assert done.returncode == 0, done.stderr
    assert cloud.secret("tasks-database-url") == url
    assert url not in done.stdout + done.stderr
    for step in STEPS:
        done = cloud.run(step)
        assert done.returncode == 0, done.stderr
    assert not [group for group in cloud.state if group.startswith("sql")]
    assert not [call for call in cloud.calls if "--set-cloudsql-instances" in call.flags]


def test_it_refuses_what_is_no_postgresql_url(tmp_path):
    done = Cloud(tmp_path, DATABASE="url").run("02-database", stdin="mysql://a:b@c/d\n")
    assert "02-database stopped: that is no PostgreSQL URL" in done.stderr
    assert done.returncode == 70


def test_a_database_step_that_was_cut_off_is_finished_by_the_next(tmp_path):
    cloud = Cloud(tmp_path)
    assert cloud.run("02-database", FAIL="secrets versions add").returncode == 70
    done = cloud.run("02-database")
    assert done.returncode == 0, done.stderr
    assert changes(cloud.calls)[-2:] == ["sql users set-password", "secrets versions add"]


def test_the_database_gets_a_new_password_when_it_is_asked_for(deployed):
    before = deployed.secret("tasks-database-url")
    done = deployed.run("02-database", "--new-password")
    assert done.returncode == 0, done.stderr
    assert changes(deployed.calls) == ["sql users set-password", "secrets versions add"]
    after = deployed.secret("tasks-database-url")
    assert after != before
    password = re.search(r"//tasks:(\w{64})@%2Fcloudsql%2F", after)[1]
    assert password not in done.stdout + done.stderr
    assert not [record for record in deployed.records if password in " ".join(record["words"])]


def test_a_name_too_long_for_a_socket_is_refused_before_the_database_is_made(tmp_path):
    cloud = Cloud(tmp_path, SQL_INSTANCE="a" * 61)  # 60 fit
    done = cloud.run("02-database")
    assert (done.returncode, changes(cloud.calls)) == (70, [])
    assert "longer than the 107 bytes of a socket's path: shorten SQL_INSTANCE" in done.stderr


def test_the_database_step_takes_no_other_word(deployed):
    done = deployed.run("02-database", "--new")
    assert (done.returncode, deployed.calls) == (70, [])
    assert "it takes --new-password, not --new" in done.stderr


@pytest.mark.parametrize(
    ("step", "command"),
    [
        ("01-enable-apis", "services enable"),
        ("02-database", "sql instances create"),
        ("02-database", "sql users list"),
        ("03-service-accounts", "iam service-accounts create"),
        ("04-build", "builds submit"),
        ("05-migrate", "run jobs deploy"),
        ("06-deploy", "run deploy"),
        ("06-deploy", "run services get-iam-policy"),
        ("07-queue", "tasks queues create"),
        ("08-first-task", "projects describe"),
        ("08-first-task", "tasks create-http-task"),
        ("09-read-log", "logging read"),
    ],
)
def test_a_step_stops_with_a_sentence_at_the_first_failure(tmp_path, step, command):
    cloud = Cloud(tmp_path)
    if step == "03-service-accounts":
        assert cloud.run("02-database").returncode == 0
    done = cloud.run(step, FAIL=command)
    assert done.returncode == 70
    assert f"ERROR: (gcloud.{command}) PERMISSION_DENIED" in done.stderr
    assert done.stderr.count(f"{step} stopped: ") == 1
    assert cloud.calls[-1].command == command


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PROJECT_ID": ""}, "PROJECT_ID in"),
        ({"REGION": "Frankfurt"}, "REGION in"),
        ({"DATABASE": "mysql"}, "DATABASE in"),
        ({"SQL_MAX_CONNECTIONS": "100"}, "raise SQL_MAX_CONNECTIONS"),
        ({"RECEIVER_SERVICE": "r" * 51}, "shorten the service's name"),
    ],
)
def test_a_mistake_in_the_settings_is_a_sentence_before_anything_changes(tmp_path, settings, said):
    cloud = Cloud(tmp_path, **settings)
    done = cloud.run("06-deploy")
    assert (done.returncode, done.stderr.count("stopped: ")) == (70, 1)
    assert said in done.stderr
    assert changes(cloud.calls) == []


def test_settings_that_are_not_there_are_a_sentence(tmp_path):
    done = Cloud(tmp_path).run("01-enable-apis", DEPLOY_SETTINGS=str(tmp_path / "none"))
    assert "copy deploy/settings.env.example" in done.stderr


def test_the_connections_counted_are_those_that_an_instance_may_hold():
    counted = re.search(r"^each=(\d+)$", (ROOT / "deploy/06-deploy").read_text(), re.M)[1]
    threads = re.search(r"^THREADS = (\d+)$", (ROOT / "config/asgi.py").read_text(), re.M)[1]
    assert int(counted) == int(threads) + 1
    example = (ROOT / "deploy/settings.env.example").read_text()
    assert f"may hold {counted} connections" in example
    assert f"| {counted} connections for each instance" in (ROOT / "README.md").read_text()
