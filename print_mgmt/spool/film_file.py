"""Writes a film as a DICOM file (PS3.10) that contains everything needed to print the film, and reads such files.

The Data Set follows the retired Stored Print IOD, and is encoded in Explicit VR Little Endian:

- Film Box Content Sequence has the attributes of the film box;
- Image Box Content Sequence has an item for each image box, with its attributes and its image;
- Annotation Content Sequence, Presentation LUT Content Sequence and Image Overlay Box Content Sequence have an item for
  each annotation box, Presentation LUT and overlay;
- a private block has the film session, the other instances that the film refers to, the unused attributes that the
  client sent, the identified patient and study, and, as JSON, the remaining values of the `Sheet`, the `Imager` and the
  Print Job.

A film that is read back renders to the same page, bit for bit. Reading trusts nothing: whatever a file contains, the
only error is `CorruptFilm`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from dimse.data import (
    EXPLICIT_LE,
    Dataset,
    DecodeLimits,
    Element,
    encode_rope,
    pixel_array,
    read_file,
    set_pixels,
    tag_of,
)
from dimse.data.part10 import encode_meta
from dimse.errors import DimseError, EncodeError
from dimse.message import file_of
from dimse.uids import StoredPrintStorage, new_uid

from ..film import (
    Annotation,
    Cell,
    CharacteristicCurve,
    Imager,
    Overlay,
    PresentationLUT,
    PrintImage,
    Rect,
    Sheet,
    check_sheet,
    lay_out,
)
from ..items import overlay_dataset, overlay_from
from ..model import Attributes, FilmCopy
from ..typed import integer, items, text
from .records import CorruptFilm

__all__ = ["MAX_FILM", "PART", "Stored", "split_pieces", "film_pieces", "read_film"]

Pieces = list[bytes | memoryview]

_CREATOR = "DIMSE PRINT SPOOL"
_BLOCK = 0x2131_0010  # Private Creator (PS3.5 §7.8.1); the elements of the block are (2131,10xx)
_JOB, _RENDERER, _SESSION, _REFERENCED, *_UNUSED, _IDENTIFIED = (0x2131_1000 + number for number in range(9))
_VERSION = 1
# Bounds for damaged files: a film has a few thousand elements, and its largest values are JSON texts and pixels.
# Attributes of the client are nested deeper here than in its requests, where the depth is at most 64.
MAX_FILM = 1 << 32  # bytes of the file of a film
_LIMITS = DecodeLimits(size=MAX_FILM, elements=2_000_000, value=64 << 20, values=1 << 20, depth=128)
PART = 1 << 22  # bytes of a film that are hashed or written at a time
_COLOR = "RGB"
_IMAGES = ("BasicGrayscaleImageSequence", "BasicColorImageSequence")
_UNICODE = "ISO_IR 192"
_IMAGER_PARTS = ("curve", "custom_formats", "annotation_formats", "slide_mm", "superslide_mm", "fonts")

Stored = tuple[FilmCopy, dict[str, Any]]


# --- writing ---


def film_pieces(film: FilmCopy, job: dict[str, Any]) -> Pieces:
    """Return the content of the file of a film, in pieces; the pixels are views, not copies.

    ``job`` is stored as JSON, and `read_film` returns it. Raises EncodeError for a film that cannot be encoded, or has
    more than `MAX_FILM` bytes.
    """
    dataset = Dataset(SOPClassUID=StoredPrintStorage, SOPInstanceUID=new_uid())
    overlays, luts = _overlays_of(film.sheet), _luts_of(film.sheet)
    dataset.FilmBoxContentSequence = [film.film_box]
    dataset.ImageBoxContentSequence = [
        _image_box_item(film, position) for position in range(max(len(film.sheet.cells), len(film.image_boxes)))
    ]
    dataset.AnnotationContentSequence = [*film.annotation_boxes]
    dataset.PresentationLUTContentSequence = [_lut_item(lut) for lut in luts]
    dataset.ImageOverlayBoxContentSequence = [overlay_dataset(overlay) for overlay in overlays]
    _add(dataset, _BLOCK, "LO", _CREATOR)
    _add(dataset, _JOB, "UT", json.dumps(job))
    _add(dataset, _RENDERER, "UT", json.dumps(_describe_renderer(film, luts, overlays)))
    _add(dataset, _SESSION, "SQ", [film.film_session])
    _add(dataset, _REFERENCED, "SQ", [*film.referenced])
    session, box, images, annotations = film.unused
    _add(dataset, _IDENTIFIED, "SQ", [_identified_item(film.identified)])
    for tag, unused in zip(_UNUSED, ([session], [box], images, annotations), strict=True):
        _add(dataset, tag, "SQ", [*unused])
    meta = encode_meta(dataset, EXPLICIT_LE, Dataset())
    pieces = [bytes(128) + b"DICM" + meta, *encode_rope(dataset, EXPLICIT_LE)]
    size = sum(memoryview(piece).nbytes for piece in pieces)
    if size > MAX_FILM:
        raise EncodeError(f"the film has {size} bytes; the limit is {MAX_FILM}")
    return pieces


def split_pieces(pieces: Iterable[bytes | memoryview], size: int = PART) -> Iterator[memoryview]:
    """Yield ``pieces`` in parts of at most ``size`` bytes. The pages of a mapped file are freed after each part."""
    for piece in pieces:
        view, file = memoryview(piece).cast("B"), file_of(piece)
        for start in range(0, len(view), size):
            yield view[start : start + size]
            if file is not None:
                file.drop_pages()


def _add(dataset: Dataset, tag: int, vr: str, value: object) -> None:
    dataset.add(Element(tag, vr, value))


def _identified_item(identified: Dataset) -> Dataset:
    """Return the identified attributes, declared as UTF-8: their texts come from sources with any character set."""
    item = identified.copy()
    item.SpecificCharacterSet = _UNICODE
    return item


def _image_box_item(film: FilmCopy, position: int) -> Dataset:
    """Return the attributes of the image box at a position (from 0), with its image."""
    box = film.image_boxes[position].copy() if position < len(film.image_boxes) else Dataset()
    cell = film.sheet.cells[position] if position < len(film.sheet.cells) else Cell()
    if cell.image is None:
        return box
    image, is_color = cell.image, cell.image.PhotometricInterpretation == _COLOR
    item = Dataset()
    set_pixels(item, image.pixels, photometric=image.PhotometricInterpretation, bits_stored=image.BitsStored)
    box["BasicColorImageSequence" if is_color else "BasicGrayscaleImageSequence"] = [item]
    return box


def _lut_item(lut: PresentationLUT) -> Dataset:
    if lut.table is None:
        return Dataset(PresentationLUTShape=lut.shape)
    table = np.ascontiguousarray(lut.table, "<u2")
    if table.ndim != 1 or not 0 < table.size <= 1 << 16:
        raise EncodeError(f"{table.size} entries, must be 1 to 65536 (PS3.3 C.11.4)", path="LUTData")
    item = Dataset(LUTDescriptor=[table.size % (1 << 16), 0, lut.bits])
    item.add(Element(0x0028_3006, "OW", table.tobytes()))
    return Dataset(PresentationLUTSequence=[item])


def _overlays_of(sheet: Sheet) -> list[Overlay]:
    """Return the overlays of a sheet; an overlay that several images share is returned once."""
    return list({id(overlay): overlay for cell in sheet.cells for overlay in cell.overlays}.values())


def _luts_of(sheet: Sheet) -> list[PresentationLUT]:
    luts = (sheet.presentation_lut, *(cell.presentation_lut for cell in sheet.cells))
    return list({id(lut): lut for lut in luts if lut is not None}.values())


def _describe_renderer(film: FilmCopy, luts: Sequence[PresentationLUT], overlays: Sequence[Overlay]) -> dict[str, Any]:
    """Return, for JSON, the input of the renderer without arrays, and facts about the other attributes.

    These are the tags that the client sent, the memory of all attributes, and the sources of the identified ones.
    """
    sheet = film.sheet
    numbers = {id(shared): number for group in (luts, overlays) for number, shared in enumerate(group)}
    profile = sheet.ICCProfile
    return {
        "version": _VERSION,
        "sheet": _field_values(sheet, without=("cells", "presentation_lut", "annotations", "ICCProfile")),
        "ICCProfile": None if profile is None else profile.hex(),
        "lut": None if sheet.presentation_lut is None else numbers[id(sheet.presentation_lut)],
        "annotations": [[one.AnnotationPosition, one.TextString] for one in sheet.annotations],
        "cells": [_describe_cell(cell, numbers) for cell in sheet.cells],
        "overlays": [[*overlay.pixels.shape] for overlay in overlays],
        "imager": _describe_imager(film.imager),
        "sent": sorted(film.sent),
        "beside": film.attribute_bytes,  # bytes in memory, without the pixels
        "identified_by": {**film.identified_by},
    }


def _field_values(value: Any, *, without: Iterable[str]) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value) if one.name not in without}


def _describe_cell(cell: Cell, numbers: dict[int, int]) -> dict[str, Any]:
    image = cell.image
    return {
        "cell": _field_values(cell, without=("image", "presentation_lut", "overlays")),
        "lut": None if cell.presentation_lut is None else numbers[id(cell.presentation_lut)],
        "overlays": [numbers[id(overlay)] for overlay in cell.overlays],
        "image": None
        if image is None
        else _field_values(image, without=("pixels", "PhotometricInterpretation", "BitsStored")),
    }


def _describe_imager(imager: Imager) -> dict[str, Any]:
    found = _field_values(imager, without=("curve", "custom_formats", "annotation_formats"))
    found["curve"] = None if imager.curve is None else [imager.curve.densities, imager.curve.values]
    found["custom_formats"] = [[number, rects] for number, rects in imager.custom_formats.items()]
    found["annotation_formats"] = [[name, rects] for name, rects in imager.annotation_formats.items()]
    return found


# --- reading ---


def read_film(data: bytes | memoryview) -> Stored:
    """Return the film in the bytes of a file, and the ``job`` given to `film_pieces`. Pixels are views of ``data``.

    Raises `CorruptFilm` for anything other than a film that can be laid out.
    """
    try:
        dataset = read_file(data, limits=_LIMITS, whole=True).dataset
        if dataset.get(_BLOCK) != _CREATOR:
            raise CorruptFilm("the file is not a stored film: its private block is missing")
        film = _read_content(dataset, json.loads(_read_text(dataset, _RENDERER)))
        job = json.loads(_read_text(dataset, _JOB))
        if not isinstance(job, dict):
            raise CorruptFilm("the record of the Print Job is not a JSON object")
        check_sheet(film.sheet)
        lay_out(film.sheet, film.imager)
    except CorruptFilm:
        raise
    except (DimseError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as exc:
        raise CorruptFilm(f"the stored film is damaged: {exc}") from exc
    return film, job


def _read_text(dataset: Dataset, tag: int) -> str:
    value = dataset.get(tag)
    if not isinstance(value, str):
        raise CorruptFilm(f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}) is missing")
    return value


def _read_content(dataset: Dataset, renderer: dict[str, Any]) -> FilmCopy:
    if renderer["version"] != _VERSION:
        raise CorruptFilm(f"version {renderer['version']!r} of the stored film is unknown")
    boxes = _read_items(dataset, tag_of("ImageBoxContentSequence"))
    luts = [_read_lut(item) for item in _read_items(dataset, tag_of("PresentationLUTContentSequence"))]
    planes = zip(_read_items(dataset, tag_of("ImageOverlayBoxContentSequence")), renderer["overlays"], strict=True)
    overlays = [_read_overlay(item, shape) for item, shape in planes]
    profile = renderer["ICCProfile"]
    return FilmCopy(
        film_session=_read_items(dataset, _SESSION)[0],
        film_box=_read_items(dataset, tag_of("FilmBoxContentSequence"))[0],
        image_boxes=tuple(_without(box, *_IMAGES) for box in boxes),
        annotation_boxes=tuple(_read_items(dataset, tag_of("AnnotationContentSequence"))),
        referenced=tuple(_read_items(dataset, _REFERENCED)),
        unused=_read_unused(dataset),
        sheet=Sheet(
            **_check_types(Sheet, renderer["sheet"]),
            ICCProfile=None if profile is None else bytes.fromhex(profile),
            presentation_lut=_lut_at(luts, renderer["lut"]),
            annotations=tuple(
                Annotation(AnnotationPosition=_check_count(position), TextString=str(words))
                for position, words in renderer["annotations"]
            ),
            cells=tuple(
                _read_cell(cell, box, luts, overlays) for cell, box in zip(renderer["cells"], boxes, strict=False)
            ),
        ),
        imager=_read_imager(renderer["imager"]),
        sent=frozenset(map(_check_count, renderer["sent"])),
        attribute_bytes=_check_count(renderer["beside"]),
        identified=_without(_read_items(dataset, _IDENTIFIED)[0], "SpecificCharacterSet"),
        identified_by={str(keyword): str(source) for keyword, source in renderer["identified_by"].items()},
    )


def _read_items(dataset: Dataset, tag: int) -> list[Dataset]:
    """Return the items of a sequence, which may be empty. Raises `CorruptFilm` if it is missing."""
    value = dataset.get(tag)
    if not isinstance(value, list):
        raise CorruptFilm(f"sequence ({tag >> 16:04X},{tag & 0xFFFF:04X}) is missing")
    return [item for item in value if isinstance(item, Dataset)]


def _read_unused(dataset: Dataset) -> Attributes:
    session, box, images, annotations = (_read_items(dataset, tag) for tag in _UNUSED)
    return Attributes(session[0], box[0], tuple(images), tuple(annotations))


def _without(given: Dataset, *keywords: str) -> Dataset:
    """Return a copy of a Data Set without the attributes ``keywords``."""
    rest = given.copy()
    for keyword in keywords:
        if keyword in rest:
            del rest[keyword]
    return rest


def _read_lut(item: Dataset) -> PresentationLUT:
    tables = items(item, "PresentationLUTSequence")
    if not tables:
        return PresentationLUT(shape=text(item, "PresentationLUTShape"))
    match tables[0].get("LUTDescriptor"), tables[0].get("LUTData"):
        case [int(entries), _, int(bits)], bytes() | memoryview() as data:
            table = np.frombuffer(data, "<u2")
            if table.size % (1 << 16) == entries:
                return PresentationLUT(table=table, bits=bits)
    raise CorruptFilm("a Presentation LUT has no table, or a table of the wrong length")


def _read_overlay(item: Dataset, shape: list[int]) -> Overlay:
    overlay = overlay_from(item, items(item, "OverlayPixelDataSequence"), None)
    if overlay is None or [*overlay.pixels.shape] != shape:
        raise CorruptFilm("an overlay has no bitmap, or a bitmap of the wrong size")
    return overlay


def _read_cell(
    written: dict[str, Any], box: Dataset, luts: Sequence[PresentationLUT], overlays: Sequence[Overlay]
) -> Cell:
    return Cell(
        **_check_types(Cell, written["cell"]),
        image=None if written["image"] is None else _read_image(box, written["image"]),
        presentation_lut=_lut_at(luts, written["lut"]),
        overlays=tuple(overlays[_check_count(number)] for number in written["overlays"]),
    )


def _read_image(box: Dataset, rest: dict[str, Any]) -> PrintImage:
    item = (items(box, "BasicGrayscaleImageSequence") or items(box, "BasicColorImageSequence"))[0]
    photometric, pixels = text(item, "PhotometricInterpretation"), pixel_array(item)
    if pixels.dtype.kind != "u" or pixels.itemsize > 2 or pixels.ndim != (3 if photometric == _COLOR else 2):
        raise CorruptFilm(f"a {photometric} image cannot be an array of {pixels.dtype} with {pixels.ndim} dimensions")
    vertical, horizontal = map(_check_count, rest["PixelAspectRatio"])
    spacing = rest["PixelSpacing"]
    return PrintImage(
        pixels=pixels,
        PhotometricInterpretation=photometric,
        BitsStored=integer(item, "BitsStored"),
        PixelAspectRatio=(vertical, horizontal),
        PixelSpacing=None if spacing is None else (float(spacing[0]), float(spacing[1])),
        notes=tuple(map(str, rest["notes"])),
    )


def _read_imager(written: dict[str, Any]) -> Imager:
    parts = {name: written.pop(name) for name in _IMAGER_PARTS}
    densities, values = parts["curve"] or ((), ())
    return Imager(
        **_check_types(Imager, written),
        curve=CharacteristicCurve(_numbers(densities), _numbers(values)) if parts["curve"] else None,
        custom_formats={_check_count(number): _rects(rects) for number, rects in parts["custom_formats"]},
        annotation_formats={str(name): _rects(rects) for name, rects in parts["annotation_formats"]},
        slide_mm=_pair(parts["slide_mm"]),
        superslide_mm=_pair(parts["superslide_mm"]),
        fonts=tuple(map(str, parts["fonts"])),
    )


def _numbers(series: Iterable[float]) -> tuple[float, ...]:
    return tuple(map(float, series))


def _pair(sides: Sequence[float]) -> tuple[float, float]:
    width, height = _numbers(sides)
    return width, height


def _rects(rects: Iterable[Sequence[float]]) -> tuple[Rect, ...]:
    return tuple(Rect(*rect) for rect in rects)


def _lut_at(luts: Sequence[PresentationLUT], number: int | None) -> PresentationLUT | None:
    return None if number is None else luts[_check_count(number)]


def _check_count(value: object) -> int:
    """Return ``value`` if it is a non-negative integer. Raises `CorruptFilm` otherwise."""
    if type(value) is not int or value < 0:
        raise CorruptFilm(f"{value!r} is not a non-negative integer")
    return value


def _check_types(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return ``values`` if each has the type that the dataclass ``kind`` declares for the field of that name.

    Raises `CorruptFilm` otherwise.
    """
    types = {one.name: one.type for one in fields(kind)}
    for name, value in values.items():
        expected: Any = types[name]
        accepts_int = "float" in str(expected) and type(value) is int
        if not accepts_int and (not isinstance(value, expected) or (type(value) is bool) != (expected is bool)):
            raise CorruptFilm(f"{name} {value!r} has the wrong type")
    return values
