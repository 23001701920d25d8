"""``print-mgmt work``: deliver the films of a site whose printers run in other processes, or on other machines."""

import argparse
import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from dimse.terminal import add_trace, not_empty, run_loop, trace

from ..site import Site, SiteConfig, SiteErrors, load_site
from .lines import server_lines
from .options import report_errors
from .signals import handle_signals, restore_signals, start_unless_stopped
from .site_signals import reload_site, retry_films

__all__ = ["add"]

_EXAMPLES = """examples:
  print-mgmt work --config site.toml
  print-mgmt work --config site.toml --spool postgresql://print@db/spool

Several such processes may run, on any machine that reaches the spool. SIGHUP reads the configuration file again.
SIGTERM or Ctrl-C stops the process: it begins deliveries for at most 10 s more, and then finishes those that it has
begun. If a process is killed, another one delivers its films; a film that may already have been printed becomes
indeterminate.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = "Deliver the films in the spool of a site; accept no films."
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--config", required=True, metavar="FILE.toml", help="configuration file of the site; see docs/site.md"
    )
    parser.add_argument(
        "--spool",
        type=not_empty,
        metavar="ADDRESS",
        help="spool to use instead of the one in the configuration file",
    )
    add_trace(parser)
    parser.set_defaults(command=partial(_run, parser))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    recording = trace(parser, arguments)
    try:
        config = load_site(arguments.config)
    except SiteErrors as exc:
        return report_errors(exc.lines)
    return run_loop(_work(arguments, Site(_override(arguments, config), accepts=False, trace=recording)))


def _override(arguments: argparse.Namespace, config: SiteConfig) -> SiteConfig:
    """Return the configuration, with the spool overridden by the option."""
    return replace(config, spool=replace(config.spool, at=arguments.spool or config.spool.at))


async def _work(arguments: argparse.Namespace, site: Site) -> int:
    with server_lines() as lines:
        started = asyncio.Event()
        reload = partial(reload_site, site, Path(arguments.config), partial(_override, arguments))
        stop = handle_signals(retry=partial(retry_films, site), reload=reload, started=started)
        async with AsyncExitStack() as stack:
            if await start_unless_stopped(stack, site, stop):
                started.set()
                lines.write(f"delivering to {', '.join(site.config.destinations)}")
                await stop.wait()
                restore_signals()
    return 0
