"""The attributes of Print Management: PS3.4 Annex H.4, PS3.3 C.13.

A row says who must have an attribute (usage SCU/SCP), which values this printer takes, what it
uses where none is given, and what becomes of a value it does not take. `check` holds a Data Set
against a table and gives the status of PS3.4 H.2.4:

- ``M`` missing: 0120, without a value: 0121, a value that is not taken: 0106;
- ``U`` with a value that is not taken: 0116 and the default, or 0106 where a film with the
  default would be waste;
- attributes of no row are passed over: modalities put patient's data and private elements where
  the standard has none, and stop at a warning (Agfa).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dimse.data import Dataset, Tag, Value, tag_of
from dimse.errors import DimseError, EncodeError, ServiceError

from .film import (
    FILM_SIZES,
    MAGNIFICATIONS,
    ORIENTATIONS,
    POLARITIES,
    LayoutError,
    is_density,
    parse_format,
)

__all__ = [
    "FILM_BOX",
    "FILM_SESSION",
    "IMAGE_BOX",
    "Attribute",
    "Checked",
    "Chosen",
    "check",
    "choose",
    "pick",
    "shown",
]

MISSING, MISSING_VALUE, INVALID, OUT_OF_RANGE = 0x0120, 0x0121, 0x0106, 0x0116
_MAX_COPIES = 99


@dataclass(frozen=True, slots=True)
class Attribute:
    """A row. ``usage`` is SCU/SCP as the standard writes it; ``terms`` are the values for a text."""

    keyword: str
    usage: str
    takes: Callable[[Value], bool]
    default: Value = None
    refuse: bool = False
    terms: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a Data Set: the attributes that hold, and the warning there is, or 0000."""

    attributes: Dataset
    Status: int = 0x0000
    comment: str = ""
    offending: tuple[Tag, ...] = ()


