"""The page of a recording: complete, self-contained, and safe from the texts of a peer."""

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from recordings import NAMES, Said, steps_in, steps_of

import dimse.explain.page
from dimse.data import EXPLICIT_LE, Dataset, Element, Tag, encode
from dimse.explain import ACCEPTOR, REQUESTOR, RecordedAssociation, Step
from dimse.explain.page import Chapter, page_of
from dimse.explain.redaction import redacted
from dimse.message import NCreateRQ, encode_command
from dimse.ul import (
    PDU,
    PDV,
    AssociateAC,
    AssociateRQ,
    PDataTF,
    PresentationContextAC,
    PresentationContextRQ,
    encode_pdu,
)

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def page(steps: Sequence[Step], title: str = "a title") -> str:
    return page_of(title, [Chapter(title=title, steps=steps)])


@cache
def page_of_recording(name: str) -> str:
    return page(steps_in(name))


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def hostile() -> Said:
    """Return a conversation in which every text is an attack."""
    syntax = "1.2.840.10008.1.2.1"
    asked = AssociateRQ(
        called_ae_title="<b>&'\"</b>",
        calling_ae_title="<svg onload=1>",
        presentation_contexts=(PresentationContextRQ(1, "<script>", (syntax,)),),
    )
    data = Dataset(FilmSessionLabel=HOSTILE)
    data.add(Element(Tag(0x00091001), "UT", HOSTILE))
    data.add(Element(Tag(0x00090010), "LO", "</title><script>"))
    command = encode_command(NCreateRQ(MessageID=1, AffectedSOPClassUID="<script>alert(3)", Data=b"some"))
    pdus = (
        asked,
        PDataTF((PDV(1, command, True, True),)),
        PDataTF((PDV(1, encode(data, EXPLICIT_LE), False, True),)),
    )
    return [(REQUESTOR, b"".join(b"".join(encode_pdu(pdu)) for pdu in pdus), None)]


@pytest.mark.parametrize("name", NAMES)
def test_page_has_all_bytes_and_pictures_fit(name: str) -> None:
    steps = steps_in(name)
    text = page_of_recording(name)
    assert len(text) < 1_000_000
    data = data_of(text)
    for step, shown in zip(steps, data["chapters"][0]["steps"], strict=True):
        lengths = [sum(field[0][1::2]) for field in shown["fields"]]
        assert sum(lengths) == step.length
        for one, field in zip(step.fields, shown["fields"], strict=True):
            octets = bytes.fromhex(field[6])
            assert octets == (b"" if one.secret else one.data[: len(octets)])


def test_texts_of_a_peer_are_not_markup() -> None:
    text = page(steps_of(hostile()), HOSTILE)
    assert "alert(1)</script>" not in text
    assert html.escape(HOSTILE) in text
    assert len(re.findall("<script", text)) == 2
    assert len(re.findall("</script", text)) == 2
    assert "<svg" not in text
    assert "<img" not in text
    assert HOSTILE in data_of(text)["strings"]


