"""Writes docs/printers.md, which has every key of a printer's configuration.

    python tools/printers.py

writes it again. Keys, types and defaults come from the classes of the configuration; a key without a sentence
here is an error.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import UnionType
from typing import get_args, get_origin, get_type_hints

from print_mgmt.config import PRESETS, PrinterConfig
from print_mgmt.config.printer import Caller, Medium
from print_mgmt.film import CharacteristicCurve, Imager
from print_mgmt.model import Printer

PAGE = Path(__file__).parents[1] / "docs" / "printers.md"

_HEAD = r"""# Printers in TOML

A TOML file describes a printer: to `print-mgmt serve --config printer.toml` and
`print_mgmt.load_config("printer.toml")`, and to a client with `print-mgmt print --profile printer.toml`. Every key and
every table is optional, and has the default of this page; a table that is given must have its required keys. The
[presets](../print_mgmt/config/printers) are files to start from: PRESET_NAMES.

```toml
ImageDisplayFormat = ['STANDARD\1,1', 'STANDARD\2,3']
MagnificationType = ["CUBIC", "NONE"]
queue_length = 4

[printer]
PrinterName = "FILM1"

[imager]
dpi = 320

[[media]]
MediumType = "BLUE FILM"
FilmSizeID = ["14INX17IN", "8INX10IN"]

[callers."CT*"]
warnings = false
```

