"""PRN-E: the printer and its configuration, read by N-GET."""

import re

from dimse.data import Dataset, tag_of
from dimse.errors import EncodeError, readable, shown
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    PrinterConfigurationRetrieval,
    PrinterConfigurationRetrievalInstance,
)
from dimse.verify import Case, Flags, Level, SubCase, Unprepared
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    FAILURE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    Answered,
    Broken,
    Deviated,
    Kept,
    Seen,
    matches,
    succeeded,
)

from ...status import NORMAL, STATUS_INFO
from ..conversation import Conversation, items_of
from ..film import data_of
from ..steps import Script, Steps, on_print

__all__ = ["PRINTER"]

_STATUSES = ("NORMAL", "WARNING", "FAILURE")
_STATUS_TAGS = (tag_of("PrinterStatus"), tag_of("PrinterStatusInfo"))
_ALL_TAGS = (
    *_STATUS_TAGS,
    *map(
        tag_of,
        (
            "PrinterName",
            "Manufacturer",
            "ManufacturerModelName",
            "DeviceSerialNumber",
            "SoftwareVersions",
            "DateOfLastCalibration",
            "TimeOfLastCalibration",
        ),
    ),
)
_PATIENT_NAME = tag_of("PatientName")
_PARTLY, _NO_INSTANCE = Answered(0x0107), Answered(0x0112)
_INVALID, _REPLACED = Answered(0x0106), Answered(0x0116)
_JOB_INFO = {"INVALID PAGE DES", "INSUFFIC MEMORY"}  # terms that PS3.3 defines only for jobs; printers use them, too
_CODE_STRING = re.compile(r"[A-Z0-9_ ]{1,16}", re.ASCII)
_ANOTHER_PRINTER = "1.2.3.4.5"

# The attributes of PS3.4 Table H.4-26
_CONFIGURATION = (
    "SOPClassesSupported",
    "MaximumMemoryAllocation",
    "MemoryBitDepth",
    "PrintingBitDepth",
    "MediaInstalledSequence",
    "OtherMediaAvailableSequence",
    "SupportedImageDisplayFormatsSequence",
    "DefaultPrinterResolutionID",
    "DefaultMagnificationType",
    "OtherMagnificationTypesAvailable",
    "DefaultSmoothingType",
    "OtherSmoothingTypesAvailable",
    "ConfigurationInformationDescription",
    "MaximumCollatedFilms",
    "DecimateCropResult",
    "Manufacturer",
    "ManufacturerModelName",
    "PrinterName",
)
_MEDIA = ("MediumType", "FilmSizeID", "MaxDensity")
# The attributes in each sequence of that table: first those with usage -/M, then those with usage -/MC
_SEQUENCES = {
    "MediaInstalledSequence": (("ItemNumber", *_MEDIA), ("MinDensity",)),
    "OtherMediaAvailableSequence": (_MEDIA, ("MinDensity",)),
    "SupportedImageDisplayFormatsSequence": (
        (
            "ImageDisplayFormat",
            "FilmOrientation",
            "FilmSizeID",
            "PrinterResolutionID",
            "PrinterPixelSpacing",
            "RequestedImageSizeFlag",
        ),
        ("Rows", "Columns"),
    ),
}
# Attributes of a film box, each with the attribute of a supported format that lists its values
_LISTED_AS = {
    "FilmOrientation": "FilmOrientation",
    "FilmSizeID": "FilmSizeID",
    "RequestedResolutionID": "PrinterResolutionID",
}
_MAX_LAYOUTS = 20  # layouts that are tried
_ONE_IN = 10  # if at most one entry in 10 is refused, the verdict is NON-STRICT
_MAX_NAMED = 5  # attributes that a text names


