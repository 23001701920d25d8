"""Work that is completed although its caller is canceled."""

import asyncio

import pytest

from dimse.errors import DimseError
from print_mgmt.spool.tasks import Completion


class Work:
    """Work that takes one event to end; ``ended`` has its result, and what was undone."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.ended: list[str] = []

    async def run(self) -> str:
        await self.go_on.wait()
        self.ended.append("done")
        return "result"

    async def undo(self, result: str) -> None:
        await asyncio.sleep(0)
        self.ended.append(f"{result} undone")


async def failing(go_on: asyncio.Event) -> str:
    """Fail after an event."""
    await go_on.wait()
    raise DimseError("the disk is full")


async def canceled(task: "asyncio.Task[str] | asyncio.Task[None]", times: int = 1) -> None:
    """Cancel a task again and again, after each of its steps."""
    for _ in range(times):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)


async def test_canceled_caller_waits_for_the_end() -> None:
    work = Work()
    running = asyncio.create_task(Completion().run(work.run()))
    await canceled(running)
    assert not running.done()
    work.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert work.ended == ["done"]


async def test_close_waits_for_work_of_a_twice_canceled_caller() -> None:
    work, completion = Work(), Completion()
    running = asyncio.create_task(completion.run(work.run()))
    await canceled(running, times=2)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert work.ended == []
    work.go_on.set()
    await completion.close()
    assert work.ended == ["done"]


async def test_close_waits_for_work_that_begins_meanwhile() -> None:
    first, second, completion = Work(), Work(), Completion()

    async def both() -> str:
        await completion.run(first.run())
        second.go_on.set()
        return await completion.run(second.run())

    running = asyncio.create_task(both())
    await asyncio.sleep(0)
    first.go_on.set()
    await completion.close()
    assert await running == "result"


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_canceled_work_is_undone(times: int) -> None:
    work, completion = Work(), Completion()
    running = asyncio.create_task(completion.run_or_undo(work.run(), work.undo))
    await canceled(running, times)
    work.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    await completion.close()
    assert work.ended == ["done", "result undone"]


async def test_work_that_cannot_be_undone_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: str) -> None:
        raise DimseError("the index is away")

    work = Work()
    running = asyncio.create_task(Completion().run_or_undo(work.run(), fail))
    await canceled(running)
    work.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert caplog.messages == ["a canceled change of the spool was not undone: the index is away"]


async def test_failure_after_a_cancel_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    running = asyncio.create_task(Completion().run(failing(go_on := asyncio.Event())))
    await canceled(running)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert caplog.messages == ["a change whose caller was canceled has failed: the disk is full"]


async def test_failed_work_is_not_undone(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    running = asyncio.create_task(Completion().run_or_undo(failing(go_on := asyncio.Event()), work.undo))
    await canceled(running)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (work.ended, caplog.messages) == ([], ["a canceled change has failed: the disk is full"])


@pytest.mark.parametrize("is_undone", [True, False])
async def test_unforeseen_error_of_canceled_work_keeps_the_cancellation(
    caplog: pytest.LogCaptureFixture, *, is_undone: bool
) -> None:
    async def fail(*_: object) -> str:
        await go_on.wait()
        raise ZeroDivisionError("a bug")

    go_on, work = asyncio.Event(), Work()
    work.go_on = go_on
    run = Completion().run_or_undo
    running = asyncio.create_task(run(work.run(), fail) if is_undone else run(fail(), work.undo))
    await canceled(running)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    (record,) = caplog.records
    assert record.exc_info is not None


@pytest.mark.skips_waits
async def test_close_cancels_work_that_takes_too_long() -> None:
    work, completion = Work(), Completion()
    running = asyncio.create_task(completion.run(work.run()))
    await canceled(running, times=2)
    await completion.close()
    assert work.ended == []


async def test_canceled_close_cancels_the_work() -> None:
    work, completion = Work(), Completion()
    running = asyncio.create_task(completion.run(work.run()))
    await canceled(running, times=2)
    closing = asyncio.create_task(completion.close())
    await canceled(closing)
    with pytest.raises(asyncio.CancelledError):
        await closing
    work.go_on.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert work.ended == []
