"""Costly requests of one client: they run in a thread, so that other clients are answered meanwhile.

How long the bystander waits at worst is logged (``pytest -o log_cli=1 --log-cli-level=INFO``), and not asserted.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest
from print_scu import ramp

from dimse.data import Dataset, Element
from dimse.message import Request, Response
from dimse.net import Association, connect, scu
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    BasicPrintImageOverlayBox,
    ExplicitVRLittleEndian,
    Verification,
)
from print_mgmt import Film, PrintServer
from print_mgmt.items import to_item
from print_mgmt.model import reference
from print_mgmt.service import Answer, PrintService
from print_mgmt.typed import items, text

_log = logging.getLogger(__name__)

META = BasicGrayscalePrintManagementMeta
CONTEXTS = dict.fromkeys((META, BasicPrintImageOverlayBox, Verification), (ExplicitVRLittleEndian,))
SUCCESS, INVALID_VALUE, NO_IMAGE = 0x0000, 0x0106, 0xB602


async def film(attacker: Association, ImageDisplayFormat: str = r"STANDARD\1,1") -> list[str]:
    """Create a film box in the session 1.2.1; return its image boxes."""
    context = attacker.context_for(META)
    asked = Dataset(ImageDisplayFormat=ImageDisplayFormat)
    asked.ReferencedFilmSessionSequence = [reference(BasicFilmSession, "1.2.1")]
    made = await scu.n_create(attacker, context, BasicFilmBox, None, asked)
    boxes = items(scu.dataset_of(attacker, context, made), "ReferencedImageBoxSequence")
    return [text(box, "ReferencedSOPInstanceUID") for box in boxes]


async def set_image(attacker: Association, more: Dataset) -> Response:
    (box,) = await film(attacker)
    dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[to_item(ramp())])
    dataset.update(more)
    return await scu.n_set(attacker, attacker.context_for(META), BasicGrayscaleImageBox, box, dataset)


async def elements_of_others(attacker: Association) -> Response:
    """Return 4,900 private elements, which the printer ignores."""
    item = Dataset()
    for number in range(4900):
        item.add(Element(0x00091000 + number, "UN", b"ab"))
    return await set_image(attacker, Dataset(OriginalImageSequence=[item]))


async def known_elements(attacker: Association) -> Response:
    """Return 800 items that the printer keeps."""
    known = Dataset(ReferencedSOPInstanceUID="1.2.3", StudyInstanceUID="1.2", SeriesInstanceUID="1.2.4", PatientID="x")
    return await set_image(attacker, Dataset(OriginalImageSequence=[known] * 800))


async def nested(attacker: Association) -> Response:
    """Return 2,400 nested items, 48 deep."""
    item = Dataset()
    for _ in range(48):
        item = Dataset(OriginalImageSequence=[item])
    return await set_image(attacker, Dataset(OriginalImageSequence=[item] * 50))


async def overlay(attacker: Association) -> Response:
    """Return a plane of 4096 x 4096 in cells of 16 bits, 32 MiB."""
    plane = Dataset(OverlayRows=4096, OverlayColumns=4096, OverlayOrigin=[1, 1], OverlayBitsAllocated=16)
    plane.OverlayBitPosition, plane.OverlayData = 3, np.zeros(1 << 24, np.uint16)
    context = attacker.context_for(BasicPrintImageOverlayBox)
    asked = Dataset(OverlayPixelDataSequence=[plane])
    return await scu.n_create(attacker, context, BasicPrintImageOverlayBox, "1.2.9", asked)


async def many_boxes(attacker: Association) -> Response:
    """Create a session of 16 films with 256 image boxes each."""
    for _ in range(16):
        await film(attacker, r"STANDARD\16,16")
    return await scu.n_action(attacker, attacker.context_for(META), BasicFilmSession, "1.2.1", 1)


Attack = Callable[[Association], Awaitable[Response]]
ATTACKS: list[tuple[Attack, int]] = [
    (elements_of_others, SUCCESS),
    (known_elements, SUCCESS),
    (nested, SUCCESS),
    (overlay, SUCCESS),
    (many_boxes, NO_IMAGE),
]


@asynccontextmanager
async def bystander(server: PrintServer) -> AsyncIterator[list[float]]:
    """Yield the seconds that echoes of another client take, while the block runs."""
    waits: list[float] = []

    async def echo() -> None:
        async with connect(server.host, server.port, {Verification: (ExplicitVRLittleEndian,)}) as association:
            while not done.is_set():
                begin = time.perf_counter()
                assert (await scu.c_echo(association)).Status == SUCCESS
                waits.append(time.perf_counter() - begin)

    done = asyncio.Event()
    echoing = asyncio.create_task(echo())
    try:
        yield waits
    finally:
        done.set()
        await echoing


@pytest.mark.parametrize(("attack", "status"), ATTACKS, ids=lambda value: getattr(value, "__name__", ""))
async def test_costly_request_is_performed_in_a_thread(
    attack: Attack, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    perform = PrintService.handle

    def handle(self: PrintService, abstract_syntax: str, message: Request, dataset: Dataset | None) -> Answer:
        threads.append(threading.get_ident())
        return perform(self, abstract_syntax, message, dataset)

    async def on_film(film: Film) -> None:
        del film

    monkeypatch.setattr(PrintService, "handle", handle)
    async with PrintServer(on_film, port=0) as server:
        async with connect(server.host, server.port, CONTEXTS) as attacker, bystander(server) as waits:
            await scu.n_create(attacker, attacker.context_for(META), BasicFilmSession, "1.2.1")
            assert (await attack(attacker)).Status == status
    _log.info("the bystander waits %.0f ms at worst", max(waits) * 1000)
    assert threads[0] == threading.get_ident() != threads[-1]
