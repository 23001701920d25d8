"""The configuration of a printer as one frozen value: everything that PS3.4 Annex H leaves to the SCP.

A field with the name of a DICOM keyword and the type `Terms` lists the terms that the printer accepts for an attribute.
The first one is the default, with three exceptions: Image Display Format is mandatory, Smoothing Type has no default,
and the default of Requested Decimate/Crop Behavior belongs to the imager. If the field is empty, the printer does not
support the attribute; but an empty field for Image Display Format or Configuration Information allows any value.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from functools import lru_cache

from dimse.data import Dataset, tag_of
from dimse.errors import DimseError, EncodeError
from dimse.uids import BasicAnnotationBox

from ..attributes.tables import ANNOTATION_BOX, COLOR_IMAGE_BOX, FILM_BOX, GRAY_IMAGE_BOX
from ..film import FILM, FILM_SIZES, MAGNIFICATIONS, ORIENTATIONS, PAPER, SMOOTHINGS, Imager, can_draw_text
from ..model import Printer
from ..sop import SOP_CLASSES

__all__ = ["WITHOUT_TEXT", "Caller", "ConfigError", "Medium", "PrinterConfig"]

WITHOUT_TEXT = "annotation boxes are not offered: text needs Pillow (pip install 'dimse-print[film]')"  # for a log

Terms = tuple[str, ...]


class ConfigError(DimseError):
    """A configuration is invalid. ``key`` names the field, and ``why`` is the reason. ``others`` are further errors."""

    def __init__(self, key: str, why: str, others: "tuple[ConfigError, ...]" = ()) -> None:
        self.key = key
        self.why = why
        self.others = others
        super().__init__(f"{key}: {why}")

    def within(self, table: str) -> "ConfigError":
        """Return this error and its ``others``, with keys that begin with the key of the table around them."""
        others = tuple(other.within(table) for other in self.others)
        return ConfigError(f"{table}.{self.key}" if table else self.key, self.why, others)


def _check_terms(key: str, terms: Terms, allowed: Collection[str], rule: str, *, at_least_one: bool) -> None:
    if at_least_one and not terms:
        raise ConfigError(key, f"at least one value is needed ({rule})")
    for term in terms:
        if term not in allowed and not ("i" in allowed and term.isdecimal()):
            raise ConfigError(key, f"{term!a} is not one of {', '.join(allowed)} ({rule})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A medium in one or more film sizes, with its densities in hundredths of OD. ``installed``: the medium is loaded.

    A medium without densities gets the densities of the imager; see `PrinterConfig.imager_with`. Raises `ConfigError`.
    """

    MediumType: str
    FilmSizeID: Terms
    MinDensity: int | None = None
    MaxDensity: int | None = None
    installed: bool = True

    def __post_init__(self) -> None:
        _check_terms("FilmSizeID", self.FilmSizeID, FILM_SIZES, "PS3.3 C.13.3", at_least_one=True)
        for key, density in (("MinDensity", self.MinDensity), ("MaxDensity", self.MaxDensity)):
            if density is not None and not 0 <= density <= _MAX_DENSITY:
                raise ConfigError(key, f"{density} is not a density, 0 to {_MAX_DENSITY} hundredths of OD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The behavior of a printer toward some calling AEs.

    ``job_reference``: the response to N-ACTION names the Print Job, if Print Job was negotiated (Agfa NX needs False).
    ``warnings``: warnings are sent; otherwise, success is sent instead. ``may_print``: the client may print; otherwise,
    it may only query the printer and its jobs. ``echo`` (not C-ECHO): the responses to N-CREATE and N-SET contain the
    attributes; otherwise, only the references to the boxes of a film. ``class_uid``: the response to N-CREATE contains
    the Affected SOP Class UID.
    """

    job_reference: bool = True
    warnings: bool = True
    may_print: bool = True
    echo: bool = True
    class_uid: bool = True


_DEFAULT_CALLER = Caller()

# Terms that real SCUs send, and the terms of the standard that they mean
_ALIASES: Mapping[str, Mapping[str, str]] = {
    "PrintPriority": {"MEDIUM": "MED"},
    "MediumType": {"MAMMO CLEAR": "MAMMO CLEAR FILM", "MAMMO BLUE": "MAMMO BLUE FILM"},
}
_MAX_DENSITY = 1000  # hundredths of OD; every film is far less dense
_IMAGER = replace(FILM, MaxDensity=320)
_SIZES = ("14INX17IN", *(size for size in FILM_SIZES if size != "14INX17IN"))
_MEDIA = (
    *(Medium(MediumType=medium, FilmSizeID=_SIZES) for medium in ("BLUE FILM", "CLEAR FILM")),
    Medium(MediumType="PAPER", FilmSizeID=_SIZES),
    *(Medium(MediumType=medium, FilmSizeID=_SIZES) for medium in ("MAMMO CLEAR FILM", "MAMMO BLUE FILM")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterConfig:
    """The configuration of a print SCP. The default accepts everything in the standard.

    ``sop_classes`` are keywords of PS3.6 Table A-1. ``implicit_only``: Implicit VR Little Endian is the only Transfer
    Syntax. ``strict`` refuses what PS3.4 H.2.4 lets a printer ignore or replace. ``aliases`` maps, by keyword, other
    terms to terms of this printer. ``unsupported`` names further attributes that this printer does not support. The
    keys of ``callers`` are calling AE titles, with ``*`` and ``?`` as wildcards.

    ``memory`` is the maximum number of bytes, mostly of images, that the printer keeps for one association;
    ``host_memory`` is the maximum for all associations of one address, and ``total_memory`` for all associations. The
    films in the queue are counted separately, up to the same ``host_memory`` and ``total_memory``. ``queue_length`` is
    the number of jobs that may wait. ``MaximumMemoryAllocation`` is in KB for all sessions together, 0 if memory is not
    allocated. ``spools``: films are accepted while the printer is in FAILURE; this does not depend on
    `PrintServer.spool`.

    ``film_boxes`` is the maximum number of film boxes in one session. A session with more than ``MaximumCollatedFilms``
    films is not collated; 0 means that N-ACTION on a film session is not supported. ``collates`` is False if the
    printer prints all copies of a film one after the other. ``annotation_characters`` is the maximum for one Text
    String. ``lut_match_required``: a table of a Presentation LUT needs an entry for each pixel value.

    Raises `ConfigError`.
    """

    printer: Printer = field(default_factory=Printer)
    imager: Imager = _IMAGER
    sop_classes: Terms = tuple(SOP_CLASSES)
    implicit_only: bool = False
    strict: bool = False

    media: tuple[Medium, ...] = _MEDIA
    ImageDisplayFormat: Terms = ()  # any format that fits on the film
    PrintPriority: Terms = ("MED", "HIGH", "LOW")
    FilmDestination: Terms = ("PROCESSOR", "MAGAZINE", "BIN_i")
    FilmOrientation: Terms = ("PORTRAIT", "LANDSCAPE")
    MagnificationType: Terms = ("BILINEAR", "CUBIC", "REPLICATE", "NONE")
    SmoothingType: Terms = ("NORMAL", *(name for name in SMOOTHINGS if name != "NORMAL"))
    BorderDensity: Terms = ("BLACK", "WHITE", "i")
    EmptyImageDensity: Terms = ("BLACK", "WHITE", "i")
    Trim: Terms = ("NO", "YES")
    RequestedResolutionID: Terms = ("STANDARD", "HIGH")
    RequestedDecimateCropBehavior: Terms = ("DECIMATE", "CROP", "FAIL")
    ConfigurationInformation: Terms = ()  # any text, without effect
    ConfigurationInformationDescription: str = ""
    BitsStored: tuple[int, ...] = (8, 12)
    unsupported: Terms = ()
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _ALIASES)

    annotation_characters: int = 64
    lut_match_required: bool = False
    maximum_copies: int = 99
    film_boxes: int = 64
    queue_length: int = 16
    memory: int = 1 << 30
    host_memory: int = 1 << 31
    total_memory: int = 1 << 32
    MaximumMemoryAllocation: int = 0
    MemoryBitDepth: int = 12
    PrintingBitDepth: int = 12
    MaximumCollatedFilms: int = 64
    collates: bool = True
    spools: bool = True
    callers: Mapping[str, Caller] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_texts()
        _check_terms("sop_classes", self.sop_classes, SOP_CLASSES, "PS3.4 Annex H", at_least_one=True)
        if not self.media:
            raise ConfigError("media", "a printer needs at least one medium")
        for index, medium in enumerate(self.media):
            try:
                self.imager_with(medium)
            except ConfigError as exc:
                raise exc.within(f"media[{index}]") from exc
            except DimseError as exc:  # under the imager's viewing light, the densities do not fit PS3.14 §7.1
                raise ConfigError(f"media[{index}]", str(exc)) from exc
        for keyword, (allowed, at_least_one) in _ENUMERATED.items():
            _check_terms(keyword, getattr(self, keyword), allowed, "PS3.3 C.13", at_least_one=at_least_one)
        for keyword in (*self.unsupported, *self.aliases):
            try:
                tag_of(keyword)
            except EncodeError as exc:
                raise ConfigError("unsupported" if keyword in self.unsupported else "aliases", exc.what) from exc
        if needed := _NEEDED.intersection(self.unsupported):
            raise ConfigError("unsupported", f"{min(needed)} cannot be left out: no film can be printed without it")
        for key in _POSITIVE:
            if getattr(self, key) < 1:
                raise ConfigError(key, f"{getattr(self, key)} must be at least 1")
        if not self.BitsStored or not set(self.BitsStored) <= {8, 12}:
            raise ConfigError("BitsStored", f"{self.BitsStored} must be 8, 12 or both (PS3.3 C.13.5)")

    def _check_texts(self) -> None:
        """Raise `ConfigError` for a text that no attribute of the printer can hold."""
        texts = {f"printer.{field.name}": getattr(self.printer, field.name) for field in fields(self.printer)}
        texts["ConfigurationInformationDescription"] = self.ConfigurationInformationDescription
        for key, words in texts.items():
            keyword = key.removeprefix("printer.")
            try:
                value = Dataset(**{keyword: words or None}).get(keyword)
            except EncodeError as exc:
                raise ConfigError(key, exc.what) from exc
            if isinstance(value, list):
                raise ConfigError(key, f"{words!a}: a backslash is not allowed")

    def __hash__(self) -> int:
        return hash((self.printer, self.sop_classes, self.media))  # mappings have no hash

    def caller(self, calling_ae_title: str) -> Caller:
        """Return the behavior toward a calling AE, by the first pattern in the configured order that matches.

        If no pattern matches, return the default behavior.
        """
        for pattern, caller in self.callers.items():
            if fnmatchcase(calling_ae_title, pattern.strip().replace("[", "[[]")):  # an AE title may contain [
                return caller
        return _DEFAULT_CALLER

    def as_installed(self) -> "PrinterConfig":
        """Return the configuration, without annotation boxes if Pillow, which draws their text, is not installed."""
        annotation = [keyword for keyword in self.sop_classes if SOP_CLASSES[keyword] == BasicAnnotationBox]
        if not annotation or can_draw_text():
            return self
        return replace(self, sop_classes=tuple(keyword for keyword in self.sop_classes if keyword not in annotation))

    def medium(self, MediumType: str, FilmSizeID: str) -> Medium | None:
        """Return the medium in this size, installed or not, or None if the printer does not have it."""
        return next(
            (row for row in self.media if row.MediumType == MediumType and FilmSizeID in row.FilmSizeID),
            None,
        )

    def imager_with(self, medium: Medium) -> Imager:
        """Return the imager with a medium.

        Paper is viewed by reflected light (PS3.14 §7.2), and always gets the light of `PAPER`, not of the imager.

        A medium without densities gets the densities of the imager, or of `PAPER` if it is paper and the imager is for
        film. Raises `ConfigError` for densities that are not a range, and another `DimseError` for densities that do
        not fit the viewing light; neither happens for the ``media`` of this printer, which are already checked.
        """
        return _imager_with(self.imager, medium)

    @property
    def abstract_syntaxes(self) -> tuple[str, ...]:
        """The UIDs of ``sop_classes``: the abstract syntaxes of the presentation contexts to accept."""
        return tuple([SOP_CLASSES[keyword] for keyword in self.sop_classes])


@lru_cache(maxsize=64)  # saves about 0.15 ms a film box: a new imager checks its densities under its viewing light
def _imager_with(imager: Imager, medium: Medium) -> Imager:
    is_paper = medium.MediumType == "PAPER"
    own = PAPER if is_paper and not imager.reflective else imager
    lowest = own.MinDensity if medium.MinDensity is None else medium.MinDensity
    highest = own.MaxDensity if medium.MaxDensity is None else medium.MaxDensity
    if lowest >= highest:
        raise ConfigError("MinDensity", f"{lowest} to {highest} is not a range of densities, in hundredths of OD")
    if not is_paper:
        return replace(imager, MinDensity=lowest, MaxDensity=highest)
    light, ambient = PAPER.Illumination, PAPER.ReflectedAmbientLight
    return replace(
        imager,
        MinDensity=lowest,
        MaxDensity=highest,
        reflective=True,
        Illumination=light,
        ReflectedAmbientLight=ambient,
    )


# The terms that each field may have, and whether it needs at least one
_ENUMERATED: Mapping[str, tuple[Collection[str], bool]] = {
    "PrintPriority": (("HIGH", "MED", "LOW"), True),
    "FilmOrientation": (ORIENTATIONS, True),
    "MagnificationType": (MAGNIFICATIONS, True),
    "BorderDensity": (("BLACK", "WHITE", "i"), False),
    "EmptyImageDensity": (("BLACK", "WHITE", "i"), False),
    "Trim": (("NO", "YES"), False),
    "RequestedResolutionID": (("STANDARD", "HIGH"), False),
    "RequestedDecimateCropBehavior": (("DECIMATE", "CROP", "FAIL"), False),
}
# Attributes without which no film can be printed: those that an SCU must send (PS3.4 H.4)
_NEEDED = frozenset(
    row.keyword
    for table in (FILM_BOX, GRAY_IMAGE_BOX, COLOR_IMAGE_BOX, ANNOTATION_BOX)
    for row in table
    if row.mandatory
)
_MEMORIES = ("memory", "host_memory", "total_memory")
_POSITIVE = ("annotation_characters", "maximum_copies", "film_boxes", "queue_length", *_MEMORIES)
