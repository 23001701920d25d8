"""``print-mgmt explain``: `dimse explain` with pages that also show the films."""

import argparse

from dimse.cli import explain

from ..explain import FilmView

__all__ = ["add"]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    explain.add(parser, views=lambda: [FilmView()])
    parser.description = f"{parser.description} A page also shows the films: layout, images, and the printed film."
