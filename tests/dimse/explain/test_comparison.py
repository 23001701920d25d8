"""Two recordings compared: pairs of steps, their differences, and the reason of a failure in one line."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from recordings import said_in

from dimse.explain import ACCEPTOR, REQUESTOR, RecordedAssociation, Step
from dimse.explain.comparison import Comparison, Difference, Pair, compare
from dimse.explain.comparison_page import comparison_lines, comparison_page
from dimse.explain.facts import Weight, facts_of
from dimse.ul import AssociateAC, AssociateRQ, PresentationContextAC, PresentationContextRQ, RoleSelection, encode_pdu

GOOD = "dcmtk-print-1x1-8bit"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
VERIFICATION = "1.2.840.10008.1.1"


def steps(name: str) -> list[Step]:
    return list(RecordedAssociation(pieces=said_in(name)).steps())


def compared(left: str, right: str) -> Comparison:
    return compare(steps(left), steps(right))


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        (
            GOOD,
            "dcmtk-print-refused-value",
            (
                r"N-CREATE-RSP: Status is 0000H (Success) in a, 0106H (Failure: Invalid attribute value) in b; "
                r"in its request ImageDisplayFormat is STANDARD\1,1 in a, STANDARD\1,2 in b"
            ),
        ),
        (
            GOOD,
            "dcmtk-print-refused-attribute",
            (
                "N-CREATE-RSP: Status is 0000H (Success) in a, 0105H (Failure: No such attribute) in b; "
                "in its request BorderDensity is absent in a, WHITE in b"
            ),
        ),
        (
            "echo-echoscu-dcmprscp",
            "reject-called-pnd",
            (
                "A-ASSOCIATE-RJ association rejected: result 1 (rejected-permanent), source 1 (DICOM UL service-user), "
                "reason 7 (called-AE-title-not-recognized) is only in b; "
                "in its request Called-AE-title is ANY-SCP in a, WRONG in b"
            ),
        ),
        (
            "pnd-pnd-color",
            "pnd-dcmprscp-color-refused",
            (
                "A-ASSOCIATE-AC: context of Basic Color Print Management Meta SOP Class is acceptance, "
                "Explicit VR Little Endian in a, abstract-syntax-not-supported in b; everything before it is the same"
            ),
        ),
        (
            GOOD,
            "dcmtk-print-monochrome1",
            "N-SET-RQ: BasicGrayscaleImageSequence[1].PhotometricInterpretation is MONOCHROME2 in a, MONOCHROME1 in b",
        ),
        (
            "raw-dcmprscp-release",
            "raw-dcmprscp-close-without-release",
            "a is released, b is not released; all requests found in both had the same outcome",
        ),
        (GOOD, GOOD, "nothing differs"),
    ],
    ids=lambda value: value[:24],
)
def test_headline_tells_why(left: str, right: str, answer: str) -> None:
    assert compared(left, right).headline == answer


def test_pairs_have_all_steps_in_their_order() -> None:
    left, right = steps(GOOD), steps("dcmtk-print-refused-value")
    pairs = compare(left, right).pairs
    assert [pair.left for pair in pairs if pair.left] == [step for step in left if step.turns]
    assert [pair.right for pair in pairs if pair.right] == [step for step in right if step.turns]


def test_instance_uids_and_times_are_not_compared() -> None:
    left = steps("dcmtk-print-2x3-8bit")
    said = [(side, data, (time or 0) + 1000) for side, data, time in said_in("dcmtk-print-2x3-8bit")]
    assert compare(left, list(RecordedAssociation(pieces=said).steps())).headline == "nothing differs"
    for pair in compared(GOOD, "dcmtk-print-noprint").pairs:
        assert not [one for one in pair.differences if "SOPInstanceUID" in one.name]


def test_label_is_a_weak_difference() -> None:
    (label,) = {
        one.weight
        for pair in compared(GOOD, "dcmtk-print-refused-value").pairs
        for one in pair.differences
        if one.name == "FilmSessionLabel"
    }
    assert label == Weight.NAME


def opening(role: RoleSelection, syntax: str) -> list[Step]:
    asked = AssociateRQ(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextRQ(1, VERIFICATION, (EXPLICIT, IMPLICIT)),),
        user_information=(role,),
    )
    told = AssociateAC(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextAC(1, 0, syntax),)
    )
    said = [
        (REQUESTOR, b"".join(encode_pdu(asked)), None),
        (ACCEPTOR, b"".join(encode_pdu(told)), None),
    ]
    return list(RecordedAssociation(pieces=said).steps())


def test_roles_and_syntaxes_are_compared() -> None:
    left = opening(RoleSelection(VERIFICATION, scu=True, scp=False), EXPLICIT)
    right = opening(RoleSelection(VERIFICATION, scu=True, scp=True), IMPLICIT)
    found = [(one.name, one.left, one.right) for pair in compare(left, right).pairs for one in pair.differences]
    assert found == [
        ("roles for Verification SOP Class", "SCU", "SCU and SCP"),
        (
            "context of Verification SOP Class",
            "acceptance, Explicit VR Little Endian",
            "acceptance, Implicit VR Little Endian",
        ),
    ]


def test_elements_in_items_have_their_path() -> None:
    names = {name for step in steps(GOOD) for name in facts_of(step)}
    assert "BasicGrayscaleImageSequence[1].Rows" in names
    assert "ReferencedFilmSessionSequence[1].ReferencedSOPClassUID" in names


def test_long_recordings_are_compared_at_their_beginning() -> None:
    many = [*steps(GOOD)[:4] * 600, *steps(GOOD)]
    comparison = compare(many, many)
    assert comparison.is_cut
    assert comparison.ends == ("released", "released")
    assert len(comparison.pairs) == 2000
    assert list(comparison_lines(comparison))[-1] == "The recordings go on; only their first steps are compared."


def test_steps_without_pdus_do_not_count() -> None:
    empty = [step._replace(turns=()) for step in steps(GOOD)[:1] * 2001]
    assert not compare([*empty, *steps(GOOD)], steps(GOOD)).is_cut


def test_text_begins_with_the_headline_and_marks_differences() -> None:
    comparison = compared(GOOD, "dcmtk-print-refused-value")
    first, *rows = comparison_lines(comparison)
    assert first == comparison.headline
    assert sum(row.startswith("! ") for row in rows) == 1
    at = rows.index("      * ImageDisplayFormat")
    assert rows[at + 1 : at + 3] == [r"          a: STANDARD\1,1", r"          b: STANDARD\1,2"]
    assert re.fullmatch(r"\d+ of \d+ steps are the same; a is released, b is released", rows[-1])


@pytest.mark.parametrize(("right", "kind"), [(GOOD, "headline same"), ("dcmtk-print-refused-value", "headline")])
def test_page_marks_a_headline_that_matters(right: str, kind: str) -> None:
    assert f'<p class="{kind}">' in comparison_page("a title", ("a", "b"), [compared(GOOD, right)], [])


def test_page_counts_the_differences_that_it_leaves_out() -> None:
    step = steps(GOOD)[0]
    found = tuple(Difference(f"fact {number}", "a", "b", Weight.CONTENT) for number in range(203))
    comparison = compared(GOOD, GOOD)
    for count, more in ((200, False), (203, True)):
        changed = replace(comparison, pairs=(Pair(step, step, found[:count]),))
        assert ("and 3 more" in comparison_page("a title", ("a", "b"), [changed], [])) == more


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)


def test_page_shows_hostile_values_as_text() -> None:
    attack = "<script>hit()</script>"
    page = comparison_page(attack, (attack, attack), [compared(GOOD, "dcmtk-print-refused-value")], [attack])
    reader = _Reader()
    reader.feed(page)
    assert "script" not in reader.tags
    assert "default-src 'none'" in page
    assert reader.tags.count("section") == 1
