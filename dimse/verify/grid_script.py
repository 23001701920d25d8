"""Scripts of the grid, with one command on each line, in the language of ``dimse lab``. They have these commands:

==============================  ==============================================================================
``associate CONTEXT ...``       propose contexts, each an abstract syntax with transfer syntaxes:
                                ``Verification:explicit,implicit``
``send MESSAGE KEYWORD=VALUE``  send a request, such as ``N-CREATE-RQ``, on the context of its SOP Class, or else on
                                the first accepted one; ``on=ID`` selects another
``echo``                        send a C-ECHO-RQ; ``on=ID`` selects the context
``let NAME = VALUE``            name a new UID (``new``), or a value of the last response
``raw OCTETS``                  send octets as they are
``release``, ``abort``          end the association
``close``                       send FIN (over TLS, only stop sending); the next ``associate`` opens another connection
==============================  ==============================================================================

``$NAME`` stands for a named value, which may differ from peer to peer. A word with such a value cannot name a file, so
that no peer can choose a file to read.
``#`` begins a comment, also within a word, but not in quotes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import DecodeError, shown
from ..lab.language import Mistake, is_name, split

__all__ = ["GridScript", "Step", "read_script"]

_COMMANDS = ("associate", "send", "echo", "let", "raw", "release", "abort", "close")
_MAX_LENGTH = 1 << 20  # characters of a script
_LET_WORDS = 4  # let NAME = VALUE


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a script: its number, its text, and its words, the first of which is the command."""

    number: int
    text: str
    words: tuple[str, ...]

    @property
    def command(self) -> str:
        return self.words[0]

    @property
    def may_print(self) -> bool:
        """Whether this line sends an N-ACTION-RQ, which may make a printer print; ``raw`` is not examined."""
        return self.command == "send" and self.words[1].upper() == "N-ACTION-RQ"


@dataclass(frozen=True, slots=True)
class GridScript:
    """A script: its name, the comment of its first lines, and its steps."""

    name: str
    about: str
    steps: tuple[Step, ...]


def read_script(source: str, builtin: Mapping[str, str]) -> GridScript:
    """Return the built-in script with the name ``source``, or else the script in that file.

    Raises `DecodeError` for a missing file, for a file that is too long or has no command, and for a line that is not a
    command (the error names the line). Raises `OSError` if the file cannot be read.
    """
    text = builtin.get(source)
    if text is None:
        path = Path(source)
        if not path.exists():
            raise DecodeError(f"{shown(source)} is neither a file nor a built-in script ({', '.join(builtin)})")
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            text = file.read(_MAX_LENGTH + 1)
        if len(text) > _MAX_LENGTH:
            raise DecodeError(f"{source} is longer than a script may be: {_MAX_LENGTH} characters")
    return parse_script(Path(source).stem, text)


def parse_script(name: str, text: str) -> GridScript:
    """Return the script in ``text``.

    Raises `DecodeError` for a text without commands, and for a line that is not a command (the error names the line).
    """
    steps, about = list[Step](), list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if bare.startswith("#") and not steps:
            about.append(bare.strip("# "))
        if not bare or bare.startswith("#"):
            continue
        try:
            words = split(bare)
        except Mistake as exc:
            raise DecodeError(f"{name}, line {number}: {exc}") from exc
        _check(name, number, words)
        steps.append(Step(number, bare, tuple(words)))
    if not steps:
        raise DecodeError(f"{name} has no command")
    return GridScript(name, " ".join(about), tuple(steps))


def _check(name: str, number: int, words: list[str]) -> None:
    if words[0] not in _COMMANDS:
        raise DecodeError(f"{name}, line {number}: {shown(words[0])} is not one of the commands {', '.join(_COMMANDS)}")
    if words[0] == "let" and (len(words) != _LET_WORDS or words[2] != "="):
        raise DecodeError(f"{name}, line {number}: let needs the form: let NAME = VALUE")
    if words[0] == "let" and not is_name(words[1]):
        raise DecodeError(f"{name}, line {number}: {shown(words[1])} is not a name: a letter, then letters and digits")
    if words[0] in ("send", "raw") and len(words) == 1:
        raise DecodeError(f"{name}, line {number}: {words[0]} needs {'a message' if words[0] == 'send' else 'octets'}")
    if words[0] == "send" and "$" in words[1]:  # a value of the peer could make it N-ACTION-RQ (`Step.may_print`)
        raise DecodeError(f"{name}, line {number}: send needs a message, not a value such as {shown(words[1])}")
