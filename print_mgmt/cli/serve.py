"""``print-mgmt serve``: act as a printer that writes films to files, or as all printers of a site."""

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from dimse.net import Limits, Policy, Timeouts, TLSContext, Trace, accept_anyone, calling_titles
from dimse.net.admission import raise_descriptor_limit
from dimse.net.own_thread import in_own_thread
from dimse.terminal import run_loop, server_tls, trace

from ..film import MAX_PIXELS, can_render
from ..scp import Misbehavior
from ..site import Site, SiteConfig, SiteErrors, default_spool
from ..spool import open_spool
from .fleet import report_ready, run_fleet, wait_for_end_of_parent
from .lines import Lines, server_lines
from .one_printer import PRINTER, one_printer, report_unwritten
from .options import report_errors
from .reported_folder import listening_line
from .serve_options import DPI, OF_ONE_PRINTER, SiteFile, add_options, printer_config, spool_limits
from .signals import handle_signals, restore_signals, start_unless_stopped
from .site_signals import reload_site, retry_films

__all__ = ["add"]

_SWITCH_INTERVAL = 0.001  # seconds after which a rendering thread must hand the GIL to the event loop

# The options that are not allowed with several processes, and why
_OF_ONE_PROCESS = {
    "fail": "each process would count only its own requests",
    "event": "each process would count only its own requests",
    "trace": "each process would record only its own associations",
}

_EXAMPLES = """examples:
  print-mgmt serve --out films --format png,pdf
  print-mgmt serve --host 0.0.0.0 --ae-title FILM1 --require-called --allow CT01 --allow MR02
  print-mgmt serve --preset kodak-8700            imitate a real printer
  print-mgmt serve --config printer.toml          use your own configuration
  print-mgmt serve --config site.toml             several printers, destinations and routes: docs/site.md

for testers: faults and events at chosen requests (WHAT@WHERE):
  --fail C605@N-SET#2                             the second N-SET fails: out of memory
  --fail 'C602@N-ACTION FilmBox'                  the print queue is always full
  --fail B605@N-CREATE                            a warning; the film is still printed
  --fail NO-ANSWER@N-DELETE --fail ABORT@N-SET#3 --fail DROP@N-ACTION#1
  --fail 'FILM JAM@FILM#2'                        the job of the second film ends in FAILURE
  --event 'WARNING:SUPPLY LOW@N-SET#2'            N-EVENT-REPORT during the second N-SET

The spool keeps accepted films until they are written, even if the process crashes; see print-mgmt spool. A film that
cannot be written is tried again later; until then the printer reports CHECK PRINTER. SIGUSR1 tries all such films
immediately. SIGHUP reads the configuration file of a site again.
"""


class _Network(NamedTuple):
    """The TLS context of the connections, and the function that records their messages."""

    tls: TLSContext | None
    trace: Trace | None


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = (
        "Act as a DICOM printer for gray and color films, and write each printed film to files in a folder;\n"
        "or act as a print server with several printers and destinations.\n"
        "Ctrl-C stops it: associations may go on for 10 s, and the writing of accepted films for 10 s more;\n"
        "accepted films that are not written by then are written at the next start."
    )
    parser.epilog = _EXAMPLES
    add_options(parser)
    parser.set_defaults(command=lambda arguments: _run(parser, arguments))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if isinstance(arguments.config, SiteErrors):
        return report_errors(arguments.config.lines)
    network = _Network(server_tls(parser, arguments), trace(parser, arguments))
    if isinstance(arguments.config, SiteFile):
        for name, option in OF_ONE_PRINTER.items():
            if getattr(arguments, name):
                parser.error(f"argument {option}: not allowed with the file of a site, which has its own printers")
    else:
        _check_sizes(parser, arguments)
    if arguments.processes > 1:
        for name, reason in _OF_ONE_PROCESS.items():
            if getattr(arguments, name):
                parser.error(f"argument --{name}: not allowed with --processes: {reason}")
    raise_descriptor_limit()
    gc.freeze()  # modules live as long as the process; a full collection takes 21 ms without them, and 54 ms with them
    return run_loop(_serve(arguments, network))


