"""Run the conformance tester against evil peers until it is at fault: it hangs, raises, or blames itself.

    python tools/fuzz_verify.py [--seconds N] [--seed N]      forever without --seconds; Ctrl-C ends it

Each seed chooses a case, a role, and the behavior of the peer. The clock of these runs jumps over every wait. If the
tester is at fault, the seed and the traceback are shown, and the exit status is 1.
"""

import argparse
import logging
import random
import resource
import sys
import time
import traceback
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from evil import plan_of  # from tests/support
from evil_runs import judge_evil_scp, judge_evil_scu

from dimse.verify import CASES
from dimse.verify.scu import SCU_CASES
from print_mgmt.verify import PRINT_CASES, PrintOptions
from print_mgmt.verify.scu import PRINT_SCU_CASES, PlainPrinter

_FOR_SCP = [case for case in (*CASES, *PRINT_CASES) if case.run is not None]
_FOR_SCU = [case for case in (*SCU_CASES, *PRINT_SCU_CASES) if case.run is not None]
_MAKERS = [case.make_listener for case in PRINT_CASES if case.make_listener is not None]
_PAUSE = 10.0  # seconds between two lines


def main() -> int:
    """Run until the time is over, or the tester is at fault."""
    parser = argparse.ArgumentParser(description="Run the conformance tester against evil peers.")
    parser.add_argument("--seconds", type=float, default=0, help="how long (default: forever)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32, help="the first seed of the random numbers")
    parser.add_argument("--slow", type=float, default=0, help="show runs that take more seconds than this")
    arguments = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the evil peers write to closed connections
    try:
        return _fuzz(arguments.seed, arguments.seconds, arguments.slow)
    except KeyboardInterrupt:
        return 0


def _fuzz(first: int, seconds: float, slow: float) -> int:
    start = shown = time.monotonic()
    for seed in count(first):
        started = time.monotonic()
        if not _judges_without_fault(seed):
            return 1
        now = time.monotonic()
        if slow and now - started > slow:
            print(f"seed {seed} took {now - started:.1f} s", flush=True)
        if seconds and now - start > seconds:
            break
        if now - shown > _PAUSE:
            shown = now
            print(f"{seed - first + 1} runs, {_memory()} MiB, the tester is not at fault", flush=True)
    print(f"{seed - first + 1} runs from seed {first}, {_memory()} MiB, the tester is not at fault")
    return 0


def _memory() -> int:
    """Return the largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _judges_without_fault(seed: int) -> bool:
    chance = random.Random(seed)
    case, is_scu = (chance.choice(_FOR_SCU), True) if chance.random() < 0.4 else (chance.choice(_FOR_SCP), False)
    plan = plan_of(chance)
    try:
        if is_scu:
            judge_evil_scu(case, plan, PlainPrinter)
        else:
            judge_evil_scp(case, plan, PrintOptions(max_films=20, annotation_format="1"), _MAKERS)
    except Exception:
        traceback.print_exc()
        print(f"seed {seed}: {case.id}, {plan}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
