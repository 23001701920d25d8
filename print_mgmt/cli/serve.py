"""``print-mgmt serve``: act as a printer that writes films to files, or as all printers of a site."""

import argparse
import asyncio
import gc
import logging
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from dimse.command_line import log_formatter
from dimse.errors import escaped
from dimse.net import Limits, Policy, Timeouts, TLSContext, Trace, accept_anyone, calling_titles
from dimse.terminal import server_tls, trace

from ..destinations import FolderDestination, RetryPolicy
from ..film import MAX_PIXELS, can_render
from ..scp import Misbehavior
from ..site import (
    ListenConfig,
    Route,
    Site,
    SiteConfig,
    SiteDestination,
    SiteErrors,
    SitePrinter,
    SpoolConfig,
    load_site,
)
from ..spool import Delivery, FilmRecord, FilmState, Retry, SpoolError
from .lines import Lines, logged_lines
from .said_folder import SaidFolder, listening_line
from .serve_options import OF_ONE_PRINTER, SiteFile, add_options, printer_config
from .signals import leave_signals, stop_signal

__all__ = ["add"]

_log = logging.getLogger("print_mgmt.cli")
_TURN = 0.001  # seconds until a rendering thread gives Python's lock back to the event loop
_PRINTER = "printer"  # the name of the one printer
_DPI = 150

_EXAMPLES = """examples:
  print-mgmt serve --out films --format png,pdf
  print-mgmt serve --host 0.0.0.0 --ae-title FILM1 --require-called --allow CT01 --allow MR02
  print-mgmt serve --preset kodak-8700            imitate a real printer
  print-mgmt serve --config printer.toml          use your own configuration
  print-mgmt serve --config site.toml             several printers, destinations and routes: docs/site.md

for testers: misbehave at the same request every time (WHAT@WHERE):
  --fail C605@N-SET#2                             the second N-SET fails: out of memory
  --fail 'C602@N-ACTION FilmBox'                  the print queue is always full
  --fail B605@N-CREATE                            a warning; the film is still printed
  --fail NO-ANSWER@N-DELETE --fail ABORT@N-SET#3 --fail DROP@N-ACTION#1
  --fail 'FILM JAM@FILM#2'                        the job of the second film ends in FAILURE
  --event 'WARNING:SUPPLY LOW@N-SET#2'            N-EVENT-REPORT during the second N-SET

Accepted films are kept in the spool until they are written, also over a crash: see print-mgmt spool. A film that cannot
be written is tried again; meanwhile the printer reports CHECK PRINTER. SIGUSR1 tries all such films at once. SIGHUP
reads the file of a site again.
"""


class _Network(NamedTuple):
    """How the printer talks: its TLS, and what records it."""

    tls: TLSContext | None
    trace: Trace | None


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the command."""
    parser.description = (
        "Act as a DICOM printer for gray and color films, and write each printed film to files in a folder;\n"
        "or as a print server with several printers and destinations.\n"
        "Stop it with Ctrl-C: accepted films are written first, or at the next start."
    )
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_options(parser)
    parser.set_defaults(command=lambda arguments: _run(parser, arguments))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if isinstance(arguments.config, SiteErrors):
        for line in arguments.config.lines:
            print(f"print-mgmt: {line}", file=sys.stderr)
        return 2
    network = _Network(server_tls(parser, arguments), trace(parser, arguments))
    if isinstance(arguments.config, SiteFile):
        for name, option in OF_ONE_PRINTER.items():
            if getattr(arguments, name):
                parser.error(f"argument {option}: not allowed with the file of a site, which has its own printers")
    else:
        _check_sizes(parser, arguments)
    gc.freeze()  # modules last as long as the process: a full collection takes 21 ms, and 54 ms with them
    return asyncio.run(_serve(arguments, network))


def _check_sizes(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse a resolution at which a film of the printer has too many pixels."""
    dpi = arguments.dpi or _DPI
    for size in dict.fromkeys(size for medium in printer_config(arguments).media for size in medium.FilmSizeID):
        if not can_render(size, dpi):
            parser.error(f"argument --dpi: a film of {size} at {dpi} dpi has more than {MAX_PIXELS} pixels")


async def _serve(arguments: argparse.Namespace, network: _Network) -> int:
    sys.setswitchinterval(_TURN)
    lines = Lines(sys.stdout)
    try:
        with logged_lines(sys.stderr, log_formatter("%(asctime)s %(name)s: %(message)s")):
            if isinstance(arguments.config, SiteFile):
                return await _serve_site(arguments, network, lines)
            return await _serve_printer(arguments, network, lines)
    finally:
        lines.close()


async def _serve_site(arguments: argparse.Namespace, network: _Network, lines: Lines) -> int:
    file: SiteFile = arguments.config
    async with _site(arguments, network, file.site) as site:
        stop = stop_signal(partial(_retry, site), partial(_reload, site, file.path, arguments))
        lines.write(listening_line(site.host, site.port, as_json=False))
        await stop.wait()
        leave_signals()
        await site.close()
    return 0


