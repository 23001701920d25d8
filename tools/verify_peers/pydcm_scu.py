"""The print client of pydcm, which prints one gray image.   python pydcm_scu.py HOST PORT AE"""

import sys

from pydcm.dimse import print_image

SIDE = 64

host, port, called = sys.argv[1:]
status, _ = print_image(host, int(port), bytes(range(SIDE)) * SIDE, SIDE, SIDE, called_ae=called)
sys.exit(0 if int(status.Status) == 0 else 1)
