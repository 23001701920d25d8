"""The DIMSE services for an invoker: thin functions over `Association.request`.

Each service is a function of the association, the presentation context and the parameters in PS3.7. Most return a
coroutine; awaiting it sends the request and returns the response. `c_echo` and `c_store` find the context themselves. A
failure status is a response, not an error. `dataset_of` decodes the Data Set of a response. The call itself, before
anything is sent, raises `EncodeError` for a Data Set that cannot be encoded.

C-FIND, C-GET and C-MOVE have several responses, and return a context manager::

    async with c_find(association, context, identifier) as responses:
        async for response in responses:
            if is_pending(response.Status):
                print(dataset_of(association, context, response))

``await responses.cancel()`` sends C-CANCEL, and so does leaving the block before the final response. ``await
responses.final()`` ignores the Pending responses.
"""

from collections.abc import Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

from ..data import Dataset, DecodeLimits, decode, encode_rope
from ..data.frames import suits_pixels
from ..errors import EncodeError
from ..message import (
    CEchoRQ,
    CFindRQ,
    CFindRSP,
    CGetRQ,
    CGetRSP,
    CMoveRQ,
    CMoveRSP,
    CStoreRQ,
    NActionRQ,
    NCreateRQ,
    NDeleteRQ,
    NEventReportRQ,
    NGetRQ,
    NSetRQ,
    Response,
)
from ..uids import Verification
from ..ul import Context
from .association import Association
from .invoker import Responses

__all__ = [
    "c_echo",
    "c_find",
    "c_get",
    "c_move",
    "c_store",
    "dataset_of",
    "n_action",
    "n_create",
    "n_delete",
    "n_event_report",
    "n_get",
    "n_set",
]

Rope = list[bytes | memoryview]
# The coroutine of `Association.request`. The functions here return this coroutine. If they were `async def`, each would
# have a coroutine of its own, and Python would have to resume both.
Answer = Coroutine[Any, Any, Response]


def c_echo(association: Association) -> Answer:
    """C-ECHO, PS3.7 §9.1.5. Raises `ContextNotAccepted` if the peer accepted no context for Verification."""
    context = association.context_for(Verification)
    message = CEchoRQ(MessageID=association.next_message_id(), AffectedSOPClassUID=Verification)
    return association.request(context, message)


def c_store(
    association: Association,
    instance: Dataset,
    *,
    Priority: int = 0,
    move_originator: tuple[str, int] | None = None,
) -> Answer:
    """C-STORE, PS3.7 §9.1.1, of ``instance`` on a context of its SOP Class.

    If there are several, the first one is used whose transfer syntax suits the pixels, which are never converted.

    If the C-STORE is a sub-operation of a C-MOVE, ``move_originator`` is the AE title of the invoker of the C-MOVE, and
    its Message ID. Raises `ContextNotAccepted`, or `EncodeError` if the SOP Class or Instance UID is missing, or if no
    context suits the pixels.
    """
    sop_class, sop_instance = _uid(instance, "SOPClassUID"), _uid(instance, "SOPInstanceUID")
    context = _storage_context(association, sop_class, instance)
    title, message_id = move_originator or (None, None)
    message = CStoreRQ(
        MessageID=association.next_message_id(),
        AffectedSOPClassUID=sop_class,
        AffectedSOPInstanceUID=sop_instance,
        Priority=Priority,
        MoveOriginatorApplicationEntityTitle=title,
        MoveOriginatorMessageID=message_id,
        Data=_encoded(association, context, instance),
    )
    return association.request(context, message)


def c_find(
    association: Association, context: Context, identifier: Dataset, *, Priority: int = 0
) -> AbstractAsyncContextManager[Responses[CFindRSP]]:
    """C-FIND, PS3.7 §9.1.2: one Pending response, with an Identifier, for each match."""
    message = CFindRQ(
        MessageID=association.next_message_id(),
        AffectedSOPClassUID=context.abstract_syntax,
        Priority=Priority,
        Data=_encoded(association, context, identifier),
    )
    return association.invoke(context, message, CFindRSP)


def c_get(
    association: Association, context: Context, identifier: Dataset, *, Priority: int = 0
) -> AbstractAsyncContextManager[Responses[CGetRSP]]:
    """C-GET, PS3.7 §9.1.3: the peer sends the instances on this association, to the handlers of C-STORE.

    This side must have proposed the SCP role for the SOP Classes of the instances (`RoleSelection`).
    """
    message = CGetRQ(
        MessageID=association.next_message_id(),
        AffectedSOPClassUID=context.abstract_syntax,
        Priority=Priority,
        Data=_encoded(association, context, identifier),
    )
    return association.invoke(context, message, CGetRSP)


