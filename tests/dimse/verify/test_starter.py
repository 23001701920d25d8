"""A peer that the tester starts: it is started again when a case has damaged it, and its parallel cases agree."""

import asyncio
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from peers import free_port

from dimse.verify import CASES, Case, Close, Level, Peer, Target, Verdict, result, verify_scp
from dimse.verify.case import CaseRun
from dimse.verify.observation import CLOSED, SUCCESS, Seen
from dimse.verify.starter import Starter

SERVER = Path(__file__).parents[2] / "support" / "started_peer.py"
SANITY = next(case for case in CASES if case.id == "UL-A-1.01")


async def echoed(peer: Peer) -> Seen:
    return await peer.echo(await peer.associate())


async def kills(peer: Peer) -> Seen:
    """Send the Message ID at which the peer of these tests ends."""
    wire = await peer.associate()
    peer.say_echo(wire, message_id=666)
    return await wire.next()


def case(case_id: str, run: CaseRun) -> Case:
    return Case(
        id=case_id,
        title="",
        section="",
        level=Level.MUST,
        run=run,
        passes=(SUCCESS, CLOSED),
        close=Close.NONE,
    )


async def started(*cases: Case, words: tuple[str, ...] = (), port: int = 0) -> result.Run:
    port = port or free_port()
    target = Target(host="127.0.0.1", port=port, timeout=1.0, revival=20.0)
    return await verify_scp(target, [SANITY, *cases], start=words or (sys.executable, str(SERVER), str(port)))


async def test_peer_that_ended_is_damaged_and_started_again() -> None:
    run = await started(case("UL-F-1.01", kills), case("UL-F-1.02", echoed))
    found = [(each.case.id, each.verdict, each.is_damaged) for each in run.results]
    assert found[1:3] == [("UL-F-1.01", Verdict.PASS, True), ("UL-F-1.02", Verdict.PASS, False)]
    assert "exit status 3" in run.results[1].reason
    assert (run.exit_status(), run.stopped) == (1, "")


async def test_command_that_ends_at_once_is_not_judged() -> None:
    run = await started(words=(sys.executable, "-c", "raise SystemExit('no configuration')"))
    assert (run.exit_status(), run.results) == (3, [])
    assert run.stopped == "--start: the command ended with exit status 1: no configuration"


async def test_command_that_cannot_start_is_not_judged() -> None:
    run = await started(words=("/no/such/program",))
    assert run.exit_status() == 3
    assert "/no/such/program" in run.stopped


async def test_starter_that_finds_a_listener_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        starter = Starter(("true",), *listener.getsockname())
        with pytest.raises(OSError, match="something already listens"):
            await starter.__aenter__()
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240  # the folder of the test


@pytest.mark.skips_waits
async def test_port_that_never_answers_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait_forever(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", wait_forever)
    with pytest.raises(FileNotFoundError):  # of the command, which is started
        async with asyncio.timeout(60), Starter(("/no/such/program",), "127.0.0.1", 104):
            pass


async def test_canceled_end_kills_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ending = asyncio.Event()

    async def never_ends(_: asyncio.subprocess.Process) -> int:
        ending.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr("dimse.verify.starter.end_group", never_ends)
    created, create = list[asyncio.subprocess.Process](), asyncio.create_subprocess_exec

    async def keep(*words: str, **options: Any) -> asyncio.subprocess.Process:
        created.append(await create(*words, **options))
        return created[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", keep)
    port = free_port()
    starter = Starter((sys.executable, str(SERVER), str(port)), "127.0.0.1", port)
    await starter.__aenter__()
    leaving = asyncio.ensure_future(starter.__aexit__())
    await ending.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    async with asyncio.timeout(60):
        assert await created[0].wait() == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240  # the folder of the test
