"""The Command Set, PS3.7 §6.3.1 and Annex E: vectors, properties, and the tables of all messages."""

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import messages, mutated

from dimse.errors import DecodeError, EncodeError
from dimse.message import (
    MESSAGES,
    CEchoRQ,
    CEchoRSP,
    Message,
    MistypedRequest,
    NCreateRQ,
    NCreateRSP,
    NGetRQ,
    NSetRSP,
    Request,
    decode_command,
    encode_command,
)
from dimse.message.command import CommandReader, CommandWriter

C_ECHO_RQ = bytes.fromhex(
    "0000 0000 04000000 38000000"  # (0000,0000) Command Group Length: 56 bytes follow
    "0000 0200 12000000 312E322E3834302E31303030382E312E3100"  # (0000,0002) UID, NUL-padded
    "0000 0001 02000000 3000"  # (0000,0100) Command Field 0030H
    "0000 1001 02000000 0700"  # (0000,0110) Message ID 7
    "0000 0008 02000000 0101"  # (0000,0800) Command Data Set Type 0101H: none
)


def test_c_echo_rq_has_the_bytes_of_its_table() -> None:
    message = CEchoRQ(MessageID=7, AffectedSOPClassUID="1.2.840.10008.1.1")
    assert encode_command(message) == C_ECHO_RQ
    assert decode_command(C_ECHO_RQ) == (message, False)


@given(messages)
def test_decode_undoes_encode(message: Message) -> None:
    decoded, has_data = decode_command(encode_command(message))
    assert has_data == (message.Data is not None)
    assert decoded == dataclasses.replace(message, Data=None)


@given(messages)
def test_elements_are_ordered_after_the_group_length(message: Message) -> None:
    wire = encode_command(message)
    assert int.from_bytes(wire[8:12], "little") == len(wire) - 12
    numbers, position = [], 0
    while position < len(wire):
        numbers.append(int.from_bytes(wire[position + 2 : position + 4], "little"))
        length = int.from_bytes(wire[position + 4 : position + 8], "little")
        assert length % 2 == 0
        position += 8 + length
    assert numbers == sorted(set(numbers))


@given(mutated(messages.map(encode_command)))
def test_mutated_bytes_give_a_message_or_decode_error(wire: bytes) -> None:
    try:
        message, _ = decode_command(wire)
    except DecodeError:
        return
    assert type(message) in MESSAGES.values()


def element(number: int, raw: bytes) -> bytes:
    return b"\0\0" + number.to_bytes(2, "little") + len(raw).to_bytes(4, "little") + raw


def test_retired_elements_are_ignored() -> None:
    retired = element(0x0001, b"\0\0\0\0") + C_ECHO_RQ[12:] + element(0x51B0, b"ab")
    message, _ = decode_command(element(0, b"\xff\0\0\0") + retired)
    assert message == CEchoRQ(MessageID=7, AffectedSOPClassUID="1.2.840.10008.1.1")


@pytest.mark.parametrize(
    "foreign",
    [element(0x0120, bytes(4)), element(0x0700, bytes(4)), element(0x1001, b"\xff\xff"), element(0x1005, b"abc")],
)
def test_unreadable_element_of_other_messages_is_ignored(foreign: bytes) -> None:
    """Some peers send Priority with every request."""
    message, _ = decode_command(C_ECHO_RQ[12:] + foreign)
    assert message == CEchoRQ(MessageID=7, AffectedSOPClassUID="1.2.840.10008.1.1")


def test_unreadable_command_data_set_type_is_an_error() -> None:
    """It does not tell whether a Data Set follows."""
    with pytest.raises(MistypedRequest) as caught:
        decode_command(C_ECHO_RQ[12:-10] + element(0x0800, b"\1\1\0\0"))
    assert caught.value.path == "(0000,0800)"


def test_empty_attribute_identifier_list_means_all() -> None:
    """pynetdicom sends it although it is optional."""
    request = NGetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="")
    wire = encode_command(dataclasses.replace(request, AttributeIdentifierList=()))
    message, _ = decode_command(wire)
    assert isinstance(message, NGetRQ)
    assert not message.AttributeIdentifierList


