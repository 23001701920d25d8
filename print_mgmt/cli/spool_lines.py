"""The films of a spool as lines for people, safe for terminals, and as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from dimse.errors import cut, escaped

from ..spool import FilmRecord, FilmState, Verified

__all__ = ["film_json", "film_lines", "film_table", "removed_line", "verified_line"]

_HEAD = ("FILM", "STATE", "PRIORITY", "ACCEPTED", "PRINTER", "FROM", "SIZE", "LABEL", "WHERE")
_MAX_CELL = 40  # characters of a cell in the table; longer texts are cut
_INTERNAL = ("id", "place", "afterwards", "fence", "owner", "due", "expires")


def film_json(film: FilmRecord) -> str:
    """Return a film with its deliveries as a JSON object."""
    values = asdict(film)
    for key in ("accepted", "ended"):
        values[key] = _time_text(values[key]) or None
    for delivery in values["deliveries"]:
        for key in _INTERNAL:
            del delivery[key]
    return json.dumps(values)


def film_table(films: Sequence[FilmRecord]) -> Iterator[str]:
    """Yield the lines of a table of films."""
    if not films:
        yield "no films"
        return
    rows = [_HEAD, *map(_table_row, films)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _table_row(film: FilmRecord) -> tuple[str, ...]:
    where = ", ".join(dict.fromkeys(one.destination for one in film.deliveries if one.state is not FilmState.DONE))
    cells = (
        film.id,
        film.state,
        film.PrintPriority,
        _time_text(film.accepted),
        film.printer,
        film.Originator,
        film.FilmSizeID,
        film.FilmSessionLabel,
        where,
    )
    return tuple(cut(escaped(cell), _MAX_CELL) for cell in cells)


def film_lines(film: FilmRecord) -> Iterator[str]:
    """Yield lines that describe a film and its deliveries."""
    facts = {
        "state": film.state,
        "job": f"{film.job}, film {film.number}",
        "printer": film.printer,
        "from": f"{film.Originator} ({film.host})",
        "priority": film.PrintPriority,
        "size, medium": f"{film.FilmSizeID} {film.MediumType}".rstrip(),
        "copies": str(film.copies),
        "label": film.FilmSessionLabel,
        "accepted": _time_text(film.accepted),
        "ended": _time_text(film.ended),
        "bytes": str(film.size),
    }
    yield f"film {film.id}"
    for name, value in facts.items():
        if value:
            yield escaped(f"  {name}: {cut(value, 1000)}")
    for one in film.deliveries:
        copy = f", copy {one.copy}" if one.copy else ""
        reason = f": {one.reason}" if one.reason else ""
        info = f" ({one.info})" if one.info else ""
        yield escaped(f"  to {one.destination}{copy}: {one.state}, {one.attempts} attempts{info}{reason}")


def removed_line(removed: Sequence[str], *, as_json: bool) -> str:
    """Return a line about the removed films: their number, or their ids as JSON."""
    if as_json:
        return json.dumps({"removed": removed})
    return f"{len(removed)} film{'' if len(removed) == 1 else 's'} removed"


def verified_line(result: Verified, *, as_json: bool) -> str:
    """Return a line with the number of intact films and the ids of the damaged ones."""
    if as_json:
        return json.dumps(result._asdict())
    damaged = f"{len(result.damaged)} damaged: {', '.join(result.damaged)}" if result.damaged else "none is damaged"
    return f"{result.right} film{'' if result.right == 1 else 's'} intact, {damaged}"


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(" ", "seconds") if seconds else ""
