"""Cells of a CSV that a spreadsheet takes for text, whatever they begin with."""

from . import inert

# Their full-width forms count too: a spreadsheet reads them as the plain ones.
FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def safe(text: str) -> str:
    """Return a cell that is no formula, with hidden characters shown."""
    text = inert.visible(text)
    return f"'{text}" if is_formula(text) else text


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet would calculate it."""
    return text.lstrip(" ").startswith(tuple(FORMULA))
