"""Settings for all tests: the number of examples of a property, the event loop, garbage, workers, reports, and Ctrl-C.

``make test`` takes the profile "untimed", ``make fuzz`` "full" and ``make test-fast`` "fast". No test asserts how
long something takes, so no property has a deadline.
"""

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings
from skipping_loop import SkippingLoop

# A shell starts programs in the background with SIGINT ignored, and the processes of tests would inherit that
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# All other settings are Hypothesis's defaults, which differ in CI
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", _UNTIMED, max_examples=5)
settings.register_profile("untimed", _UNTIMED, max_examples=12)  # 500 every night: `.github/workflows`
settings.register_profile("full", _UNTIMED, max_examples=500)
settings.load_profile("untimed")

_MEMORY = 1 << 30  # bytes for each worker: what the largest tests take


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the event loops of a test: our own for tests that skip waits; uvloop, too, for tests of all loops."""
    if item.get_closest_marker("skips_waits") is not None:
        return {"skipping": SkippingLoop}
    if item.get_closest_marker("all_loops") is not None and find_spec("uvloop") is not None:
        return {"asyncio": asyncio.new_event_loop, "uvloop": import_module("uvloop").new_event_loop}
    return {"usual": asyncio.new_event_loop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of this folder. Idle workers take the last tests, and would make fixtures of modules again:
    the archive of `test_sdist` was built by each worker.
    """
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.parent != here)


def pytest_collection() -> None:
    """Collect no garbage while tests are collected: nearly all new objects stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Hide modules and tests from the garbage collector, which saves a sixth of the CPU time of all tests.

    It then runs after each 10,000 new objects; after each 700 of them, it took a seventh of the CPU time that was left.
    """
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Report a test that passes in a worker once, not before, during and after each of its phases.

    Four messages to the main process, which shows none of them, are left out: 3 % of the CPU time of all tests.
    """
    options = item.config.option
    if not hasattr(item.config, "workerinput") or options.verbose > 0 or options.durations or options.xmlpath:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    return True


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for ``-n auto``: one more than there are cores, since tests also wait for other
    processes.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not hasattr(os, "sysconf"):
        return cores
    return max(1, min(cores + 1, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _MEMORY))
