"""Judge independent programs by the conformance tester, and write the matrix: ``make verify-matrix``.

    python tools/verify_matrix.py --peers FOLDER [--reports FOLDER] [--only NAME ...] [--no-run]

Each peer runs in a folder of its own on a free port, as `tests/support/verified_peers.py` says. Its report goes to
REPORTS/NAME-ROLE/report.json. Then, while nothing else runs, each bad verdict of an SCU, and each case that damaged
an SCP, is tried a second time: the milder verdict counts. From all reports together come docs/verify/matrix.html,
docs/verify/matrix.md and docs/verify/trophies.md. A peer that is missing or cannot be judged is named on stderr, and
the exit status is 1.
"""

import argparse
import asyncio
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from verified_peers import PEERS, ROOT, Place, VerifiedPeer  # from tests/support

from tools.verify_pages import Judged, matrix_page, matrix_table, trophies_page

_DOCS = ROOT / "docs" / "verify"
_AT_ONCE = 8  # runs at once, because each waits most of the time
_START = 30.0  # seconds for a server to listen
_DONE = (0, 1)  # exit statuses of a run that has judged the peer
_MILDEST_FIRST = ("INFO", "PASS", "NON-STRICT", "INCONCLUSIVE", "WEAK", "FAIL")
_BAD = _MILDEST_FIRST[3:]


def main() -> int:
    """Run the peers and write the pages; return the exit status."""
    parser = argparse.ArgumentParser(description="Judge independent programs, and write the conformance matrix.")
    parser.add_argument("--peers", type=Path, required=True, help="the folder of tools/peers.py")
    parser.add_argument("--reports", type=Path, default=ROOT / "reports" / "verify", help="where the reports go")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="run this peer, such as pydcm-scu")
    parser.add_argument("--no-run", action="store_true", help="only write the pages from the reports")
    arguments = parser.parse_args()
    chosen = [peer for peer in PEERS if not arguments.only or peer.key in arguments.only]
    faults = [] if arguments.no_run else asyncio.run(_run_all(chosen, arguments.peers.resolve(), arguments.reports))
    judged = [found for peer in PEERS if (found := _read_judged(arguments.reports / peer.key)) is not None]
    (_DOCS / "matrix.html").write_text(matrix_page(judged), encoding="utf-8")
    (_DOCS / "matrix.md").write_text(matrix_table(judged), encoding="utf-8")
    (_DOCS / "trophies.md").write_text(trophies_page(judged), encoding="utf-8")
    for fault in faults:
        print(f"verify-matrix: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _read_judged(folder: Path) -> Judged | None:
    """Return a peer with its report, or None if there is no report."""
    if not (folder / "peer.json").exists():
        return None
    report = json.loads((folder / "report.json").read_text())
    return Judged(**json.loads((folder / "peer.json").read_text()), report=report)


async def _run_all(peers: list[VerifiedPeer], installed: Path, reports: Path) -> list[str]:
    """Judge all peers; return a reason for each peer that could not be judged."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def judge(peer: VerifiedPeer) -> str:
        async with slots:
            print(f"{peer.key} ...", flush=True)
            try:
                with tempfile.TemporaryDirectory(prefix=f"{peer.key}-") as folder:
                    place = Place.new(Path(folder), installed)
                    fault = await _run(peer, place, reports / peer.key)
            except (OSError, TimeoutError) as exc:
                fault = str(exc) or "it does not listen"
            print(f"{peer.key}: {fault or 'done'}", flush=True)
            return f"{peer.key}: {fault}" if fault else ""

    faults = [fault for fault in await asyncio.gather(*map(judge, peers)) if fault]
    for peer in peers:
        if (reports / peer.key / "peer.json").exists():
            with tempfile.TemporaryDirectory(prefix=f"{peer.key}-") as folder:
                await _confirm(peer, Place.new(Path(folder), installed), reports / peer.key)
    return faults


async def _confirm(peer: VerifiedPeer, place: Place, folder: Path) -> None:
    """Try the bad cases of an SCU, and the cases that damaged an SCP, again; let the milder verdicts count."""
    path = folder / "report.json"
    report = json.loads(path.read_text())
    found = [case for case in report["cases"] if case["verdict"] in _BAD and case["trace"]]
    bad = [case["id"] for case in found if peer.role == "SCU" or case["damaged"]]
    again = place.folder / "again"
    if not bad or await _run(peer, place, again, bad):
        return
    path.write_text(json.dumps(milder(report, json.loads((again / "report.json").read_text()))) + "\n")
    print(f"{peer.key}: tried {', '.join(bad)} again", flush=True)


def milder(report: dict[str, Any], again: dict[str, Any]) -> dict[str, Any]:
    """Return ``report`` with the cases that were judged more mildly in a second run, and with new counts."""
    seen = {case["id"]: case for case in again["cases"] if case["verdict"] in _MILDEST_FIRST}
    cases = []
    for case in report["cases"]:
        other = seen.get(case["id"], case)
        if case["verdict"] in _BAD and _MILDEST_FIRST.index(other["verdict"]) < _MILDEST_FIRST.index(case["verdict"]):
            case = {**other, "reason": f"{other['reason']}; in another run {case['verdict']}: {case['reason']}"}
        cases.append(case)
    counts = {verdict: sum(case["verdict"] == verdict for case in cases) for verdict in report["counts"]}
    return {**report, "cases": cases, "counts": counts, "damaged": sum(case["damaged"] for case in cases)}


async def _run(peer: VerifiedPeer, place: Place, report: Path, cases: Sequence[str] = ()) -> str:
    """Judge a peer and write its report; return the reason if it could not be judged, else an empty text."""
    peer.prepare(place)
    environment = {**os.environ, **peer.environment(place)}
    verify = [sys.executable, "-m", "print_mgmt", "verify", peer.role.lower()]
    chosen = [word for glob in cases or peer.cases for word in ("--case", glob)]
    common = [*chosen, *peer.options, "--report", str(report)]
    words = peer.words(place)
    if peer.role == "SCU":
        command = [*verify, "--listen", str(place.port), "--command", shlex.join(words), *common]
        status, errors = await _run_to_end(command, environment, place.folder)
    elif peer.is_restarted:
        command = [*verify, f"{peer.ae}@127.0.0.1:{place.port}", "--start", shlex.join(words), *common]
        status, errors = await _run_to_end(command, environment, place.folder)
    else:
        with (place.folder / "log").open("wb") as log:
            server = await asyncio.create_subprocess_exec(
                *words, cwd=place.folder, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
            try:
                await _wait_for_port(place.port)
                command = [*verify, f"{peer.ae}@127.0.0.1:{place.port}", *common]
                status, errors = await _run_to_end(command, environment, place.folder)
            finally:
                await _end(server)
    if status not in _DONE or not (report / "report.json").exists():
        return f"exit status {status}: {errors[-500:]}"
    about = {"name": peer.name, "role": peer.role, "version": peer.version(place), "commit": _commit()}
    (report / "peer.json").write_text(json.dumps(about) + "\n")
    return ""


def _commit() -> str:
    """Return the commit of the tester, or "" outside a repository."""
    git = ["git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()


async def _run_to_end(command: list[str], environment: dict[str, str], folder: Path) -> tuple[int, str]:
    """Run a command to its end; return its exit status and its output on stderr."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            await _end(process)
    assert process.returncode is not None
    return process.returncode, errors.decode("utf-8", "replace").strip()


async def _end(process: Any) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _START)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _wait_for_port(port: int) -> None:
    """Wait until a server accepts connections. Raises `TimeoutError`."""
    async with asyncio.timeout(_START):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
