"""The thread that commits work, and forces commits to the disk on request."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from print_mgmt.spool.committer import Committer


@pytest.fixture
def statements() -> list[str]:
    return []


@contextmanager
def committer(path: Path, statements: list[str]) -> Iterator[Committer[None]]:
    connection = sqlite3.connect(path / "index", isolation_level=None, check_same_thread=False)
    connection.set_trace_callback(statements.append)
    made = Committer(connection, lambda: None, lambda _: None, lambda _: None)
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
