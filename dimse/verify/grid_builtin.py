"""The built-in scripts of the grid that need only Verification."""

from collections.abc import Mapping

__all__ = ["SCRIPTS"]

ECHO = """\
# Verification, twice on one association.
associate Verification:implicit
echo
echo
release
"""

CONTEXTS = """\
# Contexts that an acceptor may accept or refuse: syntaxes in two orders, an unknown syntax, an unknown class.
associate Verification:explicit,implicit Verification:implicit,explicit Verification:1.2.3.4 1.2.3.5:implicit
echo on=1
echo on=3
release
"""

STRAY = """\
# PDUs that are wrong on an open association: an unknown PDU type, a PDV on an unknown context, a stray A-RELEASE-RP.
associate Verification:implicit
raw 0900 00000005 00*5
close
associate Verification:implicit
echo on=77
close
associate Verification:implicit
raw 0600 00000004 00000000
close
"""

SCRIPTS: Mapping[str, str] = {"echo": ECHO, "contexts": CONTEXTS, "stray": STRAY}
