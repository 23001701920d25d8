"""Writes pages losslessly as PDF/A-2b (ISO 19005-2), in the true size of the films: gray of 8 or 16 bits, RGB of 8.

The document requests printing without scaling, so a printed page has the size of its film. It contains only the pixels,
their profiles and the title: no names of patients, and no dates.

PDF libraries keep the whole document in memory, and hold the GIL while they write it, so a server cannot respond
meanwhile. This module keeps one page in memory, and releases the GIL while it compresses. Comments with § refer to ISO
32000-1.
"""

import re
from collections.abc import Iterable
from secrets import token_hex
from typing import BinaryIO
from xml.sax.saxutils import escape

from ..film.formats import MM_PER_INCH
from ..film.icc import srgb_profile
from ..film.sheet import Page
from .deflate import Deflate, deflate, deflate_bytes
from .page import OutputError, check_page, profile_of

__all__ = ["write_pdf"]

_POINTS_PER_MM = 72 / MM_PER_INCH
_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"  # the version of PDF/A-2, and a mark of binary data, §7.5.2
_PNG_PREDICTOR = 15  # each scan line names its filter, §7.4.4.4
_COMPONENTS = {2: 1, 3: 3}  # by dimensions of the array
_UNSCALED = "/ViewerPreferences << /PrintScaling /None >>"  # §12.2: 100 mm on film are 100 mm on paper
# The output condition of the whole document (ISO 19005-2 6.2.3); each image has a profile, too
_INTENT = "/OutputIntents [<< /Type /OutputIntent /S /GTS_PDFA1 {condition} /DestOutputProfile {profile} 0 R >>]"
_CONDITIONS = {
    1: "/OutputConditionIdentifier (Custom) /Info (Film)",
    3: "/OutputConditionIdentifier (sRGB IEC61966-2.1) /Info (sRGB IEC61966-2.1)",
}
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # controls, and what XML 1.0 does not allow
# XMP (ISO 16684-1). ISO 19005-2 6.6.2.1 forbids encoding and length in the header; by 6.6.4, part and conformance are
# XML elements, not attributes
_PACKET = """<?xpacket begin="\N{BYTE ORDER MARK}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description>{title}
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
_TITLE = """
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
</rdf:Description>"""


def write_pdf(pages: Iterable[Page], file: BinaryIO, *, title: str = "", compress: Deflate = deflate) -> None:
    """Write films as the pages of one PDF document, one page in memory at a time.

    ``file`` must be empty and support `tell`; it stays open. Raises OutputError if there is no page, and for an invalid
    page.
    """
    document = _Document(file)
    catalog, tree = document.reserve_number(), document.reserve_number()
    leaves, intent = [], ""
    for page in pages:
        check_page(page)
        intent = intent or _output_intent(document, page)
        leaves.append(_add_page(document, page, tree, compress))
    if not leaves:
        raise OutputError("a PDF document needs at least one page")
    kids = " ".join(f"{leaf} 0 R" for leaf in leaves)
    document.add(tree, f"<< /Type /Pages /Count {len(leaves)} /Kids [{kids}] >>")
    about = document.add_stream("/Type /Metadata /Subtype /XML", [_metadata(title)])
    document.add(catalog, f"<< /Type /Catalog /Pages {tree} 0 R /Metadata {about} 0 R {intent}\n{_UNSCALED} >>")
    entries = f"/Root {catalog} 0 R"
    if title:
        info = document.reserve_number()
        document.add(info, f"<< /Title <{_hex_text(title)}> >>")
        entries += f" /Info {info} 0 R"
    document.end(entries)


class _Document:
    """The objects of a document, written one after the other, and their offsets (§7.5)."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offsets: list[int] = []
        self._profiles: dict[bytes, int] = {}
        file.write(_HEADER)

    def reserve_number(self) -> int:
        """Return the number of a new object, which must be added later."""
        self._offsets.append(0)
        return len(self._offsets)

    def add(self, number: int, text: str) -> None:
        """Write an object."""
        self._begin(number)
        self._file.write(f"{text}\nendobj\n".encode())

    def add_stream(self, entries: str, data: Iterable[bytes]) -> int:
        """Write a stream part by part, then its length as another object; return the number of the stream."""
        number, length = self.reserve_number(), self.reserve_number()
        self._begin(number)
        self._file.write(f"<< {entries} /Length {length} 0 R >>\nstream\n".encode())
        written = sum(self._file.write(part) for part in data)
        self._file.write(b"\nendstream\nendobj\n")
        self.add(length, str(written))
        return number

    def add_profile(self, profile: bytes, components: int) -> int:
        """Write an ICC profile (§8.6.5.5), unless the document contains it already; return the number of its stream."""
        if profile not in self._profiles:
            entries = f"/N {components} /Filter /FlateDecode"
            self._profiles[profile] = self.add_stream(entries, [deflate_bytes(profile)])
        return self._profiles[profile]

    def end(self, entries: str) -> None:
        """Write the cross-reference table and the trailer."""
        table = self._file.tell()
        size = len(self._offsets) + 1
        rows = "".join(f"{offset:010} 00000 n \n" for offset in self._offsets)
        identity = token_hex(16)
        trailer = f"<< /Size {size} /ID [<{identity}> <{identity}>] {entries} >>"
        self._file.write(
            f"xref\n0 {size}\n0000000000 65535 f \n{rows}trailer\n{trailer}\nstartxref\n{table}\n%%EOF\n".encode()
        )

    def _begin(self, number: int) -> None:
        self._offsets[number - 1] = self._file.tell()
        self._file.write(f"{number} 0 obj\n".encode())


