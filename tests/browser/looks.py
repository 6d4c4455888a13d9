"""Looks at a page as it stands: light, dark and on a phone, by axe-core; and keeps its picture."""

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

PHONE = {"width": 390, "height": 844}
WAYS = [("light", False), ("dark", False), ("light", True)]


def look(page, name: str) -> None:
    """Assert that axe finds nothing and nothing scrolls sideways, in each way to look at the page.

    `SCREENSHOTS` names a folder for `<name>-<way>.png`. The page is left as it was found; what the
    browser complains about fails the test at its end (conftest).
    """
    before = page.viewport_size
    for scheme, phone in WAYS:
        page.set_viewport_size(PHONE if phone else before)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        way = "phone" if phone else scheme
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
        found = violations(page)
        assert not found, f"{name}, {way}: " + "\n".join(found)
        wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window, f"{name} scrolls sideways, {way}"
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{way}.png")
    page.set_viewport_size(before)
    page.emulate_media(color_scheme=None, reduced_motion=None)


def violations(page) -> list[str]:
    """Return what axe-core finds wrong with the page, a line for each rule."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    # Its copies of style sheets are what the page's policy forbids.
    found = page.evaluate("axe.run({preload: false})")["violations"]
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()