def check(table: tuple[Attribute, ...], dataset: Dataset, *, defaults: bool, required: bool = True) -> Checked:
    """Hold ``dataset`` against ``table``; ``defaults``: fill in what is missing (N-CREATE).

    ``required``: whether an ``M`` attribute has to be there, which is not so for an N-SET that
    changes one attribute of many. Raises `ServiceError` with the status of the first attribute
    that cannot be accepted.
    """
    kept = Dataset()
    warnings: list[tuple[Tag, str]] = []
    for row in table:
        value = _value(dataset, row.keyword)
        if value is None:
            if row.usage[0] == "M" and required:
                _refuse_missing(row, present=row.keyword in dataset)
            if defaults and row.default is not None:
                kept[row.keyword] = row.default
            continue
        meant = _ALIASES.get((row.keyword, value)) if isinstance(value, str) else None
        if meant is not None:
            kept[row.keyword] = meant
        elif row.takes(value):
            kept.add(dataset[row.keyword])  # as it was written: it goes back to a peer who may be sloppy
        elif row.refuse or row.usage[0] == "M":
            raise ServiceError(INVALID, "Invalid attribute value", comment=_not_taken(row, value))
        else:
            warnings.append((tag_of(row.keyword), _not_taken(row, value)))
            if defaults and row.default is not None:
                kept[row.keyword] = row.default
    if not warnings:
        return Checked(kept)
    return Checked(kept, OUT_OF_RANGE, warnings[0][1], tuple(tag for tag, _ in warnings))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The attributes that an SCU chose, for the three levels of the hierarchy."""

    film_session: Dataset
    film_box: Dataset
    image_box: Dataset


def choose(attributes: Mapping[str, Value]) -> Chosen:
    """Each attribute to where it belongs; one of both film and image box goes to the film box.

    Raises `EncodeError` as `pick` does.
    """
    sorted_out: dict[str, dict[str, Value]] = {"film_session": {}, "film_box": {}, "image_box": {}}
    for keyword, value in attributes.items():
        level = next((level for level, table in _LEVELS.items() if _has(table, keyword)), "film_box")
        sorted_out[level][keyword] = value
    return Chosen(**{level: pick(_LEVELS[level], chosen) for level, chosen in sorted_out.items()})


def pick(table: tuple[Attribute, ...], attributes: Mapping[str, Value]) -> Dataset:
    """The attributes that an SCU chose for one level of the hierarchy, as a Data Set.

    Values are not held against the table: which of them a printer takes is for the printer to say.
    Raises `EncodeError` for a keyword that does not exist, for one that does not belong there, and
    for a value that its VR cannot hold.
    """
    picked = Dataset()
    for keyword, value in attributes.items():
        tag_of(keyword)  # first of all it has to exist
        if keyword in _MADE_BY_THE_CLIENT:
            raise EncodeError("set by the client itself (PS3.4 H.4)", path=keyword)
        if not _has(table, keyword):
            raise EncodeError("no attribute that an SCU sets there (PS3.4 H.4)", path=keyword)
        picked[keyword] = value
    return picked


def _has(table: tuple[Attribute, ...], keyword: str) -> bool:
    return any(row.keyword == keyword for row in table)


def shown(value: Value) -> str:
    """A value of the wire for an error or a log: short, and harmless to a terminal."""
    text = ascii(value).replace("\\\\", "\\")  # a backslash is part of many a value
    return text if len(text) <= 40 else text[:37] + "..."


def _value(dataset: Dataset, keyword: str) -> Value:
    try:
        return dataset.get(keyword)
    except DimseError as exc:  # bytes that are no value of the VR
        raise ServiceError(INVALID, "Invalid attribute value", comment=f"{keyword}: {exc}") from exc


def _refuse_missing(row: Attribute, *, present: bool) -> None:
    if present:
        raise ServiceError(MISSING_VALUE, "Missing attribute value", comment=f"{row.keyword} has no value")
    raise ServiceError(MISSING, "Missing attribute", comment=f"{row.keyword} is missing")


def _not_taken(row: Attribute, value: Value) -> str:
    return f"{row.keyword} {shown(value)}" + (f", not {row.terms}" if row.terms else "")


def _one_of(*terms: str) -> Callable[[Value], bool]:
    return lambda value: value in terms


def _matches(pattern: str) -> Callable[[Value], bool]:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _any_text(value: Value) -> bool:
    return isinstance(value, str)


def _anything(value: Value) -> bool:  # noqa: ARG001
    return True


def _copies(value: Value) -> bool:
    return isinstance(value, int) and 1 <= value <= _MAX_COPIES


def _unsigned(value: Value) -> bool:
    return isinstance(value, int) and value >= 0


def _millimetres(value: Value) -> bool:
    return isinstance(value, int | float) and 0 < value < 10_000


def _density(value: Value) -> bool:
    return isinstance(value, str) and is_density(value)


def _display_format(value: Value) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parse_format(value)
    except LayoutError:
        return False
    return True


# What SCUs write, and what it means
_ALIASES = {
    ("PrintPriority", "MEDIUM"): "MED",
    ("MediumType", "MAMMO CLEAR"): "MAMMO CLEAR FILM",
    ("MediumType", "MAMMO BLUE"): "MAMMO BLUE FILM",
}

_MADE_BY_THE_CLIENT = ("ReferencedFilmSessionSequence", "ImageBoxPosition")

_MEDIA = ("PAPER", "CLEAR FILM", "BLUE FILM", "MAMMO CLEAR FILM", "MAMMO BLUE FILM")

# fmt: off
# PS3.4 Table H.4-2; N-CREATE and N-SET have the same attributes
FILM_SESSION = (
    Attribute("SpecificCharacterSet",  "U/U", _anything),
    Attribute("NumberOfCopies",        "U/M", _copies,            1, terms=f"1 to {_MAX_COPIES}"),
    Attribute("PrintPriority",         "U/M", _one_of("HIGH", "MED", "LOW"), "MED", terms="HIGH, MED, LOW"),
    Attribute("MediumType",            "U/M", _one_of(*_MEDIA),   "BLUE FILM", terms=", ".join(_MEDIA)),
    Attribute("FilmDestination",       "U/M", _matches(r"MAGAZINE|PROCESSOR|BIN_[1-9]\d*"), "PROCESSOR",
              terms="MAGAZINE, PROCESSOR, BIN_i"),
    Attribute("FilmSessionLabel",      "U/U", _any_text),
    Attribute("MemoryAllocation",      "U/U", _unsigned),
    Attribute("OwnerID",               "U/U", _any_text),
    Attribute("ProposedStudySequence", "U/U", _anything),
)

# PS3.4 Table H.4-5. What a film is made of is refused rather than replaced.
FILM_BOX = (
    Attribute("ImageDisplayFormat",            "M/M", _display_format, terms=r"STANDARD\C,R"),
    Attribute("ReferencedFilmSessionSequence", "M/M", _anything),
    Attribute("FilmOrientation",               "U/M", _one_of(*ORIENTATIONS), "PORTRAIT", refuse=True,
              terms=", ".join(ORIENTATIONS)),
    Attribute("FilmSizeID",                    "U/M", _one_of(*FILM_SIZES), "14INX17IN", refuse=True,
              terms="a Film Size ID of PS3.3 C.13.3"),
    Attribute("MagnificationType",             "U/M", _one_of(*MAGNIFICATIONS), "BILINEAR",
              terms=", ".join(MAGNIFICATIONS)),
    Attribute("MaxDensity",                    "U/M", _unsigned),
    Attribute("ConfigurationInformation",      "U/M", _any_text),
    Attribute("AnnotationDisplayFormatID",     "U/U", _any_text),
    Attribute("SmoothingType",                 "U/U", _any_text),
    Attribute("BorderDensity",                 "U/U", _density, "BLACK", terms="BLACK, WHITE, or hundredths of OD"),
    Attribute("EmptyImageDensity",             "U/U", _density, "BLACK", terms="BLACK, WHITE, or hundredths of OD"),
    Attribute("MinDensity",                    "U/U", _unsigned),
    Attribute("Trim",                          "U/U", _one_of("YES", "NO"), terms="YES, NO"),
    Attribute("Illumination",                  "U/U", _unsigned),
    Attribute("ReflectedAmbientLight",         "U/U", _unsigned),
    Attribute("RequestedResolutionID",         "U/U", _one_of("STANDARD", "HIGH"), terms="STANDARD, HIGH"),
    Attribute("ICCProfile",                    "U/U", _anything),
)

# PS3.4 Tables H.4-8 and H.4-10 but for the image sequence, which `images.item` reads
IMAGE_BOX = (
    Attribute("ImageBoxPosition",             "M/M", _unsigned),
    Attribute("Polarity",                     "U/M", _one_of(*POLARITIES), "NORMAL", terms=", ".join(POLARITIES)),
    Attribute("MagnificationType",            "U/U", _one_of(*MAGNIFICATIONS), terms=", ".join(MAGNIFICATIONS)),
    Attribute("SmoothingType",                "U/U", _any_text),
    Attribute("MinDensity",                   "U/U", _unsigned),
    Attribute("MaxDensity",                   "U/U", _unsigned),
    Attribute("ConfigurationInformation",     "U/U", _any_text),
    Attribute("RequestedImageSize",           "U/U", _millimetres, terms="0 to 10000 mm"),
    Attribute("RequestedDecimateCropBehavior", "U/U", _one_of("DECIMATE", "CROP", "FAIL"),
              terms="DECIMATE, CROP, FAIL"),
    Attribute("OriginalImageSequence",        "U/U", _anything),
)
# fmt: on

_LEVELS = {"film_session": FILM_SESSION, "film_box": FILM_BOX, "image_box": IMAGE_BOX}
