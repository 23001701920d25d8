"""Parts that the cases of print for an SCU share: reactions with Data Sets, rules of requests, tables of operations."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from dimse.data import Dataset, encode, syntax_of
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NSetRQ, Request
from dimse.uids import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    ImplicitVRLittleEndian,
)
from dimse.verify import Case, Flags, Level, Role, Unprepared, Verdict
from dimse.verify.case import CaseRun
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    Aborted,
    Asked,
    Broken,
    Closed,
    Crashed,
    Deviated,
    Garbled,
    Kept,
    Observation,
    ReleaseAsked,
    Seen,
    Silent,
)
from dimse.verify.scu import Exchange, MakeService, Reaction, ScuPeer, Table, Visit
from dimse.verify.scu.outcomes import Observe, crash, require_reached
from dimse.verify.scu.service import class_name

from .plain_printer import PlainPrinter

__all__ = [
    "ASKED",
    "BAD",
    "CRASHED",
    "FILM_BOX",
    "IMAGE_CLASSES",
    "PRINTER_GET",
    "RELEASE",
    "STOPS",
    "Faults",
    "accepting",
    "data_sets_of",
    "encoded",
    "gives_up_film",
    "at_image",
    "instance_of",
    "of_plain",
    "run_with",
    "print_case",
    "reaches_action",
    "require_operation",
    "sop_class_of",
    "stray_request",
    "syntax_of_exchange",
    "uses_instance",
    "with_data",
]

ASKED, CRASHED, RELEASE = Asked(), Crashed(), ReleaseAsked()
STOPS = (ABORT, CLOSED, RELEASE, SILENCE, CRASHED)  # the outcomes in which the SCU does not go on
BAD = (RULE_BROKEN, CRASHED, SILENCE, Garbled())
FILM_BOX, PRINTER_GET = f"N-CREATE {class_name(BasicFilmBox)}", "N-GET Printer"
IMAGE_CLASSES = (BasicGrayscaleImageBox, BasicColorImageBox)

Faults = Iterator[Deviated | Broken]
Rule = Callable[[Visit], Faults]


def print_case(number: str, title: str, section: str, run: CaseRun, **more: Any) -> Case:
    """Return a case for a print SCU; ``more`` are fields of `Case`. By default, the SCU MUST go on."""
    fields: dict[str, Any] = {
        "level": Level.MUST,
        "passes": (RULE_KEPT,),
        "fails": STOPS,
        "needs": Flags.SCU_PRINT,
    } | more
    return Case(id=number, title=title, section=section, role=Role.SCU, run=run, **fields)


# --- requests ---


def sop_class_of(request: Request | None) -> str:
    """Return the SOP Class of a request, or "" if there is none."""
    return str(getattr(request, "AffectedSOPClassUID", None) or getattr(request, "RequestedSOPClassUID", None) or "")


def instance_of(exchange: Exchange) -> str:
    """Return the SOP Instance UID of a request; for N-CREATE, the UID in the tester's response, if there is one."""
    request = exchange.request
    if isinstance(request, NCreateRQ):
        return str(getattr(exchange.response, "AffectedSOPInstanceUID", None) or request.AffectedSOPInstanceUID or "")
    return str(getattr(request, "RequestedSOPInstanceUID", ""))


def syntax_of_exchange(exchange: Exchange) -> str:
    """Return the transfer syntax of a request."""
    return exchange.wire.contexts[exchange.context_id][1]


def data_sets_of(exchanges: Iterable[Exchange]) -> Iterator[tuple[Exchange, bytes]]:
    """Yield each request that has a Data Set, with the octets of the Data Set."""
    for exchange in exchanges:
        data = None if exchange.request is None else exchange.request.Data
        if isinstance(data, bytes | bytearray | memoryview):
            yield exchange, bytes(data)


# --- tables ---


def at_image(reaction: Reaction, nth: int = 1) -> dict[tuple[str, int], Reaction]:
    """Return a table with the reaction to the ``nth`` N-SET of gray image boxes, and to that of color image boxes."""
    return {(f"N-SET {class_name(sop_class)}", nth): reaction for sop_class in IMAGE_CLASSES}


def run_with(table: Table, observe: Observe, *, needs: str = "", **more: Any) -> CaseRun:
    """Return the run with the reactions of a table; ``more`` are arguments of `ScuPeer.visit`.

    ``needs`` is an operation that the plain scenario must have.
    """

    async def run(peer: ScuPeer) -> Observation:
        require_operation(peer, needs)
        return observe(peer, await peer.visit(table, **more))

    return run


def require_operation(peer: ScuPeer, operation: str) -> None:
    """Raise `Unprepared`, UNIMPLEMENTED, if the plain scenario lacks the operation; "" requires none."""
    if operation and not any(name.startswith(operation) for name in peer.plain_visit().operations):
        raise Unprepared(f"the SCU does not use {operation}", Verdict.UNIMPLEMENTED)


