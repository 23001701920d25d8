"""Runs the command line as ``python -m print_mgmt``."""

import sys

from .cli import main

sys.exit(main())
