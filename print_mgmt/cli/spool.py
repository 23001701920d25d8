"""``print-mgmt spool``: manage the films in a spool, even while the server runs."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from dimse.errors import DimseError, escaped
from dimse.net.own_thread import in_own_thread
from dimse.terminal import cancel_on_sigterm, not_empty, run_loop

from ..site import SiteConfig, SiteErrors, decide, default_spool, load_site, stored_facts, targets_of
from ..spool import (
    Action,
    Cancel,
    Confirm,
    FilmRecord,
    FilmState,
    Hold,
    Move,
    Prioritize,
    Release,
    Reprint,
    Retry,
    Spool,
    SpoolError,
    Target,
    open_spool,
)
from ..spool.records import storable
from .options import report_errors
from .spool_lines import (
    changed_line,
    damaged_json,
    damaged_lines,
    film_json,
    film_lines,
    film_table,
    removed_line,
    repaired_json,
    repaired_lines,
    verified_line,
)

__all__ = ["add"]

_EXAMPLES = """examples:
  print-mgmt spool list --state held --state indeterminate
  print-mgmt spool show 1ngrvx11wgt7r4k3.1
  print-mgmt spool release 1ngrvx11wgt7r4k3.1
  print-mgmt spool retry --all                  all films that failed or wait for their next attempt
  print-mgmt spool move 1ngrvx11wgt7r4k3.1 --printer mammo --config site.toml
  print-mgmt spool move 1ngrvx11wgt7r4k3.1 --to files
  print-mgmt spool priority HIGH 1ngrvx11wgt7r4k3.1
  print-mgmt spool purge --days 7
  print-mgmt spool repair                       after a film is listed as damaged

If a film that was named cannot be changed, a line on stderr says why, and the exit status is 1; the other films are
changed. With --all, films that cannot be changed any more are skipped.
All commands also work while the server runs. With a spool in PostgreSQL, they work on any machine that reaches it.
"""
_STATES = {state.replace(" ", "-"): state for state in FilmState}
_PRIORITIES = ("HIGH", "MED", "LOW")
_ACTIONS: dict[str, tuple[Callable[[], Action], str, tuple[FilmState, ...]]] = {
    "hold": (Hold, "hold films until they are released", (FilmState.QUEUED, FilmState.WAITING)),
    "release": (Release, "release held films for delivery", (FilmState.HELD,)),
    "cancel": (
        Cancel,
        "cancel all deliveries of films, except those that are done",
        (FilmState.HELD, FilmState.WAITING, FilmState.QUEUED),
    ),
    "reprint": (Reprint, "deliver ended films once more, to all their destinations", (FilmState.DONE,)),
    "retry": (
        Retry,
        "retry films that failed or wait for their next attempt",
        (FilmState.FAILED, FilmState.QUEUED),
    ),
    "confirm": (Confirm, "record that indeterminate films were printed", (FilmState.INDETERMINATE,)),
}

Run = Callable[[Spool, argparse.Namespace], Awaitable[int]]
_MAX_DIGITS = 18  # digits of a number that every database can hold


def add(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of the command to ``parser``."""
    parser.description = "Manage the films in a spool."
    parser.epilog = _EXAMPLES
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_lists(commands)
    for name, (action, summary, states) in _ACTIONS.items():
        command = _add_command(commands, name, summary, partial(_apply, action, states))
        _add_films(command, f"films in state {', '.join(states[:-1])}{' or ' * (len(states) > 1)}{states[-1]}")
        if action is Hold:
            command.add_argument(
                "--reason", default="held by an operator", help="reason to record (default: %(default)s)"
            )
    command = _add_command(commands, "move", "send films to other destinations, or through another printer", _move)
    command.add_argument("films", nargs="+", metavar="FILM", help="id of a film")
    command.add_argument("--printer", metavar="NAME", help="printer of the site whose routes choose the destinations")
    command.add_argument(
        "--to", action="append", default=[], metavar="NAME", help="destination; may be given more than once"
    )
    command = _add_command(commands, "priority", "change the Print Priority of films", _prioritize)
    command.add_argument("priority", type=str.upper, choices=_PRIORITIES, help="the new priority")
    command.add_argument("films", nargs="+", metavar="FILM", help="id of a film")
    _add_purge(commands)
    repairs = "rebuild damaged rows of the index from the films; exit 1 if a film is lost or stays damaged"
    _add_command(commands, "repair", repairs, _repair)
    verifies = "read all films; exit 1 if one is damaged; quarantine damaged bytes, unless the film has failed"
    _add_command(commands, "verify", verifies, _verify)


