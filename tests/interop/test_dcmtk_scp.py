"""``print-mgmt print`` on dcmprscp of DCMTK, which stores the images of `prepare`."""

import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from peers import Dcmtk, StoredFilm, run_print_mgmt, stored_pixels

from dimse.data import read_file
from print_mgmt import prepare

pytestmark = pytest.mark.interop

Bits = Literal[8, 12]


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("syntax", ["explicit", "implicit"])
async def test_dcmprscp_stores_one_image(
    dcmtk: Dcmtk, images: list[Path], tmp_path: Path, bits: Bits, syntax: str
) -> None:
    """One film with one image, of 8 and of 12 bits, in both transfer syntaxes."""
    options = ["--implicit-only"] if syntax == "implicit" else []
    async with dcmtk.printer("ANY") as port:
        peer = f"ANY@127.0.0.1:{port}"
        ended = await run_print_mgmt("print", peer, images[0], "--bits", str(bits), *options, cwd=tmp_path)
    assert ended == (0, f"{peer} printed 1 image on 1 film\n", "")
    (film,) = dcmtk.films()
    assert film.film_box.ImageDisplayFormat == "STANDARD\\1,1"
    _assert_images(film, images[:1], bits)


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("action", ["film", "session"])
async def test_dcmprscp_stores_two_films_of_six(
    dcmtk: Dcmtk, images: list[Path], tmp_path: Path, bits: Bits, action: str
) -> None:
    """Ten images on STANDARD\\2,3: a full film and one with empty boxes; N-ACTION on film box or session."""
    ten = images + images[::-1]
    attributes = (
        "--layout", "2x3", "--orientation", "PORTRAIT", "--film-size", "14INX17IN", "--magnification", "CUBIC",
        "--medium", "BLUE FILM", "--copies", "2", "--priority", "HIGH", "--film", "BorderDensity=WHITE",
        "--film", "MaxDensity=320", "--image", "Polarity=REVERSE",
    )  # fmt: skip
    async with dcmtk.printer("ANY") as port:
        peer = f"ANY@127.0.0.1:{port}"
        options = ("--bits", str(bits), "--action", action, "--json", *attributes)
        ended = await run_print_mgmt("print", peer, *ten, *options, cwd=tmp_path)
    assert (ended.status, ended.err) == (0, "")
    report = json.loads(ended.out)
    assert (report["peer"], report["films"], report["images"], report["warnings"]) == (peer, 2, 10, [])
    assert {answer["status"] for answer in report["answers"]} == {"0000"}
    full, rest = dcmtk.films()
    _assert_images(full, ten[:6], bits)
    _assert_images(rest, ten[6:], bits)
    box = full.film_box
    assert (box.ImageDisplayFormat, box.FilmOrientation) == ("STANDARD\\2,3", "PORTRAIT")
    assert (box.FilmSizeID, box.MagnificationType) == ("14INX17IN", "CUBIC")
    assert (box.BorderDensity, box.MaxDensity) == ("WHITE", 320)


async def test_client_prints_on_a_minimal_dcmprscp(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    """Implicit VR only, one layout, and no SOP Class UID in N-CREATE-RSP."""
    async with dcmtk.printer("MINI") as port:
        ended = await run_print_mgmt("print", f"MINI@127.0.0.1:{port}", *images[:2], cwd=tmp_path)
    assert (ended.status, ended.err) == (0, "")
    for film, image in zip(dcmtk.films(), images[:2], strict=True):
        _assert_images(film, [image], 8)


async def test_refused_depth_is_one_line(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    """12 bits on a printer of 8: one line with the reason, exit status 1; then 8 bits are printed."""
    async with dcmtk.printer("EIGHT") as port:
        peer = f"EIGHT@127.0.0.1:{port}"
        refused = await run_print_mgmt("print", peer, images[0], "--bits", "12", cwd=tmp_path)
        printed = await run_print_mgmt("print", peer, images[0], cwd=tmp_path)
    words = "print-mgmt: N-SET of image 1 of film 1: status 0106H (Invalid attribute value)\n"
    assert refused == (1, "", words)
    assert printed.status == 0
    (film,) = dcmtk.films()
    _assert_images(film, images[:1], 8)


@pytest.mark.parametrize(
    ("options", "operation"),
    [
        pytest.param(("--layout", "3x3"), "N-CREATE of film 1", id="layout"),
        pytest.param(("--film-size", "A4"), "N-CREATE of film 1", id="film-size"),
        pytest.param(("--film", "AnnotationDisplayFormatID=1"), "N-CREATE of film 1", id="annotation"),
        pytest.param(("--medium", "GLASS"), "N-CREATE of the film session", id="medium"),
    ],
)
async def test_refused_attribute_is_one_line(
    dcmtk: Dcmtk, images: list[Path], tmp_path: Path, options: tuple[str, str], operation: str
) -> None:
    """The line has the status; the printer stays up."""
    async with dcmtk.printer("ANY") as port:
        peer = f"ANY@127.0.0.1:{port}"
        ended = await run_print_mgmt("print", peer, images[0], *options, cwd=tmp_path)
        assert (await run_print_mgmt("status", peer, cwd=tmp_path)).status == 0
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"print-mgmt: {operation}: status 010")
    assert ended.err.count("\n") == 1


async def test_color_needs_a_color_context(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    """dcmprscp has no Basic Color Print Management: the context is not accepted, PS3.8 Table 9-18."""
    async with dcmtk.printer("ANY") as port:
        ended = await run_print_mgmt("print", f"ANY@127.0.0.1:{port}", images[0], "--color", cwd=tmp_path)
    assert (ended.status, ended.out) == (1, "")
    assert "Basic Color Print Management Meta SOP Class" in ended.err
    assert ended.err.count("\n") == 1


async def test_status_shows_dcmprscp(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """N-GET Printer without a list, of a printer that has two attributes."""
    async with dcmtk.printer("MINI") as port:
        peer = f"MINI@127.0.0.1:{port}"
        text = await run_print_mgmt("status", peer, cwd=tmp_path)
        answer = await run_print_mgmt("status", peer, "--json", cwd=tmp_path)
    assert text == (0, "PrinterStatus: NORMAL\nPrinterStatusInfo: NORMAL\n", "")
    assert json.loads(answer.out) == {"PrinterStatus": "NORMAL", "PrinterStatusInfo": "NORMAL"}


def _assert_images(film: StoredFilm, images: list[Path], bits: Bits) -> None:
    """Check that dcmprscp stored the images of `prepare`, each in its position."""
    assert list(film.images) == list(range(1, len(images) + 1))
    for image, path in zip(images, film.images.values(), strict=True):
        expected = prepare(image, bits=bits)
        stored = read_file(path).dataset
        assert stored.PhotometricInterpretation == expected.PhotometricInterpretation
        assert stored.BitsStored == bits
        np.testing.assert_array_equal(stored_pixels(path), expected.pixels)
