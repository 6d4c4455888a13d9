"""A gcloud without a cloud: checks flags by the table, keeps what exists in a file, records calls.

CLOUD names its folder: state.json holds what exists, calls.jsonl each command line and what it was
given on standard input. FAIL names a command that answers with an error.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.deploy.flags import Call, parse  # noqa: E402

NUMBER = "123456789012"
FOLDER = Path(os.environ["CLOUD"])
PROJECT = os.environ.get("CLOUDSDK_CORE_PROJECT", "")

INSIDE = {
    "sql instances": ("sql databases", "sql users"),
    "artifacts repositories": ("artifacts docker tags",),
}


class Refused(Exception):
    """What gcloud would say before it ends with 1."""


class Cloud:
    """What exists, by the words of its group: `secrets`, `run services`, ..."""

    def __init__(self) -> None:
        path = FOLDER / "state.json"
        self.state: dict = json.loads(path.read_text()) if path.exists() else {}

    def save(self) -> None:
        (FOLDER / "state.json").write_text(json.dumps(self.state))

    def of(self, group: str) -> list[str]:
        return self.state.setdefault(group, [])

    def need(self, group: str, name: str) -> None:
        if name not in self.of(group):
            raise Refused(f"NOT_FOUND: there is no {name} in {group}")

    def add(self, group: str, name: str) -> None:
        if name in self.of(group):
            raise Refused(f"ALREADY_EXISTS: {name} in {group}")
        self.of(group).append(name)

    def put(self, group: str, name: str) -> None:
        if name not in self.of(group):
            self.of(group).append(name)

    def remove(self, group: str, name: str) -> None:
        self.need(group, name)
        self.of(group).remove(name)
        for gone in (f"policy of {group} {name}", f"versions of {name}", *INSIDE.get(group, ())):
            self.state.pop(gone, None)

    def policy(self, group: str, name: str) -> list[str]:
        if group != "projects":
            self.need(group, name)
        return self.of(f"policy of {group} {name}")


def given() -> str:
    return "" if sys.stdin.isatty() else sys.stdin.read()


def answer(cloud: Cloud, call: Call, stdin: str) -> str:
    """Do what the command does to what exists, and return what it prints."""
    group, _, verb = call.command.rpartition(" ")
    name = call.names[0] if call.names else ""
    if call.command in SPECIAL:
        return SPECIAL[call.command](cloud, call, stdin)
    if verb == "list":
        return "\n".join(cloud.of(group))
    if verb == "create":
        cloud.add(group, name)
    elif verb == "delete":
        cloud.remove(group, name)
    elif verb.endswith("iam-policy") or verb.endswith("iam-policy-binding"):
        return change_policy(cloud.policy(group, name), verb, call)
    else:
        cloud.need(group, name)
    return ""


def change_policy(policy: list[str], verb: str, call: Call) -> str:
    if verb == "get-iam-policy":
        return "\n".join(policy)
    binding = f"{call.flags['--role']},{call.flags['--member']}"
    if verb.startswith("add"):
        policy.append(binding)
    else:
        policy.remove(binding)
    return ""


def run_deploy(cloud: Cloud, call: Call, stdin: str) -> str:
    cloud.put("run services", call.names[0])
    return ""


def run_jobs_deploy(cloud: Cloud, call: Call, stdin: str) -> str:
    cloud.put("run jobs", call.names[0])
    return ""


def describe_service(cloud: Cloud, call: Call, stdin: str) -> str:
    cloud.need("run services", call.names[0])
    return f"https://{call.names[0]}-{NUMBER}.{call.flags['--region']}.run.app"


def make_account(cloud: Cloud, call: Call, stdin: str) -> str:
    cloud.add("iam service-accounts", f"{call.names[0]}@{PROJECT}.iam.gserviceaccount.com")
    return ""


def add_version(cloud: Cloud, call: Call, stdin: str) -> str:
    cloud.need("secrets", call.names[0])
    if not stdin:
        raise Refused("the secret's value is empty")
    cloud.of(f"versions of {call.names[0]}").append(stdin)
    return ""


def list_versions(cloud: Cloud, call: Call, stdin: str) -> str:
    versions = cloud.of(f"versions of {call.names[0]}")
    return "\n".join(str(number) for number in range(len(versions), 0, -1))


def build(cloud: Cloud, call: Call, stdin: str) -> str:
    cloud.put("artifacts docker tags", call.flags["--tag"].rpartition(":")[2])
    return ""


def user(cloud: Cloud, call: Call, stdin: str) -> str:
    password = Path(call.flags["--flags-file"]).read_text()
    if not password.startswith("--password: "):
        raise Refused("the flags file has no password")
    creates = call.command.endswith("create")
    (cloud.add if creates else cloud.need)("sql users", call.names[0])
    return ""


def enable(cloud: Cloud, call: Call, stdin: str) -> str:
    for name in call.names:
        cloud.put("services", name)
    return ""


def first_task(cloud: Cloud, call: Call, stdin: str) -> str:
    queue = call.flags["--queue"]
    cloud.need("tasks queues", queue)
    return f"projects/{PROJECT}/locations/{call.flags['--location']}/queues/{queue}/tasks/1"


SPECIAL = {
    "builds submit": build,
    "iam service-accounts create": make_account,
    "logging read": lambda *_: "2026-11-24T13:00:00Z\tEvent Display received event: Hello World",
    "projects describe": lambda *_: NUMBER,
    "run deploy": run_deploy,
    "run jobs deploy": run_jobs_deploy,
    "run services describe": describe_service,
    "secrets versions add": add_version,
    "secrets versions list": list_versions,
    "services enable": enable,
    "sql users create": user,
    "sql users set-password": user,
    "tasks create-http-task": first_task,
}


def main(words: list[str]) -> int:
    """Answer one command line; 2 for a flag without a row, 1 for what gcloud would refuse."""
    stdin = given() if "--data-file=-" in words else ""
    with (FOLDER / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps({"words": words, "stdin": stdin, "project": PROJECT}) + "\n")
    try:
        call = parse(words)
    except ValueError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    cloud = Cloud()
    try:
        if os.environ.get("FAIL") == call.command:
            raise Refused("PERMISSION_DENIED: as the test asked")
        printed = answer(cloud, call, stdin)
    except Refused as refused:
        print(f"ERROR: (gcloud.{call.command}) {refused}", file=sys.stderr)
        return 1
    cloud.save()
    if printed:
        print(printed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