def test_responses_without_affected_uids_are_read() -> None:
    """DCMTK's dcmprscp omits them."""
    wire = encode_command(NSetRSP(MessageIDBeingRespondedTo=3, Status=0))
    message, _ = decode_command(wire)
    assert message == NSetRSP(MessageIDBeingRespondedTo=3, Status=0)


def test_empty_us_is_absent() -> None:
    wire = encode_command(NCreateRSP(MessageIDBeingRespondedTo=3, Status=0)) + element(0x0903, b"")
    message, _ = decode_command(wire)
    assert isinstance(message, NCreateRSP)
    assert message.ErrorID is None


@pytest.mark.parametrize(
    ("wire", "path", "what"),
    [
        (C_ECHO_RQ[12:-1], "(0000,0800)", "a value of 2 bytes, but only 1 follow"),
        (C_ECHO_RQ[:-10] + b"\0\0\0", "Command Set", "3 bytes are not an element"),
        (b"\x08\0\x16\0\0\0\0\0", "(0008,0016)", "only elements of group 0000"),
        (element(0x0100, b"\x34\x12"), "(0000,0100)", "Command Field 1234H is not a DIMSE message"),
        (element(0x0110, b"\1\0"), "(0000,0100)", "Command Field is missing"),
        (element(0x0100, b"\x30\0\0"), "(0000,0100)", "is not a value of US"),
        (element(0x0002, b"\xff\xff") + element(0x0100, b"\x30\0"), "(0000,0002)", "is not a value of UI"),
        (
            element(0x0100, b"\x30\0") + element(0x0110, b"\1\0"),
            "(0000,0002)",
            "AffectedSOPClassUID is missing",
        ),
        (element(0x1005, b"\0\0\0"), "(0000,1005)", "is not a value of AT"),
    ],
)
def test_error_names_element_and_rule(wire: bytes, path: str, what: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_command(wire)
    assert caught.value.path == path
    assert what in caught.value.what
    assert caught.value.rule.startswith("PS3.7")


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (CEchoRQ(MessageID=65536, AffectedSOPClassUID="1.2"), "MessageID"),
        (NCreateRQ(MessageID=1, AffectedSOPClassUID="é"), "AffectedSOPClassUID"),
    ],
)
def test_encode_error_names_the_keyword(message: Message, path: str) -> None:
    with pytest.raises(EncodeError) as caught:
        encode_command(message)
    assert caught.value.path == path


def test_error_comment_is_ascii() -> None:
    """A Command Set has no Specific Character Set, PS3.7 §6.3.1."""
    wire = encode_command(CEchoRSP(MessageIDBeingRespondedTo=1, Status=0x0110, ErrorComment="größer"))
    message, _ = decode_command(wire)
    assert isinstance(message, CEchoRSP)
    assert message.ErrorComment == "gr??er"


@pytest.mark.parametrize(
    "unreadable", [element(0x0901, b"\0\0\0"), element(0x0903, b"\1"), element(0x1000, b"1.2\xe2\x80\x8b")]
)
def test_response_without_optional_elements_is_read(unreadable: bytes) -> None:
    head = element(0x0100, b"\x40\x81") + element(0x0120, b"\7\0") + element(0x0900, b"\x10\1")
    message, _ = decode_command(head + unreadable)
    assert message == NCreateRSP(MessageIDBeingRespondedTo=7, Status=0x0110)


# --- faulty requests that can be answered ---


@pytest.mark.parametrize(
    ("elements", "path", "request_"),
    [
        (
            element(0x0100, b"\x30\0") + element(0x0110, b"\7\0"),
            "(0000,0002)",
            CEchoRQ(MessageID=7, AffectedSOPClassUID=""),
        ),
        (
            element(0x0002, b"\xff\xff") + element(0x0100, b"\x30\0") + element(0x0110, b"\7\0"),
            "(0000,0002)",
            CEchoRQ(MessageID=7, AffectedSOPClassUID=""),
        ),
        (
            element(0x0002, b"1.2 ")
            + element(0x0100, b"\x40\1")
            + element(0x0110, b"\7\0")
            + element(0x0700, b"\0\0")  # N-CREATE has no Priority: ignored
            + element(0x1000, b"\xe4\0"),
            "(0000,1000)",
            NCreateRQ(MessageID=7, AffectedSOPClassUID="1.2"),
        ),
    ],
)
@pytest.mark.parametrize("has_data", [False, True])
def test_mistyped_request_keeps_its_message_id(elements: bytes, path: str, request_: Request, has_data: bool) -> None:
    """PS3.7 Annex C.5: the answer is 0212H, with the Message ID of the request."""
    wire = elements + element(0x0800, b"\1\0" if has_data else b"\1\1")
    with pytest.raises(MistypedRequest) as caught:
        decode_command(wire)
    assert (caught.value.path, caught.value.request, caught.value.has_data) == (path, request_, has_data)


