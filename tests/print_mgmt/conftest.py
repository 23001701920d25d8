"""A PostgreSQL server, started for the first test that needs it, and the place of a spool on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import program
from postgres import Postgres, programs, running
from spools import EmbeddedPlace, Place, PostgresPlace


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    if programs() is None:
        program("initdb", "postgresql")
    with running() as server:
        yield server


@pytest.fixture(params=["embedded", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return the place of a spool, on each engine."""
    if request.param == "embedded":
        return EmbeddedPlace(tmp_path / "spool")
    server: Postgres = request.getfixturevalue("postgres")
    return PostgresPlace(server)


@pytest.fixture
def address(place: Place) -> str:
    return place.address
