"""The time of `import dimse` and of the help of both commands, beside `import asyncio`.

    python -m benchmarks.imports

prints the best of ten starts of each, in milliseconds, and its ratio to `import asyncio`.
"""

import subprocess
import sys
import time

STARTS: dict[str, tuple[str, ...]] = {
    "import asyncio": ("-c", "import asyncio"),
    "import numpy": ("-c", "import numpy"),
    "import dimse": ("-c", "import dimse"),
    "dimse --help": ("-m", "dimse", "--help"),
    "import print_mgmt": ("-c", "import print_mgmt"),
    "print-mgmt --help": ("-m", "print_mgmt", "--help"),
}
ROUNDS = 10


def main() -> None:
    """Take turns, so that other work on the machine slows all of them equally."""
    best = dict.fromkeys(STARTS, float("inf"))
    for _ in range(ROUNDS):
        for name, arguments in STARTS.items():
            start = time.perf_counter()
            subprocess.run((sys.executable, *arguments), check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        print(f"{name:18} {seconds * 1000:6.0f} ms {seconds / best['import asyncio']:5.1f}")


if __name__ == "__main__":
    main()
