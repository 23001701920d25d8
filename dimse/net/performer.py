"""The performer of the peer's requests, which connects any service to an association.

A handler takes an `Operation`. An async function returns the response. An async generator yields responses: any number
of Pending ones (see `Operation.pending`), then the final response. If it ends without a final response, the operation
was a success. An exception, a timeout, and a result that is not a response to the operation become a failure status;
the association and the server stay up.

Each handler runs in a task of its own. A `SynchronousHandler` never waits, and therefore runs without a task in most
cases in which its response can be sent immediately: a C-ECHO then takes a sixth less time. It can let an async function
(``otherwise``) perform a request that needs waiting.

C-CANCEL ends a generator at its next Pending response, with status FE00H and the counters of that response. A handler
that checks `Operation.is_cancelled` can end earlier.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from ..data import Dataset, DecodeLimits, decode, encode_rope
from ..errors import DecodeError, DimseError, EncodeError, Finding, RemoteProtocolError, ServiceError, escaped
from ..message import (
    GENERAL_STATUS,
    RESPONSES,
    CEchoRQ,
    CFindRQ,
    CGetRQ,
    CMoveRQ,
    CStoreRQ,
    FileMap,
    Request,
    Response,
    file_of,
    is_pending,
)
from ..ul import Context
from .association import Association
from .inbox import Invocation
from .timers import Overdue

__all__ = ["Handler", "Handlers", "SynchronousHandler", "Operation", "Performer", "NoResponse"]

_log = logging.getLogger("dimse.net")

_PROCESSING_FAILURE = 0x0110
_SOP_CLASS_NOT_SUPPORTED = 0x0122
_DUPLICATE_INVOCATION, _UNRECOGNIZED_OPERATION, _MISTYPED_ARGUMENT = 0x0210, 0x0211, 0x0212
_CANCEL = 0xFE00
_RESOURCE_LIMITATION, _OUT_OF_RESOURCES = 0x0213, 0xA700  # of DIMSE-N (PS3.7 Annex C), and of DIMSE-C (PS3.4 B.2.3)

_WITH_DATA_SET = (CStoreRQ, CFindRQ, CGetRQ, CMoveRQ)  # requests whose Data Set is mandatory, PS3.7 §9.3
_COMPOSITE = (*_WITH_DATA_SET, CEchoRQ)


_PENDING = 0xFF00
_COMMENT_LENGTH = 64  # characters; Error Comment is an LO, PS3.7 Annex C

# The elements that a response repeats from its request, and their keywords in the request
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
if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault  # Python has it from 3.13 on

    RequestT = TypeVarWithDefault("RequestT", bound=Request, default=Request)
else:
    RequestT = TypeVar("RequestT", bound=Request)


@dataclass(slots=True, eq=False)  # not frozen, which would take 3 % of a C-ECHO
class Operation(Generic[RequestT]):
    """A request of the peer, as given to its handler.

    A handler may name the class of its requests: ``async def act(operation: Operation[NActionRQ])``.
    """

    association: Association
    context: Context
    message: RequestT
    cancellation: asyncio.Event | None = None  # set by C-CANCEL, and when the association ends; None for most requests

    @property
    def is_cancelled(self) -> bool:
        """Whether the peer has sent C-CANCEL, or the association has ended; False if the operation has no C-CANCEL."""
        return self.cancellation is not None and self.cancellation.is_set()

    async def cancelled(self) -> None:
        """Wait until `is_cancelled` is true; forever if the operation has no C-CANCEL."""
        await (self.cancellation or asyncio.Event()).wait()

    def dataset(
        self,
        limits: DecodeLimits = DecodeLimits(),  # noqa: B008  # frozen
        trailing: list[Finding] | None = None,
    ) -> Dataset | None:
        """Return the Data Set of the request; None if there is none.

        Raises `DecodeError` for a Data Set that cannot be decoded or exceeds ``limits``. An error inside a sequence of
        defined length is raised when the sequence is accessed. ``trailing`` receives the finding about ignored bytes
        after the last element.
        """
        data = self.message.Data
        if data is None:
            return None
        assert isinstance(data, bytes | bytearray | memoryview)
        syntax = self.association.agreement.syntaxes[self.context.id]
        return decode(data, syntax, limits=limits, isolate=True, trailing=trailing)

    def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        """Call ``function`` in a thread and return its result, for work that would block other associations.

        Few threads work at the same time, and hosts take turns. A function that has begun runs to its end even if the
        caller is canceled.
        """
        return self.association.workers.run(self.association.transport.host, function, *args, **kwargs)

    def reply(
        self, status: int = 0x0000, *, dataset: Dataset | None = None, comment: str = "", **elements: Element
    ) -> Response:
        """Return a response to this request, with its SOP Class and Instance.

        ``comment`` becomes the Error Comment, in ASCII and cut to 64 characters. ``elements`` are further command
        elements by keyword, such as ``OffendingElement``. Action Type ID is sent only with an Action Reply (PS3.7
        §10.1.4.1.5); Event Type ID is always sent, as by DCMTK and pynetdicom. Raises `EncodeError` for a Data Set that
        cannot be written.
        """
        message, data = self.message, None
        if dataset is not None:  # an empty one would be an empty fragment, which must not be sent (PS3.8 Annex E.1)
            data = encode_rope(dataset, self.association.agreement.syntaxes[self.context.id]) or None
        for keyword, asked in _ECHOED[type(message)]:
            if keyword != "ActionTypeID" or data:
                value = getattr(message, asked)
                elements.setdefault(keyword, None if value == "" else value)  # a Type ID may be 0
        return RESPONSES[type(message)](
            MessageIDBeingRespondedTo=message.MessageID,
            Status=status,
            ErrorComment=(_comment(comment) or None) if comment else None,
            Data=data,
            **elements,  # type: ignore[arg-type]  # encode_command names an element that cannot be written
        )

    def pending(self, dataset: Dataset | None = None, **elements: Element) -> Response:
        """Return a Pending response: a match of C-FIND, or the counters of C-GET and C-MOVE."""
        return self.reply(_PENDING, dataset=dataset, comment="", **elements)


@dataclass(frozen=True, slots=True)
class SynchronousHandler:
    """A handler that is a plain function, usually called in the iteration of the loop in which the request arrives.

    All associations wait while it runs. ``Timeouts.handler`` does not bound its time, and it runs with the context
    variables of the event loop. Without ``otherwise`` it must not take longer than reading the request.

    ``otherwise`` is an async function that can perform any request. It performs, in a task, the requests for which
    ``make`` returns None, and all but the first request of each read: ``make`` is called for the first one only. With
    ``otherwise``, ``make`` may take as long as one step of a task, and `Starts` limits its calls in one iteration of
    the loop, as it limits new tasks.
    """

    make: Callable[[Operation[Any]], Response | None]
    otherwise: Callable[[Operation[Any]], Awaitable[Response]] | None = None

    def __call__(self, operation: Operation) -> Response | None:
        """Return the response, or None to leave the request to ``otherwise``."""
        return self.make(operation)


Handler = Callable[[Operation[Any]], Awaitable[Response] | AsyncGenerator[Response, None]] | SynchronousHandler
Handlers = Mapping[tuple[str, type[Request]], Handler]  # handlers by abstract syntax and message class


class NoResponse(Exception):
    """The exception that a handler raises to leave the request without a response, in a test of the peer."""


class Performer:
    """The performer of the requests of one association, as many at once as the window allows."""

    def __init__(self, association: Association, handlers: Handlers) -> None:
        self._association = association
        self._handlers = handlers
        self._variables = copy_context()  # the context variables of all tasks
        self._tasks: set[asyncio.Task[None]] = set()
        self._received = 0  # `FlowControl.received` at the latest short request; an equal number means the same read
        association.inbox.begin(self._start, association.answer_release)

    async def close(self) -> None:
        """Cancel all handlers, and wait for their end."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, invocation: Invocation) -> None:
        context, message = invocation.context, invocation.message
        operation = Operation(self._association, context, message, invocation.cancelled)
        found = self._handlers.get((context.abstract_syntax, type(message)))
        handler = _admit(operation, invocation, found)
        is_stored = not invocation.held or file_of(message.Data) is None
        if isinstance(handler, SynchronousHandler) and is_stored:
            if handler.otherwise is None and self._association.sender.can_send_now:
                _perform_now(operation, invocation, handler)
                return
            received = self._association.transport.flow.received
            is_first = received != self._received
            self._received = received
            begin = self._perform_short if is_first else self._start_task
        else:
            begin = self._start_task
        host = self._association.transport.host
        self._association.starts.start(host, partial(begin, operation, invocation, handler))

    def _perform_short(self, operation: Operation, invocation: Invocation, handler: Handler) -> None:
        """Perform a request now if it is short, otherwise in a task.

        For a film of six images, the loops of client and server take 71 iterations instead of 103, with 4 % fewer
        Python calls. The reasons are this method, and that `Starts` does not reset its count in each iteration.
        """
        assert isinstance(handler, SynchronousHandler)
        is_late = self._association.inbox.has_failed or not self._association.sender.can_send_now
        if is_late or not _perform_now(operation, invocation, handler):
            self._start_task(operation, invocation, handler)

    def _start_task(self, operation: Operation, invocation: Invocation, handler: Handler) -> None:
        if self._association.inbox.has_failed:  # the association has ended in the meantime
            self._association.inbox.done(invocation)
            return
        performing = _perform(operation, invocation, handler)
        task = asyncio.get_running_loop().create_task(performing, context=self._variables)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _perform_now(operation: Operation, invocation: Invocation, handler: SynchronousHandler) -> bool:
    """Perform a request, and send the response. Return False if the handler leaves the request to ``otherwise``."""
    association = operation.association
    is_left = False
    try:
        try:
            response = handler.make(operation)
            if response is None and handler.otherwise is not None:
                is_left = True
                return False
            response = _checked(operation, response)
        except NoResponse:
            raise
        except Exception as exc:
            response = _failure(operation, exc)
        try:
            association.sender.send_now(operation.context, response)
        except EncodeError:
            association.sender.send_now(operation.context, _unwritable(operation))
    except (DimseError, NoResponse) as exc:
        _log_unanswered(operation, exc)
    finally:
        if not is_left:
            association.inbox.done(invocation)
    return True


