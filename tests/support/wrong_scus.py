"""A print client with a single fault, which proves that a case for an SCU can fail.

It knows no core: it writes PDUs and reads them, one step after the other.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from dimse.data import Dataset, decode, encode, syntax_of
from dimse.message import (
    RESPONSES,
    Assembler,
    CEchoRQ,
    Message,
    NActionRQ,
    NCreateRQ,
    NDeleteRQ,
    NEventReportRQ,
    NEventReportRSP,
    NGetRQ,
    NSetRQ,
    Request,
    Response,
    encode_command,
    fragment,
    is_failure,
)
from dimse.uids import (
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    PresentationLUT,
    Printer,
    PrinterInstance,
    PrintJob,
    Verification,
)
from dimse.ul import (
    PDU,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    ImplementationClassUID,
    MaximumLength,
    PDataTF,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    accepted,
    decode_pdu,
    encode_pdu,
    maximum_length,
)
from dimse.verify.scu import PLAIN, Ended

__all__ = ["COLOR", "GRAY", "JOB", "LUT", "Scu", "Wrong", "program", "proposal"]

GRAY, COLOR, LUT, ECHO, JOB = 1, 3, 5, 7, 9  # context ids
_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
_CONTEXTS = {GRAY: BasicGrayscalePrintManagementMeta, LUT: PresentationLUT, ECHO: Verification, JOB: PrintJob}
SIDE = 100  # rows and columns
_CRASH = 11


def proposal(called: str, contexts: Mapping[int, str]) -> AssociateRQ:
    return AssociateRQ(
        called_ae_title=called,
        calling_ae_title="WRONG",
        presentation_contexts=tuple(PresentationContextRQ(number, uid, _SYNTAXES) for number, uid in contexts.items()),
        user_information=(MaximumLength(16384), ImplementationClassUID("1.2.3.4")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """The fault of an SCU. A right SCU sets no field.

    ``deaf``: phases (associate, response, release) in which it ignores unexpected PDUs. ``timer``: seconds it waits.
    ``refuses`` and ``hangs``: PDUs on which it aborts, or does nothing more. ``ended``: its action in place of an
    A-ABORT when its timer has expired.
    """

    request: Callable[[AssociateRQ], AssociateRQ] = lambda pdu: pdu
    octets: Callable[[bytes], bytes] = lambda pdu: pdu
    deaf: str = ""
    timer: float | None = 2.0
    timeout: PDU = field(default_factory=lambda: Abort(0, 0))
    refuses: Callable[[bytes], bool] = lambda _pdu: False
    hangs: Callable[[bytes], bool] = lambda _pdu: False
    lingers: bool = False  # the command does not end
    stays: bool = False  # it keeps the connection after A-RELEASE-RP
    crashes: bool = False
    is_color: bool = False
    takes_any: bool = False  # any response counts as the right one
    goes_on: bool = False  # whatever the status
    is_hasty: bool = False  # it does not wait for responses
    drops_events: bool = False
    answers_late: bool = False  # data after A-RELEASE-RQ
    any_context: bool = False  # whether the contexts were accepted or not
    is_short: bool = False  # takes a short read for the end
    max_length: int | None = None  # of its PDUs, whatever the tester says
    step: "Callable[[Scu], Any] | None" = None  # in place of the print
    data: Callable[[str, Dataset], Dataset] = lambda _name, data: data
    syntax: str = ""  # in which it writes
    tls: ssl.SSLContext | None = None


class Stop(Exception):
    """The association is over."""


class Scu:
    """One association of the SCU."""

    def __init__(self, wrong: Wrong, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wrong, self.reader, self.writer = wrong, reader, writer
        self.contexts: dict[int, tuple[str, str]] = {}
        self.max_length = 16384
        self.number = 0
        self.meta = COLOR if wrong.is_color else GRAY
        self.assembler = Assembler(lambda *_: None)

    def send(self, pdu: PDU) -> None:
        self.writer.write(self.wrong.octets(b"".join(map(bytes, encode_pdu(pdu)))))

    async def pdu(self) -> bytes:
        if self.wrong.is_short and len(head := await self.reader.read(6)) < 6:
            raise Stop
        head = head if self.wrong.is_short else await self.reader.readexactly(6)
        return head + await self.reader.readexactly(int.from_bytes(head[2:], "big"))

    async def expect(self, phase: str, *kinds: type) -> Any:
        """Return the next PDU of these kinds. Anything else ends the association, as Table 9-10 has it."""
        while True:
            try:
                async with asyncio.timeout(self.wrong.timer):
                    whole = await self.pdu()
                pdu = None if whole[0] == 0x09 else decode_pdu(whole)
            except TimeoutError:
                self.send(self.wrong.timeout)
                raise Stop from None
            except Exception:
                if phase in self.wrong.deaf:
                    await asyncio.Event().wait()
                raise
            if self.wrong.hangs(whole):
                await asyncio.Event().wait()
            if isinstance(pdu, kinds) and not self.wrong.refuses(whole):
                return pdu
            if phase in self.wrong.deaf:
                continue
            if not isinstance(pdu, Abort | AssociateRJ):
                self.send(ReleaseRP() if isinstance(pdu, ReleaseRQ) and phase != "associate" else Abort(2, 2))
            if phase == "release" and isinstance(pdu, ReleaseRQ):
                continue
            raise Stop

    async def response(self, number: int, context_id: int, kind: type[Response]) -> Response:
        """Return the response to a request; confirm events."""
        while True:
            pdu = await self.expect("response", PDataTF)
            for pdv in pdu.pdvs:
                whole = self.assembler.add(pdv)
                if whole is None:
                    continue
                if isinstance(whole[1], NEventReportRQ):
                    self.confirm(*whole)
                elif isinstance(whole[1], Response):
                    found = (whole[1].MessageIDBeingRespondedTo, whole[0], type(whole[1]))
                    if found == (number, context_id, kind) or self.wrong.takes_any:
                        return whole[1]
                    if "response" not in self.wrong.deaf:
                        self.send(Abort(0, 0))
                        raise Stop

    def confirm(self, context_id: int, event: Message) -> None:
        assert isinstance(event, NEventReportRQ)
        if not self.wrong.drops_events:
            self.say(NEventReportRSP(MessageIDBeingRespondedTo=event.MessageID, Status=0), context_id)

    def say(self, message: Message, context_id: int) -> None:
        for pdu in fragment(
            context_id, encode_command(message), message.Data, self.wrong.max_length or self.max_length
        ):
            self.send(pdu)

    async def ask(self, kind: type[Request], context_id: int, data: Dataset | None = None, **fields: Any) -> Response:
        """Send a request; return its response. A failure ends the work with a release."""
        if context_id not in self.contexts and not self.wrong.any_context:
            await self.release()
        self.number += 1
        syntax = self.wrong.syntax or self.contexts.get(context_id, ("", ImplicitVRLittleEndian))[1]
        encoded = None if data is None else encode(self.wrong.data(kind.__name__, data), syntax_of(syntax))
        self.say(kind(MessageID=self.number, Data=encoded, **fields), context_id)
        if self.wrong.is_hasty and self.number == 1:
            return await self.ask(kind, context_id, data, **fields)
        found = await self.response(self.number, context_id, RESPONSES[kind])
        if self.wrong.is_hasty and self.number == 2:
            await self.response(1, context_id, RESPONSES[kind])
        if (is_failure(found.Status) or found.Status in (0xFF00, 0x1234)) and not self.wrong.goes_on:
            await self.release()
        return found

    async def release(self) -> NoReturn:
        self.send(ReleaseRQ())
        if self.wrong.answers_late:
            await self.expect("release", PDataTF)
            self.say(NEventReportRSP(MessageIDBeingRespondedTo=1000, Status=0), self.meta)
        await self.expect("release", ReleaseRP, *((PDataTF,) if "release" not in self.wrong.deaf else ()))
        if self.wrong.stays:
            await asyncio.Event().wait()
        raise Stop

    # --- print ---

    async def session(self) -> str:
        made = await self.ask(NCreateRQ, self.meta, Dataset(NumberOfCopies=1), AffectedSOPClassUID=BasicFilmSession)
        return str(getattr(made, "AffectedSOPInstanceUID", "") or "1.2.3")

    async def film(self, session: str) -> tuple[str, list[str]]:
        reference = Dataset(ReferencedSOPClassUID=BasicFilmSession, ReferencedSOPInstanceUID=session)
        data = Dataset(ImageDisplayFormat=r"STANDARD\1,1", ReferencedFilmSessionSequence=[reference])
        made = await self.ask(NCreateRQ, self.meta, data, AffectedSOPClassUID=BasicFilmBox)
        boxes: list[str] = []
        if isinstance(made.Data, bytes | bytearray | memoryview):
            answered = decode(bytes(made.Data), syntax_of(self.contexts[self.meta][1]))
            items = answered.get("ReferencedImageBoxSequence")
            boxes = [str(each.ReferencedSOPInstanceUID) for each in items] if isinstance(items, list) else []  # type: ignore[union-attr]
        return str(getattr(made, "AffectedSOPInstanceUID", "") or "1.2.3"), boxes

    async def image(self, uid: str) -> bool:
        """Set the image of a box; return whether that failed."""
        samples = 3 if self.wrong.is_color else 1
        more = {"PlanarConfiguration": 1} if self.wrong.is_color else {}
        image = Dataset(
            SamplesPerPixel=samples, PhotometricInterpretation="RGB" if self.wrong.is_color else "MONOCHROME2",
            Rows=SIDE, Columns=SIDE, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0,
            PixelData=bytes(SIDE * SIDE * samples), **more,
        )  # fmt: skip
        sop_class = BasicColorImageBox if self.wrong.is_color else BasicGrayscaleImageBox
        keyword = "BasicColorImageSequence" if self.wrong.is_color else "BasicGrayscaleImageSequence"
        data = Dataset(ImageBoxPosition=1, **{keyword: [image]})
        fields: dict[str, Any] = {"RequestedSOPClassUID": sop_class, "RequestedSOPInstanceUID": uid}
        return is_failure((await self.ask(NSetRQ, self.meta, data, **fields)).Status)

    async def work(self) -> None:
        """Print a film."""
        await self.ask(NGetRQ, self.meta, RequestedSOPClassUID=Printer, RequestedSOPInstanceUID=PrinterInstance)
        session = await self.session()
        film, boxes = await self.film(session)
        if not boxes and not self.wrong.goes_on:
            await self.release()
        for uid in boxes[:1]:
            await self.image(uid)
        fields: dict[str, Any] = {"RequestedSOPClassUID": BasicFilmBox, "RequestedSOPInstanceUID": film}
        await self.ask(NActionRQ, self.meta, ActionTypeID=1, **fields)
        await self.ask(NDeleteRQ, self.meta, **fields)
        await self.ask(NDeleteRQ, self.meta, RequestedSOPClassUID=BasicFilmSession, RequestedSOPInstanceUID=session)

    async def echo(self) -> None:
        await self.ask(CEchoRQ, ECHO, AffectedSOPClassUID=Verification)

    async def run(self, called: str) -> None:
        contexts = {**_CONTEXTS, COLOR: BasicColorPrintManagementMeta} if self.wrong.is_color else _CONTEXTS
        request = self.wrong.request(proposal(called, contexts))
        self.send(request)
        answer = await self.expect("associate", AssociateAC)
        agreed = accepted(request.presentation_contexts, answer.presentation_contexts)
        self.contexts = {each.id: (each.abstract_syntax, each.transfer_syntax) for each in agreed.values()}
        self.max_length = maximum_length(answer.user_information)
        if self.wrong.any_context:
            self.meta = next((each.id for each in answer.presentation_contexts), self.meta)
        await (self.wrong.step(self) if self.wrong.step is not None else self.work())
        await self.release()


def program(wrong: Wrong) -> Callable[[Mapping[str, str]], Any]:
    """Return a program that runs a wrong SCU; its exit status is 1 if the tester ended the association."""

    async def run(values: Mapping[str, str]) -> Ended:
        try:
            reader, writer = await asyncio.open_connection(values["host"], int(values["port"]), ssl=wrong.tls)
        except (ssl.SSLError, ConnectionError) as exc:
            return Ended(exit=1, stderr=str(exc))
        is_plain = values["case"] == PLAIN
        mild = replace(wrong, stays=False, answers_late=False, is_hasty=False, timer=5.0) if is_plain else wrong
        scu = Scu(mild, reader, writer)
        try:
            with suppress(Stop, ConnectionError, asyncio.IncompleteReadError):
                await scu.run(values["ae"])
        finally:
            writer.close()
        if wrong.lingers and not is_plain:
            await asyncio.Event().wait()
        return Ended(exit=0, signal=_CRASH if wrong.crashes and not is_plain else None)

    return run


def without(data: Dataset, *keywords: str) -> Dataset:
    for keyword in keywords:
        del data[keyword]
    return data
