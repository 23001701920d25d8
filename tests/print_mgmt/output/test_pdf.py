"""PDF documents, read back by pikepdf."""

import io
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pikepdf
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from print_mgmt.film import Page
from print_mgmt.film.icc import KNOTS, gray_profile, srgb_profile
from print_mgmt.output import OutputError, write_pdf

PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
CATALOG = {"/Type", "/Pages", "/Metadata", "/OutputIntents", "/ViewerPreferences"}


def page(pixels: NDArray[np.uint8 | np.uint16], width_mm: float, height_mm: float) -> Page:
    return Page(pixels=pixels, width_mm=width_mm, height_mm=height_mm, dpi=25)


def written(*pages: Page) -> pikepdf.Pdf:
    file = io.BytesIO()
    write_pdf(pages, file)
    document = pikepdf.open(file)
    assert document.check_pdf_syntax() == []
    return document


def noise(shape: tuple[int, ...], top: int = 256) -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, top, shape)


def test_page_has_the_true_size_of_its_film() -> None:
    """14 x 17 inches and A4, in points of 1/72 inch."""
    pixels = noise((4, 3)).astype(np.uint8)
    with written(page(pixels, 355.6, 431.8), page(pixels, 297, 210)) as document:
        sizes = [[float(edge) for edge in leaf.mediabox.as_list()] for leaf in document.pages]
    assert sizes[0] == pytest.approx([0, 0, 14 * 72, 17 * 72], abs=0.001)
    assert sizes[1] == pytest.approx([0, 0, 297 / 25.4 * 72, 210 / 25.4 * 72], abs=0.001)


@pytest.mark.parametrize(
    ("pixels", "bits"),
    [
        (noise((40, 30)).astype(np.uint8), 8),
        (noise((40, 30), 65536).astype(np.uint16), 16),
        (noise((40, 30, 3)).astype(np.uint8), 8),
    ],
)
def test_image_is_lossless_and_fills_the_page(pixels: NDArray[np.uint8 | np.uint16], bits: int) -> None:
    with written(page(pixels, 100, 200)) as document:
        leaf = document.pages[0]
        image = leaf.Resources.XObject.Film
        assert [int(number) for number in (image.Width, image.Height, image.BitsPerComponent)] == [
            30,
            40,
            bits,
        ]
        data = np.frombuffer(image.read_bytes(), f">u{bits // 8}")
        steps = {str(step.operator): list(step.operands) for step in pikepdf.parse_content_stream(leaf)}
        size = [float(edge) for edge in leaf.mediabox.as_list()][2:]
    assert np.array_equal(data.reshape(pixels.shape), pixels)
    assert list(steps) == ["q", "cm", "Do", "Q"]
    assert [float(number) for number in steps["cm"]] == [size[0], 0, 0, size[1], 0, 0]