def of_plain(rule: Rule, text: str) -> CaseRun:
    """Return the run that judges the plain scenario by a rule; ``text`` describes a scenario without findings."""

    async def run(peer: ScuPeer) -> Seen:
        deviation: Deviated | None = None
        for finding in rule(peer.judge_plain()):
            if isinstance(finding, Broken):
                return finding
            deviation = deviation or finding
        return deviation or Kept(text)

    return run


def accepting(*abstract_syntaxes: str, syntaxes: Sequence[str] = (ImplicitVRLittleEndian,)) -> MakeService:
    """Return the constructor of a plain printer that accepts only these abstract syntaxes and transfer syntaxes."""
    return lambda random: PlainPrinter(random, dict.fromkeys(abstract_syntaxes, tuple(syntaxes)))


# --- reactions ---


def encoded(exchange: Exchange, data: Dataset) -> bytes:
    """Return a Data Set encoded in the transfer syntax of a request."""
    return encode(data, syntax_of(syntax_of_exchange(exchange)))


def with_data(change: Callable[[Dataset, Exchange], Dataset | bytes], **fields: Any) -> Reaction:
    """Return the reaction that gives the right answer, but with a changed Data Set and ``fields`` of the response."""

    async def react(exchange: Exchange) -> None:
        data = change(exchange.data.copy() if exchange.data is not None else Dataset(), exchange)
        exchange.sent = None if isinstance(data, bytes) else data
        exchange.proceed(Data=data if isinstance(data, bytes) else encoded(exchange, data), **fields)

    return react


# --- outcomes ---


def stray_request(visit: Visit) -> Broken | None:
    """Return the first request on a context that was not accepted, as `Broken`, or None."""
    name = next((each for each in visit.operations if "not accepted" in each), None)
    return None if name is None else Broken(name)


def reaches_action(_peer: ScuPeer, visit: Visit) -> Observation:
    """Return `Kept` if the SCU went on to N-ACTION without a fault, otherwise its actual reaction."""
    if found := crash(visit):
        return found
    require_reached(visit)
    if (wrong := stray_request(visit)) is not None:
        return (wrong,)
    events = visit.after() if visit.first_reaction else [seen for wire in visit.wires for seen in wire.events]
    bad = next((seen for seen in events if isinstance(seen, Aborted | Silent | Garbled)), None)
    if bad is not None:
        return (bad,)
    if any(name.startswith("N-ACTION") for name in visit.operations):
        return (Kept("the SCU goes on to N-ACTION"),)
    released = next((seen for seen in events if isinstance(seen, ReleaseAsked)), None)
    return (released or Closed(),)


def gives_up_film(_peer: ScuPeer, visit: Visit) -> Observation:
    """Return `Kept` if the SCU tries again, or releases without printing the film; `Broken` if it prints the film.

    If the SCU releases, but its exit status is 0, return `Deviated`. If it does none of this, return the event that
    ended the association, or the crash of its program.
    """
    if found := crash(visit):
        return found
    require_reached(visit)
    before = visit.exchanges[: visit.exchanges_at_reaction]
    films = [each for each in before if _creates(each, BasicFilmBox)]
    film = instance_of(films[-1]) if films else ""
    is_deleted = False
    for exchange in visit.exchanges[visit.exchanges_at_reaction :]:
        if _repeats(exchange, before[-1:]):
            return (Kept("the SCU tries again"),)
        if isinstance(exchange.request, NDeleteRQ) and instance_of(exchange) == film:
            is_deleted = True
        if isinstance(exchange.request, NActionRQ):
            prints_all = sop_class_of(exchange.request) == BasicFilmSession and not is_deleted
            if prints_all or instance_of(exchange) == film:
                return (Broken("the SCU prints the film in spite of the failure"),)
    return (_judge_end(visit),)


def _repeats(exchange: Exchange, failed: Sequence[Exchange]) -> bool:
    """Return whether a request repeats the failed N-SET, and has succeeded."""
    return any(
        isinstance(each.request, NSetRQ)
        and isinstance(exchange.request, NSetRQ)
        and instance_of(exchange) == instance_of(each)
        and exchange.status == 0
        for each in failed
    )


def _judge_end(visit: Visit) -> Seen:
    """Return `Kept` if the SCU released the association, or `Deviated` if its exit status is then 0.

    Otherwise, return the event that ended the association.
    """
    for seen in visit.after():
        if isinstance(seen, Aborted | Silent | Garbled):
            return seen
        if isinstance(seen, ReleaseAsked):
            if visit.ended is not None and visit.ended.exit == 0:
                return Deviated("the SCU releases the association, but its exit status is 0")
            return Kept("the SCU releases the association")
    return Closed()


def _creates(exchange: Exchange, sop_class: str) -> bool:
    return isinstance(exchange.request, NCreateRQ) and exchange.request.AffectedSOPClassUID == sop_class


def uses_instance(exchange: Exchange) -> bool:
    """Return whether a request operates on an existing instance: N-SET, N-ACTION or N-DELETE."""
    return isinstance(exchange.request, NSetRQ | NActionRQ | NDeleteRQ)
