"""Which flags of which gcloud commands the project may use: those of gcloud_flags.csv, no other."""

import csv
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("gcloud_flags.csv")
WIDE = "gcloud"  # rows of this command are flags that every command takes


class Call(NamedTuple):
    """One gcloud command line, taken apart by the table."""

    command: str
    names: list[str]
    flags: dict[str, str]


def rows() -> list[dict[str, str]]:
    """Return the table: command, flag, value, page, read_in, date."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parse(words: list[str]) -> Call:
    """Take a command line apart; raises ValueError for what has no row in the table."""
    table = rows()
    commands = {row["command"] for row in table}
    lengths = [n for n in range(len(words), 0, -1) if " ".join(words[:n]) in commands]
    if not lengths:
        raise ValueError(f"no row for the command: gcloud {' '.join(words)}")
    call = Call(" ".join(words[: lengths[0]]), [], {})
    takes = {
        row["flag"]: row["value"] == "yes"
        for row in table
        if row["command"] in (call.command, WIDE) and row["flag"]
    }
    rest = iter(words[lengths[0] :])
    for word in rest:
        if not word.startswith("--"):
            call.names.append(word)
            continue
        flag, equals, value = word.partition("=")
        if flag not in takes:
            raise ValueError(f"no row for {flag} of gcloud {call.command}")
        if takes[flag]:
            value = value if equals else next(rest, "")
            if not value:
                raise ValueError(f"{flag} of gcloud {call.command} takes a value")
        elif equals:
            raise ValueError(f"{flag} of gcloud {call.command} takes no value")
        call.flags[flag] = value
    return call
