"""Reads documents and code, for tests that hold the one against the other."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


def text_of(name: str) -> str:
    """Return a file's text, by its path in the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(name: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text_of(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def commands(text: str) -> list[str]:
    """Return every line of the code blocks."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@cache
def strings(*folders: str) -> str:
    """Return every text in our code, one a line; what is filled in is `...`."""
    found = []
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else "..." for p in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(re.sub(r"%\w", "...", node.value))
    return "\n".join(found)
