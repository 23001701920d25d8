"""The command ``dimse lab``, a prompt that sends any PDU to a peer and explains the answer."""

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from ..errors import DimseError, escaped
from ..explain import View
from ..lab import Connection, Lab, Listener, Mistake, dial
from ..lab.forms import MESSAGE_NAMES
from ..lab.manual import COMMANDS
from ..net import Recorder, TLSContext, record
from ..terminal import (
    Peer,
    add_client_tls,
    add_server_tls,
    ae_title,
    capture_path,
    client_tls,
    listening_address,
    peer,
    seconds,
    server_tls,
)

__all__ = ["add"]

_COMMAND = re.compile(r"""(?:[^;'"]|'[^']*'|"[^"]*"|['"])+""")  # text up to a semicolon that is not in quotes
_PATH = re.compile(r"(?:@| file=)(\S*)$")  # at the end of a line, the part of a path that has been typed
_DELIMITERS = " =.:$,@"  # between the words that the Tab key completes
_Views = Callable[[], Sequence[View]]  # returns new views for one association


def add(parser: argparse.ArgumentParser, views: _Views = tuple) -> None:
    """Add the options of the command to ``parser``. ``views`` returns new views for each association (`View`)."""
    parser.description = (
        "A prompt for experiments: send any PDU to a peer, valid or not, and read an explanation of each byte of the "
        "answer, with the states of both sides. With --listen, wait for a peer and act as the server. Commands come "
        "from a terminal, from a pipe, or from -c; `help` shows them."
    )
    parser.epilog = (
        "Example: %(prog)s PRINTSCP@127.0.0.1:11112 -c 'associate; echo; release'. "
        "Exit status: 0 done, 1 no connection, or a command such as `expect` failed, 2 a wrong command in a script."
    )
    parser.add_argument("peer", type=peer, nargs="?", metavar="AE@HOST:PORT", help="the peer to connect to")
    parser.add_argument("--listen", type=listening_address, metavar="[HOST:]PORT", help="wait for peers to connect")
    parser.add_argument("-c", "--commands", metavar="COMMANDS", help="run these commands, separated by semicolons")
    parser.add_argument(
        "--calling", type=ae_title, default="DIMSE-LAB", metavar="AE", help="our AE title (default: %(default)s)"
    )
    parser.add_argument("--brief", action="store_true", help="show one line for each PDU, without its bytes")
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=2.0,
        metavar="SECONDS",
        help="time to connect to a peer, and to wait for each answer (default: 2)",
    )
    parser.add_argument(
        "--trace", type=capture_path, metavar="FILE", help="record all bytes in a capture, FILE.pcapng, or in a folder"
    )
    parser.add_argument("--trace-tls", action="store_true", help="also record connections with TLS, decrypted")
    add_client_tls(parser)
    add_server_tls(parser, "listen")
    parser.set_defaults(command=partial(_lab, parser, views))


def _lab(parser: argparse.ArgumentParser, views: _Views, arguments: argparse.Namespace) -> int:
    if (arguments.peer is None) == (arguments.listen is None):
        parser.error("give either a peer, AE@HOST:PORT, or --listen")
    tls, listen_tls = client_tls(parser, arguments), server_tls(parser, arguments, "listen")
    if (tls if arguments.peer is None else listen_tls) is not None:
        parser.error("--tls options are for a peer, --listen-tls options for --listen")
    if arguments.trace == "-":
        parser.error("--trace -: standard output has each PDU and state already; name a file or a folder")
    if arguments.trace and (tls or listen_tls) is not None and not arguments.trace_tls:
        parser.error("--trace would record decrypted TLS: add --trace-tls if that is intended")
    recorder = record(arguments.trace, tls=arguments.trace_tls) if arguments.trace else None
    listener = None
    if arguments.peer is None:
        listener = Listener(*arguments.listen, tls=listen_tls, recorder=recorder)
        host, port = listener.address
        print(f"listening on {f'[{host}]' if ':' in host else host}:{port}", flush=True)
    target: Peer | None = arguments.peer
    lab = Lab(
        partial(_connect, target, listener, arguments.timeout, tls, recorder),
        is_requestor=target is not None,
        called=target.ae_title if target is not None else "ANY-SCP",
        calling=arguments.calling,
        patience=arguments.timeout,
        views=views,
    )
    if arguments.brief:
        _print(lab.run("brief"))
    if isinstance(sys.stdin, io.TextIOWrapper):  # like sys.argv, keep bytes that are not text
        sys.stdin.reconfigure(errors="surrogateescape")
    try:
        if arguments.commands is None and sys.stdin.isatty():
            return _talk(lab, is_listening=listener is not None)
        if arguments.commands is None:
            return _run(lab, sys.stdin, "line")
        return _run(lab, _commands(arguments.commands), "command")
    finally:
        _print(lab.close())
        if listener is not None:
            listener.close()


