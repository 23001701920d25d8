"""``print-mgmt tap``: `dimse tap` with pages that also show the films."""

import argparse
from collections.abc import Sequence

from dimse.cli import tap
from dimse.explain import View

from ..explain import FilmView

__all__ = ["add", "film_views"]


def film_views() -> Sequence[View]:
    """Return the views of one association: its films."""
    return [FilmView()]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    tap.add(parser, views=film_views)
    parser.description = f"{parser.description} A page also shows the films: layout, images, and the printed film."
