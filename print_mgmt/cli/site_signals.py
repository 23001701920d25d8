"""The effects of signals on a running site: SIGUSR1 tries films again, and SIGHUP reads the file of the site again."""

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dimse.errors import escaped
from dimse.net.own_thread import in_own_thread

from ..site import Site, SiteConfig, SiteErrors, load_site_again
from ..spool import FilmState, Retry, SpoolError
from ..spool.records import reason_of

__all__ = ["reload_site", "retry_films"]

_log = logging.getLogger("print_mgmt.cli")


async def retry_films(site: Site) -> None:
    """Try immediately to deliver the films of the site that failed or wait for their next attempt."""
    try:
        films = await site.spool.list(states=(FilmState.FAILED, FilmState.QUEUED))
    except SpoolError as exc:
        _log.error("the films cannot be tried again: %s", escaped(str(exc)))
        return
    for film in films:
        if not any(one.destination in site.config.destinations for one in film.deliveries):
            continue
        with suppress(SpoolError):  # another process has the film, or it is due already
            await site.spool.change(film.id, Retry())


async def reload_site(site: Site, path: Path, change: Callable[[SiteConfig], SiteConfig]) -> None:
    """Read the file of the site again, and log what has changed. A file with errors changes nothing.

    ``change`` returns a configuration in which the options of the command override the file.
    """
    try:
        config = await in_own_thread(load_site_again, path)
        found = await site.reload(change(config))
    except (SiteErrors, OSError) as exc:
        _log.error("the configuration stays unchanged: %s", reason_of(exc))
        return
    _log.warning("the configuration was read again; changed: %s", escaped(", ".join(found.changed) or "nothing"))
    if found.needs_restart:
        _log.warning("these changes need a restart: %s", escaped(", ".join(found.needs_restart)))
