"""Jobs of stored films, as their files describe them."""

import json
import math
from typing import Any

import pytest
from made_films import print_job

from print_mgmt.spool import FilmRecord
from print_mgmt.spool.acceptance import film_records, record_of, set_creation, stored_pieces
from print_mgmt.spool.film_file import read_film

KEY = "1ngsr4ffmp7pd8em"


def described() -> tuple[FilmRecord, Any, dict[str, Any]]:
    """Return a record, its stored film, and the description in the file of the film."""
    job = print_job(100, copies=2)
    set_creation(job)
    (record,) = film_records(job, KEY, [], "")
    film, description = read_film(b"".join(stored_pieces(job.films[0], job, record)))
    return record, film, description


def test_record_is_read_back() -> None:
    record, film, description = described()
    job, records = record_of(record.id, film, description)
    assert records == [record]
    assert (job.SOPInstanceUID, job.copies) == (record.job, 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accepted", math.nan),
        ("accepted", -1),
        ("accepted", 1e300),
        pytest.param("accepted", 10**400, id="accepted-integer-of-401-digits"),
        ("accepted", []),
        ("films", 0),
        ("films", 10**12),
        ("films", math.inf),
        ("copies", 10**9),
        ("copies", "2"),
        ("SOPInstanceUID", "1.2\ud800"),
        ("Originator", 5),
        ("targets", [["printer"]]),
        ("targets", None),
    ],
)
def test_wrong_description_is_refused(name: str, value: object) -> None:
    record, film, description = described()
    wrong = json.loads(json.dumps(description | {name: value}))
    with pytest.raises((KeyError, TypeError, ValueError)):
        record_of(record.id, film, wrong)
