"""True size: images in life size on film, or not at all.

Requested Image Size is the width in mm (PS3.3 C.13.5). If an image is too large for its box, a printer makes it
smaller, and measurements on the film are wrong, unless Requested Decimate/Crop Behavior forbids that. So FAIL is
requested, unless the user chooses CROP. The responses are checked, because some printers support only one of these
attributes.
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

NO_SIZE = "true size: the image does not tell the size of its pixels (PS3.3 10.7.1)"

_BEHAVIOR, _SIZE = "RequestedDecimateCropBehavior", "RequestedImageSize"
_UNSURE = (ATTRIBUTE_LIST, OUT_OF_RANGE)  # an attribute was not accepted; some printers name it
_SMALLER = (DEMAGNIFIED, DECIMATED)


def demanded(chosen: Chosen) -> Chosen:
    """Return the chosen attributes, with FAIL for images that are too large, unless they say CROP.

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

    Raises `ImageError` for pixels of unknown size, and if the printer would print the image in another size;
    `PrintFailed` as `FilmBox.put` does.
    """
    if image.PixelSpacing is None:
        raise ImageError(NO_SIZE)
    attributes = attributes.copy()
    attributes[_SIZE] = round(image.PixelSpacing[1] * image.pixels.shape[1], 6)
    crops = text(attributes, _BEHAVIOR) == "CROP"
    response = await _put(film, position, image, attributes)
    if response is None:  # without it, the response still tells the outcome
        del attributes[_BEHAVIOR]
        response = await film.put(position, image, attributes)
    what = f"image {position} of {film.name}: true size"
    _check_size(what, response.Status, crops=crops)
    if response.Status in _UNSURE and tag_of(_SIZE) in (_offending(response) or (tag_of(_SIZE),)):
        raise ImageError(f"{what}: the printer does not support Requested Image Size ({_words(response.Status)})")


async def _put(film: FilmBox, position: int, image: PrintImage, attributes: Dataset) -> Response | None:
    """Put an image with FAIL, or the behavior of the user; return None if the printer may lack that attribute."""
    is_ours = text(attributes, _BEHAVIOR) == "FAIL"
    try:
        response = await film.put(position, image, attributes)
    except PrintFailed as exc:
        if is_ours and exc.status in (NO_SUCH_ATTRIBUTE, INVALID_VALUE):
            return None
        raise
    return None if is_ours and response.Status in _UNSURE and not _offending(response) else response


def check_printed(film: str, status: int, attributes: Dataset) -> None:
    """Raise `ImageError` if the response to N-ACTION says that images were printed in another size."""
    _check_size(f"{film}: true size", status, crops=text(attributes, _BEHAVIOR) == "CROP")


def _check_size(what: str, status: int, *, crops: bool) -> None:
    if status in _SMALLER or (status == CROPPED and not crops):
        raise ImageError(f"{what}: an image is larger than its image box ({_words(status)})")


def _offending(response: Response) -> tuple[int, ...]:
    return tuple(getattr(response, "AttributeIdentifierList", None) or ())


def _words(status: int) -> str:
    return f"status {status:04X}H: {meaning(status)}"
