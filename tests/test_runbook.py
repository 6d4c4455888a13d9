"""The runbook says what the code says: log lines, reasons, words of the pages, commands."""

import re
import shlex

import pytest
from django.core.management import load_command_class

from receiver.models import Refusal
from receiver.refusals import ANSWERS
from tests.deploy.flags import parse
from tests.manual import ROOT, commands, strings, text_of
from tests.test_docs import commands as our_commands

TEXT = text_of("docs/runbook.md")
SECTIONS = dict(re.findall(r"^## (\d+\. [^\n]+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
APPS = ("receiver", "dashboard", "config")
WITHOUT_ITS_OWN = {"curl", "date"}
sections = pytest.mark.parametrize("section", SECTIONS.values(), ids=list(SECTIONS))


def facts(section: str, name: str) -> str:
    """Return the line of a section that begins with this word, "" where there is none."""
    found = re.search(rf"^- {name}: (.+)$", section, re.MULTILINE)
    return found[1] if found else ""


def test_the_likeliest_ten_are_there_and_in_order():
    assert [int(title.partition(".")[0]) for title in SECTIONS] == list(range(1, 13))


@sections
def test_a_section_has_what_one_sees_why_and_a_command(section):
    assert re.search(r"^- (Status|Task|Log): ", section, re.MULTILINE)
    assert re.search(r"^Why: ", section, re.MULTILINE)
    assert re.search(r"^Mend: ", section, re.MULTILINE)
    assert commands(section)


@sections
def test_log_texts_are_the_code_s(section):
    texts = re.findall(r"`([^`]+)`", facts(section, "Log"))
    known = strings(*APPS)
    for text in (one for one in texts if " " in one):
        start, colon, sentence = text.partition(": ")
        if start == "Refused a request":
            reasons = re.findall(r"`([\w-]+)`", facts(section, "Reason"))
            assert sentence in {ANSWERS[Refusal.Reason(reason)][1] for reason in reasons}
            continue
        if start == "Could not store an event":
            start = "Could not store ...: "  # how many is put in
        else:
            start += colon
        assert start.replace("Could not store ... events: ", "Could not store ...: ") in known
    for code in (one for one in texts if re.fullmatch(r"\w+\.[EW]\d{3}", one)):
        assert f"`{code}`" in text_of("docs/checks.md")


@sections
def test_reasons_are_the_code_s(section):
    reasons = set(re.findall(r"`([\w-]+)`", facts(section, "Reason")))
    assert reasons <= set(Refusal.Reason.values)


@sections
def test_words_of_pages_are_the_code_s(section):
    words = re.findall(r"\*([^*]+)\*", facts(section, "Status") + facts(section, "Task"))
    templates = "".join(
        p.read_text("utf-8") for p in (ROOT / "dashboard/templates").rglob("*.html")
    )
    known = strings("dashboard", "receiver").splitlines()
    for word in words:
        assert word in known or f">{word}<" in templates or f"{word}{{%" in templates, word


@sections
def test_metrics_are_those_that_are_told(section):
    named = set(re.findall(r"`(tasks_\w+)`", facts(section, "Metric")))
    assert named <= set(re.findall(r"`(tasks_\w+)`", text_of("README.md")))


@sections
def test_commands_can_be_pasted(section):
    for line in commands(section):
        words = shlex.split(line)
        if words[0] == "gcloud":
            parse(words[1:])
        elif words[:2] == ["python", "manage.py"]:
            run_by_its_parser(words[2:])
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", text_of("Makefile"), re.MULTILINE)
        elif words[0] not in WITHOUT_ITS_OWN:
            assert line.startswith("deploy/")
            assert (ROOT / line).is_file()


def run_by_its_parser(words: list[str]) -> None:
    name, *options = words
    app = next((p.parts[-4] for p in ROOT.glob(f"*/management/commands/{name}.py")), "django.core")
    assert name in our_commands() | {"check"}
    load_command_class(app, name).create_parser("manage.py", name).parse_args(options)


def test_settings_that_are_named_exist():
    example = text_of("deploy/settings.env.example")
    table = set(re.findall(r"`([A-Z][A-Z_]+)`", text_of("README.md")))
    named = set(re.findall(r"`([A-Z][A-Z]+(?:_[A-Z]+)+)`", TEXT)) - {"ALREADY_EXISTS"}
    assert named
    assert {name for name in named if f"{name}=" not in example} <= table


def test_links_and_the_sections_that_alerts_name_exist():
    for file in (ROOT / "docs").rglob("*.md"):
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text(encoding="utf-8")):
            assert (file.parent / link).exists(), (file, link)
