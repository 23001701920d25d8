"""A Verification SCP on pynetdicom, as its documentation has it.   python pynetdicom_scp.py PORT"""

import sys

from pynetdicom import AE
from pynetdicom.sop_class import Verification

entity = AE(ae_title="PYNETDICOM")
entity.add_supported_context(Verification)
entity.start_server(("127.0.0.1", int(sys.argv[1])), block=True)
