"""The bounded queue between the event loop and a thread."""

from threading import Thread

from dimse.net.byte_queue import Queue

NO_PAUSE = 0.0


def queue(most: int) -> Queue[str, str]:
    return Queue(most, lambda key: f"{key} has lost bytes")


def test_short_reads_count_with_their_overhead() -> None:
    items = queue(1000)
    items.put("begin")
    for _ in range(10):
        items.put_bytes("a", "a byte", 1)
    items.put("end")
    assert items.take(1 << 20, NO_PAUSE) == ["begin", "a has lost bytes", "end"]


def test_association_with_most_bytes_loses_them() -> None:
    items = queue(10_000)
    for size in (4000, 100, 4000, 4000):
        items.put_bytes("short" if size == 100 else "long", f"{size}", size)
    items.put_bytes("long", "later", 1)
    items.put_bytes("short", "later", 1)
    assert items.take(1 << 20, NO_PAUSE) == ["100", "long has lost bytes", "later"]
    assert items.size == 0


def test_forgotten_association_takes_bytes_again() -> None:
    items = queue(1000)
    items.drop("a")
    items.forget("a")
    items.put_bytes("a", "bytes", 1)
    assert items.take(1, NO_PAUSE) == ["bytes"]


def test_batches_are_bounded() -> None:
    items = queue(1 << 20)
    for _ in range(10):
        items.put_bytes("a", "bytes", 1000)
    assert len(items.take(3000, NO_PAUSE)) == 3


def test_urgent_item_is_taken_without_a_pause() -> None:
    items = queue(1000)
    items.put("soon", is_urgent=True)
    assert items.take(1, 1e6) == ["soon"]


def test_enough_bytes_end_the_wait() -> None:
    items = queue(1 << 20)
    items.put("begin")

    def add() -> None:
        for _ in range(100):
            items.put_bytes("a", "bytes", 1000)

    adding = Thread(target=add)
    adding.start()
    assert len(items.take(100_000, 1e6)) == 1 + 84  # with the overhead of each item
    adding.join()


def test_closed_queue_ends() -> None:
    items = queue(1000)
    items.close()
    assert items.take(1000, NO_PAUSE) == []
