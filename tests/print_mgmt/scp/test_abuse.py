"""Hostile requests over the network: they get an answer or an abort, and other clients are unaffected."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from fuzzing import damaged
from listening import META, Gate, client
from print_scu import GRAY, Scu, ramp, uids
from raw import Raw, p_data

from dimse.data import EXPLICIT_LE, Dataset, Element, encode
from dimse.errors import AssociationAborted, DimseError
from dimse.message import Request
from dimse.net import Timeouts, connect, scu
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicPrintImageOverlayBox,
    ExplicitVRLittleEndian,
    PresentationLUT,
    Printer,
    PrinterConfigurationRetrieval,
    PrinterConfigurationRetrievalInstance,
    PrinterInstance,
    Verification,
    VOILUTBox,
)
from dimse.ul import (
    PDV,
    Abort,
    AssociateRQ,
    ImplementationClassUID,
    MaximumLength,
    PDataTF,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
)
from print_mgmt import Film, PrintClient, PrintServer
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item
from print_mgmt.model import reference
from print_mgmt.service import Answer, films, instances
from print_mgmt.sop import SOP_CLASSES

SYNTAX = (ExplicitVRLittleEndian,)
QUICK = Timeouts(linger=0.05, write=1)
SEEDS = 2
DAMAGED = 25  # conversations of each seed


@asynccontextmanager
async def bothered(**options: Any) -> AsyncIterator[tuple[PrintServer, list[Film]]]:
    """Run a printer with another client, which is answered all the time; an honest client prints at the end."""
    taken: list[Film] = []

    async def on_film(film: Film) -> None:
        await film.render(dpi=15)
        taken.append(film)

    async with PrintServer(on_film, port=0, timeouts=QUICK, **options) as server:
        async with connect(server.host, server.port, {Verification: SYNTAX}) as neighbor:
            echoing = asyncio.create_task(_echo(neighbor))
            try:
                yield server, taken
            finally:
                echoing.cancel()
                await asyncio.wait({echoing})
        assert echoing.cancelled(), echoing.exception()
        async with PrintClient(server.host, server.port, calling_ae_title="HONEST") as honest:
            await honest.print_images([np.zeros((5, 5), np.uint8)])
    assert taken[-1].calling_ae_title == "HONEST"


async def _echo(neighbor: Any) -> None:
    while True:
        async with asyncio.timeout(20):
            assert (await asyncio.shield(asyncio.ensure_future(scu.c_echo(neighbor)))).Status == 0
        await asyncio.sleep(0.001)


def film_box(session: str, display_format: str) -> Dataset:
    dataset = Dataset(ImageDisplayFormat=display_format)
    dataset.ReferencedFilmSessionSequence = [reference(BasicFilmSession, session)]
    return dataset


async def test_endless_display_format_is_refused() -> None:
    async with bothered() as (server, _), connect(server.host, server.port, {META: SYNTAX}) as one:
        context = one.context_for(META)
        await scu.n_create(one, context, BasicFilmSession, "1.2.3")
        for words in (r"STANDARD\9999,9999", r"STANDARD\99,99", "ROW\\" + "9," * 400 + "9", "COL\\" + "9" * 900):
            answer = await scu.n_create(one, context, BasicFilmBox, dataset=film_box("1.2.3", words))
            assert answer.Status == 0x0106, words


async def test_wrong_images_and_densities_do_no_harm() -> None:
    item = to_item(ramp())
    changes: list[dict[str, Any]] = [
        {"Rows": 65535, "Columns": 65535},
        {"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31},
        {"PixelAspectRatio": [1, 2147483647]},
        {"PixelData": b""},
    ]
    async with bothered() as (server, _), client(server, META) as one:
        await one.fill_film()
        context = one.association.context_for(META)
        made = await scu.n_create(
            one.association, context, BasicFilmBox, dataset=film_box(one.session, r"STANDARD\1,1")
        )
        (box,) = uids(Answer(dataset=scu.dataset_of(one.association, context, made)), "ReferencedImageBoxSequence")
        for change in changes:
            bad = item.copy()
            for keyword, value in change.items():
                bad[keyword] = value
            dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[bad])
            answer = await scu.n_set(one.association, context, BasicGrayscaleImageBox, box, dataset)
            assert answer.Status == (0x0121 if "PixelData" in change else 0x0106), change  # PS3.7 Annex C
        dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[item], RequestedImageSize=1e9)
        dataset.MaxDensity = 65535
        answer = await scu.n_set(one.association, context, BasicGrayscaleImageBox, box, dataset)
        assert answer.Status == 0xB605
        dataset = Dataset(NumberOfCopies=10**9)
        assert (await scu.n_set(one.association, context, BasicFilmSession, one.session, dataset)).Status == 0x0116


async def test_instances_are_bounded() -> None:
    async with bothered() as (server, taken), client(server, META) as one:
        await one.fill_film()
        context = one.association.context_for(META)
        again = {(await scu.n_create(one.association, context, BasicFilmSession)).Status for _ in range(200)}
        assert again == {0x0213}
        made = [
            await scu.n_create(one.association, context, BasicFilmBox, dataset=film_box(one.session, r"STANDARD\1,1"))
            for _ in range(100)
        ]
        assert [answer.Status for answer in made] == [0] * 63 + [0x0213] * 37
        last = Answer(dataset=scu.dataset_of(one.association, context, made[62]))
        (box,) = uids(last, "ReferencedImageBoxSequence")
        large = PrintImage(pixels=np.zeros((500, 500), np.uint8), PhotometricInterpretation="MONOCHROME2")
        dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[to_item(large)])
        for _ in range(500):
            assert (await scu.n_set(one.association, context, BasicGrayscaleImageBox, box, dataset)).Status == 0
        assert len(taken) == 0


async def test_film_of_another_client_does_not_exist() -> None:
    async with bothered() as (server, taken):
        async with client(server, META) as owner, client(server, META) as thief:
            await owner.fill_film()
            context = thief.association.context_for(META)
            for uid in (owner.film_box, "1.2.3"):
                for answer in (
                    await scu.n_action(thief.association, context, BasicFilmBox, uid, 1),
                    await scu.n_delete(thief.association, context, BasicFilmBox, uid),
                    await scu.n_set(thief.association, context, BasicFilmBox, uid, Dataset(Trim="YES")),
                ):
                    assert answer.Status == 0x0112
                    assert str(answer.ErrorComment).startswith("there is no Basic Film Box ")
            assert (await owner.action()).Status == 0
    assert len(taken) == 2  # one film of the owner, and one of the honest client


async def test_deleted_film_is_printed() -> None:
    gate = Gate()
    async with PrintServer(gate, port=0) as server:
        async with client(server, META) as one:
            await one.fill_film()
            assert (await one.action()).Status == 0
            await one.delete()
            gate.go_on.set()
    assert server.printed == 1


async def test_endless_identifier_list_is_answered() -> None:
    """A list within `Limits.command_set` is answered; a longer one ends the association."""
    async with bothered() as (server, _):
        for number, is_answered in ((10_000, True), (100_000, False)):
            async with connect(server.host, server.port, {META: SYNTAX}) as one:
                tags = [0x00110000 + n for n in range(number)]
                asked = scu.n_get(one, one.context_for(META), Printer, PrinterInstance, tags)
                if is_answered:
                    assert (await asked).Status == 0x0107
                else:
                    with pytest.raises(AssociationAborted):
                        await asked


async def test_number_of_elements_is_bounded() -> None:
    """They are counted while decoding; 5,000 are more than any request of printing has."""
    async with bothered() as (server, _), connect(server.host, server.port, {META: SYNTAX}) as one:
        dataset = Dataset()
        for number in range(20_000):
            dataset.add(Element(0x00110000 + number, "UN", b"xx"))
        answer = await scu.n_create(one, one.context_for(META), BasicFilmSession, dataset=dataset)
        assert answer.Status == 0x0110
        assert answer.ErrorComment is not None
        assert "more than 5000 elements" in answer.ErrorComment


# --- damaged conversations with all optional services ---


class Recorder(Scu):
    """An SCU that records its requests and their contexts."""

    def __init__(self, meta: str = GRAY) -> None:
        super().__init__(meta)
        self.asked: list[tuple[str, Request, Dataset | None]] = []

    def handle(self, abstract_syntax: str, message: Request, dataset: Dataset | None) -> Answer:
        self.asked.append((abstract_syntax, message, dataset))
        return super().handle(abstract_syntax, message, dataset)


def conversation() -> Recorder:
    """Perform all operations of all SOP Classes, each with attributes."""
    one = Recorder()
    one.get(Printer, PrinterInstance, "PrinterStatus", "PrinterName")
    one.get(PrinterConfigurationRetrieval, PrinterConfigurationRetrievalInstance)
    lut = one.lut(PresentationLUTSequence=[Dataset(LUTDescriptor=[256, 0, 12], LUTData=bytes(512))])
    voi = one.create(VOILUTBox, dataset=Dataset(WindowCenter=[9.0], WindowWidth=[9.0])).AffectedSOPInstanceUID or ""
    plane = Dataset(OverlayRows=4, OverlayColumns=4, OverlayOrigin=[1, 1], OverlayBitsAllocated=1)
    plane.OverlayBitPosition, plane.OverlayData = 0, b"\xff\xff"
    overlay = one.create(BasicPrintImageOverlayBox, dataset=Dataset(OverlayPixelDataSequence=[plane]))
    session = one.session(NumberOfCopies=2, SpecificCharacterSet="ISO_IR 192", FilmSessionLabel="Müller")
    luts = [reference(PresentationLUT, lut)]
    film = one.film_box(
        session, AnnotationDisplayFormatID="COMBINED", MaxDensity=300, ReferencedPresentationLUTSequence=luts
    )
    boxes, notes = uids(film, "ReferencedImageBoxSequence"), uids(film, "ReferencedBasicAnnotationBoxSequence")
    overlays = [reference(BasicPrintImageOverlayBox, overlay.AffectedSOPInstanceUID or "")]
    others: dict[str, Any] = {"ReferencedVOILUTBoxSequence": [reference(VOILUTBox, voi)]}
    one.image(boxes[0], 1, ramp(), ReferencedImageOverlayBoxSequence=overlays, RequestedImageSize=20.0, **others)
    one.image(boxes[1], 2, ramp(), RequestedDecimateCropBehavior="CROP", Polarity="REVERSE")
    one.annotate(notes[0], 1, TextString="Doe^Jane")
    one.set(BasicFilmBox, film.AffectedSOPInstanceUID or "", Dataset(MagnificationType="CUBIC", Trim="YES"))
    assert one.print(BasicFilmBox, film.AffectedSOPInstanceUID or "").Status == 0x0000
    assert one.print(BasicFilmSession, session).Status == 0x0000
    one.delete(PresentationLUT, lut)
    one.delete(BasicFilmSession, session)
    return one


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make UIDs repeatable; return a function that restarts them."""
    numbers = [count(1)]

    def restart() -> None:
        numbers[0] = count(1)

    for module in (films, instances):
        monkeypatch.setattr(module, "new_uid", lambda: f"1.2.3.{next(numbers[0])}")
    return restart


