"""PRN-X, attributes of film session and film box: missing attributes, and values that a printer does not support."""

from collections.abc import Collection

from dimse.data import Dataset
from dimse.uids import BasicFilmBox
from dimse.verify import Case, Flags, Level, SubCase
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    FAILURE,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Kept,
    Outcomes,
    Seen,
    succeeded,
)

from ..claims import Claims
from ..conversation import Conversation
from ..steps import Script, on_print

__all__ = ["VALUES"]

_MISSING, _NO_VALUE, _INVALID = 0x0120, 0x0121, 0x0106
_REFUSED_OR_REPLACED = Answered(frozenset({0x0106, 0x0116}))
_NOT_SUPPORTED = Answered(frozenset({0x0105, 0x0106, 0x0107, 0x0116}))


def create_session_with(values: Dataset, claimed: str = "") -> Script:
    """Return the script that creates a film session with one attribute.

    ``claimed``, if given, names the claim that lists supported values: a value of that list may be accepted.
    """

    async def script(talk: Conversation) -> Seen:
        seen = await talk.create_session(values)
        return _claimed(talk, seen, values, claimed)

    return script


def create_film_box_with(values: Dataset, claimed: str = "") -> Script:
    """Return the script that creates a film box with one more attribute, or with another value of an attribute.

    ``claimed`` is as in `create_session_with`.
    """

    async def script(talk: Conversation) -> Seen:
        await talk.prepare_session()
        content = talk.film_box(talk.layout)
        for element in values:
            content.add(element)
        seen = await talk.create_film_box(content)
        return _claimed(talk, seen, values, claimed)

    return script


def _claimed(talk: Conversation, seen: Seen, values: Dataset, claimed: str) -> Seen:
    """Return `Kept` if the peer accepts a value that it claims to support, otherwise ``seen``."""
    claims = talk.options.claims or Claims()
    listed: Collection[object] | None = getattr(claims, claimed) if claimed else None
    (value,) = [element.value for element in values]
    return Kept(f"{seen}: --claims lists {value!r}") if succeeded(seen) and value in (listed or ()) else seen


def create_film_box_without(keyword: str) -> Script:
    """Return the script that creates a film box without an attribute."""

    async def script(talk: Conversation) -> Seen:
        await talk.prepare_session()
        content = talk.film_box(talk.layout)
        del content[keyword]
        return await talk.create_film_box(content)

    return script


async def create_film_box_without_data(talk: Conversation) -> Seen:
    await talk.prepare_session()
    return await talk.ask(talk.creation(BasicFilmBox))


def create_layout(layout: str) -> Script:
    """Return the script that creates a film box with this layout."""

    async def script(talk: Conversation) -> Seen:
        await talk.prepare_session()
        return await talk.create_film_box(talk.film_box(layout))

    return script


_NOT_REFUSED = (SUCCESS, WARNING, CLOSED, SILENCE)
_FAILURE_OR_ABORT: Outcomes = (FAILURE, ABORT)
_FAILURE_OR_WARNING: Outcomes = (FAILURE, WARNING)
_SUCCESS_OR_NO_ANSWER = (SUCCESS, ABORT, SILENCE)


def _value_subcase(keyword: str, value: object, claimed: str = "", *, is_session: bool = False) -> SubCase:
    make = create_session_with if is_session else create_film_box_with
    return SubCase(name=f"{keyword} {value}", run=on_print(make(Dataset(**{keyword: value}), claimed)))


def _layout_subcase(layout: str, *, may_succeed: bool) -> SubCase:
    """Return the sub-case for a layout; if it ``may_succeed``, success is NON-STRICT."""
    run = on_print(create_layout(layout))
    if not may_succeed:
        return SubCase(name=layout, run=run)
    return SubCase(name=layout, run=run, nonstrict=(FAILURE, ABORT, SUCCESS, WARNING), fails=(CLOSED, SILENCE))


def _own_value_subcase(keyword: str) -> SubCase:
    """Return the sub-case for an attribute whose values each printer defines for itself."""
    run = on_print(create_film_box_with(Dataset(**{keyword: "XYZZY"})))
    return SubCase(name=f"{keyword} XYZZY", run=run, nonstrict=(SUCCESS, FAILURE, WARNING), fails=(ABORT, SILENCE))


