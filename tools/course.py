"""Writes the recordings of the course, and from them its traces and its pages.

    python tools/course.py            # trace.txt and page.html of each lesson, from its recording
    python tools/course.py record     # first runs all lessons and records them again; record 5 10: only these two

The recordings and the traces are in the repository. The pages, about 60 KB each, are not: each change of the page's
script would change all of them.
"""

import asyncio
import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

from dimse import Dataset, connect
from dimse.explain import RecordedAssociation, associations_in
from dimse.explain.page import Chapter, page_of
from dimse.explain.pcapng import Flow, capture_header
from dimse.message import NActionRQ, NActionRSP, Response
from dimse.net import Operation, record
from dimse.net.scu import dataset_of, n_action, n_create, n_set
from dimse.uids import BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox, ExplicitVRLittleEndian, PrintJob
from dimse.uids import BasicGrayscalePrintManagementMeta as Meta
from print_mgmt import PrintServer
from print_mgmt.explain import FilmView
from print_mgmt.scp.printer import Perform
from print_mgmt.typed import items, text

COURSE = Path(__file__).parents[1] / "docs" / "course"
if str(COURSE) not in sys.path:
    sys.path.insert(0, str(COURSE))

__all__ = ["COURSE", "lessons", "page", "record_lesson", "recorded", "trace"]

_ENDS = (("127.0.0.1", 50000), ("127.0.0.1", 11112))
_STEP = 1_000_000  # nanoseconds between the pieces of a recording that has no clock
_WRONG_RECORDING = "lesson12_recording"


def lessons() -> list[Path]:
    """Return the folders of the lessons, in order."""
    return sorted(COURSE.glob("lesson[0-9][0-9]_*"))


def recorded(lesson: Path) -> list[RecordedAssociation]:
    """Return the associations in the recording of a lesson."""
    return list(associations_in((lesson / "recording.pcapng").read_bytes(), []))


def trace(lesson: Path) -> str:
    """Return the PDUs of a lesson, one a line: the text of trace.txt."""
    return "\n".join(_trace_lines(lesson)) + "\n"


def _trace_lines(lesson: Path) -> Iterator[str]:
    for number, association in enumerate(recorded(lesson), 1):
        yield f"# association {number}"
        yield from (turn.line for turn in association.turns())


def page(lesson: Path) -> str:
    """Return the page of a lesson as HTML."""
    title = (lesson / "README.md").read_text().partition("\n")[0].removeprefix("# ")
    chapters = [
        Chapter(title=f"association {number}", steps=association.steps([FilmView()]))
        for number, association in enumerate(recorded(lesson), 1)
    ]
    return page_of(title, chapters, [FilmView()])


# --- recordings ---


def record_lesson(lesson: Path, path: Path) -> str:
    """Run a lesson, write its recording to ``path``, and return its output."""
    main = importlib.import_module(f"{lesson.name}.run").main
    with redirect_stdout(StringIO()) as output:
        if lesson.name == _WRONG_RECORDING:
            asyncio.run(_print_wrongly(path))
            main()
        elif inspect.iscoroutinefunction(main):
            asyncio.run(main(record(path, tls=True)))
        else:
            _write(path, main())
    return output.getvalue()


def _write(path: Path, conversations: list[list[tuple[str, bytes]]]) -> None:
    """Write conversations without sockets as a capture."""
    time = 0
    with path.open("wb") as file:
        file.write(capture_header())
        for number, wire in enumerate(conversations):
            flow = Flow((_ENDS[0][0], _ENDS[0][1] + number), _ENDS[1])
            file.writelines(flow.opened(time))
            for side, data in wire:
                time += _STEP
                file.writelines(flow.segments(side == ">", [data], time))
            file.writelines(flow.closed(time))


async def _print_wrongly(path: Path) -> None:
    """Record the printer of lesson 12, whose N-ACTION-RSP names the print job, and a client that aborts then."""

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        response = await perform(operation)
        if isinstance(operation.message, NActionRQ):
            assert isinstance(response, NActionRSP)
            return replace(response, AffectedSOPClassUID=PrintJob, AffectedSOPInstanceUID="1.2.3.4.9")
        return response

    async with PrintServer(lambda _: None, port=0, intercept=intercept, trace=record(path)) as printer:
        contexts = {Meta: [ExplicitVRLittleEndian]}
        async with connect(printer.host, printer.port, contexts, calling_ae_title="ULTRASOUND") as association:
            context = association.context_for(Meta)
            session = Dataset(NumberOfCopies=1, MediumType="PAPER")
            await n_create(association, context, BasicFilmSession, "1.2.3.4.1", session)
            box = Dataset(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="A4", FilmOrientation="PORTRAIT")
            on = Dataset(ReferencedSOPClassUID=BasicFilmSession, ReferencedSOPInstanceUID="1.2.3.4.1")
            box.ReferencedFilmSessionSequence = [on]
            made = await n_create(association, context, BasicFilmBox, "1.2.3.4.2", box)
            (place,) = items(dataset_of(association, context, made), "ReferencedImageBoxSequence")
            image = importlib.import_module("lesson06_film.run").image()
            changes = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[image])
            uid = text(place, "ReferencedSOPInstanceUID")
            await n_set(association, context, BasicGrayscaleImageBox, uid, changes)
            await n_action(association, context, BasicFilmBox, "1.2.3.4.2", 1)
            association.abort()


def main(arguments: list[str]) -> None:
    """Write the traces and the pages; with ``record``, first the recordings."""
    chosen = set(arguments[1:])
    for number, lesson in enumerate(lessons(), 1):
        if "record" in arguments and (not chosen or str(number) in chosen):
            record_lesson(lesson, lesson / "recording.pcapng")
            (lesson / "recording.pcapng").chmod(0o644)
        (lesson / "trace.txt").write_text(trace(lesson))
        (lesson / "page.html").write_text(page(lesson))


if __name__ == "__main__":
    main(sys.argv[1:])