@pytest.mark.parametrize(
    "wire",
    [
        element(0x0100, b"\x30\0"),  # no Message ID
        element(0x0100, b"\x30\x80") + element(0x0120, b"\7\0"),  # a response without Status
        element(0x0100, b"\xff\x0f"),  # C-CANCEL of nothing
    ],
)
def test_unanswerable_request_is_a_decode_error(wire: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_command(wire)
    assert not isinstance(caught.value, MistypedRequest)


# --- Command Sets that differ only in the Message ID ---


def read_with(decode: Callable[[bytes], tuple[Message, bool]], wires: list[bytes]) -> list[object]:
    """Return the result of each, or its error."""
    given: list[object] = []
    for wire in wires:
        try:
            given.append(decode(wire))
        except MistypedRequest as exc:
            given.append((exc.request, exc.has_data, str(exc)))
        except DecodeError as exc:
            given.append(str(exc))
    return given


foreign = C_ECHO_RQ + element(0x0700, bytes(4))
alike = st.sampled_from(
    [C_ECHO_RQ, foreign, C_ECHO_RQ[12:], C_ECHO_RQ + element(0x0110, b"\x01\x02"), C_ECHO_RQ[12:-10], b""]
)


@given(st.lists(st.one_of(alike, mutated(alike), messages.map(encode_command)), max_size=8))
def test_reader_decodes_as_decode_command(wires: list[bytes]) -> None:
    """Mutated ones differ in the Message ID or in other bytes."""
    assert read_with(CommandReader().decode, wires) == read_with(decode_command, wires)


def test_reader_decodes_long_command_sets() -> None:
    tags = tuple(range(0x00080000, 0x00080400))
    get = NGetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", AttributeIdentifierList=tags)
    sent = [get, dataclasses.replace(get, MessageID=2, AttributeIdentifierList=tags[::-1])]
    reader = CommandReader()
    assert [reader.decode(encode_command(each))[0] for each in sent] == sent


@given(messages, st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=4))
def test_message_ids_are_not_cached(message: Message, numbers: list[int]) -> None:
    keyword = "MessageID" if isinstance(message, Request) else "MessageIDBeingRespondedTo"
    sent = [dataclasses.replace(message, Data=None, **{keyword: number}) for number in numbers]
    reader = CommandReader()
    assert [reader.decode(encode_command(each))[0] for each in sent] == sent


@given(st.lists(messages, max_size=8))
def test_writer_encodes_as_encode_command(sent: list[Message]) -> None:
    writer = CommandWriter()
    assert [writer.encode(message) for message in sent * 2] == [encode_command(message) for message in sent * 2]


def test_writer_refuses_equal_value_of_another_type() -> None:
    writer = CommandWriter()
    assert writer.encode(CEchoRSP(MessageIDBeingRespondedTo=1, Status=0))
    with pytest.raises(EncodeError, match=r"0\.0 cannot be written as US"):
        writer.encode(CEchoRSP(MessageIDBeingRespondedTo=1, Status=0.0))  # type: ignore[arg-type]


def test_writer_takes_tags_in_a_list() -> None:
    request = NGetRQ(
        MessageID=1,
        RequestedSOPClassUID="1.2",
        RequestedSOPInstanceUID="1.3",
        AttributeIdentifierList=[0x21100010],  # type: ignore[arg-type]
    )
    message, _ = decode_command(CommandWriter().encode(request))
    assert message == dataclasses.replace(request, AttributeIdentifierList=(0x21100010,))
