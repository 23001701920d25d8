"""The requestor: `connect` opens an association and closes it again."""

import asyncio
import logging
import os
import socket
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
from .agreement import user_information
from .arguments import check_address, check_ae_title, check_contexts, check_settings, check_type
from .association import Association
from .dispatch import Handlers, Performer
from .policy import PASSCODE
from .trace import Trace

__all__ = ["connect"]

_log = logging.getLogger("dimse.net")

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
    """An association with the peer at ``host`` and ``port``, for as long as the block runs.

    ``contexts`` has the transfer syntaxes to propose for each abstract syntax. ``handlers``
    answer what the peer may ask in its turn, such as N-EVENT-REPORT. The association is released
    at the end of the block, also when the block raises; it is aborted when the block is cancelled.
    ``user_items`` negotiate more (PS3.7 D.3.3): `AsynchronousOperationsWindow`, `RoleSelection`,
    `UserIdentityRQ`, `SOPClassExtendedNegotiation` and others; ``association.associate_ac`` has the answers.
    ``tls`` is what `client_context` makes; without it there is no TLS, and never less than was asked for.
    A passcode is only sent with TLS, unless ``plain_passcode``.
    ``trace`` is called with a `Record` of each PDU, message and state.

    Raises `ConnectionFailed`, `AssociationRejected`, or `AssociationAborted`; `EncodeError` for
    what cannot be asked for.
    """
    check_address(host, port)
    check_settings(tls, trace, limits, timeouts)
    check_type("handlers", handlers, Mapping, "a mapping of (abstract syntax, message class) to a handler")
    request = _request(contexts, called_ae_title, calling_ae_title, (*user_information(limits), *user_items))
    if tls is None and not plain_passcode and any(map(_has_passcode, request.user_information)):
        raise EncodeError("a passcode goes over TLS, unless plain_passcode is set", path="User-Identity")
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
        association.abort()  # without effect on one that has been released
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
            PresentationContextRQ(2 * index + 1, abstract_syntax, transfer_syntaxes)
            for index, (abstract_syntax, transfer_syntaxes) in enumerate(check_contexts(contexts).items())
        ),
        user_information=items,
    )


def _has_passcode(item: UserItem) -> bool:
    return isinstance(item, UserIdentityRQ) and item.type == PASSCODE


async def _open(association: Association, host: str, port: int) -> None:
    seconds = association.timeouts.connect
    assert association.associate_rq is not None
    association.transport.send(association.associate_rq)
    try:
        with association.alarms.timeout(seconds):
            await _connect(association, host, port)
    except TimeoutError as exc:
        was_securing = association.transport.is_securing
        association.abort()
        await association.closed()
        what = "finish the TLS handshake" if was_securing else "answer"
        raise ConnectionFailed(f"{host}:{port} did not {what} within {seconds:g} s") from exc
    except OSError as exc:
        raise ConnectionFailed(f"cannot connect to {host}:{port}: {_reason(exc)}") from exc
    except ValueError as exc:  # asyncio's, of a text that no host can have for a name
        raise EncodeError(f"{host!a} is not the name of a host: {exc}", path="host") from exc
    except AssociationAborted as exc:
        await association.closed()
        if association.transport.tls_failure:
            raise ConnectionFailed(f"{host}:{port}: {association.transport.tls_failure}") from exc
        if not association.transport.heard:  # DCMTK with TLS ends a plain connection so
            cause = f"{exc.cause} before the peer said anything; perhaps it wants TLS"
            raise AssociationAborted(exc.source, exc.reason, cause) from exc
        raise
    except BaseException:
        association.abort()
        await association.closed()
        raise


async def _connect(association: Association, host: str, port: int) -> None:
    """Connect, and associate. When cancelled, a connection that is there by then stays open for an A-ABORT."""
    loop = asyncio.get_running_loop()
    connecting = loop.create_task(loop.create_connection(lambda: association.transport, host, port))
    connecting.add_done_callback(partial(_tell, association.established))
    try:
        await association.established
    finally:
        if not connecting.done():
            if not association.transport.connected:
                connecting.cancel()
            await asyncio.wait({connecting})
        if not association.transport.connected:  # nor will there be an end to be told of
            association.alarms.close()


def _tell(established: asyncio.Future[None], connecting: asyncio.Task[Any]) -> None:
    """Let whoever waits for an association know why there is no connection."""
    error = None if connecting.cancelled() else connecting.exception()
    if error is not None and not established.done():
        established.set_exception(error)


def _reason(error: OSError) -> str:
    """The system's own words: asyncio puts others in their place."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)
