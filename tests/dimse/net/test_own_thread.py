"""Calls that may never return have threads of their own."""

import asyncio
import errno
import gc
import os
import socket
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dimse.net import VERIFICATION, serve
from dimse.net.own_thread import addresses_of, first_reached, in_own_thread, on_own_loop, reach


@pytest.fixture
async def go_on() -> AsyncIterator[threading.Event]:
    """Keep the only thread of asyncio busy until the event is set, at the latest at the end of the test."""
    event, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, event.wait, 60)
    yield event
    event.set()
    await busy


async def test_call_needs_no_thread_of_asyncio(go_on: threading.Event) -> None:
    assert await in_own_thread(int, "7", base=8) == 7
    assert not go_on.is_set()


async def test_process_waits_for_no_call_at_its_end() -> None:
    assert await in_own_thread(lambda: threading.current_thread().daemon)


async def test_error_of_a_call_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_own_thread(lambda: 1 // 0)


async def test_canceled_call_is_not_awaited() -> None:
    logged, may_end, has_ended = list[object](), threading.Event(), threading.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))

    def fail() -> None:
        may_end.wait(60)
        has_ended.set()
        raise ValueError

    calling = asyncio.create_task(in_own_thread(fail))
    await asyncio.sleep(0)
    calling.cancel()
    await asyncio.wait({calling})
    assert not has_ended.is_set()
    may_end.set()
    await in_own_thread(has_ended.wait, 60)
    gc.collect()
    assert logged == []


async def test_lack_of_threads_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    for call in (in_own_thread(int), on_own_loop(lambda: asyncio.sleep(0))):
        with pytest.raises(OSError, match="can't start new thread") as raised:
            await call
        assert raised.value.errno == errno.EAGAIN


async def test_coroutine_runs_on_another_loop() -> None:
    async def work() -> tuple[bool, int]:
        return asyncio.get_running_loop() is not here, threading.get_ident()

    here = asyncio.get_running_loop()
    is_other, thread = await on_own_loop(work)
    assert is_other
    assert thread != threading.get_ident()


async def test_error_of_a_coroutine_is_raised() -> None:
    async def work() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await on_own_loop(work)


async def test_canceled_coroutine_ends_on_its_loop() -> None:
    has_begun, has_ended = threading.Event(), threading.Event()

    async def work() -> None:
        has_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            has_ended.set()

    running = asyncio.create_task(on_own_loop(work))
    assert await in_own_thread(has_begun.wait, 60)
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert await in_own_thread(has_ended.wait, 60)


async def test_name_is_looked_up_without_a_thread_of_asyncio(go_on: threading.Event) -> None:
    assert set(await addresses_of("localhost")) & {"127.0.0.1", "::1"}
    assert not go_on.is_set()


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "fe80::7%eth0"])
async def test_address_is_not_looked_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "getaddrinfo")
    assert await addresses_of(address) == [address]


async def connected(address: str) -> str:
    """Return the address if it answers."""
    if address == "silent":
        await asyncio.Event().wait()
    if address == "refusing":
        raise OSError(errno.ECONNREFUSED, "refused")
    return address


async def test_silent_address_leaves_time_for_the_next() -> None:
    """Some networks drop all packets to addresses of IPv6."""
    assert await first_reached("peer", ["silent", "silent", "right"], connected, 0.03) == "right"


async def test_only_address_has_all_the_time() -> None:
    """The caller bounds it."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await first_reached("peer", ["silent"], connected, 0)


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        (["refusing", "refusing"], "refused"),
        (["silent", "refusing"], os.strerror(errno.ETIMEDOUT)),
        (["refusing", "silent", "refusing"], "refused"),
    ],
)
async def test_error_is_the_one_of_the_first_address(addresses: list[str], words: str) -> None:
    with pytest.raises(OSError, match=f"{words}$"):
        await first_reached("peer", addresses, connected, 0.02)


async def test_unknown_name_is_an_error() -> None:
    with pytest.raises(socket.gaierror):
        await addresses_of("no.such.host.invalid")


async def test_server_and_client_need_no_thread_of_asyncio(go_on: threading.Event) -> None:
    async with serve([VERIFICATION], "localhost", 0) as server:
        transport, _ = await reach(asyncio.Protocol, "localhost", server.port, 60)
        transport.close()
    assert not go_on.is_set()
