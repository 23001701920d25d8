"""Any requests in any order: each has an answer, nothing raises, and the printer goes on printing."""

from typing import Any

from attribute_tables import TABLES
from budget import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from print_scu import SUCCESS, Scu, ramp, uids

from dimse.data import EXPLICIT_LE, Dataset, Element, Item, decode, encode, tag_of
from dimse.message import GENERAL_STATUS, NActionRQ, NCreateRQ, NDeleteRQ, NEventReportRQ, NGetRQ, NSetRQ, Request
from dimse.uids import BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox, PrinterInstance
from print_mgmt.attributes.tables import COLOR_IMAGE, GRAY_IMAGE, Table
from print_mgmt.config import preset
from print_mgmt.items import to_item
from print_mgmt.service import Answer
from print_mgmt.sop import SOP_CLASSES
from print_mgmt.status import BY_SERVICE

ALIVE = ("1.2.100", "1.2.101", "1.2.102", "1.2.103")  # placeholders for a session, a film box, its image box, and a LUT


def keywords(table: Table) -> set[str]:
    return {row.keyword for row in table}.union(*(keywords(row.items) for row in table))


KEYWORDS = sorted(set().union(*map(keywords, (*TABLES.values(), GRAY_IMAGE, COLOR_IMAGE))))
VALUES: list[tuple[str, Any]] = [
    *(("CS", term) for term in ("BLACK", "NONE", "FAIL", "CROP", "LANDSCAPE", "YES", "150", "LIN OD", "A4", "PAPER")),
    *(("ST", term) for term in ("STANDARD\\1,1", "ROW\\3,1", "SLIDE", "CUSTOM\\1", "STANDARD\\0,0")),
    *(("US", number) for number in (0, 1, 8, 12, 16, 300, 65535)),
    *(("IS", number) for number in (-1, 0, 2, 2**31 - 1)),
    *(("DS", number) for number in (0.0, -1.5, 1e9, 20.0)),
    *(("UI", uid) for uid in ("1.2.3", *ALIVE)),
    *(("OW", data) for data in (b"", bytes(2), bytes(512), b"\xff" * 24)),
    ("US", [256, 0, 12]),
    ("SS", b"\xff\xff\xff\xff"),
    ("LO", None),
]


@st.composite
def datasets(draw: st.DrawFn, depth: int = 2) -> Dataset:
    dataset = Dataset()
    for keyword in draw(st.lists(st.sampled_from(KEYWORDS), max_size=6)):
        if keyword.endswith("Sequence") and depth and draw(st.booleans()):
            items: list[Item] = draw(st.lists(datasets(depth - 1), max_size=2))
            dataset.add(Element(tag_of(keyword), "SQ", items))
        else:
            vr, value = draw(st.sampled_from(VALUES))
            dataset.add(Element(tag_of(keyword), vr, value))
    return dataset


Asked = tuple[type[Request], str, str, Dataset | None, int]
MESSAGES = st.sampled_from([NCreateRQ, NSetRQ, NGetRQ, NActionRQ, NDeleteRQ, NEventReportRQ])
CLASSES = st.sampled_from([*SOP_CLASSES.values(), "1.2.3"])
INSTANCES = st.sampled_from([*ALIVE, "", "1.2.3", PrinterInstance])
REQUESTS = st.tuples(MESSAGES, CLASSES, INSTANCES, datasets() | st.none(), st.integers(0, 3))


def resolved(dataset: Dataset, alive: dict[str, str]) -> Dataset:
    """Return a value with existing instances in place of their names."""
    for element in dataset:
        if isinstance(element.value, str) and element.value in alive:
            dataset.add(Element(element.tag, element.VR, alive[element.value]))
        elif isinstance(element.value, list):
            for item in element.value:
                if isinstance(item, Dataset):
                    resolved(item, alive)
    return dataset


def message(kind: type[Request], sop_class: str, uid: str, number: int) -> Request:
    if kind is NCreateRQ:
        return NCreateRQ(MessageID=1, AffectedSOPClassUID=sop_class, AffectedSOPInstanceUID=uid or None)
    if kind is NEventReportRQ:
        return NEventReportRQ(
            MessageID=1, AffectedSOPClassUID=sop_class, AffectedSOPInstanceUID=uid, EventTypeID=number
        )
    requested: dict[str, Any] = {"MessageID": 1, "RequestedSOPClassUID": sop_class, "RequestedSOPInstanceUID": uid}
    if kind is NActionRQ:
        requested["ActionTypeID"] = number
    return kind(**requested)


@given(st.lists(REQUESTS, max_size=12), st.sampled_from(["generic", "strict", "minimal", "agfa-ds3000"]))
@settings(max_examples=examples(100))
def test_every_request_has_an_answer(
    requests: list[tuple[type[Request], str, str, Dataset | None, int]], name: str
) -> None:
    scu = Scu(config=preset(name))
    session, lut = scu.session(), scu.lut()
    created = scu.film_box(session, ImageDisplayFormat="STANDARD\\1,1")
    image_box = uids(created, "ReferencedImageBoxSequence")[0]
    alive = dict(zip(ALIVE, (session, str(created.AffectedSOPInstanceUID), image_box, lut), strict=True))
    for kind, sop_class, instance, dataset, number in requests:
        asked = message(kind, sop_class, alive.get(instance, instance), number)
        sent = None if dataset is None else resolved(dataset, alive)
        received = None if sent is None else decode(encode(sent, EXPLICIT_LE), EXPLICIT_LE)
        answer = scu.service.handle(sop_class, asked, received)
        assert isinstance(answer, Answer)
        assert answer.Status == SUCCESS or answer.comment
        service = kind.__name__.removesuffix("RQ").replace("N", "N-", 1).upper()
        assert answer.Status in GENERAL_STATUS or answer.Status in BY_SERVICE[sop_class, service]
        if answer.dataset is not None:
            encode(answer.dataset, EXPLICIT_LE)
    prints_on(scu)


def prints_on(scu: Scu) -> None:
    """A new client can print after any requests."""
    scu.service.close()
    film_box, boxes = scu.film(ImageDisplayFormat="STANDARD\\1,1")
    dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[to_item(ramp())])
    assert scu.set(BasicGrayscaleImageBox, boxes[0], dataset).Status == SUCCESS
    assert scu.print(BasicFilmBox, film_box).Status == SUCCESS
    assert scu.service.session is not None
    assert scu.delete(BasicFilmSession, scu.service.session.SOPInstanceUID).Status == SUCCESS
