"""Fragmentation and reassembly, PS3.7 §6.3, PS3.8 Annex E."""

import dataclasses
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import messages

from dimse.errors import DecodeError, EncodeError, LimitExceeded, RemoteProtocolError
from dimse.limits import Limits
from dimse.message import (
    Assembler,
    CEchoRQ,
    Message,
    MistypedRequest,
    NSetRQ,
    encode_command,
    fragment,
)
from dimse.message.fragments import MAX_SENT
from dimse.ul import PDU, PDV, Abort, PDataTF, encode_pdu

ECHO = CEchoRQ(MessageID=1, AffectedSOPClassUID="1.2.840.10008.1.1")
SET = NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=b"")


def no_hint(context_id: int, first: memoryview) -> int | None:  # noqa: ARG001
    return None


def cut(message: Message, max_length: int) -> list[PDV]:
    return [pdv for pdu in fragment(1, encode_command(message), message.Data, max_length) for pdv in pdu.pdvs]


@given(messages, st.integers(8, 200))
def test_reassembly_inverts_fragmentation(message: Message, max_length: int) -> None:
    assembler = Assembler(no_hint)
    done = [completed for pdv in cut(message, max_length) if (completed := assembler.add(pdv))]
    assert done == [(1, message)]


@given(messages, st.integers(8, 200))
def test_fragments_are_even_and_within_the_limit(message: Message, max_length: int) -> None:
    """PS3.8 Annex D.1: the length field of the PDU counts; Annex E.1: an even number of bytes."""
    pdus = list(fragment(1, encode_command(message), message.Data, max_length))
    assert all(len(b"".join(encode_pdu(pdu))) - 6 <= max_length for pdu in pdus)
    assert all(len(pdu.pdvs[0].data) % 2 == 0 for pdu in pdus[:-1] if not pdu.pdvs[0].is_last)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=8), st.integers(8, 40))
def test_several_buffers_are_one_data_set(buffers: list[bytes], max_length: int) -> None:
    whole = dataclasses.replace(SET, Data=b"".join(buffers))
    parts = dataclasses.replace(SET, Data=buffers)
    assert cut(parts, max_length) == cut(whole, max_length)


@pytest.mark.parametrize("lengths", [[250] * 4000, [256 * 63 + 128, 256 * 4000 + 128]])
def test_joined_fragments_are_cut_in_small_batches(lengths: list[int]) -> None:
    """The first PDU of a long Data Set is ready before thousands of others are cut, however long its buffers are."""
    pdus = iter(fragment(1, b"", [bytes(length) for length in lengths], 256 + 6))
    next(pdus)  # the Command Set
    tracemalloc.start()
    try:
        next(pdus)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_fragments_of_one_buffer_are_views_of_it() -> None:
    data = bytes(1000)
    pieces = [pdv.data for pdv in cut(dataclasses.replace(SET, Data=data), 128) if not pdv.is_command]
    assert all(isinstance(piece, memoryview) and piece.obj is data for piece in pieces)


def test_unlimited_peer_gets_pdus_of_128_kib() -> None:
    pieces = cut(dataclasses.replace(SET, Data=bytes(3 * MAX_SENT)), 0)
    assert max(len(pdv.data) for pdv in pieces) == MAX_SENT - 6


@pytest.mark.parametrize("max_length", range(1, 8))
def test_peer_without_room_raises(max_length: int) -> None:
    with pytest.raises(RemoteProtocolError, match=f"{max_length} leaves no room"):
        cut(ECHO, max_length)


def test_empty_fragments_are_accepted() -> None:
    """PS3.8 Annex E.1 forbids empty fragments, but some peers end a Data Set with one."""
    command = encode_command(dataclasses.replace(SET, Data=b""))
    assembler = Assembler(no_hint)
    assert assembler.add(PDV(1, command, True, True)) is None
    assert assembler.add(PDV(1, b"abcd", False, False)) is None
    assert assembler.add(PDV(1, b"", False, True)) == (1, dataclasses.replace(SET, Data=b"abcd"))


def test_received_data_is_a_copy() -> None:
    buffer = bytearray(b"abcd")
    assembler = Assembler(no_hint)
    assembler.add(PDV(1, encode_command(SET), True, True))
    completed = assembler.add(PDV(1, memoryview(buffer), False, True))
    buffer[:] = b"xxxx"
    assert completed is not None
    assert completed[1].Data == b"abcd"


@pytest.mark.parametrize(
    ("pdvs", "what"),
    [
        ([PDV(1, b"x", False, True)], "no Command Set announced"),
        ([PDV(1, encode_command(SET), True, True), PDV(1, b"x", True, True)], "a Command Set where"),
        ([PDV(1, b"xx", True, False), PDV(3, b"xx", True, True)], "PDV of context 3"),
        ([PDV(1, encode_command(ECHO), True, True), PDV(1, b"x", False, True)], "no Command Set announced"),
        ([PDV(1, bytes(60), True, False)] * 10, "Command Set: 540 exceeds the limit command_set = 500"),
        (
            [PDV(1, encode_command(SET), True, True), *[PDV(1, bytes(60), False, False)] * 20],
            "Data Set: 1020 exceeds the limit data_set = 1000",
        ),
    ],
)
def test_pdvs_in_wrong_order_are_refused(pdvs: list[PDV], what: str) -> None:
    assembler = Assembler(no_hint, Limits(command_set=500, data_set=1000))
    with pytest.raises(RemoteProtocolError, match=what):
        for pdv in pdvs:
            assembler.add(pdv)


