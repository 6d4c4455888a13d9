"""No flag without a row that says where it was read, and what is written down is gcloud's own."""

import json
import os
import re
import shlex
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from tests.deploy.flags import parse, rows

ROOT = Path(__file__).resolve().parents[2]


def readme_commands() -> list[str]:
    """Return every gcloud command line in code blocks of the README and of docs/."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files).replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S))
    return [line.strip() for line in blocks.splitlines() if line.strip().startswith("gcloud ")]


def test_every_row_names_the_page_of_its_command():
    for row in rows():
        page = "https://cloud.google.com/sdk/gcloud/reference"
        if row["command"] != "gcloud":
            page += "/" + row["command"].replace(" ", "/")
        assert row["page"] == page
        assert row["read_in"]
        assert date.fromisoformat(row["date"])
        assert row["value"] in ({"yes", "no"} if row["flag"] else {""})


def test_no_row_is_there_twice():
    keys = [(row["command"], row["flag"]) for row in rows()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run deploy s --allow-unauthenticated", "no row for --allow-unauthenticated"),
        ("run deploy s --image", "--image of gcloud run deploy takes a value"),
        ("run deploy s --cpu-boost=yes", "--cpu-boost of gcloud run deploy takes no value"),
        ("functions deploy f", "no row for the command"),
    ],
)
def test_it_refuses_what_has_no_row(line, said):
    with pytest.raises(ValueError, match=said):
        parse(shlex.split(line))


def test_every_gcloud_command_of_the_readme_has_its_rows():
    lines = readme_commands()
    assert lines
    for line in lines:
        parse(shlex.split(line)[1:])


def test_gcloud_s_own_parser_takes_every_command(story, deployed, tmp_path):
    """The real gcloud looks at each command line, without a network: names, flags, values."""
    if not shutil.which("gcloud"):
        pytest.skip("no gcloud here: the command lines were checked by the table of flags alone")
    done = deployed.run("teardown", "--yes", "--with-database")
    assert done.returncode == 0, done.stderr
    lines = {command_line(record["words"]) for record in [*story.records, *deployed.records]}
    lines |= {command_line(shlex.split(line)[1:]) for line in readme_commands()}
    file = tmp_path / "commands.json"
    file.write_text(json.dumps([{"command_string": line} for line in sorted(lines)]))
    done = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file}"],
        env=os.environ | QUIET | {"CLOUDSDK_CONFIG": str(tmp_path / "config")},
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert len(found) == len(lines)
    assert [
        (one["command_string"], one["error_message"]) for one in found if not one["success"]
    ] == []


QUIET = {
    "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
    "NO_GCE_CHECK": "true",
}


def command_line(words: list[str]) -> str:
    """Return the words as one line; the flags file, gone by now, is its password flag again."""
    parts = []
    for word in words:
        flag, equals, value = word.partition("=")
        if flag == "--flags-file":
            parts.append("--password=x")
        elif word.startswith("--") and equals:
            parts.append(f"{flag}={shlex.quote(value)}")
        else:
            parts.append(shlex.quote(word))
    return " ".join(["gcloud", *parts])