VALUES: tuple[Case, ...] = (
    Case(
        id="PRN-X-1.01",
        title="Image Display Format is missing",
        section="PS3.4 Table H.4-6 (M/M), H.2.4 ('shall return ... 0120H')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_film_box_without("ImageDisplayFormat")),
        passes=(Answered(_MISSING),),
        nonstrict=_FAILURE_OR_ABORT,
        fails=_NOT_REFUSED,
        subcases=(SubCase(name="no data set", run=on_print(create_film_box_without_data)),),
    ),
    Case(
        id="PRN-X-1.02",
        title="Referenced Film Session Sequence is missing",
        section="PS3.4 Table H.4-6 (M/M), H.2.4",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_film_box_without("ReferencedFilmSessionSequence")),
        passes=(Answered(_MISSING),),
        nonstrict=_FAILURE_OR_ABORT,
        fails=_NOT_REFUSED,
        subcases=(
            SubCase(
                name="no item",
                run=on_print(create_film_box_with(Dataset(ReferencedFilmSessionSequence=[]))),
                passes=(Answered(frozenset({_MISSING, _NO_VALUE, _INVALID})),),
            ),
        ),
    ),
    Case(
        id="PRN-X-1.06",
        title="A mandatory attribute without a value",
        section="PS3.4 H.2.4; PS3.7 §10.1.5.1.6 (0121)",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_film_box_with(Dataset(ImageDisplayFormat=""))),
        passes=(Answered(frozenset({_MISSING, _NO_VALUE, _INVALID})),),
        nonstrict=_FAILURE_OR_ABORT,
        fails=(SUCCESS, WARNING, SILENCE),
    ),
    Case(
        id="PRN-X-1.07",
        title="An impossible Image Display Format",
        section="PS3.4 Table H.4-6 (M/M), H.2.4 ('shall return ... 0106H')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_layout("FOO\\1")),
        passes=(Answered(_INVALID),),
        nonstrict=_FAILURE_OR_ABORT,
        fails=_NOT_REFUSED,
        subcases=(
            _layout_subcase(r"STANDARD\0,1", may_succeed=False),
            _layout_subcase(r"STANDARD\99,99", may_succeed=True),
            _layout_subcase(r"STANDARD\-1,2", may_succeed=True),
            _layout_subcase("STANDARD\\1", may_succeed=True),
        ),
    ),
    Case(
        id="PRN-X-1.08",
        title="Film session: values that are not supported",
        section="PS3.4 Table H.4-2 (U/M), H.2.4 ('either ... 0106H or ... 0116H')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_session_with(Dataset(PrintPriority="URGENT"))),
        passes=(_REFUSED_OR_REPLACED, Kept()),
        nonstrict=_FAILURE_OR_WARNING,
        fails=_SUCCESS_OR_NO_ANSWER,
        subcases=(
            _value_subcase("MediumType", "PARCHMENT", "medium_types", is_session=True),
            _value_subcase("FilmDestination", "MOON", "destinations", is_session=True),
        ),
    ),
    Case(
        id="PRN-X-1.09",
        title="Number of Copies: a value that is not supported",
        section="PS3.4 Table H.4-2 (U/M), H.2.4 ('either ... 0106H or ... 0116H')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_session_with(Dataset(NumberOfCopies=-1))),
        passes=(_REFUSED_OR_REPLACED,),
        nonstrict=_FAILURE_OR_WARNING,
        fails=_SUCCESS_OR_NO_ANSWER,
        subcases=tuple(
            SubCase(
                name=str(copies),
                run=on_print(create_session_with(Dataset(NumberOfCopies=copies))),
                nonstrict=(FAILURE, WARNING, SUCCESS),
                fails=(ABORT, SILENCE),
            )
            for copies in (0, 999_999_999)
        ),
    ),
    Case(
        id="PRN-X-1.10",
        title="Film box: values that are not supported",
        section="PS3.4 Table H.4-6 (U/M), H.2.4 ('either ... 0106H or ... 0116H')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_film_box_with(Dataset(FilmOrientation="SIDEWAYS"))),
        passes=(_REFUSED_OR_REPLACED, Kept()),
        nonstrict=_FAILURE_OR_WARNING,
        fails=_SUCCESS_OR_NO_ANSWER,
        subcases=(_value_subcase("FilmSizeID", "1INX1IN", "film_sizes"), _value_subcase("MagnificationType", "FOO")),
    ),
    Case(
        id="PRN-X-1.11",
        title="Max Density beyond the range of the printer",
        section="PS3.4 Table H.4.2.2.1.2-1 (B605), H.2.4",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(create_film_box_with(Dataset(MaxDensity=65535))),
        passes=(Answered(frozenset({0xB605, 0x0116, 0x0106})),),
        nonstrict=(SUCCESS,),
        fails=(ABORT, SILENCE),
    ),
    Case(
        id="PRN-X-1.12",
        title="Optional attributes with an unknown value",
        section="PS3.4 Table H.4-6 (U/U), H.2.4",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(create_film_box_with(Dataset(BorderDensity="PINK"))),
        passes=(_NOT_SUPPORTED,),
        nonstrict=_FAILURE_OR_WARNING,
        fails=_SUCCESS_OR_NO_ANSWER,
        subcases=(
            _value_subcase("Trim", "MAYBE"),
            _value_subcase("RequestedResolutionID", "ULTRA"),
            _own_value_subcase("SmoothingType"),
            _own_value_subcase("AnnotationDisplayFormatID"),
        ),
    ),
    Case(
        id="PRN-X-1.13",
        title="An attribute that no print class has",
        section="PS3.4 H.2.4; PS3.2 §7.3",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(create_session_with(Dataset(PatientName="TEST^CASE"))),
        passes=(Answered(frozenset({0x0000, 0x0107, 0x0116})),),
        nonstrict=(FAILURE,),
        fails=(ABORT, CLOSED, SILENCE),
    ),
    Case(
        id="PRN-X-1.22",
        title="A huge Memory Allocation",
        section="PS3.4 Table H.4.1.2.1.2-1 (B600) and note; H.2.4",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(create_session_with(Dataset(MemoryAllocation=2_000_000_000))),
        passes=(Answered(frozenset({0xB600, 0x0106, 0x0213, 0x0105, 0x0107, 0x0116})),),
        nonstrict=(FAILURE, WARNING, SUCCESS),
        fails=(ABORT, SILENCE),
    ),
)
