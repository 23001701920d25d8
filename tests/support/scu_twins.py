"""The twin of each case for an SCU: a print client with exactly the fault that the case tests."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from wrong_scus import ECHO, GRAY, LUT, Scu, Stop, Wrong, without

from dimse.data import Dataset
from dimse.message import NActionRQ, NCreateRQ, NCreateRSP, NDeleteRQ, NSetRQ
from dimse.uids import BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox, ExplicitVRLittleEndian, PresentationLUT
from dimse.ul import (
    AssociateAC,
    AssociateRQ,
    ImplementationClassUID,
    PDataTF,
    PresentationContextRQ,
    ReleaseRQ,
    decode_pdu,
)

__all__ = ["CONFUSED", "ERASES_IMAGE", "MAKES_ANOTHER_FILM", "TRIES_AGAIN", "TWINS", "strays"]

_AC, _P_DATA = 0x02, 0x04
_NOT_PROPOSED = 99  # the id of a context
_LONG = 16000  # octets of a PDU


def _proposes(change: Callable[[PresentationContextRQ], PresentationContextRQ]) -> Wrong:
    """Return an SCU with other contexts."""

    def request(pdu: AssociateRQ) -> AssociateRQ:
        return replace(pdu, presentation_contexts=tuple(map(change, pdu.presentation_contexts)))

    return Wrong(request=request)


def _acceptance(whole: bytes) -> AssociateAC | None:
    pdu = decode_pdu(whole) if whole[0] == _AC else None
    return pdu if isinstance(pdu, AssociateAC) else None


def _if_ac(rule: Callable[[AssociateAC], object]) -> Callable[[bytes], bool]:
    """Return whether a PDU is an A-ASSOCIATE-AC of a kind."""

    def holds(whole: bytes) -> bool:
        pdu = _acceptance(whole)
        return pdu is not None and bool(rule(pdu))

    return holds


def _if_data(rule: Callable[[PDataTF], object]) -> Callable[[bytes], bool]:
    """Return whether a PDU is a P-DATA-TF of a kind."""

    def holds(whole: bytes) -> bool:
        pdu = decode_pdu(whole) if whole[0] == _P_DATA else None
        return isinstance(pdu, PDataTF) and bool(rule(pdu))

    return holds


def _has(octets: bytes) -> Callable[[bytes], bool]:
    """Return whether a P-DATA-TF has these octets."""
    return lambda whole: whole[0] == _P_DATA and octets in whole


def _kinds(pdu: PDataTF) -> list[bool]:
    return [pdv.is_command for pdv in pdu.pdvs]


def _titles(pdu: bytes) -> bytes:
    return pdu[:26] + b" " * 16 + pdu[42:] if pdu[0] == 0x01 else pdu


async def _echo_first(scu: Scu) -> None:
    """Create the film session on the context of Verification."""
    await scu.ask(NCreateRQ, ECHO, None, AffectedSOPClassUID=BasicFilmSession)
    await scu.work()


async def _lut_always(scu: Scu) -> None:
    """Create a Presentation LUT, whether its context was accepted or not."""
    data = Dataset(PresentationLUTShape="IDENTITY")
    if LUT in scu.contexts:
        await scu.ask(NCreateRQ, LUT, data, AffectedSOPClassUID=PresentationLUT)
    else:
        scu.say(NCreateRQ(MessageID=99, AffectedSOPClassUID=PresentationLUT), LUT)
    await scu.work()


async def _color_on_gray(scu: Scu) -> None:
    """Print in color, in gray image boxes if the color Meta SOP Class is refused."""
    if scu.meta not in scu.contexts:
        scu.meta = GRAY
    session = await scu.session()
    _, boxes = await scu.film(session)
    data = Dataset(ImageBoxPosition=1, BasicColorImageSequence=[Dataset(PhotometricInterpretation="RGB")])
    fields = {"RequestedSOPInstanceUID": boxes[0]}
    await scu.ask(NSetRQ, scu.meta, data, RequestedSOPClassUID=BasicGrayscaleImageBox, **fields)


async def _first_box_last(scu: Scu) -> None:
    """Fill a film box after the next one was made."""
    session = await scu.session()
    _, boxes = await scu.film(session)
    await scu.film(session)
    await scu.image(boxes[0])


async def _own_uids(scu: Scu) -> None:
    """Use a film box with a UID that differs from the printer's."""
    film, _ = await scu.film(await scu.session())
    assert film
    fields: dict[str, Any] = {"RequestedSOPClassUID": BasicFilmBox, "RequestedSOPInstanceUID": "1.2.3"}
    await scu.ask(NActionRQ, scu.meta, ActionTypeID=1, **fields)


