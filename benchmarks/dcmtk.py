"""Programs of DCMTK as contestants, without Nagle's algorithm, which delays every message by 40 ms.

Only the *stock* ones have their default settings, and therefore that delay.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.images import film_images, large_image
from benchmarks.processes import HOST, free_port, program
from dimse.data import Dataset, set_pixels, write_file
from dimse.uids import SecondaryCaptureImageStorage

__all__ = ["STOCK", "Archive", "Printer", "archive", "echo", "printer", "verifier"]

_ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
STOCK = {name: value for name, value in os.environ.items() if name != "TCP_NODELAY"}  # as it is shipped
_LAYOUT = ("2", "3")
_NAME = "BENCHMARK"
_FOLDERS = ("database", "lut", "spool")

# The settings that dcmprscp requires, and images of 8 bits.
_CONFIGURATION = """\
[[GENERAL]]
[PRINT]
Directory = spool
[DATABASE]
Directory = database
[LUT]
Directory = lut
[NETWORK]
aetitle = {name}
[[COMMUNICATION]]
[{name}]
Type = LOCALPRINTER
Hostname = {host}
Port = {port}
Aetitle = {name}
MaxPDU = 131072
DisplayFormat = {columns},{rows}
FilmSizeID = 14INX17IN
MediumType = BLUE FILM
FilmDestination = MAGAZINE
MagnificationType = NONE
MaxDensity = 320
Supports12Bit = false
SupportsPresentationLUT = true
"""


@contextmanager
def verifier(folder: Path, environment: Mapping[str, str] = _ENVIRONMENT) -> Iterator[int]:
    """Run a storescp, one process for all associations, that answers C-ECHO; yield its port."""
    port = free_port()
    with program(["storescp", "--ignore", str(port)], port, environment=environment, folder=folder):
        yield port


def echo(port: int, times: int, environment: Mapping[str, str] = _ENVIRONMENT) -> float:
    """Return the mean of C-ECHOs of one echoscu, minus the time of a single one."""
    return (_echoscu(port, times + 1, environment) - _echoscu(port, 1, environment)) / times


def _echoscu(port: int, times: int, environment: Mapping[str, str]) -> float:
    seconds, _ = _run(["echoscu", "--repeat", str(times), HOST, str(port)], Path.cwd(), environment)
    return seconds


@dataclass(frozen=True, slots=True)
class Archive:
    """A storescp that drops its images, and a file for it."""

    port: int
    file: Path

    def store(self) -> float:
        """Return the mean of 4 C-STOREs of one storescu, minus the time of a single one."""
        return (self._storescu(5) - self._storescu(1)) / 4

    def _storescu(self, times: int) -> float:
        argv = ["storescu", "--max-pdu", "131072", "--max-send-pdu", "131072", "--repeat", str(times)]
        return _run([*argv, HOST, str(self.port), str(self.file)], self.file.parent)[0]


@contextmanager
def archive(folder: Path, mebibytes: int) -> Iterator[Archive]:
    """Run a storescp; yield it with an image in a file."""
    port = free_port()
    (path,) = _image_files(folder, [large_image(mebibytes)])
    argv = ["storescp", "--ignore", "--max-pdu", "131072", str(port)]
    with program(argv, port, environment=_ENVIRONMENT, folder=folder):
        yield Archive(port, folder / path)


@dataclass(frozen=True, slots=True)
class Printer:
    """A running dcmprscp, and a film for it."""

    folder: Path
    port: int
    stored_print: Path
    environment: Mapping[str, str]

    def film(self) -> float:
        """Print the film by a dcmprscu, minus the time of one that only prints its version."""
        printed, said = self._dcmprscu(str(self.stored_print))
        if said:  # its exit status is always 0, and only an error makes it print something
            raise RuntimeError(said)
        idle, _ = self._dcmprscu("--version")
        return printed - idle

    def _dcmprscu(self, *argv: str) -> tuple[float, str]:
        return _run(["dcmprscu", "--config", "printers.cfg", "--printer", _NAME, *argv], self.folder, self.environment)


@contextmanager
def printer(folder: Path, environment: Mapping[str, str] = _ENVIRONMENT) -> Iterator[Printer]:
    """Run dcmprscp in ``folder``, where it stores its films, and make a film for it by dcmpsprt."""
    for name in _FOLDERS:
        (folder / name).mkdir()
    port = free_port()
    columns, rows = _LAYOUT
    configuration = _CONFIGURATION.format(name=_NAME, host=HOST, port=port, columns=columns, rows=rows)
    (folder / "printers.cfg").write_text(configuration)
    tool = ["--config", "printers.cfg", "--printer", _NAME]
    _run(["dcmpsprt", *tool, "--layout", *_LAYOUT, *_image_files(folder, film_images())], folder)
    (made,) = _stored_prints(folder)
    with program(["dcmprscp", *tool], port, environment=environment, folder=folder):
        Printer(folder, port, made, environment).film()
        # The film of dcmpsprt has 12 bits, which dcmprscu reduces. The printed and stored film has 8.
        (printed,) = _stored_prints(folder) - {made}
        yield Printer(folder, port, printed, environment)


def _stored_prints(folder: Path) -> set[Path]:
    return set((folder / "database").glob("SP_*.dcm"))


def _image_files(folder: Path, images: Iterable[NDArray[np.uint8 | np.uint16]]) -> Iterator[str]:
    for number, image in enumerate(images, 1):
        dataset = Dataset(
            SOPClassUID=SecondaryCaptureImageStorage,
            SOPInstanceUID=f"1.2.3.4.{number}",
            StudyInstanceUID="1.2.3.5",
            SeriesInstanceUID="1.2.3.6",
            Modality="OT",
        )
        set_pixels(dataset, image, photometric="MONOCHROME2")
        path = folder / f"{number}.dcm"
        write_file(path, dataset)
        yield str(path)


def _run(argv: Sequence[str], folder: Path, environment: Mapping[str, str] = _ENVIRONMENT) -> tuple[float, str]:
    """Run a program to its end; return the seconds, and its stderr."""
    start = perf_counter()
    done = subprocess.run(argv, cwd=folder, env=environment, check=True, text=True, capture_output=True)
    return perf_counter() - start, done.stderr
