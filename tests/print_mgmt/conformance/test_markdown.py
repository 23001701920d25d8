"""Tables and contents in Markdown."""

from print_mgmt.conformance.markdown import contents_lines, table_lines


def test_bar_in_a_cell_is_escaped() -> None:
    assert list(table_lines(["Term", "Meaning"], [["a|b", "c"]])) == [
        "| Term | Meaning |",
        "|---|---|",
        "| a\\|b | c |",
    ]


def test_contents_list_numbered_headings() -> None:
    lines = ["# Title", "## 4 Networking", "text\n### 4.1 Model (PS3.2)", "## Without a number"]
    assert list(contents_lines(lines)) == ["- [4 Networking](#4-networking)", "  - [4.1 Model (PS3.2)](#41-model-ps32)"]
