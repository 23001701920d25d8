"""Damage recordings until something breaks: both ends of an association must survive them.

    python tools/fuzz.py [--seconds N] [--seed N]      forever without --seconds; Ctrl-C ends it
    python tools/fuzz.py --replay FILE                 repeat a variant from a file

A variant that breaks something is written to a file with the seed in its name, its traceback is shown, and the exit
status is 1.
"""

import argparse
import random
import sys
import time
import traceback
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fuzzing import damaged, feed, recordings, request_of  # from tests/support


def main() -> int:
    """Run until the time is over, or something breaks."""
    parser = argparse.ArgumentParser(description="Damage recordings until something breaks.")
    parser.add_argument("--seconds", type=float, default=0, help="how long (default: forever)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32, help="the first seed of the random numbers")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="feed the variant in this file")
    arguments = parser.parse_args()
    if arguments.replay:
        return _replay(arguments.replay)
    try:
        return _fuzz(arguments.seed, arguments.seconds)
    except KeyboardInterrupt:
        return 0


def _fuzz(first_seed: int, seconds: float) -> int:
    recorded = [(direction, name, wire) for direction in ("c2s", "s2c") for name, wire in recordings(direction).items()]
    start = shown = time.monotonic()
    for seed in count(first_seed):
        chance = random.Random(seed)
        direction, name, wire = chance.choice(recorded)
        variant = damaged(wire, chance)
        if not _survives(variant, direction, name, seed):
            path = Path(f"fuzz-{direction}-{name}-{seed}.bin")
            path.write_bytes(variant)
            print(f"written to {path}", file=sys.stderr)
            return 1
        now = time.monotonic()
        if seconds and now - start > seconds:
            break
        if now - shown > 10:
            shown = now
            print(f"{seed - first_seed + 1} variants, nothing broken", flush=True)
    print(f"{seed - first_seed + 1} variants from seed {first_seed}, nothing broken")
    return 0


def _replay(path: Path) -> int:
    _, direction, *name, seed = path.stem.split("-")
    return 0 if _survives(path.read_bytes(), direction, "-".join(name), int(seed)) else 1


def _survives(wire: bytes, direction: str, name: str, seed: int) -> bool:
    try:
        feed(wire, None if direction == "c2s" else request_of(name), random.Random(seed))
    except Exception:
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
