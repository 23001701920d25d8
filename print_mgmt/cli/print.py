"""``print-mgmt print``: print images and test patterns on a DICOM printer."""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from dimse.data import Value, tag_of
from dimse.data.dictionary import vr_of
from dimse.errors import DimseError, EncodeError, escaped
from dimse.terminal import cancel_on_sigterm, positive, run_loop, seconds

from ..attributes import FILM_BOX, FILM_SESSION, IMAGE_BOX, Chosen, pick
from ..film import FILM_SIZES, LUT_SHAPES, MAGNIFICATIONS, ORIENTATIONS, PresentationLUT
from ..scu import Answered, Color, FilmOptions, Job, PrintClient, PrintReport, read_lut
from ..status import is_performed
from .images import ImageFiles, add_images
from .options import add_peer, add_printer, add_requirements, printing_client

__all__ = ["add", "chosen_of", "film_options"]

_AUTO = "auto"  # the layout that lets the printer's configuration choose the display format
_PRINTED_SESSION = "N-ACTION (Print) of the film session"
_MAX_CHANGES = 100  # changes of a job that are shown; a job has fewer than ten, unless its printer is broken
_LEVELS = {"film": "each film box", "session": "the film session", "image": "each image box"}

_EXAMPLES = r"""examples:
  print-mgmt print PRINTSCP@127.0.0.1:11112 *.dcm --layout 2x3 --film-size 14INX17IN --copies 2
  print-mgmt print FILM1@10.0.0.7:104 knee.dcm photo.png --bits auto --reduce --wait
  print-mgmt print FILM1@10.0.0.7:104 ct.dcm --window 40,400 --true-size --film Trim=YES --image Polarity=REVERSE
  print-mgmt print FILM1@10.0.0.7:104 cine.dcm --frames 1-24 --layout 'STANDARD\4,6' --annotate 'left knee' \
      --annotation-format LABEL
  print-mgmt print FILM1@10.0.0.7:104 --pattern smpte --pattern tg18-qc --bits 12 --lut LIN-OD
  print-mgmt print KODAK@10.0.0.8:5040 a.dcm --profile kodak-8700 --film FilmSizeID=CURRENT

Attributes without an option of their own are given by DICOM keyword, with the values of PS3.3 C.13. Warnings of the
printer are written to stderr, and do not stop the print. A failure stops the print, and the instances
that were created on the printer are deleted.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = (
        "Print DICOM images, ordinary pictures (PNG, JPEG, TIFF, BMP, GIF) and test patterns on a DICOM printer:\n"
        "fill the films, print them, and delete the instances that were created for them."
    )
    parser.epilog = _EXAMPLES
    add_peer(parser)
    parser.add_argument("images", nargs="*", default=[], metavar="IMAGE", help="a DICOM file or a picture")
    parser.add_argument("--wait", action="store_true", help="wait for the end of the print jobs, and show their status")
    parser.add_argument(
        "--wait-at-most",
        type=seconds,
        metavar="SECONDS",
        help="wait like --wait, but no longer than this; the exit status is 1 if a job has not ended by then",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    add_images(parser.add_argument_group("the images"))
    _add_film(parser.add_argument_group("the film"))
    _add_attributes(parser.add_argument_group("any other attribute (may be given more than once)"))
    add_requirements(add_printer(parser))
    parser.set_defaults(command=lambda arguments: _print(parser, arguments))


def _add_film(group: argparse._ArgumentGroup) -> None:
    """Add the options for common attributes."""
    group.add_argument(
        "--layout",
        type=_parse_layout,
        metavar="FORMAT",
        help=r"Image Display Format: CxR such as 2x3, STANDARD\C,R, ROW\2,3, COL\1,2, SLIDE ...; auto: a format of the "
        "printer for this number of images (default: one image per film)",
    )
    sizes = ", ".join(FILM_SIZES)
    group.add_argument(
        "--film-size", type=str.upper, choices=list(FILM_SIZES), metavar="ID", help=f"Film Size ID: {sizes}"
    )
    group.add_argument("--orientation", type=str.upper, choices=ORIENTATIONS, help="Film Orientation")
    group.add_argument("--medium", type=str.upper, metavar="M", help="Medium Type, such as PAPER or 'BLUE FILM'")
    group.add_argument("--copies", type=positive, metavar="N", help="Number of Copies")
    group.add_argument("--priority", type=str.upper, choices=("HIGH", "MED", "LOW"), help="Print Priority")
    group.add_argument("--magnification", type=str.upper, choices=MAGNIFICATIONS, help="Magnification Type")
    group.add_argument(
        "--lut",
        metavar="FILE",
        help="Presentation LUT: a file with 256 or 4096 numbers, one per line; or IDENTITY; or LIN-OD",
    )
    _add_annotations(group)
    group.add_argument(
        "--collate",
        action="store_true",
        help="print all films as one session: copies are in the order 1 2 1 2 instead of 1 1 2 2",
    )
    group.add_argument(
        "--true-size",
        action="store_true",
        help="print images in true size; an image that is larger than its box is refused, or cropped with "
        "--image RequestedDecimateCropBehavior=CROP",
    )


def _add_annotations(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--annotate",
        action="append",
        default=[],
        metavar="TEXT",
        help="text of the first annotation box; if given again, of the second one, and so on; see --annotation-format",
    )
    group.add_argument(
        "--annotation-format", metavar="ID", help="Annotation Display Format ID of the printer, such as LABEL"
    )


def _add_attributes(group: argparse._ArgumentGroup) -> None:
    """Add an option for the attributes of each level: film box, film session and image box."""
    for level, words in _LEVELS.items():
        group.add_argument(
            f"--{level}",
            type=_parse_attribute,
            action="append",
            default=[],
            metavar="KEYWORD=VALUE",
            help=f"attribute of {words}, by DICOM keyword",
        )


def _print(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if not (arguments.images or arguments.pattern):
        parser.error("nothing to print: name images or a --pattern")
    try:
        options = film_options(arguments)
    except EncodeError as exc:
        parser.error(str(exc))
    make_client = partial(printing_client, parser, arguments)
    make_client(False)  # reports wrong options before anything else is done
    return run_loop(cancel_on_sigterm(_print_images(arguments, make_client, options)))


async def _print_images(
    arguments: argparse.Namespace, make_client: Callable[[Color], PrintClient], options: FilmOptions
) -> int:
    pictures = ImageFiles(arguments)
    await asyncio.to_thread(pictures.check)
    for note in pictures.notes:
        _print_note(note)
    async with make_client(_color_argument(arguments.color, has_color=pictures.has_color)) as client:
        if arguments.layout == _AUTO:
            options = await _with_display_format(options, client, len(pictures))
        report = await _print_all(pictures, client, options, quiet=arguments.json)
        if not arguments.json:
            print(f"{arguments.peer} printed {_count(report.images, 'image')} on {_count(report.films, 'film')}")
        in_time = True
        if arguments.wait or arguments.wait_at_most is not None:
            in_time = await _wait(report.jobs, arguments.wait_at_most, quiet=arguments.json)
    if arguments.json:
        print(json.dumps(_as_json(report, str(arguments.peer))))
    return 1 if not in_time or any(job.ExecutionStatus == "FAILURE" for job in report.jobs) else 0


def _color_argument(wanted: str, *, has_color: bool) -> Color:
    """Return ``color`` of `PrintClient` for --color: "auto" prefers color if ``has_color``, and otherwise avoids it."""
    if wanted == "auto":
        return "prefer" if has_color else "avoid"
    return wanted == "yes"


async def _with_display_format(options: FilmOptions, client: PrintClient, images: int) -> FilmOptions:
    """Return the options with a display format of the printer for this number of images, if the printer lists one."""
    film_box = options.chosen.film_box.copy()
    attributes = {element.keyword: element.value for element in film_box}
    display_format = await client.display_format(images, **attributes)
    if display_format is None:
        _print_note("the printer lists no display formats: one image per film")
        return options
    film_box.ImageDisplayFormat = display_format
    return replace(options, chosen=replace(options.chosen, film_box=film_box))


async def _print_all(pictures: ImageFiles, client: PrintClient, options: FilmOptions, *, quiet: bool) -> PrintReport:
    """Print, and show the warnings; if that fails, also show the number of films that were printed before."""
    try:
        try:
            with _progress(len(pictures), quiet=quiet) as progress:
                return await client.print_with(
                    options, pictures.prepare(client, options.chosen.film_box), progress=progress
                )
        finally:
            for warning in client.warnings:
                _print_note(f"warning: {warning}")
    except DimseError:
        if printed := _printed_films(client.answers):
            _print_note(f"{_count(printed, 'film')} printed before this error:")
        raise


def _printed_films(answers: Iterable[Answered]) -> int:
    """Return the number of printed films: the films whose N-ACTION succeeded, or all films of a printed session."""
    done = [name for name, status in answers if is_performed(status)]
    if _PRINTED_SESSION in done:  # each name counts once: after a lost association, the film is created again
        return len({name for name in done if name.startswith("N-CREATE of film ")})
    return sum(name.startswith("N-ACTION") for name in done)


async def _wait(jobs: Sequence[Job], limit: float | None, *, quiet: bool) -> bool:
    """Show the changes of the jobs until their ends; return False if that takes more than ``limit`` seconds."""
    try:
        async with asyncio.timeout(limit) as bound:
            for number, job in enumerate(jobs, 1):
                await _show_events(job, number, quiet=quiet)
    except TimeoutError:
        if not bound.expired():
            raise
        for number, job in enumerate(jobs, 1):
            if not job.has_ended:
                _print_note(f"job {number} has not ended within {limit:g} s; its films stay with the printer")
        return False
    return True


async def _show_events(job: Job, number: int, *, quiet: bool) -> None:
    """Wait for the end of a job, and show its changes: at most `_MAX_CHANGES`, and its end."""
    count, latest = 0, ""
    async for event in job.events():
        line = escaped(f"job {number}: {event}")
        if quiet or line == latest:
            continue
        count, latest = count + 1, line
        if count <= _MAX_CHANGES or job.has_ended:
            print(line)
        elif count == _MAX_CHANGES + 1:
            _print_note(f"job {number}: it has changed {_MAX_CHANGES} times; only its end is shown now")
    if not job.has_ended:
        _print_note(
            f"job {number}: "
            + ("the printer does not report the end" if job.SOPInstanceUID else "the printer did not name the job")
        )


def _as_json(report: PrintReport, peer: str) -> dict[str, object]:
    return {
        "peer": peer,
        "films": report.films,
        "images": report.images,
        "warnings": report.warnings,
        "jobs": [
            {"uid": job.SOPInstanceUID, "status": job.ExecutionStatus, "info": job.ExecutionStatusInfo}
            for job in report.jobs
        ],
        "answers": [{"operation": name, "status": f"{status:04X}"} for name, status in report.answers],
    }


def _print_note(words: str) -> None:
    print(f"print-mgmt: {escaped(words)}", file=sys.stderr)


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Show a progress bar on a terminal, if rich is installed.

    Yield the function that takes the number of images printed so far; None without a bar.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("printing", total=total)
        yield lambda done: bar.update(task, completed=done)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# --- film options from the command line ---


def film_options(arguments: argparse.Namespace) -> FilmOptions:
    """Return the film options. Raises `EncodeError`, and OSError if the file of --lut cannot be read."""
    return FilmOptions(
        chosen=chosen_of(arguments),
        presentation_lut=None if arguments.lut is None else _parse_lut(arguments.lut),
        annotations=tuple(arguments.annotate),
        collate=arguments.collate,
        true_size=arguments.true_size,
        reduce=arguments.reduce,
    )


def chosen_of(arguments: argparse.Namespace) -> Chosen:
    """Return the attributes of film session, film box and image box. Raises `EncodeError`."""
    session = {
        "MediumType": arguments.medium,
        "NumberOfCopies": arguments.copies,
        "PrintPriority": arguments.priority,
    }
    film = {
        "ImageDisplayFormat": None if arguments.layout == _AUTO else arguments.layout,
        "FilmSizeID": arguments.film_size,
        "FilmOrientation": arguments.orientation,
        "MagnificationType": arguments.magnification,
        "AnnotationDisplayFormatID": arguments.annotation_format,
    }
    return Chosen(
        film_session=pick(FILM_SESSION, _combine(session, arguments.session)),
        film_box=pick(FILM_BOX, _combine(film, arguments.film)),
        image_box=pick(IMAGE_BOX, _combine({}, arguments.image)),
    )


def _combine(options: Mapping[str, Value], by_keyword: Sequence[tuple[str, str]]) -> dict[str, Value]:
    chosen = {keyword: value for keyword, value in options.items() if value is not None}
    return chosen | {keyword: _parse_value(keyword, text) for keyword, text in by_keyword}


def _parse_value(keyword: str, text: str) -> Value:
    """Return ``text`` as a value of the attribute ``keyword``. Raises `EncodeError`."""
    kind = "a number"
    try:
        match vr_of(tag_of(keyword)):
            case "US" | "IS" | "UL" | "SS" | "SL":
                kind = "a whole number"
                return int(text)
            case "DS" | "FL" | "FD":
                return float(text)
            case "SQ" | "OB" | "OW":
                raise EncodeError("cannot be given on the command line", path=keyword)
    except ValueError as exc:
        raise EncodeError(f"{text!r} is not {kind}", path=keyword) from exc
    return text


def _parse_lut(text: str) -> PresentationLUT:
    shape = text.upper().replace("-", " ")
    return PresentationLUT(shape=shape) if shape in LUT_SHAPES else read_lut(text)


def _parse_layout(text: str) -> str:
    short = re.fullmatch(r"(\d{1,2})x(\d{1,2})", text)
    return rf"STANDARD\{short[1]},{short[2]}" if short else text


def _parse_attribute(text: str) -> tuple[str, str]:
    keyword, sign, value = text.partition("=")
    if not sign or not keyword:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEYWORD=VALUE")
    return keyword, value
