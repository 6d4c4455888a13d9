"""The environment becomes settings; nonsense is refused with a sentence, the cloud with checks."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment as env

ROOT = Path(__file__).parent.parent
CLOUD = {
    "K_SERVICE": "tasks",
    "SECRET_KEY": "0123456789abcdef" * 4,
    "RECEIVER_URL": "https://tasks.example.com",
    "DATABASE_URL": "postgresql://u:p@db.example.com/tasks",
    "ALLOWED_HOSTS": "tasks.example.com",
    "OIDC_SERVICE_ACCOUNT": "tasks@tasks-1234.iam.gserviceaccount.com",
    "GOOGLE_CLOUD_PROJECT": "tasks-1234",
}


def python(program: str, tmp_path, stdin="", **variables: str) -> subprocess.CompletedProcess:
    """Run a program in a fresh process with just these variables."""
    return subprocess.run(
        [sys.executable, "-c", program],
        input=stdin,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)} | variables,
        capture_output=True,
        text=True,
    )


def settings(names: str, tmp_path, **variables: str) -> list:
    """Return the values of these settings under this environment."""
    program = (
        f"import json; from config import settings as s; print(json.dumps([{names}], default=str))"
    )
    done = python(program, tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_empty_environment_is_a_laptop(tmp_path):
    assert settings(
        "s.IN_CLOUD, s.PORT, s.DEBUG, s.CLOUD_TASKS_ENDPOINT, s.RECEIVER_URL, s.RECEIVER_AUTH,"
        "s.OIDC_ISSUER, s.OIDC_CERTS_URL, s.SURFACES, s.ALLOWED_HOSTS,"
        "'emulator' in s.INSTALLED_APPS, s.DATABASES['default']['NAME'],"
        "s.DATABASES['emulator']['NAME']",
        tmp_path,
    ) == [
        False,
        8080,
        False,
        "127.0.0.1:8123",
        "http://localhost:8080",
        "verify",
        "http://127.0.0.1:8124",
        "http://127.0.0.1:8124/certs",
        ["dashboard", "receiver"],
        ["127.0.0.1", "[::1]", "localhost"],
        True,
        str(tmp_path / "db.sqlite3"),
        str(tmp_path / "emulator.sqlite3"),
    ]
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_the_cloud_talks_to_google_without_an_emulator(tmp_path):
    assert settings(
        "s.IN_CLOUD, s.CLOUD_TASKS_ENDPOINT, s.OIDC_ISSUER, s.OIDC_CERTS_URL,"
        "'emulator' in s.INSTALLED_APPS, list(s.DATABASES)",
        tmp_path,
        **CLOUD,
    ) == [
        True,
        "",
        "https://accounts.google.com",
        "https://www.googleapis.com/oauth2/v1/certs",
        False,
        ["default"],
    ]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("host", "at"), [("::1", "[::1]"), ("::", "127.0.0.1")])
def test_the_emulator_is_found_on_the_address_where_it_listens(tmp_path, host, at):
    names = "s.CLOUD_TASKS_ENDPOINT, s.OIDC_ISSUER"
    found = settings(names, tmp_path, EMULATOR_HOST=host)
    assert found == [f"{at}:8123", f"http://{at}:8124"]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    done = python("import config.settings", tmp_path / "file")
    assert done.stderr.splitlines()[-1].endswith(
        "/file/secret-key cannot be kept (Not a directory): VAR_DIR must name a folder to write to."
    )


def test_the_secret_key_is_made_once(tmp_path):
    assert settings("s.SECRET_KEY", tmp_path) == settings("s.SECRET_KEY", tmp_path)


def test_it_refuses_the_cloud_without_a_secret_key(tmp_path):
    done = python("import config.settings", tmp_path, K_SERVICE="tasks")
    assert "SECRET_KEY is required" in done.stderr


def test_it_refuses_an_unknown_surface(tmp_path):
    done = python("import config.settings", tmp_path, SURFACES="window")
    assert "SURFACES takes" in done.stderr


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (lambda: env.flag("V"), "maybe", "V must be 1 or 0"),
        (lambda: env.number("V", 1), "-1", "V must be a whole number from 0"),
        (lambda: env.number("V", 1), "٣", "V must be a whole number"),
        (lambda: env.number("V", 1, most=65535), "65536", "to 65535"),
        (lambda: env.choice("V", "a", ("a", "b")), "c", "V must be one of a, b"),
    ],
)
def test_it_refuses_nonsense_with_the_variable_s_name(monkeypatch, read, value, said):
    monkeypatch.setenv("V", value)
    with pytest.raises(ImproperlyConfigured, match=said):
        read()


def test_readers_take_defaults_and_values(monkeypatch):
    monkeypatch.setenv("V", " ")
    assert (env.text("V", "d"), env.flag("V", True), env.number("V", 7)) == ("d", True, 7)
    monkeypatch.setenv("V", " a, b,,")
    assert env.words("V") == ["a", "b"]


@pytest.mark.parametrize(
    ("variables", "on"),
    [({}, True), ({"REPLIES": "0"}, False), (CLOUD, False), (CLOUD | {"REPLIES": "1"}, True)],
)
def test_replies_are_off_in_the_cloud_unless_asked_for(tmp_path, variables, on):
    assert settings("s.REPLIES", tmp_path, **variables) == [on]


def test_an_empty_endpoint_is_google_s_even_on_a_laptop(tmp_path):
    names = "s.CLOUD_TASKS_ENDPOINT, 'emulator' in s.INSTALLED_APPS"
    assert settings(names, tmp_path, CLOUD_TASKS_ENDPOINT="") == ["", False]


def test_production_settings_pass_every_check(tmp_path):
    program = (
        "from django.core.management import execute_from_command_line as run; run(['manage.py',"
    )
    program += "'check', '--deploy', '--fail-level', 'WARNING'])"
    variables = CLOUD | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = python(program, tmp_path, **variables)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "check"),
    [
        ("DEBUG", "1", "config.E001"),
        ("SECRET_KEY", "secret", "config.E002"),
        ("SECRET_KEY", "a" * 64, "config.E002"),
        ("SECRET_KEY", "django-insecure-" + "0123456789abcdef" * 4, "config.E002"),
        ("ALLOWED_HOSTS", "*", "config.E003"),
        ("ALLOWED_HOSTS", "tasks.example.com,.run.app", "config.E003"),
        ("CLOUD_TASKS_ENDPOINT", "127.0.0.1:8123", "dashboard.E001"),
        ("GOOGLE_CLOUD_PROJECT", "", "dashboard.E006"),
        ("RECEIVER_AUTH", "off", "receiver.E001"),
        ("OIDC_ISSUER", "http://127.0.0.1:8124", "receiver.E002"),
        ("OIDC_CERTS_URL", "file:///etc/passwd", "receiver.E003"),
        ("RECEIVER_URL", "https://tasks.example.com/?x=1", "receiver.E004"),
        ("RECEIVER_URL", "http://tasks.example.com", "receiver.E005"),
        ("RECEIVER_URL", "https://localhost", "receiver.E005"),
        ("DATABASE_URL", "sqlite:///db.sqlite3", "receiver.E006"),
        (
            "DATABASE_URL",
            CLOUD["DATABASE_URL"] + "?options=-c%20synchronous_commit%3Doff",
            "receiver.E011",
        ),
        ("OIDC_SERVICE_ACCOUNT", "", "receiver.E013"),
    ],
)
def test_a_mistake_in_the_cloud_stops_the_start(tmp_path, variable, value, check):
    """As `gunicorn -c config/gunicorn.py` asks before it listens: one mistake, one check."""
    program = (
        "import django, runpy; django.setup();"
        "runpy.run_path('config/gunicorn.py')['on_starting'](None)"
    )
    variables = CLOUD | {"DJANGO_SETTINGS_MODULE": "config.settings", variable: value}
    done = python(program, tmp_path, **variables)
    assert done.returncode == 1
    assert done.stderr.startswith("Not started:\n")
    assert f"({check})" in done.stderr
    assert done.stderr.count("HINT:") == 1
    assert "Traceback" not in done.stderr


APART = "import runpy, time; apart = runpy.run_path('config/gunicorn.py')['_apart']\n"


def test_a_start_that_is_killed_leaves_no_process(tmp_path):
    program = APART + "apart(lambda: (print('at work', flush=True), time.sleep(0.2)))"
    one = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert one.stdout.readline() == "at work\n"
        one.kill()
        assert one.communicate(timeout=30) == ("", None)  # nobody holds its output any more
    finally:
        with suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)


def test_what_goes_wrong_in_a_check_is_shown(tmp_path):
    program = (
        APART
        + """
