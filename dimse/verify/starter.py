"""A command by which the tester itself starts the peer, and starts it again after a case has damaged it."""

import asyncio
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..net.addresses import reach
from .process import Ended, end_group, signal_group, signal_of, tail

__all__ = ["Starter"]

_END = 2.0  # seconds to wait for the end of a program that no longer listens
_ANSWER = 2.0  # seconds to wait for a connection: a program that has stopped accepting may never answer
_MOMENT = 0.1  # seconds to wait for the end of a program that still listens, but may be about to end
_PAUSE = 0.05  # seconds between two attempts to connect


@dataclass(slots=True)
class Starter:
    """The command of a peer, which listens on ``host`` and ``port`` within ``patience`` seconds of its start.

    Use it as an asynchronous context manager: entering starts the peer, and leaving ends it. Raises OSError if the
    command cannot be started or does not listen in time, or if something else already listens there.
    """

    words: tuple[str, ...]
    host: str
    port: int
    patience: float = 30.0
    _process: asyncio.subprocess.Process | None = None
    _folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="verify-")
    )

    async def __aenter__(self) -> "Starter":
        try:
            if await self._listens():
                raise OSError(f"--start: something already listens on {self.host}:{self.port}")
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._end()
        finally:
            self._folder.cleanup()

    @property
    def has_ended(self) -> bool:
        """Whether the command has ended by itself."""
        return self._process is not None and self._process.returncode is not None

    async def ends_soon(self, *, is_suspect: bool) -> bool:
        """Return whether the command has ended, after a short wait for its end.

        Wait up to 2 s if the command accepts no connection within 2 s. If it accepts one, wait up to 0.1 s only if
        ``is_suspect``: the case went wrong, or the peer closed a connection.
        """
        if self._process is not None and not self.has_ended:
            seconds = _END if not await self._listens() else _MOMENT if is_suspect else 0.0
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._process.wait()
        return self.has_ended

    def describe_state(self) -> str:
        """Return a sentence: the command runs, or how it ended."""
        status = None if self._process is None else self._process.returncode
        if status is None:
            return "the command runs"
        number = signal_of(status)
        return (
            f"the command ended with exit status {status}" if number is None else f"signal {number} ended the command"
        )

    def ended(self) -> Ended:
        """Return the end of the command for the report: exit status or signal, and the last lines of stderr.

        While the command runs, exit status and signal are both None.
        """
        status = None if self._process is None else self._process.returncode
        return Ended(
            argv=self.words,
            exit=status if status is not None and status >= 0 else None,
            signal=None if status is None else signal_of(status),
            stderr=tail(self._log),
        )

    async def restart(self) -> None:
        """End the command if it still runs, and start it again.

        Raises OSError if it cannot be started, or does not listen in time.
        """
        await self._end()
        await self._start()

    @property
    def _log(self) -> Path:
        return Path(self._folder.name) / "stderr"

    async def _start(self) -> None:
        with self._log.open("wb") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *self.words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience):
                while not self.has_ended:
                    if await self._listens():
                        return
                    await asyncio.sleep(_PAUSE)
        last = tail(self._log).strip().splitlines()[-1:]
        silence = f"nothing listens on {self.host}:{self.port} after {self.patience:g} s"
        why = self.describe_state() if self.has_ended else silence
        raise OSError(f"--start: {why}{f': {last[0]}' if last else ''}")

    async def _listens(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER):
                transport, _ = await reach(asyncio.Protocol, self.host, self.port, _ANSWER)
        except OSError:  # TimeoutError is one
            return False
        transport.close()
        return True

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if process.returncode is None:
                await end_group(process)
        finally:  # for processes that the command has left behind
            signal_group(process.pid, signal.SIGKILL)