def test_document_has_no_metadata_but_its_standard() -> None:
    """It has no title, author or date."""
    with written(page(noise((4, 3)).astype(np.uint8), 100, 200)) as document:
        assert "/Info" not in document.trailer
        with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
            assert set(metadata) == {PDFAID + "part", PDFAID + "conformance"}


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 3)])
def test_document_is_pdf_a_2b(shape: tuple[int, ...]) -> None:
    """ISO 19005-2: part (6.6.4), output intent (6.2.3), identifier (6.1.3) and a mark of binary data (6.1.2)."""
    file = io.BytesIO()
    write_pdf([page(noise(shape).astype(np.uint8), 100, 200)], file, title="Film 7")
    assert file.getvalue().startswith(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    with pikepdf.open(file) as document:
        assert document.open_metadata().pdfa_status == "2B"
        assert "/Filter" not in document.Root.Metadata
        assert len(document.trailer.ID.as_list()) == 2
        (intent,) = document.Root.OutputIntents.as_list()
        assert [str(intent.Type), str(intent.S)] == ["/OutputIntent", "/GTS_PDFA1"]
        assert str(intent.OutputConditionIdentifier)
        profile = ImageCms.ImageCmsProfile(io.BytesIO(intent.DestOutputProfile.read_bytes())).profile
        assert profile.device_class in ("prtr", "mntr")
        assert {"GRAY": 1, "RGB ": 3}[profile.xcolor_space] == int(intent.DestOutputProfile.N)


def test_document_has_no_entry_that_pdf_a_forbids() -> None:
    """No transparency, script, encryption or embedded file; no interpolation (ISO 19005-2 6.2.8, 6.2.10, 6.5)."""
    with written(page(noise((4, 3)).astype(np.uint8), 100, 200)) as document:
        leaf = document.pages[0]
        assert set(document.Root.keys()) == CATALOG
        assert set(leaf.obj.keys()) == {"/Type", "/Parent", "/MediaBox", "/Resources", "/Contents"}
        assert not {"/SMask", "/Mask", "/Interpolate", "/Alternates"} & set(leaf.Resources.XObject.Film.keys())
        assert not document.is_encrypted


def test_document_asks_to_be_printed_unscaled() -> None:
    """ISO 32000-1 §12.2."""
    with written(page(noise((4, 3)).astype(np.uint8), 100, 200)) as document:
        assert document.Root.ViewerPreferences.PrintScaling == "/None"


def test_each_image_has_the_profile_of_its_page() -> None:
    """Pages with equal profiles share one. There is no other color space."""
    gray, color = page(noise((4, 3)).astype(np.uint8), 100, 200), page(noise((4, 3, 3)).astype(np.uint8), 100, 200)
    paper = replace(gray, ICCProfile=gray_profile(np.linspace(2, 0, KNOTS), reflective=True))
    with written(gray, paper, gray, color) as document:
        spaces = [leaf.Resources.XObject.Film.ColorSpace for leaf in document.pages]
        assert {str(space[0]) for space in spaces} == {"/ICCBased"}
        assert [int(space[1].N) for space in spaces] == [1, 1, 1, 3]
        assert spaces[0][1].objgen == spaces[2][1].objgen == document.Root.OutputIntents[0].DestOutputProfile.objgen
        assert spaces[1][1].read_bytes() == paper.ICCProfile
        assert spaces[3][1].read_bytes() == srgb_profile()


@pytest.mark.parametrize("title", ["Film 7", "Fïlm (7) \\ 写真", "<7> & ]]> {title} 𝄞"])
def test_title_is_in_the_document(title: str) -> None:
    file = io.BytesIO()
    write_pdf([page(noise((4, 3)).astype(np.uint8), 100, 200)], file, title=title)
    with pikepdf.open(file) as document:
        assert {str(key): str(value) for key, value in document.docinfo.items()} == {"/Title": title}
        with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
            assert metadata["dc:title"] == title


def packet(title: str) -> bytes:
    """Return the XMP packet of a document with this title."""
    file = io.BytesIO()
    write_pdf([page(noise((4, 3)).astype(np.uint8), 100, 200)], file, title=title)
    with pikepdf.open(file) as document:
        return document.Root.Metadata.read_bytes()


@pytest.mark.parametrize("title", ["", "Film 7", "<&>\"'{}", "写真"])
def test_packet_has_part_conformance_and_title(title: str) -> None:
    """ISO 19005-2 6.6.4."""
    root = ElementTree.fromstring(packet(title))
    assert [element.text for element in root.iter(PDFAID + "part")] == ["2"]
    assert [element.text for element in root.iter(PDFAID + "conformance")] == ["B"]
    assert [element.text for element in root.iter(RDF + "li")] == ([title] if title else [])


def test_packet_header_names_no_encoding() -> None:
    """ISO 19005-2 6.6.2.1: no bytes either."""
    assert packet("").splitlines()[0].decode() == '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'


@pytest.mark.parametrize(
    ("title", "shown"),
    [("a\0b\r\nc\x85d\ufffee", "a?b??c?d?e"), ("a\t\x9f\ud800\uffffz\u00e4\U0001f600", "a????z\u00e4\U0001f600")],
)
def test_title_is_the_same_in_both_places(title: str, shown: str) -> None:
    """ISO 19005-2 6.6.3. XML has no control characters."""
    file = io.BytesIO()
    write_pdf([page(noise((4, 3)).astype(np.uint8), 100, 200)], file, title=title)
    with pikepdf.open(file) as document:
        assert str(document.docinfo["/Title"]) == shown
        assert document.open_metadata()["dc:title"] == shown


def test_document_needs_a_page() -> None:
    with pytest.raises(OutputError, match="at least one page"):
        write_pdf([], io.BytesIO())


def test_pages_are_written_one_at_a_time() -> None:
    """One page is in memory at a time."""
    file = io.BytesIO()
    sizes: list[int] = []

    def pages() -> Iterator[Page]:
        for _ in range(3):
            sizes.append(len(file.getvalue()))
            yield page(noise((40, 30)).astype(np.uint8), 100, 200)

    write_pdf(pages(), file)
    assert sizes[0] < sizes[1] < sizes[2]


def test_icc_profile_is_the_color_space() -> None:
    """ISO 32000-1 §8.6.5.5: ICCBased. The output intent stays sRGB, since a profile may describe a scanner."""
    profile = icc_profile()
    color = replace(page(noise((4, 3, 3)).astype(np.uint8), 100, 200), ICCProfile=profile)
    with written(color) as document:
        name, stream = document.pages[0].Resources.XObject.Film.ColorSpace.as_list()
        assert str(name) == "/ICCBased"
        assert (int(stream.N), stream.read_bytes()) == (3, profile)
        assert document.Root.OutputIntents[0].DestOutputProfile.read_bytes() == srgb_profile()


def icc_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