def test_policy_allows_only_the_script_and_style_of_the_page() -> None:
    text = page_of_recording("echo-echoscu-dcmprscp")
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found is not None
    policy = dict(rule.strip().split(" ", 1) for rule in found[1].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert policy[rule] == f"'sha256-{digest}'"


def test_page_refers_to_nothing_outside() -> None:
    text = page_of_recording("dcmtk-print-2x3-8bit")
    assert not re.findall(r"""(?:src|href|action)\s*=\s*["']?(?!data:)\w""", text.partition("<script>")[0])
    assert "://" not in text


def test_pixels_are_pictures() -> None:
    data = data_of(page_of_recording("dcmtk-print-2x3-8bit"))
    fields = [field for step in data["chapters"][0]["steps"] for field in step["fields"]]
    shown = [field[7]["picture"] for field in fields if len(field) > 7 and "picture" in field[7]]
    assert len(shown) == 6
    assert {len(data["pictures"][number]) for number in shown} == {3}


def test_every_field_has_a_sentence_or_is_unknown() -> None:
    for name in NAMES:
        data = data_of(page_of_recording(name))
        fields = [field for step in data["chapters"][0]["steps"] for field in step["fields"]]
        assert all(data["glossary"][field[5]][0] for field in fields)


def test_redacted_page_hides_pixels_and_labels() -> None:
    steps = [redacted(step) for step in steps_in("dcmtk-print-2x3-8bit")]
    data = data_of(page(steps))
    assert data["pictures"] == []
    fields = [field for step in data["chapters"][0]["steps"] for field in step["fields"]]
    pixels = [field for field in fields if data["strings"][field[3]] == "PixelData"]
    assert pixels
    assert all(field[6] == "" and field[7]["secret"] for field in pixels)
    formats = [data["strings"][field[4]] for field in fields if data["strings"][field[3]] == "ImageDisplayFormat"]
    assert formats[0] == "STANDARD\\2,3"


def test_step_with_many_fields_is_shortened() -> None:
    syntax = "1.2.840.10008.1.2"
    asked = AssociateRQ(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextRQ(1, "1.2", (syntax,)),)
    )
    command = encode_command(NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2", Data=b"some"))
    pdus: list[PDU] = [
        asked,
        PDataTF((PDV(1, command, True, True),)),
        *[PDataTF((PDV(1, b"x", False, False),))] * 2_000,
    ]
    wire = b"".join(b"".join(encode_pdu(pdu)) for pdu in pdus)
    steps = steps_of([(REQUESTOR, wire, None)])
    data = data_of(page(steps))
    shown = data["chapters"][0]["steps"][-1]["fields"]
    assert data["strings"][shown[-1][3]] == "5009 more fields"
    assert sum(sum(field[0][1::2]) for field in shown) == steps[-1].length


def test_page_of_a_large_recording_says_where_it_ends() -> None:
    echo = steps_in("echo-echoscu-dcmprscp")
    text = page(echo * 900)
    assert "The page ends after 5000 steps; the recording goes on." in text
    assert len(text) < 4_000_000


def test_full_page_reads_no_further_associations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.explain.page, "_MAX_STEPS", 3)
    echo = steps_in("echo-echoscu-dcmprscp")
    read: list[Step] = []

    def steps() -> Iterator[Step]:
        read.extend(echo)
        yield from echo

    text = page_of("", [Chapter(title="first", steps=echo), Chapter(title="second", steps=steps())])
    assert "The page ends after 3 steps; the recording goes on." in text
    assert (read, "second" in text) == ([], False)


def test_page_of_an_endless_message_reads_only_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.explain.record._MAX_LINES", 500)
    monkeypatch.setattr(dimse.explain.page, "_MAX_FIELDS_READ", 2_000)
    pdu = b"".join(encode_pdu(PDataTF((PDV(1, b"", True, False),) * 20)))
    read: list[Step] = []

    def steps() -> Iterator[Step]:
        for step in RecordedAssociation(pieces=[(REQUESTOR, pdu * 1_000, None)]).steps():
            read.append(step)
            yield step

    assert "The page ends after 5 steps; the recording goes on." in page_of("", [Chapter(title="", steps=steps())])
    assert sum(len(step.fields) for step in read) < 3_500


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        ("_MAX_FIELDS_READ", "The page ends after 1 steps; the recording goes on."),
        ("_MAX_DETAILS", "The page has no room for the fields of its last steps"),
        ("_MAX_PICTURES", "The page has no room for more pictures."),
    ],
)
def test_page_says_which_parts_have_no_room(bound: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.explain.page, bound, 1)
    assert words in page(steps_in("dcmtk-print-1x1-8bit"))


def test_bound_of_a_page_includes_its_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.explain.page, "_MAX_DETAILS", 20_000)
    command = encode_command(NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2", Data=b"some"))
    context = (1, "1.2", ("1.2.840.10008.1.2.1",))
    asked = AssociateRQ(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextRQ(*context),)
    )
    granted = AssociateAC(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextAC(1, 0, "1.2.840.10008.1.2.1"),),
    )
    said = [(REQUESTOR, b"".join(encode_pdu(asked)), None), (ACCEPTOR, b"".join(encode_pdu(granted)), None)]
    for number in range(20):
        texts = Dataset()
        for element in range(10):
            texts.add(Element(Tag(0x00091000 + element), "UT", f"{number:02}{element:02}" * 100))
        pdu = PDataTF((PDV(1, command, True, True), PDV(1, encode(texts, EXPLICIT_LE), False, True)))
        said.append((REQUESTOR, b"".join(encode_pdu(pdu)), None))
    shown = data_of(page(steps_of(said)))
    octets = [field[6] for step in shown["chapters"][0]["steps"] for field in step["fields"]]
    assert sum(map(len, [*shown["strings"], *octets])) < 30_000  # a step may exceed the bound


def test_long_field_shows_its_first_bytes() -> None:
    data = data_of(page_of_recording("dcmtk-print-1x1-8bit"))
    fields = [field for step in data["chapters"][0]["steps"] for field in step["fields"]]
    long = [field for field in fields if sum(field[0][1::2]) > 256]
    assert long
    assert {len(field[6]) for field in long} == {2 * 48}
