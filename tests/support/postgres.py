"""A private PostgreSQL server for tests, on a socket in a folder of its own, without a service of the system."""

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Postgres", "programs", "running"]

_SCHEMAS = 400  # more than the tests need

# No machine crashes here
_SAFE = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200")


def programs() -> Path | None:
    """Return the folder with ``initdb`` and ``postgres``, None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3])
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


class Postgres:
    """A server in ``folder``, which may be stopped, killed and started again."""

    def __init__(self, folder: Path, bin: Path, *, durable: bool = False) -> None:
        self._options = () if durable else _SAFE
        self.folder = folder
        self._bin = bin
        self._data = folder / "data"
        self._user = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        self._schemas = 0

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [*self._user, str(self._bin / program), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def create(self) -> None:
        if self._user:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "postgres", "-N")

    def create_schemas(self) -> None:
        self.sql(self._address, ";".join(f"CREATE SCHEMA films{number + 1}" for number in range(_SCHEMAS)))

    def start(self) -> None:
        options = " ".join((f"-k {self.folder}", "-h ''", *self._options))
        self._run("pg_ctl", "-D", self._data, "-o", options, "-l", self.folder / "log", "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it; the mode "immediate" is like a crash."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def kill(self) -> None:
        """Kill the server's main process, as ``kill -9`` does, and wait until all of its processes have ended."""
        locks = self._data / "postmaster.pid", self.folder / ".s.PGSQL.5432.lock"
        main = int(locks[0].read_text().split()[0])
        ends = [os.pidfd_open(pid) for pid in (*_children(main), main)]
        os.kill(main, signal.SIGKILL)
        for end in ends:
            select.select([end], [], [])
            os.close(end)
        for lock in locks:  # the system knows an ended process until its parent has noticed the end
            lock.unlink()

    def freeze(self) -> None:
        """Stop all processes of the server where they are: it is silent, like a machine that is cut off."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the processes of the server go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        for pid in (main, *_children(main)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait(self) -> None:
        """Wait until the server takes connections; it restarts by itself after one of its processes was killed."""
        while subprocess.run([self._bin / "pg_isready", "-q", "-h", self.folder], check=False).returncode:
            time.sleep(0.02)

    def sql(self, address: str, statement: str) -> None:
        """Run a statement in a database."""
        self._run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, address)

    def database(self) -> str:
        """Return the address of an empty schema, which a spool uses like a database of its own, at no cost."""
        self._schemas += 1
        assert self._schemas <= _SCHEMAS
        return f"{self._address}&options=-csearch_path%3Dfilms{self._schemas}"

    @property
    def _address(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def running(*, durable: bool = False) -> Iterator[Postgres]:
    """Run a server; it forces its writes to the disk if it is ``durable``.

    The caller has checked that `programs` are there.
    """
    found = programs()
    assert found is not None
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = Postgres(folder, found, durable=durable)
    try:
        server.create()
        server.start()
        server.create_schemas()
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
