import gc
from collections.abc import Iterator

import pytest

from dimse.cli import main
from dimse.garbage import no_collection


@pytest.fixture(autouse=True)
def thaw() -> Iterator[None]:
    """Include the objects of other tests in collections, before and after the test."""
    gc.unfreeze()
    yield
    gc.unfreeze()
    gc.enable()


def test_block_runs_without_collections() -> None:
    with no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_later_collections_leave_out_objects_of_the_block() -> None:
    with no_collection():
        made = [object()]
    assert gc.get_freeze_count() > 0
    assert not any(one is made for one in gc.get_objects())


def test_disabled_collector_stays_disabled() -> None:
    gc.disable()
    with no_collection():
        pass
    assert not gc.isenabled()


def test_command_called_by_a_program_freezes_nothing() -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert gc.get_freeze_count() == 0
