"""Memory for the fragments of a Data Set, and Data Sets that are dropped."""

import errno
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.errors import LimitExceeded
from dimse.limits import Limits
from dimse.message import MAX_AHEAD, STEP, UNCOUNTED, Assembler, Message, NSetRQ, Sink, encode_command, fragment
from dimse.message.sinks import MemorySink, PlainStorage
from dimse.ul import PDV, PDataTF

SET = NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=b"")


def no_hint(context_id: int, first: memoryview) -> int | None:  # noqa: ARG001
    return None


def cut(message: Message, max_length: int) -> list[PDV]:
    return [pdv for pdu in fragment(1, encode_command(message), message.Data, max_length) for pdv in pdu.pdvs]


@given(st.integers(0, 5 * STEP), st.sampled_from([1 << 10, 1 << 14, 1 << 17, 0]))
def test_growth_covers_the_data_set(size: int, max_length: int) -> None:
    counts: list[int] = []
    assembler = Assembler(lambda *_: size, on_growth=counts.append)
    _, first, *others = pdvs = cut(replace(SET, Data=bytes(size)), max_length)
    for pdv in pdvs:
        assembler.add(pdv)
    ahead = min(size + UNCOUNTED, MAX_AHEAD * len(first.data)) if others else 0  # committed at the first fragment
    assert (counts != []) == (max(size, ahead) > UNCOUNTED)
    assert size <= sum(counts) + UNCOUNTED <= max(2 * UNCOUNTED, 2 * size, size + STEP)


def test_bytes_ahead_are_reported_and_have_not_arrived() -> None:
    counts: list[int] = []
    assembler = Assembler(lambda *_: STEP, on_growth=counts.append)
    command, *pdvs = cut(replace(SET, Data=bytes(STEP)), 1 << 17)
    arrived, ahead = 0, []
    assembler.add(command)
    assert assembler.ahead() == 0
    for pdv in pdvs[:-1]:
        assembler.add(pdv)
        arrived += len(pdv.data)
        ahead.append(assembler.ahead() == sum(counts) + UNCOUNTED - arrived)
    assert all(ahead)
    assembler.add(pdvs[-1])
    assert assembler.ahead() == 0


class ByteArrays:
    """Long storage that is memory after all; ``is_full`` if it can take no more Data Sets."""

    above, memory = 1 << 20, 1000

    def __init__(self) -> None:
        self.is_full = False

    def begin(self, limit: int) -> Sink | None:
        return None if self.is_full else MemorySink(PlainStorage(), None, 0, limit, lambda _count: None)


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("hint", [None, 1000, 3 << 20])
def test_growth_counts_the_memory_of_the_storage(hint: int | None, is_full: bool) -> None:
    counts: list[int] = []
    storage, data = ByteArrays(), bytes(range(256)) * (3 << 12)
    storage.is_full = is_full
    assembler = Assembler(lambda *_: hint, on_growth=counts.append, long_storage=storage)
    done = [one for pdv in cut(replace(SET, Data=data), 1 << 16) if (one := assembler.add(pdv))]
    assert done[0][1].Data == data
    if is_full:
        assert len(data) <= sum(counts) + UNCOUNTED <= len(data) + STEP
    else:
        assert sum(counts) == storage.memory


@pytest.mark.parametrize("hint", [None, 0, 10, 300_000, 3_000_000, 1 << 40])
def test_wrong_expected_length_loses_nothing(hint: int | None) -> None:
    data = bytes(range(256)) * 8000
    assembler = Assembler(lambda context_id, first: hint, Limits(data_set=1 << 22))  # noqa: ARG005
    completed = [done for pdv in cut(replace(SET, Data=data), 65536) if (done := assembler.add(pdv))]
    assert completed[0][1].Data == data


def test_run_stops_at_the_reserved_memory() -> None:
    """The other PDUs are added one by one, where memory grows or the limit is exceeded."""
    assembler = Assembler(no_hint, Limits(data_set=100))
    middle = PDataTF((PDV(1, bytes(40), False, False),))
    assert assembler.add_run([middle]) == 0  # no message is under way
    for pdv in (PDV(1, encode_command(SET), True, True), *middle.pdvs):
        assembler.add(pdv)
    assert assembler.add_run([middle, middle, middle]) == 1
    with pytest.raises(LimitExceeded, match="120 exceeds the limit data_set = 100"):
        assembler.add(middle.pdvs[0])


# --- a Data Set that is read and dropped ---


@pytest.mark.parametrize("expected", [None, 3000])
def test_skipped_data_set_is_not_kept(expected: int | None) -> None:
    assembler = Assembler(lambda number, first: expected, Limits(data_set=1000), max_skipped=lambda message: 3000)  # noqa: ARG005
    whole = replace(SET, Data=bytes(3000))
    done = [completed for pdv in cut(whole, 200) if (completed := assembler.add(pdv))]
    assert done == [(1, replace(SET, Data=None))]
    assert not assembler.is_midway


def test_run_is_not_taken_for_a_skipped_data_set() -> None:
    """Its PDUs are added one by one, where the bound of skipped bytes is checked."""
    assembler = Assembler(no_hint, Limits(data_set=1000), max_skipped=lambda message: 3000)  # noqa: ARG005
    for pdv in cut(replace(SET, Data=bytes(3000)), 600)[:3]:
        assembler.add(pdv)
    assert assembler.add_run([PDataTF((PDV(1, bytes(40), False, False),))]) == 0


def test_message_after_a_skipped_one_is_kept() -> None:
    assembler = Assembler(no_hint, Limits(data_set=1000), max_skipped=lambda message: 3000)  # noqa: ARG005
    short = replace(SET, Data=bytes(500))
    for pdv in cut(replace(SET, Data=bytes(3000)), 200):
        assembler.add(pdv)
    assert [completed for pdv in cut(short, 200) if (completed := assembler.add(pdv))] == [(1, short)]


def test_skipped_bytes_are_bounded() -> None:
    assembler = Assembler(no_hint, Limits(data_set=1000), max_skipped=lambda message: 2000)  # noqa: ARG005
    taken = 0
    with pytest.raises(LimitExceeded, match="exceeds the limit data_set = 1000"):
        for pdv in cut(replace(SET, Data=bytes(3000)), 200):
            assembler.add(pdv)
            taken += len(pdv.data)
    assert 1800 < taken <= 2100


class FullStorage:
    """A storage in a system without memory."""

    def reserve(self, size: int, arrived: int) -> memoryview:  # noqa: ARG002
        raise MemoryError

    def grow(self, view: memoryview, length: int, size: int) -> memoryview:  # noqa: ARG002
        raise MemoryError


def test_data_set_without_room_exceeds_the_memory() -> None:
    assembler = Assembler(lambda number, first: 1 << 20, storage=FullStorage())  # noqa: ARG005
    with pytest.raises(LimitExceeded, match=r"^Data Set: the system has no room for \d+ bytes$") as caught:
        for pdv in cut(replace(SET, Data=bytes(2000)), 1000):
            assembler.add(pdv)
    assert (caught.value.limit, caught.value.bound) == ("memory", None)


def test_data_set_that_cannot_grow_exceeds_the_memory() -> None:
    class FixedStorage(PlainStorage):
        def grow(self, view: memoryview, length: int, size: int) -> memoryview:  # noqa: ARG002
            raise OSError(errno.ENOSPC, "no space")

    assembler = Assembler(no_hint, storage=FixedStorage())
    with pytest.raises(LimitExceeded, match="the system has no room"):
        for pdv in cut(replace(SET, Data=bytes(40 * STEP)), 1 << 16):
            assembler.add(pdv)
