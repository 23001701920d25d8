"""What signals do to a running site: SIGUSR1 tries films again, SIGHUP reads its file again."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dimse.errors import escaped

from ..site import Site, SiteConfig, SiteErrors, load_site
from ..spool import FilmState, Retry, SpoolError

__all__ = ["reload_site", "retry_films"]

_log = logging.getLogger("print_mgmt.cli")


async def retry_films(site: Site) -> None:
    """Try all films again that could not be delivered, now."""
    for film in await site.spool.list(states=(FilmState.FAILED, FilmState.QUEUED)):
        if not any(one.destination in site.config.destinations for one in film.deliveries):
            continue
        with suppress(SpoolError):  # another process has it, or it waits for its first attempt
            await site.spool.change(film.id, Retry())


async def reload_site(site: Site, path: Path, change: Callable[[SiteConfig], SiteConfig]) -> None:
    """Read the file of the site again, and say what has changed. A broken file changes nothing.

    ``change`` returns the configuration with what the options of the command say instead.
    """
    try:
        config = await asyncio.to_thread(load_site, path)
        found = await site.reload(change(config))
    except (SiteErrors, OSError) as exc:
        _log.error("the configuration stays as it was: %s", escaped(str(exc)))
        return
    _log.warning("the configuration was read again; changed: %s", escaped(", ".join(found.changed) or "nothing"))
    if found.needs_restart:
        _log.warning("these changes need a restart: %s", escaped(", ".join(found.needs_restart)))
