"""Real paper printers: a queue of CUPS with a scheduler of its own, and ippeveprinter in a network of its own.

Printed documents become files in a folder. A file ``empty`` in that folder takes the paper out.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import ipp_namespace
import pytest
from peers import need, program, running

__all__ = ["Printer", "cups_queue", "ippeveprinter"]

_SCHEDULER = """Listen 127.0.0.1:{port}
LogLevel debug
Browsing Off
WebInterface No
DefaultAuthType None
ErrorPolicy abort-job
<Location />
Order allow,deny
Allow all
</Location>
<Policy default>
<Limit All>
Order deny,allow
Allow all
</Limit>
</Policy>
"""
_FILES = """ServerRoot {folder}/root
RequestRoot {folder}/spool
CacheDir {folder}/cache
StateDir {folder}/state
TempDir {folder}/spool
ServerBin {folder}/bin
AccessLog {folder}/access
ErrorLog {folder}/error
PageLog {folder}/page
User {user}
Group {user}
SystemGroup root
"""
# A backend of CUPS: job, user, title, copies, options, and the file
_BACKEND = """#!/bin/sh
[ $# -gt 0 ] || exit 0
if [ -e {out}/empty ]; then echo "STATE: +media-empty-error" >&2; exit 1; fi
cat "$6" > {out}/"$3-$4.pdf"
"""
_COMMAND = """#!/bin/sh
if [ -e {out}/empty ]; then echo "STATE: +media-empty-error" >&2; exit 1; fi
cp "$1" {out}/"$IPP_JOB_NAME-$IPP_COPIES.pdf"
"""


class Printer(NamedTuple):
    """A printer: its address, and the folder of its printed documents."""

    address: str
    out: Path


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that other users can read, unlike those of pytest; CUPS does not run as root."""
    folder = Path(mkdtemp(prefix="dimse-print-paper-"))
    folder.chmod(0o755)
    try:
        (folder / "out").mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def cups_queue(port: int) -> AsyncIterator[Printer]:
    """Run the scheduler of CUPS on a free port, with the queue ``film``."""
    cupsd, lpadmin = program("cupsd", "cups-daemon"), program("lpadmin", "cups-client")
    if os.geteuid() != 0:
        pytest.skip("the scheduler of CUPS is started as root here")
    with _folder() as folder:
        _prepare(folder, port)
        words = (cupsd, "-f", "-c", folder / "cupsd.conf", "-s", folder / "files.conf")
        async with running(*words, cwd=folder):
            await ipp_namespace.until_listening(port)
            server = f"127.0.0.1:{port}"
            queue = ("-h", server, "-p", "film", "-v", "film:/x", "-o", "printer-error-policy=abort-job", "-E")
            made = await asyncio.to_thread(subprocess.run, [lpadmin, *queue], capture_output=True, check=False)
            assert made.returncode == 0, made.stderr
            yield Printer(server, folder / "out")


def _prepare(folder: Path, port: int) -> None:
    for name in ("root", "spool", "cache", "state", "bin/backend"):
        (folder / name).mkdir(parents=True)
    for name in ("daemon", "notifier"):
        (folder / "bin" / name).symlink_to(f"/usr/lib/cups/{name}")
    (folder / "cupsd.conf").write_text(_SCHEDULER.format(port=port))
    (folder / "files.conf").write_text(_FILES.format(folder=folder, user="lp"))
    backend = folder / "bin/backend/film"
    backend.write_text(_BACKEND.format(out=folder / "out"))
    backend.chmod(0o755)
    for path in (folder, *(path for path in folder.rglob("*") if "bin" not in path.parts)):
        shutil.chown(path, "lp", "lp")


@asynccontextmanager
async def _killed(*command: str | Path) -> AsyncIterator[None]:
    """Run a program, and kill it at the end: `unshare` ignores SIGTERM, and ends all processes in its namespace."""
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def ippeveprinter() -> AsyncIterator[Printer]:
    """Run ippeveprinter in a network of its own; connections to a port here reach it."""
    need("ippx")
    program("ippeveprinter", "cups-ipp-utils")
    program("dbus-daemon", "dbus")
    program("avahi-daemon", "avahi-daemon")
    unshare = program("unshare", "util-linux")
    apart = (unshare, "--net", "--mount", "--pid", "--fork", "--kill-child")
    if await asyncio.to_thread(subprocess.call, [*apart, "true"], stderr=subprocess.DEVNULL):
        pytest.skip("ippeveprinter needs a network namespace, which this user may not make")
    with _folder() as folder:
        command = folder / "command"
        command.write_text(_COMMAND.format(out=folder / "out"))
        command.chmod(0o755)
        async with _killed(*apart, sys.executable, ipp_namespace.__file__, folder):
            await ipp_namespace.until_listening(f"{folder}/printer")
            start = partial(asyncio.start_server, host="127.0.0.1", port=0)
            async with ipp_namespace.relaying(start, f"{folder}/printer") as server:
                port = server.sockets[0].getsockname()[1]
                yield Printer(f"ipp://127.0.0.1:{port}/ipp/print", folder / "out")