def _hex_text(title: str) -> str:
    """Return a text string as hexadecimal digits: UTF-16 with a byte order mark (§7.9.2.2)."""
    return ("\N{BYTE ORDER MARK}" + _printable(title)).encode("utf-16-be").hex()


def _add_page(document: _Document, page: Page, tree: int, compress: Deflate) -> int:
    width, height = (round(mm * _POINTS_PER_MM, 3) for mm in (page.width_mm, page.height_mm))
    image = _add_image(document, page, compress)
    contents = document.add_stream("", [f"q {width} 0 0 {height} 0 0 cm /Film Do Q".encode()])
    number = document.reserve_number()
    resources = f"<< /XObject << /Film {image} 0 R >> >>"
    box = f"/MediaBox [0 0 {width} {height}]"
    document.add(number, f"<< /Type /Page /Parent {tree} 0 R {box} /Resources {resources} /Contents {contents} 0 R >>")
    return number


def _add_image(document: _Document, page: Page, compress: Deflate) -> int:
    rows, columns = page.pixels.shape[:2]
    components = _COMPONENTS[page.pixels.ndim]
    depth = f"/BitsPerComponent {8 * page.pixels.itemsize}"
    space = f"[/ICCBased {document.add_profile(profile_of(page), components)} 0 R]"
    parameters = f"<< /Predictor {_PNG_PREDICTOR} /Colors {components} {depth} /Columns {columns} >>"
    return document.add_stream(
        f"/Type /XObject /Subtype /Image /Width {columns} /Height {rows} {depth} /ColorSpace {space}"
        f" /Filter /FlateDecode /DecodeParms {parameters}",
        compress(page.pixels),
    )


def _output_intent(document: _Document, page: Page) -> str:
    """Return the output intent of a document with this first page: its profile for gray, sRGB for color.

    The profile of a color film box may describe a scanner, which an output intent does not allow.
    """
    components = _COMPONENTS[page.pixels.ndim]
    profile = document.add_profile(profile_of(page) if components == 1 else srgb_profile(), components)
    return _INTENT.format(condition=_CONDITIONS[components], profile=profile)


def _metadata(title: str) -> bytes:
    """Return the XMP packet in UTF-8, without a title if ``title`` is empty."""
    return _PACKET.format(title=_TITLE.format(title=escape(_printable(title))) if title else "").encode()


def _printable(title: str) -> str:
    """Return a title with question marks for unprintable characters, so that both copies of the title are equal."""
    return _UNPRINTABLE.sub("?", title)
