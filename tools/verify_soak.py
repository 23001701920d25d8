"""Run the tester many times against the same printers: all runs must give the same verdicts, even on a busy machine.

The printers are our own, and DCMTK's dcmprscp if it is installed; each run starts a new one. The exit status is 1 if a
verdict differs.
"""

import argparse
import json
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "tests" / "interop" / "dcmtk.cfg"
HOST = "127.0.0.1"
PROBLEM = 3  # exit statuses from here on mean that the printer was not judged

Words = Callable[[int, Path], list[str]]  # the command that starts a printer on a port, in a folder


def ours(port: int, folder: Path) -> list[str]:
    """Return the command of our printer, whose state changes twice, so that its events can be judged."""
    return [
        program("print-mgmt"),
        "serve",
        "--port",
        str(port),
        "--ae-title",
        "ANY",
        "--out",
        str(folder),
        "--dpi",
        "20",
        "--event",
        "WARNING:SUPPLY LOW@N-SET#2",
        "--event",
        "NORMAL@N-SET#3",
    ]


def dcmprscp(port: int, folder: Path) -> list[str]:
    """Return the command of DCMTK's printer, after writing its configuration."""
    for name in ("database", "spool"):
        (folder / name).mkdir()
    configuration = folder / "dcmtk.cfg"
    configuration.write_text(CONFIGURATION.read_text().replace("@PORT@", str(port)))
    return ["env", "-C", str(folder), "dcmprscp", "-c", str(configuration), "-p", "ANY"]


def program(name: str) -> str:
    """Return a command of this project, in the environment of this Python."""
    return str(Path(sys.executable).parent / name)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        number: int = listener.getsockname()[1]
        return number


def verdicts(words: Words, options: list[str]) -> tuple[dict[str, str], float]:
    """Return the verdict of each case of one run, with its mark DAMAGED, and the seconds of the run."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        port = free_port()
        start = shlex.join(words(port, folder))
        report = folder / "report"
        tester = [program("print-mgmt"), "verify", "scp", f"ANY@{HOST}:{port}", "--start", start]
        command = [*tester, "--report", str(report), "--max-films", "20", *options]
        ended = subprocess.run(command, check=False, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if ended.returncode >= PROBLEM:
            raise SystemExit(f"the run ended with exit status {ended.returncode}: {ended.stderr.strip()}")
        found = json.loads((report / "report.json").read_text())
    judged = {case["id"]: case["verdict"] + " DAMAGED" * case["damaged"] for case in found["cases"]}
    return judged, found["run"]["duration_s"]


def soak(name: str, words: Words, runs: int, options: list[str]) -> bool:
    """Run the tester against a printer; print the counts and each difference. Return whether all runs agree."""
    first: dict[str, str] = {}
    agrees = True
    for number in range(1, runs + 1):
        found, seconds = verdicts(words, options)
        counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(Counter(found.values()).items()))
        print(f"{name}, run {number} of {runs}: {counts} in {seconds:.1f} s", flush=True)
        first = first or found
        for case_id in sorted(first.keys() | found.keys()):
            before, after = first.get(case_id, "absent"), found.get(case_id, "absent")
            if before != after:
                agrees = False
                print(f"{name}, run {number}: {case_id} is {after}, and was {before}", flush=True)
    return agrees


def main() -> int:
    """Run the tester as the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, metavar="N", help="runs against each printer (default: 20)")
    parser.add_argument("--only", choices=("ours", "dcmprscp"), help="only this printer")
    arguments, options = parser.parse_known_args()
    printers: dict[str, Words] = {"ours": ours}
    if shutil.which("dcmprscp") is None:
        print("dcmprscp is not installed: apt-get install dcmtk")
    else:
        printers["dcmprscp"] = dcmprscp
    chosen = {name: words for name, words in printers.items() if arguments.only in (None, name)}
    agree = [soak(name, words, arguments.runs, options) for name, words in chosen.items()]
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())
