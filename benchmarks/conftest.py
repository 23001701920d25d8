"""The duel as a fixture, the processes it is fought in, and the table of ratios at the end of the run."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.duels import Contestant, Duel, Result
from benchmarks.processes import worker

ROUNDS = 7
HEADINGS = ("", "peer", "ours", "peer's", "ratio", "from round to round")

_RESULTS = pytest.StashKey[list[Result]]()
_FIGURES = pytest.StashKey[list[tuple[str, str]]]()

Figure = Callable[[str, str], None]


class Stopwatch:
    """A clock that goes on only by what is added to it: pytest-benchmark shows what contestants measured."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def __call__(self) -> float:
        return self._seconds

    def add(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._seconds += seconds


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RESULTS] = []
    config.stash[_FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    figures = config.stash[_FIGURES]
    if figures:
        terminalreporter.section("figures")
        for subject, value in figures:
            terminalreporter.write_line(f"{subject}: {value}")
    rows = [HEADINGS, *(result.row() for result in config.stash[_RESULTS])]
    if len(rows) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    terminalreporter.section("ratios: how many times as long the peer takes")
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())


@pytest.fixture
def stopwatch(request: pytest.FixtureRequest) -> Stopwatch:
    """The clock of this test. ``benchmark`` reads the marker when it is made, so this must come first."""
    watch = Stopwatch()
    request.node.add_marker(pytest.mark.benchmark(timer=watch))
    return watch


@pytest.fixture
def duel(stopwatch: Stopwatch, benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Duel:
    """Run a `Duel` of `ROUNDS` rounds, after one that does not count, and put it into the table."""

    def run(subject: str, peer: str, ours: Contestant, theirs: Contestant, *, nbytes: int = 0) -> Result:
        own: list[float] = []
        other: list[float] = []

        def turn() -> None:
            own.append(ours())
            stopwatch.add(own[-1])

        ours()
        theirs()
        benchmark.group = subject
        benchmark.pedantic(turn, setup=lambda: other.append(theirs()), rounds=ROUNDS)
        result = Result(subject=subject, peer=peer, ours=tuple(own), theirs=tuple(other), nbytes=nbytes)
        benchmark.extra_info.update(peer=peer, theirs=result.theirs, ratios=result.ratios())
        request.config.stash[_RESULTS].append(result)
        return result

    return run


@pytest.fixture
def figure(request: pytest.FixtureRequest, stopwatch: Stopwatch, benchmark: BenchmarkFixture) -> Figure:
    """Put what is no ratio of times into the report: a subject, and what was measured of it."""
    benchmark.pedantic(lambda: stopwatch.add(1e-6), rounds=1)  # or it would not be run with --benchmark-only

    def report(subject: str, value: str) -> None:
        benchmark.extra_info[subject] = value
        request.config.stash[_FIGURES].append((subject, value))

    return report


@pytest.fixture(scope="module")
def own_worker() -> Iterator[Executor]:
    """The process in which our client works."""
    with worker() as executor:
        yield executor


@pytest.fixture(scope="module")
def peer_worker() -> Iterator[Executor]:
    """The process in which a peer's client works."""
    with worker() as executor:
        yield executor
