"""The requestor: `connect` opens an association for the time of a ``with`` block, and then releases it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ..errors import AssociationAborted, ConnectionFailed, EncodeError
from ..limits import Limits, Timeouts
from ..tls import TLSContext, TLSSession
from ..ul import (
    AssociateRQ,
    PresentationContextRQ,
    UpperLayer,
    UserIdentityRQ,
    UserItem,
)
from .addresses import connection_reason, reach
from .agreement import user_information
from .arguments import check_address, check_ae_title, check_contexts, check_settings, check_texts, check_type
from .association import Association
from .performer import Handlers, Performer
from .policy import PASSCODE
from .timers import Overdue
from .trace import Trace
from .waiter import Waiter

__all__ = ["connect"]


_NO_HANDLERS: Handlers = {}


@asynccontextmanager
async def connect(
    host: str,
    port: int,
    contexts: Mapping[str, Iterable[str]],
    *,
    called_ae_title: str = "ANY-SCP",
    calling_ae_title: str = "DIMSE-PRINT",
    handlers: Handlers = _NO_HANDLERS,
    user_items: Iterable[UserItem] = (),
    tls: TLSContext | None = None,
    plain_passcode: bool = False,
    trace: Trace | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
) -> AsyncIterator[Association]:
    """Open an association with the peer at ``host`` and ``port``, for the time of the block.

    ``contexts`` are the transfer syntaxes to propose, by abstract syntax. ``handlers`` perform the requests of the
    peer, such as N-EVENT-REPORT. The association is released at the end of the block, even if the block raises an
    error, and aborted if the block is canceled. ``user_items`` are further user information items to negotiate (PS3.7
    D.3.3): `AsynchronousOperationsWindow`, `RoleSelection`, `UserIdentityRQ`, `SOPClassExtendedNegotiation` and others;
    the answers are in ``association.associate_ac``. ``tls`` comes from `client_context`; with it, nothing is sent
    without TLS. A passcode is not sent without TLS unless ``plain_passcode`` is set. ``trace`` is called with a
    `Record` of each PDU, message and state.

    Raises `ConnectionFailed`, `AssociationRejected` or `AssociationAborted`, or `EncodeError` for an argument that
    cannot be used.
    """
    check_address(host, port)
    check_settings(tls, trace, limits, timeouts)
    check_type("handlers", handlers, Mapping, "a mapping of (abstract syntax, message class) to a handler")
    check_texts("user_items", user_items, "user information items")
    request = _request(contexts, called_ae_title, calling_ae_title, (*user_information(limits), *user_items))
    if tls is None and not plain_passcode:
        _refuse_passcode(request)
    secure = None if tls is None else TLSSession(tls, host)
    association = Association(UpperLayer.requestor(limits=limits), limits, timeouts, secure=secure, trace=trace)
    association.associate_rq = request
    await _open(association, host, port)
    performer = Performer(association, handlers)
    try:
        yield association
        await association.release()
    except Exception:
        await association.release()
        raise
    finally:
        await _end(association, performer)


async def _end(association: Association, performer: Performer) -> None:
    """Abort the association unless it is released, and wait until its tasks and its connection have ended."""
    association.abort()
    try:
        await performer.close()
    finally:
        await association.closed()


def _request(
    contexts: Mapping[str, Iterable[str]], called: str, calling: str, items: tuple[UserItem, ...]
) -> AssociateRQ:
    return AssociateRQ(
        called_ae_title=check_ae_title(called, "Called-AE-title"),
        calling_ae_title=check_ae_title(calling, "Calling-AE-title"),
        presentation_contexts=tuple(
            [
                PresentationContextRQ(2 * index + 1, abstract_syntax, transfer_syntaxes)
                for index, (abstract_syntax, transfer_syntaxes) in enumerate(check_contexts(contexts).items())
            ]
        ),
        user_information=items,
    )


def _refuse_passcode(request: AssociateRQ) -> None:
    for item in request.user_information:
        if isinstance(item, UserIdentityRQ) and item.type == PASSCODE:
            raise EncodeError("a passcode is not sent without TLS unless plain_passcode is set", path="User-Identity")


async def _open(association: Association, host: str, port: int) -> None:
    seconds, address = association.timeouts.connect, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    assert association.associate_rq is not None
    association.transport.send(association.associate_rq)  # AE-1: the core keeps it until the connection exists
    try:
        with association.timers.timeout(seconds):
            await _connect(association, host, port)
    except Overdue as exc:
        lacked_tls = association.transport.lacks_tls
        association.abort()
        await association.closed()
        what = "finish the TLS handshake" if lacked_tls else "answer"
        raise ConnectionFailed(f"{address} did not {what} within {seconds:g} s") from exc
    except OSError as exc:
        raise ConnectionFailed(f"cannot connect to {address}: {connection_reason(exc)}") from exc
    except ValueError as exc:  # raised by asyncio for a string that cannot be a host name
        raise EncodeError(f"{host!a} is not a valid host name: {exc}", path="host") from exc
    except AssociationAborted as exc:
        await association.closed()
        if association.transport.tls_failure:
            raise ConnectionFailed(f"{address}: {association.transport.tls_failure}") from exc
        if not association.transport.has_heard:  # DCMTK with TLS ends a plain connection like this
            cause = f"{exc.cause} before the peer sent anything; perhaps it expects TLS"
            raise AssociationAborted(exc.source, exc.reason, cause) from exc
        raise
    except BaseException:
        association.abort()
        await association.closed()
        raise


async def _connect(association: Association, host: str, port: int) -> None:
    """Connect and associate.

    If canceled, do not close an existing connection: the caller sends an A-ABORT on it.
    """
    reaching = reach(lambda: association.transport, host, port, association.timeouts.connect)
    connecting = asyncio.get_running_loop().create_task(reaching)
    connecting.add_done_callback(partial(_forward_error, association.established))
    try:
        await association.established
    finally:
        if not connecting.done():
            if not association.transport.was_connected:
                connecting.cancel()
            await asyncio.wait({connecting})
        del connecting  # otherwise the error that it keeps would be in a cycle with this frame
        if not association.transport.was_connected:
            association.transport.connection_lost(None)  # this frees the association, as the end of a connection does


def _forward_error(established: Waiter, connecting: asyncio.Task[Any]) -> None:
    """Let ``established`` fail with the error of ``connecting``."""
    error = None if connecting.cancelled() else connecting.exception()
    if error is not None and not established.is_done:
        established.fail(error)
