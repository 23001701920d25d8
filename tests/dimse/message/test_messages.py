"""The DIMSE messages, PS3.7 §9.3 and §10.3: their fields, their text, and their responses."""

import csv
import dataclasses
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dimse.errors import EncodeError
from dimse.message import (
    MESSAGES,
    RESPONSES,
    CEchoRQ,
    NCreateRQ,
    NCreateRSP,
    NGetRQ,
    joined,
    length_of,
)

COMMAND_SETS = Path(__file__).parents[2] / "vectors" / "command_sets.csv"


def test_messages_have_the_elements_of_their_tables() -> None:
    """Compared with the Command Sets of PS3.7 §9.3 and §10.3, status-dependent elements included."""
    listed: dict[str, list[str]] = defaultdict(list)
    with COMMAND_SETS.open(newline="") as file:
        for row in csv.DictReader(file):
            listed[row["message"]].append(row["keyword"])
    assert len(listed) == len(MESSAGES) == 23
    for name, keywords in listed.items():
        cls = next(cls for cls in MESSAGES.values() if cls.__name__ == name)
        own = {field.name for field in dataclasses.fields(cls)} - {"Data"}
        made = {"CommandGroupLength", "CommandField", "CommandDataSetType"}
        assert own == set(keywords) - made, name


def test_str_elides_the_data_set() -> None:
    """Logs contain no patient data."""
    response = NCreateRSP(MessageIDBeingRespondedTo=3, Status=0x0106, Data=[b"Doe^", memoryview(b"Jane")])
    assert str(response) == "NCreateRSP(MessageIDBeingRespondedTo=3, Status=0106H, Data=8 bytes)"
    request = NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2", Data=b"Doe^Jane")
    assert str(request) == "NCreateRQ(MessageID=1, AffectedSOPClassUID='1.2', Data=8 bytes)"
    assert str(CEchoRQ(MessageID=1, AffectedSOPClassUID="1.2")) == "CEchoRQ(MessageID=1, AffectedSOPClassUID='1.2')"


def test_str_shows_tags_as_the_standard_writes_them() -> None:
    asked = (0x21100010, 0x0010001A)
    request = NGetRQ(
        MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", AttributeIdentifierList=asked
    )
    assert str(request).endswith(", AttributeIdentifierList=[(2110,0010), (0010,001A)])")


def test_each_request_has_its_response() -> None:
    assert {request.__name__: response.__name__ for request, response in RESPONSES.items()} == {
        name + "RQ": name + "RSP"
        for name in (
            *("CStore", "CFind", "CGet", "CMove", "CEcho"),
            *("NEventReport", "NGet", "NSet", "NAction", "NCreate", "NDelete"),
        )
    }


def test_equal_messages_have_one_hash() -> None:
    first, second = (NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2", Data=b"x") for _ in range(2))
    assert first == second
    assert len({first, second}) == 1


def test_messages_of_two_types_differ() -> None:
    assert CEchoRQ(MessageID=1, AffectedSOPClassUID="1.2") != NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2")
    assert CEchoRQ(MessageID=1, AffectedSOPClassUID="1.2") != "CEchoRQ"


@pytest.mark.parametrize(("data", "length"), [(None, 0), (b"abcd", 4), ([b"ab", memoryview(b"cde")], 5)])
def test_length_counts_all_buffers(data: list[bytes | memoryview] | bytes | None, length: int) -> None:
    assert length_of(data) == length


@pytest.mark.parametrize("measure", [length_of, joined])
def test_data_that_is_not_a_buffer_raises(measure: Callable[[Any], object]) -> None:
    with pytest.raises(EncodeError, match="Data: 5 is not bytes or a list of bytes"):
        measure(5)


def test_generator_of_buffers_is_refused_unused() -> None:
    buffers: Any = (part for part in [b"ab", b"cd"])
    with pytest.raises(EncodeError, match="is not bytes or a list of bytes"):
        length_of(buffers)
    assert next(buffers) == b"ab"
