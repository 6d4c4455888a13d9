"""Every shell script of the project passes shellcheck, without exceptions of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def scripts() -> list[Path]:
    """Return the files that git knows and whose first line names bash."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    files = [path for path in paths if path.is_file() and not path.is_symlink()]
    return [path for path in files if path.read_bytes().partition(b"\n")[0].endswith(b"bash")]


def test_every_step_is_an_executable_script_in_strict_mode():
    steps = [path for path in scripts() if path.parent.name == "deploy"]
    assert len(steps) == 10
    for path in steps:
        assert os.access(path, os.X_OK), path
        assert 'source "$(dirname "$0")/common.sh"\n' in path.read_text(encoding="utf-8")
    assert "set -Eeuo pipefail" in (ROOT / "deploy/common.sh").read_text(encoding="utf-8")


def test_shellcheck_finds_nothing():
    if not shutil.which("shellcheck"):
        reason = "NOT CHECKED: no shellcheck here (Debian: apt install shellcheck)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    names = [str(path.relative_to(ROOT)) for path in scripts()]
    done = subprocess.run(
        ["shellcheck", "--check-sourced", *names], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