def _check_sizes(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Refuse a resolution at which a film of the printer has too many pixels."""
    dpi = arguments.dpi or DPI
    for size in dict.fromkeys(size for medium in printer_config(arguments).media for size in medium.FilmSizeID):
        if not can_render(size, dpi):
            parser.error(f"argument --dpi: a film of {size} at {dpi} dpi has more than {MAX_PIXELS} pixels")


async def _serve(arguments: argparse.Namespace, network: _Network) -> int:
    sys.setswitchinterval(_SWITCH_INTERVAL)
    with server_lines() as lines:
        if arguments.processes > 1 and arguments.parent_socket is None:
            return await _serve_fleet(arguments, lines)
        if isinstance(arguments.config, SiteFile):
            return await _serve_site(arguments, network, lines)
        return await _serve_printer(arguments, network, lines)


async def _serve_site(arguments: argparse.Namespace, network: _Network, lines: Lines) -> int:
    file: SiteFile = arguments.config
    site, started = _make_site(arguments, network, file.site), asyncio.Event()
    reload = partial(reload_site, site, file.path, partial(_override, arguments))
    stop = handle_signals(retry=partial(retry_films, site), reload=reload, started=started)
    async with AsyncExitStack() as stack:
        if await start_unless_stopped(stack, site, stop):
            started.set()
            await _run_until_stopped(arguments, site, lines, stop)
    return 0


async def _serve_printer(arguments: argparse.Namespace, network: _Network, lines: Lines) -> int:
    misbehavior = Misbehavior(arguments.fail, arguments.event) if arguments.fail or arguments.event else None
    config = one_printer(arguments, lines, misbehavior)
    (name,), started = config.destinations, time.time()
    await in_own_thread((arguments.out or Path("films")).mkdir, parents=True, exist_ok=True)
    site, ready = _make_site(arguments, network, config, intercept=misbehavior), asyncio.Event()
    stop = handle_signals(retry=partial(retry_films, site), started=ready)
    async with AsyncExitStack() as stack:
        if not await start_unless_stopped(stack, site, stop):
            return 0
        ready.set()
        site.states[PRINTER].set(*(arguments.printer_status or ("NORMAL", "NORMAL")))
        await _run_until_stopped(arguments, site, lines, stop)
        if arguments.parent_socket is not None:
            return 0  # the parent reports the unwritten films of all processes
        await site.drain()
        return report_unwritten(await site.spool.list(), name, started)


async def _run_until_stopped(arguments: argparse.Namespace, site: Site, lines: Lines, stop: asyncio.Event) -> None:
    """Report that the site listens, wait for ``stop`` or the end of the parent, and end the associations."""
    if arguments.parent_socket is None:
        lines.write(listening_line(site.host, site.port, as_json=arguments.json))
        await stop.wait()
    else:
        report_ready(arguments.parent_socket)
        ends = [asyncio.ensure_future(end) for end in (stop.wait(), wait_for_end_of_parent(arguments.parent_socket))]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
    restore_signals()
    await site.close()


async def _serve_fleet(arguments: argparse.Namespace, lines: Lines) -> int:
    """Run several processes behind one port."""
    is_site = isinstance(arguments.config, SiteFile)
    own: SiteConfig = arguments.config.site if is_site else one_printer(arguments, lines, None)
    config, started = _override(arguments, own), time.time()

    def ready(host: str, port: int) -> None:
        lines.write(listening_line(host, port, as_json=arguments.json))

    listen = config.listen
    status = await run_fleet(arguments.processes, listen.host, listen.port, ready, reloads=is_site)
    if not is_site:
        (name,) = config.destinations
        async with open_spool(config.spool.at or default_spool()) as spool:
            status = max(status, report_unwritten(await spool.list(), name, started))
    return status


def _make_site(
    arguments: argparse.Namespace, network: _Network, config: SiteConfig, *, intercept: Misbehavior | None = None
) -> Site:
    """Return the site that the configuration and the options describe."""
    return Site(
        _override(arguments, config),
        delivers=not arguments.no_delivery,
        policy=_policy(arguments.allow),
        tls=network.tls,
        trace=network.trace,
        limits=Limits(associations=arguments.associations),
        timeouts=Timeouts(idle=arguments.idle),
        intercept=intercept,
        reuse_port=arguments.parent_socket is not None,
    )


def _override(arguments: argparse.Namespace, config: SiteConfig) -> SiteConfig:
    """Return the configuration, with the address and the spool overridden by options."""
    listen = replace(config.listen, host=arguments.host or config.listen.host)
    if arguments.port is not None:
        listen = replace(listen, port=arguments.port)
    limits = spool_limits(arguments, config.spool.limits)
    spool = replace(config.spool, at=arguments.spool or config.spool.at, limits=limits)
    return replace(config, listen=listen, spool=spool)


def _policy(allowed: Sequence[str]) -> Policy:
    """Return the policy for clients: all of them may associate if no title is ``allowed``.

    Otherwise, a calling AE title that is not among ``allowed`` is rejected with reason 3 (PS3.8 Table 9-21).
    """
    return calling_titles(allowed) if allowed else accept_anyone
