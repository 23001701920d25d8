"""Every film that N-ACTION accepts can be written in every format, with any attributes."""

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from attribute_tables import TABLES
from budget import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from print_scu import COLOR, GRAY, Scu, uids

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, Element, Item, TransferSyntax, decode, encode, tag_of
from dimse.errors import DimseError
from dimse.message import StatusClass, status_class
from dimse.uids import (
    BasicAnnotationBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicPrintImageOverlayBox,
    PresentationLUT,
    VOILUTBox,
)
from print_mgmt.attributes.tables import Table
from print_mgmt.cli.reported_folder import ReportedFolder
from print_mgmt.destinations import FolderDestination
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item
from print_mgmt.model import reference
from print_mgmt.output import FORMATS
from print_mgmt.scp import Film
from print_mgmt.service import Answer


def keywords(table: Table) -> set[str]:
    return {row.keyword for row in table}.union(*(keywords(row.items) for row in table))


KEYWORDS = sorted(set().union(*map(keywords, TABLES.values())) | {"PatientName", "PatientWeight", "AcquisitionTime"})
NASTY = st.sampled_from(
    [
        *(
            b"heavy",
            b"NaN",
            b"-inf",
            b"1e999",
            b"1" * 500,
            b"\\" * 99,
            b"0\\0",
            b"-1",
            b"\x00\x00\xc0\x7f",
            b"\xff" * 8,
        ),
        *(b"\xed\xa0\x80\xed\xb0\x80", b"\x1b$B\xff\xff", b"../../etc/passwd", b"<script>", b"\x00", b"\r\n\x1b[2J"),
        *(b"ISO_IR 192", b"ISO 2022 IR 87", b"GB18030", b"20240231", b"999999.9999999", b"1.2.", b"BLACK", b"NONE"),
        *(bytes(128), b"x" * 3000, b"STANDARD\\1,1", b"YES", b"150", b"LIN OD", b"\xe2\x80\xae" + b"abc"),
    ]
)
VRS = st.sampled_from(
    [
        *("AE", "AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OW"),
        *("PN", "SH", "SL", "SS", "ST", "TM", "UC", "UI", "UL", "UN", "US", "UT"),
    ]
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 2) -> Element:
    tag = tag_of(draw(st.sampled_from(KEYWORDS)))
    if depth and draw(st.booleans()):
        items: list[Item] = draw(st.lists(extras(depth - 1), max_size=2))
        return Element(tag, "SQ", items)
    vr, value = draw(VRS), draw(NASTY | st.binary(max_size=20))
    if vr in ("OW", "US", "SS"):
        value = value[: len(value) // 2 * 2]
    return Element(tag, vr, value)


@st.composite
def extras(draw: st.DrawFn, depth: int = 2) -> Dataset:
    dataset = Dataset()
    for element in draw(st.lists(elements(depth), max_size=3)):
        dataset.add(element)
    return dataset


def received(right: Dataset, wrong: Dataset, syntax: TransferSyntax) -> Dataset:
    """Return both Data Sets as received, with the wrong elements in place of the right ones."""
    both = right.copy()
    both.update(wrong)
    try:
        return decode(encode(both, syntax), syntax)
    except DimseError:  # no client can send the element and no server can read it, so the request is sent without it
        return decode(encode(right, syntax), syntax)


class Hostile(Scu):
    """A client that adds wrong elements to each request."""

    def __init__(self, meta: str, wrong: list[Dataset], syntax: TransferSyntax, title: str) -> None:
        super().__init__(meta, calling_ae_title=title)
        self.wrong = wrong
        self.syntax = syntax

    def handle(self, abstract_syntax: str, message: Any, dataset: Dataset | None) -> Answer:
        wrong = self.wrong.pop() if self.wrong else Dataset()
        return super().handle(abstract_syntax, message, received(dataset or Dataset(), wrong, self.syntax))


def image(meta: str) -> PrintImage:
    shape, photometric = ((5, 7, 3), "RGB") if meta == COLOR else ((5, 7), "MONOCHROME2")
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    return PrintImage(pixels=pixels, PhotometricInterpretation=photometric)


def conversation(scu: Hostile) -> list[Answer]:
    """Set all attributes of a film that are not refused, and return the answers to N-ACTION."""
    session = scu.create(BasicFilmSession, "1.2.1", Dataset(FilmSessionLabel="x")).AffectedSOPInstanceUID or ""
    plane = Dataset(OverlayRows=3, OverlayColumns=4, OverlayOrigin=[1, 1], OverlayBitsAllocated=1)
    plane.OverlayBitPosition, plane.OverlayData = 0, bytes(2)
    voi = Dataset(WindowCenter=5, WindowWidth=9)
    scu.create(PresentationLUT, "1.2.2", Dataset(PresentationLUTShape="LIN OD"))
    scu.create(VOILUTBox, "1.2.3", voi)
    scu.create(BasicPrintImageOverlayBox, "1.2.4", Dataset(OverlayPixelDataSequence=[plane]))
    film_box = Dataset(ImageDisplayFormat="STANDARD\\2,1", AnnotationDisplayFormatID="LABEL")
    film_box.ReferencedFilmSessionSequence = [reference(BasicFilmSession, session)]
    film_box.ReferencedPresentationLUTSequence = [reference(PresentationLUT, "1.2.2")]
    made = scu.create(BasicFilmBox, "1.2.5", film_box)
    if status_class(made.Status) is StatusClass.FAILURE:
        made = scu.create(BasicFilmBox, "1.2.5", film_box)
    if status_class(made.Status) is StatusClass.FAILURE:
        return []
    for position, box in enumerate(uids(made, "ReferencedImageBoxSequence"), 1):
        references: dict[str, Any] = {
            "ReferencedVOILUTBoxSequence": [reference(VOILUTBox, "1.2.3")],
            "ReferencedImageOverlayBoxSequence": [reference(BasicPrintImageOverlayBox, "1.2.4")],
        }
        scu.set(scu.image_class, box, scu.image_dataset(position, to_item(image(scu.meta)), **references))
    for box in uids(made, "ReferencedBasicAnnotationBoxSequence"):
        scu.set(BasicAnnotationBox, box, Dataset(AnnotationPosition=1, TextString="text"))
    scu.set(BasicFilmBox, "1.2.5", Dataset(BorderDensity="WHITE"))
    scu.set(BasicFilmSession, session, Dataset(PrintPriority="HIGH"))
    return [scu.print(BasicFilmBox, "1.2.5"), scu.print(BasicFilmSession, session)]


@given(
    meta=st.sampled_from([GRAY, COLOR]),
    syntax=st.sampled_from([EXPLICIT_LE, IMPLICIT_LE]),
    title=st.binary(min_size=1, max_size=16),
    wrong=st.lists(extras(), max_size=12),
)
@settings(max_examples=examples(50))
def test_accepted_film_is_written_in_every_format(
    meta: str, syntax: TransferSyntax, title: bytes, wrong: list[Dataset]
) -> None:
    scu = Hostile(meta, wrong, syntax, title.decode("ascii", "surrogateescape"))
    for answer in conversation(scu):
        assert answer.job is not None or status_class(answer.Status) is StatusClass.FAILURE
        if answer.job is None:
            continue
        for exposure in answer.job.unprinted[: len(answer.job.films)]:
            with TemporaryDirectory() as out:
                written(Film(1, answer.job, exposure), Path(out))


def written(film: Film, out: Path) -> None:
    lines: list[str] = []
    folder = FolderDestination(path=str(out), formats=tuple(FORMATS), dpi=15)
    asyncio.run(ReportedFolder(folder=folder, as_json=True, report=lines.append).deliver(film, Dataset()))
    assert {path.suffix[1:] for path in out.iterdir()} == set(FORMATS)
    for text in (*lines, next(out.glob("*.json")).read_text(encoding="utf-8")):
        json.loads(text, parse_constant=int)
    assert len(lines) == 1
