"""The films of a spool as lines, and as JSON: `docs/site.md` explains each key."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from print_mgmt.cli.spool_lines import changed_line, film_json, film_lines, removed_line, repaired_json, verified_line
from print_mgmt.spool import Delivery, FilmRecord, FilmState, Repaired, Verified

PAGE = (Path(__file__).parents[3] / "docs" / "site.md").read_text()
FILM = FilmRecord(id="f", job="1.2", number=1, printer="P", deliveries=(Delivery(destination="d"),))

_UNDER_WAY = Delivery(destination="d", state=FilmState.DELIVERING, attempts=1, afterwards=FilmState.HELD)
HELD_LATER = replace(FILM, state=FilmState.DELIVERING, deliveries=(_UNDER_WAY,))


def explained(command: str) -> set[str]:
    """Return the keys in the row of a command."""
    table = PAGE.partition("With `--json`")[2]
    (row,) = re.findall(rf"^\| `{command}`.*?\|(.*)\|$", table, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row)) - {"null"}


def test_page_explains_each_key_of_a_film() -> None:
    film = json.loads(film_json(FILM))
    (delivery,) = film["deliveries"]
    assert explained("list") == film.keys() | delivery.keys()


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("purge", removed_line(["f"], as_json=True)),
        ("repair", repaired_json(Repaired(("f",), ()))),
        ("verify", verified_line(Verified(1, ("f",)), as_json=True)),
    ],
)
def test_page_explains_each_key_of_a_result(command: str, line: str) -> None:
    assert explained(command) == json.loads(line).keys()


def test_change_during_a_delivery_shows_the_next_step() -> None:
    assert changed_line(HELD_LATER) == "f: delivering; held instead of another attempt"


def test_film_shows_the_step_after_its_delivery() -> None:
    *_, line = film_lines(HELD_LATER)
    assert line == "  to d: delivering, 1 attempt; held instead of another attempt"
