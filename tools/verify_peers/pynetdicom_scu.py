"""A print SCU on pynetdicom, which prints one gray image.   python pynetdicom_scu.py HOST PORT AE

It checks each status, as the documentation of pynetdicom asks its users to do.
"""

import sys

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    Printer,
    PrinterInstance,
)

META = BasicGrayscalePrintManagementMeta
SIDE = 64
TIMEOUT = 15  # seconds, instead of 30 and 60: only the run is shorter


def dataset(**values: object) -> Dataset:
    """Return a data set of these attributes."""
    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def must(answer: tuple[Dataset, Dataset | None] | Dataset) -> Dataset | None:
    """Return the data set of a response. End the program if there is none, or its status is a failure."""
    status, data = answer if isinstance(answer, tuple) else (answer, None)
    if "Status" not in status or (status.Status != 0 and status.Status >> 12 != 0xB):
        association.release()
        sys.exit(1)
    return data


host, port, called = sys.argv[1:]
entity = AE(ae_title="PYNETDICOM")
entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = TIMEOUT
entity.add_requested_context(META)
handlers = [(evt.EVT_N_EVENT_REPORT, lambda _: (0x0000, None))]  # the library leaves the confirmation to its users
association = entity.associate(host, int(port), ae_title=called, evt_handlers=handlers)
if not association.is_established:
    sys.exit(1)
session, film = generate_uid(), generate_uid()
reference = dataset(ReferencedSOPClassUID=BasicFilmSession, ReferencedSOPInstanceUID=session)
image = dataset(
    SamplesPerPixel=1,
    PhotometricInterpretation="MONOCHROME2",
    Rows=SIDE,
    Columns=SIDE,
    BitsAllocated=8,
    BitsStored=8,
    HighBit=7,
    PixelRepresentation=0,
    PixelData=bytes(range(SIDE)) * SIDE,
)
image["PixelData"].VR = "OB"
must(association.send_n_get([0x21100010], Printer, PrinterInstance, meta_uid=META))
must(association.send_n_create(dataset(NumberOfCopies=1), BasicFilmSession, session, meta_uid=META))
boxes = must(
    association.send_n_create(
        dataset(ImageDisplayFormat=r"STANDARD\1,1", ReferencedFilmSessionSequence=[reference]),
        BasicFilmBox,
        film,
        meta_uid=META,
    )
)
if boxes is None or not boxes.get("ReferencedImageBoxSequence"):
    association.release()
    sys.exit(1)
box = boxes.ReferencedImageBoxSequence[0].ReferencedSOPInstanceUID
content = dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[image])
must(association.send_n_set(content, BasicGrayscaleImageBox, box, meta_uid=META))
must(association.send_n_action(None, 1, BasicFilmBox, film, meta_uid=META))
must(association.send_n_delete(BasicFilmBox, film, meta_uid=META))
must(association.send_n_delete(BasicFilmSession, session, meta_uid=META))
association.release()
