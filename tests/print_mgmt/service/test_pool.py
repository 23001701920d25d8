"""Memory that associations share: what there is, and the share of one host."""

from print_mgmt.service import MemoryPool


def test_one_host_leaves_memory_for_the_others() -> None:
    pool = MemoryPool(100, host_size=60)
    assert pool.reserve("a", 40, "10.0.0.1")
    assert not pool.reserve("b", 21, "10.0.0.1")
    assert pool.reserve("b", 20, "10.0.0.1")
    assert not pool.reserve("c", 41, "10.0.0.2")
    assert pool.reserve("c", 40, "10.0.0.2")


def test_memory_that_is_released_is_free_for_its_host() -> None:
    pool = MemoryPool(100, host_size=60)
    assert pool.reserve("a", 60, "10.0.0.1")
    pool.release("a")
    assert pool.reserve("b", 60, "10.0.0.1")


def test_less_than_before_is_always_to_be_had() -> None:
    pool = MemoryPool(100)
    assert pool.reserve("a", 100)
    assert not pool.reserve("a", 101)
    assert pool.reserve("a", 99)
    assert not pool.reserve("b", 2)
    assert pool.reserve("b", 1)