def _by_position() -> Wrong:
    """Return an SCU that prints on the context of Verification if the results came in another order."""
    confused: list[bool] = []

    def looks(whole: bytes) -> bool:
        pdu = _acceptance(whole)
        confused.extend([True] if pdu is not None and pdu.presentation_contexts[0].id != GRAY else [])
        return False

    async def work(scu: Scu) -> None:
        scu.meta = ECHO if confused else GRAY
        await scu.work()

    return Wrong(refuses=looks, step=work, goes_on=True)


async def _image_twice(scu: Scu) -> None:
    """Print a film whose image is set again after a failure."""
    film, boxes = await scu.film(await scu.session())
    if await scu.image(boxes[0]):
        await scu.image(boxes[0])
    await scu.ask(NActionRQ, scu.meta, ActionTypeID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=film)


async def _erase_image(scu: Scu) -> None:
    """Print a film whose image is erased and set again, PS3.4 H.4.3.1.2.1.3."""
    film, boxes = await scu.film(await scu.session())
    await scu.image(boxes[0])
    data = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[])
    fields = {"RequestedSOPInstanceUID": boxes[0]}
    await scu.ask(NSetRQ, scu.meta, data, RequestedSOPClassUID=BasicGrayscaleImageBox, **fields)
    await scu.image(boxes[0])
    await scu.ask(NActionRQ, scu.meta, ActionTypeID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=film)


async def _film_twice(scu: Scu) -> None:
    """Print the film session after its film box, whose image has failed, was deleted and created again."""
    session = await scu.session()
    film, boxes = await scu.film(session)
    if await scu.image(boxes[0]):
        await scu.ask(NDeleteRQ, scu.meta, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=film)
        _, boxes = await scu.film(session)
        await scu.image(boxes[0])
    fields: dict[str, Any] = {"RequestedSOPClassUID": BasicFilmSession, "RequestedSOPInstanceUID": session}
    await scu.ask(NActionRQ, scu.meta, ActionTypeID=1, **fields)


def strays() -> Wrong:
    """Return an SCU that sends a request on a context that it did not propose, and prints all the same.

    It does not do so in the plain scenario, its first visit.
    """
    visits: list[Scu] = []

    async def work(scu: Scu) -> None:
        visits.append(scu)
        if len(visits) > 1:
            with suppress(Stop):
                scu.say(NCreateRQ(MessageID=99, AffectedSOPClassUID=PresentationLUT), _NOT_PROPOSED)
                await scu.response(99, _NOT_PROPOSED, NCreateRSP)
        await scu.work()

    return Wrong(step=work)


CONFUSED = _by_position()
TRIES_AGAIN, MAKES_ANOTHER_FILM = (Wrong(step=step, goes_on=True) for step in (_image_twice, _film_twice))
ERASES_IMAGE = Wrong(step=_erase_image)
DEAF_AT_FIRST, DEAF, DEAF_AT_LAST = (Wrong(deaf=phase, timer=None) for phase in ("associate", "response", "release"))
UNTIMED, LINGERS, CRASHES = Wrong(timer=None), Wrong(lingers=True), Wrong(crashes=True)
DEAF_TO_EVENTS, TAKES_ANY, GOES_ON = Wrong(drops_events=True), Wrong(takes_any=True), Wrong(goes_on=True)


def _data(name: str, change: Callable[[Dataset], Dataset]) -> Wrong:
    """Return an SCU with other Data Sets in requests of a kind."""
    return Wrong(data=lambda kind, data: change(data) if kind == name else data)


def _film(change: Callable[[Dataset], Dataset]) -> Wrong:
    return _data("NCreateRQ", lambda data: change(data) if "ImageDisplayFormat" in data else data)


def _image(change: Callable[[Dataset], object]) -> Wrong:
    def changed(data: Dataset) -> Dataset:
        items: Any = data.BasicGrayscaleImageSequence
        change(items[0])
        return data

    return _data("NSetRQ", changed)


def _cut(image: Dataset) -> None:
    image["PixelData"] = bytes(10)


