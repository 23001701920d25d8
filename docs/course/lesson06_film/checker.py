"""Checks exercise 6: prints the film."""

import asyncio

from exercises import Exercise, Wrong

from dimse import Association, Dataset, connect
from dimse.message import Response, is_failure
from dimse.net.scu import dataset_of, n_action, n_create, n_set
from dimse.uids import BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox, ExplicitVRLittleEndian
from dimse.uids import BasicGrayscalePrintManagementMeta as Meta
from print_mgmt import Film, PrintServer
from print_mgmt.typed import items, text

_MISTAKES = ("ReferencedFilmSessionSequence", "HighBit")  # of the exercise; other mistakes are the learner's own
_SESSION, _BOX = "1.2.3.4.1", "1.2.3.4.2"


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    box = _made(exercise, "film_box", "PS3.3 C.13.3 and PS3.4 Table H.4-6 list the attributes of a film box.")
    image = _made(exercise, "image", "PS3.3 C.13.5 lists the attributes of an image box.")
    films: list[Film] = []
    asyncio.run(_print(films, box, image))
    if len(films) != 1:
        raise Wrong("nothing was printed", "Compare with run.py.")
    return "The film is printed. Lenient printers accept the first mistake, and strict ones refuse it with 0120H."


def _made(exercise: Exercise, name: str, hint: str) -> Dataset:
    made = exercise.result(name, hint)
    if not isinstance(made, Dataset):
        raise Wrong(f"{name} returns {made!r}, not a Dataset", hint)
    return made


async def _print(films: list[Film], box: Dataset, image: Dataset) -> None:
    async with PrintServer(films.append, port=0) as printer:
        async with connect(printer.host, printer.port, {Meta: [ExplicitVRLittleEndian]}) as association:
            context = association.context_for(Meta)
            await n_create(association, context, BasicFilmSession, _SESSION, Dataset(NumberOfCopies=1))
            made = await n_create(association, context, BasicFilmBox, _BOX, box)
            _expect(
                made, "N-CREATE of the film box", "What links a film box to its film session? See PS3.4 Table H.4-6."
            )
            await _fill(association, dataset_of(association, context, made), image)


async def _fill(association: Association, created: Dataset, image: Dataset) -> None:
    context = association.context_for(Meta)
    places = items(created, "ReferencedImageBoxSequence")
    if len(places) != 1:
        raise Wrong(f"the film has {len(places)} image boxes for one image", "Leave Image Display Format as it was.")
    changes = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[image])
    uid = text(places[0], "ReferencedSOPInstanceUID")
    filled = await n_set(association, context, BasicGrayscaleImageBox, uid, changes)
    _expect(filled, "N-SET of the image box", "How do Bits Allocated, Bits Stored and High Bit depend on each other?")
    printed = await n_action(association, context, BasicFilmBox, _BOX, 1)
    _expect(printed, "N-ACTION", "Compare with run.py.")


def _expect(response: Response, operation: str, hint: str) -> None:
    if is_failure(response.Status):
        comment = response.ErrorComment or "without a comment"
        if comment.split()[0] not in _MISTAKES:
            hint = "The comment names the attribute; run.py has a film that is accepted."
        raise Wrong(f"the printer answers {operation} with {response.Status:04X}H, {comment}", hint)
