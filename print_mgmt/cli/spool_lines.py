"""The films of a spool as lines for people, safe for terminals, and as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from dimse.errors import cut, escaped

from ..spool import DamagedFilm, Delivery, FilmRecord, FilmState, Repaired, Survey, Verified

__all__ = [
    "changed_line",
    "damaged_json",
    "damaged_lines",
    "film_json",
    "film_lines",
    "film_table",
    "removed_line",
    "repaired_json",
    "repaired_lines",
    "verified_line",
]

_HEAD = ("FILM", "STATE", "PRIORITY", "ACCEPTED", "PRINTER", "FROM", "SIZE", "LABEL", "WHERE")
_DAMAGED = "the index is damaged: "  # the beginning of each reason
_MAX_CELL = 40  # characters of a cell in the table; longer texts are cut
_INTERNAL = ("id", "place", "afterwards", "fence", "abandoned", "owner", "due", "expires")


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


def damaged_json(film: DamagedFilm) -> str:
    """Return a film with a damaged row as a JSON object."""
    return json.dumps({"id": film.id, "state": "damaged", "reason": film.reason})


def damaged_lines(films: Sequence[DamagedFilm]) -> Iterator[str]:
    """Yield lines about films with a damaged row, and how to repair them."""
    for film in films:
        yield escaped(f"{cut(film.id, _MAX_CELL)}  damaged: {film.reason.removeprefix(_DAMAGED)}")
    if films:
        yield "Damaged films are not delivered. Repair them: print-mgmt spool repair"


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
        tried = f"{one.attempts} attempt{'' if one.attempts == 1 else 's'}"
        yield escaped(f"  to {one.destination}{copy}: {one.state}, {tried}{_next_words(one)}{info}{reason}")


def changed_line(film: FilmRecord) -> str:
    """Return a line with the state of a film, and with the operator's decisions about deliveries under way."""
    return f"{film.id}: {film.state}{''.join(dict.fromkeys(map(_next_words, film.deliveries)))}"


def _next_words(delivery: Delivery) -> str:
    if delivery.state is FilmState.DELIVERING and delivery.afterwards is not FilmState.QUEUED:
        return f"; {delivery.afterwards} instead of another attempt"
    return ""


def removed_line(removed: Sequence[str], *, as_json: bool) -> str:
    """Return a line about the removed films: their number, or their ids as JSON."""
    if as_json:
        return json.dumps({"removed": removed})
    return f"{len(removed)} film{'' if len(removed) == 1 else 's'} removed"


def repaired_json(result: Repaired) -> str:
    """Return the ids of the restored films and of the removed ones as a JSON object."""
    return json.dumps(result._asdict())


def repaired_lines(result: Repaired, survey: Survey) -> Iterator[str]:
    """Yield a line about each film that was damaged, and a line with counts. ``survey`` has all films of the spool."""
    known = {film.id: film for film in survey.films}
    for film_id in result.restored:
        yield escaped(f"{film_id}  restored{_restored_words(known[film_id]) if film_id in known else ''}")
    for film_id in result.removed:
        yield escaped(f"{cut(film_id, _MAX_CELL)}  removed: its bytes are lost or damaged, too; see the quarantine")
    if any(result):
        count = len(result.restored)
        yield f"{count} film{'' if count == 1 else 's'} restored, {len(result.removed)} removed"
    elif not survey.damaged:
        yield "no film is damaged"


def _restored_words(film: FilmRecord) -> str:
    """Return the state of a restored film, and what an operator should do about it."""
    doubtful = [one.destination for one in film.deliveries if one.state is FilmState.INDETERMINATE]
    if not doubtful:
        return f": {film.state}"
    places = ", ".join(dict.fromkeys(doubtful))
    return f": {film.state}; {places} may have printed it: check, then use print-mgmt spool confirm or retry"


def verified_line(result: Verified, *, as_json: bool) -> str:
    """Return a line with the number of intact films and the ids of the damaged ones."""
    if as_json:
        return json.dumps(result._asdict())
    damaged = f"{len(result.damaged)} damaged: {', '.join(result.damaged)}" if result.damaged else "none is damaged"
    return f"{result.intact} film{'' if result.intact == 1 else 's'} intact, {damaged}"


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(" ", "seconds") if seconds else ""
