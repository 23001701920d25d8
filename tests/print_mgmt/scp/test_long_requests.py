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
from print_mgmt import items as item_module
from print_mgmt.config import PrinterConfig
from print_mgmt.film import PrintImage
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
    monkeypatch.setattr(item_module, "rgb_of", slow)
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


def test_costly_request_takes_long() -> None:
    """Megabytes of color, much other data, many boxes, and films with a VOI LUT Box."""
    scu = Scu()
    takes_long = scu.service.takes_long
    gray, colour = (
        NSetRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID="1.2")
        for sop_class in (BasicGrayscaleImageBox, BasicColorImageBox)
    )

    def sent(keyword: str, size: int) -> Dataset:
        return decode(encode(Dataset(**{keyword: [Dataset(PixelData=bytes(size))]}), EXPLICIT_LE), EXPLICIT_LE)

    sizes = (1000, 2 << 20)
    assert [takes_long(colour, sent("BasicColorImageSequence", size)) for size in sizes] == [False, True]
    assert not takes_long(gray, sent("BasicGrayscaleImageSequence", 2 << 20))
    assert [takes_long(gray, sent("OriginalImageSequence", size)) for size in sizes] == [False, True]
    film, boxes = scu.film()
    action = NActionRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=film, ActionTypeID=1)
    scu.image(boxes[0], 1, ramp())
    assert not takes_long(action, None)
    voi = scu.create(VOILUTBox, dataset=Dataset(WindowCenter=[9.0], WindowWidth=[9.0])).AffectedSOPInstanceUID or ""
    scu.image(boxes[0], 1, ramp(), ReferencedVOILUTBoxSequence=[reference(VOILUTBox, voi)])
    assert takes_long(action, None)
    many = Scu()
    many.film(ImageDisplayFormat="STANDARD\\16,16")
    assert not many.service.takes_long(action, None)
    assert many.service.session
    many.film_box(many.service.session.SOPInstanceUID)
    assert many.service.takes_long(action, None)


@pytest.mark.parametrize(("count", "is_long"), [(256, False), (257, True)])
def test_request_for_many_attributes_takes_long(count: int, is_long: bool) -> None:
    tags = tuple(range(0x21100000, 0x21100000 + count))
    message = NGetRQ(
        MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", AttributeIdentifierList=tags
    )
    assert PrintService().takes_long(message, None) == is_long
