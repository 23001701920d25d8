"""The entry point of ``python -m dimse``: the command line."""

import sys

from .cli import main

sys.exit(main())
