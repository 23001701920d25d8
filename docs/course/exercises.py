"""The common parts of the checkers of the course: the learner's file, and its possible faults."""

import runpy
import traceback
from collections.abc import Callable, Iterator, Mapping
from inspect import iscoroutine
from pathlib import Path
from typing import TypeGuard, TypeVar

__all__ = ["LESSONS", "Exercise", "Wrong", "folder_of"]

_T = TypeVar("_T")
_HOME = Path(__file__).parent

LESSONS = {
    1: "echo",
    2: "contexts",
    3: "fragments",
    4: "encodings",
    5: "states",
    6: "film",
    7: "events",
    8: "pixels",
    9: "tls",
    10: "faults",
    11: "service",
    12: "recording",
}


def folder_of(lesson: int) -> Path:
    """Return the folder of a lesson."""
    return _HOME / f"lesson{lesson:02}_{LESSONS[lesson]}"


class Wrong(Exception):
    """An answer is missing or wrong. ``reason`` names the fault; ``hint`` says where to look for the answer."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Exercise:
    """The names in the file that the learner edits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._names: Mapping[str, object] = runpy.run_path(str(path))
        except (Exception, SystemExit) as exc:
            raise Wrong(f"{path.name} does not run: {_words(exc, path)}", "Python must be able to run it.") from exc

    def answer(self, name: str, kind: type[_T], hint: str) -> _T:
        """Return the answer ``name``, which is of the type ``kind``. Raises `Wrong` with ``hint`` if it is not."""
        value = self._names.get(name)
        if value is None or value is ...:
            raise Wrong(f"{name} has no answer yet", hint)
        if not _is_of(value, kind):
            raise Wrong(f"{name} is {value!r}, but should be of the type {kind.__name__}", hint)
        return value

    def answers(self, name: str, kind: type[_T], count: int, hint: str) -> list[_T]:
        """Return ``count`` answers in the list ``name``. Raises `Wrong` if one is missing or of another type."""
        values = self.answer(name, list, hint)
        if len(values) != count:
            raise Wrong(f"{name} has {len(values)} answers, but there are {count} questions", hint)
        for number, value in enumerate(values, 1):
            if value is None or value is ...:
                raise Wrong(f"answer {number} in {name} is missing", hint)
            if not _is_of(value, kind):
                raise Wrong(f"answer {number} in {name} is {value!r}, but should be of the type {kind.__name__}", hint)
        return values

    def octets(self, name: str, hint: str) -> bytes:
        """Return the bytes of an answer in hexadecimal. Raises `Wrong` for text that is not hexadecimal."""
        text = self.answer(name, str, hint)
        if not text.strip() or "?" in text:
            raise Wrong(f"{name} has no answer yet", hint)
        try:
            return bytes.fromhex(text)
        except ValueError as exc:
            raise Wrong(f"{name} is not hexadecimal: {exc}", "Write two digits for each byte, such as 0A FF.") from exc

    def function(self, name: str, hint: str) -> Callable[..., object]:
        """Return the function ``name``. Raises `Wrong` if there is none."""
        value = self._names.get(name)
        if not callable(value):
            raise Wrong(f"there is no function {name}", hint)
        return value

    def result(self, name: str, hint: str, *arguments: object) -> object:
        """Return the result of the function ``name``. Raises `Wrong` if it raises an error, or is asynchronous."""
        function = self.function(name, hint)
        try:
            value = function(*arguments)
        except (Exception, SystemExit) as exc:
            raise Wrong(self.fault(name, exc), hint) from exc
        if iscoroutine(value):
            value.close()
            raise Wrong(f"{name} is an async function, but should be a plain one", hint)
        return value

    def fault(self, name: str, error: BaseException) -> str:
        """Return a sentence that the function ``name`` has raised an error."""
        return f"{name} raises an error: {_words(error, self._path)}"


def _is_of(value: object, kind: type[_T]) -> TypeGuard[_T]:
    """Return whether a value is of a type; True and False are not numbers."""
    return isinstance(value, kind) and isinstance(value, bool) is (kind is bool)


def _words(error: BaseException, path: Path) -> str:
    lines: Iterator[int | None]
    if isinstance(error, SyntaxError):
        lines = iter([error.lineno])
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = (frame.lineno for frame in reversed(frames) if frame.filename == str(path))
    line = next(lines, None)
    where = "" if line is None else f"line {line}: "
    return f"{where}{type(error).__name__}: {error}".removesuffix(": ")
