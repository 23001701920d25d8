"""The attribute tables of the standard, restricted to the values of one printer, with the printer's defaults."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from dimse.uids import BasicAnnotationBox, BasicPrintImageOverlayBox, ImageOverlayBox, PresentationLUT, VOILUTBox

from ..attributes.tables import (
    ANNOTATION_BOX,
    COLOR_IMAGE_BOX,
    FILM_BOX,
    FILM_BOX_FIXED,
    FILM_SESSION,
    FILM_SESSION_EXTRA,
    GRAY_IMAGE_BOX,
    IMAGE_BOX_EXTRA,
    OVERLAY_BOX,
    OVERLAY_BOX_SET,
    PRESENTATION_LUT,
    VOI_LUT_BOX,
    Attribute,
    Table,
)
from ..attributes.values import terms, text, whole
from .printer import PrinterConfig

__all__ = ["Tables", "tables_of"]


@dataclass(frozen=True, slots=True)
class Tables:
    """The attributes that one printer accepts. `tables_of` creates them."""

    film_session: Table
    film_box: Table
    film_box_set: Table
    gray_image_box: Table
    color_image_box: Table
    annotation_box: Table
    presentation_lut: Table
    voi_lut_box: Table
    overlay_box: Table
    overlay_box_set: Table


@lru_cache(maxsize=16)  # saves about 0.5 ms for each association
def tables_of(config: PrinterConfig) -> Tables:
    """Return the attributes that the printer of ``config`` accepts."""
    session = _narrow(FILM_SESSION + FILM_SESSION_EXTRA, config)
    film_box = _narrow(FILM_BOX, config)
    return Tables(
        film_session=session,
        film_box=film_box,
        # N-SET has no defaults: it changes only the given attributes, and an image box inherits from its film box
        film_box_set=_without_defaults(tuple(row for row in film_box if row.keyword not in FILM_BOX_FIXED)),
        gray_image_box=_without_defaults(_narrow(GRAY_IMAGE_BOX + IMAGE_BOX_EXTRA, config)),
        color_image_box=_without_defaults(_narrow(COLOR_IMAGE_BOX + IMAGE_BOX_EXTRA, config)),
        annotation_box=_narrow(ANNOTATION_BOX, config),
        presentation_lut=_narrow(PRESENTATION_LUT, config),
        voi_lut_box=_narrow(VOI_LUT_BOX, config),
        overlay_box=_without_defaults(_narrow(OVERLAY_BOX, config)),
        overlay_box_set=_without_defaults(_narrow(OVERLAY_BOX_SET, config)),
    )


def _narrow(table: Table, config: PrinterConfig) -> Table:
    chosen, missing = _choices(config), set(_unsupported(config))
    return tuple(_narrow_row(row, chosen, config, supported=row.keyword not in missing) for row in table)


def _narrow_row(
    row: Attribute, chosen: dict[str, tuple[str, ...]], config: PrinterConfig, *, supported: bool
) -> Attribute:
    row = replace(row, aliases=config.aliases.get(row.keyword, {}), supported=supported)
    found = chosen.get(row.keyword)
    if found:
        # Smoothing applies to CUBIC only, so there is no default
        default = None if row.keyword == "SmoothingType" else found[0]
        return replace(row, values=terms(*found), default=default)
    if row.keyword == "NumberOfCopies":
        return replace(row, values=whole(1, config.maximum_copies), default=1)
    if row.keyword == "AnnotationDisplayFormatID" and config.imager.annotation_formats:
        return replace(row, values=terms(*config.imager.annotation_formats))
    if row.keyword == "TextString":
        return replace(row, values=text(config.annotation_characters))
    return row


def _without_defaults(table: Table) -> Table:
    """Return a table without defaults, except for Polarity: its default is fixed by the standard (PS3.3 C.13.5)."""
    return tuple(row if row.keyword == "Polarity" else replace(row, default=None) for row in table)


def _choices(config: PrinterConfig) -> dict[str, tuple[str, ...]]:
    """Return the terms of each attribute; an attribute without terms has an empty tuple."""
    chosen = {keyword: tuple(getattr(config, keyword)) for keyword in _TERMS}
    chosen["MediumType"] = tuple(dict.fromkeys(medium.MediumType for medium in config.media))
    chosen["FilmSizeID"] = tuple(dict.fromkeys(size for medium in config.media for size in medium.FilmSizeID))
    return chosen


def _unsupported(config: PrinterConfig) -> Iterable[str]:
    """Yield the keywords of the attributes that the printer does not support."""
    yield from config.unsupported
    yield from (keyword for keyword in _TERMS if keyword not in _FREE and not getattr(config, keyword))
    served = config.abstract_syntaxes
    if PresentationLUT not in served:
        yield from ("ReferencedPresentationLUTSequence", "Illumination", "ReflectedAmbientLight")
    if BasicAnnotationBox not in served or not config.imager.annotation_formats:
        yield "AnnotationDisplayFormatID"
    if VOILUTBox not in served:
        yield "ReferencedVOILUTBoxSequence"
    if ImageOverlayBox not in served and BasicPrintImageOverlayBox not in served:
        yield "ReferencedImageOverlayBoxSequence"


_FREE = ("ConfigurationInformation",)  # without terms, any value is accepted
_TERMS = (
    *_FREE,
    *("PrintPriority", "FilmDestination", "FilmOrientation", "MagnificationType", "SmoothingType"),
    *("BorderDensity", "EmptyImageDensity", "Trim", "RequestedResolutionID", "RequestedDecimateCropBehavior"),
)
