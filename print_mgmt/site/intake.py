"""The step between N-ACTION and the spool: each film of a job is identified and routed.

If the films of a job differ in destinations, priority or reason to be held, they are stored first and get their
destinations afterwards. If the server crashes in between, it finds the films without destinations at its next start,
and routes them again.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from dimse.errors import escaped

from ..film import LayoutError
from ..jobs import Exposure, PrintJob
from ..model import FilmCopy
from ..scp import Film, job_of
from ..spool import OPEN, Assign, FilmRecord, FilmState, Prioritize, Spool, SpoolError, SpoolFull, Target
from ..spool.tasks import Completion
from .config import SiteConfig, SitePrinter
from .identify import Patience, identify
from .media import move_to_size
from .routes import Decision, Facts, decide, facts_of

__all__ = ["Intake", "report_stranded", "route_received", "stored_facts", "targets_of"]

_log = logging.getLogger("print_mgmt.site")


@dataclass(frozen=True, slots=True)
class RoutedFilm:
    """A film with its destinations. ``hold`` is the reason to hold it, if any."""

    film: FilmCopy
    targets: tuple[Target, ...]
    hold: str
    PrintPriority: str


class Intake:
    """The intake of the printer ``name`` into ``spool``. ``config`` returns the current configuration."""

    def __init__(self, spool: Spool, config: Callable[[], SiteConfig], name: str) -> None:
        self._spool = spool
        self._config = config
        self._name = name
        self._completion = Completion()

    async def store(self, job: PrintJob) -> None:
        """Identify, route and store the films of a job. Raises `SpoolError` if none of them is stored.

        The films of ``job`` are replaced by the routed films. If these have the same priority, the job gets it, too.
        The job is not collated if a destination prints it, because that makes all copies of a film at once.
        """
        site = self._config()
        printer = site.printers[self._name]
        await self._check_length(printer)
        patience = Patience()
        routed = [
            await _route(site, printer, Film(0, job, Exposure(film, number, 1)), film, patience)
            for number, film in enumerate(job.films, 1)
        ]
        job.films = tuple(one.film for one in routed)
        priorities = {one.PrintPriority for one in routed}
        if len(priorities) == 1:
            (job.PrintPriority,) = priorities
        prints = any(not target.repeatable for one in routed for target in one.targets)
        if prints and job.copies > 1 and len(routed) > 1:
            job.collated = False
        first = routed[0]
        if len({(one.targets, one.hold, one.PrintPriority) for one in routed}) == 1:
            await self._spool.accept(job, first.targets, hold=first.hold)
            return
        await self._completion.run(self._store_each(job, routed))  # also if the association ends meanwhile

    async def close(self) -> None:
        """Complete the work whose callers were canceled. The spool must still be open."""
        await self._completion.close()

    async def _store_each(self, job: PrintJob, routed: Sequence[RoutedFilm]) -> None:
        """Store the films of a job, then set the destinations of each."""
        for film_id, one in zip(await self._spool.accept(job), routed, strict=True):
            await _assign(self._spool, film_id, one, job.PrintPriority)

    async def _check_length(self, printer: SitePrinter) -> None:
        limit = printer.queue_length
        if limit is None:
            return
        if await self._spool.count(states=OPEN, printer=printer.PrinterName) >= limit:
            raise SpoolFull(f"the queue of {printer.PrinterName!a} is full: its queue_length is {limit}")


async def route_received(spool: Spool, site: SiteConfig) -> None:
    """Route the films that have no destinations yet, because of a crash or because no route matched them.

    Films of printers that the site does not have are left alone. Raises `SpoolError`.
    """
    printers = {printer.PrinterName: printer for printer in site.printers.values()}
    for record in await spool.list(states={FilmState.RECEIVED}):
        printer = printers.get(record.printer)
        if printer is None:
            continue
        try:
            copy = await spool.film(record.id)
        except SpoolError as exc:
            _log.error("film %s cannot be routed: %s", record.id, escaped(str(exc)))
            continue
        decision = decide(site.routes, stored_facts(record, copy, printer.ae_title))
        size = decision.change.FilmSizeID
        hold = _hold_reason(decision) or _identity_hold_reason(site, copy)
        if size and size != copy.sheet.FilmSizeID:  # a film that is stored keeps its size
            hold = hold or f"route {decision.route} would change its size to {size}"
        priority = decision.change.PrintPriority or record.PrintPriority
        await _assign(
            spool, record.id, RoutedFilm(copy, targets_of(site, decision.to), hold, priority), record.PrintPriority
        )


async def report_stranded(spool: Spool, site: SiteConfig) -> None:
    """Log the destinations and printers that films wait for and that the site does not have. Raises `SpoolError`."""
    printers = {printer.PrinterName for printer in site.printers.values()}
    missing: Counter[str] = Counter()
    for record in await spool.list(states=OPEN):
        if record.state is FilmState.RECEIVED and record.printer not in printers:
            missing[f"the printer {record.printer}"] += 1
        waiting = {one.destination for one in record.deliveries if one.state in OPEN}
        missing.update(f"the destination {name}" for name in waiting - site.destinations.keys())
    for name, count in missing.items():
        films = "1 film waits" if count == 1 else f"{count} films wait"
        _log.warning("%s for %s, which this site does not have; see print-mgmt spool move", films, escaped(name))


def stored_facts(record: FilmRecord, film: FilmCopy, called: str) -> Facts:
    """Return the properties of a stored film that routes can test; ``called`` is the AE title of its printer."""
    return facts_of(Film(0, job_of(record), Exposure(film, record.number, 1)), called)


async def _route(site: SiteConfig, printer: SitePrinter, film: Film, copy: FilmCopy, patience: Patience) -> RoutedFilm:
    """Return a film with its patient and study, and with the destinations of its route."""
    if site.identification.sources:
        identity = await identify(film, site.identification.sources, patience)
        for note in identity.notes:
            _log.warning("the identification of a film of %s: %s", film.calling_ae_title, note)
        copy = replace(copy, identified=identity.attributes, identified_by=identity.sources)
    decision = decide(site.routes, facts_of(film, printer.ae_title))
    hold = _hold_reason(decision) or _identity_hold_reason(site, copy)
    if not decision.to:
        _log.warning("a film of %s has no destination: %s", film.calling_ae_title, "; ".join(decision.why))
    if decision.change.FilmSizeID:
        try:
            copy = move_to_size(printer.config, copy, decision.change.FilmSizeID)
        except LayoutError as exc:
            hold = hold or f"route {decision.route} cannot change its size: {exc}"
    priority = decision.change.PrintPriority or film.job.PrintPriority
    return RoutedFilm(copy, targets_of(site, decision.to), hold, priority)


def targets_of(site: SiteConfig, names: Sequence[str]) -> tuple[Target, ...]:
    """Return the destinations of the site with these names as targets for the spool."""
    return tuple(Target(destination=name, repeatable=site.destinations[name].destination.repeatable) for name in names)


def _hold_reason(decision: Decision) -> str:
    if not decision.hold:
        return ""
    return f"route {decision.route} holds it" if decision.route else "no route matches"


def _identity_hold_reason(site: SiteConfig, film: FilmCopy) -> str:
    """Return the reason to hold an unidentified film, or an empty string if the film may be delivered."""
    if site.identification.unidentified != "hold":
        return ""
    missing = [keyword for keyword in site.identification.needs if keyword not in film.identified_by]
    return f"not identified: {', '.join(missing)} is not known" if missing else ""


async def _assign(spool: Spool, film_id: str, routed: RoutedFilm, PrintPriority: str) -> None:
    """Set the destinations of a stored film. If the spool fails, the next start or reload tries again.

    A reload or another process may set them first; it sets the same destinations.
    """
    try:
        if routed.PrintPriority != PrintPriority:
            await spool.change(film_id, Prioritize(routed.PrintPriority))
        if routed.targets:
            await spool.change(film_id, Assign(routed.targets, routed.hold))
    except SpoolError as exc:
        with suppress(SpoolError):
            if (await spool.show(film_id)).deliveries:
                return
        _log.error("film %s has no destinations yet: %s", film_id, escaped(str(exc)))
