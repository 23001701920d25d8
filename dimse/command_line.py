"""The basis of both command lines: the parser, logging, errors in one line, exit statuses.

Exit status: 0 means success; 1 means that the peer or the file failed (one line on stderr gives the reason); 2 means
wrong usage; 130 means that Ctrl-C ended the command. Few modules are imported here, because ``--help`` waits for them.
"""

import argparse
import io
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import NoReturn

from .errors import DimseError, escaped
from .interrupts import INTERRUPTED
from .version import __version__

__all__ = ["EXIT_STATUS", "Parser", "check_output", "escape_unencodable", "log_formatter", "parse"]

EXIT_STATUS = "Peers are written AE@HOST:PORT. Exit status: 0 done, 1 failed, 2 wrong usage."
_NEGATIVE = re.compile(r"-\.?\d", re.ASCII)  # the beginning of a negative number


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """A formatter that fills the lines of descriptions and epilogs for the terminal, and keeps indented lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:  # noqa: ARG002  # parsers do not indent them
        from textwrap import fill  # only for --help

        lines: list[str] = []
        for is_kept, group in groupby(text.strip("\n").split("\n"), lambda line: not line or line.startswith(" ")):
            words = list(group)
            lines += words if is_kept else [fill(" ".join(words), width)]
        return "\n".join(lines) + "\n"


class Parser(argparse.ArgumentParser):
    """A command line parser whose errors are one line.

    Options may stand anywhere, even between the positional arguments of a command, and ``-v`` before the command, too.
    A word that begins like a negative number is the value of the preceding option, so no option may look like a
    negative number. ``fill`` adds the options when the parser is first used, so that the modules of other commands are
    not imported.
    """

    fill: "Callable[[Parser], None] | None" = None
    _is_intermixed = False

    def parse_known_args(  # type: ignore[override]  # the typeshed has four overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        self.formatter_class = _HelpFormatter
        fill, self.fill = self.fill, None
        if fill is not None:
            fill(self)
        args = _with_negative_values(sys.argv[1:] if args is None else args)
        if self._is_intermixed or self._subparsers is not None:  # argparse cannot intermix with subparsers
            return super().parse_known_args(args, namespace)
        if "-v" not in self._option_string_actions:
            _add_verbose(self, default=argparse.SUPPRESS)  # the count before the command, if there is none after it
        self._is_intermixed = True
        try:
            parsed, unknown = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_intermixed = False
        if unknown:  # the error of the parser above would name the wrong --help
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._hint(unknown[0])}")
        return parsed, []

    def _hint(self, word: str) -> str:
        """Return a question that names the option which resembles an unknown one; "" if there is none."""
        from difflib import get_close_matches  # only for an error: the import takes a millisecond

        near = get_close_matches(word.partition("=")[0], self._option_string_actions, n=1) if word[:2] == "--" else []
        return f"; did you mean {near[0]}?" if near else ""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {escaped(message)} (see {self.prog} --help)\n")


def _add_verbose(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument("-v", "--verbose", action="count", default=default, help="log events; -vv also logs each PDU")


def _with_negative_values(words: Sequence[str]) -> list[str]:
    """Join each option to the negative value after it: ``--window -600,1500`` becomes ``--window=-600,1500``.

    argparse takes a value that begins with a minus sign for an option, unless the value is a plain number.
    """
    joined: list[str] = []
    is_open = False  # whether the previous word is an option that may take a value
    for position, word in enumerate(words):
        if word == "--":
            return joined + list(words[position:])
        if is_open and _NEGATIVE.match(word):
            joined[-1] += f"={word}" if joined[-1].startswith("--") else word
            is_open = False
            continue
        joined.append(word)
        is_open = word.startswith("-") and word != "-" and "=" not in word
    return joined


def _open_streams() -> None:
    """Open each closed standard stream on the null device.

    Otherwise a socket or a file could get the descriptor of a standard stream, and uvloop ends the process when such a
    socket is closed.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  # open until the end


def escape_unencodable() -> None:
    """Let standard output escape characters that its encoding lacks, such as those of a patient's name."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        with suppress(OSError):  # its descriptor was a file when Python opened it and is a pipe now, which cannot seek
            sys.stdout.reconfigure(errors="backslashreplace")


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> Callable[[], int]:
    """Parse ``argv``, set up logging, and return the chosen command, a function that returns the exit status.

    The parsed arguments must have ``command``, a function that gets the arguments and returns the exit status. Wrong
    usage, and options such as ``--help``, end the process.
    """
    _open_streams()
    escape_unencodable()
    version = f"{parser.prog} {__version__}"
    parser.add_argument("--version", action="version", version=version, help="show the version and exit")
    _add_verbose(parser, default=0)
    arguments = _parse_words(parser, argv)
    levels = (logging.WARNING, logging.INFO, logging.DEBUG)
    level = levels[min(arguments.verbose, 2)]
    handler = logging.StreamHandler()
    handler.setFormatter(log_formatter("%(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    return partial(_run, parser, arguments)


def _parse_words(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse ``argv``; end the process with status 1 if the text of an option such as ``--help`` cannot be written."""
    try:
        try:
            return parser.parse_args(argv)
        finally:
            sys.stdout.flush()
    except OSError as exc:
        sys.exit(_report(parser, exc))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    """Run the command and return its exit status; print an error in one line."""
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        status = command(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except DimseError as exc:
        status = _fail(parser, str(exc))
    except OSError as exc:
        status = _report(parser, exc)
    _drop_unwritable()
    return status


def _report(parser: argparse.ArgumentParser, exc: OSError) -> int:
    """Print an error of the system in one line, and return the exit status.

    No line is printed if the reader of the output has closed the pipe, as ``head`` does.
    """
    _drop_unwritable()
    if isinstance(exc, BrokenPipeError):
        return 1
    where = f"{exc.filename}: " if exc.filename else ""
    return _fail(parser, f"{where}{exc.strerror or exc}")


def _drop_unwritable() -> None:
    """Drop the rest of the output if it cannot be written: at exit, Python would try again, and print a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def check_output(
    parser: argparse.ArgumentParser, output: str | os.PathLike[str] | None, inputs: Iterable[str | os.PathLike[str]]
) -> None:
    """End the program with status 2 if the output would replace a file that the command reads."""
    from pathlib import Path  # not at the top: --help does not need it

    if output is None or not Path(output).is_file():
        return
    for name in inputs:
        with suppress(OSError):  # the error is reported when the file is read
            if Path(output).samefile(name):
                parser.error("the output would replace a file that this command reads: name another file")


def log_formatter(form: str) -> logging.Formatter:
    """Return a formatter whose lines are safe for terminals; ``form`` is a format string of `logging.Formatter`."""
    return _Formatter(form, "%Y-%m-%d %H:%M:%S")


class _Formatter(logging.Formatter):
    """A formatter that escapes control characters: a message becomes one line, and a traceback keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return escaped(super().formatMessage(record))

    def formatException(self, ei: "logging._SysExcInfoType") -> str:
        return "\n".join(map(escaped, super().formatException(ei).split("\n")))


def _fail(parser: argparse.ArgumentParser, reason: str) -> int:
    print(f"{parser.prog}: {escaped(reason)}", file=sys.stderr)
    return 1
