"""A program as a destination, with real programs."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from accepted import DOE, accepted_film
from private_folders import cancel_when_removed

from dimse.data import Dataset
from print_mgmt import ConfigError
from print_mgmt.destinations import CommandDestination, Condition, DeliveryFailed, Outcome, command, program
from print_mgmt.film import Page

pytestmark = pytest.mark.all_loops

Make = Callable[..., CommandDestination]


@pytest.fixture
def script(tmp_path: Path) -> Make:
    """Return a function that makes a destination of Python code; ``out`` is a folder for its results."""

    def make(code: str, *arguments: str, **options: object) -> CommandDestination:
        path = tmp_path / "script.py"
        path.write_text(f"import json, os, pathlib, signal, subprocess, sys, time\nout = {str(tmp_path)!r}\n{code}\n")
        return CommandDestination(command=(sys.executable, str(path), *arguments), dpi=20, **options)  # type: ignore[arg-type]  # any option

    return make


async def fails(destination: CommandDestination) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as raised:
        await destination.deliver(accepted_film(), DOE)
    return raised.value


KEEP = """
begins = [pathlib.Path(path).read_bytes()[:4].hex() for path in sys.argv[1:]]
pathlib.Path(out, 'got').write_text(json.dumps([sys.argv[1:], begins]))
"""


async def test_program_gets_the_files(script: Make, tmp_path: Path) -> None:
    await script(KEEP, formats=("png", "pdf")).deliver(accepted_film(), DOE)
    paths, begins = json.loads((tmp_path / "got").read_text())
    assert [Path(path).suffix for path in paths] == [".png", ".pdf"]
    assert begins == [b"\x89PNG".hex(), b"%PDF".hex()]
    assert not Path(paths[0]).parent.exists()


async def test_program_gets_the_description(script: Make, tmp_path: Path) -> None:
    code = "pathlib.Path(out, 'got').write_bytes(pathlib.Path(sys.argv[2]).read_bytes())"
    await script(code, "--json", "{json}").deliver(accepted_film(), DOE)
    described = json.loads((tmp_path / "got").read_text())
    assert described["identified"]["PatientName"] == "Doe^Jane"
    assert described["calling_ae_title"] == "CT01"


async def test_hostile_values_are_on_no_command_line(script: Make, tmp_path: Path) -> None:
    hostile = "$(touch pwned);\x1b[2J'\"" + "x" * 1000
    film = accepted_film(Originator=hostile, FilmSessionLabel=hostile)
    code = "pathlib.Path(out, 'got').write_text(json.dumps([sys.argv, dict(os.environ)]))"
    await script(code, "{files}", "{json}").deliver(film, Dataset(PatientID="pwned", PatientName="pwned"))
    assert "pwned" not in (tmp_path / "got").read_text()


async def test_stderr_is_the_reason(script: Make) -> None:
    failure = await fails(script("sys.exit('no toner \\x1b[2J')"))
    assert failure.outcome is Outcome.LATER
    assert str(failure).endswith("failed with exit status 1: no toner \\x1b[2J")


async def test_status_65_is_never_tried_again(script: Make) -> None:
    assert (await fails(script("sys.exit(65)"))).outcome is Outcome.NEVER


async def test_endless_output_is_bounded(script: Make) -> None:
    failure = await fails(script("sys.stderr.write('x' * 3_000_000)\nprint('y' * 3_000_000)\nsys.exit(1)"))
    assert len(str(failure)) <= 1000


CHILD = """
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
pathlib.Path(out, 'child.part').write_text(str(child.pid))
os.rename(pathlib.Path(out, 'child.part'), pathlib.Path(out, 'child'))
"""


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(holds):
            pass


async def assert_child_ends(folder: Path) -> None:
    pid = int((folder / "child").read_text())
    await until(lambda: not is_alive(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_limit_kills_the_whole_group(script: Make, tmp_path: Path) -> None:
    failure = await fails(script(CHILD + "print('waiting', file=sys.stderr, flush=True)\ntime.sleep(60)", seconds=1.0))
    assert failure.outcome is Outcome.INDETERMINATE
    assert "did not end within 1 s and was killed: waiting" in str(failure)
    await assert_child_ends(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_end_of_the_program_ends_its_children(script: Make, tmp_path: Path) -> None:
    await script(CHILD).deliver(accepted_film(), DOE)
    await assert_child_ends(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_cancellation_kills_the_program(script: Make, tmp_path: Path) -> None:
    delivery = asyncio.create_task(script(CHILD + "time.sleep(60)").deliver(accepted_film(), DOE))
    await until((tmp_path / "child").exists)
    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery
    await assert_child_ends(tmp_path)


async def test_cancellation_leaves_no_file(script: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, ended, folders = threading.Event(), threading.Event(), threading.Event(), list[Path]()

    def write(_page: Page, folder: Path, *_: object, **__: object) -> list[Path]:
        folders.append(folder)
        begun.set()
        go_on.wait(10)
        folder.mkdir(exist_ok=True)  # as if this file had kept its folder from being removed
        (folder / "film.png").write_bytes(b"")
        ended.set()
        return [folder / "film.png"] * 2

    monkeypatch.setattr(command, "write_page", write)
    delivery = asyncio.create_task(script("").deliver(accepted_film(), DOE))
    await asyncio.to_thread(begun.wait, 10)
    delivery.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait({delivery})
    await asyncio.to_thread(ended.wait, 10)
    assert delivery.cancelled()
    assert not folders[0].exists()


async def test_lack_of_a_thread_that_removes_the_files_does_not_repeat_the_film(
    script: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(folder: "TemporaryDirectory[str]") -> None:
        folder.cleanup()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(program, "_remove", refuse)
    assert (await script("").deliver(accepted_film(), DOE)).warnings == ()
    (line,) = caplog.messages
    assert line.endswith(" is not removed now: can't start new thread")


async def test_program_that_has_ended_is_not_canceled(script: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = asyncio.create_task(script("").deliver(accepted_film(), DOE))
    cancel_when_removed(monkeypatch, delivery.cancel)
    assert (await delivery).warnings == ()


async def test_repeatable_program_is_tried_again(script: Make) -> None:
    assert (await fails(script("os.kill(os.getpid(), signal.SIGKILL)", repeatable=True))).outcome is Outcome.LATER


async def test_signal_leaves_doubt(script: Make) -> None:
    failure = await fails(script("os.kill(os.getpid(), signal.SIGTERM)"))
    assert failure.outcome is Outcome.INDETERMINATE
    assert "was ended by SIGTERM" in str(failure)


async def test_missing_program_is_tried_again() -> None:
    failure = await fails(CommandDestination(command=("/nowhere/print",), dpi=20))
    assert failure.outcome is Outcome.LATER
    assert "/nowhere/print: No such file" in str(failure)


async def test_check_looks_for_the_program() -> None:
    assert await CommandDestination(command=(sys.executable,)).check() == Condition()
    missing = await CommandDestination(command=("/nowhere/print",)).check()
    assert (missing.PrinterStatus, missing.reason) == ("WARNING", "/nowhere/print is not a program")


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("command", {"command": ()}),
        ("command", {"command": ("x\0y",)}),
        ("seconds", {"seconds": 0.0}),
        ("formats", {"formats": ("gif",)}),
        ("dpi", {"dpi": 0}),
    ],
)
def test_wrong_value_names_its_key(key: str, values: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as raised:
        CommandDestination(**{"command": ("lp",), **values})  # type: ignore[arg-type]  # wrong on purpose
    assert raised.value.key == key


DEEP = "import os\nfor _ in range(2000):\n    os.mkdir('d')\n    os.chdir('d')"


async def test_folders_that_a_program_leaves_do_not_repeat_the_film(caplog: pytest.LogCaptureFixture) -> None:
    """Removing them raised RecursionError after the film was delivered."""
    destination = CommandDestination(command=(sys.executable, "-c", DEEP), dpi=20)
    assert (await destination.deliver(accepted_film(), DOE)).made == (Path(sys.executable).name,)
    for message in caplog.messages:  # newer versions of Python remove such folders, too
        folder, _, why = message.partition(" remains: ")
        assert why == "its folders are nested too deeply"
        await asyncio.to_thread(subprocess.call, ["rm", "-rf", folder])


async def test_folder_of_a_program_is_removed_in_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may leave 100,000 files."""
    cleanup, threads = TemporaryDirectory.cleanup, list[int]()

    def noted(folder: "TemporaryDirectory[str]") -> None:
        threads.append(threading.get_ident())
        cleanup(folder)

    monkeypatch.setattr(TemporaryDirectory, "cleanup", noted)
    await CommandDestination(command=(sys.executable, "-c", ""), dpi=20).deliver(accepted_film(), DOE)
    (thread,) = threads
    assert thread != threading.get_ident()
