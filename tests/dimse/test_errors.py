"""Every error of the package goes from one process to another, and says the same there."""

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
    """All exception classes of the package."""
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
def test_an_error_comes_back(kind: type[BaseException]) -> None:
    error = made(kind)
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert again.__dict__ == error.__dict__


def test_each_error_of_the_tree_is_among_them() -> None:
    assert {DimseError, *MADE} <= set(ERRORS)
