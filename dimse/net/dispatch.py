"""Requests of the peer to the functions that perform them: how any service sits on an association.

A handler takes an `Operation`. As an async function it returns the response; as an async generator it yields
responses, all but the last one Pending (see `Operation.pending`), and where it ends without a final one the operation
was a success. What a handler raises, what it takes too long for, and what it returns that is no response to its
operation becomes a failure status: the association and the server live on.

C-CANCEL ends a generator at its next Pending response, with status FE00H and the counters of that response. A handler
that looks at `Operation.is_cancelled` can end by itself before.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from types import CoroutineType

from ..errors import DimseError, EncodeError, ServiceError
from ..message import (
    GENERAL_STATUS,
    RESPONSES,
    CEchoRQ,
    CFindRQ,
    CGetRQ,
    CMoveRQ,
    CStoreRQ,
    Request,
    Response,
    is_pending,
)
from .association import Association
from .inbox import Received
from .operation import Operation

__all__ = ["Handler", "Handlers", "Unanswered", "perform_requests"]

_log = logging.getLogger("dimse.net")

_PROCESSING_FAILURE = 0x0110
_SOP_CLASS_NOT_SUPPORTED = 0x0122
_DUPLICATE_INVOCATION, _UNRECOGNIZED_OPERATION, _MISTYPED_ARGUMENT = 0x0210, 0x0211, 0x0212
_CANCEL = 0xFE00

_WITH_DATA_SET = (CStoreRQ, CFindRQ, CGetRQ, CMoveRQ)  # they are nothing without it, PS3.7 §9.3
_COMPOSITE = (*_WITH_DATA_SET, CEchoRQ)

Handler = Callable[[Operation], Awaitable[Response] | AsyncGenerator[Response, None]]
Handlers = Mapping[tuple[str, type[Request]], Handler]  # (abstract syntax, message class) -> handler


class Unanswered(Exception):
    """Raise it in a handler for a request that is to have no response, which tests the patience of a peer."""


async def perform_requests(association: Association, handlers: Handlers) -> None:
    """Perform what the peer asks for, as much at once as the window allows, until the association ends.

    Returns when the peer released it; raises `AssociationAborted` when it ended otherwise.
    """
    inbox = association.inbox
    error: DimseError | None = None
    async with asyncio.TaskGroup() as group:
        try:
            while (received := await inbox.take()) is not None:
                performing = _perform(association, received, handlers)
                del received  # with an image of it: not to be kept until the next one is there
                if inbox.window == 1:
                    await performing
                else:
                    group.create_task(performing)
                del performing
        except DimseError as exc:
            error = exc  # and what is under way comes to its end
    if error is not None:
        raise error
    association.answer_release()


async def _perform(association: Association, received: Received, handlers: Handlers) -> None:
    operation = Operation(association, received.context, received.message, received.cancelled)
    try:
        response = _refusal(operation, received, handlers) or await _final(operation, handlers)
        association.inbox.answering(received)
        try:
            await association.send(operation.context, response)
        except EncodeError:
            _log.exception("%s: a response that cannot be written", association.transport.peer)
            failure = operation.reply(_PROCESSING_FAILURE, comment=GENERAL_STATUS[_PROCESSING_FAILURE])
            await association.send(operation.context, failure)
    except (DimseError, Unanswered) as exc:  # the association ended, or is being released by this side
        _log.info("%s: %s is not answered: %s", association.transport.peer, operation.message, exc)
    finally:
        association.inbox.done(received)


def _refusal(operation: Operation, received: Received, handlers: Handlers) -> Response | None:
    """The response to what no handler should see, PS3.7 Annex C.5."""
    context, message = operation.context, operation.message
    if received.is_duplicate:
        return operation.reply(_DUPLICATE_INVOCATION, comment=f"Message ID {message.MessageID} is in use")
    if received.fault:
        return operation.reply(_MISTYPED_ARGUMENT, comment=received.fault)
    if isinstance(message, _COMPOSITE) and message.AffectedSOPClassUID != context.abstract_syntax:
        return operation.reply(_SOP_CLASS_NOT_SUPPORTED, comment="not the SOP Class of the presentation context")
    if (context.abstract_syntax, type(message)) not in handlers:
        return operation.reply(_UNRECOGNIZED_OPERATION, comment="not an operation of this service")
    if not operation.association.agreement.peer_may_invoke(context, message):
        return operation.reply(_UNRECOGNIZED_OPERATION, comment="no role for it was agreed")
    if isinstance(message, _WITH_DATA_SET) and message.Data is None:
        return operation.reply(_MISTYPED_ARGUMENT, comment="there is no Data Set")
    return None


async def _final(operation: Operation, handlers: Handlers) -> Response:
    """The final response, whatever the handler does; the Pending ones have been sent."""
    handler = handlers[operation.context.abstract_syntax, type(operation.message)]
    peer, allowed = operation.association.transport.peer, operation.association.timeouts.handler
    try:
        made = handler(operation)
        if not isinstance(made, CoroutineType) and isinstance(made, AsyncGenerator):  # the latter is slow to say
            return await _last_of(operation, made, allowed)
        with operation.association.alarms.timeout(allowed):
            return _checked(operation, await made)
    except Unanswered:
        raise
    except ServiceError as exc:
        return operation.reply(exc.status, comment=exc.comment or exc.meaning)
    except TimeoutError:
        _log.warning("%s: %s was not done within %g s", peer, operation.message, allowed)
        return operation.reply(_PROCESSING_FAILURE, comment=f"not done within {allowed:g} s")
    except DimseError as exc:
        _log.warning("%s: %s", peer, exc)
        return operation.reply(_PROCESSING_FAILURE, comment=str(exc))
    except Exception:
        _log.exception("%s: %s failed", peer, operation.message)
        return operation.reply(_PROCESSING_FAILURE, comment=GENERAL_STATUS[_PROCESSING_FAILURE])


async def _last_of(operation: Operation, responses: AsyncGenerator[Response, None], allowed: float) -> Response:
    """Send the Pending responses, each made in the time allowed; the last one."""
    async with aclosing(responses):
        while True:
            with operation.association.alarms.timeout(allowed):
                response = await anext(responses, None)
            if response is None:
                return operation.reply()
            if not is_pending(_checked(operation, response).Status):
                return response
            if operation.is_cancelled:
                return replace(response, Status=_CANCEL, Data=None)
            await operation.association.send(operation.context, response)
            await asyncio.sleep(0)  # for a C-CANCEL, and for everybody else


def _checked(operation: Operation, response: Response) -> Response:
    """``response``, if it is one to this operation; raises TypeError if not, as a bug of the handler."""
    expected = RESPONSES[type(operation.message)]
    if not isinstance(response, expected):
        raise TypeError(f"the handler made {response!r} where a {expected.__name__} belongs")
    if response.MessageIDBeingRespondedTo != operation.message.MessageID:
        raise TypeError(f"the handler made the response to another request: {response}")
    return response
