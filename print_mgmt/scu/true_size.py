"""True size: images as large on film as what they show, or not at all.

Requested Image Size asks for the width in mm (PS3.3 C.13.5). A printer that finds the image too large for its box
makes it smaller unless Requested Decimate/Crop Behavior says otherwise, and whoever measures on the film measures
wrong. So FAIL is asked for, unless the user asks for CROP, and the answers are held against it: some printers do not
have the one attribute, some not the other.
"""

from dataclasses import replace

from dimse.data import Dataset, tag_of
from dimse.errors import EncodeError
from dimse.message import Response

from ..attributes import Chosen
from ..film import PrintImage
from ..images import ImageError
from ..status import (
    ATTRIBUTE_LIST,
    CROPPED,
    DECIMATED,
    DEMAGNIFIED,
    INVALID_VALUE,
    NO_SUCH_ATTRIBUTE,
    OUT_OF_RANGE,
    meaning,
)
from ..typed import text
from .operations import PrintFailed
from .session import FilmBox

__all__ = ["NO_SIZE", "check_printed", "demanded", "put"]

NO_SIZE = "true size: the image does not tell how large its pixels are (PS3.3 10.7.1)"

_BEHAVIOR, _SIZE = "RequestedDecimateCropBehavior", "RequestedImageSize"
_UNSURE = (ATTRIBUTE_LIST, OUT_OF_RANGE)  # an attribute was not taken: which one, some printers say
_SMALLER = (DEMAGNIFIED, DECIMATED)


def demanded(chosen: Chosen) -> Chosen:
    """Return what a user chose with FAIL for images that are too large, unless it says CROP.

    Raises `EncodeError` for DECIMATE, which contradicts true size, and for a Requested Image Size.
    """
    behavior = text(chosen.image_box, _BEHAVIOR)
    if behavior == "DECIMATE":
        raise EncodeError("DECIMATE contradicts true size: FAIL or CROP (PS3.3 C.13.5)", path=_BEHAVIOR)
    if _SIZE in chosen.image_box:
        raise EncodeError("contradicts true size (PS3.3 C.13.5)", path=_SIZE)
    if behavior:
        return chosen
    image_box = chosen.image_box.copy()
    image_box[_BEHAVIOR] = "FAIL"
    return replace(chosen, image_box=image_box)


async def put(film: FilmBox, position: int, image: PrintImage, attributes: Dataset) -> None:
    """Put ``image`` into the image box at ``position``, in true size.

    Raises `ImageError` for an image whose pixels are of no known size, and where the printer would print it in
    another size; `PrintFailed` as `FilmBox.put`.
    """
    if image.PixelSpacing is None:
        raise ImageError(NO_SIZE)
    attributes = attributes.copy()
    attributes[_SIZE] = round(image.PixelSpacing[1] * image.pixels.shape[1], 6)
    crops = text(attributes, _BEHAVIOR) == "CROP"
    response = await _put(film, position, image, attributes)
    if response is None:  # without the behavior the answer still tells what becomes of the image
        del attributes[_BEHAVIOR]
        response = await film.put(position, image, attributes)
    what = f"image {position} of {film.name}: true size"
    _check_size(what, response.Status, crops=crops)
    if response.Status in _UNSURE and tag_of(_SIZE) in (_offending(response) or (tag_of(_SIZE),)):
        raise ImageError(f"{what}: the printer does not take Requested Image Size ({_words(response.Status)})")


async def _put(film: FilmBox, position: int, image: PrintImage, attributes: Dataset) -> Response | None:
    """Ask for FAIL, or what the user chose; None where the printer may not have that attribute."""
    is_ours = text(attributes, _BEHAVIOR) == "FAIL"
    try:
        response = await film.put(position, image, attributes)
    except PrintFailed as exc:
        if is_ours and exc.status in (NO_SUCH_ATTRIBUTE, INVALID_VALUE):
            return None
        raise
    return None if is_ours and response.Status in _UNSURE and not _offending(response) else response


def check_printed(film: str, status: int, attributes: Dataset) -> None:
    """Raise `ImageError` where the answer to N-ACTION says that images were printed in another size."""
    _check_size(f"{film}: true size", status, crops=text(attributes, _BEHAVIOR) == "CROP")


def _check_size(what: str, status: int, *, crops: bool) -> None:
    if status in _SMALLER or (status == CROPPED and not crops):
        raise ImageError(f"{what}: an image is larger than its image box ({_words(status)})")


def _offending(response: Response) -> tuple[int, ...]:
    return tuple(getattr(response, "AttributeIdentifierList", None) or ())


def _words(status: int) -> str:
    return f"status {status:04X}H: {meaning(status)}"
