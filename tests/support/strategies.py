"""Strategies of Hypothesis for PDUs, items and messages."""

import dataclasses

from hypothesis import strategies as st

from dimse.message import MESSAGES, Message
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    AsynchronousOperationsWindow,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PDataTF,
    PresentationContextAC,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    RoleSelection,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UnknownItem,
    UserIdentityAC,
    UserIdentityRQ,
    UserItem,
)

octets = st.integers(0, 0xFF)
uint16 = st.integers(0, 0xFFFF)
uint32 = st.integers(0, 0xFFFFFFFF)
uids = st.text("0123456789.", min_size=1, max_size=64)
titles = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"), min_size=1, max_size=16)
blobs = st.binary(max_size=40)

user_items: st.SearchStrategy[UserItem] = st.one_of(
    st.builds(MaximumLength, uint32),
    st.builds(ImplementationClassUID, uids),
    st.builds(ImplementationVersionName, titles),
    st.builds(AsynchronousOperationsWindow, uint16, uint16),
    st.builds(RoleSelection, uids, st.booleans(), st.booleans()),
    st.builds(SOPClassExtendedNegotiation, uids, blobs),
    st.builds(SOPClassCommonExtendedNegotiation, uids, uids, st.lists(uids, max_size=3).map(tuple), octets),
    st.builds(UserIdentityRQ, octets, st.booleans(), blobs, blobs),
    st.builds(UserIdentityAC, blobs),
    st.builds(UnknownItem, st.integers(0x5A, 0xFF), blobs),
)


def _associate(cls: type[PDU], contexts: st.SearchStrategy[object]) -> st.SearchStrategy[PDU]:
    return st.builds(
        cls,
        called_ae_title=titles,
        calling_ae_title=titles,
        presentation_contexts=st.lists(contexts, max_size=4).map(tuple),
        user_information=st.lists(user_items, max_size=5).map(tuple),
        application_context_name=uids,
        protocol_version=uint16,
        reserved=st.binary(min_size=32, max_size=32),
        unknown_items=st.lists(st.builds(UnknownItem, st.integers(0x60, 0xFF), blobs), max_size=2).map(tuple),
    )


pdvs = st.builds(PDV, octets, st.binary(max_size=60), st.booleans(), st.booleans())
association_pdus: st.SearchStrategy[PDU] = st.one_of(
    _associate(AssociateRQ, st.builds(PresentationContextRQ, octets, uids, st.lists(uids, max_size=3).map(tuple))),
    _associate(AssociateAC, st.builds(PresentationContextAC, octets, octets, uids)),
)
pdus: st.SearchStrategy[PDU] = st.one_of(
    association_pdus,
    st.builds(AssociateRJ, octets, octets, octets),
    st.builds(PDataTF, st.lists(pdvs, min_size=1, max_size=3).map(tuple)),
    st.just(ReleaseRQ()),
    st.just(ReleaseRP()),
    st.builds(Abort, octets, octets),
)

_tags = st.lists(uint32, max_size=4).map(tuple)
_comments = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=64)
_VALUES: dict[str, st.SearchStrategy[object]] = {
    "AttributeIdentifierList": _tags,
    "OffendingElement": _tags,
    "ErrorComment": _comments,
    "MoveDestination": titles,
    "MoveOriginatorApplicationEntityTitle": titles,
}


def _message(cls: type[Message]) -> st.SearchStrategy[Message]:
    fields: dict[str, st.SearchStrategy[object]] = {}
    for field in dataclasses.fields(cls):
        if field.name == "Data":
            fields[field.name] = st.none() | st.binary(max_size=50)
            continue
        value = _VALUES.get(field.name, uids if field.name.endswith("UID") else uint16)
        fields[field.name] = value if field.default is dataclasses.MISSING else st.none() | value
        if field.name == "Priority":
            fields[field.name] = uint16
    return st.builds(cls, **fields)


messages: st.SearchStrategy[Message] = st.one_of([_message(cls) for cls in MESSAGES.values()])


@st.composite
def mutated(draw: st.DrawFn, wires: st.SearchStrategy[bytes]) -> bytes:
    """Return valid bytes with some of them flipped, removed or repeated."""
    wire = bytearray(draw(wires))
    for _ in range(draw(st.integers(1, 3))):
        if not wire:
            break
        at = draw(st.integers(0, len(wire) - 1))
        match draw(st.sampled_from(["flip", "cut", "repeat"])):
            case "flip":
                wire[at] = draw(octets)
            case "cut":
                del wire[at : at + draw(st.integers(1, 8))]
            case "repeat":
                wire[at:at] = wire[at : at + draw(st.integers(1, 8))]
    return bytes(wire)
