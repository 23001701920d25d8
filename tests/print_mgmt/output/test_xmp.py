"""The metadata of a document: ISO 16684-1, as ISO 19005-2 6.6 wants it."""

from xml.etree import ElementTree

import pytest

from print_mgmt.output.xmp import metadata, printable

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"


@pytest.mark.parametrize("title", ["", "Film 7", "<&>\"'{}", "写真"])
def test_packet_says_part_and_conformance(title: str) -> None:
    root = ElementTree.fromstring(metadata(title))
    assert [element.text for element in root.iter(PDFAID + "part")] == ["2"]
    assert [element.text for element in root.iter(PDFAID + "conformance")] == ["B"]
    assert [element.text for element in root.iter(RDF + "li")] == ([title] if title else [])


def test_header_has_neither_bytes_nor_encoding() -> None:
    """6.6.2.1."""
    header = metadata("").splitlines()[0].decode()
    assert header == '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'


def test_characters_that_xml_lacks_become_question_marks() -> None:
    assert printable("a\0\t\x9f\ud800\uffffz\u00e4\U0001f600") == "a?????z\u00e4\U0001f600"
