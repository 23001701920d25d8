"""The engines of the spool: each test runs on all of them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from forked import Original, original
from postgres import Postgres
from spools import EmbeddedPlace, Place, PostgresPlace

from print_mgmt.spool import Spool


@pytest.fixture(params=["embedded", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "embedded":
        return EmbeddedPlace(tmp_path / "spool")
    server: Postgres = request.getfixturevalue("postgres")
    return PostgresPlace(server)


@pytest.fixture(scope="session")
def started() -> Iterator[Original]:
    """The process whose copies are killed."""
    with original() as process:
        yield process


@pytest.fixture
async def spool(place: Place) -> AsyncIterator[Spool]:
    async with place.spool() as opened:
        yield opened
