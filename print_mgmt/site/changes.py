"""The differences between two configurations. A running site takes over some of them; the others need a restart."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from ..config import ConfigError
from .config import SiteConfig, SitePrinter

__all__ = ["Difference", "find_difference"]


class Difference(NamedTuple):
    """The configuration to continue with, the parts of it that have changed, and the parts that need a restart."""

    site: SiteConfig
    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]


def find_difference(before: SiteConfig, after: SiteConfig) -> Difference:
    """Return the changes from ``before`` to ``after`` that a running site takes over, and those that need a restart."""
    printers = {name: _merge(old, after.printers.get(name, old)) for name, old in before.printers.items()}
    site = replace(after, printers=printers, listen=before.listen, spool=replace(before.spool, keep=after.spool.keep))
    return Difference(site, tuple(_changed_parts(before, site)), tuple(_parts_needing_restart(site, after)))


def _merge(old: SitePrinter, new: SitePrinter) -> SitePrinter:
    """Return the old printer with those settings of the new one that need no restart."""
    try:
        config = replace(old.config, media=new.config.media)
    except ConfigError:  # the new media fit only other new settings, which need a restart
        config = old.config
    return replace(
        old,
        config=config,
        missing_medium=new.missing_medium,
        default=new.default,
        queue_length=new.queue_length,
    )


def _changed_parts(before: SiteConfig, site: SiteConfig) -> Iterator[str]:
    yield from _different_entries("printers", before.printers, site.printers)
    yield from _different_entries("destinations", before.destinations, site.destinations)
    if before.routes != site.routes:
        yield "routes"
    if before.identification != site.identification:
        yield "identify"
    if before.spool != site.spool:
        yield "spool.keep"


def _parts_needing_restart(merged: SiteConfig, after: SiteConfig) -> Iterator[str]:
    yield from _different_entries("printers", merged.printers, after.printers)
    if merged.listen != after.listen:
        yield "listen"
    if merged.spool != after.spool:
        yield "spool"


def _different_entries(key: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield f"{key}.{name}"
