"""Lesson 6: a film, from N-CREATE to N-DELETE, one DIMSE operation at a time."""

import asyncio

import numpy as np

from dimse import Association, Dataset
from dimse.message import Response
from dimse.net import Trace, connect
from dimse.net.scu import dataset_of, n_action, n_create, n_delete, n_set
from dimse.uids import BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox, BasicGrayscalePrintManagementMeta
from dimse.uids import ExplicitVRLittleEndian as ExplicitLE
from print_mgmt import Film, PrintServer

SESSION, FILM, META = "1.2.3.4.1", "1.2.3.4.2", BasicGrayscalePrintManagementMeta
PIXELS = np.arange(4096, dtype=np.uint8).reshape(64, 64)


def image() -> Dataset:
    """Return the item of Basic Grayscale Image Sequence: eight attributes, and the pixels."""
    shape = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Rows": 64, "Columns": 64}
    depth = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    return Dataset(**shape, **depth, PixelData=PIXELS)


async def print_film(association: Association) -> None:
    context = association.context_for(META)

    def show(operation: str, response: Response) -> Dataset:
        print(f"{operation:25} {response.Status:04X}H")
        return dataset_of(association, context, response)

    session = Dataset(NumberOfCopies=1, FilmDestination="PROCESSOR")
    show("N-CREATE film session", await n_create(association, context, BasicFilmSession, SESSION, session))
    box = Dataset(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="8INX10IN", FilmOrientation="PORTRAIT")
    box.ReferencedFilmSessionSequence = [
        Dataset(ReferencedSOPClassUID=BasicFilmSession, ReferencedSOPInstanceUID=SESSION)
    ]
    reply = show("N-CREATE film box", await n_create(association, context, BasicFilmBox, FILM, box))
    (place,) = reply.ReferencedImageBoxSequence  # the printer has made the image box, and names it
    changes = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[image()])
    uid = place.ReferencedSOPInstanceUID
    show("N-SET image box", await n_set(association, context, BasicGrayscaleImageBox, uid, changes))
    show("N-ACTION Print, film box", await n_action(association, context, BasicFilmBox, FILM, 1))
    show("N-DELETE film box", await n_delete(association, context, BasicFilmBox, FILM))
    show("N-DELETE film session", await n_delete(association, context, BasicFilmSession, SESSION))


async def main(trace: Trace | None = None) -> None:
    films: list[Film] = []
    async with PrintServer(films.append, port=0, trace=trace) as printer:
        async with connect(printer.host, printer.port, {META: [ExplicitLE]}, calling_ae_title="STUDENT") as association:
            await print_film(association)
    print("printed:", *(f"film {film.number} of {film.calling_ae_title}" for film in films))


if __name__ == "__main__":
    asyncio.run(main())
