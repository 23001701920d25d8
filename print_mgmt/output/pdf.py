"""Pages as PDF (ISO 32000): each of the true size of its film, lossless; gray of 8 or 16 bits, or RGB of 8.

Printed without scaling, a page has the size of the film. Nothing but the pixels, their colour space and the title that
the caller gives is in it: no names of patients, no dates. Needs pikepdf, the extra ``film``.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from ..film.sheet import Page
from .scanlines import Deflate, deflate

if TYPE_CHECKING:
    import pikepdf

__all__ = ["write_pdf"]

_POINTS_PER_MM = 72 / 25.4
_PNG_PREDICTOR = 15  # each scan line names its own filter
_VERSION = "1.5"  # the first with 16 bits per component
_COLOURS = {2: (1, "/DeviceGray"), 3: (3, "/DeviceRGB")}  # by dimensions of the array


def write_pdf(pages: Iterable[Page], file: BinaryIO, *, title: str = "", compress: Deflate = deflate) -> None:
    """Write films as the pages of one PDF document. Raises ImportError where pikepdf is not installed."""
    import pikepdf

    with pikepdf.new() as document:
        if title:
            document.docinfo["/Title"] = title
        for page in pages:
            _add_page(document, page, compress)
        document.save(file, min_version=_VERSION)


def _add_page(document: "pikepdf.Pdf", page: Page, compress: Deflate) -> None:
    from pikepdf import Dictionary, Stream

    width, height = (round(mm * _POINTS_PER_MM, 3) for mm in (page.width_mm, page.height_mm))
    leaf = document.add_blank_page(page_size=(width, height))
    leaf.Resources = Dictionary(XObject=Dictionary(Film=_image(document, page, compress)))
    leaf.Contents = Stream(document, f"q {width} 0 0 {height} 0 0 cm /Film Do Q".encode())


def _image(document: "pikepdf.Pdf", page: Page, compress: Deflate) -> "pikepdf.Stream":
    from pikepdf import Dictionary, Name, Stream

    rows, columns = page.pixels.shape[:2]
    components, space = _COLOURS[page.pixels.ndim]
    bits = 8 * page.pixels.itemsize
    image = Stream(document, b"")
    image.write(
        b"".join(compress(page.pixels)),
        filter=Name.FlateDecode,
        decode_parms=Dictionary(Predictor=_PNG_PREDICTOR, Colors=components, BitsPerComponent=bits, Columns=columns),
    )
    image.Type, image.Subtype = Name.XObject, Name.Image
    image.Width, image.Height, image.BitsPerComponent = columns, rows, bits
    image.ColorSpace = _colour_space(document, page.ICCProfile, components, Name(space))
    return image


def _colour_space(
    document: "pikepdf.Pdf", profile: bytes | None, components: int, device: "pikepdf.Name"
) -> "pikepdf.Object":
    """The space of the device, or that of an ICC profile where the film has one (ISO 32000-1 §8.6.5.5)."""
    from pikepdf import Array, Name, Stream

    if not profile:
        return device
    stream = Stream(document, profile)
    stream.N, stream.Alternate = components, device
    return Array([Name.ICCBased, document.make_indirect(stream)])
