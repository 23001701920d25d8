"""Deliberate faults of a printer, which occur at the same request every time, to test SCUs.

A fault is written as WHAT@WHERE; ``C605@N-SET#2`` answers the second N-SET with status C605. WHERE is ``FILM``, or an
operation with or without a SOP Class. ``#2`` means the second such film or request since the start, in all associations
together; without a number, the fault occurs each time. At ``FILM``, WHAT is a term of Execution Status Info. At an
operation, WHAT is a status, ``NO-ANSWER``, ``ABORT`` (A-ABORT), or ``DROP`` (the connection is closed). If the status
is a failure, the operation is not performed.

A change of the printer's status is written as STATUS:INFO@WHERE, where WHERE is an operation:
``WARNING:SUPPLY LOW@N-ACTION FilmBox#2``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Protocol, Self, TypeVar

from dimse.errors import DimseError, EncodeError
from dimse.message import (
    NActionRQ,
    NCreateRQ,
    NDeleteRQ,
    NGetRQ,
    NSetRQ,
    Request,
    Response,
)
from dimse.net import Association, NoResponse, Operation

from ..jobs import JobFailed, PrinterState
from ..sop import TITLES
from ..status import NORMAL, check_execution_status_info, check_printer_status_info, is_performed, meaning
from .engine import Film, OnFilm
from .printer import Perform

__all__ = ["Change", "Fault", "FaultError", "Misbehavior", "Place", "parse_state"]

_OPERATIONS: dict[str, type[Request]] = {
    "N-CREATE": NCreateRQ,
    "N-SET": NSetRQ,
    "N-GET": NGetRQ,
    "N-ACTION": NActionRQ,
    "N-DELETE": NDeleteRQ,
}
_FILM = "FILM"
_ACTS = ("NO-ANSWER", "ABORT", "DROP")
_PLACE = re.compile(r"([A-Z-]+)(?: +([A-Za-z ]+?))?(?:#([1-9][0-9]{0,8}))?", re.ASCII)
_STATUS = re.compile(r"[0-9A-Fa-f]{4}", re.ASCII)


class FaultError(DimseError):
    """A text that is not a valid fault, printer status or place."""


@dataclass(frozen=True, slots=True)
class Place:
    """The requests or films at which a fault occurs: all of one kind, or one of them.

    ``operation`` is ``FILM``, or the name of an operation on one of ``sop_classes``. ``number`` selects one film or
    request, counted from 1; None selects all.
    """

    operation: str
    sop_classes: frozenset[str] = frozenset(TITLES)
    number: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a place such as ``N-SET``, ``N-ACTION FilmBox#2`` or ``FILM#3``. Raises `FaultError`."""
        match = _PLACE.fullmatch(text)
        operation, name, number = match.groups() if match else ("", None, None)
        if operation not in (*_OPERATIONS, _FILM) or (operation == _FILM and name):
            why = f"is not OPERATION[ SOP CLASS][#NUMBER], as in N-ACTION FilmBox#2, or {_FILM}[#NUMBER]"
            raise FaultError(f"{text!a} {why}; the operations are {', '.join(_OPERATIONS)}")
        return cls(operation, _classes_named(name or ""), int(number) if number else None)

    def is_of(self, message: Request) -> bool:
        """Return whether ``message`` is a request of this kind."""
        uid = getattr(message, "AffectedSOPClassUID", None) or getattr(message, "RequestedSOPClassUID", None)
        return type(message) is _OPERATIONS.get(self.operation) and uid in self.sop_classes


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: ``what`` happens at ``place``. See the module for the values of ``what``."""

    what: str
    place: Place

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a fault such as ``C605@N-SET#2``. Raises `FaultError`."""
        what, place = _split_at_place(text)
        try:
            if place.operation == _FILM:
                check_execution_status_info("FAILURE", what)
            elif what not in _ACTS and not _STATUS.fullmatch(what):
                raise FaultError(f"{what!a} is neither a status of four hexadecimal digits nor {' nor '.join(_ACTS)}")
        except EncodeError as exc:
            raise FaultError(str(exc)) from exc
        return cls(what, place)

    async def answer(self, operation: Operation, perform: Perform) -> Response:
        """Return the response to a request at which this fault occurs. Raises `NoResponse` if it gets no response.

        A status that is not a failure replaces the status of a success or warning. If the operation itself fails, its
        own response is returned.
        """
        match self.what:
            case "NO-ANSWER":
                raise NoResponse("on purpose")
            case "ABORT":
                operation.association.abort("on purpose")
                raise NoResponse("aborted on purpose")
            case "DROP":
                operation.association.transport.close()
                raise NoResponse("the connection was closed on purpose")
        status = int(self.what, 16)
        if not is_performed(status):
            return operation.reply(status, comment=meaning(status))
        response = await perform(operation)
        if not is_performed(response.Status):
            return response
        return replace(response, Status=status)


