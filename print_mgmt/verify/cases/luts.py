"""PRN-X, Presentation LUTs."""

from struct import pack

from dimse.data import Dataset, Element, tag_of
from dimse.uids import PresentationLUT
from dimse.verify import Case, Flags, Level
from dimse.verify.observation import (
    ABORT,
    DEVIATED,
    FAILURE,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Deviated,
    Kept,
    Seen,
    matches,
    succeeded,
)

from ..conversation import Conversation
from ..steps import on_print

__all__ = ["LUTS"]

# LUT Descriptors: the number of entries, the first value mapped, and the bits of an entry. The rule: the peer creates
# one or both of `_TO_SUPPORT`, refuses the other as invalid, and creates none of `_TO_REFUSE`
_TO_SUPPORT = ((256, 0, 12), (4096, 0, 12))
_TO_REFUSE = ((100, 0, 12), (256, 0, 8), (256, 5, 12))
_INVALID = Answered(0x0106)


def lut_table(entries: int, first: int, bits: int) -> Dataset:
    """Return the Data Set of a Presentation LUT with a linear table."""
    greatest = (1 << bits) - 1
    values = [greatest * number // (entries - 1) for number in range(entries)]
    item = Dataset(LUTDescriptor=[entries, first, bits])
    item.add(Element(tag_of("LUTData"), "OW", pack(f"<{entries}H", *values)))
    return Dataset(PresentationLUTSequence=[item])


async def create_tables(talk: Conversation) -> Seen:
    answers: list[Seen] = []
    for descriptor in (*_TO_SUPPORT, *_TO_REFUSE):
        seen = await talk.create(PresentationLUT, lut_table(*descriptor))
        if not isinstance(seen, Answered):
            return seen
        answers.append(seen)
    shown = zip((*_TO_SUPPORT, *_TO_REFUSE), answers, strict=True)
    text = "; ".join(f"{'-'.join(map(str, descriptor))}: {seen}" for descriptor, seen in shown)
    created = [seen for seen in answers[:2] if succeeded(seen)]
    refused = [seen for seen in answers[:2] if matches(_INVALID, (seen,))]
    keeps_rule = bool(created) and len(created) + len(refused) == len(_TO_SUPPORT)
    return Kept(text) if keeps_rule and not any(map(succeeded, answers[2:])) else Deviated(text)


async def create_empty_lut(talk: Conversation) -> Seen:
    return await talk.create(PresentationLUT)


async def create_unknown_shape(talk: Conversation) -> Seen:
    return await talk.create(PresentationLUT, Dataset(PresentationLUTShape="FOO"))


LUTS: tuple[Case, ...] = (
    Case(
        id="PRN-X-1.23",
        title="A Presentation LUT with neither shape nor table",
        section="PS3.4 Table H.4-23 (MC/M), H.2.4",
        level=Level.MUST,
        needs=Flags.PLUT,
        run=on_print(create_empty_lut, PresentationLUT),
        passes=(Answered(0x0120),),
        nonstrict=(FAILURE,),
        fails=(SUCCESS, WARNING, ABORT, SILENCE),
    ),
    Case(
        id="PRN-X-1.24",
        title="A shape that does not exist",
        section="PS3.4 Table H.4-23 (MC/M), H.2.4 (0106)",
        level=Level.MUST,
        needs=Flags.PLUT,
        run=on_print(create_unknown_shape, PresentationLUT),
        passes=(_INVALID,),
        nonstrict=(FAILURE,),
        fails=(SUCCESS, WARNING, ABORT, SILENCE),
    ),
    Case(
        id="PRN-X-1.25",
        title="LUT Descriptor",
        section="PS3.4 H.4.9.2.1.1.1 (256 or 4096 entries, 0, 10-16 bits)",
        level=Level.SHOULD,
        needs=Flags.PLUT,
        run=on_print(create_tables, PresentationLUT),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(ABORT, SILENCE),
    ),
)
