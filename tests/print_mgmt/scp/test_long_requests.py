"""Requests that compute many pixels: other clients do not wait, and a client that leaves leaves nothing behind."""

import asyncio
import threading

import numpy as np
import pytest
from numpy.typing import NDArray
from print_scu import Scu, ramp
from raw import until

from dimse.data import EXPLICIT_LE, Dataset, decode, encode
from dimse.errors import AssociationAborted
from dimse.message import NActionRQ, NGetRQ, NSetRQ
from dimse.net import Association, connect, scu
from dimse.uids import (
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    ExplicitVRLittleEndian,
    Verification,
    VOILUTBox,
)
from print_mgmt import PrintServer
from print_mgmt.config import PrinterConfig
from print_mgmt.film import PrintImage
from print_mgmt.images import color
from print_mgmt.images.color import rgb_of
from print_mgmt.items import to_item
from print_mgmt.model import reference
from print_mgmt.service import PrintService
from print_mgmt.typed import items, text

SYNTAX = (ExplicitVRLittleEndian,)
META = BasicColorPrintManagementMeta


def ybr_image_box() -> Dataset:
    """Return an image box with 1.08 MB of YBR pixels."""
    image = to_item(PrintImage(pixels=np.zeros((600, 600, 3), np.uint8), PhotometricInterpretation="RGB"))
    image.PhotometricInterpretation = "YBR_FULL"
    return Dataset(ImageBoxPosition=1, BasicColorImageSequence=[image])


class Slow:
    """`rgb_of` that waits for permission."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.has_begun = threading.Event()

    def __call__(self, ybr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self.has_begun.set()
        assert self.go_on.wait(30)
        return rgb_of(ybr)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow = Slow()
    monkeypatch.setattr(color, "rgb_of", slow)
    return slow


async def image_box(association: Association) -> str:
    context = association.context_for(META)
    session = (await scu.n_create(association, context, BasicFilmSession, "1.2.3")).Status
    film_box = Dataset(ImageDisplayFormat="STANDARD\\1,1")
    film_box.ReferencedFilmSessionSequence = [reference(BasicFilmSession, "1.2.3")]
    made = await scu.n_create(association, context, BasicFilmBox, "1.2.4", film_box)
    assert (session, made.Status) == (0, 0)
    (box,) = items(scu.dataset_of(association, context, made), "ReferencedImageBoxSequence")
    return text(box, "ReferencedSOPInstanceUID")


async def nothing(_: object) -> None:
    """An ``on_film`` that does nothing."""


async def test_long_request_does_not_block_others(slow: Slow) -> None:
    contexts = {META: SYNTAX, Verification: SYNTAX}
    async with (
        PrintServer(nothing, port=0) as server,
        connect(server.host, server.port, contexts) as one,
        connect(server.host, server.port, contexts) as other,
    ):
        uid = await image_box(one)
        setting = asyncio.create_task(scu.n_set(one, one.context_for(META), BasicColorImageBox, uid, ybr_image_box()))
        await until(slow.has_begun.is_set)
        assert (await scu.c_echo(other)).Status == 0
        await image_box(other)
        assert not setting.done()
        slow.go_on.set()
        assert (await setting).Status == 0


async def test_client_may_leave_during_a_long_request(slow: Slow) -> None:
    room_for_one = PrinterConfig(memory=2_000_000, host_memory=2_000_000, total_memory=2_000_000)
    async with PrintServer(nothing, port=0, config=room_for_one) as server:
        async with connect(server.host, server.port, {META: SYNTAX}) as one:
            uid = await image_box(one)
            setting = asyncio.create_task(
                scu.n_set(one, one.context_for(META), BasicColorImageBox, uid, ybr_image_box())
            )
            await until(slow.has_begun.is_set)
            one.abort()
            with pytest.raises(AssociationAborted):
                await setting
        slow.go_on.set()
        await until(lambda: not server.associations)
        async with connect(server.host, server.port, {META: SYNTAX}) as next_one:
            uid = await image_box(next_one)
            context = next_one.context_for(META)
            response = await scu.n_set(next_one, context, BasicColorImageBox, uid, ybr_image_box())
            assert response.Status == 0, "the memory of the first image is free again"


def set_request(sop_class: str) -> NSetRQ:
    return NSetRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID="1.2")


def action_request(film_box: str) -> NActionRQ:
    return NActionRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=film_box, ActionTypeID=1)


@pytest.mark.parametrize(
    ("sop_class", "keyword", "size", "is_long"),
    [
        (BasicColorImageBox, "BasicColorImageSequence", 1000, False),
        (BasicColorImageBox, "BasicColorImageSequence", 2 << 20, True),
        (BasicGrayscaleImageBox, "BasicGrayscaleImageSequence", 2 << 20, False),
        (BasicGrayscaleImageBox, "OriginalImageSequence", 1000, False),
        (BasicGrayscaleImageBox, "OriginalImageSequence", 2 << 20, True),
    ],
)
def test_megabytes_of_color_or_other_data_take_long(sop_class: str, keyword: str, size: int, is_long: bool) -> None:
    dataset = Dataset(**{keyword: [Dataset(PixelData=bytes(size))]})
    sent = decode(encode(dataset, EXPLICIT_LE), EXPLICIT_LE)
    assert PrintService().takes_long(set_request(sop_class), sent) == is_long


def test_film_with_a_voi_lut_box_takes_long() -> None:
    scu = Scu()
    film, boxes = scu.film()
    scu.image(boxes[0], 1, ramp())
    assert not scu.service.takes_long(action_request(film), None)
    voi = scu.create(VOILUTBox, dataset=Dataset(WindowCenter=[9.0], WindowWidth=[9.0])).AffectedSOPInstanceUID or ""
    scu.image(boxes[0], 1, ramp(), ReferencedVOILUTBoxSequence=[reference(VOILUTBox, voi)])
    assert scu.service.takes_long(action_request(film), None)


def test_film_of_many_boxes_takes_long() -> None:
    scu = Scu()
    film, _ = scu.film(ImageDisplayFormat="STANDARD\\16,16")
    assert not scu.service.takes_long(action_request(film), None)
    assert scu.service.session
    scu.film_box(scu.service.session.SOPInstanceUID)
    assert scu.service.takes_long(action_request(film), None)


@pytest.mark.parametrize(("length", "is_long"), [(100, False), (10_000, True)])
def test_change_of_a_large_instance_takes_long(length: int, is_long: bool) -> None:
    """All of its attributes are stored again; with a film session, also those of its film boxes."""
    scu = Scu()
    film, boxes = scu.film(PatientComments="x" * length, AdditionalPatientHistory="x" * length)
    assert scu.service.session
    session = scu.service.session.SOPInstanceUID
    for sop_class, uid in ((BasicFilmBox, film), (BasicFilmSession, session), (BasicFilmBox, "")):
        message = NSetRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid)
        assert scu.service.takes_long(message, Dataset(Trim="YES")) == is_long
    image = NSetRQ(MessageID=1, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID=boxes[0])
    assert not scu.service.takes_long(image, Dataset(ImageBoxPosition=1))


@pytest.mark.parametrize(("count", "is_long"), [(256, False), (257, True)])
def test_request_for_many_attributes_takes_long(count: int, is_long: bool) -> None:
    tags = tuple(range(0x21100000, 0x21100000 + count))
    message = NGetRQ(
        MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", AttributeIdentifierList=tags
    )
    assert PrintService().takes_long(message, None) == is_long
