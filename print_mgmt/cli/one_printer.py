"""The site of ``print-mgmt serve`` for one printer: one folder, and a report of unwritten films."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dimse.errors import escaped

from ..config import PrinterConfig
from ..destinations import FolderDestination, RetryPolicy
from ..scp import Misbehavior
from ..site import ListenConfig, Route, SiteConfig, SiteDestination, SitePrinter, SpoolConfig
from ..spool import Delivery, FilmRecord, FilmState
from .lines import Lines
from .reported_folder import ReportedFolder
from .serve_options import DPI, printer_config

__all__ = ["PRINTER", "one_printer", "report_unwritten"]

PRINTER = "printer"  # the name of the only printer of the site


def one_printer(arguments: argparse.Namespace, lines: Lines, bad: Misbehavior | None) -> SiteConfig:
    """Return a site with one printer and one destination: a folder, whose path is also the name of the destination."""
    title, config = arguments.ae_title or "PRINTSCP", printer_config(arguments)
    path = str((arguments.out or Path("films")).absolute())
    name = path.encode("utf-8", "backslashreplace").decode()  # the spool stores only UTF-8
    folder = FolderDestination(
        path=path, formats=arguments.format or ("png", "pdf"), dpi=arguments.dpi or DPI, bits=arguments.bits or 8
    )
    reported = ReportedFolder(folder=folder, as_json=arguments.json, report=lines.write, faults=bad)
    printer = SitePrinter(
        ae_title=title,
        config=config,
        missing_medium="print",
        default=not arguments.require_called,
        queue_length=arguments.queue_length or _queue_length_of(config),
    )
    return SiteConfig(
        printers={PRINTER: printer},
        destinations={
            name: SiteDestination(destination=reported, retry=RetryPolicy(then="fail"), at_once=arguments.processes)
        },
        routes=(Route(name="all", to=(name,)),),
        spool=SpoolConfig(),
        listen=ListenConfig(),
    )


def _queue_length_of(config: PrinterConfig) -> int | None:
    """Return the ``queue_length`` of a configuration; for the default, None: then only the spool limits the films."""
    return None if config.queue_length == PrinterConfig().queue_length else config.queue_length


def report_unwritten(films: Sequence[FilmRecord], destination: str, started: float) -> int:
    """Return the exit status: 1, with a line on stderr, if films could not be written since ``started``.

    ``started`` is the time of the start in seconds since 1970.
    """
    unwritten = []
    for film in films:
        one = next((delivery for delivery in film.deliveries if delivery.destination == destination), None)
        if one is not None and _is_unwritten(film, one, started):
            unwritten.append(one)
    if not unwritten:
        return 0
    films_text = "1 accepted film" if len(unwritten) == 1 else f"{len(unwritten)} accepted films"
    reasons = ", ".join(dict.fromkeys(one.info or one.reason for one in unwritten))
    print(escaped(f"print-mgmt: {films_text} could not be written: {reasons} (kept in the spool)"), file=sys.stderr)
    return 1


def _is_unwritten(film: FilmRecord, delivery: Delivery, started: float) -> bool:
    """Return whether a film has failed since the start, or waits after a failed attempt, which sets ``info``."""
    if delivery.state is FilmState.FAILED:
        return film.ended >= started
    return delivery.state in (FilmState.QUEUED, FilmState.HELD) and bool(delivery.info)