class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} {two}")
def check():
    raise Odd("a", "b")
apart(check)
"""
    )
    done = python(program, tmp_path)
    assert done.returncode == 1
    assert "Odd: a b" in done.stderr
    assert "EOFError" not in done.stderr


def test_nothing_else_stops_the_start_in_the_cloud(tmp_path):
    program = "import django; django.setup(); from django.core.checks import run_checks; "
    program += "print([found.id for found in run_checks()])"
    variables = CLOUD | {"DJANGO_SETTINGS_MODULE": "config.settings", "REPLIES": "1"}
    assert python(program, tmp_path, **variables).stdout == "['receiver.W010']\n"


def test_a_folder_s_name_may_hold_what_a_url_may_not(tmp_path):
    folder = tmp_path / "a#b?c%41"
    names = "s.DATABASES['default']['NAME'], s.DATABASES['emulator']['NAME']"
    found = settings(names, folder)
    assert found == [str(folder / "db.sqlite3"), str(folder / "emulator.sqlite3")]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("DATABASE_URL", "nonsense", "DATABASE_URL is not a database URL"),
        ("RECEIVER_URL", "http://[::1", "RECEIVER_URL is not a URL"),
        ("PORT", "80000", "PORT must be a whole number from 1 to 65535"),
    ],
)
def test_the_launcher_says_a_mistake_in_one_sentence(tmp_path, variable, value, said):
    done = subprocess.run(
        [sys.executable, "-m", "config.run"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), variable: value},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
