"""Presentation LUTs: PS3.4 H.4.9, PS3.3 C.11.4."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from print_scu import CONFIG, GRAY, SUCCESS, Scu, ramp, uids

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, Element, decode, encode, tag_of
from dimse.uids import BasicFilmBox, BasicFilmSession, PresentationLUT
from print_mgmt.film import PrintImage
from print_mgmt.model import reference


def table(entries: int = 256, bits: int = 12, *, data: bytes | list[int] | None = None, **changes: Any) -> Dataset:
    item = Dataset(LUTExplanation="linear", **{"LUTDescriptor": [entries, 0, bits]} | changes)
    values = np.linspace(0, 2**bits - 1, entries).astype("<u2").tobytes() if data is None else data
    item.add(Element(tag_of("LUTData"), "SS" if isinstance(values, list) else "OW", values))
    return Dataset(PresentationLUTSequence=[item])


def table_and_shape() -> Dataset:
    dataset = table()
    dataset.PresentationLUTShape = "IDENTITY"
    return dataset


def refer(uid: str) -> dict[str, list[Dataset]]:
    return {"ReferencedPresentationLUTSequence": [reference(PresentationLUT, uid)]}


@pytest.mark.parametrize("shape", ["IDENTITY", "LIN OD"])
def test_both_shapes_are_accepted(shape: str) -> None:
    """PS3.3 C.11.4: an SCP supports both."""
    answer = Scu().create(PresentationLUT, dataset=Dataset(PresentationLUTShape=shape))
    assert (answer.Status, answer.dataset) == (SUCCESS, Dataset(PresentationLUTShape=shape))


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE])
@pytest.mark.parametrize("bits", range(10, 17))
@pytest.mark.parametrize("entries", [256, 4096])
def test_tables_reach_the_film(entries: int, bits: int, syntax: Any) -> None:
    scu = Scu()
    answer = scu.create(PresentationLUT, dataset=decode(encode(table(entries, bits), syntax), syntax))
    assert answer.Status == SUCCESS
    assert answer.AffectedSOPInstanceUID
    film_box, _ = scu.film(**refer(answer.AffectedSOPInstanceUID))
    lut = scu.print(BasicFilmBox, film_box).films[0].sheet.presentation_lut
    assert lut is not None
    assert lut.table is not None
    assert (len(lut.table), lut.table.max(), lut.bits) == (entries, 2**bits - 1, bits)


def test_lut_data_may_be_us() -> None:
    """In PS3.6, LUT Data has the VR US or OW."""
    dataset = table()
    item = dataset.PresentationLUTSequence[0]  # type: ignore[index]  # it is a sequence
    assert isinstance(item, Dataset)
    item.add(Element(tag_of("LUTData"), "US", list(range(256))))
    assert Scu().create(PresentationLUT, dataset=dataset).Status == SUCCESS


@pytest.mark.parametrize(
    ("dataset", "status", "named"),
    [
        (Dataset(), 0x0120, "PresentationLUTShape"),
        (Dataset(PresentationLUTSequence=[]), 0x0120, "PresentationLUTShape"),
        (Dataset(PresentationLUTShape="INVERSE"), 0x0106, "PresentationLUTShape"),
        (table_and_shape(), 0x0106, "PresentationLUTShape"),
        (table(255), 0x0106, "LUTDescriptor"),
        (table(bits=9), 0x0106, "LUTDescriptor"),
        (table(LUTDescriptor=[256, 1, 12]), 0x0106, "LUTDescriptor"),
        (table(LUTDescriptor=[256, 0]), 0x0106, "LUTDescriptor"),
        (table(LUTDescriptor=None), 0x0121, "LUTDescriptor"),
        (table(data=bytes(510)), 0x0106, "LUTData"),
        (table(data=[-1] * 256), 0x0106, "LUTData"),
        (table(data=b"\xff\xff" * 256), 0x0106, "LUTData"),
        (Dataset(PresentationLUTSequence=[Dataset(LUTDescriptor=[256, 0, 12])]), 0x0120, "LUTData"),
    ],
)
def test_wrong_lut_is_refused(dataset: Dataset, status: int, named: str) -> None:
    """PS3.3 C.11.4: 256 or 4096 entries, the first for 0, of 10 to 16 bits."""
    answer = Scu().create(PresentationLUT, dataset=dataset)
    assert answer.Status == status, answer.comment
    assert named in answer.comment


class Referring:
    """A film in a session that refers to the shape IDENTITY."""

    def __init__(self) -> None:
        self.scu = Scu()
        self.identity, self.lin_od = (self.scu.lut(PresentationLUTShape=shape) for shape in ("IDENTITY", "LIN OD"))
        created = self.scu.film_box(self.scu.session(**refer(self.identity)))
        self.film_box = created.AffectedSOPInstanceUID or ""
        self.box = uids(created, "ReferencedImageBoxSequence")[0]

    def printed(self) -> list[str]:
        """Return the shapes of the film and of its first image, if it has its own."""
        sheet = self.scu.print(BasicFilmBox, self.film_box).films[0].sheet
        luts = (sheet.presentation_lut, sheet.cells[0].presentation_lut)
        return [lut.shape for lut in luts if lut is not None]


def test_lut_of_the_session_applies_to_its_films() -> None:
    """CP 173."""
    assert Referring().printed() == ["IDENTITY"]


def test_lut_of_the_film_box_precedes_the_session() -> None:
    film = Referring()
    film.scu.set(BasicFilmBox, film.film_box, Dataset(**refer(film.lin_od)))
    assert film.printed() == ["LIN OD"]


def test_film_and_image_box_keep_luts_of_their_own() -> None:
    """PS3.3 C.13.5: the LUT of an image box replaces the LUT of its film box."""
    film = Referring()
    film.scu.image(film.box, 1, ramp(), **refer(film.lin_od))
    assert film.printed() == ["IDENTITY", "LIN OD"]


def test_empty_reference_removes_the_lut() -> None:
    scu = Scu()
    uid = scu.lut()
    film_box, boxes = scu.film(**refer(uid))
    scu.image(boxes[0], 1, ramp(), **refer(uid))
    empty = Dataset(ReferencedPresentationLUTSequence=[])
    assert scu.set(BasicFilmBox, film_box, empty).Status == SUCCESS
    assert scu.image(boxes[0], 1, ramp(), ReferencedPresentationLUTSequence=[]).Status == SUCCESS
    sheet = scu.print(BasicFilmBox, film_box).films[0].sheet
    assert (sheet.presentation_lut, sheet.cells[0].presentation_lut) == (None, None)


def test_n_set_replaces_the_lut_of_a_session() -> None:
    scu = Scu()
    first, second = (scu.lut(PresentationLUTShape=shape) for shape in ("IDENTITY", "LIN OD"))
    session = scu.session(**refer(first))
    assert scu.set(BasicFilmSession, session, Dataset(**refer(second))).Status == SUCCESS
    film_box = scu.film_box(session).AffectedSOPInstanceUID
    assert film_box
    lut = scu.print(BasicFilmBox, film_box).films[0].sheet.presentation_lut
    assert lut is not None
    assert lut.shape == "LIN OD"


def test_deleted_lut_stays_where_it_is_referred_to() -> None:
    """PS3.4 H.4.9.2.2.2: a deleted LUT is kept while something refers to it; new references are refused."""
    scu = Scu()
    uid = scu.lut(PresentationLUTShape="LIN OD")
    film_box, boxes = scu.film(**refer(uid))
    assert scu.delete(PresentationLUT, uid).Status == SUCCESS
    assert scu.delete(PresentationLUT, uid).Status == 0x0112
    assert scu.image(boxes[0], 1, ramp(), **refer(uid)).Status == 0x0106
    lut = scu.print(BasicFilmBox, film_box).films[0].sheet.presentation_lut
    assert lut is not None
    assert lut.shape == "LIN OD"


def test_lut_outlives_the_film_session() -> None:
    """dcmprscu deletes the session first, and then the LUT."""
    scu = Scu()
    uid = scu.lut()
    session = scu.session(**refer(uid))
    assert scu.delete(BasicFilmSession, session).Status == SUCCESS
    assert scu.delete(PresentationLUT, uid).Status == SUCCESS


def test_luts_end_with_the_association() -> None:
    scu = Scu()
    uid = scu.lut()
    scu.service.close()
    assert scu.delete(PresentationLUT, uid).Status == 0x0112


def test_number_of_luts_is_bounded() -> None:
    scu = Scu()
    shape = Dataset(PresentationLUTShape="IDENTITY")
    statuses = [scu.create(PresentationLUT, dataset=shape).Status for _ in range(257)]
    assert statuses == [SUCCESS] * 256 + [0x0213]


@pytest.mark.parametrize(("entries", "status"), [(256, SUCCESS), (4096, 0x0106)])
def test_lut_match_requires_one_entry_per_pixel_value(entries: int, status: int) -> None:
    """Agfa Drystar 3000 and others."""
    scu = Scu(config=replace(CONFIG, lut_match_required=True))
    lut = scu.create(PresentationLUT, dataset=table(entries)).AffectedSOPInstanceUID
    assert lut
    for attributes in ({}, refer(lut)):
        _, boxes = scu.film(**({} if attributes else refer(lut)))
        assert scu.image(boxes[0], 1, ramp(), **attributes).Status == status
        assert scu.service.session is not None
        scu.delete(BasicFilmSession, scu.service.session.SOPInstanceUID)
    _, boxes = scu.film()
    deep = PrintImage(pixels=np.zeros((2, 2), np.uint16), PhotometricInterpretation="MONOCHROME2", BitsStored=12)
    assert scu.image(boxes[1], 2, deep, **refer(lut)).Status == (0x0106 if entries == 256 else SUCCESS)


def test_lut_may_be_created_on_the_meta_context() -> None:
    """Some SCUs negotiate a context for it, but use the context of the Meta SOP Class."""
    shape = Dataset(PresentationLUTShape="IDENTITY")
    assert Scu().create(PresentationLUT, dataset=shape, on=GRAY).Status == SUCCESS
    strict = Scu(config=replace(CONFIG, strict=True))
    assert strict.create(PresentationLUT, dataset=shape, on=GRAY).Status == 0x0122
