"""An error does not keep what its callers have, once they have handled it."""

import asyncio
from collections.abc import Callable

import pytest
from cycles import cycles_left

from dimse.data import DEFLATED_LE, EXPLICIT_LE, Dataset, decode, encode
from dimse.errors import AssociationAborted, DecodeError, copy_of
from dimse.message import Assembler, CEchoRQ, NSetRQ, decode_command, encode_command
from dimse.net.own_thread import in_own_thread
from dimse.ul import PDV

_SET = encode_command(NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=b""))
_NO_CLASS = _SET.replace(b"\0\0\3\0", b"\0\0\xff\x7f")  # no Requested SOP Class UID (0000,0003)
_ECHO = encode_command(CEchoRQ(MessageID=7, AffectedSOPClassUID="1.2.840.10008.1.1"))


def assemble_mistyped_request() -> object:
    assembler = Assembler(lambda _id, _first: None)
    assembler.add(PDV(1, _NO_CLASS, True, True))
    return assembler.add(PDV(1, bytes(2), False, True))


FAILURES: dict[str, Callable[[], object]] = {
    "cut-off Data Set": lambda: decode(encode(Dataset(PatientName="Doe^John"), EXPLICIT_LE)[:-1], EXPLICIT_LE),
    "cut-off deflation": lambda: decode(encode(Dataset(PatientName="Doe^John"), DEFLATED_LE)[:-2], DEFLATED_LE),
    "mistyped request": lambda: decode_command(_NO_CLASS),
    "mistyped request with a Data Set": assemble_mistyped_request,
    "unknown message": lambda: decode_command(_ECHO.replace(b"\x30\0", b"\xff\x0f")),
    "unreadable element": lambda: decode_command(_ECHO.replace(b"\0\1\2\0\0\0\x30\0", b"\0\1\1\0\0\0\x30")),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_error_leaves_no_cycle(failure: str) -> None:
    with cycles_left() as left, pytest.raises(DecodeError):
        FAILURES[failure]()
    assert left == set()


async def test_error_of_an_own_thread_leaves_no_cycle() -> None:
    with cycles_left() as left:
        with pytest.raises(ZeroDivisionError):
            await in_own_thread(divmod, 1, 0)
        await asyncio.sleep(0)  # the loop drops what has woken this task
    assert left == set()


def test_copy_of_an_error_has_its_cause_but_no_traceback() -> None:
    with pytest.raises(AssociationAborted) as raised:
        raise AssociationAborted(2, 0, "closed") from OSError("reset")
    again = copy_of(raised.value)
    assert (str(again), again.__cause__, again.__traceback__) == (str(raised.value), raised.value.__cause__, None)
