"""`make sbom`: what the image installs, package by package, in the form that scanners read."""

import json
import os
import re
import subprocess

import pytest

from tests.processes import ROOT


@pytest.mark.skipif("DATABASE_URL" in os.environ, reason="made once, in the suite's run on SQLite")
def test_the_list_names_every_locked_package_with_its_hashes(tmp_path):
    file = tmp_path / "sbom.json"
    command = ["make", "--old-file=.venv/.dev", "sbom", f"SBOM={file}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(file.read_text(encoding="utf-8"))
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"]["name"] == "tasks-dashboard"
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==(\S+)", locked, re.MULTILINE)
    listed = [(part["name"], part["version"]) for part in found["components"]]
    assert sorted(listed) == sorted(pins)
    for part in found["components"]:
        assert part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}"
        [place] = part["externalReferences"]
        assert {each["content"] for each in place["hashes"]} <= set(
            re.findall(r"sha256:(\w+)", locked)
        )
        assert place["hashes"]
        assert place["url"].startswith("https://pypi.org/")
