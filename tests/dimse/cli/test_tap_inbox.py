"""The inbox of ``dimse tap``: the bytes that threads have read reach the event loop in order, and are bounded."""

import asyncio
from threading import Thread

import pytest
from peers import PATIENCE

import dimse.cli.tap_inbox
from dimse.cli.tap_inbox import Inbox

NOTES = [(number % 3 == 0, bytes([number % 256])) for number in range(1000)]


class Received:
    """A receiver that keeps what it gets."""

    def __init__(self) -> None:
        self.notes: list[tuple[bool, bytes]] = []
        self.times: list[int] = []
        self.changed = asyncio.Event()

    def __call__(self, by_client: bool, data: bytes, when: int) -> None:
        self.notes.append((by_client, data))
        self.times.append(when)
        self.changed.set()


def note_all(inbox: Inbox, received: Received) -> None:
    for by_client, data in NOTES:
        inbox.note(received, by_client, data)


async def test_notes_of_a_thread_are_handed_over_in_order() -> None:
    inbox, received = Inbox(), Received()
    await asyncio.to_thread(note_all, inbox, received)
    inbox.hand_over()
    assert received.notes == NOTES
    assert received.times == sorted(received.times)


async def test_notes_are_handed_over_after_a_pause() -> None:
    inbox, received = Inbox(), Received()
    note_all(inbox, received)
    assert not received.notes
    while len(received.notes) < len(NOTES):
        await received.changed.wait()
        received.changed.clear()
    assert received.notes == NOTES


async def test_many_bytes_are_handed_over_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_inbox, "_LULL", 1000.0)
    monkeypatch.setattr(dimse.cli.tap_inbox, "_ENOUGH", 100)
    inbox, received = Inbox(), Received()
    inbox.note(received, True, bytes(3000))
    await received.changed.wait()
    assert received.notes == [(True, bytes(3000))]


@pytest.mark.parametrize(("bound", "most", "size"), [("_MAX_BYTES", 10_000, 6000), ("_MANY", 4, 1)])
async def test_thread_waits_while_too_much_is_noted(
    bound: str, most: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both cases, the threads wait from the second or third note on."""
    monkeypatch.setattr(dimse.cli.tap_inbox, "_LULL", 1000.0)
    monkeypatch.setattr(dimse.cli.tap_inbox, bound, most)
    inbox, received = Inbox(), Received()
    noted: list[int] = []

    def note() -> None:
        for number in range(30):
            inbox.note(received, True, bytes(size))
            noted.append(number)

    noting = asyncio.create_task(asyncio.to_thread(note))
    while not noting.done():
        await asyncio.sleep(0)
        assert len(noted) <= len(received.notes) + 3
        inbox.hand_over()
    inbox.hand_over()
    assert received.notes == [(True, bytes(size))] * 30


async def test_bytes_of_a_failed_receiver_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_inbox, "_LULL", 1000.0)
    monkeypatch.setattr(dimse.cli.tap_inbox, "_MAX_BYTES", 10_000)
    inbox, received = Inbox(), Received()

    def fail(_by_client: bool, _data: bytes, _when: int) -> None:
        raise OSError("the disk is full")

    inbox.note(fail, True, bytes(6000))
    with pytest.raises(OSError, match="the disk is full"):
        inbox.hand_over()
    noting = Thread(target=inbox.note, args=(received, True, bytes(6000)), daemon=True)
    noting.start()
    noting.join(10)
    assert not noting.is_alive()


def fail(_by_client: bool, _data: bytes, _when: int) -> None:
    """Fail as a receiver of notes."""
    raise MemoryError


def errors_of_the_loop() -> list[BaseException]:
    """Return a list to which the running loop adds the exceptions that nobody else gets."""
    errors = list[BaseException]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context["exception"]))
    return errors


async def test_few_notes_after_a_failed_receiver_are_handed_over() -> None:
    errors = errors_of_the_loop()
    inbox, received = Inbox(), Received()
    inbox.note(fail, True, b"x")
    inbox.note(received, True, b"y")
    async with asyncio.timeout(PATIENCE):
        await received.changed.wait()
    assert received.notes == [(True, b"y")]
    assert [type(error) for error in errors] == [MemoryError]


async def test_steps_go_on_after_a_failed_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_inbox, "_LULL", 1000.0)
    monkeypatch.setattr(dimse.cli.tap_inbox, "_ENOUGH", 100)
    errors = errors_of_the_loop()
    inbox, received = Inbox(), Received()
    inbox.note(fail, True, b"x")
    note_all(inbox, received)
    inbox.note(received, True, bytes(3000))
    while len(received.notes) <= len(NOTES):
        received.changed.clear()
        await received.changed.wait()
    assert [type(error) for error in errors] == [MemoryError]
