"""A request that the peer invoked, as the handler sees it that performs it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from ..data import Dataset, DecodeLimits, decode, encode_rope
from ..errors import escaped
from ..message import RESPONSES, Request, Response
from ..ul import Context
from .association import Association

__all__ = ["Operation"]

_PENDING = 0xFF00
_COMMENT_LENGTH = 64  # Error Comment is LO, PS3.7 Annex C.4: without a backslash, which would make it two values

# What a response says after its request: its elements of that kind, and the element of the request that has them
_ECHOED = {
    request: tuple(
        (keyword, asked)
        for keyword in ("AffectedSOPClassUID", "AffectedSOPInstanceUID", "EventTypeID", "ActionTypeID")
        for asked in {keyword, keyword.replace("Affected", "Requested")}
        if keyword in response.__dataclass_fields__ and asked in request.__dataclass_fields__
    )
    for request, response in RESPONSES.items()
}

P = ParamSpec("P")
T = TypeVar("T")
Element = int | str | tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that the peer invoked, with what is needed to answer it."""

    association: Association
    context: Context
    message: Request
    cancellation: asyncio.Event | None = None  # of C-FIND, C-GET and C-MOVE, which C-CANCEL can end

    @property
    def is_cancelled(self) -> bool:
        """Whether the peer has sent C-CANCEL, or the association has ended."""
        return self.cancellation is not None and self.cancellation.is_set()

    async def cancelled(self) -> None:
        """Wait until that is so; for ever, for an operation that has no C-CANCEL."""
        await (self.cancellation or asyncio.Event()).wait()

    def dataset(self, limits: DecodeLimits = DecodeLimits()) -> Dataset | None:  # noqa: B008  # frozen
        """The Data Set of the request, None where it has none. Raises `DecodeError`, also beyond ``limits``.

        What is wrong within a sequence that has a length is raised when that is asked for.
        """
        data = self.message.Data
        if data is None:
            return None
        assert isinstance(data, bytes | bytearray | memoryview)
        return decode(data, self.association.syntax(self.context), limits=limits, isolate=True)

    def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        """What ``function`` returns, called in another thread: for work that would hold up the other associations.

        Few threads work at once, and hosts take turns. The function comes to its end even if this is cancelled.
        """
        return self.association.workers.run(self.association.transport.host, function, *args, **kwargs)

    def reply(
        self, status: int = 0x0000, *, dataset: Dataset | None = None, comment: str = "", **elements: Element
    ) -> Response:
        """The response to this request. SOP Class and Instance are those of the request.

        ``elements`` are further command elements by keyword, such as ``OffendingElement``. Action Type ID goes with an
        Action Reply (PS3.7 §10.1.4.1.10); Event Type ID always, as DCMTK and pynetdicom have it.
        """
        message, cls = self.message, RESPONSES[type(self.message)]
        data = None if dataset is None else encode_rope(dataset, self.association.syntax(self.context))
        data = data or None  # an empty Data Set would be an empty fragment, which must not be sent (PS3.8 Annex E.1)
        for keyword, asked in _ECHOED[type(message)]:
            if keyword != "ActionTypeID" or data:
                elements.setdefault(keyword, getattr(message, asked) or None)
        return cls(
            MessageIDBeingRespondedTo=message.MessageID,
            Status=status,
            ErrorComment=_comment(comment) or None,
            Data=data,
            **elements,  # type: ignore[arg-type]  # encode_command says which one cannot be written
        )

    def pending(self, dataset: Dataset | None = None, **elements: Element) -> Response:
        """A response after which others follow: a match of C-FIND, or the counters of C-GET and C-MOVE."""
        return self.reply(_PENDING, dataset=dataset, comment="", **elements)


def _comment(text: str) -> str:
    """``text`` as an Error Comment: LO without a Specific Character Set, so ASCII, and one value, so no backslash."""
    plain = escaped(text).replace("§", "").replace("\\", "/")
    return plain.encode("ascii", "replace").decode()[:_COMMENT_LENGTH].rstrip()
