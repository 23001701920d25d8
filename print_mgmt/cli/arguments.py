"""Argument types and actions that several commands have."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from dimse.errors import DimseError

__all__ = ["listing", "refused"]

_Made = TypeVar("_Made")


def refused(make: Callable[[str], _Made]) -> Callable[[str], _Made]:
    """``make`` as an argument type: what it cannot make is wrong usage."""

    def parse(text: str) -> _Made:
        try:
            return make(text)
        except DimseError as exc:
            raise argparse.ArgumentTypeError(str(exc)) from exc
        except OSError as exc:
            raise argparse.ArgumentTypeError(f"{text}: {exc.strerror}") from exc

    return parse


def listing(rows: Mapping[str, str]) -> type[argparse.Action]:
    """An option that shows names and what they are, and ends, as ``--help`` does."""

    class Listing(argparse.Action):
        def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
            super().__init__(option_strings, dest, nargs=0, help=help)

        def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
            for name, what in rows.items():
                print(f"{name:14}{what}")
            parser.exit()

    return Listing
