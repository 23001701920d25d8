"""The metadata of a PDF document, XMP (ISO 16684-1): that it is PDF/A-2b, and its title."""

import re
from xml.sax.saxutils import escape

__all__ = ["metadata", "printable"]

_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # no characters of XML 1.0, or not for titles
# ISO 19005-2 6.6.2.1 and 6.6.4: neither encoding nor length in the header, part and level in elements of their own
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


def metadata(title: str) -> bytes:
    """Return the packet in UTF-8; an empty title is none."""
    return _PACKET.format(title=_TITLE.format(title=escape(printable(title))) if title else "").encode()


def printable(title: str) -> str:
    """Return a title with question marks for what XML cannot say: document information and XMP have to agree."""
    return _UNPRINTABLE.sub("?", title)
