"""Pickled errors keep their attributes."""

import pickle
from copy import copy, deepcopy
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import print_mgmt
from dimse.errors import DimseError
from print_mgmt.attributes.checks import Refusal
from print_mgmt.cli.fleet import FleetError
from print_mgmt.config import ConfigError
from print_mgmt.destinations.destination import DeliveryFailed, Outcome
from print_mgmt.film import LayoutError
from print_mgmt.images import ImageError
from print_mgmt.jobs import JobFailed
from print_mgmt.output import IncompleteError, OutputError
from print_mgmt.scp.faults import FaultError
from print_mgmt.scu.films import PrintUncertain
from print_mgmt.scu.operations import PrintFailed
from print_mgmt.site.toml import SiteErrors
from print_mgmt.spool.postgres_link import NotBegun
from print_mgmt.spool.records import CorruptFilm, DamagedRow, NoSuchFilm, SpoolError, SpoolFull, StaleLease

ERRORS: list[DimseError] = [
    LayoutError("FilmSizeID", "9INX9IN", "is not known", rule="PS3.3 C.13.3"),
    ConfigError("printer.dpi", "is not a resolution"),
    ImageError("no pixels"),
    JobFailed("FILM JAM", "the film is stuck"),
    OutputError("no page"),
    IncompleteError({"png": OSError("disk full")}, [Path("film.pdf")]),
    FaultError("no fault"),
    PrintUncertain("film 2"),
    PrintFailed(0xC603, "image size is larger than image box size", operation="film 2", comment="too large"),
    Refusal(0x0106, "FilmSizeID", "FilmSizeID is not known"),
    DeliveryFailed(Outcome.LATER, "no answer", info="PRINTER OFFLINE"),
    FleetError("a process ended with exit status 1 before it could listen"),
    SiteErrors(("site.toml:1: no printer", "site.toml:2: no destination")),
    *(kind("film 2") for kind in (SpoolError, SpoolFull, StaleLease, NoSuchFilm, CorruptFilm, DamagedRow, NotBegun)),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_copy_of_an_error_is_equal(error: DimseError) -> None:
    error.add_note("while printing film 2")
    for twin in (pickle.loads(pickle.dumps(error)), deepcopy(error), copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert repr(vars(twin)) == repr(vars(error))


def test_every_error_of_the_package_is_tested() -> None:
    for module in walk_packages(print_mgmt.__path__, "print_mgmt."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found, waiting = set(), [DimseError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        is_public = kind.__module__.startswith("print_mgmt.") and not kind.__name__.startswith("_")
        found |= {kind} if is_public else set()
    assert found == {type(error) for error in ERRORS}