def _connect(
    target: Peer | None,
    listener: Listener | None,
    timeout: float,
    tls: TLSContext | None,
    recorder: Recorder | None,
    seconds: float,
) -> Connection:
    if target is not None:
        return dial(target.host, target.port, seconds=min(seconds, timeout), tls=tls, recorder=recorder)
    assert listener is not None
    return listener.accept(seconds)


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _commands(text: str) -> list[str]:
    """Return the commands of ``-c``; a semicolon in quotes does not separate commands."""
    return _COMMAND.findall(text)


def _run(lab: Lab, lines: Iterable[str], unit: str) -> int:
    """Run a script, and return the exit status. Show each command after the prompt; stop at the first that fails.

    ``unit`` is the word for one of the ``lines`` in an error.
    """
    for number, line in enumerate(lines, 1):
        command = line.strip()
        if not command or command.startswith("#"):
            continue
        print(f"{lab.prompt}{escaped(command)}", flush=True)
        try:
            _print(lab.run(command))
        except Mistake as exc:
            print(f"dimse: {unit} {number}: {escaped(str(exc))}", file=sys.stderr)
            return 2
        except DimseError as exc:  # for example, a value that the peer sent cannot be decoded
            print(f"dimse: {unit} {number}: {escaped(str(exc))}", file=sys.stderr)
            return 1
        if lab.is_over:
            break
    return 0


def _talk(lab: Lab, *, is_listening: bool) -> int:
    """Read commands from the terminal until ``quit`` or Ctrl-D. Ctrl-C interrupts a command."""
    _complete_words(lab)
    print("help shows the commands, quit leaves." + (" connect waits for a peer." if is_listening else ""))
    while not lab.is_over:
        try:
            line = input(lab.prompt)
        except EOFError:
            print()
            break
        except KeyboardInterrupt:
            print()
            continue
        try:
            _print(lab.run(line))
        except (DimseError, OSError) as exc:
            print(f"! {escaped(str(exc))}")
        except KeyboardInterrupt:
            print("= interrupted")
    return 0


def _complete_words(lab: Lab) -> None:
    """Let the Tab key complete words, if Python has readline."""
    with suppress(ImportError):
        import readline

        words = _Words(lab, lambda: readline.get_line_buffer()[: readline.get_begidx()])
        readline.set_completer(words.complete)
        readline.set_completer_delims(_DELIMITERS)
        readline.parse_and_bind("tab: complete")


class _Words:
    """The words that the Tab key completes; ``before`` returns the text before the word."""

    def __init__(self, lab: Lab, before: Callable[[], str]) -> None:
        self._lab, self._before = lab, before
        self._found: list[str] = []

    def complete(self, text: str, number: int) -> str | None:
        """Return completion ``number`` of ``text``, counted from 0; None if there are fewer completions."""
        if number == 0:
            self._found = [word for word in self._candidates(text) if word.startswith(text)]
        return self._found[number] if number < len(self._found) else None

    def _candidates(self, text: str) -> Iterable[str]:
        before = self._before()
        if before.strip() in ("", "help"):
            return sorted(COMMANDS)
        if before.endswith("$"):
            return sorted(self._lab.names)
        if path := _PATH.search(before):  # a delimiter in the path, such as the dot of ``../a``, begins a new word
            begun = path[1]
            return [each[len(begun) :] for each in _files(begun + text) if each.startswith(begun)]
        return _vocabulary()


def _files(text: str) -> list[str]:
    """Return the paths of all files and folders beside the path ``text``; a folder ends in a slash."""
    folder, slash, _ = text.rpartition("/")
    with suppress(OSError):
        entries = sorted(os.scandir(folder + slash or "."), key=lambda entry: entry.name)
        return [f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries]
    return []


def _vocabulary() -> list[str]:
    from ..data.dictionary import tags_by_keyword
    from ..uids import registry

    uids = (row.keyword for row in registry().values() if row.keyword)
    return sorted({*MESSAGE_NAMES, *uids, *tags_by_keyword()})
