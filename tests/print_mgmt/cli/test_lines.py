"""Lines of output whose reader is slow, stops or goes away."""

import io
import logging
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import pytest
from served import serving

from dimse.net import scu
from dimse.uids import Printer
from print_mgmt import PrintClient
from print_mgmt.cli import lines
from print_mgmt.cli.lines import Lines, logged_lines


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """Yield the end of a pipe to read, and the end to write."""
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w", encoding="ascii")
    yield reading, stream
    os.close(reading)
    for thread in threading.enumerate():
        if thread.name == "lines":
            thread.join()
    stream.close()


def test_lines_come_in_order(pipe: tuple[int, TextIO]) -> None:
    lines = Lines(pipe[1])
    for number in range(5):
        lines.write(f"line {number}")
    lines.close()
    assert os.read(pipe[0], 1000) == b"line 0\nline 1\nline 2\nline 3\nline 4\n"


def test_letters_outside_the_encoding_are_escaped(pipe: tuple[int, TextIO]) -> None:
    lines = Lines(pipe[1])
    lines.write("Grün")
    lines.close()
    assert os.read(pipe[0], 1000) == b"Gr\\xfcn\n"


def test_stream_in_memory_gets_lines() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.write("line")
    lines.close()
    assert stream.getvalue() == "line\n"


def test_unread_lines_are_dropped_and_counted(pipe: tuple[int, TextIO]) -> None:
    lines = Lines(pipe[1], max_lines=3)
    for _ in range(10_000):
        lines.write("x" * 1000)
    lines.close(patience=0)
    read = b""
    while not (told := re.search(rb"^(\d+) lines were dropped: the reader was too slow$", read, re.MULTILINE)):
        read += os.read(pipe[0], 1 << 16)
    written = read.count(b"x" * 1000 + b"\n")
    assert 0 < written < 10_000
    assert 0 < int(told[1]) <= 10_000 - written
    lines.close()


def test_unread_lines_are_bounded_by_characters(pipe: tuple[int, TextIO]) -> None:
    lines = Lines(pipe[1], max_characters=1 << 20)
    for _ in range(100):
        lines.write("x" * (1 << 18))
    lines.close(patience=0)
    read = b""
    while not (told := re.search(rb"^(\d+) lines were dropped", read, re.MULTILINE)):
        read += os.read(pipe[0], 1 << 16)
    assert int(told[1]) >= 94  # except for four waiting lines, one being written, and one already written


def test_thread_ends_with_its_reader() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        lines = Lines(stream)
        for _ in range(3):
            lines.write("line")
        lines.close(patience=30)
        assert not lines.is_alive


def test_log_records_are_lines_inside_the_block() -> None:
    stream, before = io.StringIO(), logging.getLogger().handlers
    with logged_lines(stream, logging.Formatter("%(name)s: %(message)s")):
        logging.getLogger("print_mgmt.scp").warning("%s", "out of film")
    assert stream.getvalue() == "print_mgmt.scp: out of film\n"
    assert logging.getLogger().handlers is before


def test_wrong_call_of_a_logger_is_a_line() -> None:
    stream = io.StringIO()
    with logged_lines(stream, logging.Formatter()):
        logging.getLogger("tests").warning("%d films", "two")
    assert "tests: '%d films' cannot be logged with ('two',): %d format" in stream.getvalue()


def test_log_has_a_bounded_number_of_lines_of_a_kind() -> None:
    """A client can cause any number of warnings, in which only the values differ."""
    stream, log = io.StringIO(), logging.getLogger("tests")
    with logged_lines(stream, logging.Formatter()):
        for number in range(700):
            log.warning("client %d does not ask well", number)
        log.error("something else")
    written = stream.getvalue().splitlines()
    assert len(written) == 502
    assert written[499:] == [
        "client 499 does not ask well",
        "something else",
        "200 lines like the following were not logged: tests: client %d does not ask well",
    ]


def test_lines_of_a_kind_are_logged_again_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, log, now = io.StringIO(), logging.getLogger("tests"), [0.0]
    monkeypatch.setattr(lines, "monotonic", lambda: now[0])
    with logged_lines(stream, logging.Formatter()):
        for _ in range(600):
            log.warning("again")
        now[0] = 61.0
        log.warning("again")
    assert stream.getvalue().splitlines()[499:] == [
        "again",
        "100 lines like the following were not logged: tests: again",
        "again",
    ]


def test_info_lines_are_not_bounded(caplog: pytest.LogCaptureFixture) -> None:
    stream = io.StringIO()
    with caplog.at_level(logging.INFO), logged_lines(stream, logging.Formatter()):
        for number in range(700):
            logging.getLogger("tests").info("event %d", number)
    assert len(stream.getvalue().splitlines()) == 700


async def test_printer_with_unread_lines_continues(tmp_path: Path) -> None:
    """The pipe of stderr holds 64 KiB, which is less than all lines about refused requests."""
    with serving(tmp_path, "--format", "png") as (address, _):
        host, _, port = address.rpartition(":")
        async with PrintClient(host, int(port)) as client:
            context = next(iter(client.association.contexts.values()))
            for _ in range(1000):
                refused = await scu.n_get(client.association, context, Printer, "1.2.3")
                assert refused.Status == 0x0112
            report = await client.print_images([np.zeros((2, 2), np.uint8)])
    assert report.films == 1
