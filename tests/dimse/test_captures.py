"""Recorded conversations between DCMTK and pynetdicom: all bytes decode, and are written back.

The quirks of senders are named here; everything else must be written back byte for byte.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dimse.data import Dataset, decode, encode, expected_length, syntax_of
from dimse.errors import DecodeError
from dimse.message import Assembler, Message, decode_command, encode_command
from dimse.ul import (
    PDU,
    AssociateAC,
    AssociateRQ,
    PDataTF,
    PDUStream,
    accepted,
    decode_pdu,
    encode_pdu,
)

CAPTURES = Path(__file__).parents[1] / "vectors" / "captures"
NAMES = sorted(path.name.removesuffix(".json") for path in CAPTURES.glob("*.json"))

# DCMTK's requestor writes FFH into a reserved byte of each presentation context (Table 9-13).
RESERVED_BYTES_SET = "DCMTK requestor"

# Recordings of broken bytes, and the field that the error must name
BROKEN = {
    "raw-dcmprscp-pdv-length-too-long.c2s": "P-DATA-TF.PDV-item-length",
    "raw-dcmprscp-unknown-pdu-after-associate.c2s": "PDU-type",
}


def wires(direction: str) -> Iterator[tuple[str, bytes]]:
    for name in NAMES:
        path = CAPTURES / f"{name}.{direction}.bin"
        yield f"{name}.{direction}", path.read_bytes()


ALL = [*wires("c2s"), *wires("s2c")]


def pdus(wire: bytes) -> list[tuple[bytes, PDU]]:
    return [(bytes(whole), decode_pdu(bytes(whole))) for whole in PDUStream().feed(wire)]


def test_all_recordings_are_there() -> None:
    assert len(NAMES) == 49


@pytest.mark.parametrize(
    ("name", "wire"),
    [pair for pair in ALL if pair[0] not in BROKEN],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_each_pdu_is_written_back(name: str, wire: bytes) -> None:
    seen = 0
    for raw, pdu in pdus(wire):
        seen += len(raw)
        written = b"".join(encode_pdu(pdu))
        if isinstance(pdu, AssociateRQ) and written != raw:
            differing = {raw[at] for at in range(len(raw)) if raw[at] != written[at]}
            assert differing == {0xFF}, name
            assert len(written) == len(raw)
        else:
            assert written == raw, name
    assert seen == len(wire)


@pytest.mark.parametrize("name", BROKEN)
def test_error_names_the_broken_field(name: str) -> None:
    with pytest.raises(DecodeError) as caught:
        pdus((CAPTURES / f"{name}.bin").read_bytes())
    assert caught.value.path == BROKEN[name]


def messages(name: str) -> Iterator[tuple[str, bytes, Message, str]]:
    """Yield each message of a conversation: direction, Command Set, message, transfer syntax."""
    both = {direction: pdus((CAPTURES / f"{name}.{direction}.bin").read_bytes()) for direction in ("c2s", "s2c")}
    rq = next((pdu for _, pdu in both["c2s"] if isinstance(pdu, AssociateRQ)), None)
    ac = next((pdu for _, pdu in both["s2c"] if isinstance(pdu, AssociateAC)), None)
    if rq is None or ac is None:
        return
    contexts = accepted(rq.presentation_contexts, ac.presentation_contexts)
    syntaxes = {number: syntax_of(context.transfer_syntax) for number, context in contexts.items()}
    for direction, received in both.items():
        assembler = Assembler(lambda number, first: expected_length(first, syntaxes[number]))
        command = b""
        for _, pdu in received:
            for pdv in pdu.pdvs if isinstance(pdu, PDataTF) else ():
                if pdv.context_id not in contexts:  # the sender used an unknown context on purpose
                    continue
                command += bytes(pdv.data) if pdv.is_command else b""
                completed = assembler.add(pdv)
                if completed is not None:
                    yield direction, command, completed[1], contexts[completed[0]].transfer_syntax
                    command = b""


@pytest.mark.parametrize("name", [name for name in NAMES if f"{name}.c2s" not in BROKEN])
def test_each_message_and_data_set_is_written_back(name: str) -> None:
    for direction, command, message, transfer_syntax in messages(name):
        decoded, has_data = decode_command(command)
        assert has_data == (message.Data is not None)
        assert dataclasses.replace(message, Data=None) == decoded
        assert encode_command(message) == command, (name, direction)
        if message.Data is None:
            continue
        assert isinstance(message.Data, bytes | memoryview)
        syntax = syntax_of(transfer_syntax)
        dataset = decode(message.Data, syntax)
        assert encode(dataset, syntax) == message.Data, (name, direction)
        touch(dataset)
        assert encode(dataset, syntax) == message.Data, (name, direction)


def touch(dataset: Dataset) -> None:
    """Decode all values."""
    for element in dataset:
        value = element.value
        for item in value if element.VR == "SQ" and isinstance(value, list) else ():
            assert isinstance(item, Dataset)
            touch(item)


def test_film_box_has_the_recorded_values() -> None:
    boxes = [
        decode(message.Data, syntax_of(transfer_syntax))
        for direction, _, message, transfer_syntax in messages("dcmtk-print-2x3-8bit")
        if direction == "c2s" and type(message).__name__ == "NCreateRQ" and isinstance(message.Data, bytes | memoryview)
    ]
    formats = [box.ImageDisplayFormat for box in boxes if "ImageDisplayFormat" in box]
    assert formats == ["STANDARD\\2,3"]
    events = json.loads((CAPTURES / "dcmtk-print-2x3-8bit.json").read_text())["events"]
    assert events[-1]["kind"] == "fin"
