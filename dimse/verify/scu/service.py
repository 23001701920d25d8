"""The plain acceptor: its accepted contexts, and its right answers, some of which the script of a case replaces."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from ...data import Dataset, decode, encode, syntax_of
from ...errors import DimseError
from ...message import RESPONSES, CEchoRQ, Request, Response
from ...uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification, name_of

__all__ = ["BOTH_SYNTAXES", "Answer", "EchoService", "MakeService", "Service", "class_name", "respond"]

BOTH_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
_NO_SUCH_CLASS, _CANNOT_READ = 0x0118, 0x0110


@dataclass(frozen=True, slots=True)
class Answer:
    """A right answer: the status, the Data Set, and the UID of the instance that an N-CREATE has made."""

    status: int = 0
    data: Dataset | None = None
    instance: str = ""


class Service(Protocol):
    """A service that an acceptor provides on one association."""

    @property
    def supported(self) -> Mapping[str, Sequence[str]]:
        """The transfer syntaxes of each abstract syntax."""

    def perform(self, abstract_syntax: str, request: Request, data: Dataset | None) -> Answer:
        """Return the right answer to a request."""


MakeService = Callable[[Random], Service]  # makes the service of one association, which draws UIDs from ``Random``


class EchoService:
    """A service that has only the Verification SOP Class."""

    def __init__(self, _random: Random) -> None:
        self.supported: Mapping[str, Sequence[str]] = {Verification: BOTH_SYNTAXES}

    def perform(self, abstract_syntax: str, request: Request, data: Dataset | None) -> Answer:  # noqa: ARG002
        """Answer C-ECHO with success, and any other request with 0118 (no such SOP Class)."""
        return Answer() if isinstance(request, CEchoRQ) else Answer(_NO_SUCH_CLASS)


def respond(service: Service, context: tuple[str, str], request: Request) -> tuple[Response, Dataset | None]:
    """Return the right response to a request on ``context`` (abstract and transfer syntax), and its Data Set."""
    abstract, transfer = context
    given = request.Data
    try:
        data = None
        if given is not None:
            assert isinstance(given, bytes | bytearray | memoryview)
            data = decode(bytes(given), syntax_of(transfer))
        answer = service.perform(abstract, request, data)
    except DimseError:
        answer = Answer(_CANNOT_READ)
    response = RESPONSES[type(request)](
        MessageIDBeingRespondedTo=request.MessageID,
        Status=answer.status,
        Data=encode(answer.data, syntax_of(transfer)) if answer.data else None,
        **_repeated_fields(request, answer),
    )
    return response, answer.data


def _repeated_fields(request: Request, answer: Answer) -> dict[str, Any]:
    """Return the fields of a response that repeat UIDs and numbers of its request."""
    sop_class = getattr(request, "AffectedSOPClassUID", None) or getattr(request, "RequestedSOPClassUID", None)
    found: dict[str, Any] = {"AffectedSOPClassUID": sop_class}
    if isinstance(request, CEchoRQ):
        return found
    instance = getattr(request, "AffectedSOPInstanceUID", None) or getattr(request, "RequestedSOPInstanceUID", None)
    found["AffectedSOPInstanceUID"] = answer.instance or instance or None
    if hasattr(request, "ActionTypeID"):
        found["ActionTypeID"] = request.ActionTypeID
    return found


def class_name(sop_class: str | None) -> str:
    """Return the name of a SOP Class without "Basic" and "SOP Class"."""
    return name_of(sop_class or "").removesuffix(" SOP Class").removeprefix("Basic ")
