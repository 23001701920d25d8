"""Sequence diagrams for Markdown."""

from recordings import steps_in

from dimse.explain.mermaid import mermaid


def test_markup_in_a_label_becomes_codes() -> None:
    (first, *_) = steps_in("echo-echoscu-dcmprscp")
    row = [*mermaid([first._replace(words='a;b#c"<br>\n end')])][-1]
    assert row == "    R->>A: A-ASSOCIATE-RQ a#59;b#35;c#34;#60;br#62;#10; end"


def test_broken_rule_is_a_note() -> None:
    rows = [*mermaid(steps_in("raw-dcmprscp-echo-on-wrong-context"))]
    assert [row for row in rows if row.startswith("    Note over R: the context was not proposed")]
    assert sum("R-xA" in row for row in rows) == 1
