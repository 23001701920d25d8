"""Programs that nobody here wrote, as peers: DCMTK's tools, and a print SCP on pynetdicom.

Everything runs on free ports of 127.0.0.1 and in a folder of the test. Programs are ended by their id.
A peer that is not installed skips the test; with DIMSE_INTEROP_REQUIRED=1 it fails it.
"""

import asyncio
import importlib
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NamedTuple, NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

import print_mgmt
from dimse.data import pixel_array, read_file
from dimse.uids import (
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    Verification,
    new_uid,
)
from print_mgmt import Film

Pixels = NDArray[np.uint8 | np.uint16]

PATIENCE = 30.0  # seconds, for a program that should be done in one

_PACKAGES = Path(print_mgmt.__file__).parents[1]  # our commands run the code that is tested
_ENVIRONMENT = {
    **os.environ,
    "TCP_NODELAY": "1",  # DCMTK and Nagle's algorithm: 40 ms for each message otherwise
    "PYTHONPATH": os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH")))),
}
_OURS = (sys.executable, "-W", "error", "-m")


def need(module: str) -> ModuleType:
    """A module of a peer that is written in Python."""
    try:
        return importlib.import_module(module)
    except ImportError:
        _missing(f"{module} is not installed: pip install {module.partition('.')[0]}")


def program(name: str, package: str) -> str:
    """The path of a program that a Debian package brings."""
    return shutil.which(name) or _missing(f"{name} is not installed: apt-get install {package}")


def _missing(reason: str) -> NoReturn:
    if os.environ.get("DIMSE_INTEROP_REQUIRED") == "1":
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)


# --- programs ---


class Ended(NamedTuple):
    """What a program left behind."""

    status: int
    out: str
    err: str