async def _perform(operation: Operation, invocation: Invocation, handler: Handler) -> None:
    association = operation.association
    try:
        response = await _final_response(operation, handler)
        association.inbox.free_message_id(invocation)
        try:
            await association.sender.send(operation.context, response)
        except EncodeError:
            await association.sender.send(operation.context, _unwritable(operation))
    except (DimseError, NoResponse) as exc:
        _log_unanswered(operation, exc)
    except BaseException:  # canceled, or a bug here: the peer must not wait for a response that never arrives
        association.abort()
        raise
    finally:
        association.inbox.done(invocation)


def _unwritable(operation: Operation) -> Response:
    """Return a failure in place of a response that cannot be encoded; must be called in the ``except`` block."""
    _log.exception("%s: a response cannot be written", operation.association.transport.peer)
    return operation.reply(_PROCESSING_FAILURE, comment=GENERAL_STATUS[_PROCESSING_FAILURE])


def _log_unanswered(operation: Operation, error: Exception) -> None:
    """Log that a request gets no response: the association has ended or is being released, or the handler wants none.

    Abort the association if the peer accepts no PDU that a response fits into, because it would wait forever.
    """
    if isinstance(error, RemoteProtocolError):
        operation.association.abort(str(error))
    _log.info("%s: %s is not answered: %s", operation.association.transport.peer, operation.message, error)