async def _serve_printer(arguments: argparse.Namespace, network: _Network, lines: Lines) -> int:
    bad = Misbehavior(arguments.fail, arguments.event) if arguments.fail or arguments.event else None
    config = _one_printer(arguments, lines, bad)
    (name,), started = config.destinations, time.time()
    await asyncio.to_thread(Path(name).mkdir, parents=True, exist_ok=True)
    async with _site(arguments, network, config, around=bad) as site:
        site.states[_PRINTER].set(*(arguments.printer_status or ("NORMAL", "NORMAL")))
        stop = stop_signal(partial(_retry, site))
        lines.write(listening_line(site.host, site.port, as_json=arguments.json))
        await stop.wait()
        leave_signals()
        await site.close()
        await site.drain()
        return _tell_unwritten(await site.spool.list(), name, started)


def _site(
    arguments: argparse.Namespace, network: _Network, config: SiteConfig, *, around: Misbehavior | None = None
) -> Site:
    """Return the site of the options."""
    return Site(
        _overridden(arguments, config),
        policy=_policy(arguments.allow),
        tls=network.tls,
        trace=network.trace,
        limits=Limits(associations=arguments.associations),
        timeouts=Timeouts(idle=arguments.idle),
        around=around,
    )


def _overridden(arguments: argparse.Namespace, config: SiteConfig) -> SiteConfig:
    """Return the configuration with what options say instead."""
    listen = replace(config.listen, host=arguments.host or config.listen.host)
    if arguments.port is not None:
        listen = replace(listen, port=arguments.port)
    spool = replace(config.spool, at=arguments.spool or config.spool.at)
    return replace(config, listen=listen, spool=spool)


def _one_printer(arguments: argparse.Namespace, lines: Lines, bad: Misbehavior | None) -> SiteConfig:
    """Return the site of one printer and one folder, whose destination has the name of the folder."""
    title, config = arguments.ae_title or "PRINTSCP", printer_config(arguments)
    name = str((arguments.out or Path("films")).absolute())
    folder = FolderDestination(
        path=name, formats=arguments.format or ("png", "pdf"), dpi=arguments.dpi or _DPI, bits=arguments.bits or 8
    )
    said = SaidFolder(folder=folder, as_json=arguments.json, say=lines.write, faults=bad)
    printer = SitePrinter(
        ae_title=title,
        config=config,
        missing_medium="print",
        default=not arguments.require_called,
        queue_length=arguments.queue_length,
    )
    return SiteConfig(
        printers={_PRINTER: printer},
        destinations={name: SiteDestination(destination=said, retry=RetryPolicy(then="fail"))},
        routes=(Route(name="all", to=(name,)),),
        spool=SpoolConfig(),
        listen=ListenConfig(),
    )


def _tell_unwritten(films: Sequence[FilmRecord], destination: str, started: float) -> int:
    """Return the exit status: 1, with a line on stderr, if films could not be written since the start."""
    unwritten = []
    for film in films:
        one = next((delivery for delivery in film.deliveries if delivery.destination == destination), None)
        if one is not None and _is_unwritten(film, one, started):
            unwritten.append(one)
    if not unwritten:
        return 0
    words = "1 accepted film" if len(unwritten) == 1 else f"{len(unwritten)} accepted films"
    why = ", ".join(dict.fromkeys(one.info or one.reason for one in unwritten))
    print(escaped(f"print-mgmt: {words} could not be written: {why} (kept in the spool)"), file=sys.stderr)
    return 1


def _is_unwritten(film: FilmRecord, delivery: Delivery, started: float) -> bool:
    if delivery.state is FilmState.FAILED:
        return film.ended >= started
    return delivery.state in (FilmState.QUEUED, FilmState.HELD) and bool(delivery.info)


async def _retry(site: Site) -> None:
    """Try all films again that could not be delivered, now."""
    for film in await site.spool.list(states=(FilmState.FAILED, FilmState.QUEUED)):
        with suppress(SpoolError):  # another process has it, or it waits for its first attempt
            await site.spool.change(film.id, Retry())


async def _reload(site: Site, path: Path, arguments: argparse.Namespace) -> None:
    """Read the file of the site again, and say what has changed. A broken file changes nothing."""
    try:
        config = await asyncio.to_thread(load_site, path)
        found = await site.reload(_overridden(arguments, config))
    except (SiteErrors, OSError) as exc:
        _log.error("the configuration stays as it was: %s", escaped(str(exc)))
        return
    _log.warning("the configuration was read again; changed: %s", escaped(", ".join(found.changed) or "nothing"))
    if found.needs_restart:
        _log.warning("these changes need a restart: %s", escaped(", ".join(found.needs_restart)))


def _policy(allowed: Sequence[str]) -> Policy:
    """Return the policy of the options; it rejects with reason 3 (calling), PS3.8 Table 9-21."""
    return calling_titles(allowed) if allowed else accept_anyone
