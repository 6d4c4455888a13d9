"""Runs the steps of deploy/ on the stub gcloud and tells what they asked of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.deploy.flags import Call, parse

ROOT = Path(__file__).resolve().parents[2]
STEPS = sorted(path.name for path in (ROOT / "deploy").glob("0*"))
LOOKS = ("list", "describe", "get-iam-policy", "read")


class Cloud:
    """A project without a cloud: an empty folder, and settings as a person would fill them in."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        example = (ROOT / "deploy" / "settings.env.example").read_text(encoding="utf-8")
        changed = {"PROJECT_ID": "my-project", "IMAGE_TAG": "v1"} | settings
        lines = [*example.splitlines(), *(f"{name}={value}" for name, value in changed.items())]
        self.settings = folder / "settings.env"
        self.settings.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(
        self, step: str, *arguments: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one step to its end, as a person in the project's folder does."""
        path = f"{ROOT / 'tests' / 'deploy' / 'bin'}:{os.environ['PATH']}"
        variables = {"CLOUD": str(self.folder), "DEPLOY_SETTINGS": str(self.settings), "PATH": path}
        variables["STUB_PYTHON"] = sys.executable  # the one on PATH may be a slow shim
        return subprocess.run(
            [ROOT / "deploy" / step, *arguments],
            cwd=ROOT,
            env=os.environ | variables | environment,
            input=stdin,
            capture_output=True,
            text=True,
        )

    def deploy(self) -> str:
        """Run every step in its order and return what they said; fails where one does."""
        said = ""
        for step in STEPS:
            done = self.run(step)
            said += done.stdout + done.stderr
            assert done.returncode == 0, said
        return said

    @property
    def records(self) -> list[dict]:
        """Every command line so far, with what it was given on standard input."""
        path = self.folder / "calls.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    @property
    def calls(self) -> list[Call]:
        return [parse(record["words"]) for record in self.records]

    @property
    def state(self) -> dict[str, list[str]]:
        """What exists, without the groups in which nothing is."""
        found = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        return {group: names for group, names in found.items() if names}

    def secret(self, name: str) -> str:
        return self.state[f"versions of {name}"][-1]


def changes(calls: list[Call]) -> list[str]:
    """The commands among the calls that change something."""
    return [call.command for call in calls if call.command.split()[-1] not in LOOKS]


def service_environment(cloud: Cloud, service: str) -> dict[str, str]:
    """The environment that Cloud Run gives a service: by 06-deploy, by its secrets, by itself."""
    call = [c for c in cloud.calls if c.command == "run deploy" and c.names == [service]][-1]
    return {"K_SERVICE": service, "PORT": "8080"} | variables(cloud, call)


def variables(cloud: Cloud, call: Call) -> dict[str, str]:
    """What --set-env-vars and --set-secrets of a call become in the container."""
    plain = call.flags.get("--set-env-vars", "")
    if plain.startswith("^"):
        _, separator, plain = plain.split("^", 2)
    else:
        separator = ","
    found = dict(pair.split("=", 1) for pair in plain.split(separator) if pair)
    for pair in call.flags["--set-secrets"].split(","):
        name, _, version = pair.partition("=")
        found[name] = cloud.secret(version.removesuffix(":latest"))
    return found