def _admit(operation: Operation, invocation: Invocation, handler: Handler | None) -> Handler:
    """Return ``handler`` if it may see the request, otherwise a handler that refuses it (PS3.7 Annex C.5)."""
    context, message = operation.context, operation.message
    if invocation.is_duplicate:
        status, why = _DUPLICATE_INVOCATION, f"Message ID {message.MessageID} is in use"
    elif invocation.fault:
        status, why = _MISTYPED_ARGUMENT, invocation.fault
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
    return SynchronousHandler(lambda operation: operation.reply(status, comment=why))


async def _final_response(operation: Operation, handler: Handler) -> Response:
    """Send the Pending responses of a handler, and return the final one; it is a failure if the handler raises."""
    allowed = operation.association.timeouts.handler
    try:
        if (file := file_of(operation.message.Data)) is not None:
            with operation.association.timers.timeout(allowed):
                await _wait_until_stored(operation, file)
        if isinstance(handler, SynchronousHandler):
            if handler.otherwise is None:
                return _checked(operation, handler(operation))
            handler = handler.otherwise
        running = handler(operation)
        if isinstance(running, AsyncGenerator):
            return await _send_pending(operation, running, allowed)
        with operation.association.timers.timeout(allowed):
            return _checked(operation, await running)
    except NoResponse:
        raise
    except Exception as exc:
        return _failure(operation, exc)


