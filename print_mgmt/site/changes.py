"""What differs between two configurations of a site: what a running site takes over, and what needs a restart."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from .config import SiteConfig, SitePrinter

__all__ = ["Difference", "difference"]


class Difference(NamedTuple):
    """The configuration to go on with, what has changed in it, and what needs a restart to change."""

    site: SiteConfig
    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]


def difference(before: SiteConfig, after: SiteConfig) -> Difference:
    """Return what a site that runs with ``before`` does with ``after``."""
    printers = {name: _merged(old, after.printers.get(name, old)) for name, old in before.printers.items()}
    site = replace(after, printers=printers, listen=before.listen, spool=replace(before.spool, keep=after.spool.keep))
    return Difference(site, tuple(_changed(before, site)), tuple(_left(site, after)))


def _merged(old: SitePrinter, new: SitePrinter) -> SitePrinter:
    """Return a printer that has the media and the rules of the new one."""
    config = replace(old.config, media=new.config.media)
    return replace(
        old,
        config=config,
        missing_medium=new.missing_medium,
        default=new.default,
        queue_length=new.queue_length,
    )


def _changed(before: SiteConfig, site: SiteConfig) -> Iterator[str]:
    yield from _rows("printers", before.printers, site.printers)
    yield from _rows("destinations", before.destinations, site.destinations)
    if before.routes != site.routes:
        yield "routes"
    if before.identification != site.identification:
        yield "identify"
    if before.spool != site.spool:
        yield "spool.keep"


def _left(site: SiteConfig, after: SiteConfig) -> Iterator[str]:
    yield from _rows("printers", site.printers, after.printers)
    if site.listen != after.listen:
        yield "listen"
    if site.spool != after.spool:
        yield "spool"


def _rows(key: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield f"{key}.{name}"
