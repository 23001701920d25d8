"""Several processes behind one port, and workers without a port."""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from forked import Copy
from listening import META, client_at
from served import serving, site_serving, working

import print_mgmt.cli
from dimse.uids import PrintJob
from print_mgmt import PrintClient
from print_mgmt.cli import fleet
from print_mgmt.cli.signals import Action
from print_mgmt.spool import EmbeddedSpool, FilmState

if not hasattr(os, "pidfd_open"):
    pytest.skip("only Linux tells the children of a process", allow_module_level=True)

IMAGE = np.zeros((2, 2), np.uint8)
SITE = """
[spool]
at = "spool"
[printers.one]
ae_title = "PRINTSCP"
default = true
[destinations.files]
type = "folder"
path = "films"
formats = ["png"]
dpi = 30
"""


def children(process: Copy) -> list[int]:
    """Return the processes that a process has started."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def peer(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


async def printed(address: str, count: int) -> None:
    """Print from several clients, one after the other."""
    for _ in range(count):
        async with PrintClient(*peer(address)) as client:
            await client.print_images([IMAGE])


def stopped(process: Copy) -> tuple[int, str, str]:
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    return process.wait(), output, errors


async def test_events_reach_the_clients_of_each_process(tmp_path: Path) -> None:
    """Any of the processes may print the film."""
    with serving(tmp_path / "films", "--format", "png", "--processes", "2") as (address, process):

        async def one(number: int) -> list[int]:
            async with client_at(*peer(address), META, PrintJob) as one:
                await one.fill_film(FilmSessionLabel=str(number))
                await one.print_film()
                return [event for _, _, event, _ in await one.next_events(3)]

        assert await asyncio.gather(*map(one, range(6))) == [[1, 2, 3]] * 6
        status, output, errors = await asyncio.to_thread(stopped, process)
    assert (status, errors) == (0, "")
    assert len(output.splitlines()) == 6


async def test_killed_process_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path / "films", "--format", "png", "--processes", "2") as (address, process):
        before = await asyncio.to_thread(children, process)
        os.kill(before[0], signal.SIGKILL)
        line = await asyncio.to_thread(process.stderr.readline)
        assert f"process {before[0]} was killed by signal 9; another one is started" in line
        line = await asyncio.to_thread(process.stderr.readline)
        assert "listens" in line
        after = await asyncio.to_thread(children, process)
        assert len(after) == 2
        assert before[1] in after
        await printed(address, 4)
        assert (await asyncio.to_thread(stopped, process))[0] == 0
    assert len(list((tmp_path / "films").glob("*.png"))) == 4


async def test_children_end_with_their_parent(tmp_path: Path) -> None:
    with serving(tmp_path / "films", "--processes", "2") as (_, process), ExitStack() as stack:
        ends = [os.pidfd_open(pid) for pid in await asyncio.to_thread(children, process)]
        for end in ends:
            stack.callback(os.close, end)
        process.kill()
        for end in ends:
            readable, _, _ = await asyncio.to_thread(select.select, [end], [], [], 60)
            assert readable == [end]


async def test_unwritten_films_are_reported_once(tmp_path: Path) -> None:
    out = tmp_path / "films"
    with serving(out, "--format", "png", "--processes", "2") as (address, process):
        out.rmdir()
        out.touch()
        await printed(address, 2)
        status, _, errors = await asyncio.to_thread(stopped, process)
    assert status == 1
    told = [line for line in errors.splitlines() if "could not be written" in line]
    assert told == ["print-mgmt: 2 accepted films could not be written: CHECK PRINTER (kept in the spool)"]


async def test_sighup_reaches_each_process(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    await asyncio.to_thread(file.write_text, SITE)
    with site_serving(file, "--processes", "2") as (address, process):
        await asyncio.to_thread(file.write_text, SITE.replace('path = "films"', 'path = "others"'))
        process.send_signal(signal.SIGHUP)
        lines = [await asyncio.to_thread(process.stderr.readline) for _ in range(2)]
        assert all("the configuration was read again; changed: destinations.files" in line for line in lines)
        await printed(address, 4)
        status, _, errors = await asyncio.to_thread(stopped, process)
    assert (status, errors) == (0, "")
    assert [len(list((tmp_path / folder).glob("*.png"))) for folder in ("films", "others")] == [0, 4]


def test_taken_port_is_one_line(tmp_path: Path) -> None:
    with serving(tmp_path / "films") as (address, _):
        command = [sys.executable, "-m", "print_mgmt", "serve", "--processes", "2", "--port", address.split(":")[1]]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"cannot listen on {address}: Address already in use" in ended.stderr


_STARTING = """
import os, sys, time
name = sys.argv[0]
try:
    os.mkdir(name + ".first")