async def _wait_until_stored(operation: Operation, file: FileMap) -> None:
    """Wait until the Data Set is in its file. Raises `ServiceError` if the disk fails."""
    storing = asyncio.wrap_future(file.stored)
    await asyncio.wait((storing,))
    # Do not raise it here: its traceback would refer to the file, and the file to the error, in a cycle
    error = storing.exception()
    if error is not None:
        peer, request = operation.association.transport.peer, str(operation.message)
        _log.error("%s: %s cannot be stored: %s", peer, request, escaped(str(error)))
        status = _OUT_OF_RESOURCES if isinstance(operation.message, _COMPOSITE) else _RESOURCE_LIMITATION
        raise ServiceError(status, "the disk cannot take the Data Set now")


def _failure(operation: Operation, error: Exception) -> Response:
    """Return the failure response for an error of a handler."""
    peer, allowed = operation.association.transport.peer, operation.association.timeouts.handler
    match error:
        case ServiceError():
            return operation.reply(error.status, comment=error.comment or error.meaning)
        case Overdue():
            _log.warning("%s: %s was not done within %g s", peer, operation.message, allowed)
            return operation.reply(_PROCESSING_FAILURE, comment=f"not done within {allowed:g} s")
        case DimseError():
            _log.warning("%s: %s", peer, error)
            comment = error.brief if isinstance(error, DecodeError) else str(error)
            return operation.reply(_PROCESSING_FAILURE, comment=comment)
        case _:
            _log.error("%s: %s failed", peer, operation.message, exc_info=error)
            return operation.reply(_PROCESSING_FAILURE, comment=GENERAL_STATUS[_PROCESSING_FAILURE])


async def _send_pending(operation: Operation, responses: AsyncGenerator[Response, None], allowed: float) -> Response:
    """Send the Pending responses, each of which may take ``allowed`` seconds. Return the final response."""
    async with aclosing(responses):
        while True:
            try:
                with operation.association.timers.timeout(allowed):
                    response = await anext(responses)
            except StopAsyncIteration:
                return operation.reply()
            if not is_pending(_checked(operation, response).Status):
                return response
            if operation.is_cancelled:
                return replace(response, Status=_CANCEL, Data=None)
            await operation.association.sender.send(operation.context, response)
            await asyncio.sleep(0)  # so that a C-CANCEL, and other associations, are read


def _checked(operation: Operation, response: Response | None) -> Response:
    """Return ``response``. Raises TypeError if it does not belong to this operation, which is a bug of the handler."""
    expected = RESPONSES[type(operation.message)]
    if not isinstance(response, expected):
        raise TypeError(f"the handler returned {response!r}, not a {expected.__name__}")
    if response.MessageIDBeingRespondedTo != operation.message.MessageID:
        raise TypeError(f"the handler returned the response to another request: {response}")
    return response


def _comment(text: str) -> str:
    """Return ``text`` as an Error Comment: cut, in ASCII (no Specific Character Set applies), without a backslash."""
    plain = escaped(text).replace("§", "").replace("\\", "/")
    return plain.encode("ascii", "replace").decode()[:_COMMENT_LENGTH].rstrip()
