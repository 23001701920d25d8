"""The thread that commits work, and forces commits to the disk on request."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import TypeVar

import pytest

from print_mgmt.spool import committer as committer_module
from print_mgmt.spool.committer import Committer

T = TypeVar("T")


@pytest.fixture
def statements() -> list[str]:
    return []


@contextmanager
def committer(
    path: Path,
    statements: list[str],
    *,
    committed: Callable[[None], object] = lambda _: None,
    step: Callable[[str], None] = lambda _: None,
) -> Iterator[Committer[None]]:
    connection = sqlite3.connect(path / "index", isolation_level=None, check_same_thread=False)
    connection.set_trace_callback(statements.append)
    made = Committer(connection, lambda: None, committed, step)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(("forced", "level"), [(True, "FULL"), (False, "NORMAL")])
async def test_commit_is_forced_if_asked(tmp_path: Path, statements: list[str], level: str, *, forced: bool) -> None:
    with committer(tmp_path, statements) as made:
        await made.execute(lambda: statements.append("work"), forced=forced)
    assert statements[:2] == [f"PRAGMA synchronous={level}", "BEGIN IMMEDIATE"]


async def test_work_that_is_not_forced_comes_first(tmp_path: Path, statements: list[str]) -> None:
    """The result of such work does not wait until the other work of the group is on the disk."""
    queued = Event()
    with committer(tmp_path, statements) as made:
        first = asyncio.ensure_future(made.execute(queued.wait))
        await asyncio.sleep(0)
        others = [
            asyncio.ensure_future(made.execute(partial(statements.append, name), forced=name == "forced"))
            for name in ("forced", "unforced")
        ]
        await asyncio.sleep(0)
        queued.set()
        await asyncio.gather(first, *others)
    assert [one for one in statements if one in ("forced", "unforced")] == ["unforced", "forced"]


async def test_commit_is_told_before_the_results(
    tmp_path: Path, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that has the result finds in the log which leases its transaction has ended."""

    class Noting(Future[T]):
        def set_result(self, result: T) -> None:
            order.append("result")
            super().set_result(result)

    order = list[str]()
    monkeypatch.setattr(committer_module, "Future", Noting)
    with committer(tmp_path, statements, committed=lambda _: order.append("committed")) as made:
        await made.execute(partial(int, "1"))
    assert order == ["committed", "result"]


def fail(_: object) -> None:
    raise ZeroDivisionError("a bug")


def fail_after_commit(step: str) -> None:
    if step == "committed":
        raise ZeroDivisionError("a bug")


@pytest.mark.parametrize("is_step", [False, True])
async def test_error_after_the_commit_keeps_the_results(
    tmp_path: Path, statements: list[str], monkeypatch: pytest.MonkeyPatch, *, is_step: bool
) -> None:
    """The second piece of work is performed, too."""
    reported: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    with (
        committer(tmp_path, statements, step=fail_after_commit)
        if is_step
        else committer(tmp_path, statements, committed=fail)
    ) as made:
        async with asyncio.timeout(60):
            assert [await made.execute(partial(int, digit)) for digit in "12"] == [1, 2]
    assert [one.exc_type for one in reported] == [ZeroDivisionError] * 2
