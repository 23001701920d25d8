"""Requests of the peer to the functions that perform them: how any service sits on an association.

A handler takes an `Operation`. As an async function it returns the response; as an async generator it yields
responses, all but the last one Pending (see `Operation.pending`), and where it ends without a final one the operation
was a success. What a handler raises, what it takes too long for, and what it returns that is no response to its
operation becomes a failure status: the association and the server live on.

Each runs in a task of its own. What has nothing to wait for and is done in no time can do without, as `Immediate`:
a C-ECHO between two ends then takes a sixth less.

C-CANCEL ends a generator at its next Pending response, with status FE00H and the counters of that response. A handler
that looks at `Operation.is_cancelled` can end by itself before.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import dataclass, replace
from types import CoroutineType

from ..errors import DecodeError, DimseError, EncodeError, RemoteProtocolError, ServiceError
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

__all__ = ["Handler", "Handlers", "Immediate", "Performer", "Unanswered"]

_log = logging.getLogger("dimse.net")

_PROCESSING_FAILURE = 0x0110
_SOP_CLASS_NOT_SUPPORTED = 0x0122
_DUPLICATE_INVOCATION, _UNRECOGNIZED_OPERATION, _MISTYPED_ARGUMENT = 0x0210, 0x0211, 0x0212
_CANCEL = 0xFE00

_WITH_DATA_SET = (CStoreRQ, CFindRQ, CGetRQ, CMoveRQ)  # they are nothing without it, PS3.7 §9.3
_COMPOSITE = (*_WITH_DATA_SET, CEchoRQ)


@dataclass(frozen=True, slots=True)
class Immediate:
    """A handler that is a plain function, called in the turn of the event loop in which the request came.

    All associations wait for it, so it is to take no longer than reading the request did; it is not bounded by
    ``Timeouts.handler``, and sees the context variables of the event loop.
    """

    make: Callable[[Operation], Response]

    def __call__(self, operation: Operation) -> Response:
        """The response."""
        return self.make(operation)


Handler = Callable[[Operation], Awaitable[Response] | AsyncGenerator[Response, None]] | Immediate
Handlers = Mapping[tuple[str, type[Request]], Handler]  # (abstract syntax, message class) -> handler


class Unanswered(Exception):
    """Raise it in a handler for a request that is to have no response, which tests the patience of a peer."""


class Performer:
    """Performs what the peer of ``association`` asks for, as much at once as the window allows, until it ends."""

    def __init__(self, association: Association, handlers: Handlers) -> None:
        self._association = association
        self._handlers = handlers
        self._variables = copy_context()  # one for all handlers
        self._tasks: set[asyncio.Task[None]] = set()
        association.inbox.begin(self._start, association.answer_release)

    async def close(self) -> None:
        """Cancel what is under way, and wait for its end."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, received: Received) -> None:
        context, message = received.context, received.message
        operation = Operation(self._association, context, message, received.cancelled)
        found = self._handlers.get((context.abstract_syntax, type(message)))
        handler = _admitted(operation, received, found)
        if isinstance(handler, Immediate) and self._association.can_send_now:
            _perform_now(operation, received, handler)
            return
        performing = _perform(operation, received, handler)
        task = asyncio.get_running_loop().create_task(performing, context=self._variables)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _perform_now(operation: Operation, received: Received, handler: Immediate) -> None:
    association = operation.association
    try:
        response = _made(operation, handler)
        association.inbox.answering(received)
        try:
            association.send_now(operation.context, response)
        except EncodeError:
            association.send_now(operation.context, _unwritable(operation))
    except (DimseError, Unanswered) as exc:
        _tell_unanswered(operation, exc)
    finally:
        association.inbox.done(received)


