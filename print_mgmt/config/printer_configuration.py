"""The answer to Printer Configuration Retrieval (PS3.4 H.4.11, PS3.3 C.13.13)."""

import pickle
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, decode, encode

from ..film import LayoutError, Sheet, lay_out
from ..film.formats import MM_PER_INCH
from ..film.placement import pixel_box
from ..sop import MEMBERS, META_CLASSES, TITLES
from .printer import PrinterConfig

__all__ = ["configuration_of"]

# The usual formats of modalities. A printer that accepts any format lists these, and its CUSTOM formats
_GRIDS = ("1,1", "1,2", "2,1", "2,2", "2,3", "3,3", "3,4", "3,5", "4,4", "4,5")
_COMMON_FORMATS = tuple(f"STANDARD\\{grid}" for grid in _GRIDS)


def configuration_of(config: PrinterConfig) -> Dataset:
    """Return a new Data Set with the Printer Configuration Sequence: an item for each supported Meta SOP Class.

    The items stay encoded until they are read, so a response can send them unchanged. They are in Explicit VR Little
    Endian, or in Implicit VR Little Endian if the printer accepts nothing else.
    """
    configuration: Dataset = pickle.loads(_pickled(config))
    return configuration


@lru_cache(maxsize=16)  # saves about 30 ms for each N-GET: there are hundreds of items
def _pickled(config: PrinterConfig) -> bytes:
    supported = config.abstract_syntaxes
    formats = list(_formats(config))
    answer = Dataset()
    if not (config.printer.is_ascii and config.ConfigurationInformationDescription.isascii()):
        answer.SpecificCharacterSet = "ISO_IR 192"
    answer.PrinterConfigurationSequence = [_item(config, meta, formats) for meta in META_CLASSES if meta in supported]
    syntax = IMPLICIT_LE if config.implicit_only else EXPLICIT_LE
    return pickle.dumps(decode(encode(answer, syntax), syntax))  # unpickling takes 0.06 ms, decoding 10 ms


def _item(config: PrinterConfig, meta: str, formats: list[Dataset]) -> Dataset:
    optional = [uid for uid in config.abstract_syntaxes if uid in TITLES and uid not in (*META_CLASSES, *_members())]
    behavior = config.imager.RequestedDecimateCropBehavior
    item = Dataset(
        SOPClassesSupported=[meta, *optional],
        MaximumMemoryAllocation=config.MaximumMemoryAllocation,
        MemoryBitDepth=config.MemoryBitDepth,
        PrintingBitDepth=config.PrintingBitDepth,
        DefaultPrinterResolutionID=next(iter(config.RequestedResolutionID), "STANDARD"),
        DefaultMagnificationType=config.MagnificationType[0],
        OtherMagnificationTypesAvailable=list(config.MagnificationType[1:]) or None,
        DefaultSmoothingType=next(iter(config.SmoothingType), None),
        OtherSmoothingTypesAvailable=list(config.SmoothingType[1:]) or None,
        ConfigurationInformationDescription=config.ConfigurationInformationDescription or None,
        MaximumCollatedFilms=config.MaximumCollatedFilms if config.collates else 0,
        DecimateCropResult=f"DEF {behavior}" if config.RequestedDecimateCropBehavior else behavior,
        Manufacturer=config.printer.Manufacturer or None,
        ManufacturerModelName=config.printer.ManufacturerModelName or None,
        PrinterName=config.printer.PrinterName or None,
    )
    item.MediaInstalledSequence = list(_number_items(_media_items(config, installed=True)))
    item.OtherMediaAvailableSequence = list(_media_items(config, installed=False))
    item.SupportedImageDisplayFormatsSequence = formats
    return item


def _members() -> Iterator[str]:
    for members in MEMBERS.values():
        yield from members


def _media_items(config: PrinterConfig, *, installed: bool) -> Iterator[Dataset]:
    for medium in config.media:
        if medium.installed == installed:
            imager = config.imager_with(medium)
            for size in medium.FilmSizeID:
                yield Dataset(
                    MediumType=medium.MediumType,
                    FilmSizeID=size,
                    MinDensity=imager.MinDensity,
                    MaxDensity=imager.MaxDensity,
                )


def _number_items(items: Iterable[Dataset]) -> Iterator[Dataset]:
    for number, item in enumerate(items, 1):
        item.ItemNumber = number  # number 1 is the default
        yield item


def _formats(config: PrinterConfig) -> Iterator[Dataset]:
    sizes = dict.fromkeys(size for medium in config.media for size in medium.FilmSizeID)
    resolutions = config.RequestedResolutionID or ("STANDARD",)
    by_resolution = {resolution: _shared_attributes(config, resolution) for resolution in resolutions}
    formats = config.ImageDisplayFormat or (*_COMMON_FORMATS, *(f"CUSTOM\\{i}" for i in config.imager.custom_formats))
    for display_format, orientation, size in product(formats, config.FilmOrientation, sizes):
        sheet = Sheet(ImageDisplayFormat=display_format, FilmOrientation=orientation, FilmSizeID=size)
        try:
            layout = lay_out(sheet, config.imager)
        except LayoutError:
            continue  # the format does not fit on this film
        for resolution, shared in by_resolution.items():
            item = shared.copy()
            item.ImageDisplayFormat, item.FilmOrientation, item.FilmSizeID = display_format, orientation, size
            dpi = config.imager.resolution(resolution)
            boxes = [pixel_box(box, dpi) for box in layout.boxes]
            heights, widths = [box.height for box in boxes], [box.width for box in boxes]
            if max(heights) - min(heights) <= 1 and max(widths) - min(widths) <= 1:  # equal except for rounding
                item.Rows, item.Columns = min(heights), min(widths)
            yield item


def _shared_attributes(config: PrinterConfig, resolution: str) -> Dataset:
    """Return the attributes that the items of one resolution have in common."""
    return Dataset(
        PrinterResolutionID=resolution,
        PrinterPixelSpacing=[round(MM_PER_INCH / config.imager.resolution(resolution), 6)] * 2,
        RequestedImageSizeFlag="NO" if "RequestedImageSize" in config.unsupported else "YES",
    )
