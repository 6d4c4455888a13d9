"""The README is the manual: settings, commands and make targets stand in it, none is made up."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def variables() -> set[str]:
    """Return every environment variable that the project's own code reads."""
    pattern = re.compile(r"""(?:env\.\w+|_database|environ\.get)\(\s*["']([A-Z][A-Z0-9_]+)["']""")
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "config").glob("*.py"))
    return set(pattern.findall(text))


def commands() -> set[str]:
    """Return the management commands that our apps bring."""
    paths = ROOT.glob("*/management/commands/[a-z]*.py")
    return {path.stem for path in paths}


def test_the_readers_are_found():
    assert {"PORT", "DATABASE_URL", "EMULATOR_DATABASE_URL", "DJANGO_SUPERUSER_PASSWORD"} <= (
        variables()
    )
    assert {"runemulator", "enqueue"} <= commands()


@pytest.mark.parametrize("variable", sorted(variables()))
def test_every_variable_is_in_the_table_of_settings(variable):
    assert re.search(rf"^\|[^|]*`{variable}`", README, re.M)


def test_every_setting_of_the_table_is_read_by_the_code():
    table = README.split("## Settings")[1].split("\n## ")[0]
    names = re.findall(r"`([A-Z][A-Z0-9_]+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.M)))
    assert set(names) == variables()


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_is_in_the_readme(command):
    assert f"manage.py {command}" in README


def test_every_make_target_of_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`make ([a-z]+)`", README)) | set(
        re.findall(r"^make ([a-z]+)$", README, re.M)
    )
    assert {"run", "test"} <= targets
    assert targets <= set(re.findall(r"^([a-z]+):", makefile, re.M))


def test_every_file_that_the_readme_links_exists():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert links
    links += pictures
    shown = {Path(link).name for link in links if link.startswith("docs/screenshots/")}
    assert {path.name for path in (ROOT / "docs/screenshots").iterdir()} == shown
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_locks_hold_hashes_and_nothing_of_one_machine():
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pins = re.findall(r"^[a-z].*==.*", text, re.M)
        assert pins
        assert len(pins) <= text.count("--hash=sha256:")
        assert not re.search(r"index-url|find-links|file:|https?://", text)
