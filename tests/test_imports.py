"""The borders between the packages: who may import whom, and what must stay out of start-up."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"config", "dashboard", "emulator", "receiver"}
ALLOWED = {
    "receiver": set(),
    "emulator": set(),
    "dashboard": {"receiver.models"},
}


def imported(path: Path) -> Iterator[str]:
    """Yield the absolute names that one module imports, relative ones resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def strangers(package: str) -> set[str]:
    """Return what a package imports of its neighbours beyond what it may."""
    names = {name for path in (ROOT / package).rglob("*.py") for name in imported(path)}
    foreign = {name for name in names if name.split(".")[0] in OURS - {package}}
    return {
        name
        for name in foreign
        if not any(f"{name}.".startswith(f"{allowed}.") for allowed in ALLOWED[package])
    }


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_its_border_allows(package):
    assert strangers(package) == set()


def test_the_border_test_sees_absolute_relative_and_nested_imports(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    inner = tmp_path / "receiver" / "deep"
    inner.mkdir(parents=True)
    (inner / "a.py").write_text("def f():\n    from dashboard import models\n")
    (inner / "b.py").write_text("import emulator.models\n")
    (inner / "c.py").write_text("from ...config import settings\n")
    (inner / "d.py").write_text("from . import a\nfrom ..models import Event\n")
    assert {name.split(".")[0] for name in strangers("receiver")} == {
        "dashboard",
        "emulator",
        "config",
    }


def test_only_the_gateway_knows_the_client_library():
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "dashboard").rglob("*.py")
        if any(name.startswith(("google.", "grpc")) for name in imported(path))
    }
    assert users == {"dashboard/gateway.py"}


def test_a_web_process_starts_without_the_heavy_libraries():
    program = (
        "import sys, config.asgi; "
        "print(*[m for m in ('grpc', 'google.cloud.tasks_v2', 'aiohttp', 'requests')"
        " if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""


def test_the_project_stands_without_the_emulator(tmp_path):
    """In the cloud the app is not installed; a removed folder must not be missed either."""
    program = """
import sys, importlib.abc
class Gone(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "emulator":
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Gone())
import config.asgi
from django.core.management import call_command
call_command("check")
call_command("makemigrations", check=True, dry_run=True)
"""
    environment = {"CLOUD_TASKS_ENDPOINT": "", "VAR_DIR": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
