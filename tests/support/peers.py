"""Programs of DCMTK as peers, and our own commands beside them.

Everything runs on free ports of 127.0.0.1 and in a folder of the test. Programs are ended by their id. A test without
its peer is skipped, or fails with DIMSE_INTEROP_REQUIRED=1.
"""

import asyncio
import importlib
import os
import random
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NamedTuple, NoReturn

import numpy as np
import pytest
from forked import AsyncCopy, async_copied
from numpy.typing import NDArray

import print_mgmt
from dimse.data import pixel_array, read_file
from print_mgmt import Film

Pixels = NDArray[np.uint8 | np.uint16]

_PORTS = range(20_000, 32_000)
_ATTEMPTS = 3

PATIENCE = 30.0  # seconds, for a program that should end within one second

_PACKAGES = Path(print_mgmt.__file__).parents[1]  # our commands run the code that is tested
_ENVIRONMENT = {
    **os.environ,
    "TCP_NODELAY": "1",  # otherwise, Nagle's algorithm in DCMTK costs 40 ms for each message
    "PYTHONPATH": os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH")))),
}


def need(module: str) -> ModuleType:
    """Return a module of a peer that is written in Python."""
    try:
        return importlib.import_module(module)
    except ImportError:
        _missing(f"{module} is not installed: pip install {module.partition('.')[0]}")


def program(name: str, package: str) -> str:
    """Return the path of a program from a Debian package."""
    return shutil.which(name) or _missing(f"{name} is not installed: apt-get install {package}")


def _missing(reason: str) -> NoReturn:
    if os.environ.get("DIMSE_INTEROP_REQUIRED") == "1":
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)


# --- programs ---


class Ended(NamedTuple):
    """The end of a program."""

    status: int
    out: str
    err: str


@asynccontextmanager
async def running(
    *command: str | Path, cwd: Path, output: int | IO[bytes] = asyncio.subprocess.PIPE
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program without input, at most until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=_ENVIRONMENT, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
    )
    try:
        yield process
    finally:
        await _stop(process)


async def run(*command: str | Path, cwd: Path) -> Ended:
    """Run a program to its end."""
    async with running(*command, cwd=cwd) as process:
        return await _end(process)


@asynccontextmanager
async def running_ours(package: str, *arguments: str | Path, cwd: Path) -> AsyncIterator[AsyncCopy]:
    """Run a command of ours without input, at most until the end of the block."""
    async with async_copied(package, *arguments, cwd=cwd, PYTHONPATH=_ENVIRONMENT["PYTHONPATH"]) as process:
        try:
            yield process
        finally:
            await _stop(process)


async def _stop(process: asyncio.subprocess.Process | AsyncCopy) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.communicate()


async def _end(process: asyncio.subprocess.Process | AsyncCopy) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


async def run_dimse(*arguments: str | Path, cwd: Path) -> Ended:
    """Run our ``dimse`` command."""
    async with running_ours("dimse", *arguments, cwd=cwd) as process:
        return await _end(process)


async def run_print_mgmt(*arguments: str | Path, cwd: Path) -> Ended:
    """Run our ``print-mgmt`` command."""
    async with running_ours("print_mgmt", *arguments, cwd=cwd) as process:
        return await _end(process)


class Serving(NamedTuple):
    """A ``print-mgmt serve`` that listens."""

    process: AsyncCopy
    port: int

    async def stop(self) -> Ended:
        """Send SIGTERM; return its output since it began to listen."""
        self.process.terminate()
        return await _end(self.process)


@asynccontextmanager
async def serving(*options: str | Path, cwd: Path) -> AsyncIterator[Serving]:
    """Run ``print-mgmt serve`` on a free port."""
    spool = ("--spool", cwd / "spool")
    async with running_ours("print_mgmt", "serve", "--port", "0", *spool, *options, cwd=cwd) as process:
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
        said, _, port = line.rstrip("\n").rpartition(":")
        assert said == "listening on 127.0.0.1", line
        yield Serving(process, int(port))


@asynccontextmanager
async def tapping(port: int, *options: str | Path, cwd: Path, package: str = "dimse") -> AsyncIterator[Serving]:
    """Run ``dimse tap`` or ``print-mgmt tap`` before ``port``."""
    target = ("--listen", "0", "--to", f"127.0.0.1:{port}")
    async with running_ours(package, "tap", *target, *options, cwd=cwd) as process:
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
        said = line.partition(",")[0].rpartition(":")
        assert said[0] == "listening on 127.0.0.1", line
        yield Serving(process, int(said[2]))


class Films(list[Film]):
    """The films of a `PrintServer`."""

    async def __call__(self, film: Film) -> None:
        self.append(film)


# --- DCMTK ---


@dataclass(frozen=True)
class StoredFilm:
    """A film as DCMTK stores it: the film box as pydicom reads it, and the file of the image in each position."""

    path: Path
    film_box: Any
    images: dict[int, Path]