TWINS: Mapping[str, Wrong] = {
    "UL-A-7.01": Wrong(
        request=lambda pdu: replace(
            pdu,
            user_information=tuple(
                each for each in pdu.user_information if not isinstance(each, ImplementationClassUID)
            ),
        )
    ),
    "UL-A-7.02": _proposes(lambda each: replace(each, id=2) if each.id == ECHO else each),
    "UL-A-7.03": _proposes(lambda each: replace(each, transfer_syntaxes=(ExplicitVRLittleEndian,))),
    "UL-A-7.04": Wrong(octets=_titles),
    "UL-A-8.01": DEAF_AT_FIRST,
    "UL-A-8.02": CRASHES,
    "UL-A-8.03": Wrong(any_context=True),
    "UL-A-8.04": Wrong(hangs=_if_ac(lambda pdu: pdu.application_context_name == "1.2.3.4.5.6")),
    "UL-A-8.05": Wrong(refuses=lambda whole: whole[0] == _AC and whole[10:26] == b"X" * 16),
    "UL-A-8.06": Wrong(refuses=_if_ac(lambda pdu: pdu.unknown_items)),
    "UL-A-8.07": Wrong(refuses=_if_ac(lambda pdu: pdu.presentation_contexts[0].id != GRAY)),
    "UL-A-8.08": Wrong(
        refuses=_if_ac(lambda pdu: any(type(each).__name__ == "RoleSelection" for each in pdu.user_information))
    ),
    "UL-A-8.09": Wrong(any_context=True),
    "UL-A-8.10": Wrong(hangs=lambda whole: whole[0] == _AC and b"1.2.840.10008.1.2.4.50" in whole),
    "UL-A-8.11": UNTIMED,
    **dict.fromkeys((f"UL-F-5.0{number}" for number in range(1, 7)), DEAF_AT_FIRST),
    "UL-F-5.07": LINGERS,
    **dict.fromkeys((f"UL-F-6.0{number}" for number in (1, 2, 3, 4, 6)), DEAF),
    "UL-F-6.05": LINGERS,
    "UL-F-7.01": DEAF_AT_LAST,
    "UL-F-7.02": Wrong(answers_late=True),
    "UL-F-7.03": DEAF_AT_LAST,
    "UL-F-7.04": LINGERS,
    "UL-F-7.05": Wrong(stays=True),
    "UL-F-7.06": UNTIMED,
    "UL-P-3.01": Wrong(max_length=8192),
    "UL-P-3.02": Wrong(refuses=lambda whole: whole[0] == _AC and b"\x51\0\0\4\0\0\0\0" in whole),
    "UL-P-3.03": Wrong(refuses=_if_data(lambda pdu: len(pdu.pdvs[0].data) == 2)),
    "UL-P-3.04": Wrong(refuses=_if_data(lambda pdu: _kinds(pdu) == [True, False])),
    "UL-P-3.05": Wrong(refuses=_if_data(lambda pdu: len(pdu.pdvs) > 1)),
    "UL-P-3.06": Wrong(hangs=_if_data(lambda pdu: not pdu.pdvs[0].data)),
    "UL-P-3.07": DEAF,
    "DIMSE-2.01": Wrong(is_hasty=True),
    "DIMSE-2.02": TAKES_ANY,
    "DIMSE-2.03": TAKES_ANY,
    "DIMSE-2.04": Wrong(
        refuses=_if_data(lambda pdu: pdu.pdvs[0].is_command and b"\0\0\2\0" not in bytes(pdu.pdvs[0].data))
    ),
    "DIMSE-2.05": Wrong(refuses=_has(b"\x00\x09\x02\x00\x00\x00\x04\xb6")),
    "DIMSE-2.06": GOES_ON,
    "DIMSE-2.07": CRASHES,
    "DIMSE-2.08": Wrong(timeout=ReleaseRQ()),
    "DIMSE-2.09": Wrong(hangs=_has(b"\x00\x09\x02\x00\x00\x00\x05\xc6")),
    "ENC-2.01": Wrong(syntax=ExplicitVRLittleEndian),
    "ENC-2.02": Wrong(refuses=_has(b"\xff\xff\xff\xff")),
    "ENC-2.03": _image(_cut),
    "PRN-N-2.01": Wrong(step=_echo_first, goes_on=True),
    "PRN-N-2.02": Wrong(step=_lut_always),
    "PRN-N-2.03": CRASHES,
    "PRN-N-2.04": Wrong(is_color=True, step=_color_on_gray),
    "PRN-L-2.01": Wrong(step=_first_box_last, goes_on=True),
    "PRN-L-2.02": Wrong(step=_own_uids),
    "PRN-L-2.03": CRASHES,
    "PRN-X-2.01": _film(lambda data: without(data, "ReferencedFilmSessionSequence")),
    "PRN-X-2.02": _image(lambda image: without(image, "Rows")),
    "PRN-X-2.03": GOES_ON,
    "PRN-X-2.04": GOES_ON,
    "PRN-X-2.05": CRASHES,
    "PRN-X-2.06": Wrong(hangs=_has(b"\x00\x09\x02\x00\x00\x00\x02\xc6")),
    **dict.fromkeys((f"PRN-E-3.0{number}" for number in range(1, 7)), DEAF_TO_EVENTS),
    "PRN-E-3.07": Wrong(hangs=_has(b"\x00\x09\x02\x00\x00\x00\x07\x01")),
    "CHS-2.01": Wrong(refuses=_has("プ".encode())),
    "ROB-2.01": DEAF_AT_FIRST,
    "ROB-2.02": UNTIMED,
    "ROB-2.03": Wrong(timer=None, hangs=lambda whole: len(whole) > _LONG),
    "ROB-2.04": Wrong(is_short=True),
}
