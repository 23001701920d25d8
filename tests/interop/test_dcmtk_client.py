"""Our client on DCMTK's dcmprscp, beyond images: dcmprscp stores what the client has requested."""

from pathlib import Path

import numpy as np
import pytest
from peers import Dcmtk, need, run_print_mgmt, stored_pixels

from dimse.errors import ContextNotAccepted
from print_mgmt import PrintClient, PrintFailed, prepare, profile
from print_mgmt.film import PresentationLUT

pytestmark = pytest.mark.interop

GAMMA = np.rint((np.arange(4096) / 4095) ** 2 * 65535).astype(np.uint16)


async def test_dcmprscp_stores_the_lut_table_unchanged(dcmtk: Dcmtk, images: list[Path]) -> None:
    """In PDUs of 4 KiB. In Implicit VR dcmprscp finds no table, since LUT Descriptor may be US or SS."""
    async with dcmtk.printer("LUTSCP") as port:
        async with PrintClient("127.0.0.1", port, bits=12) as client:
            lut = PresentationLUT(table=GAMMA, bits=16)
            report = await client.print_images(images[:2], presentation_lut=lut, ImageDisplayFormat=r"STANDARD\1,2")
    assert (report.films, report.warnings) == (1, ())
    (film,) = dcmtk.films()
    stored = need("pydicom").dcmread(film.path)
    (content,) = stored.PresentationLUTContentSequence
    (table,) = content.PresentationLUTSequence
    assert list(table.LUTDescriptor) == [4096, 0, 16]
    entries = table.LUTData
    found = np.frombuffer(entries, "<u2") if isinstance(entries, bytes) else np.array(entries, np.uint16)
    assert np.array_equal(found, GAMMA)
    for image, path in zip(images, film.images.values(), strict=False):
        assert np.array_equal(stored_pixels(path), prepare(image, bits=12).pixels)


@pytest.mark.parametrize("options", [(), ("--implicit-only",)])
@pytest.mark.parametrize("shape", ["IDENTITY", "LIN OD"])
async def test_dcmprscp_stores_the_lut_shape(
    dcmtk: Dcmtk, images: list[Path], tmp_path: Path, shape: str, options: tuple[str, ...]
) -> None:
    async with dcmtk.printer("LUTSCP") as port:
        peer = f"LUTSCP@127.0.0.1:{port}"
        ended = await run_print_mgmt("print", peer, images[0], "--lut", shape, *options, cwd=tmp_path)
    assert ended == (0, f"{peer} printed 1 image on 1 film\n", "")
    (film,) = dcmtk.films()
    (content,) = need("pydicom").dcmread(film.path).PresentationLUTContentSequence
    assert content.PresentationLUTShape == shape


async def test_client_prints_a_whole_session(dcmtk: Dcmtk, images: list[Path]) -> None:
    """For N-ACTION on a session dcmprscp stores the last film only, and allows only one film box."""
    async with dcmtk.printer("ANY") as port:
        async with PrintClient("127.0.0.1", port) as client:
            report = await client.print_images(images[:1], collate=True, NumberOfCopies=3)
    assert report.films == 1
    (film,) = dcmtk.films()
    assert np.array_equal(stored_pixels(film.images[1]), prepare(images[0]).pixels)


async def test_profile_of_dcmprscp_omits_optional_classes(dcmtk: Dcmtk, images: list[Path]) -> None:
    """No annotation boxes and no jobs are requested; without a configuration images are not reduced."""
    async with dcmtk.printer("ANY") as port:
        async with PrintClient("127.0.0.1", port, profile=profile("dcmprscp"), bits="auto") as client:
            report = await client.print_images(images[:1], reduce=True, FilmSizeID="8INX10IN")
            assert (await client.printer()).PrinterStatus == "NORMAL"
            assert await client.box_size() is None
            with pytest.raises(ContextNotAccepted):
                await client.configuration()
    assert (report.films, report.warnings) == (1, ())
    (job,) = report.jobs
    assert (job.SOPInstanceUID, await job.wait()) == ("", "")
    (film,) = dcmtk.films()
    assert np.array_equal(stored_pixels(film.images[1]), prepare(images[0], bits=12).pixels)


async def test_client_releases_after_a_refusal(dcmtk: Dcmtk, images: list[Path]) -> None:
    """dcmprscp serves one association at a time, so an open one would block it."""
    async with dcmtk.printer("EIGHT") as port:
        async with PrintClient("127.0.0.1", port, bits=12) as client:
            with pytest.raises(PrintFailed, match="N-SET of image 1 of film 1: status 0106H"):
                await client.print_images(images[:1])
        async with PrintClient("127.0.0.1", port) as client:
            assert (await client.print_images(images[:1])).films == 1
    assert len(dcmtk.films()) == 1


async def test_dcmprscp_stores_true_size_and_polarity(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    """CT_small has 128 columns of 0.661468 mm."""
    async with dcmtk.printer("ANY") as port:
        options = ("--true-size", "--image", "Polarity=REVERSE")
        ended = await run_print_mgmt("print", f"ANY@127.0.0.1:{port}", images[1], *options, cwd=tmp_path)
    assert ended.status == 0, ended
    (film,) = dcmtk.films()
    (box,) = need("pydicom").dcmread(film.path).ImageBoxContentSequence
    assert box.Polarity == "REVERSE"
    assert float(box.RequestedImageSize) == pytest.approx(0.661468 * 128)
