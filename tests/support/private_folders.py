"""The end of a private folder, for tests."""

import asyncio
import threading
from collections.abc import Callable
from tempfile import TemporaryDirectory

import pytest

from print_mgmt.destinations import program

__all__ = ["cancel_when_removed"]


def cancel_when_removed(monkeypatch: pytest.MonkeyPatch, cancel: Callable[[], object]) -> None:
    """Let the removal of a private folder call ``cancel`` on the event loop before it ends."""
    loop, remove, canceled = asyncio.get_running_loop(), program._remove, threading.Event()

    def call() -> None:
        cancel()
        canceled.set()

    def remove_and_cancel(folder: "TemporaryDirectory[str]") -> None:
        remove(folder)
        loop.call_soon_threadsafe(call)
        canceled.wait(10)

    monkeypatch.setattr(program, "_remove", remove_and_cancel)
