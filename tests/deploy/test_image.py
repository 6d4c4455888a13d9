"""The image, built for real and run: small, bare, nobody's root, and it does the whole job."""

import http.cookiejar
import re
import socket
import urllib.parse
import urllib.request

import pytest

from tests.deploy import image
from tests.processes import eventually
from tests.stack import GUNICORN, PASSWORD

MOST_MEGABYTES = 250  # above the base
MOST_START_SECONDS = 3  # of CPU
COMPILERS = ("gcc", "cc", "g++", "clang", "make", "ld", "rustc", "go")
# What requirements-dev.txt has beside requirements.txt; one of each is enough to tell.
DEVELOPERS = ("pytest", "mypy", "ruff", "uv", "playwright", "hypothesis", "cyclonedx_py")


@pytest.fixture(scope="module")
def container(tmp_path_factory):
    image.need_the_tool()
    image.build(tmp_path_factory.mktemp("image") / "build.log")
    with image.container() as made:
        yield made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_it_adds_little_to_its_base(container):
    added = image.megabytes(image.BUILT) - image.megabytes(image.BASE)
    print(f"the image adds {added:.0f} MB to its base")
    assert 50 < added < MOST_MEGABYTES


def test_it_is_nobody_s_root_and_starts_without_a_shell(container):
    found = image.configuration()
    assert found["User"] == "999:999"
    assert found["Cmd"] == GUNICORN
    assert "Entrypoint" not in found
    look = (
        "id -u; touch /app/x /venv/x 2>/dev/null || echo read-only; touch $VAR_DIR/x && echo kept"
    )
    assert container.run("sh", "-c", look).stdout.split() == ["999", "read-only", "kept"]


def test_it_holds_no_compiler_and_nothing_of_the_developers(container):
    look = "".join(f"command -v {name}; " for name in COMPILERS)
    assert container.run("sh", "-c", f"{look} true").stdout == ""
    names = ", ".join(f"{name!r}" for name in DEVELOPERS)
    program = f"import importlib.util as u; print([n for n in [{names}] if u.find_spec(n)])"
    assert container.run("python", "-c", program).stdout == "[]\n"
    files = container.run("find", "/app", "-maxdepth", "1").stdout.split()
    assert not {"/app/tests", "/app/deploy", "/app/.git", "/app/var"} & set(files)


def opener_logged_in(url: str) -> urllib.request.OpenerDirector:
    """Return what opens pages as the admin, as a browser would."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{url}/admin/login/").read().decode()
    csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    fields = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": csrf, "next": "/"}
    opener.open(f"{url}/admin/login/", urllib.parse.urlencode(fields).encode())
    return opener


def answers(url: str, running: image.Inside) -> bool:
    assert running.outside.running, running.outside.output
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_web_and_emulator_of_the_one_image_do_the_whole_job(container):
    """As compose starts them: a task enqueued, delivered, logged, shown; SIGTERM ends each well."""
    port = str(free_port())
    url = f"http://localhost:{port}"
    ports = {"EMULATOR_PORT": "0", "EMULATOR_HTTP_PORT": "0"}
    command = ["python", "manage.py", "runemulator", "--queue", "default"]
    with container.started(*command, **ports) as emulator:
        ready = emulator.outside.wait_for_line(r"Emulator ready: gRPC (\S+), HTTP (\S+)")
        given = {"PORT": port, "CLOUD_TASKS_ENDPOINT": ready[1], "OIDC_ISSUER": ready[2]}
        given["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
        with container.started(*image.configuration()["Cmd"], **given) as web:
            eventually(lambda: answers(url, web), 60)
            seconds = web.cpu_seconds
            print(f"started in {seconds:.2f} s of CPU, tables and admin user included")
            assert seconds < MOST_START_SECONDS
            # The process that a signal reaches is gunicorn itself.
            assert web.command[1:3] == ["/venv/bin/gunicorn", "-c"]
            assert (web.user, emulator.user) == (999, 999)

            words = [
                "python",
                "manage.py",
                "enqueue",
                "--url",
                url,
                "--body-content",
                "from inside",
            ]
            sent = container.run(*words, **given)
            assert sent.returncode == 0, sent.stderr
            task = sent.stdout.strip().rpartition("/")[2]
            web.outside.wait_for_line("^Event Display received event: from inside$")
            page = opener_logged_in(url).open(f"{url}/events/").read().decode()
            assert task in page
            assert "from inside" in page

            assert web.terminate() == 0
        assert emulator.terminate() == 0
