"""Requests of the peer to the functions that perform them: how any service sits on an association.

A handler is an async function that takes an `Operation` and returns the response. What a
handler raises becomes a response, too: the association and the server live on.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..data import Dataset, decode, encode_rope
from ..errors import AssociationAborted, DimseError, LocalProtocolError, ServiceError
from ..message import GENERAL_STATUS, MESSAGES, Request, Response
from ..ul import Context
from .association import Association

__all__ = ["Handler", "Handlers", "Operation", "perform_requests"]

_log = logging.getLogger("dimse.net")

_PROCESSING_FAILURE, _UNRECOGNIZED_OPERATION = 0x0110, 0x0211
_RESPONSE_BIT = 0x8000  # the Command Field of a response is that of its request plus this
_COMMENT_LENGTH = 64  # Error Comment is LO, PS3.7 Annex C.4


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that the peer invoked, with what is needed to answer it."""

    association: Association
    context: Context
    message: Request

    def dataset(self) -> Dataset | None:
        """The Data Set of the request, None where it has none. Raises `DecodeError`."""
        data = self.message.Data
        if data is None:
            return None
        assert isinstance(data, bytes | bytearray | memoryview)
        return decode(data, self.association.syntax(self.context))

    def reply(
        self, status: int = 0x0000, *, dataset: Dataset | None = None, comment: str = "", **elements: Any
    ) -> Response:
        """The response to this request. SOP Class and Instance are those of the request.

        ``elements`` are further command elements by keyword, such as ``EventTypeID``.
        """
        message = self.message
        cls = MESSAGES[message.CommandField | _RESPONSE_BIT]
        assert issubclass(cls, Response)
        for kind in ("SOPClassUID", "SOPInstanceUID"):
            uid = getattr(message, f"Affected{kind}", None) or getattr(message, f"Requested{kind}", None)
            if uid and f"Affected{kind}" in cls.__dataclass_fields__:
                elements.setdefault(f"Affected{kind}", uid)
        # An empty Data Set would be an empty fragment, which must not be sent (PS3.8 Annex E.1): there is none then.
        data = encode_rope(dataset, self.association.syntax(self.context)) if dataset else None
        return cls(
            MessageIDBeingRespondedTo=message.MessageID,
            Status=status,
            ErrorComment=comment[:_COMMENT_LENGTH] or None,
            Data=data,
            **elements,
        )


Handler = Callable[[Operation], Awaitable[Response]]
Handlers = Mapping[tuple[str, type[Request]], Handler]  # (abstract syntax, message class) -> handler


async def perform_requests(association: Association, handlers: Handlers) -> None:
    """Perform what the peer asks for, one request after the other, until the association ends.

    Returns when the peer released it; raises `AssociationAborted` when it ended otherwise.
    """
    while (received := await association.receive()) is not None:
        operation = Operation(association, *received)
        response = await _perform(operation, handlers)
        try:
            await association.send(operation.context, response)
        except LocalProtocolError as exc:  # this side released the association in the meantime
            _log.info("%s: %s is not answered: %s", association.transport.peer, operation.message, exc)


async def _perform(operation: Operation, handlers: Handlers) -> Response:
    handler = handlers.get((operation.context.abstract_syntax, type(operation.message)))
    if handler is None:
        return operation.reply(_UNRECOGNIZED_OPERATION, comment="not an operation of this service")
    try:
        return await handler(operation)
    except AssociationAborted:
        raise
    except ServiceError as exc:
        return operation.reply(exc.status, comment=exc.comment or exc.meaning)
    except DimseError as exc:
        _log.warning("%s: %s", operation.association.transport.peer, exc)
        return operation.reply(_PROCESSING_FAILURE, comment=str(exc))
    except Exception:
        _log.exception("%s: %s failed", operation.association.transport.peer, operation.message)
        return operation.reply(_PROCESSING_FAILURE, comment=GENERAL_STATUS[_PROCESSING_FAILURE])