def test_data_set_in_one_fragment_is_bounded() -> None:
    assembler = Assembler(no_hint, Limits(data_set=10))
    assembler.add(PDV(1, encode_command(SET), True, True))
    with pytest.raises(RemoteProtocolError, match="Data Set: 12 exceeds the limit data_set = 10"):
        assembler.add(PDV(1, bytes(12), False, True))


def test_invalid_command_set_is_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        Assembler(no_hint).add(PDV(1, b"not a command set", True, True))


def test_message_is_midway_until_its_last_fragment() -> None:
    assembler = Assembler(no_hint, Limits(fragments=2))
    midway = [assembler.is_midway]
    for pdv in (PDV(1, encode_command(SET), True, True), PDV(1, b"ab", False, True)):
        assembler.add(pdv)
        midway.append(assembler.is_midway)
    assert midway == [False, True, False]
    with pytest.raises(LimitExceeded, match="message: 3 exceeds the limit fragments = 2"):
        for _ in range(3):
            assembler.add(PDV(1, b"\0\0", True, False))


def test_mistyped_request_is_raised_after_its_data_set() -> None:
    """The association can go on with the next message."""
    wire = encode_command(SET).replace(b"\0\0\3\0", b"\0\0\xff\x7f")  # no Requested SOP Class UID (0000,0003)
    assembler = Assembler(no_hint)
    assert assembler.add(PDV(1, wire, True, True)) is None
    assert assembler.add(PDV(1, b"ab", False, False)) is None
    with pytest.raises(MistypedRequest) as caught:
        assembler.add(PDV(1, b"cd", False, True))
    assert caught.value.request == dataclasses.replace(SET, RequestedSOPClassUID="", Data=None)
    assert assembler.add(PDV(1, encode_command(ECHO), True, True)) == (1, ECHO)


@pytest.mark.parametrize("data", ["text", ["text"], 7, [b"ab", None]])
def test_data_must_be_bytes(data: object) -> None:
    with pytest.raises(EncodeError, match=r"Data: .* is not bytes or a list of bytes"):
        fragment(1, b"", data, 0)  # type: ignore[arg-type]  # on purpose


# --- runs of PDUs that are only the middle of a Data Set ---

pieces = st.builds(PDV, st.sampled_from([1, 1, 1, 3]), st.binary(max_size=12), st.just(False), st.booleans())
runs = st.lists(
    st.one_of(
        st.builds(lambda pdv: PDataTF((pdv._replace(is_last=False),)), pieces),
        st.builds(lambda pdv: PDataTF((pdv._replace(is_last=False),)), pieces),
        st.builds(PDataTF, st.lists(pieces, min_size=1, max_size=3).map(tuple)),
        st.just(PDataTF((PDV(1, encode_command(SET), True, True),))),
        st.just(PDataTF((PDV(1, encode_command(ECHO), True, True),))),
        st.just(Abort(0, 0)),
    ),
    max_size=15,
)


def gathered(assembler: Assembler, pdus: list[PDU], *, at_once: bool) -> list[object]:
    """Return the messages in ``pdus``, and the errors."""
    found: list[object] = []
    while pdus:
        pdus = pdus[assembler.add_run(pdus) if at_once else 0 :]
        for pdv in pdus[0].pdvs if pdus and isinstance(pdus[0], PDataTF) else ():
            try:
                done = assembler.add(pdv)
            except (RemoteProtocolError, DecodeError) as exc:
                return [*found, type(exc), str(exc)]
            if done is not None:
                found.append((done[0], dataclasses.replace(done[1], Data=bytes(done[1].Data or b""))))  # type: ignore[arg-type]
        pdus = pdus[1:]
    return [*found, assembler.is_midway]


@given(runs, st.sampled_from([None, 0, 40, 200]), st.integers(2, 12), st.sampled_from([30, 90, 1 << 20]))
def test_run_is_gathered_as_its_pdvs(run: list[PDU], hint: int | None, most: int, size: int) -> None:
    limits = Limits(fragments=most, data_set=size)
    first: list[PDU] = [PDataTF((PDV(1, encode_command(SET), True, True), PDV(1, b"begun", False, False)))]
    at_once, one_by_one = (Assembler(lambda context_id, data: hint, limits) for _ in range(2))  # noqa: ARG005
    assert gathered(at_once, first + run, at_once=True) == gathered(one_by_one, first + run, at_once=False)


def test_pdvs_of_another_context_are_not_taken_together() -> None:
    assembler = Assembler(no_hint)
    pdvs = cut(dataclasses.replace(SET, Data=bytes(200)), 64)
    for pdv in pdvs[:3]:
        assembler.add(pdv)
    assert assembler.add_pdvs([PDV(3, b"ab", False, False)], 0) == 0


def test_pdvs_without_a_data_set_are_not_taken_together() -> None:
    assert Assembler(no_hint).add_pdvs([PDV(1, b"ab", False, False)], 0) == 0
