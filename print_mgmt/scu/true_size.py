"""Prints images in true size, or not at all.

Requested Image Size is the width of an image in mm (PS3.3 C.13.5). A printer may reduce an image that is too large for
its box; then measurements on the film are wrong. Requested Decimate/Crop Behavior forbids this with the value FAIL,
which is sent unless the user chooses CROP. The responses are checked, because some printers support only one of these
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

__all__ = ["NO_SIZE", "check_printed", "require_true_size", "put"]

NO_SIZE = "true size: the image does not contain the size of its pixels (PS3.3 10.7.1)"

_BEHAVIOR, _SIZE = "RequestedDecimateCropBehavior", "RequestedImageSize"
_NOT_ACCEPTED = (ATTRIBUTE_LIST, OUT_OF_RANGE)  # an attribute was not accepted; some printers name it
_SMALLER = (DEMAGNIFIED, DECIMATED)


def require_true_size(chosen: Chosen) -> Chosen:
    """Return the chosen attributes with Requested Decimate/Crop Behavior FAIL, unless it is CROP.

    Raises `EncodeError` for DECIMATE and for a Requested Image Size, which contradict true size.
    """
    behavior = text(chosen.image_box, _BEHAVIOR)
    if behavior == "DECIMATE":
        raise EncodeError("DECIMATE contradicts true size; use FAIL or CROP (PS3.3 C.13.5)", path=_BEHAVIOR)
    if _SIZE in chosen.image_box:
        raise EncodeError("contradicts true size (PS3.3 C.13.5)", path=_SIZE)
    if behavior:
        return chosen
    image_box = chosen.image_box.copy()
    image_box[_BEHAVIOR] = "FAIL"
    return replace(chosen, image_box=image_box)


async def put(film: FilmBox, position: int, image: PrintImage, attributes: Dataset) -> None:
    """Put ``image`` into the image box at ``position``, in true size.

    ``image`` must have a PixelSpacing. If the printer seems not to support the behavior FAIL, the image is put again
    without it. Raises `ImageError` if the printer would print it in another size or does not support Requested Image
    Size, and `PrintFailed` as `FilmBox.put` does.
    """
    assert image.PixelSpacing is not None
    attributes = attributes.copy()
    attributes[_SIZE] = round(image.PixelSpacing[1] * image.pixels.shape[1], 6)
    crops = text(attributes, _BEHAVIOR) == "CROP"
    response = await _put(film, position, image, attributes)
    if response is None:  # without this attribute, the status still shows whether the image was reduced
        del attributes[_BEHAVIOR]
        response = await film.put(position, image, attributes)
    what = f"image {position} of {film.name}: true size"
    _check_size(what, response.Status, crops=crops)
    if response.Status in _NOT_ACCEPTED and tag_of(_SIZE) in (_offending(response) or (tag_of(_SIZE),)):
        raise ImageError(f"{what}: the printer does not support Requested Image Size ({_words(response.Status)})")


async def _put(film: FilmBox, position: int, image: PrintImage, attributes: Dataset) -> Response | None:
    """Put an image into a box. Return None if the printer seems not to support the behavior FAIL."""
    fails = text(attributes, _BEHAVIOR) == "FAIL"
    try:
        response = await film.put(position, image, attributes)
    except PrintFailed as exc:
        if fails and exc.status in (NO_SUCH_ATTRIBUTE, INVALID_VALUE):
            return None
        raise
    return None if fails and response.Status in _NOT_ACCEPTED and not _offending(response) else response


def check_printed(film: str, status: int, attributes: Dataset) -> None:
    """Raise `ImageError` if the status of N-ACTION shows that images were printed in another size."""
    _check_size(f"{film}: true size", status, crops=text(attributes, _BEHAVIOR) == "CROP")


def _check_size(what: str, status: int, *, crops: bool) -> None:
    if status in _SMALLER or (status == CROPPED and not crops):
        raise ImageError(f"{what}: an image is larger than its image box ({_words(status)})")


def _offending(response: Response) -> tuple[int, ...]:
    return tuple(getattr(response, "AttributeIdentifierList", None) or ())


def _words(status: int) -> str:
    return f"status {status:04X}H: {meaning(status)}"