class Dcmtk:
    """The tools of DCMTK, running in ``folder``."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("dcmprscp")
        if found is None:
            _missing("DCMTK is not installed: apt-get install dcmtk")
        self._programs = Path(found).parent  # pynetdicom installs an echoscu, too
        self.folder = folder
        self._template = (Path(__file__).parents[1] / "interop" / "dcmtk.cfg").read_text()
        for name in ("database", "spool"):
            (folder / name).mkdir(parents=True)

    async def trust(self, ca: Path) -> None:
        """Put an authority where dcmtk.cfg looks for it: under the hash of its name."""
        openssl = program("openssl", "openssl")
        hashed = await run(openssl, "x509", "-noout", "-hash", "-in", ca, cwd=self.folder)
        folder = self.folder / "cacerts"
        folder.mkdir()
        shutil.copy(ca, folder / f"{hashed.out.strip()}.0")

    async def run(self, tool: str, *arguments: str | Path) -> Ended:
        """Run a tool. Do not trust its exit status: dcmprscu fails with 0 and an ``E:`` line."""
        return await run(self._programs / tool, *arguments, cwd=self.folder)

    @asynccontextmanager
    async def printer(self, entry: str) -> AsyncIterator[int]:
        """Run dcmprscp as an entry of dcmtk.cfg; yield its port."""

        def arguments(port: int) -> tuple[str | Path, ...]:
            return "-v", "-c", self._config(port), "-p", entry

        async with self._listening("dcmprscp", arguments) as port:
            yield port

    @asynccontextmanager
    async def serving(self, tool: str, *arguments: str | Path) -> AsyncIterator[int]:
        """Run a tool whose last argument is a port; yield the port."""
        async with self._listening(tool, lambda port: (*arguments, str(port))) as port:
            yield port

    @asynccontextmanager
    async def _listening(self, tool: str, arguments: Callable[[int], Sequence[str | Path]]) -> AsyncIterator[int]:
        """Run a tool on a free port; yield it and the port. Take another port if another program is quicker."""
        with (self.folder / f"{tool}.log").open("ab") as log:
            for _ in range(_ATTEMPTS):
                port = free_port()
                command = (self._programs / tool, *arguments(port))
                async with running(*command, cwd=self.folder, output=log) as process:
                    if await _listens(process, port):
                        yield port
                        return
        pytest.fail(f"{tool} ended with {process.returncode} before it listened, {_ATTEMPTS} times")

    async def store(self, entry: str, images: list[Path], *options: str) -> StoredFilm:
        """Make a film of ``images`` for the printer ``entry`` by dcmpsprt."""
        ended = await self.run("dcmpsprt", "-c", self._config(port=1), "-p", entry, *options, *images)
        assert ended.status == 0, ended
        return self.films()[-1]

    async def print(self, entry: str, port: int, film: StoredFilm, *options: str) -> list[str]:
        """Print ``film`` at ``port`` by dcmprscu; return its errors."""
        ended = await self.run("dcmprscu", "-c", self._config(port), "-p", entry, *options, film.path)
        lines = (ended.out + ended.err).splitlines()
        return [line for line in lines if line.startswith(("E:", "F:"))]

    def films(self) -> list[StoredFilm]:
        """Return all films of the database, the oldest first."""
        database = self.folder / "database"
        dcmread = need("pydicom").dcmread
        by_uid = {dcmread(path).SOPInstanceUID: path for path in database.glob("HG_*.dcm")}
        stored = sorted(database.glob("SP_*.dcm"), key=lambda path: path.stat().st_mtime_ns)
        return [_stored_film(path, by_uid) for path in stored]

    def _config(self, port: int) -> Path:
        path = self.folder / f"dcmtk-{port}.cfg"
        path.write_text(self._template.replace("@PORT@", str(port)))
        return path


def _stored_film(path: Path, by_uid: Mapping[str, Path]) -> StoredFilm:
    dataset = need("pydicom").dcmread(path)
    boxes = dataset.ImageBoxContentSequence
    images = {box.ImageBoxPosition: by_uid[box.ReferencedImageSequence[0].ReferencedSOPInstanceUID] for box in boxes}
    return StoredFilm(path, dataset.FilmBoxContentSequence[0], images)


def stored_pixels(path: Path) -> Pixels:
    """Return the pixels of a DICOM file, after a comparison with pydicom."""
    file = read_file(path)
    ours: Pixels = pixel_array(file.dataset, file.syntax)
    theirs = need("pydicom").dcmread(path).pixel_array
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
    return ours


def free_port() -> int:
    """Return a free port outside the range of ports of outgoing connections."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


async def _listens(process: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until a client can connect; return False if the program ends first."""
    async with asyncio.timeout(PATIENCE):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 0.02)
                continue
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return True
    return False
