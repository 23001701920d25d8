"""A Verification SCP on pynetdicom, as its documentation has it.   python pynetdicom_scp.py PORT [ACSE-TIMEOUT]"""

import sys

from pynetdicom import AE
from pynetdicom.sop_class import Verification

entity = AE(ae_title="PYNETDICOM")
entity.add_supported_context(Verification)
if len(sys.argv) > 2:
    entity.acse_timeout = float(sys.argv[2])
entity.start_server(("127.0.0.1", int(sys.argv[1])), block=True)
