"""One timer watches what begins and ends often: it fires once something is under way for too long, never else."""

import asyncio

from dimse.net.deadline import Deadline


async def test_what_does_not_end_in_time_expires_once() -> None:
    expired = asyncio.Event()
    deadline = Deadline(0.01, expired.set)
    deadline.begin()
    await expired.wait()
    assert not deadline.is_running


async def test_what_ends_in_time_and_what_is_watched_no_more_does_not_expire() -> None:
    later = asyncio.Event()
    expired: list[str] = []
    ended, cancelled = Deadline(0.01, lambda: expired.append("ended")), Deadline(0.01, lambda: expired.append("gone"))
    for deadline in (ended, cancelled, Deadline(0.03, later.set)):
        deadline.begin()
    ended.end()
    cancelled.cancel()
    cancelled.cancel()
    await later.wait()
    assert expired == []


async def test_what_begins_anew_has_all_its_time_again() -> None:
    sooner, later = asyncio.Event(), asyncio.Event()
    anew = Deadline(0.03, later.set)
    anew.begin()
    half = Deadline(0.02, sooner.set)
    half.begin()
    await sooner.wait()
    anew.begin()
    half.begin()
    sooner.clear()
    await sooner.wait()  # the first timer has fired meanwhile
    assert not later.is_set()
    await later.wait()