An array whose key is a DICOM keyword has the terms that the printer accepts for the attribute; the first is the
default, unless the tables say otherwise. If the array is empty, the printer does not support the attribute. The error
for a wrong key or value names the key, such as `media[1].MaxDensity: 'dark' is not a whole number`.
"""

# Class, table in TOML, description of the table, and a sentence for each key
SECTIONS: tuple[tuple[type, str, str, Mapping[str, str]], ...] = (
    (
        PrinterConfig,
        "",
        "The keys before the first table.",
        {
            "printer": "The Printer SOP Instance, see below.",
            "imager": "The exposure of films, see below.",
            "sop_classes": "The SOP Classes that the printer serves, keywords of PS3.6 Table A-1.",
            "implicit_only": "Whether the printer accepts Implicit VR Little Endian only.",
            "strict": "Whether the printer refuses what PS3.4 H.2.4 lets a printer ignore or replace.",
            "media": "The media in their sizes, an array of tables, see below.",
            "ImageDisplayFormat": "The formats (PS3.3 C.13.3); none means any format that fits on the film.",
            "PrintPriority": "Print Priority (2000,0020).",
            "FilmDestination": "Film Destination (2000,0040); `BIN_i` stands for a bin of any number.",
            "FilmOrientation": "Film Orientation (2010,0040).",
            "MagnificationType": "Magnification Type (2010,0060).",
            "SmoothingType": "Smoothing Type (2010,0080); applied only if a client requests it.",
            "BorderDensity": "Border Density (2010,0100); `i` stands for any density in hundredths of OD.",
            "EmptyImageDensity": "Empty Image Density (2010,0110); `i` stands for any density in hundredths of OD.",
            "Trim": "Trim (2010,0140).",
            "RequestedResolutionID": "Requested Resolution ID (2020,0050).",
            "RequestedDecimateCropBehavior": "Requested Decimate/Crop Behavior (2020,0040); default in `[imager]`.",
            "ConfigurationInformation": "Configuration Information (2010,0150); none means any text.",
            "ConfigurationInformationDescription": "The meaning of these texts, for the conformance statement.",
            "BitsStored": "The depths of gray that the printer accepts: 8, 12 or both.",
            "unsupported": "Keywords of further attributes that the printer does not support.",
            "aliases": "For a keyword, a table of other terms, each with the term of this printer that it stands for.",
            "annotation_characters": "The highest number of characters in an annotation.",
            "lut_match_required": "Whether the table of a Presentation LUT needs an entry for each pixel value.",
            "maximum_copies": "The highest Number of Copies (2000,0010).",
            "film_boxes": "The highest number of film boxes in a film session.",
            "queue_length": "The highest number of waiting jobs; a further job is refused with C601 or C602.",
            "memory": "Bytes that one association may keep, mostly images; a request for more is refused with C605.",
            "host_memory": "Bytes that all associations of one address may keep.",
            "total_memory": "Bytes that all associations may keep.",
            "MaximumMemoryAllocation": "KB that film sessions may reserve together; 0 if memory is not reserved.",
            "MemoryBitDepth": "Memory Bit Depth (2000,00A0), as N-GET returns it.",
            "PrintingBitDepth": "Printing Bit Depth (2000,00A1), as N-GET returns it.",
            "MaximumCollatedFilms": "The highest number of films that are collated; 0 if sessions are not printed.",
            "collates": "Whether copies are collated: 1 2 3 1 2 3, or else 1 1 2 2 3 3.",
            "spools": "Whether the printer accepts films while it is in FAILURE.",
            "callers": "The behavior toward some clients, by calling AE title with `*` and `?`, see below.",
        },
    ),
    (
        Printer,
        "[printer]",
        "The Printer SOP Instance, PS3.3 C.13.9.",
        {
            "PrinterName": "Printer Name (2110,0030).",
            "Manufacturer": "Manufacturer (0008,0070).",
            "ManufacturerModelName": "Manufacturer's Model Name (0008,1090).",
            "DeviceSerialNumber": "Device Serial Number (0018,1000).",
            "SoftwareVersions": "Software Versions (0018,1020).",
            "DateOfLastCalibration": "Date of Last Calibration (0018,1200), as `20260131`.",
            "TimeOfLastCalibration": "Time of Last Calibration (0018,1201), as `235959`.",
        },
    ),
    (
        Imager,
        "[imager]",
        (
            "The properties that the standard leaves to the imager. A rectangle is `[x, y, width, height]` in mm from "
            "the top left corner. A negative x or y counts from the other edge; a width or height of 0 or less "
            "means that the rectangle ends that far before the other edge."
        ),
        {
            "dpi": "Dots per inch of Requested Resolution ID STANDARD, at most 3855.",
            "high_dpi": "Dots per inch of Requested Resolution ID HIGH, at most 3855.",
            "edge_mm": "Millimeters along each edge that cannot be exposed.",
            "gap_mm": "Millimeters between image boxes.",
            "MinDensity": "The lowest density of film, in hundredths of OD.",
            "MaxDensity": "The highest density of film, in hundredths of OD.",
            "Illumination": "Light behind the film, in cd/m2.",
            "ReflectedAmbientLight": "Light that the film reflects, in cd/m2.",
            "reflective": "Whether the imager prints on paper.",
            "RequestedDecimateCropBehavior": "The treatment of an image larger than its box, by default.",
            "custom_formats": "The image boxes of each `CUSTOM\\i`, by its number.",
            "annotation_formats": "The annotation boxes of each Annotation Display Format ID.",
            "slide_mm": "Width and height of a slide.",
            "superslide_mm": "Width and height of a superslide.",
            "fonts": "Files or names of fonts, tried before the fonts of the system.",
            "curve": "The characteristic curve of a device, see below; none for pages of P-Values.",
        },
    ),
    (
        CharacteristicCurve,
        "[imager.curve]",
        "Densities and the values for them; `--curve FILE.csv` sets the same.",
        {
            "densities": "OD, ascending.",
            "values": "The value for each density, ascending or descending throughout.",
        },
    ),
    (
        Medium,
        "[[media]]",
        "A medium in some sizes; there may be several of these tables.",
        {
            "MediumType": "Medium Type (2000,0030).",
            "FilmSizeID": "The sizes (2010,0050); the first is the default.",
            "MinDensity": "The lowest density, in hundredths of OD; by default as in `[imager]`, or 5 for `PAPER`.",
            "MaxDensity": "The highest density; by default as in `[imager]`, or 210 for `PAPER`.",
            "installed": "Whether the medium is loaded.",
        },
    ),
    (
        Caller,
        '[callers."AE"]',
        "The behavior toward clients whose AE title matches the pattern; the first match counts.",
        {
            "job_reference": "Whether the response to N-ACTION names the Print Job, if Print Job was negotiated.",
            "warnings": "Whether warnings are sent; otherwise, success is sent instead.",
            "may_print": "Whether the client may print; otherwise, it may only query the printer and its jobs.",
            "echo": "Whether the responses to N-CREATE and N-SET contain the attributes; otherwise, they contain "
            "only the references to the boxes of a film.",
            "class_uid": "Whether the response to N-CREATE contains the Affected SOP Class UID.",
        },
    ),
)
_WORDS: Mapping[object, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}
_IMAGER = PrinterConfig().imager
_MAX_DEFAULT = 60  # characters of a default


def document() -> str:
    """Return the page."""
    parts = [_HEAD.replace("PRESET_NAMES", ", ".join(f"`{name}`" for name in PRESETS))]
    for kind, table, about, sentences in SECTIONS:
        parts.append(f"## {f'`{table}`' if table else 'Top'}\n\n{about}\n")
        parts.append("| key | type | default | |\n|---|---|---|---|\n" + "".join(_rows(kind, sentences)))
    return "\n".join(parts)


def _rows(kind: type, sentences: Mapping[str, str]) -> Iterator[str]:
    hints = get_type_hints(kind)
    keys = [field for field in fields(kind) if field.init]
    if {field.name for field in keys} != sentences.keys():
        raise KeyError(f"{kind.__name__}: {sorted({field.name for field in keys} ^ sentences.keys())}")
    for field in keys:
        default = _toml_value(getattr(_IMAGER, field.name)) if kind is Imager else _default(field)
        yield f"| `{field.name}` | {_type(hints[field.name])} | {default} | {sentences[field.name]} |\n"


def _type(kind: object) -> str:
    """Return a type in the words of TOML."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _WORDS:
        return _WORDS[kind]
    if isinstance(kind, UnionType):
        return _type(arguments[0])
    if origin is Mapping:
        return f"table of: {_type(arguments[1])}"
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"array of: {_type(arguments[0])}"
    if origin is tuple:
        return f"{len(arguments)} of: {_type(arguments[0])}"
    return "rectangle" if isinstance(kind, type) and issubclass(kind, tuple) else "table"


def _default(field: "Field[object]") -> str:
    if field.default is MISSING and field.default_factory is MISSING:
        return "required"
    return _toml_value(field.default if field.default_factory is MISSING else field.default_factory())


def _toml_value(value: object) -> str:
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case "" | None | () | {}:
            return ""
        case str() | int() | float():
            return f"`{value}`"
        case tuple() if all(isinstance(item, str | int | float) for item in value):
            text = ", ".join(map(str, value))
            return f"`{text}`" if len(text) <= _MAX_DEFAULT else f"all {len(value)} of the standard"
    return ""


def main() -> None:
    """Write the page."""
    PAGE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
