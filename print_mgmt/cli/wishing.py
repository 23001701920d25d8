"""What a user wants of the films, from options to an `FilmOptions`."""

import argparse
import re
from collections.abc import Mapping, Sequence

from dimse.data import Value, tag_of
from dimse.data.dictionary import vr_of
from dimse.errors import EncodeError
from dimse.terminal import positive

from ..attributes import FILM_BOX, FILM_SESSION, IMAGE_BOX, Chosen, pick
from ..film import FILM_SIZES, LUT_SHAPES, MAGNIFICATIONS, ORIENTATIONS, PresentationLUT
from ..scu import FilmOptions, read_lut

__all__ = ["AUTO", "add_attributes", "add_film", "chosen_of", "order_of"]

AUTO = "auto"  # as a layout: what the printer's configuration says

_LEVELS = {"film": "each film box", "session": "the film session", "image": "each image box"}


def add_film(group: argparse._ArgumentGroup) -> None:
    """The options that have a name of their own."""
    group.add_argument(
        "--layout",
        type=_layout,
        metavar="FORMAT",
        help=r"Image Display Format: CxR such as 2x3, STANDARD\C,R, ROW\2,3, COL\1,2, SLIDE ..., or auto: one that "
        "the printer has, for as many images (default: one image)",
    )
    sizes = ", ".join(FILM_SIZES)
    group.add_argument("--film-size", choices=list(FILM_SIZES), metavar="ID", help=f"Film Size ID: {sizes}")
    group.add_argument("--orientation", choices=ORIENTATIONS, help="Film Orientation")
    group.add_argument("--medium", metavar="M", help="Medium Type, such as PAPER or 'BLUE FILM'")
    group.add_argument("--copies", type=positive, metavar="N", help="Number of Copies")
    group.add_argument("--priority", choices=("HIGH", "MED", "LOW"), help="Print Priority")
    group.add_argument("--magnification", choices=MAGNIFICATIONS, help="Magnification Type")
    group.add_argument(
        "--lut", metavar="FILE", help="Presentation LUT: 256 or 4096 numbers, one a line, or IDENTITY, or LIN-OD"
    )
    group.add_argument(
        "--annotate",
        action="append",
        default=[],
        metavar="TEXT",
        help="write into the annotation boxes, the first text into the first of them; see --annotation-format",
    )
    group.add_argument(
        "--annotation-format", metavar="ID", help="Annotation Display Format ID, the printer's own, such as LABEL"
    )
    group.add_argument("--collate", action="store_true", help="print all films at once, their copies 1 2 1 2")
    group.add_argument(
        "--true-size",
        action="store_true",
        help="print images as large as what they show; one that is larger than its box is refused, or cropped with "
        "--image RequestedDecimateCropBehavior=CROP",
    )


def add_attributes(group: argparse._ArgumentGroup) -> None:
    """An option for each level of the hierarchy."""
    for level, words in _LEVELS.items():
        group.add_argument(
            f"--{level}",
            type=_attribute,
            action="append",
            default=[],
            metavar="KEYWORD=VALUE",
            help=f"of {words}, by DICOM keyword",
        )


def order_of(arguments: argparse.Namespace) -> FilmOptions:
    """The order. Raises `EncodeError`, and OSError for a file that cannot be read."""
    return FilmOptions(
        chosen=chosen_of(arguments),
        presentation_lut=None if arguments.lut is None else _lut(arguments.lut),
        annotations=tuple(arguments.annotate),
        collate=arguments.collate,
        true_size=arguments.true_size,
        reduce=arguments.reduce,
    )


def chosen_of(arguments: argparse.Namespace) -> Chosen:
    """The attributes of all levels. Raises `EncodeError`."""
    session = {
        "MediumType": arguments.medium,
        "NumberOfCopies": arguments.copies,
        "PrintPriority": arguments.priority,
    }
    film = {
        "ImageDisplayFormat": None if arguments.layout == AUTO else arguments.layout,
        "FilmSizeID": arguments.film_size,
        "FilmOrientation": arguments.orientation,
        "MagnificationType": arguments.magnification,
        "AnnotationDisplayFormatID": arguments.annotation_format,
    }
    return Chosen(
        film_session=pick(FILM_SESSION, _given(session, arguments.session)),
        film_box=pick(FILM_BOX, _given(film, arguments.film)),
        image_box=pick(IMAGE_BOX, _given({}, arguments.image)),
    )


def _given(options: Mapping[str, Value], by_keyword: Sequence[tuple[str, str]]) -> dict[str, Value]:
    given = {keyword: value for keyword, value in options.items() if value is not None}
    return given | {keyword: _value(keyword, text) for keyword, text in by_keyword}


def _value(keyword: str, text: str) -> Value:
    """The value that ``text`` means for an attribute."""
    tag = tag_of(keyword)
    try:
        match vr_of(tag):
            case "US" | "IS" | "UL" | "SS" | "SL":
                return int(text)
            case "DS" | "FL" | "FD":
                return float(text)
            case "SQ" | "OB" | "OW":
                raise EncodeError("cannot be given on the command line", path=keyword)
    except ValueError as exc:
        raise EncodeError(f"{text!r} is not a number", path=keyword) from exc
    return text


def _lut(text: str) -> PresentationLUT:
    shape = text.upper().replace("-", " ")
    return PresentationLUT(shape=shape) if shape in LUT_SHAPES else read_lut(text)


def _layout(text: str) -> str:
    short = re.fullmatch(r"(\d{1,2})x(\d{1,2})", text)
    return rf"STANDARD\{short[1]},{short[2]}" if short else text


def _attribute(text: str) -> tuple[str, str]:
    keyword, sign, value = text.partition("=")
    if not sign or not keyword:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEYWORD=VALUE")
    return keyword, value
