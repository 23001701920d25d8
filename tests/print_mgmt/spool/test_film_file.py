"""A stored film is read back unchanged and renders to the same page; damage is found."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from budget import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from print_scu import COLOR, GRAY, Scu
from strategies import mutated

from dimse.data import IMPLICIT_LE, Dataset, DecodeLimits, decode, encode, read_file
from dimse.uids import BasicFilmBox, ImageOverlayBox, PresentationLUT, StoredPrintStorage
from print_mgmt.film import (
    Annotation,
    Cell,
    CharacteristicCurve,
    Imager,
    LayoutError,
    Overlay,
    PrintImage,
    Rect,
    Sheet,
    render,
)
from print_mgmt.film import (
    PresentationLUT as Lut,
)
from print_mgmt.film.icc import srgb_profile
from print_mgmt.items import overlay_dataset
from print_mgmt.model import Attributes, FilmCopy, reference
from print_mgmt.spool import CorruptFilm
from print_mgmt.spool.film_file import film_pieces, read_film

DPI = 12


def stored(film: FilmCopy, job: dict[str, Any] | None = None) -> bytes:
    return b"".join(bytes(piece) for piece in film_pieces(film, job or {}))


def same(one: FilmCopy, other: FilmCopy) -> bool:
    pages = [render(film.sheet, DPI, bits=16, imager=film.imager) for film in (one, other)]
    return bool((pages[0].pixels == pages[1].pixels).all()) and pages[0].notes == pages[1].notes


densities = st.none() | st.integers(0, 320)
dtypes = st.sampled_from([np.uint8, np.uint16])
curves = st.none() | st.just(CharacteristicCurve((0.2, 1.0, 3.0), (0.0, 100.5, 4095.0)))


@st.composite
def images(draw: st.DrawFn) -> PrintImage:
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    photometric = draw(st.sampled_from(["MONOCHROME1", "MONOCHROME2", "RGB"]))
    is_color = photometric == "RGB"
    dtype = np.uint8 if is_color else draw(dtypes)
    shape = (*size, 3) if is_color else size
    values = draw(st.integers(0, 2**32 - 1))
    pixels = np.random.default_rng(values).integers(0, 256 if dtype is np.uint8 else 65536, shape, dtype)
    return PrintImage(
        pixels=pixels if draw(st.booleans()) else pixels[::-1],
        PhotometricInterpretation=photometric,
        BitsStored=8 if dtype == np.uint8 else draw(st.integers(8, 16)),
        PixelAspectRatio=draw(st.sampled_from([(1, 1), (2, 3)])),
        notes=draw(st.sampled_from([(), ("PixelData: cut",)])),
    )


@st.composite
def luts(draw: st.DrawFn) -> Lut | None:
    kind = draw(st.sampled_from(["", "IDENTITY", "LIN OD", "table"]))
    if kind != "table":
        return Lut(shape=kind) if kind else None
    bits = draw(st.integers(10, 16))
    count = draw(st.sampled_from([256, 4096]))
    return Lut(table=np.linspace(0, (1 << bits) - 1, count).astype(np.uint16), bits=bits)


overlays = st.builds(
    Overlay,
    pixels=st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda size: np.indices(size).sum(0) % 2 == 0),
    origin=st.tuples(st.integers(-3, 9), st.integers(-3, 9)),
    OverlayForegroundDensity=st.sampled_from(["BLACK", "WHITE", "150"]),
    OverlayBackgroundDensity=st.sampled_from([None, "BLACK"]),
)
cells = st.builds(
    Cell,
    image=st.none() | images(),
    Polarity=st.sampled_from(["NORMAL", "REVERSE"]),
    MagnificationType=st.sampled_from([None, "REPLICATE", "CUBIC"]),
    MinDensity=densities,
    MaxDensity=densities,
    RequestedImageSize=st.sampled_from([None, 50.0, 0.1 + 0.2]),
    presentation_lut=luts(),
    overlays=st.lists(overlays, max_size=2).map(tuple),
)
imagers = st.builds(
    Imager,
    gap_mm=st.sampled_from([1.0, 0.1 + 0.2]),
    reflective=st.booleans(),
    custom_formats=st.just({1: (Rect(10, 10, 50, 50),)}),
    curve=curves,
)
sheets = st.builds(
    Sheet,
    ImageDisplayFormat=st.sampled_from([r"STANDARD\1,2", r"ROW\2,1"]),
    FilmOrientation=st.sampled_from(["PORTRAIT", "LANDSCAPE"]),
    FilmSizeID=st.sampled_from(["8INX10IN", "A4"]),
    BorderDensity=st.sampled_from(["BLACK", "WHITE", "150"]),
    Trim=st.sampled_from(["YES", "NO"]),
    MinDensity=densities,
    MaxDensity=densities,
    presentation_lut=luts(),
    AnnotationDisplayFormatID=st.just("LABEL"),
    annotations=st.sampled_from([(), (Annotation(AnnotationPosition=1, TextString="Grün 放射"),)]),
    ICCProfile=st.sampled_from([None, b"\0profile"]),
    cells=st.lists(cells, max_size=2).map(tuple),
)
films = st.builds(
    FilmCopy,
    film_session=st.just(Dataset(NumberOfCopies=2, FilmSessionLabel="thorax")),
    film_box=st.just(Dataset(ImageDisplayFormat=r"STANDARD\1,2")),
    image_boxes=st.just((Dataset(ImageBoxPosition=1), Dataset(ImageBoxPosition=2))),
    sheet=sheets,
    imager=imagers,
    sent=st.just(frozenset({0x20100010})),
    unused=st.sampled_from(
        [
            Attributes(),
            Attributes(
                Dataset(PatientID="1"), Dataset(PatientName="Doe^Jane"), (Dataset(), Dataset(PatientID="2")), ()
            ),
        ]
    ),
    attribute_bytes=st.just(77),
)


@given(film=films)
def test_read_film_renders_to_the_same_page(film: FilmCopy) -> None:
    again, job = read_film(stored(film, {"copies": 2}))
    assert job == {"copies": 2}
    assert (again.film_session, again.film_box, again.image_boxes) == (
        film.film_session,
        film.film_box,
        film.image_boxes,
    )
    assert (again.imager, again.sent, again.attribute_bytes) == (film.imager, film.sent, film.attribute_bytes)
    assert again.unused == film.unused
    try:
        assert same(film, again)
    except LayoutError:  # a generated film may be impossible to render, before and after storage
        with pytest.raises(LayoutError):
            render(again.sheet, DPI, imager=again.imager)


def printed(meta: str = GRAY) -> FilmCopy:
    """Return a film as an SCU prints it, with text, LUT and overlay."""
    scu = Scu(meta)
    lut = reference(PresentationLUT, scu.lut(PresentationLUTShape="LIN OD"))
    uid, boxes = scu.film(
        ImageDisplayFormat=r"STANDARD\1,2",
        AnnotationDisplayFormatID="LABEL",
        ReferencedPresentationLUTSequence=[lut],
    )
    pixels = np.arange(300, dtype=np.uint8).reshape((10, 10, 3) if meta == COLOR else (10, 30))
    photometric = "RGB" if meta == COLOR else "MONOCHROME2"
    scu.image(boxes[0], 1, PrintImage(pixels=pixels, PhotometricInterpretation=photometric))
    overlay = overlay_dataset(Overlay(pixels=np.eye(9, dtype=bool)))
    overlay.ReferencedImageBoxSequence = [reference(scu.image_class, boxes[0])]
    scu.create(ImageOverlayBox, dataset=overlay)
    return scu.print(BasicFilmBox, uid).films[0]


@pytest.mark.parametrize("meta", [GRAY, COLOR])
def test_printed_film_renders_to_the_same_page(meta: str) -> None:
    film = printed(meta)
    assert same(film, read_film(stored(film))[0])


def test_stored_film_keeps_the_attributes_of_all_boxes() -> None:
    film = printed()
    again, _ = read_film(stored(film))
    assert again.film_box == film.film_box
    assert again.image_boxes == film.image_boxes
    assert again.annotation_boxes == film.annotation_boxes
    assert again.referenced == film.referenced


def test_stored_film_keeps_the_deepest_sequences_of_a_client() -> None:
    deep = Dataset(PatientID="4711")
    for _ in range(DecodeLimits().depth):
        deep = Dataset(ReferencedStudySequence=[deep])
    scu = Scu(GRAY)
    uid, _ = scu.film(ReferencedStudySequence=decode(encode(deep, IMPLICIT_LE), IMPLICIT_LE).ReferencedStudySequence)
    again, _ = read_film(stored(scu.print(BasicFilmBox, uid).films[0]))
    assert again.unused.film_box == deep


def profile_of(size: int) -> bytes:
    """Return an ICC profile of this length; what follows the profile of sRGB has no meaning."""
    profile = srgb_profile()
    return size.to_bytes(4, "big") + profile[4:] + b"\1" * (size - len(profile))


def test_stored_film_keeps_the_largest_profile() -> None:
    scu = Scu(COLOR)
    largest = profile_of(16 << 20)
    uid, _ = scu.film(ICCProfile=largest)
    assert read_film(stored(scu.print(BasicFilmBox, uid).films[0]))[0].sheet.ICCProfile == largest


def test_profile_that_is_too_large_for_the_spool_is_not_accepted() -> None:
    scu = Scu(COLOR)
    answer = scu.film_box(scu.session(), ICCProfile=profile_of((16 << 20) + 2))
    assert (answer.Status, answer.comment[-14:]) == (0x0116, "at most 16 MiB")
    film = scu.print(BasicFilmBox, answer.AffectedSOPInstanceUID or "").films[0]
    assert read_film(stored(film))[0].sheet.ICCProfile is None


def test_stored_film_keeps_a_name_in_any_script() -> None:
    identified = Dataset(PatientName="Müller^Jörg=山田^太郎", PatientID="4711")
    again, _ = read_film(stored(replace(printed(), identified=identified)))
    assert again.identified == identified


def test_dump_reads_a_stored_film(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(stored(printed()))
    done = subprocess.run([sys.executable, "-m", "dimse", "dump", path], capture_output=True, text=True, check=True)
    for words in ("FilmBoxContentSequence", "BasicGrayscaleImageSequence", "PixelData", "DIMSE PRINT SPOOL"):
        assert words in done.stdout


def test_stored_film_is_a_stored_print() -> None:
    assert read_file(stored(printed())).dataset.SOPClassUID == StoredPrintStorage


@given(data=st.data())
@settings(max_examples=examples(200))
def test_damaged_film_is_corrupt_or_a_film(data: st.DataObject) -> None:
    wire = data.draw(mutated(st.just(WIRE)))
    try:
        film, _ = read_film(wire)
        render(film.sheet, 2, imager=film.imager)
    except (CorruptFilm, LayoutError):
        pass


FILM = printed()
WIRE = stored(FILM)


def test_cut_film_is_corrupt() -> None:
    for end in range(0, len(WIRE), 7):
        with pytest.raises(CorruptFilm):
            read_film(WIRE[:end])


def test_other_dicom_file_is_corrupt() -> None:
    with pytest.raises(CorruptFilm, match="private block"):
        read_film(WIRE.replace(b"DIMSE PRINT", b"OTHER PRINT"))
