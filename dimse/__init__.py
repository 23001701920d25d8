"""The DICOM upper layer (PS3.8), DIMSE messages (PS3.7) and Data Sets (PS3.5, PS3.6, PS3.10), from scratch.

The package has floors, and each floor imports only from the floors below:

- `dimse.cli`: the commands
- `dimse.command_line` and `dimse.terminal`: the parts that the commands share
- `dimse.verify`: the conformance tester
- `dimse.lab`: experiments with a peer
- `dimse.net`, asyncio: `connect`, `serve`, and the operations of `dimse.net.scu`
- `dimse.explain`: explanations of captures and recorded associations
- `dimse.message` and `dimse.tls`: the 23 DIMSE messages; TLS
- `dimse.ul` and `dimse.data`: PDUs and the state machine; Data Sets and files
- `dimse.errors`, `dimse.limits`, `dimse.uids`, `dimse.files`, and other single modules

The names in ``__all__`` are imported when they are first used.
"""

from typing import TYPE_CHECKING

from .exports import lazy_exports
from .version import __version__

if TYPE_CHECKING:
    from .data import Dataset, Tag
    from .data.part10 import read_file, write_file
    from .errors import (
        AssociationAborted,
        AssociationRejected,
        ConnectionFailed,
        ContextNotAccepted,
        DecodeError,
        DimseError,
        EncodeError,
        LimitExceeded,
        LocalProtocolError,
        RemoteProtocolError,
        ResponseTimeout,
        ServiceError,
    )
    from .net import Association, Limits, Record, Service, Timeouts, connect, serve
    from .ul import UpperLayer
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            ".data": ("Dataset", "Tag"),
            ".data.part10": ("read_file", "write_file"),
            ".errors": (
                "AssociationAborted",
                "AssociationRejected",
                "ConnectionFailed",
                "ContextNotAccepted",
                "DecodeError",
                "DimseError",
                "EncodeError",
                "LimitExceeded",
                "LocalProtocolError",
                "RemoteProtocolError",
                "ResponseTimeout",
                "ServiceError",
            ),
            ".net": ("Association", "Limits", "Record", "Service", "Timeouts", "connect", "serve"),
            ".ul": ("UpperLayer",),
        },
    )

__all__ = [
    "Association",
    "AssociationAborted",
    "AssociationRejected",
    "ConnectionFailed",
    "ContextNotAccepted",
    "Dataset",
    "DecodeError",
    "DimseError",
    "EncodeError",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "Record",
    "RemoteProtocolError",
    "ResponseTimeout",
    "Service",
    "ServiceError",
    "Tag",
    "Timeouts",
    "UpperLayer",
    "__version__",
    "connect",
    "read_file",
    "serve",
    "write_file",
]
