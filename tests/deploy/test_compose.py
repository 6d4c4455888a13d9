"""docker-compose.yaml and the CI example: right by schema, in themselves, and as processes."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from emulator.targets import Targets
from tests.processes import ROOT, EmulatorProcess, eventually
from tests.stack import WebProcess

ACCOUNT = "tasks@demo.iam.gserviceaccount.com"
IN_FILE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES = IN_FILE["services"]
CI_JOB = yaml.safe_load((ROOT / "docs/github-actions.yaml").read_text(encoding="utf-8"))["jobs"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def environment(service: str) -> dict[str, str]:
    """Return a service's variables, those that the person may set left empty as by default."""
    found = SERVICES[service]["environment"]
    return {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value)) for name, value in found.items()}


def validate(schema: str, path: Path) -> str:
    """Return what check-jsonschema says of a file, "" where the file is right."""
    program = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*program, path], capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    ("schema", "name"),
    [("compose-spec", "docker-compose.yaml"), ("github-workflows", "docs/github-actions.yaml")],
)
def test_a_file_is_right_by_its_schema(schema, name):
    assert validate(schema, ROOT / name) == ""


def test_the_schema_refuses_a_key_that_compose_does_not_know(tmp_path):
    wrong = tmp_path / "docker-compose.yaml"
    wrong.write_text(yaml.safe_dump({"services": {"web": {"image": "a", "envirnoment": {}}}}))
    assert "envirnoment" in validate("compose-spec", wrong)


def test_every_service_that_is_waited_for_exists_and_can_tell():
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]


def test_every_volume_is_declared_and_every_port_is_this_machine_s():
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in IN_FILE["volumes"]
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_the_containers_find_each_other_and_agree_on_the_tokens():
    ours = ("web", "emulator", "prepare")
    assert len({environment(name)["OIDC_ISSUER"] for name in ours}) == 1
    assert environment("web")["OIDC_ISSUER"] == "http://emulator:8124"
    assert environment("web")["CLOUD_TASKS_ENDPOINT"] == "emulator:8123"
    assert environment("web")["RECEIVER_URL"] == "http://web:8080"
    assert "web" in environment("web")["ALLOWED_HOSTS"].split(",")
    assert environment("emulator")["EMULATOR_HOST"] == "0.0.0.0"  # noqa: S104  in a container
    Targets(environment("emulator")["EMULATOR_TARGETS"].split(",")).check_name("web", 8080)
    database = SERVICES["database"]["environment"]
    user, password = database["POSTGRES_USER"], database["POSTGRES_PASSWORD"]
    assert environment("web")["DATABASE_URL"] == f"postgresql://{user}:{password}@database/{user}"
    assert "command" not in SERVICES["web"]  # the image's own


def test_the_same_volume_is_the_image_s_folder_for_what_it_keeps():
    folder = re.search(r"VAR_DIR=(\S+)", DOCKERFILE)[1]
    for name in ("web", "emulator", "prepare"):
        assert SERVICES[name]["volumes"] == [f"var:{folder}"]


def test_the_same_commands_and_variables_as_processes_deliver_a_task(tmp_path):
    """Only addresses differ: a name of a container is this machine and a free port."""
    command = SERVICES["emulator"]["command"]
    assert command[:3] == ["python", "manage.py", "runemulator"]
    variables = environment("emulator") | {"EMULATOR_HOST": "127.0.0.1"}
    del variables["DATABASE_URL"]
    with EmulatorProcess(tmp_path, *command[3:], **variables) as emulator:
        variables = environment("web") | {
            "CLOUD_TASKS_ENDPOINT": emulator.endpoint,
            "OIDC_CERTS_URL": f"{emulator.http_url}/certs",
            **emulator.database.environment,
        }
        del variables["DATABASE_URL"], variables["RECEIVER_URL"]
        with WebProcess(tmp_path, **variables) as web:
            said = web.manage(*SERVICES["prepare"]["command"][2:])
            assert "Log in as admin" in said
            web.manage("enqueue", "--url", web.url, "--body-content", "from a container")
            [(body, account)] = eventually(
                lambda: web.rows("SELECT body, caller_account FROM receiver_event")
            )
            assert (bytes(body), account) == (b"from a container", ACCOUNT)


def test_the_ci_example_starts_the_emulator_as_compose_does():
    service = CI_JOB["tests"]["services"]["cloudtasks"]
    assert shlex.split(service["command"]) == SERVICES["emulator"]["command"]
    inside = SERVICES["emulator"]["ports"]
    assert [f"127.0.0.1:{port}" for port in service["ports"]] == inside
    assert service["env"]["EMULATOR_HOST"] == environment("emulator")["EMULATOR_HOST"]
    host = service["env"]["EMULATOR_TARGETS"]
    assert f"--add-host {host}:host-gateway" in service["options"]


def test_the_emulator_of_the_ci_example_starts_alone(tmp_path):
    service = CI_JOB["tests"]["services"]["cloudtasks"]
    options = shlex.split(service["command"])[3:]
    variables = service["env"] | {"EMULATOR_HOST": "127.0.0.1"}
    with EmulatorProcess(tmp_path, *options, **variables) as emulator:
        answer = urlopen(f"{emulator.http_url}/.well-known/openid-configuration")
        with answer:
            assert json.load(answer)["issuer"] == variables["OIDC_ISSUER"]
