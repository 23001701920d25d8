"""The DIMSE services as an invoker uses them: thin functions over `Association.request`.

Each takes the association, the presentation context and what the service's table in PS3.7 has,
and returns the response as it came: a failure status is an answer, not an error. `dataset_of`
decodes what came with it.
"""

from collections.abc import Iterable

from ..data import Dataset, decode, encode_rope
from ..message import (
    CEchoRQ,
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

__all__ = ["c_echo", "dataset_of", "n_action", "n_create", "n_delete", "n_event_report", "n_get", "n_set"]

Rope = list[bytes | memoryview]


async def c_echo(association: Association) -> Response:
    """C-ECHO, PS3.7 §9.1.5. Raises `ContextNotAccepted` where the peer has no Verification."""
    context = association.context_for(Verification)
    message = CEchoRQ(MessageID=association.next_message_id(), AffectedSOPClassUID=Verification)
    return await association.request(context, message)


async def n_create(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str | None = None,
    dataset: Dataset | None = None,
) -> Response:
    """N-CREATE, PS3.7 §10.1.5. Without ``sop_instance`` the performer makes the UID."""
    message = NCreateRQ(
        MessageID=association.next_message_id(),
        AffectedSOPClassUID=sop_class,
        AffectedSOPInstanceUID=sop_instance,
        Data=_encoded(association, context, dataset),
    )
    return await association.request(context, message)


async def n_set(
    association: Association, context: Context, sop_class: str, sop_instance: str, dataset: Dataset
) -> Response:
    """N-SET, PS3.7 §10.1.3. Pixel Data is sent from the array that the data set holds."""
    message = NSetRQ(
        MessageID=association.next_message_id(),
        RequestedSOPClassUID=sop_class,
        RequestedSOPInstanceUID=sop_instance,
        Data=_encoded(association, context, dataset),
    )
    return await association.request(context, message)


async def n_get(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str,
    attributes: Iterable[int] = (),
) -> Response:
    """N-GET, PS3.7 §10.1.2. Without ``attributes`` (tags) it asks for all."""
    message = NGetRQ(
        MessageID=association.next_message_id(),
        RequestedSOPClassUID=sop_class,
        RequestedSOPInstanceUID=sop_instance,
        AttributeIdentifierList=tuple(attributes) or None,
    )
    return await association.request(context, message)


async def n_action(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str,
    action_type: int,
    dataset: Dataset | None = None,
) -> Response:
    """N-ACTION, PS3.7 §10.1.4."""
    message = NActionRQ(
        MessageID=association.next_message_id(),
        RequestedSOPClassUID=sop_class,
        RequestedSOPInstanceUID=sop_instance,
        ActionTypeID=action_type,
        Data=_encoded(association, context, dataset),
    )
    return await association.request(context, message)


async def n_delete(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str,
    *,
    patience: float | None = None,
) -> Response:
    """N-DELETE, PS3.7 §10.1.6. ``patience`` is as in `Association.request`."""
    message = NDeleteRQ(
        MessageID=association.next_message_id(),
        RequestedSOPClassUID=sop_class,
        RequestedSOPInstanceUID=sop_instance,
    )
    return await association.request(context, message, patience=patience)


async def n_event_report(
    association: Association,
    context: Context,
    sop_class: str,
    sop_instance: str,
    event_type: int,
    dataset: Dataset | None = None,
    *,
    patience: float | None = None,
) -> Response:
    """N-EVENT-REPORT, PS3.7 §10.1.1, which an SCP invokes, also while it performs a request of the peer.

    ``patience`` is as in `Association.request`: some SCUs never answer an event.
    """
    message = NEventReportRQ(
        MessageID=association.next_message_id(),
        AffectedSOPClassUID=sop_class,
        AffectedSOPInstanceUID=sop_instance,
        EventTypeID=event_type,
        Data=_encoded(association, context, dataset),
    )
    return await association.request(context, message, patience=patience)


def dataset_of(association: Association, context: Context, response: Response) -> Dataset:
    """The Data Set of a response, empty where it has none. Raises `DecodeError`."""
    if response.Data is None:
        return Dataset()
    assert isinstance(response.Data, bytes | bytearray | memoryview)
    return decode(response.Data, association.syntax(context))


def _encoded(association: Association, context: Context, dataset: Dataset | None) -> Rope | None:
    # An empty Data Set would be an empty fragment, which must not be sent (PS3.8 Annex E.1): there is none then.
    return encode_rope(dataset, association.syntax(context)) if dataset else None
