"""Errors survive pickling and copying, and show hostile values harmlessly."""

import copy
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator

import pytest

import dimse
from dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    DecodeError,
    DimseError,
    EncodeError,
    LimitExceeded,
    ServiceError,
    cut,
    escaped,
    shown,
)
from dimse.message import CEchoRQ
from dimse.message.command import MistypedRequest

ECHO = CEchoRQ(MessageID=1, AffectedSOPClassUID="1.2")
MADE: dict[type[BaseException], BaseException] = {
    DecodeError: DecodeError("what", path="(0028,0010)", offset=4, rule="PS3.5 §7.1"),
    EncodeError: EncodeError("what", path="(0028,0010)"),
    LimitExceeded: LimitExceeded("max_pdu", "a PDU of 9 bytes", 8, path="P-DATA-TF"),
    AssociationRejected: AssociationRejected(1, 1, 3),
    AssociationAborted: AssociationAborted(2, 1, "because"),
    MistypedRequest: MistypedRequest(DecodeError("what"), ECHO, has_data=False),
    ServiceError: ServiceError(0x0106, "Invalid attribute value", operation="N-SET", comment="why"),
}


def errors() -> Iterator[type[BaseException]]:
    """Yield all exception classes of the package."""
    for module in pkgutil.walk_packages(dimse.__path__, "dimse."):
        if module.name.endswith("__main__"):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(kind, BaseException) and kind.__module__.startswith("dimse"):
                yield kind


ERRORS = sorted(set(errors()), key=lambda kind: kind.__qualname__)


def made(kind: type[BaseException]) -> BaseException:
    return MADE[kind] if kind in MADE else kind("something went wrong")


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__qualname__)
def test_error_survives_pickle_and_copy(kind: type[BaseException]) -> None:
    error = made(kind)
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert again.__dict__ == error.__dict__


def test_all_errors_of_the_tree_are_tried() -> None:
    assert {DimseError, *MADE} <= set(ERRORS)


@pytest.mark.parametrize(
    ("path", "tag"),
    [("(0028,0010)", 0x00280010), ("(2020,0110)[0].(0028,0011)", 0x00280011), ("Called-AE-title", None), ("", None)],
)
def test_decode_error_has_the_innermost_tag(path: str, tag: int | None) -> None:
    assert DecodeError("what", path=path).tag == tag


def test_cut_keeps_a_short_text() -> None:
    assert cut("abcdef", 6) == "abcdef"


def test_cut_ends_a_long_text_with_dots() -> None:
    assert cut("abcdefg", 6) == "abc..."


def test_cut_without_a_bound_keeps_all() -> None:
    assert cut("a" * 1000, None) == "a" * 1000


def test_shown_cuts_a_long_value() -> None:
    assert shown("a" * 1000) == "'" + "a" * 65 + "..."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (memoryview(b"abc"), "b'abc'"),
        ([memoryview(b"abc"), "d"], "[b'abc', 'd']"),
        (memoryview(bytes(1 << 20)), repr(bytes(100))[:66] + "..."),
    ],
    ids=["view", "list", "long"],
)
def test_shown_has_the_bytes_of_a_view(value: object, text: str) -> None:
    assert shown(value) == text


def test_shown_names_the_type_of_a_huge_number() -> None:
    """Python refuses to write an int of more than 4,300 digits."""
    assert shown(10**5000) == "<int>"


def test_escaped_shows_control_characters() -> None:
    assert escaped("a\x1b[2J") == r"a\x1b[2J"


def test_escaped_shows_a_surrogate_as_its_byte() -> None:
    assert escaped("R\udcd6NTGEN") == r"R\xd6NTGEN"