async def _perform(operation: Operation, received: Received, handler: Handler) -> None:
    association = operation.association
    try:
        response = await _final(operation, handler)
        association.inbox.answering(received)
        try:
            await association.send(operation.context, response)
        except EncodeError:
            await association.send(operation.context, _unwritable(operation))
    except (DimseError, Unanswered) as exc:
        _tell_unanswered(operation, exc)
    except BaseException:  # cancelled, or a bug here: the peer is not to wait for an answer that never comes
        association.abort()
        raise
    finally:
        association.inbox.done(received)


def _unwritable(operation: Operation) -> Response:
    """The response to send instead of one that cannot be written, from where that is handled."""
    _log.exception("%s: a response that cannot be written", operation.association.transport.peer)
    return operation.reply(_PROCESSING_FAILURE, comment=GENERAL_STATUS[_PROCESSING_FAILURE])


def _tell_unanswered(operation: Operation, error: Exception) -> None:
    """The association ended, is being released by this side, or the handler wanted it so.

    A peer that leaves no room for a response would wait for it in vain: its association is aborted.
    """
    if isinstance(error, RemoteProtocolError):
        operation.association.abort(str(error))
    _log.info("%s: %s is not answered: %s", operation.association.transport.peer, operation.message, error)


def _admitted(operation: Operation, received: Received, handler: Handler | None) -> Handler:
    """``handler``, where it should see the request; otherwise one that refuses it, PS3.7 Annex C.5."""
    context, message = operation.context, operation.message
    if received.is_duplicate:
        status, why = _DUPLICATE_INVOCATION, f"Message ID {message.MessageID} is in use"
    elif received.fault:
        status, why = _MISTYPED_ARGUMENT, received.fault
    elif isinstance(message, _COMPOSITE) and message.AffectedSOPClassUID != context.abstract_syntax:
        status, why = _SOP_CLASS_NOT_SUPPORTED, "not the SOP Class of the presentation context"
    elif handler is None:
        status, why = _UNRECOGNIZED_OPERATION, "not an operation of this service"
    elif not operation.association.agreement.peer_may_invoke(context, message):
        status, why = _UNRECOGNIZED_OPERATION, "no role for it was agreed"
    elif isinstance(message, _WITH_DATA_SET) and message.Data is None:
        status, why = _MISTYPED_ARGUMENT, "there is no Data Set"
    else:
        return handler
    return Immediate(lambda operation: operation.reply(status, comment=why))


def _made(operation: Operation, handler: Immediate) -> Response:
    """The response, whatever the handler does."""
    try:
        return _checked(operation, handler(operation))
    except Exception as exc:
        return _failure(operation, exc)


async def _final(operation: Operation, handler: Handler) -> Response:
    """The final response, whatever the handler does; the Pending ones have been sent."""
    if isinstance(handler, Immediate):
        return _made(operation, handler)
    allowed = operation.association.timeouts.handler
    try:
        made = handler(operation)
        if not isinstance(made, CoroutineType) and isinstance(made, AsyncGenerator):  # the latter is slow to say
            return await _last_of(operation, made, allowed)
        with operation.association.alarms.timeout(allowed):
            return _checked(operation, await made)
    except Exception as exc:
        return _failure(operation, exc)


def _failure(operation: Operation, error: Exception) -> Response:
    """The response that says what went wrong in a handler. Raises what is no failure, and is to have no response."""
    peer, allowed = operation.association.transport.peer, operation.association.timeouts.handler
    match error:
        case Unanswered():
            raise error
        case ServiceError():
            return operation.reply(error.status, comment=error.comment or error.meaning)
        case TimeoutError():
            _log.warning("%s: %s was not done within %g s", peer, operation.message, allowed)
            return operation.reply(_PROCESSING_FAILURE, comment=f"not done within {allowed:g} s")
        case DimseError():
            _log.warning("%s: %s", peer, error)
            comment = error.brief if isinstance(error, DecodeError) else str(error)
            return operation.reply(_PROCESSING_FAILURE, comment=comment)
        case _:
            _log.error("%s: %s failed", peer, operation.message, exc_info=error)
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
