"""The engines of the spool: each test runs on all of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from spools import EmbeddedPlace, Place

from print_mgmt.spool import Spool


@pytest.fixture(params=["embedded"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    assert request.param == "embedded"
    return EmbeddedPlace(tmp_path / "spool")


@pytest.fixture
async def spool(place: Place) -> AsyncIterator[Spool]:
    async with place.spool() as opened:
        yield opened
