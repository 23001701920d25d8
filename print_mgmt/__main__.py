"""The entry point of ``python -m print_mgmt``: the command line."""

import sys

from .cli import main

sys.exit(main())
