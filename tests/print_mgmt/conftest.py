"""A PostgreSQL server, started for the first test that needs it."""

from collections.abc import Iterator

import pytest
from peers import program
from postgres import Postgres, programs, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    if programs() is None:
        program("initdb", "postgresql")
    with running() as server:
        yield server