async def get_all_attributes(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    seen = await talk.get()
    steps.judge("N-GET", seen, kept=(SUCCESS,), deviated=(_PARTLY,))
    found = data_of(seen)
    status, info = found.get("PrinterStatus"), found.get("PrinterStatusInfo")
    steps.require(status in _STATUSES, "Printer Status has a defined value", f"Printer Status is {shown(status)}")
    steps.require(bool(info), "Printer Status Info has a value", "Printer Status Info is absent or empty")
    steps.record(", ".join(f"{element.keyword or element.tag} {shown(element.value)}" for element in found))
    return steps.result()


async def get_two_attributes(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    seen = await talk.get(tags=_STATUS_TAGS)
    steps.judge("N-GET", seen, kept=(SUCCESS,))
    found = data_of(seen)
    for tag, name in zip(_STATUS_TAGS, ("Printer Status", "Printer Status Info"), strict=True):
        steps.require(tag in found, f"{name} is present", f"{name} is absent")
    others = [element.keyword or str(element.tag) for element in found if element.tag not in _STATUS_TAGS]
    steps.prefer(not others, "no other attribute comes", f"not requested: {', '.join(others)}")
    return steps.result()


async def get_nine_attributes(talk: Conversation) -> Seen:
    seen = await talk.get(tags=_ALL_TAGS)
    if matches(SUCCESS, (seen,)) or matches(_PARTLY, (seen,)):
        found = data_of(seen)
        missing = [str(tag) for tag in _STATUS_TAGS if tag not in found]
        if missing:
            raise Unprepared(f"{seen} without Printer Status or Printer Status Info")
        return Kept(f"{seen} with {len(list(found))} attributes")
    return seen


async def get_foreign_attribute(talk: Conversation) -> Seen:
    seen = await talk.get(tags=(_STATUS_TAGS[0], _PATIENT_NAME))
    found = data_of(seen)
    if found.get(_PATIENT_NAME):
        return Broken(f"{seen} with Patient's Name {shown(found[_PATIENT_NAME].value)}")
    if _STATUS_TAGS[0] in found and matches(_PARTLY, (seen,)):
        return Kept(f"{seen} with Printer Status")
    if _STATUS_TAGS[0] in found and matches(SUCCESS, (seen,)):
        return Deviated(f"{seen} with Printer Status")
    return seen


async def get_status_info(talk: Conversation) -> Seen:
    with talk.patiently():
        found = data_of(await talk.get())
    status, info = found.get("PrinterStatus"), found.get("PrinterStatusInfo")
    if not isinstance(status, str) or not isinstance(info, str):
        raise Unprepared("Printer Status or Printer Status Info is absent")
    text = f"{status} with {info!r}"
    if not _CODE_STRING.fullmatch(info):
        return Broken(f"{text}: not a value of VR CS")
    is_defined = info == NORMAL if status == NORMAL else info in STATUS_INFO or info in _JOB_INFO
    return Kept(text) if is_defined else Deviated(text)


def get_another_printer(uid: str) -> Script:
    """Return the script that asks for a printer that does not exist."""

    async def script(talk: Conversation) -> Seen:
        return await talk.get(uid=uid)

    return script


async def get_configuration(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    seen = await talk.get(PrinterConfigurationRetrieval, PrinterConfigurationRetrievalInstance)
    steps.judge("N-GET", seen, kept=(SUCCESS,))
    items = items_of(data_of(seen), "PrinterConfigurationSequence")
    name = "Printer Configuration Sequence"
    steps.require(bool(items), f"{name} has items", f"{name} is absent or empty")
    absent, incomplete = set[str](), set[str]()
    for item in items:
        absent |= {keyword for keyword in _CONFIGURATION if keyword not in item}
        incomplete |= {
            f"{keyword} is empty" for keyword in _CONFIGURATION if keyword in item and not _has_value(item, keyword)
        }
        for sequence, (always, sometimes) in _SEQUENCES.items():
            for entry in items_of(item, sequence):
                absent |= {f"{keyword} in {sequence}" for keyword in always if keyword not in entry}
                incomplete |= {f"no {keyword} in {sequence}" for keyword in sometimes if keyword not in entry}
    steps.require(not absent, "all attributes of usage -/M are present", f"absent: {_shown(absent)}")
    steps.prefer(not incomplete, "all attributes have a value", _shown(incomplete))
    steps.record(f"{len(items)} configurations")
    return steps.result()


def _has_value(item: Dataset, keyword: str) -> bool:
    return keyword in _SEQUENCES or item.get(keyword) not in (None, "", [])


def _shown(names: set[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _MAX_NAMED} more" if len(listed) > _MAX_NAMED else ""
    return ", ".join(listed[:_MAX_NAMED]) + more


async def try_configuration(talk: Conversation) -> Seen:
    """Create film boxes and sessions with values that the configuration lists; the share of refused values decides."""
    with talk.patiently():
        seen = await talk.get(PrinterConfigurationRetrieval, PrinterConfigurationRetrievalInstance)
    items = [item for item in items_of(data_of(seen), "PrinterConfigurationSequence") if _is_of(item, talk.meta)]
    formats = [
        entry
        for item in items
        for entry in items_of(item, "SupportedImageDisplayFormatsSequence")
        if entry.get("ImageDisplayFormat")
    ]
    media = dict.fromkeys(
        medium
        for item in items
        for entry in items_of(item, "MediaInstalledSequence")
        if isinstance(medium := entry.get("MediumType"), str)
    )
    if not formats:
        raise Unprepared(f"the configuration lists no layout for the Meta SOP Class: {seen}")
    chosen = talk.peer.random.sample(formats, min(_MAX_LAYOUTS, len(formats)))
    try:
        answers = [await _try_film_box(talk, entry) for entry in chosen]
        answers += [await _try_medium(talk, medium) for medium in media]
    except EncodeError as exc:
        raise Unprepared(f"the configuration lists a value that cannot be sent: {exc}") from exc
    refused = [(what, seen) for what, seen in answers if not succeeded(seen) or matches(_REPLACED, (seen,))]
    others = [seen for _, seen in refused if not matches(_INVALID, (seen,)) and not matches(_REPLACED, (seen,))]
    if others:
        return others[0]
    text = f"{len(refused)} of {len(answers)} entries refused" + "".join(
        f"; {what}: {seen}" for what, seen in refused[:3]
    )
    if not refused:
        return Kept(text)
    if _ONE_IN * len(refused) <= len(answers):
        return Deviated(text)
    invalid = [seen for _, seen in refused if matches(_INVALID, (seen,))]
    # FAIL if more than half are refused as invalid; otherwise, the first refusal makes the case INCONCLUSIVE
    return Broken(text) if 2 * len(invalid) > len(answers) else refused[0][1]


async def _try_film_box(talk: Conversation, entry: Dataset) -> tuple[str, Seen]:
    """Create a film box with the values in an entry of the configuration, and delete it again."""
    if not talk.session_uid:
        await talk.prepare_session()
    content = talk.film_box(str(entry.get("ImageDisplayFormat")))
    for keyword, listed in _LISTED_AS.items():
        if entry.get(listed) is not None:
            content[keyword] = entry.get(listed)
    seen = await talk.create_film_box(content)
    if succeeded(seen):
        await talk.delete(BasicFilmBox, talk.film_uid)
        talk.film_uid = ""
    asked = ", ".join(str(readable(element.value)) for element in content if element.VR != "SQ")
    return asked, seen


async def _try_medium(talk: Conversation, medium: str) -> tuple[str, Seen]:
    """Create a film session with an installed medium, in place of the current session."""
    if talk.session_uid:
        await talk.delete(BasicFilmSession, talk.session_uid)
        talk.session_uid = ""
    return medium, await talk.create_session(Dataset(MediumType=medium))


def _is_of(item: Dataset, meta: str) -> bool:
    classes = item.get("SOPClassesSupported")
    return meta in (classes if isinstance(classes, list) else [classes])


_WRONG = (RULE_BROKEN, ABORT, SILENCE)

PRINTER: tuple[Case, ...] = (
    Case(
        id="PRN-E-1.01",
        title="Printer N-GET without a list returns all attributes",
        section="PS3.4 H.4.6.2.2.1 Table H.4-17 (U/M), H.4.6.2.2.2; PS3.7 §10.1.2.1.5",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(get_all_attributes),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=_WRONG,
    ),
    Case(
        id="PRN-E-1.02",
        title="Printer N-GET of two attributes",
        section="PS3.4 H.4.6.2.2.2; PS3.7 §10.1.2.1.5",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on_print(get_two_attributes),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=_WRONG,
    ),
    Case(
        id="PRN-E-1.03",
        title="Printer N-GET of all nine attributes of the table",
        section="PS3.4 H.2.4 (U/U), Table H.4-17; PS3.7 §10.1.2.1.9",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(get_nine_attributes),
        passes=(RULE_KEPT,),
        nonstrict=(Answered(frozenset({0x0105, 0x0106})),),
        fails=(ABORT, CLOSED, SILENCE),
    ),
    Case(
        id="PRN-E-1.04",
        title="Printer N-GET of an attribute that no printer has",
        section="PS3.7 §10.1.2.1.9 (0107)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(get_foreign_attribute),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED, FAILURE),
        fails=(RULE_BROKEN, ABORT, CLOSED, SILENCE),
    ),
    Case(
        id="PRN-E-1.05",
        title="Printer Status Info fits Printer Status",
        section="PS3.3 C.13.9.1 (defined terms)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(get_status_info),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="PRN-E-1.06",
        title="Printer N-GET of another instance",
        section="PS3.4 H.4.6.5 (the well-known UID); PS3.7 §10.1.2.1.9 (0112)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(get_another_printer(_ANOTHER_PRINTER)),
        passes=(_NO_INSTANCE,),
        nonstrict=(FAILURE, ABORT),
        fails=(SUCCESS, CLOSED, SILENCE),
        subcases=(
            SubCase(
                name="zero-length UID",
                run=on_print(get_another_printer("")),
                passes=(_NO_INSTANCE, SUCCESS),
                fails=(CLOSED, SILENCE),
            ),
        ),
    ),
    Case(
        id="PRN-E-1.07",
        title="Printer Configuration",
        section="PS3.4 H.4.11.2.2.1 Table H.4-26 (-/M), H.4.11.2.2.2",
        level=Level.MUST,
        needs=Flags.CONFIG,
        run=on_print(get_configuration, PrinterConfigurationRetrieval),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=_WRONG,
    ),
    Case(
        id="PRN-E-1.08",
        title="The configuration is true",
        section="PS3.4 H.4.11.2.2; PS3.3 C.13.13",
        level=Level.SHOULD,
        needs=Flags.CONFIG | Flags.PRINT,
        run=on_print(try_configuration, PrinterConfigurationRetrieval),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, SILENCE),
    ),
)