def _add_purge(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add_command(commands, "purge", "remove films that are done or canceled", _purge)
    command.add_argument("--days", type=_parse_days, metavar="N", help="remove films that ended more than N days ago")
    command.add_argument(
        "--films", type=_parse_count, metavar="N", help="remove the oldest films until the spool has at most N"
    )
    command.add_argument(
        "--size", type=_parse_count, metavar="BYTES", help="remove the oldest films until all have at most BYTES bytes"
    )


def _add_lists(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add_command(commands, "list", "list films", _list)
    command.add_argument(
        "--state",
        action="append",
        default=[],
        choices=tuple(_STATES),
        help="only films in this state; may be given more than once",
    )
    command.add_argument(
        "--printer", default="", metavar="NAME", help="only films of the printer with this Printer Name"
    )
    command.add_argument("--limit", type=_parse_count, metavar="N", help="show at most N films")
    command = _add_command(commands, "show", "show films with their deliveries", _show)
    command.add_argument("films", nargs="+", metavar="FILM", help="id of a film")


def _parse_days(text: str) -> float:
    """Return a number of days. A negative number is refused, because it would choose every film that has ended."""
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not days >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days, 0 or more")
    return days


def _parse_count(text: str) -> int:
    """Return a number of films or bytes that every database can hold."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {'9' * _MAX_DIGITS}")
    return int(text)


def _add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str, run: Run
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    where = parser.add_mutually_exclusive_group() if name != "move" else parser
    where.add_argument(
        "--spool",
        type=not_empty,
        metavar="ADDRESS",
        help="the spool: a folder, or postgresql://... (default: the same as for print-mgmt serve)",
    )
    where.add_argument("--config", metavar="FILE.toml", help="use the spool of the site in this configuration file")
    printed = "the result as JSON" if run in (_purge, _repair, _verify) else "one JSON object for each film"
    parser.add_argument("--json", action="store_true", help=f"print {printed}")
    parser.set_defaults(command=lambda arguments: _run(parser, arguments, run))
    return parser


def _add_films(parser: argparse.ArgumentParser, chosen: str) -> None:
    """Add the arguments that choose films: ids, or --all. ``chosen`` describes the films that --all chooses."""
    parser.add_argument("films", nargs="*", metavar="FILM", help="id of a film")
    parser.add_argument("--all", action="store_true", help=f"all {chosen}")
    parser.add_argument(
        "--printer", default="", metavar="NAME", help="with --all: only films of the printer with this Printer Name"
    )


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace, run: Run) -> int:
    if "all" in arguments and bool(arguments.films) == arguments.all:
        parser.error("either name films, or give --all")
    if run is _purge and arguments.days is arguments.films is arguments.size is None:
        parser.error("one of --days, --films and --size is needed")
    if run is _move and not (arguments.printer or arguments.to):
        parser.error("one of --printer and --to is needed")
    if run is _move and arguments.printer and not arguments.config:
        parser.error("argument --printer: needs --config, whose file has the printers and routes")
    try:
        arguments.site = load_site(arguments.config) if arguments.config else None
    except SiteErrors as exc:
        return report_errors(exc.lines)
    return run_loop(cancel_on_sigterm(_run_on_spool(arguments, run)))


async def _run_on_spool(arguments: argparse.Namespace, run: Run) -> int:
    site: SiteConfig | None = arguments.site
    address = arguments.spool or (site.spool.at if site is not None else "") or str(default_spool())
    if "://" not in address and not await in_own_thread(Path(address, "index.sqlite").exists):
        raise SpoolError(f"there is no spool in {address}")
    async with open_spool(address) as spool:
        return await run(spool, arguments)


# --- showing films ---


async def _list(spool: Spool, arguments: argparse.Namespace) -> int:
    states = {_STATES[name] for name in arguments.state} or set(FilmState)
    found = await spool.survey()
    printer = storable(arguments.printer)
    films = [one for one in found.films if one.state in states and printer in ("", one.printer)][: arguments.limit]
    for line in map(film_json, films) if arguments.json else film_table(films):
        print(line)
    for line in map(damaged_json, found.damaged) if arguments.json else damaged_lines(found.damaged):
        print(line)
    return 0


async def _show(spool: Spool, arguments: argparse.Namespace) -> int:
    async def show(film_id: str) -> None:
        film = await spool.show(film_id)
        for line in (film_json(film),) if arguments.json else film_lines(film):
            print(line)

    return await _for_each(arguments.films, show)


async def _repair(spool: Spool, arguments: argparse.Namespace) -> int:
    result = await spool.repair()
    survey = await spool.survey()
    for line in (repaired_json(result),) if arguments.json else repaired_lines(result, survey):
        print(line)
    for film in survey.damaged:
        print(escaped(f"print-mgmt: film {film.id} is still damaged: {film.reason}"), file=sys.stderr)
    return int(bool(result.removed or survey.damaged))


async def _verify(spool: Spool, arguments: argparse.Namespace) -> int:
    found = await spool.verify()
    print(verified_line(found, as_json=arguments.json))
    return int(bool(found.damaged))


# --- changing films ---


async def _for_each(films: Sequence[str], change: Callable[[str], Awaitable[object]]) -> int:
    """Call ``change`` for each film, show its errors, and return the exit status: 1 if there was an error."""
    status = 0
    for film_id in films:
        try:
            await change(film_id)
        except DimseError as exc:
            print(escaped(f"print-mgmt: {exc}"), file=sys.stderr)
            status = 1
    return status


async def _apply(
    action: Callable[[], Action], states: tuple[FilmState, ...], spool: Spool, arguments: argparse.Namespace
) -> int:
    wanted = Hold(arguments.reason) if action is Hold else action()
    change = partial(_change_and_show, spool, wanted, arguments)
    if not arguments.all:
        return await _for_each(arguments.films, change)
    for film in await spool.list(states=states, printer=arguments.printer):
        try:
            await change(film.id)
        except SpoolError:  # the film is in another state by now, or there is nothing to change
            await spool.list(limit=1)  # raises the error if the spool itself has failed
    return 0


async def _change_and_show(spool: Spool, action: Action, arguments: argparse.Namespace, film_id: str) -> None:
    film = await spool.change(film_id, action)
    print(film_json(film) if arguments.json else changed_line(film))


async def _prioritize(spool: Spool, arguments: argparse.Namespace) -> int:
    return await _for_each(arguments.films, partial(_change_and_show, spool, Prioritize(arguments.priority), arguments))


async def _move(spool: Spool, arguments: argparse.Namespace) -> int:
    async def move(film_id: str) -> None:
        film = await spool.show(film_id)
        if site is None:
            place = film.printer, _known_targets(film, arguments.to)
        else:
            place = await _new_place(spool, film, site, arguments.printer, arguments.to)
        await _change_and_show(spool, Move(*place), arguments, film_id)

    site: SiteConfig | None = arguments.site
    return await _for_each(arguments.films, move)


def _known_targets(film: FilmRecord, names: Sequence[str]) -> tuple[Target, ...]:
    """Return destinations that a film already has. Raises `SpoolError` for others, which need ``--config``."""
    known = {one.destination: one.repeatable for one in film.deliveries}
    for name in names:
        if name not in known:
            raise SpoolError(f"film {film.id} has no delivery to {name!a}: give --config for another destination")
    return tuple(Target(destination=name, repeatable=known[name]) for name in names)


async def _new_place(
    spool: Spool, film: FilmRecord, site: SiteConfig, printer: str | None, to: Sequence[str]
) -> tuple[str, tuple[Target, ...]]:
    """Return the Printer Name and the destinations that a film moves to. Raises `SpoolError`.

    ``printer`` is the key of a printer of the site, or None if the film keeps its printer. Without ``to``, the routes
    of the site choose the destinations.
    """
    if printer and printer not in site.printers:
        raise SpoolError(f"{printer!a} is not a printer of the site. The printers are {', '.join(site.printers)}")
    for name in to:
        if name not in site.destinations:
            raise SpoolError(f"{name!a} is not a destination. The destinations are {', '.join(site.destinations)}")
    if not printer:
        return film.printer, targets_of(site, to)
    chosen = site.printers[printer]
    facts = stored_facts(film, await spool.film(film.id), chosen.ae_title)
    names = to or decide(site.routes, facts).to
    if not names:
        raise SpoolError(f"film {film.id}: no route of {printer!a} has a destination for it")
    return chosen.PrinterName, targets_of(site, names)


async def _purge(spool: Spool, arguments: argparse.Namespace) -> int:
    age = None if arguments.days is None else arguments.days * 86_400
    removed = await spool.purge(age=age, count=arguments.films, size=arguments.size)
    print(removed_line(removed, as_json=arguments.json))
    return 0
