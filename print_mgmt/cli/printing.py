"""``print-mgmt print``: images and test patterns onto the films of a printer."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial

from dimse.errors import ContextNotAccepted, DimseError, EncodeError, escaped
from dimse.message import is_failure
from dimse.terminal import until_terminated

from ..scu import Color, FilmOptions, Job, PrintClient, PrintReport
from .connecting import add_habits, add_peer, add_printer, printing_client
from .picturing import Pictures, add_images
from .wishing import AUTO, add_attributes, add_film, order_of

__all__ = ["add"]

_EXAMPLES = r"""examples:
  print-mgmt print PRINTSCP@127.0.0.1:11112 *.dcm --layout 2x3 --film-size 14INX17IN --copies 2
  print-mgmt print FILM1@10.0.0.7:104 knee.dcm photo.png --bits auto --reduce --wait
  print-mgmt print FILM1@10.0.0.7:104 ct.dcm --window 40,400 --true-size --film Trim=YES --image Polarity=REVERSE
  print-mgmt print FILM1@10.0.0.7:104 cine.dcm --frames 1-24 --layout 'STANDARD\4,6' --annotate 'left knee' \
      --annotation-format LABEL
  print-mgmt print FILM1@10.0.0.7:104 --pattern smpte --pattern tg18-qc --bits 12 --lut LIN-OD
  print-mgmt print KODAK@10.0.0.8:5040 a.dcm --profile kodak-8700 --film FilmSizeID=CURRENT

Attributes that have no option of their own are given by DICOM keyword; the values are the standard's (PS3.3 C.13).
Warnings of the printer do not stop a print: they are told on stderr. A failure does, and what was made is deleted.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the command."""
    parser.description = (
        "Print DICOM images, ordinary pictures (PNG, JPEG, TIFF, BMP, GIF) and test patterns on a DICOM printer:\n"
        "films are filled, printed, cleaned up."
    )
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_peer(parser)
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="a DICOM file or a picture")
    parser.add_argument("--wait", action="store_true", help="wait until the print jobs are done, and tell how they end")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    add_images(parser.add_argument_group("the images"))
    add_film(parser.add_argument_group("the film"))
    add_attributes(parser.add_argument_group("any other attribute (may be given more than once)"))
    add_habits(add_printer(parser))
    parser.set_defaults(command=lambda arguments: _print(parser, arguments))


def _print(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if not (arguments.images or arguments.pattern):
        parser.error("nothing to print: name images, or a --pattern")
    try:
        order = order_of(arguments)
    except EncodeError as exc:
        parser.error(str(exc))
    client_in = partial(printing_client, parser, arguments)
    client_in(False)  # what is wrong with the options is said before anything else
    return asyncio.run(until_terminated(_print_images(arguments, client_in, order)))


async def _print_images(
    arguments: argparse.Namespace, client_in: Callable[[Color], PrintClient], order: FilmOptions
) -> int:
    pictures = Pictures(arguments)
    await asyncio.to_thread(pictures.check)
    for note in pictures.notes:
        _say(note)
    async with _opened(client_in, arguments.color, has_color=pictures.has_color) as client:
        if arguments.layout == AUTO:
            order = await _laid_out(order, client, len(pictures))
        report = await _print_all(pictures, client, order, quiet=arguments.json)
        if not arguments.json:
            print(f"{arguments.peer} printed {_count(report.images, 'image')} on {_count(report.films, 'film')}")
        if arguments.wait:
            for number, job in enumerate(report.jobs, 1):
                await _wait(job, number, quiet=arguments.json)
    if arguments.json:
        print(json.dumps(_as_json(report, str(arguments.peer))))
    return 1 if any(job.ExecutionStatus == "FAILURE" for job in report.jobs) else 0


@asynccontextmanager
async def _opened(
    client_in: Callable[[Color], PrintClient], wanted: str, *, has_color: bool
) -> AsyncIterator[PrintClient]:
    """Open a client in the colours that are wanted: "auto" takes those of the images, where the printer has them."""
    async with AsyncExitStack() as stack:
        if wanted != "auto":
            yield await stack.enter_async_context(client_in(wanted == "yes"))
            return
        try:
            client = await stack.enter_async_context(client_in("prefer" if has_color else False))
        except ContextNotAccepted as exc:
            if has_color:
                raise
            try:  # a printer that knows colour only
                client = await stack.enter_async_context(client_in(True))
            except ContextNotAccepted:
                raise exc from None
        yield client


async def _laid_out(order: FilmOptions, client: PrintClient, images: int) -> FilmOptions:
    """The order with the display format that the printer has for so many images."""
    film_box = order.chosen.film_box.copy()
    given = {element.keyword: element.value for element in film_box}
    display_format = await client.display_format(images, **given)
    if display_format is None:
        _say("the printer tells of no display formats: one image a film")
        return order
    film_box.ImageDisplayFormat = display_format
    return replace(order, chosen=replace(order.chosen, film_box=film_box))


async def _print_all(pictures: Pictures, client: PrintClient, order: FilmOptions, *, quiet: bool) -> PrintReport:
    """Print, and tell of warnings; where it fails, also of the films that are printed by then."""
    try:
        with _progress(len(pictures), quiet=quiet) as progress:
            return await client.print_with(order, pictures.prepared(client, order.chosen.film_box), progress=progress)
    except DimseError:
        printed = sum(what.startswith("N-ACTION") and not is_failure(status) for what, status in client.answers)
        if printed:
            _say(f"{_count(printed, 'film')} printed before this:")
        raise
    finally:
        for warning in client.warnings:
            _say(f"warning: {warning}")


async def _wait(job: Job, number: int, *, quiet: bool) -> None:
    """Wait for a job, and tell what becomes of it."""
    async for event in job.events():
        if not quiet:
            print(escaped(f"job {number}: {event}"))
    if not job.has_ended:
        _say(f"job {number}: " + ("the printer says no more of it" if job.SOPInstanceUID else "the printer named none"))


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
        "answers": [{"operation": what, "status": f"{status:04X}"} for what, status in report.answers],
    }


def _say(words: str) -> None:
    print(f"print-mgmt: {escaped(words)}", file=sys.stderr)


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar on a terminal, where rich is installed; else nothing."""
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
