"""The fast decoder of A-ASSOCIATE-AC: its results, errors included, are those of the decoder of all PDUs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import mutated

from dimse.errors import DimseError
from dimse.limits import Limits
from dimse.ul import (
    PDU,
    AssociateAC,
    AsynchronousOperationsWindow,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextAC,
    UnknownItem,
    UserItem,
    decode_pdu,
    encode_pdu,
)
from dimse.ul.common_ac import common_items
from dimse.ul.wire import HEADER

CONTEXTS = tuple(PresentationContextAC(2 * index + 1, index, "1.2") for index in range(3))
USER_ITEMS = (MaximumLength(16384), ImplementationClassUID("1.2.3"), ImplementationVersionName("PRINTSCP"))
FIRST_ITEM = 74  # the number of bytes before the first item
TIGHT = Limits(contexts=2, user_items=2, transfer_syntaxes=1, user_item=5)
LIMITS = st.sampled_from((None, Limits(), TIGHT))


def wire(contexts: int = 3, user_items: tuple[UserItem, ...] = USER_ITEMS) -> bytes:
    """Return an A-ASSOCIATE-AC."""
    pdu = AssociateAC(
        application_context_name="1.2",
        called_ae_title="PRINTSCP",
        calling_ae_title="PRINTSCU",
        presentation_contexts=CONTEXTS[:contexts],
        user_information=user_items,
    )
    return b"".join(encode_pdu(pdu))


def outcome(octets: bytes, limits: Limits | None) -> PDU | str:
    """Return the decoded PDU, or the error."""
    try:
        return decode_pdu(octets, limits)
    except DimseError as exc:
        return f"{type(exc).__name__}: {exc}"


def framed(items: bytes) -> bytes:
    """Return an A-ASSOCIATE-AC of these items."""
    head = wire()[6:FIRST_ITEM]
    return HEADER.pack(2, len(head + items)) + head + items


def slow_outcome(octets: bytes, limits: Limits | None) -> PDU | str:
    """Return the outcome without the fast decoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dimse.ul.pdu.common_items", lambda _data, _limits: None)
        return outcome(octets, limits)


@given(mutated(st.builds(lambda contexts: wire(contexts)[FIRST_ITEM:], st.integers(0, 3))), LIMITS)
def test_outcome_does_not_depend_on_the_fast_decoder(items: bytes, limits: Limits | None) -> None:
    octets = framed(items)
    assert outcome(octets, limits) == slow_outcome(octets, limits)


@pytest.mark.parametrize("change", [1, -1])
def test_outcome_is_the_same_after_a_change_of_any_byte(change: int) -> None:
    items = wire()[FIRST_ITEM:]
    for place in range(len(items)):
        octets = framed(items[:place] + bytes([(items[place] + change) % 256]) + items[place + 1 :])
        assert outcome(octets, Limits()) == slow_outcome(octets, Limits())


def test_common_pdu_is_decoded() -> None:
    assert common_items(wire()[6:], Limits()) == ("1.2", CONTEXTS, USER_ITEMS)


@pytest.mark.parametrize("item", [AsynchronousOperationsWindow(1, 1), UnknownItem(0x51, bytes(5))])
def test_other_user_item_is_left_to_the_decoder_of_all(item: UserItem) -> None:
    assert common_items(wire(user_items=(*USER_ITEMS, item))[6:], Limits()) is None


@pytest.mark.parametrize("limit", ["contexts", "user_items", "user_item", "transfer_syntaxes"])
def test_exceeded_limit_is_left_to_the_decoder_of_all(limit: str) -> None:
    bounds = {"contexts": 2, "user_items": 2, "user_item": 7, "transfer_syntaxes": 0}
    assert common_items(wire()[6:], Limits(**{limit: bounds[limit]})) is None