@asynccontextmanager
async def _program(
    *command: str | Path, cwd: Path, output: int | IO[bytes] = asyncio.subprocess.PIPE
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that runs as long as the block does, or ends before."""
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, env=_ENVIRONMENT, stdout=output, stderr=output)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.communicate(), PATIENCE)
        except TimeoutError:
            process.kill()
            await process.communicate()


async def _run(*command: str | Path, cwd: Path) -> Ended:
    async with _program(*command, cwd=cwd) as process:
        return await _end(process)


async def _end(process: asyncio.subprocess.Process) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


async def run_dimse(*arguments: str | Path, cwd: Path) -> Ended:
    """Our ``dimse`` command."""
    return await _run(*_OURS, "dimse", *arguments, cwd=cwd)


async def run_print_mgmt(*arguments: str | Path, cwd: Path) -> Ended:
    """Our ``print-mgmt`` command."""
    return await _run(*_OURS, "print_mgmt", *arguments, cwd=cwd)


class Serving(NamedTuple):
    """``print-mgmt serve``, when it listens."""

    process: asyncio.subprocess.Process
    port: int

    async def stop(self) -> Ended:
        """SIGTERM, and what it printed since it listened."""
        self.process.terminate()
        return await _end(self.process)


@asynccontextmanager
async def serving(*options: str | Path, cwd: Path) -> AsyncIterator[Serving]:
    """Our ``print-mgmt serve`` on a free port."""
    async with _program(*_OURS, "print_mgmt", "serve", "--port", "0", *options, cwd=cwd) as process:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
        said, _, port = line.rstrip("\n").rpartition(":")
        assert said == "listening on 127.0.0.1", line
        yield Serving(process, int(port))


class Films(list[Film]):
    """The films that a `PrintServer` handed on."""

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
    """DCMTK's tools at work in ``folder``."""

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
        """Put an authority where the TLS entries of dcmtk.cfg look for it: under the hash of its name."""
        openssl = program("openssl", "openssl")
        hashed = await _run(openssl, "x509", "-noout", "-hash", "-in", ca, cwd=self.folder)
        folder = self.folder / "cacerts"
        folder.mkdir()
        shutil.copy(ca, folder / f"{hashed.out.strip()}.0")

    async def run(self, tool: str, *arguments: str | Path) -> Ended:
        """Run a tool. Its exit status says little: dcmprscu fails with 0 and an ``E:`` line."""
        return await _run(self._programs / tool, *arguments, cwd=self.folder)

    @asynccontextmanager
    async def printer(self, entry: str) -> AsyncIterator[int]:
        """dcmprscp as an entry of dcmtk.cfg; the port at which it listens."""
        port = _free_port()
        command = (self._programs / "dcmprscp", "-v", "-c", self._config(port), "-p", entry)
        with (self.folder / "dcmprscp.log").open("ab") as log:
            async with _program(*command, cwd=self.folder, output=log) as process:
                await _listening(process, port)
                yield port

    @asynccontextmanager
    async def serving(self, tool: str, *arguments: str | Path) -> AsyncIterator[int]:
        """A tool that listens at the port which is its last argument; that port."""
        port = _free_port()
        with (self.folder / f"{tool}.log").open("ab") as log:
            command = (self._programs / tool, *arguments, str(port))
            async with _program(*command, cwd=self.folder, output=log) as process:
                await _listening(process, port)
                yield port

    async def store(self, entry: str, images: list[Path], *options: str) -> StoredFilm:
        """dcmpsprt: a film of ``images`` for the printer ``entry``."""
        ended = await self.run("dcmpsprt", "-c", self._config(port=1), "-p", entry, *options, *images)
        assert ended.status == 0, ended
        return self.films()[-1]

    async def print(self, entry: str, port: int, film: StoredFilm, *options: str) -> list[str]:
        """dcmprscu: print ``film`` at ``port``. The errors that it had."""
        ended = await self.run("dcmprscu", "-c", self._config(port), "-p", entry, *options, film.path)
        lines = (ended.out + ended.err).splitlines()
        return [line for line in lines if line.startswith(("E:", "F:"))]

    def films(self) -> list[StoredFilm]:
        """All films of the database, the oldest first."""
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
    """The pixels of a DICOM file, read by this project and by pydicom, which agree."""
    file = read_file(path)
    ours: Pixels = pixel_array(file.dataset, file.syntax)
    theirs = need("pydicom").dcmread(path).pixel_array
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
    return ours


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    """Wait until somebody can connect. dcmprscp does not say when it listens."""
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
            return
    pytest.fail(f"it ended with {process.returncode} before it listened")


# --- pynetdicom ---


class Printed(NamedTuple):
    """A film that a `PynetdicomPrinter` printed: the film box by keyword, and the image in each position."""

    film_box: dict[str, str]
    images: dict[int, Pixels]


@dataclass(kw_only=True)
class PynetdicomPrinter:
    """A print SCP on pynetdicom, for an SCU that names its instances itself.

    ``answers`` has the status for a service of a SOP Class where it is not success, such as
    ``{("N-SET", BasicGrayscaleImageBox): 0xB604}``. ``omit_uids``: N-CREATE-RSP has no Affected SOP
    Class and Instance UID. ``aborts_on`` is the request at which it aborts the association.
    ``before_session`` gets pynetdicom's event of each session N-CREATE before it is answered.
    """

    answers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    omit_uids: bool = False
    before_session: Callable[[Any], None] | None = None
    aborts_on: tuple[str, str] | None = None
    require_called: bool = False
    maximum_pdu_size: int = 16382
    PrinterStatus: str = "NORMAL"
    requests: list[tuple[str, str]] = field(default_factory=list)  # service, SOP Class UID
    films: list[Printed] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)  # "EVT_RELEASED" or "EVT_ABORTED", for each association
    _instances: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def listening(self) -> Iterator[int]:
        """The port at which it listens, as long as the block runs."""
        pynetdicom = need("pynetdicom")
        entity = pynetdicom.AE(ae_title="PNDSCP")
        entity.require_called_aet = self.require_called
        entity.maximum_pdu_size = self.maximum_pdu_size
        for abstract in (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta, Verification):
            entity.add_supported_context(abstract)
        evt = pynetdicom.evt
        handlers = [
            (evt.EVT_N_GET, self._get),
            (evt.EVT_N_CREATE, self._create),
            (evt.EVT_N_SET, self._set),
            (evt.EVT_N_ACTION, self._action),
            (evt.EVT_N_DELETE, self._delete),
            (evt.EVT_DIMSE_SENT, self._sent),
            (evt.EVT_RELEASED, self._ended),
            (evt.EVT_ABORTED, self._ended),
        ]
        server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        try:
            yield server.server_address[1]
        finally:
            for association in server.active_associations:
                association.join(PATIENCE)
            server.shutdown()

    def _status(self, event: Any, service: str, sop_class: Any) -> int:
        request = (service, str(sop_class))
        self.requests.append(request)
        if request == self.aborts_on:
            event.assoc.abort()
        return self.answers.get(request, 0x0000)

    def _get(self, event: Any) -> tuple[int, Any]:
        status = self._status(event, "N-GET", event.request.RequestedSOPClassUID)
        printer = need("pydicom").Dataset()
        printer.PrinterStatus, printer.PrinterStatusInfo = self.PrinterStatus, "NORMAL"
        printer.PrinterName = "PNDSCP"
        return status, printer

    def _create(self, event: Any) -> tuple[int, Any]:
        request = event.request
        status = self._status(event, "N-CREATE", request.AffectedSOPClassUID)
        attributes = event.attribute_list if request.AttributeList else need("pydicom").Dataset()
        if request.AffectedSOPClassUID == BasicFilmBox:
            is_color = event.context.abstract_syntax == BasicColorPrintManagementMeta
            attributes.ReferencedImageBoxSequence = self._image_boxes(
                attributes.ImageDisplayFormat, BasicColorImageBox if is_color else BasicGrayscaleImageBox
            )
        elif self.before_session is not None:
            self.before_session(event)
        self._instances[str(request.AffectedSOPInstanceUID)] = attributes
        return status, attributes

    def _image_boxes(self, display_format: str, sop_class: str) -> list[Any]:
        columns, rows = display_format.removeprefix("STANDARD\\").split(",")
        boxes = [need("pydicom").Dataset() for _ in range(int(columns) * int(rows))]
        for box in boxes:
            box.ReferencedSOPClassUID, box.ReferencedSOPInstanceUID = sop_class, new_uid()
        return boxes

    def _set(self, event: Any) -> tuple[int, Any]:
        status = self._status(event, "N-SET", event.request.RequestedSOPClassUID)
        self._instances[str(event.request.RequestedSOPInstanceUID)] = event.modification_list
        return status, None

    def _action(self, event: Any) -> tuple[int, Any]:
        sop_class, uid = event.request.RequestedSOPClassUID, str(event.request.RequestedSOPInstanceUID)
        status = self._status(event, "N-ACTION", sop_class)
        if status == 0x0000:
            boxes = [uid] if sop_class == BasicFilmBox else self._film_boxes()
            self.films += [self._printed(self._instances[box]) for box in boxes]
        return status, None

    def _film_boxes(self) -> list[str]:
        return [uid for uid, instance in self._instances.items() if "ImageDisplayFormat" in instance]

    def _printed(self, film_box: Any) -> Printed:
        uids = [str(item.ReferencedSOPInstanceUID) for item in film_box.ReferencedImageBoxSequence]
        filled = [self._instances[uid] for uid in uids if uid in self._instances]
        attributes = {element.keyword: str(element.value) for element in film_box if element.VR != "SQ"}
        return Printed(attributes, {box.ImageBoxPosition: _item_pixels(box) for box in filled})

    def _delete(self, event: Any) -> int:
        sop_class, uid = event.request.RequestedSOPClassUID, str(event.request.RequestedSOPInstanceUID)
        status = self._status(event, "N-DELETE", sop_class)
        if status == 0x0000 and sop_class == BasicFilmBox:
            del self._instances[uid]
        elif status == 0x0000:
            self._instances.clear()  # a session goes with all that it has
        return status

    def _sent(self, event: Any) -> None:
        """Called before a message is encoded: take from an N-CREATE-RSP what this printer does not say."""
        command = event.message.command_set
        if self.omit_uids and command.CommandField == 0x8140:
            for keyword in ("AffectedSOPClassUID", "AffectedSOPInstanceUID"):
                uid = command[keyword].value
                command.CommandGroupLength -= 8 + len(uid) + len(uid) % 2
                del command[keyword]

    def _ended(self, event: Any) -> None:
        self.ends.append(event.event.name)


def _item_pixels(box: Any) -> Pixels:
    """The pixels of an image box, taken from the bytes without any DICOM library."""
    (item,) = box.get("BasicGrayscaleImageSequence") or box.BasicColorImageSequence
    size = item.Rows * item.Columns * item.SamplesPerPixel
    samples = np.frombuffer(item.PixelData, "<u1" if item.BitsAllocated == 8 else "<u2")[:size]
    if item.SamplesPerPixel == 1:
        return samples.reshape(item.Rows, item.Columns)
    assert item.PlanarConfiguration == 1  # PS3.3 C.13.5
    return np.moveaxis(samples.reshape(3, item.Rows, item.Columns), 0, -1)