@dataclass(frozen=True, slots=True)
class Change:
    """A new status of the printer, which is reported to all clients.

    The client of the request at ``place`` gets the report before its request is performed.
    """

    PrinterStatus: str
    PrinterStatusInfo: str
    place: Place

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a change such as ``WARNING:SUPPLY LOW@N-SET#2`` or ``NORMAL@N-GET``. Raises `FaultError`."""
        what, place = _split_at_place(text)
        if place.operation == _FILM:
            raise FaultError(f"a status can change at {', '.join(_OPERATIONS)}, not at {_FILM}")
        status, info = parse_state(what)
        return cls(status, info, place)


_Injected = TypeVar("_Injected", Fault, Change)


class Reporting(Protocol):
    """A printer that reports its state to its clients, such as `PrintServer`."""

    @property
    def printer_state(self) -> PrinterState: ...

    async def flush_events(self, association: Association) -> None: ...


class Misbehavior:
    """Faults and changes of the status of a `PrintServer`. Pass this object to the server as ``intercept``.

    ::

        bad = Misbehavior([Fault.parse("C605@N-SET#2"), Fault.parse("FILM JAM@FILM#1")])
        PrintServer(bad.wrap(on_film), intercept=bad)
    """

    def __init__(self, faults: Iterable[Fault] = (), changes: Iterable[Change] = ()) -> None:
        self._faults = tuple(dict.fromkeys(faults))
        self._changes = tuple(dict.fromkeys(changes))
        self._counts: Counter[Fault | Change] = Counter()

    async def __call__(self, server: Reporting, operation: Operation, perform: Perform) -> Response:
        """Return the response to one request."""
        # Both lists are complete before the first await: a request that arrives during an await is counted later
        changes = tuple(self._due(self._changes, operation.message))
        faults = tuple(self._due(self._faults, operation.message))
        for change in changes:
            server.printer_state.set(change.PrinterStatus, change.PrinterStatusInfo)
            await server.flush_events(operation.association)
        return await faults[0].answer(operation, perform) if faults else await perform(operation)

    def wrap(self, on_film: OnFilm) -> OnFilm:
        """Return a function that raises `JobFailed` for films with a fault, and calls ``on_film`` for all others."""

        async def faulty(film: Film) -> None:
            self.count_film()
            printing = on_film(film)
            if isawaitable(printing):
                await printing

        return faulty

    def count_film(self) -> None:
        """Count a film, and raise `JobFailed` if a fault is due at it."""
        for fault in tuple(self._due(self._faults, None)):  # the tuple makes every fault count this film
            raise JobFailed(fault.what, f"{fault.what}, on purpose")

    def _due(self, injected: Iterable[_Injected], message: Request | None) -> Iterator[_Injected]:
        """Count a request, or a film if ``message`` is None; yield the faults or changes that are due at it."""
        for item in injected:
            place = item.place
            if place.operation == _FILM if message is None else place.is_of(message):
                self._counts[item] += 1
                if place.number in (None, self._counts[item]):
                    yield item


def parse_state(text: str) -> tuple[str, str]:
    """Parse Printer Status and Printer Status Info, such as ``WARNING:SUPPLY LOW``. Raises `FaultError`.

    Without an info, as in ``NORMAL``, the info is NORMAL.
    """
    status, _, info = text.partition(":")
    try:
        check_printer_status_info(status, info or NORMAL)
    except EncodeError as exc:
        raise FaultError(str(exc)) from exc
    return status, info or NORMAL


def _split_at_place(text: str) -> tuple[str, Place]:
    what, at, place = text.rpartition("@")
    if not at:
        raise FaultError(f"{text!a} is not WHAT@WHERE, such as C605@N-SET#2")
    return what, Place.parse(place)


def _classes_named(name: str) -> frozenset[str]:
    """Return the SOP Classes whose title ends with ``name``; "ImageBox" selects grayscale and color image boxes."""
    titles = {uid: title.replace(" ", "") for uid, title in TITLES.items()}
    wanted = name.replace(" ", "").lower()
    found = frozenset(uid for uid, title in titles.items() if title.lower().endswith(wanted))
    if not found:
        raise FaultError(f"{name!a} is not one of the SOP Classes {', '.join(titles.values())}")
    return found
