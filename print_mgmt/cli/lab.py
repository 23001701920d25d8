"""``print-mgmt lab``: `dimse lab`, which also shows what happens to the films."""

import argparse

from dimse.cli import lab

from .tap import film_views

__all__ = ["add"]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    lab.add(parser, views=film_views)
    parser.description = f"{parser.description} The lab also shows what happens to the films."
