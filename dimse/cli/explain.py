"""The command ``dimse explain``, which shows recorded associations as text, JSON, a diagram or a page.

The modules that only one form needs are imported when that form is chosen. Importing the modules of all forms would
take a tenth of the time that the command takes for a short recording.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from ..command_line import check_output
from ..errors import DecodeError, escaped
from ..explain import Line, RecordedAssociation, Step, Turn, View, associations_in, format_lines
from ..explain.fields import UNRECOGNIZED
from ..explain.machines import SIDES
from ..files import whole_file

__all__ = ["Views", "add"]

Views = Callable[[], Sequence[View]]  # returns new views, which see the messages of one association


def add(parser: argparse.ArgumentParser, views: Views = tuple) -> None:
    """Add the options of the command to ``parser``. ``views`` returns new views for each association (`View`)."""
    parser.description = (
        "Explain recorded associations in the standard's words: show each byte of each PDU with its field, then the "
        "Command Sets, and the Data Sets whose transfer syntax is known. Passcodes and other credentials are never "
        "shown."
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a capture (pcap or pcapng, also gzipped), or the bytes that one side sent; - is the standard input. Of a "
        "capture, each TCP connection that begins with an A-ASSOCIATE-RQ is shown. > marks the requestor, < the "
        "acceptor",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write an HTML page with the sequence of messages, their bytes and fields, states and pictures; with "
        "--brief, --json or --mermaid, write that form instead",
    )
    parser.add_argument(
        "--compare",
        metavar="FILE",
        help="compare FILE (a) with this second recording (b): show the first difference that matters, then all "
        "differences in the order of the messages (! outcomes; ~ names, lengths, dates and pixels; * all others); with "
        "-o, write a page with two columns. PDU times are not compared",
    )
    parser.add_argument(
        "--redact",
        action="store_true",
        help="hide possible patient data: dates, names, IDs, free text, pixels, network addresses; with --compare, "
        "hidden values count as equal",
    )
    parser.add_argument("-L", "--long", action="store_true", help="show long fields and values in full")
    parser.add_argument("--bytes", action="store_true", help="also show the bytes of each element of a Data Set")
    _add_forms(parser)
    parser.set_defaults(command=partial(_explain, parser, views))


def _add_forms(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--brief", action="store_true", help="print one line for each PDU, without Data Sets")
    form.add_argument("--json", action="store_true", help="print JSON, one object per line: a header, then the events")
    form.add_argument("--mermaid", action="store_true", help="print a sequence diagram for Markdown")


@dataclass(slots=True)
class _Job:
    """The file to explain, the output, and the failures so far. ``alias`` is its name with --redact."""

    arguments: argparse.Namespace
    views: Views
    path: str = ""
    alias: str = "a recording"
    failures: list[str] = field(default_factory=list)
    out: TextIO = field(default_factory=lambda: sys.stdout)

    def print(self, text: str = "") -> None:
        print(text, file=self.out)

    def associations(self, data: bytes) -> Iterator[tuple[int, RecordedAssociation]]:
        """Yield the associations with their numbers; note errors and gaps in ``failures``."""
        faults: list[DecodeError] = []
        try:
            for number, recorded in enumerate(associations_in(data, faults), 1):
                yield number, recorded
                self.failures += [f"association {number}: {gap}" for gap in recorded.gaps]
        except DecodeError as exc:
            faults.append(exc)
        self.failures += map(self._error_text, faults)

    def _error_text(self, fault: DecodeError) -> str:
        """Return the text of an error; with --redact, only the place, because the text may quote a value."""
        if not self.arguments.redact:
            return str(fault)
        return "the recording cannot be read" + ("" if fault.offset is None else f" from byte {fault.offset} on")

    def print_failures(self) -> int:
        """Print the failures on standard error; return the exit status."""
        name = self.alias if self.arguments.redact else self.path
        for failure in self.failures:
            print(escaped(f"dimse: {name}: {failure}"), file=sys.stderr)
        return 1 if self.failures else 0

    def steps(self, number: int, recorded: RecordedAssociation, views: Sequence[View] = ()) -> Iterator[Step]:
        """Yield the steps of an association; with --redact, redact them."""
        for step in recorded.steps(views):
            for turn in step.turns:
                self.note_bytes_without_pdu(number, turn)
            yield _redacted(step) if self.arguments.redact else step

    def note_bytes_without_pdu(self, number: int, turn: Turn) -> None:
        """Add a failure if ``turn`` stands for bytes that are not a PDU."""
        if turn.name == UNRECOGNIZED.name.removesuffix(" PDU"):
            where = f"the bytes of the {SIDES[turn.side]} from byte {turn.offset} on are not a PDU"
            self.failures.append(f"association {number}: {where}")

    def title(self, number: int, recorded: RecordedAssociation) -> str:
        shown = recorded.title and ("requestor > acceptor" if self.arguments.redact else recorded.title)
        return f"association {number}: {shown}" if shown else ""


def _redacted(step: Step) -> Step:
    from ..explain.redaction import redacted

    return redacted(step)


def _explain(parser: argparse.ArgumentParser, views: Views, arguments: argparse.Namespace) -> int:
    forms = ("brief", "json", "mermaid", "long", "bytes")
    unused = next((form for form in forms if arguments.compare is not None and getattr(arguments, form)), None)
    if unused is not None:
        parser.error(f"--{unused} shows one recording; --compare shows the differences of two")
    if arguments.file == arguments.compare == "-":
        parser.error("only one recording can be the standard input")
    check_output(parser, arguments.output, filter(None, (arguments.file, arguments.compare)))
    try:
        return _show(arguments, views) if arguments.compare is None else _compare(arguments, views)
    except OSError as exc:
        if not arguments.redact or isinstance(exc, BrokenPipeError):
            raise
        raise OSError(exc.errno, exc.strerror) from None  # this error does not name the file


def _show(arguments: argparse.Namespace, views: Views) -> int:
    job = _Job(arguments, views, arguments.file)
    data = _read(arguments.file)
    with _output(arguments.output) as job.out:
        if arguments.json:
            _json(job, data)
        elif arguments.mermaid:
            _mermaid(job, data)
        elif arguments.output and not arguments.brief:
            _page(job, data)
        else:
            _text(job, data)
    return job.print_failures()


def _compare(arguments: argparse.Namespace, views: Views) -> int:
    """Show the differences between two recordings: between their first associations, their second ones, and so on."""
    from ..explain.comparison import compare
    from ..explain.comparison_page import comparison_lines, comparison_page

    jobs = [
        _Job(arguments, views, arguments.file, "recording a"),
        _Job(arguments, views, arguments.compare, "recording b"),
    ]
    sides = [
        [list(job.steps(number, recorded)) for number, recorded in job.associations(_read(job.path))] for job in jobs
    ]
    comparisons = list(map(compare, *sides))
    counts = zip("ab", map(len, sides), strict=True)
    notes = [f"{letter} has {count} association{'' if count == 1 else 's'}" for letter, count in counts]
    notes = notes if len(sides[0]) != len(sides[1]) else []
    with _output(arguments.output) as out:
        if arguments.output:
            names = [_name(job.path) for job in jobs]
            if names[0] == names[1]:
                names = [job.path for job in jobs]
            left, right = ("a", "b") if arguments.redact else map(escaped, names)
            failures = [f"{letter}: {one}" for letter, job in zip("ab", jobs, strict=True) for one in job.failures]
            page = comparison_page(f"{left} and {right}, compared", (left, right), comparisons, [*notes, *failures])
            print(page, file=out)
        else:
            for number, comparison in enumerate(comparisons, 1):
                heading = f"# association {number}\n" if len(comparisons) > 1 else ""
                print("\n" * (number > 1) + heading + "\n".join(comparison_lines(comparison)), file=out)
            for note in notes:
                print(note, file=out)
    return max([job.print_failures() for job in jobs])


def _read(path: str) -> bytes:
    """Return the bytes of a file; - is the standard input."""
    return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()


def _name(path: str) -> str:
    """Return the name of a recording for the title of a page."""
    return "standard input" if path == "-" else Path(path).name


@contextmanager
def _output(path: str | None) -> Iterator[TextIO]:
    """Open the output: standard output, or a file that appears only once it is complete (`whole_file`)."""
    if path is None:
        yield sys.stdout
        return
    with whole_file(path) as file:
        text = TextIOWrapper(file, encoding="utf-8")
        yield text
        text.detach()  # writes the rest, and leaves the file open


# --- the forms ---


def _text(job: _Job, data: bytes) -> None:
    arguments = job.arguments
    show = _brief if arguments.brief else _whole
    for number, recorded in job.associations(data):
        if title := job.title(number, recorded):
            job.print(f"# {title}")
        turns: Iterator[Turn]
        if arguments.redact:
            turns = (turn for step in job.steps(number, recorded) for turn in _plain_turns(step))
        else:
            has_lines = not arguments.brief
            turns = recorded.turns(
                with_bytes=arguments.bytes, whole=arguments.long, with_elements=has_lines, with_fields=has_lines
            )
        for turn in turns:
            show(job, turn)
            if not arguments.redact:
                job.note_bytes_without_pdu(number, turn)


def _plain_turns(step: Step) -> Iterator[Turn]:
    """Yield the PDUs of a redacted step. The lines of the last PDU are the fields of the whole step.

    The other PDUs have no lines.
    """
    from ..explain.sentences import table_of

    lines = [
        Line(one.ranges[0][0], one.data, one.depth, one.name, one.value, table_of(one), one.secret, one.error)
        for one in step.fields
    ]
    for turn in step.turns[:-1]:
        yield turn._replace(lines=())
    if step.turns:
        words = " ".join(filter(None, (step.name if step.messages else "", step.words)))
        yield step.turns[-1]._replace(lines=tuple(lines), summary=words)


def _whole(job: _Job, turn: Turn) -> None:
    job.print(f"{turn.side} {turn.name}, {turn.length} bytes")
    is_long = job.arguments.long
    for row in format_lines(turn.lines, rows=None, width=sys.maxsize) if is_long else format_lines(turn.lines):
        job.print(row)
    job.print()


def _brief(job: _Job, turn: Turn) -> None:
    job.print(turn.line)


def _json(job: _Job, data: bytes) -> None:
    import json

    from ..explain.events import association_event, events_of, header

    is_redacted = job.arguments.redact
    job.print(json.dumps(header()))
    for number, recorded in job.associations(data):
        start = recorded.pieces[0][2] if recorded.pieces else None
        addresses = ("", "") if is_redacted else (recorded.requestor, recorded.acceptor)
        job.print(json.dumps(association_event(number, *addresses, None if is_redacted else start)))
        for step in job.steps(number, recorded, job.views()):
            for event in events_of(step, number, start, whole=job.arguments.long):
                job.print(json.dumps(event))


def _mermaid(job: _Job, data: bytes) -> None:
    from ..explain.mermaid import mermaid

    for number, recorded in job.associations(data):
        if number > 1:
            job.print()
        for line in mermaid(job.steps(number, recorded, job.views())):
            job.print(line)


def _page(job: _Job, data: bytes) -> None:
    from ..explain.page import Chapter, page_of

    views: list[View] = [*job.views()]  # these views see no messages; the page asks them only for sentences

    def chapters() -> Iterator[Chapter]:
        for number, recorded in job.associations(data):
            # without the gaps as its faults: they are failures of the job, at the top of the page
            yield Chapter(title=job.title(number, recorded), steps=job.steps(number, recorded, job.views()))

    name = job.alias if job.arguments.redact else escaped(_name(job.arguments.file))
    job.print(page_of(f"{name}, explained", chapters(), views, job.failures))
