"""The cache of A-ASSOCIATE-RQ PDUs and their answers: it saves work, changes no result, and keeps no credentials."""

import pytest

from dimse.errors import DecodeError, LimitExceeded
from dimse.limits import Limits
from dimse.ul import (
    AssociateAC,
    AssociateCache,
    AssociateRQ,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextRQ,
    ReleaseRQ,
    UnknownItem,
    UserIdentityRQ,
    UserItem,
    decode_pdu,
    encode_pdu,
)


def request(*user_information: UserItem, title: str = "PRINTSCU", unknown_items: tuple[UnknownItem, ...] = ()) -> bytes:
    """Return an A-ASSOCIATE-RQ with one presentation context."""
    pdu = AssociateRQ(
        called_ae_title="PRINTSCP",
        calling_ae_title=title,
        presentation_contexts=(PresentationContextRQ(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),),
        user_information=user_information,
        unknown_items=unknown_items,
    )
    return b"".join(encode_pdu(pdu))


def test_known_request_is_not_decoded_again() -> None:
    cache, wire = AssociateCache(), request(MaximumLength(16384))
    assert cache.decode(wire) is cache.decode(memoryview(bytearray(wire)))


def test_cached_request_equals_the_decoded_one() -> None:
    cache, wire = AssociateCache(), request(MaximumLength(16384))
    assert cache.decode(wire) == cache.decode(wire) == decode_pdu(wire)


def test_other_pdus_are_decoded_as_ever() -> None:
    cache = AssociateCache()
    assert cache.decode(b"".join(encode_pdu(ReleaseRQ()))) == ReleaseRQ()
    assert len(cache) == 0


def test_broken_request_raises_each_time() -> None:
    cache, wire = AssociateCache(), request()[:-1]
    for _ in range(2):
        with pytest.raises(DecodeError):
            cache.decode(wire)


def test_cached_request_is_checked_against_other_limits() -> None:
    cache, wire = AssociateCache(), request(MaximumLength(16384), ImplementationClassUID("1.2.3"))
    cache.decode(wire, Limits())
    with pytest.raises(LimitExceeded):
        cache.decode(wire, Limits(user_items=1))


def test_user_identity_is_not_kept() -> None:
    cache = AssociateCache()
    cache.decode(request(UserIdentityRQ(2, False, b"anna", b"a passcode")))
    assert len(cache) == 0


def test_unknown_item_is_not_kept() -> None:
    """It may hold a user identity in the wrong place."""
    cache = AssociateCache()
    cache.decode(request(unknown_items=(UnknownItem(0x58, b"anna"),)))
    cache.decode(request(UnknownItem(0x77, b"anna")))
    assert len(cache) == 0


def test_long_request_is_not_kept() -> None:
    cache = AssociateCache()
    cache.decode(request(*[ImplementationVersionName("A" * 64)] * 80))
    assert len(cache) == 0


def test_cache_is_bounded() -> None:
    cache = AssociateCache()
    for number in range(100):
        cache.decode(request(title=f"SCU {number}"))
        assert len(cache) <= 32


def accept(request: AssociateRQ) -> AssociateAC:
    """Return a new answer that accepts nothing."""
    return AssociateAC(
        called_ae_title=request.called_ae_title,
        calling_ae_title=request.calling_ae_title,
        presentation_contexts=(),
    )


def answered(cache: AssociateCache, wire: bytes) -> AssociateAC:
    """Return the answer to an encoded request."""
    pdu = cache.decode(wire)
    assert isinstance(pdu, AssociateRQ)
    return cache.answer(pdu, accept)


def test_known_request_is_not_answered_again() -> None:
    cache, wire = AssociateCache(), request(MaximumLength(16384))
    assert answered(cache, wire) is answered(cache, wire)


def test_cached_answer_is_encoded_once() -> None:
    cache = AssociateCache()
    answer = answered(cache, request(MaximumLength(16384)))
    assert cache.encode(answer)[0] is cache.encode(answer)[0]
    assert cache.encode(answer) == encode_pdu(answer)


def test_other_answer_is_encoded_as_ever() -> None:
    cache = AssociateCache()
    answer = answered(cache, request(title="SCU 1"))
    other = answered(AssociateCache(), request(title="SCU 2"))
    assert cache.encode(answer) == encode_pdu(answer)
    assert cache.encode(other) == encode_pdu(other)


def test_request_with_user_identity_is_answered_each_time() -> None:
    cache, wire = AssociateCache(), request(UserIdentityRQ(2, False, b"anna", b"a passcode"))
    assert answered(cache, wire) is not answered(cache, wire)


def test_request_is_answered_again_once_it_is_forgotten() -> None:
    cache, wire = AssociateCache(), request()
    answer = answered(cache, wire)
    for number in range(40):
        cache.decode(request(title=f"SCU {number}"))
    assert answered(cache, wire) is not answer