REQUEST = AssociateRQ(
    called_ae_title="PRINTSCP",
    calling_ae_title="FUZZ",
    presentation_contexts=tuple(
        PresentationContextRQ(2 * number + 1, uid, SYNTAX) for number, uid in enumerate(SOP_CLASSES.values())
    ),
    user_information=(MaximumLength(0), ImplementationClassUID("1.2.3")),
)
IDS = {context.abstract_syntax: context.id for context in REQUEST.presentation_contexts}


def on_the_wire(number: int, abstract_syntax: str, message: Request, dataset: Dataset | None) -> PDataTF:
    data = encode(dataset, EXPLICIT_LE) if dataset else None
    return p_data(replace(message, MessageID=number, Data=data), IDS[abstract_syntax])


def hurt(pdu: PDataTF, chance: random.Random) -> PDataTF:
    """Damage the Command Set or the Data Set, but not the PDU."""
    pdvs = list(pdu.pdvs)
    at = chance.randrange(len(pdvs))
    data = damaged(bytes(pdvs[at].data), chance)
    pdvs[at] = PDV(pdvs[at].context_id, data, pdvs[at].is_command, pdvs[at].is_last)
    return PDataTF(tuple(pdvs))


async def converse(server: PrintServer, pdus: list[PDataTF]) -> list[Any]:
    """Send PDUs until the association or the connection ends; return the answers."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    raw, heard = Raw(reader, writer), []
    try:
        await raw.associate(REQUEST)
        for pdu in pdus:
            raw.send(pdu)
        raw.send(ReleaseRQ())
        while (answer := await raw.receive()) is not None:
            heard.append(answer)
            if isinstance(answer, Abort | ReleaseRP):  # then the server waits until this end closes the connection
                break
    except (ConnectionError, DimseError):
        pass
    finally:
        writer.close()
    return heard


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_damaged_conversation_does_no_harm(
    seed: int, counted: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(seed)
    recorded = conversation().asked
    pdus = [on_the_wire(number, *asked) for number, asked in enumerate(recorded, 1)]
    async with bothered() as (server, taken):
        counted()
        await converse(server, pdus)
        assert server.queue is not None
        for _ in range(DAMAGED):
            counted()
            at = set(chance.sample(range(len(pdus)), chance.randint(1, 3)))
            heard = await converse(server, [hurt(pdu, chance) if n in at else pdu for n, pdu in enumerate(pdus)])
            assert all(isinstance(pdu, PDataTF | Abort | ReleaseRP) for pdu in heard)
    assert len(taken) > 2, "the conversation as it was has printed two jobs"
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
