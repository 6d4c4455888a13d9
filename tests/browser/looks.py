"""Looks at a page as it stands: light, dark and on a phone, by axe-core; and keeps its picture."""

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from tests.faults.counts import ON_POSTGRESQL

PHONE = {"width": 390, "height": 844}
WAYS = [("light", False), ("dark", False), ("light", True)]
# Its copies of style sheets are what the page's policy forbids.
ALL_RULES = {"preload": False, "resultTypes": ["violations"]}
# In the dark nothing differs but colours.
COLOURS = ALL_RULES | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}

# To wait for their own end may take for ever: not every transition is told when its element goes.
AT_REST = """() => {
  for (const one of document.getAnimations()) {
    if (one.effect.getComputedTiming().endTime === Infinity) one.cancel();
    else one.finish();
  }
}"""


def look(page, name: str) -> None:
    """Assert that axe finds nothing and nothing scrolls sideways, in each way to look at the page.

    `SCREENSHOTS` names a folder for `<name>-<way>.png`. The page is left as it was found; what the
    browser complains about fails the test at its end (conftest). The pages are the same whatever
    the database, so that the run on SQLite alone looks at them.
    """
    assert ON_POSTGRESQL or troubles(page, name) == []


def troubles(page, name: str) -> list[str]:
    """Return what `look` would fail for, a line each."""
    before, found = page.viewport_size, []
    for scheme, phone in WAYS:
        page.set_viewport_size(PHONE if phone else before)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        way = "phone" if phone else scheme
        page.evaluate(AT_REST)
        wrong = violations(page, COLOURS if scheme == "dark" else ALL_RULES)
        wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if wide > window:
            wrong.append("it scrolls sideways")
        found += [f"{name}, {way}: {one}" for one in wrong]
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{way}.png")
    page.set_viewport_size(before)
    page.emulate_media(color_scheme=None, reduced_motion=None)
    return found


def violations(page, options=ALL_RULES) -> list[str]:
    """Return what axe-core finds wrong with the page, a line for each rule."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()
