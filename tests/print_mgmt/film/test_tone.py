"""Stored values become densities and levels: PS3.14 §7.2, PS3.3 C.11.4 and C.13."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from print_mgmt.film import (
    FILM,
    PAPER,
    Cell,
    CharacteristicCurve,
    Imager,
    LayoutError,
    PresentationLUT,
    PrintImage,
    Sheet,
)
from print_mgmt.film.tone import contrast, density, page_level, tone, viewing

VECTORS = Path(__file__).parents[2] / "vectors"
DENSITIES = CharacteristicCurve((0.0, 4.0), (4.0, 0.0))  # drive is 1 - D / 4, so that a test can read densities
PLAIN = Sheet(ImageDisplayFormat="STANDARD\\1,1")
IMAGERS = st.sampled_from([FILM, PAPER, Imager(curve=DENSITIES)])


def levels(
    bits: int = 8,
    cell: Cell = Cell(),  # noqa: B008  # frozen
    sheet: Sheet = PLAIN,
    imager: Imager = FILM,
    photometric: str = "MONOCHROME2",
    notes: list[str] | None = None,
) -> NDArray[np.float64]:
    pixels = np.zeros((1, 1), np.uint8 if bits == 8 else np.uint16)
    image = PrintImage(pixels=pixels, PhotometricInterpretation=photometric, BitsStored=bits)
    return tone(image, cell, sheet, imager, (notes if notes is not None else []).append)


def densities(cell: Cell = Cell(), sheet: Sheet = PLAIN, bits: int = 8) -> NDArray[np.float64]:  # noqa: B008  # frozen
    """Return the densities on the film, from a device with densities as drive values."""
    return 4.0 - 4.0 * levels(bits, cell, sheet, Imager(curve=DENSITIES))


def test_p_values_have_the_densities_of_table_d_2_1() -> None:
    """256 P-Values of PS3.14 D.2, within 0.002 OD, with the curve included."""
    with (VECTORS / "gsdf_table_d2_1.csv").open(newline="") as file:
        printed = [float(row[1]) for row in list(csv.reader(file))[1:]]
    for lut in (None, PresentationLUT(shape="IDENTITY")):
        assert np.abs(densities(Cell(presentation_lut=lut)) - printed).max() < 0.002


def test_page_has_p_values_of_the_film() -> None:
    """So a display that conforms to PS3.14 shows the film."""
    assert levels() == pytest.approx(np.arange(256) / 255)
    assert levels(photometric="MONOCHROME1") == pytest.approx(1 - np.arange(256) / 255)


@given(st.sampled_from(["MONOCHROME1", "MONOCHROME2", "RGB"]), st.sampled_from(["NORMAL", "REVERSE"]), IMAGERS)
def test_reverse_of_monochrome1_is_monochrome2(photometric: str, Polarity: str, imager: Imager) -> None:
    other = "REVERSE" if Polarity == "NORMAL" else "NORMAL"
    one, two = (levels(8, Cell(Polarity=value), PLAIN, imager, photometric) for value in (Polarity, other))
    assert np.array_equal(one, two[::-1])


def test_lin_od_is_linear_in_density() -> None:
    """PS3.3 C.11.4: the lowest value, black, has Max Density."""
    cell = Cell(presentation_lut=PresentationLUT(shape="LIN OD"), MinDensity=30, MaxDensity=280)
    assert densities(cell, bits=12) == pytest.approx(np.linspace(2.8, 0.3, 4096))


@pytest.mark.parametrize("entries", [256, 4096])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_table_gives_p_values(entries: int, bits: int) -> None:
    """PS3.3 C.11.4: one P-Value of 10 to 16 bits for each value."""
    ceiling = (1 << bits) - 1
    table = np.rint(ceiling * np.linspace(0, 1, entries) ** 2).astype(np.uint16)
    seen = levels(8 if entries == 256 else 12, Cell(presentation_lut=PresentationLUT(table=table, bits=bits)))
    assert seen == pytest.approx(table / ceiling)


def test_table_comes_after_polarity() -> None:
    """The input of the LUT is larger for brighter pixels."""
    lut = PresentationLUT(table=np.linspace(0, 1023, 256).astype(np.uint16) ** 2 // 1023, bits=10)
    reverse = levels(cell=Cell(presentation_lut=lut, Polarity="REVERSE"))
    assert reverse == pytest.approx(levels(cell=Cell(presentation_lut=lut))[::-1])


def test_table_for_other_bits_is_stretched_with_a_note() -> None:
    notes: list[str] = []
    lut = PresentationLUT(table=np.array([0, 1023, 511, 1023], np.uint16), bits=10)
    seen = levels(8, Cell(presentation_lut=lut), notes=notes)
    assert seen[[0, 85, 170, 255]] == pytest.approx([0, 1, 511 / 1023, 1])
    assert notes == ["the Presentation LUT has 4 entries for 256 values: stretched"]


def test_entries_above_the_bits_are_white() -> None:
    lut = PresentationLUT(table=np.full(256, 4095, np.uint16), bits=10)
    assert levels(cell=Cell(presentation_lut=lut)).max() == 1.0


@pytest.mark.parametrize(
    ("lut", "attribute"),
    [
        (PresentationLUT(), "PresentationLUTShape"),
        (PresentationLUT(shape="INVERSE"), "PresentationLUTShape"),  # for softcopy only
        (PresentationLUT(table=np.zeros(256, np.uint16)), "PresentationLUTSequence"),
        (PresentationLUT(table=np.zeros(0, np.uint16), bits=10), "PresentationLUTSequence"),
        (PresentationLUT(table=np.zeros((2, 2), np.uint16), bits=10), "PresentationLUTSequence"),
        (PresentationLUT(table=np.zeros(256, np.uint16), bits=17), "PresentationLUTSequence"),
        (PresentationLUT(table=np.full(256, np.nan), bits=12), "PresentationLUTSequence"),
    ],
)
def test_invalid_lut_is_refused(lut: PresentationLUT, attribute: str) -> None:
    with pytest.raises(LayoutError, match=rf"^{attribute} .* \(PS3\.3 C\.11\.4\)$"):
        levels(cell=Cell(presentation_lut=lut))


def test_lut_of_the_image_box_overrides_the_film() -> None:
    """PS3.4 H.4.3."""
    sheet = Sheet(ImageDisplayFormat="STANDARD\\1,1", presentation_lut=PresentationLUT(shape="LIN OD"))
    own = Cell(presentation_lut=PresentationLUT(shape="IDENTITY"))
    assert np.array_equal(levels(cell=own, sheet=sheet), levels())
    assert not np.array_equal(levels(sheet=sheet), levels())


def test_lut_does_not_apply_to_color() -> None:
    notes: list[str] = []
    lut = Cell(presentation_lut=PresentationLUT(shape="LIN OD"))
    assert levels(cell=lut, photometric="RGB", notes=notes) == pytest.approx(np.arange(256) / 255)
    assert notes == ["the Presentation LUT is not for color: not used"]


@given(
    *[st.none() | st.integers(0, 65535)] * 6,
    IMAGERS,
    st.none() | st.sampled_from([PresentationLUT(shape="LIN OD"), PresentationLUT(shape="IDENTITY")]),
)
def test_tone_is_monotone_within_the_printer(
    least: int | None,
    greatest: int | None,
    own_least: int | None,
    own_greatest: int | None,
    light: int | None,
    ambient: int | None,
    imager: Imager,
    lut: PresentationLUT | None,
) -> None:
    sheet = Sheet(
        ImageDisplayFormat="STANDARD\\1,1",
        MinDensity=least,
        MaxDensity=greatest,
        Illumination=light,
        ReflectedAmbientLight=ambient,
        presentation_lut=lut,
    )
    seen = levels(cell=Cell(MinDensity=own_least, MaxDensity=own_greatest), sheet=sheet, imager=imager)
    assert 0 <= seen[0] <= seen[-1] <= 1
    assert np.all(np.diff(seen) >= -1e-9)


def test_densities_are_limited_to_the_printer() -> None:
    """PS3.3 C.13.3. Black and white of the printed image show the limits."""
    notes: list[str] = []
    sheet = Sheet(ImageDisplayFormat="STANDARD\\1,1", MinDensity=10, MaxDensity=250)
    assert densities(sheet=sheet)[[0, -1]] == pytest.approx([2.5, 0.2], abs=0.002)
    assert densities(Cell(MinDensity=50, MaxDensity=400), sheet)[[0, -1]] == pytest.approx([3.0, 0.5], abs=0.002)
    levels(cell=Cell(MinDensity=50, MaxDensity=400), sheet=sheet, notes=notes)
    assert notes == ["MaxDensity 400 is out of reach: 300 used"]


@pytest.mark.parametrize(
    ("attributes", "note"),
    [
        ({"MinDensity": 200, "MaxDensity": 100}, "MinDensity 200 is not below MaxDensity 100: 20 to 300 used"),
        ({"Illumination": 0}, r"Illumination 0 cannot be used on this film: 2000 used"),
        ({"ReflectedAmbientLight": 65535}, r"ReflectedAmbientLight 65535 cannot be used on this film: 10"),
    ],
)
def test_unusable_values_are_replaced_with_a_note(attributes: dict[str, int], note: str) -> None:
    notes: list[str] = []
    cell = Cell(MinDensity=attributes.get("MinDensity"), MaxDensity=attributes.get("MaxDensity"))
    sheet = Sheet(
        ImageDisplayFormat="STANDARD\\1,1",
        Illumination=attributes.get("Illumination"),
        ReflectedAmbientLight=attributes.get("ReflectedAmbientLight"),
    )
    assert np.array_equal(levels(cell=cell, sheet=sheet, notes=notes), levels())
    (told,) = notes
    assert re.search(note, told)


def test_brighter_light_needs_greater_densities() -> None:
    """PS3.14 §7.2: under a dimmer lightbox, P-Values are farther apart in density."""
    bright = Sheet(ImageDisplayFormat="STANDARD\\1,1", Illumination=4000)
    assert np.all(densities(sheet=bright)[1:-1] > densities()[1:-1])


def test_paper_has_no_light_behind_it() -> None:
    """PS3.14 §7.2: paper of 0.05 to 2.10 OD under 150 cd/m2 reflects the ambient light as its image."""
    notes: list[str] = []
    seen = viewing(PLAIN, Cell(), PAPER, notes.append)
    assert seen.ambient == 0
    assert seen.density(np.array([0, 64, 128, 192, 255]) / 255) == pytest.approx(
        [2.100, 1.322, 0.814, 0.406, 0.050], abs=0.002
    )


def test_density_reads_each_term() -> None:
    """PS3.3 C.13.3: BLACK and WHITE are the limits of the printer, a number is hundredths of OD."""
    notes: list[str] = []
    terms = {term: density("BorderDensity", term, FILM, notes.append) for term in ("BLACK", "WHITE", "112", "400")}
    assert terms == {"BLACK": 3.0, "WHITE": 0.2, "112": 1.12, "400": 3.0}
    assert notes == ["BorderDensity 400 is out of reach: 300 used"]


def test_density_has_a_level_of_the_page() -> None:
    assert page_level(1.12, FILM) * 255 == pytest.approx(128, abs=0.5)


@pytest.mark.parametrize("term", ["GRAY", "1.5", "-1", "100000", ""])
def test_wrong_density_is_a_layout_error(term: str) -> None:
    notes: list[str] = []
    with pytest.raises(LayoutError, match=r"^BorderDensity .* \(PS3\.3 C\.13\.3\)$"):
        density("BorderDensity", term, FILM, notes.append)


@pytest.mark.parametrize("imager", [FILM, PAPER, Imager(MaxDensity=320), Imager(curve=DENSITIES)])
def test_contrast_takes_the_limit_farther_in_p_values(imager: Imager) -> None:
    """PS3.14 §7.1: 1.5 OD is in the middle of 0.2 and 3, but looks closer to black than to white."""
    least, greatest = imager.MinDensity, imager.MaxDensity
    for background in range(least, greatest + 1, 5):
        seen = float(imager.viewing().p_value(background / 100))
        assert contrast(background / 100, imager) == (least if seen < 0.5 else greatest) / 100
    assert contrast(1.5, FILM) == 0.2


@pytest.mark.parametrize(
    ("imager", "asked", "used"),
    [
        (FILM, (4000, 20), (4000, 20)),
        (FILM, (5, 1), (5, 1)),
        (FILM, (65535, 20), (2000, 20)),
        (FILM, (4000, 65535), (4000, 10)),
        (FILM, (1, 10), (2000, 10)),
        (FILM, (0, 65535), (2000, 10)),
        (PAPER, (150, 10), (150, 0)),
        (PAPER, (2000, 0), (2000, 0)),
        (PAPER, (65535, 0), (150, 0)),
    ],
)
def test_unusable_light_is_replaced_by_the_printers(
    imager: Imager, asked: tuple[int, int], used: tuple[int, int]
) -> None:
    """PS3.14 §7.1 allows luminances of 0.05 to 4000 cd/m2."""
    assert imager.light(*asked) == used


def test_densities_decide_whether_light_is_usable() -> None:
    """12000 cd/m2 exceed 4000 cd/m2 through 0.20 OD, but not through 0.60 OD."""
    assert FILM.light(12000, 10) == (2000, 10)
    assert FILM.light(12000, 10, MinDensity=60) == (12000, 10)
    assert FILM.light(1500, 10, MinDensity=299, MaxDensity=300) == (1500, 10)


@pytest.mark.parametrize(
    "nonsense",
    [{"MinDensity": 300}, {"Illumination": 0}, {"Illumination": 10**400}, {"dpi": 0}, {"dpi": 3856}, {"high_dpi": -1}],
)
def test_imager_without_a_range_is_refused(nonsense: dict[str, int]) -> None:
    with pytest.raises(LayoutError, match=r"must rise, and give luminances.* \(PS3\.14 §7\.1\)|is not a resolution"):
        Imager(
            MinDensity=nonsense.get("MinDensity", 20),
            Illumination=nonsense.get("Illumination", 2000),
            dpi=nonsense.get("dpi", 320),
            high_dpi=nonsense.get("high_dpi", 640),
        )
