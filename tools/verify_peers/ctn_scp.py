"""The print server of CTN on the port of the argument, with a database of its own in the working directory.

print_server looks up the AE titles VERIFYSCU and CTN in a database: a MariaDB here, which listens on a socket of this
folder only. This script ends as print_server ends, by the same signal or exit status.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

TABLES = """CREATE DATABASE IF NOT EXISTS CTNControl;
USE CTNControl;
CREATE OR REPLACE TABLE ApplicationEntity
 (Title char(16), Node char(64), Port int, Comment char(80), Organization char(32));
CREATE OR REPLACE TABLE SecurityMatrix (RequestingTitle char(16), RespondingTitle char(16));
CREATE OR REPLACE TABLE GroupNames (GroupName char(16), Title char(16));
CREATE OR REPLACE TABLE PrintServerCFG (RequestingTitle char(16), RespondingTitle char(16), GQId int);
INSERT INTO ApplicationEntity VALUES ('VERIFYSCU', 'localhost', 104, '', ''), ('CTN', 'localhost', 104, '', '');
INSERT INTO SecurityMatrix VALUES ('VERIFYSCU', 'CTN');
INSERT INTO PrintServerCFG VALUES ('VERIFYSCU', 'CTN', 1);
"""
# The UIDs that print_server makes: their root, and the next number of each kind
UIDS = """ROOT 1.2.3.4
DEVICE 1
VISIT 1
STUDY 1
SERIES 1
IMAGE 1
RESULTS 1
INTERPRETATION 1
PRINTER 1
SERIAL 1
STUDYCOMPONENT 1
STORAGECOMMITTRANSACTION 1
"""
PATIENCE = 20.0  # seconds for the database to start
PAUSE = 0.02


def database(folder: Path, until: ExitStack) -> None:
    """Start a database with the tables of `TABLES` in a folder, and wait until it serves print_server."""
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        sys.exit("mariadbd is not installed: apt-get install mariadb-server-core")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    file, path = folder / "tables.sql", folder / "socket"
    statements = (" ".join(each.split()) for each in TABLES.split(";"))
    file.write_text("".join(f"{each};\n" for each in statements if each))  # a line is a statement
    path.unlink(missing_ok=True)
    options = {"datadir": folder / "data", "socket": path, "init-file": file, "pid-file": folder / "pid"}
    plain = ("--skip-networking", "--skip-grant-tables", "--innodb=OFF", "--default-storage-engine=Aria")
    words = [program, "--no-defaults", *(f"--{name}={value}" for name, value in options.items()), *plain]
    words += ["--user=root"] if os.getuid() == 0 else []
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    until.callback(_end, process)
    end = time.monotonic() + PATIENCE
    while not _serves(path):
        if process.poll() is not None or time.monotonic() > end:
            sys.exit(f"mariadbd does not serve; see {folder / 'log'}")
        time.sleep(PAUSE)


def _serves(path: Path) -> bool:
    """Return whether the database listens: it does so after it has run the statements of its init-file."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that may have ended by itself."""
    with suppress(ProcessLookupError):
        process.terminate()
    process.wait()


def main() -> None:
    """Run the database and print_server until print_server ends."""
    folder = Path("database").absolute()
    with ExitStack() as until:
        database(folder, until)
        uids = folder / "uids"
        if not uids.exists():
            uids.write_text(UIDS)
        environment = {**os.environ, "MYSQL_UNIX_PORT": str(folder / "socket"), "UIDFILE": str(uids)}
        server = subprocess.Popen(["print_server", "-n", "localhost", sys.argv[1]], env=environment)
        until.callback(_end, server)
        status = server.wait()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    main()
