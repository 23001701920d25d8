"""What a user has becomes what an image box takes (PS3.4 H.2.1, PS3.3 C.13.5).

An *image* is an array, a Data Set or `File` that holds one, or the path of a DICOM file or of an ordinary picture
(PNG, JPEG, TIFF, BMP, GIF); Data Sets of pydicom and images of Pillow are taken, too. Everything that belongs to the
image and not to the film is settled here, since a printer knows none of it: compression, bits and sign, rescale,
window, colour space, shutter, overlays, and the aspect of the pixels.
What comes out is MONOCHROME1 or MONOCHROME2 of 8 or 12 bits over their full range, or RGB of 8 bits.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, TypedDict, Unpack

from ..film.sheet import PrintImage
from .arrays import Background
from .errors import ImageError
from .source import Image, Looks, Overlays, open_image
from .voi import Choice

__all__ = ["Choices", "prepare", "prepare_all"]


class Choices(TypedDict, total=False):
    """What may be chosen for a print image.

    - ``color``: RGB of 8 bits, whatever the image; else it is gray, colours by 0.299 R + 0.587 G + 0.114 B.
    - ``bits``: of gray, 8 (the default) or 12.
    - ``window``: a `Window`; or the number (from 1) or the explanation of one that the image has, its VOI LUTs first;
      or "auto", lowest to highest value of all frames. By default the first that it has; an image without one is
      printed over the range of its bits where these are P-Values or 8, else as "auto". Never applies to colour.
    - ``scale_lut``: spread a VOI LUT over its largest entry, rather than over the bits that its descriptor says.
    - ``overlays``: how those of the image are burnt in, "WHITE" (the default) or "BLACK", or "NONE" for not.
    - ``background``: what shows where a picture is transparent, "WHITE" (the default) or "BLACK".
    """

    color: bool
    bits: Literal[8, 12]
    window: Choice
    overlays: Overlays
    background: Background
    scale_lut: bool


def prepare(image: Image, *, frame: int = 1, **choices: Unpack[Choices]) -> PrintImage:
    """Make one frame of an image, from 1, ready for an image box.

    An array is gray HxW or colour HxWx3 or HxWx4 (with opacity), of uint8, uint16 or floats of 0 to 1. Raises
    ImageError where the image cannot be printed, and OSError where the file cannot be read.

    Pixels that are right as they are, such as a uint8 array, are not copied. ``notes`` of the print image tell what
    was wrong and passed over.
    """
    return next(prepare_all(image, frames=(frame,), **choices))


def prepare_all(
    image: Image, *, frames: Iterable[int] | None = None, **choices: Unpack[Choices]
) -> Iterator[PrintImage]:
    """Make frames of an image ready for image boxes, each when it is asked for; by default all of them.

    Raises as `prepare` does, for a frame when its turn has come.
    """
    bits = choices.get("bits", 8)
    if bits not in (8, 12):
        raise ImageError(f"bits {bits!r}: an image box takes 8 or 12 (PS3.3 C.13.5)")
    looks = Looks(
        window=choices.get("window"),
        overlays=choices.get("overlays", "WHITE"),
        background=choices.get("background", "WHITE"),
        scale_lut=choices.get("scale_lut", False),
    )
    source = open_image(image)
    for number in range(1, source.frames + 1) if frames is None else frames:
        picture = source.picture(number, looks)
        yield picture.in_color() if choices.get("color") else picture.in_gray(bits)
