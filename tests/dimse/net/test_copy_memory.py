"""Memory for copies that is used again once nobody refers to it."""

from hypothesis import given
from hypothesis import strategies as st

from dimse.net.copy_memory import CopyMemory

LONG = 1 << 20  # bytes; two blocks hold 16 of these


def address(copy: object) -> object:
    """Return the memory that a copy is a view of."""
    assert isinstance(copy, memoryview)
    return copy.obj


def test_copy_does_not_change_with_its_source() -> None:
    source = bytearray(LONG)
    copy = CopyMemory().copy((source, b"end"))
    source[:] = b"x" * LONG
    assert copy == bytes(LONG) + b"end"


def test_copies_in_use_keep_their_bytes() -> None:
    memory = CopyMemory()
    copies = [memory.copy((bytearray([number]) * LONG,)) for number in range(20)]
    assert [bytes(copy) for copy in copies] == [bytes([number]) * LONG for number in range(20)]


def test_bytes_are_not_copied() -> None:
    data = bytes(LONG)
    assert CopyMemory().copy((data,)) is data


def test_memory_is_used_again() -> None:
    memory = CopyMemory()
    blocks = {id(address(memory.copy((bytearray(LONG),)))) for _ in range(20)}
    assert len(blocks) == 1


def test_copies_beyond_the_memory_get_new_memory() -> None:
    memory = CopyMemory()
    copies = [memory.copy((bytearray(LONG),)) for _ in range(17)]
    assert [isinstance(copy, memoryview) for copy in copies] == [True] * 16 + [False]


def test_block_is_free_after_its_last_copy() -> None:
    memory = CopyMemory()
    copies = [memory.copy((bytearray(LONG),)) for _ in range(16)]
    del copies[:8]
    assert isinstance(memory.copy((bytearray(LONG),)), memoryview)


def test_copy_longer_than_a_block_gets_new_memory() -> None:
    data = bytes(9 * LONG)
    assert CopyMemory().copy((data, b"end")) == data + b"end"


@given(st.lists(st.tuples(st.integers(0, 5 << 20), st.integers(0, 255), st.booleans()), max_size=12))
def test_any_order_of_copies_keeps_their_bytes(steps: list[tuple[int, int, bool]]) -> None:
    memory = CopyMemory()
    kept = []
    for size, value, drops in steps:
        kept.append((memory.copy((bytearray([value]) * size,)), size, value))
        if drops:
            kept.pop(0)
    assert all(bytes(copy) == bytes([value]) * size for copy, size, value in kept)