def c_move(
    association: Association, context: Context, MoveDestination: str, identifier: Dataset, *, Priority: int = 0
) -> AbstractAsyncContextManager[Responses[CMoveRSP]]:
    """C-MOVE, PS3.7 §9.1.4: the peer sends the instances to the AE title ``MoveDestination``."""
    message = CMoveRQ(
        MessageID=association.next_message_id(),
        AffectedSOPClassUID=context.abstract_syntax,
        MoveDestination=MoveDestination,
        Priority=Priority,
        Data=_encoded(association, context, identifier),
    )
    return association.invoke(context, message, CMoveRSP)


def n_create(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str | None = None,
    dataset: Dataset | None = None,
) -> Answer:
    """N-CREATE, PS3.7 §10.1.5. Without ``sop_instance``, the performer assigns the UID."""
    message = NCreateRQ(
        MessageID=association.next_message_id(),
        AffectedSOPClassUID=sop_class,
        AffectedSOPInstanceUID=sop_instance,
        Data=_encoded(association, context, dataset),
    )
    return association.request(context, message)


def n_set(association: Association, context: Context, sop_class: str, sop_instance: str, dataset: Dataset) -> Answer:
    """N-SET, PS3.7 §10.1.3. Pixel Data is sent from the array in ``dataset`` without a copy."""
    message = NSetRQ(
        MessageID=association.next_message_id(),
        RequestedSOPClassUID=sop_class,
        RequestedSOPInstanceUID=sop_instance,
        Data=_encoded(association, context, dataset),
    )
    return association.request(context, message)


def n_get(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str,
    attributes: Iterable[int] = (),
    *,
    patience: float | None = None,
) -> Answer:
    """N-GET, PS3.7 §10.1.2, of ``attributes`` (tags), or of all attributes if ``attributes`` is empty.

    ``patience`` is as in `Association.request`.
    """
    message = NGetRQ(
        MessageID=association.next_message_id(),
        RequestedSOPClassUID=sop_class,
        RequestedSOPInstanceUID=sop_instance,
        AttributeIdentifierList=tuple(attributes) or None,
    )
    return association.request(context, message, patience=patience)


def n_action(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str,
    action_type: int,
    dataset: Dataset | None = None,
) -> Answer:
    """N-ACTION, PS3.7 §10.1.4."""
    message = NActionRQ(
        MessageID=association.next_message_id(),
        RequestedSOPClassUID=sop_class,
        RequestedSOPInstanceUID=sop_instance,
        ActionTypeID=action_type,
        Data=_encoded(association, context, dataset),
    )
    return association.request(context, message)


def n_delete(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str,
    *,
    patience: float | None = None,
) -> Answer:
    """N-DELETE, PS3.7 §10.1.6. ``patience`` is as in `Association.request`."""
    message = NDeleteRQ(
        MessageID=association.next_message_id(),
        RequestedSOPClassUID=sop_class,
        RequestedSOPInstanceUID=sop_instance,
    )
    return association.request(context, message, patience=patience)


def n_event_report(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str,
    event_type: int,
    dataset: Dataset | None = None,
    *,
    patience: float | None = None,
) -> Answer:
    """N-EVENT-REPORT, PS3.7 §10.1.1. An SCP may invoke it while it performs a request of the peer.

    ``patience`` is as in `Association.request`: some SCUs never answer an event.
    """
    message = NEventReportRQ(
        MessageID=association.next_message_id(),
        AffectedSOPClassUID=sop_class,
        AffectedSOPInstanceUID=sop_instance,
        EventTypeID=event_type,
        Data=_encoded(association, context, dataset),
    )
    return association.request(context, message, patience=patience)


def dataset_of(
    association: Association,
    context: Context,
    response: Response,
    limits: DecodeLimits = DecodeLimits(),  # noqa: B008  # frozen
) -> Dataset:
    """Return the Data Set of a response; an empty Data Set if there is none. Raises `DecodeError`."""
    if response.Data is None:
        return Dataset()
    assert isinstance(response.Data, bytes | bytearray | memoryview)
    return decode(response.Data, association.agreement.syntaxes[context.id], limits=limits)


def _encoded(association: Association, context: Context, dataset: Dataset | None) -> Rope | None:
    # An empty Data Set would be an empty fragment, which must not be sent (PS3.8 Annex E.1).
    return encode_rope(dataset, association.agreement.syntaxes[context.id]) if dataset else None


def _storage_context(association: Association, sop_class: str, instance: Dataset) -> Context:
    """Return a context for an instance. Raises `ContextNotAccepted` without any, `EncodeError` if none suits."""
    first, syntaxes = association.context_for(sop_class), association.agreement.syntaxes
    for context in association.agreement.contexts.values():
        if context.abstract_syntax == sop_class and suits_pixels(instance, syntaxes[context.id]):
            return context
    what = f"cannot be sent in {syntaxes[first.id].name}, the agreed Transfer Syntax (PS3.5 §A.4)"
    raise EncodeError(what, path="PixelData")


def _uid(instance: Dataset, keyword: str) -> str:
    uid = instance.get(keyword)
    if not isinstance(uid, str) or not uid:
        raise EncodeError("missing in the instance to store (PS3.7 §9.1.1.1)", path=keyword)
    return uid
