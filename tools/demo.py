r"""Start a printer, print real images on it over the wire, and name the files of the films.

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

from dimse.data import Dataset
from dimse.data.part10 import read_file
from dimse.errors import DecodeError, DimseError
from print_mgmt import Film, PrintClient, PrintServer, write_page
from print_mgmt.images import PATTERNS, Image

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


async def demo(paths: Sequence[Path], patterns: Sequence[str], out: Path) -> list[Path]:
    """Print ``paths`` and test patterns, and return the files of all films."""
    written: list[Path] = []
    started = datetime.now().strftime("%Y%m%d-%H%M%S")

    async def on_film(film: Film) -> None:
        page = await film.render(DPI)
        name = f"demo-{started}-{film.number}"
        files = await asyncio.to_thread(write_page, page, out, name)
        written.extend(files)
        sheet = film.sheet
        print(f"film {film.number}: {sheet.ImageDisplayFormat} on {sheet.FilmSizeID}")

    images = [(path, read(path)) for path in paths]
    gray: list[Image] = [path for path, dataset in images if not is_color(dataset)]
    gray += [PATTERNS[name]() for name in patterns]
    color: list[Image] = [path for path, dataset in images if is_color(dataset)]
    async with PrintServer(on_film, port=0) as server:
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
    if server.failed:
        raise SystemExit("demo: a film could not be made")
    return written


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
