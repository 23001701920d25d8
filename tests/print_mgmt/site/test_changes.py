"""Changes that a running site takes over, and changes that need a restart."""

from dataclasses import replace
from pathlib import Path

import pytest
from sites import Shelf, site_config, site_printer

from print_mgmt.config import Medium
from print_mgmt.destinations import RetryPolicy
from print_mgmt.site import Identification, Keep, ListenConfig, Route, SiteConfig, SiteDestination
from print_mgmt.site.changes import find_difference
from print_mgmt.spool import SpoolLimits

FOLDER = Path("spool")
SHELF = Shelf()
BEFORE = site_config(FOLDER, site_printer("FILM1"), shelves={"a": SHELF})
PRINTER = BEFORE.printers["FILM1"]
PAPER = replace(PRINTER.config, media=(Medium(MediumType="PAPER", FilmSizeID=("A4",)),))
STRICT = replace(PRINTER.config, strict=True)


def with_printer(**changes: object) -> SiteConfig:
    return replace(BEFORE, printers={"FILM1": replace(PRINTER, **changes)})  # type: ignore[arg-type]  # as named


@pytest.mark.parametrize(
    ("after", "changed", "needs_restart"),
    [
        (BEFORE, (), ()),
        (replace(BEFORE, routes=(Route(to=("a",)),)), ("routes",), ()),
        (replace(BEFORE, identification=Identification(unidentified="hold")), ("identify",), ()),
        (replace(BEFORE, spool=replace(BEFORE.spool, keep=Keep(days=1))), ("spool.keep",), ()),
        (replace(BEFORE, spool=replace(BEFORE.spool, limits=SpoolLimits(films=1))), (), ("spool",)),
        (replace(BEFORE, spool=replace(BEFORE.spool, at="elsewhere")), (), ("spool",)),
        (replace(BEFORE, listen=ListenConfig(port=104)), (), ("listen",)),
        (with_printer(config=PAPER), ("printers.FILM1",), ()),
        (with_printer(missing_medium="fail"), ("printers.FILM1",), ()),
        (with_printer(queue_length=3), ("printers.FILM1",), ()),
        (with_printer(default=True), ("printers.FILM1",), ()),
        (with_printer(config=STRICT), (), ("printers.FILM1",)),
        (with_printer(ae_title="OTHER"), (), ("printers.FILM1",)),
        (replace(BEFORE, printers={}), (), ("printers.FILM1",)),
        (
            replace(BEFORE, destinations={"a": SiteDestination(destination=SHELF, retry=RetryPolicy(attempts=1))}),
            ("destinations.a",),
            (),
        ),
        (replace(BEFORE, destinations={}), ("destinations.a",), ()),
    ],
)
def test_difference_names_each_change(
    after: SiteConfig, changed: tuple[str, ...], needs_restart: tuple[str, ...]
) -> None:
    found = find_difference(BEFORE, after)
    assert (found.changed, found.needs_restart) == (changed, needs_restart)


def test_printer_keeps_settings_that_need_a_restart() -> None:
    found = find_difference(BEFORE, with_printer(config=replace(STRICT, media=PAPER.media)))
    kept = found.site.printers["FILM1"].config
    assert (kept.strict, kept.media) == (False, PAPER.media)


def test_media_that_need_another_imager_need_a_restart() -> None:
    """Their greatest density is below the least density of the running printer."""
    light = Medium(MediumType="CLEAR FILM", FilmSizeID=("A4",), MaxDensity=15)
    other = replace(PRINTER.config, imager=replace(PRINTER.config.imager, MinDensity=5), media=(light,))
    found = find_difference(BEFORE, with_printer(config=other))
    assert (found.changed, found.needs_restart) == ((), ("printers.FILM1",))
    assert found.site.printers == BEFORE.printers
