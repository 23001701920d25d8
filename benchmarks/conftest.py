"""The duel as a fixture, its processes, and the table of ratios at the end of the run."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.duels import Contestant, Duel, Result
from benchmarks.processes import worker

ROUNDS = 7
SHORT_ROUNDS = 30
HEADINGS = ("", "peer", "ours", "peer's", "ratio", "from round to round")

_RESULTS = pytest.StashKey[list[Result]]()
_FIGURES = pytest.StashKey[list[tuple[str, str]]]()

Figure = Callable[[str, str], None]
Contest = Callable[[str, Mapping[str, Contestant], str], None]  # subject, contestants, the peer of all others


class Stopwatch:
    """A clock that is advanced by hand, so that pytest-benchmark shows the times that contestants measured."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def __call__(self) -> float:
        return self._seconds

    def add(self, seconds: float) -> None:
        """Advance the clock by ``seconds``."""
        self._seconds += seconds


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pin", action="store_true", help="bind all clients to core 0 and all servers to core 1 (Linux)")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--pin"):
        os.sched_setaffinity(0, {1})  # what this process starts inherits it
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
    terminalreporter.section("ratios: the peer's time divided by ours")
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())


@pytest.fixture
def stopwatch(request: pytest.FixtureRequest) -> Stopwatch:
    """Return the clock of this test. It must come first, because ``benchmark`` reads the marker when it is made."""
    watch = Stopwatch()
    request.node.add_marker(pytest.mark.benchmark(timer=watch))
    return watch


@pytest.fixture
def duel(stopwatch: Stopwatch, benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Duel:
    """Run a `Duel` of `ROUNDS` rounds after a warm-up round, and add it to the table."""

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
def contest(stopwatch: Stopwatch, benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Contest:
    """Let several contestants take turns in `SHORT_ROUNDS` rounds; add the others beside the peer, and the minima."""

    def run(subject: str, contestants: Mapping[str, Contestant], peer: str) -> None:
        seconds: dict[str, list[float]] = {name: [] for name in contestants}

        def turn() -> None:
            for name, contestant in contestants.items():
                seconds[name].append(contestant())
                stopwatch.add(seconds[name][-1])

        for contestant in contestants.values():
            contestant()
        benchmark.group = subject
        benchmark.pedantic(turn, rounds=SHORT_ROUNDS)
        theirs = tuple(seconds[peer])
        for name in contestants:
            if name == peer:
                continue
            result = Result(subject=f"{subject}, {name}", peer=peer, ours=tuple(seconds[name]), theirs=theirs)
            request.config.stash[_RESULTS].append(result)
        least = "; ".join(f"{name} {min(times) * 1e6:.1f}" for name, times in seconds.items())
        request.config.stash[_FIGURES].append((f"{subject}, microseconds at least", least))

    return run


@pytest.fixture
def figure(request: pytest.FixtureRequest, stopwatch: Stopwatch, benchmark: BenchmarkFixture) -> Figure:
    """Add a result that is not a ratio to the report: a subject, and its figures."""
    benchmark.pedantic(lambda: stopwatch.add(1e-6), rounds=1)  # or it would not be run with --benchmark-only

    def report(subject: str, value: str) -> None:
        benchmark.extra_info[subject] = value
        request.config.stash[_FIGURES].append((subject, value))

    return report


@pytest.fixture(scope="module")
def own_worker(pytestconfig: pytest.Config) -> Iterator[Executor]:
    """Yield the process of our client."""
    yield from _client(pytestconfig)


@pytest.fixture(scope="module")
def peer_worker(pytestconfig: pytest.Config) -> Iterator[Executor]:
    """Yield the process of a peer's client."""
    yield from _client(pytestconfig)


def _client(config: pytest.Config) -> Iterator[Executor]:
    with worker() as executor:
        if config.getoption("--pin"):
            executor.submit(os.sched_setaffinity, 0, {0}).result()
        yield executor