except FileExistsError:
    os.mkdir(name + ".second")
    os.read(int(sys.argv[-1]), 1)
    os.mkdir(name + ".ended")
else:
    while not os.path.exists(name + ".second"):
        time.sleep(0.01)
    sys.exit(1)
"""


async def test_starting_process_ends_if_another_cannot_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends when its pair of sockets is closed, before the parent ends."""
    program = tmp_path / "program"
    await asyncio.to_thread(program.write_text, f"#!{sys.executable} -S{_STARTING}")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(fleet, "handle_signals", lambda **_: asyncio.Event())
    monkeypatch.setattr(fleet, "restore_signals", lambda: None)
    with pytest.raises(fleet.FleetError, match="exit status 1"):
        await fleet.run_fleet(2, "127.0.0.1", 0, lambda *_: None, reloads=False)
    assert program.with_suffix(".ended") in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))


_TELLING = """
import os, signal, sys
told = os.open(sys.argv[0] + ".told", os.O_WRONLY)
signal.signal(signal.SIGUSR1, lambda *_: os.write(told, b"%d" % os.getpid()))
parent = int(sys.argv[-1])
os.write(parent, b"r")
os.read(parent, 1)
"""


async def number_from(pipe: int) -> int:
    readable, _, _ = await asyncio.to_thread(select.select, [pipe], [], [], 60)
    assert readable == [pipe]
    return int(os.read(pipe, 64))


async def test_sigusr1_reaches_a_running_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent has not noticed yet that the process that got the first signal has died."""
    program, stop, ready = tmp_path / "program", asyncio.Event(), asyncio.Event()
    await asyncio.to_thread(program.write_text, f"#!{sys.executable} -S{_TELLING}")
    program.chmod(0o700)
    os.mkfifo(program.with_suffix(".told"))
    told = os.open(program.with_suffix(".told"), os.O_RDWR)
    retries: list[Action] = []

    def handle(*, retry: Action, reload: Action | None) -> asyncio.Event:
        assert reload is None
        retries.append(retry)
        return stop

    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(fleet, "handle_signals", handle)
    monkeypatch.setattr(fleet, "restore_signals", lambda: None)
    running = asyncio.create_task(fleet.run_fleet(2, "127.0.0.1", 0, lambda *_: ready.set(), reloads=False))
    await ready.wait()
    await retries[0]()
    first = await number_from(told)
    end = os.pidfd_open(first)
    os.kill(first, signal.SIGKILL)
    assert select.select([end], [], [], 60)[0] == [end]
    await retries[0]()
    second = await number_from(told)
    stop.set()
    await running
    for descriptor in (told, end):
        os.close(descriptor)
    assert first != second


def test_faults_need_one_process(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        print_mgmt.cli.main(["serve", "--processes", "2", "--fail", "C605@N-SET"])
    assert caught.value.code == 2
    assert "argument --fail: not allowed with --processes" in capsys.readouterr().err


async def test_work_delivers_films_of_other_processes(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    await asyncio.to_thread(file.write_text, SITE)
    with site_serving(file, "--no-delivery") as (address, _):
        await printed(address, 2)
        async with EmbeddedSpool(tmp_path / "spool") as spool:
            assert {film.state for film in await spool.list()} == {FilmState.QUEUED}
        with working(file) as worker:
            assert (await asyncio.to_thread(stopped, worker))[0] == 0
    assert len(list((tmp_path / "films").glob("*.png"))) == 2


async def test_child_ends_if_its_report_is_unread() -> None:
    parents, childs = socket.socketpair()
    with childs:
        fleet.report_ready(childs.fileno())
        parents.close()
        await fleet.wait_for_end_of_parent(childs.fileno())
