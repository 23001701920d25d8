r"""Start a print server with a spool, print real images on it over the wire, and name the files of the films.

    python tools/demo.py [--out films] [IMAGE ...]

Without images it prints CT, MR and color images from the test files in the package pydicom-data. Gray images and
test patterns go onto STANDARD\2,3 films of 14 x 17 inches, color images onto films of 8 x 10 inches.
"""

import argparse
import asyncio
import importlib.util
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from dimse.data import Dataset
from dimse.data.part10 import read_file
from dimse.errors import DecodeError, DimseError
from print_mgmt import PrintClient, PrinterConfig
from print_mgmt.destinations import FolderDestination
from print_mgmt.images import PATTERNS, Image
from print_mgmt.site import ListenConfig, Route, Site, SiteConfig, SiteDestination, SitePrinter, SpoolConfig
from print_mgmt.spool import FilmState

SAMPLES = (
    "CT_small.dcm",
    "examples_overlay.dcm",
    "MR_small.dcm",
    "image_dfl.dcm",
    "MR_small_bigendian.dcm",
    "examples_rgb_color.dcm",
    "ExplVR_BigEnd.dcm",
)
DPI = 150
MAX_WAIT = 600.0  # seconds for the films to be written


def samples() -> list[Path]:
    """Return the sample images of the package pydicom-data; pydicom is not imported."""
    spec = importlib.util.find_spec("pydicom")
    if spec is None or spec.origin is None:
        raise SystemExit("demo: pydicom, whose test files are the sample images, is not installed: make demo does")
    folder = Path(spec.origin).parent / "data" / "test_files"
    return [folder / name for name in SAMPLES]


def is_color(dataset: Dataset) -> bool:
    """Return whether an image has more than one sample per pixel."""
    return dataset.get("SamplesPerPixel") == 3


def read(path: Path) -> Dataset:
    """Return the Data Set of a file. Raises DecodeError, which names the file."""
    try:
        return read_file(path).dataset
    except DecodeError as exc:
        raise DecodeError(f"{path}: {exc.what}") from exc


def site(out: Path, spool: str, started: str) -> Site:
    """Return a print server with one printer, whose films become files in ``out``."""
    folder = FolderDestination(path=str(out), name=f"demo-{started}-{{number}}", dpi=DPI)
    return Site(
        SiteConfig(
            printers={"demo": SitePrinter(ae_title="DEMO", config=PrinterConfig(), default=True)},
            destinations={"films": SiteDestination(destination=folder)},
            routes=(Route(to=("films",)),),
            spool=SpoolConfig(at=spool),
            listen=ListenConfig(port=0),
        ),
        drain=MAX_WAIT,
    )


async def demo(paths: Sequence[Path], patterns: Sequence[str], out: Path) -> list[Path]:
    """Print ``paths`` and test patterns, and return the files of all films."""
    started = datetime.now().strftime("%Y%m%d-%H%M%S")
    images = [(path, read(path)) for path in paths]
    gray: list[Image] = [path for path, dataset in images if not is_color(dataset)]
    gray += [PATTERNS[name]() for name in patterns]
    color: list[Image] = [path for path, dataset in images if is_color(dataset)]
    with TemporaryDirectory(prefix="dimse-print-demo-") as spool:
        async with site(out, spool, started) as server:
            print(f"the printer listens on {server.host}:{server.port}")
            for images_of_kind, in_color, layout, size in (
                (gray, False, r"STANDARD\2,3", "14INX17IN"),
                (color, True, r"STANDARD\1,1", "8INX10IN"),
            ):
                if not images_of_kind:
                    continue
                async with PrintClient(server.host, server.port, color=in_color) as client:
                    report = await client.print_images(images_of_kind, ImageDisplayFormat=layout, FilmSizeID=size)
                kind = "color" if in_color else "gray"
                print(f"printed {report.images} {kind} images on {report.films} films")
            await server.drain()
            films = await server.spool.list()
    for film in films:
        print(f"film {film.id} of {film.FilmSizeID}: {film.state}")
    if any(film.state is not FilmState.DONE for film in films):
        raise SystemExit("demo: a film could not be written")
    return await asyncio.to_thread(lambda: sorted(out.glob(f"demo-{started}-*")))


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Start a printer, and print real images on it.")
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE", help="DICOM files (default: samples)")
    parser.add_argument("--out", type=Path, default=Path("films"), metavar="DIR", help="folder for the films")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        if arguments.images:
            files = asyncio.run(demo(arguments.images, (), arguments.out))
        else:
            files = asyncio.run(demo(samples(), ("smpte", "steps", "geometry"), arguments.out))
    except (DimseError, OSError) as exc:
        print(f"demo: {exc}", file=sys.stderr)
        return 1
    print("\n".join(["open these files:", *(f"  {path}" for path in files)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
